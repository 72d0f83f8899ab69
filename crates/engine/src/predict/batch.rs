//! A [`Batch`]: everything that `faceprobe predict` was asked, answered line by line.

use super::{
    Batch, BatchReply, BatchSummary, Detect, Explained, Inputs, Item, Options, Prediction, PredictionThread, Predictor,
    Separator,
};
use super::{overlay, predict_all};
use faceprobe_core::error::{Error, Result};
use faceprobe_core::imaging::Pixels;
use faceprobe_core::outputs::Outputs;
use faceprobe_core::workspace::Workspace;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// Answers a batch; `paths` are where maps go (if they were asked for), the lists, and what is to be predicted. What `say`
/// says of the first reply and after it ends the work.
///
/// # Errors
/// No such run or no model in it; weights that are missing; lists that cannot be read; options that contradict each other.
pub fn answer(batch: &Batch, paths: &[PathBuf], say: &mut dyn FnMut(&BatchReply) -> Result<()>) -> Result<()> {
    let workspace = Workspace::open(&batch.workspace)?;
    let (out, paths) = match (batch.explain, paths) {
        (true, [out, rest @ ..]) => (Some(out), rest),
        _ => (None, paths),
    };
    let (lists, paths) = paths.split_at(batch.lists.min(paths.len()));
    let predictor = Predictor::load(&workspace, batch.model.as_deref(), &batch.device, batch.threads)?;
    let options = &batch.options;
    if predictor.detect(options) == Detect::None && (options.every_face || options.template.is_some()) {
        return Err(Error::usage(
            "--every-face and --template are about faces; add --detect align (or detect) to look for them.",
        ));
    }
    let inputs = inputs(batch, lists, paths)?;
    let into_folder = out.map(|out| check_target(out, &inputs, paths)).transpose()?;
    let mut outputs = Outputs::new(&workspace, batch.force);
    paths.iter().chain(lists).for_each(|path| outputs.keep(path));
    if let (Some(out), Some(false)) = (out, into_folder) {
        outputs.check(out)?;
    }
    predictor.prepare(options)?;
    say(&BatchReply::Begun { classes: predictor.classes().clone() })?;
    let mut take = |prediction: Prediction| say(&BatchReply::Answer(Box::new(prediction)));
    let summary = match out.zip(into_folder) {
        Some(target) => explain_all(&predictor, inputs, options, (target, &outputs), &mut take)?,
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

/// Whether maps go into a folder.
///
/// # Errors
/// One file for several pictures.
fn check_target(out: &Path, inputs: &Inputs, paths: &[PathBuf]) -> Result<bool> {
    let folder = out.is_dir() || out.as_os_str().as_encoded_bytes().ends_with(b"/");
    let single = inputs.is_single() || matches!(paths, [path] if path.as_os_str() == "-");
    if !folder && !single {
        return Err(Error::usage(format!(
            "{}: is one file for the maps of several pictures; name a folder (with / at its end).",
            out.display()
        )));
    }
    Ok(folder)
}

/// Predicts one after the other, with a picture of the map for each in a file, or in a folder.
fn explain_all(
    predictor: &Predictor,
    mut inputs: Inputs,
    options: &Options,
    ((out, into_folder), outputs): ((&PathBuf, bool), &Outputs),
    take: &mut dyn FnMut(Prediction) -> Result<()>,
) -> Result<BatchSummary> {
    let mut worker = predictor.worker()?;
    let mut taken = HashSet::new();
    let mut summary = BatchSummary::default();
    while let Some(item) = inputs.wait() {
        let path = if into_folder { free_name(outputs, out, &item, &mut taken) } else { out.to_owned() };
        for prediction in explained(&mut worker, &item, options, (outputs, &path)) {
            summary.add(&prediction);
            take(prediction)?;
        }
    }
    Ok(summary)
}

/// The answers for one item, its maps drawn over it at `path`. Without maps, the answers say why.
fn explained(
    worker: &mut PredictionThread<'_>,
    item: &Item,
    options: &Options,
    (outputs, path): (&Outputs, &Path),
) -> Vec<Prediction> {
    let draw = |explained: &[Explained], picture: &Pixels| {
        let maps: Vec<_> = explained.iter().map(|one| (&one.map, one.placement)).collect();
        overlay::save_png(outputs, path, &overlay::overlay(picture, &maps))
    };
    let (picture, answers) = match worker.explain(item, options) {
        Ok(found) => found,
        // The ordinary way says the same about a bad image, as an answer.
        Err(error) => {
            let mut predictions = worker.predict(std::slice::from_ref(item), options);
            for prediction in &mut predictions {
                prediction.error.get_or_insert_with(|| error.to_string());
            }
            return predictions;
        }
    };
    let drawn = draw(&answers, &picture);
    let finish = |one: Explained| {
        let mut prediction = one.prediction;
        match &drawn {
            Ok(()) => prediction.explanation = Some(path.to_string_lossy().into_owned()),
            Err(error) => prediction.error = Some(error.to_string()),
        }
        prediction
    };
    answers.into_iter().map(finish).collect()
}

/// Names that are tried for one picture.
const MOST_NAMES: usize = 10_000;

/// A name in the folder that no other picture of this command has, nor a file that may not be overwritten.
fn free_name(outputs: &Outputs, folder: &Path, item: &Item, taken: &mut HashSet<PathBuf>) -> PathBuf {
    let stem = match item {
        Item::File(path) => path.file_stem().map(|stem| stem.to_string_lossy().into_owned()),
        _ => None,
    };
    let stem = stem.unwrap_or_else(|| "image".into());
    let name = |number: usize| match number {
        0 => folder.join(format!("{stem}.png")),
        number => folder.join(format!("{stem}-{}.png", number + 1)),
    };
    let path = (0..MOST_NAMES)
        .map(name)
        .find(|path| !taken.contains(path) && outputs.check(path).is_ok())
        .unwrap_or_else(|| name(0));
    taken.insert(path.clone());
    path
}
