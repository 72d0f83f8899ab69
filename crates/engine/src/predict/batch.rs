//! Answers a [`Batch`]: all inputs of a `faceprobe predict`, one reply per line.

use super::{
    Batch, BatchReply, BatchSummary, Detect, Explained, Inputs, Item, Options, Prediction, PredictionThread, Predictor,
    Separator,
};
use super::{overlay, predict_all};
use faceprobe_core::backbone::weights::weights_dir;
use faceprobe_core::error::{AtPath, Error, Result};
use faceprobe_core::imaging::{Pixels, png};
use faceprobe_core::outputs::{Outputs, STANDARD_INPUT, STANDARD_OUTPUT, same_file, takes_files};
use faceprobe_core::path_text::text_of;
use faceprobe_core::workspace::Workspace;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

/// Answers a batch. `paths` are, in this order, the file or folder for maps (if requested), the lists, and the inputs.
/// An error of `say` ends the work.
///
/// # Errors
/// An unknown run or one without a model; missing weights; lists that cannot be read; contradicting options.
pub fn answer(batch: &Batch, paths: &[PathBuf], say: &mut dyn FnMut(&BatchReply) -> Result<()>) -> Result<()> {
    let workspace = Workspace::open(&batch.workspace)?;
    let (out, paths) = match (batch.explain, paths) {
        (true, [out, rest @ ..]) => (Some(out), rest),
        _ => (None, paths),
    };
    let (lists, paths) = paths.split_at(batch.lists.min(paths.len()));
    let mut inputs = inputs(batch, lists, paths)?;
    let maps = out.map(|out| Maps::of(&workspace, batch.force, out, &mut inputs, (lists, paths))).transpose()?;
    let predictor = Predictor::load(&workspace, batch.model.as_deref(), &batch.device, batch.threads)?;
    let options = &batch.options;
    if predictor.detect(options) == Detect::None && (options.every_face || options.template.is_some()) {
        return Err(Error::usage(
            "--every-face and --template are about faces; add --detect align (or detect) to look for them.",
        ));
    }
    predictor.prepare(options)?;
    say(&BatchReply::Begun { classes: predictor.classes().clone() })?;
    let mut take = |prediction: Prediction| say(&BatchReply::Answer(Box::new(prediction)));
    let summary = match maps {
        Some(maps) => explain_all(&predictor, inputs, options, maps, &mut take)?,
        None => predict_all(&predictor, inputs, options, batch.threads, &mut take)?,
    };
    say(&BatchReply::Ended(summary))
}

fn inputs(batch: &Batch, lists: &[PathBuf], paths: &[PathBuf]) -> Result<Inputs> {
    let separator = if batch.null { Separator::Nul } else { Separator::Line };
    let mut inputs = Inputs::new(batch.recursive);
    for path in paths {
        if path.as_os_str() == "-" { inputs.standard_input(separator) } else { inputs.path(path) }
    }
    for list in lists {
        inputs.list(list, separator)?;
    }
    if batch.stdin {
        inputs.standard_input(separator);
    }
    Ok(inputs)
}

/// Where maps are written.
struct Maps<'a> {
    out: &'a Path,
    into_folder: bool,
    /// Whether the single file has its map already.
    taken: bool,
    outputs: Outputs,
}

impl<'a> Maps<'a> {
    /// Checks all inputs, so that no map overwrites one of them.
    ///
    /// # Errors
    /// One file for several images; a file that must not be overwritten; a folder that cannot be written to.
    fn of(
        workspace: &Workspace,
        force: bool,
        out: &'a Path,
        inputs: &mut Inputs,
        (lists, paths): (&[PathBuf], &[PathBuf]),
    ) -> Result<Self> {
        let into_folder = out.is_dir() || out.as_os_str().as_encoded_bytes().ends_with(b"/");
        let single = inputs.is_single() || matches!(paths, [path] if path.as_os_str() == "-");
        if !into_folder && !single {
            return Err(several(out));
        }
        if same_file(out, Path::new(STANDARD_OUTPUT)) {
            return Err(Error::usage("Maps are not written to standard output, where the answers are; name a file."));
        }
        let mut outputs = Outputs::new(workspace, force);
        inputs.look_ahead(|path| outputs.keep(path));
        lists.iter().for_each(|list| outputs.keep(list));
        outputs.keep(Path::new(STANDARD_INPUT));
        let weights = weights_dir().and_then(|folder| fs::read_dir(&folder).at(&folder));
        weights.into_iter().flatten().flatten().for_each(|file| outputs.keep(&file.path()));
        if into_folder {
            takes_files(out)?
        } else {
            outputs.check(out)?
        }
        Ok(Self { out, into_folder, taken: false, outputs })
    }

    /// Saves the image of a map and returns its path.
    fn save(&mut self, item: &Item, picture: &Pixels) -> Result<PathBuf> {
        let bytes = png(picture).map_err(|reason| Error::file(self.out, reason))?;
        // The inputs of a growing list are known only now.
        if let Item::File(path) = item {
            self.outputs.keep(path);
        }
        if self.into_folder {
            return self.outputs.write_first(names(self.out, item), &bytes);
        }
        if std::mem::replace(&mut self.taken, true) {
            return Err(several(self.out));
        }
        self.outputs.write(self.out, &bytes).map(|()| self.out.to_owned())
    }
}

fn several(out: &Path) -> Error {
    Error::usage(format!(
        "{}: is one file for the maps of several pictures; name a folder (with / at its end).",
        out.display()
    ))
}

/// Candidate names for the map of an image in a folder: the image's own, then with a number.
fn names(folder: &Path, item: &Item) -> impl Iterator<Item = PathBuf> {
    let stem = match item {
        Item::File(path) => path.file_stem().map(OsStr::to_owned),
        _ => None,
    };
    let stem = stem.unwrap_or_else(|| "image".into());
    (1..).map(move |number: usize| {
        let mut name = stem.clone();
        name.push(if number == 1 { ".png".to_owned() } else { format!("-{number}.png") });
        folder.join(name)
    })
}

/// Predicts the inputs in order, with an image of the map for each, in a file or in a folder.
fn explain_all(
    predictor: &Predictor,
    mut inputs: Inputs,
    options: &Options,
    mut maps: Maps<'_>,
    take: &mut dyn FnMut(Prediction) -> Result<()>,
) -> Result<BatchSummary> {
    let mut worker = predictor.worker()?;
    let mut summary = BatchSummary::default();
    while let Some(item) = inputs.wait() {
        for prediction in explained(&mut worker, &item, options, &mut maps) {
            summary.add(&prediction);
            take(prediction)?;
        }
    }
    summary.passed = inputs.passed_over();
    Ok(summary)
}

/// The answers for one item, each with its map drawn over the image in a file, or with the reason why there is none.
fn explained(
    worker: &mut PredictionThread<'_>,
    item: &Item,
    options: &Options,
    maps: &mut Maps<'_>,
) -> Vec<Prediction> {
    let (picture, answers) = match worker.explain(item, options) {
        Ok(found) => found,
        // A prediction without a map reports the same error about a bad image, as an answer.
        Err(error) => {
            let mut predictions = worker.predict(std::slice::from_ref(item), options);
            for prediction in &mut predictions {
                prediction.error.get_or_insert_with(|| error.to_string());
            }
            return predictions;
        }
    };
    let drawn: Vec<_> = answers.iter().map(|one| (&one.map, one.placement)).collect();
    let saved = maps.save(item, &overlay::overlay(&picture, &drawn));
    let finish = |one: Explained| {
        let mut prediction = one.prediction;
        match &saved {
            Ok(path) => prediction.explanation = Some(text_of(path).into_owned()),
            Err(error) => prediction.error = Some(error.to_string()),
        }
        prediction
    };
    answers.into_iter().map(finish).collect()
}
