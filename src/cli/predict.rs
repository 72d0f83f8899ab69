//! `faceprobe predict PATH…`.

use super::Context;
use super::args::PredictArgs;
use super::output::print;
use crate::error::{Error, Result};
use crate::imaging::Pixels;
use crate::predict::{
    Account, Detect, Explained, Inputs, Item, Options, Prediction, Predictor, Separator, UNCERTAIN, Worker, overlay,
    predict_all,
};
use serde::Serialize;
use std::collections::HashSet;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

/// Predicts everything that was named; each answer appears as it comes, in the order of the inputs. Exit code 1 when
/// any image could not be predicted.
pub(crate) fn run(context: &Context, args: &PredictArgs) -> Result<ExitCode> {
    let predictor = Predictor::load(&context.workspace, args.model.as_deref(), &context.device, context.threads)?;
    let options = Options {
        detect: args.detect,
        template: args.template,
        every_face: args.every_face,
        uncertain_below: args.uncertain_below,
    };
    if predictor.detect(&options) == Detect::None && (args.every_face || args.template.is_some()) {
        return Err(Error::usage(
            "--every-face and --template are about faces; add --detect align (or detect) to look for them.",
        ));
    }
    let inputs = inputs(args)?;
    let into_folder = args.explain.as_ref().map(|out| check_target(out, &inputs, args)).transpose()?;
    predictor.prepare(&options)?;
    let begun = Instant::now();
    let mut printer = Printer::new(context, args, &predictor);
    // From here on, what goes wrong is an answer.
    printer.begin()?;
    let account = match args.explain.as_deref().zip(into_folder) {
        Some(out) => explain_all(&predictor, inputs, &options, out, &mut printer)?,
        None => {
            predict_all(&predictor, inputs, &options, context.threads, &mut |prediction| printer.take(&prediction))?
        }
    };
    printer.end()?;
    if account.answers > 1 && !context.quiet {
        eprintln!("{}", summary(&account, begun.elapsed().as_secs_f64()));
    }
    Ok(if account.failed > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn inputs(args: &PredictArgs) -> Result<Inputs> {
    let separator = if args.null { Separator::Nul } else { Separator::Line };
    let mut inputs = Inputs::new(args.recursive);
    let named = args.paths.iter().filter(|path| path.as_os_str() == "-").count();
    if named + usize::from(args.stdin) > 1 {
        return Err(Error::usage("Standard input can be read once only."));
    }
    if (args.stdin || named > 0) && std::io::stdin().is_terminal() {
        eprintln!("faceprobe: reading paths from the keyboard, one a line; Ctrl-D ends them");
    }
    for path in &args.paths {
        if path.as_os_str() == "-" { inputs.standard_input(separator) } else { inputs.path(path) }
    }
    for list in &args.list {
        inputs.list(list, separator)?;
    }
    if args.stdin {
        inputs.standard_input(separator);
    }
    Ok(inputs)
}

fn summary(account: &Account, seconds: f64) -> String {
    let Account { answers, failed, uncertain } = *account;
    let mut text =
        format!("{answers} answers in {seconds:.1} s ({:.0} per second)", answers as f64 / seconds.max(1e-9));
    if uncertain > 0 {
        text += &format!(", {uncertain} uncertain");
    }
    if failed > 0 {
        text += &format!(", {failed} failed");
    }
    text
}

/// Whether maps go into a folder.
///
/// # Errors
/// One file for several pictures.
fn check_target(out: &Path, inputs: &Inputs, args: &PredictArgs) -> Result<bool> {
    let folder = out.is_dir() || out.as_os_str().as_encoded_bytes().ends_with(b"/");
    let single = inputs.is_single() || matches!(&args.paths[..], [path] if path.as_os_str() == "-");
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
    (out, into_folder): (&Path, bool),
    printer: &mut Printer,
) -> Result<Account> {
    let mut worker = predictor.worker()?;
    let mut taken = HashSet::new();
    let mut account = Account::default();
    while let Some(item) = inputs.wait() {
        let path = if into_folder { free_name(out, &item, &mut taken) } else { out.to_owned() };
        for prediction in explained(&mut worker, &item, options, &path) {
            account.add(&prediction);
            printer.take(&prediction)?;
        }
    }
    Ok(account)
}

/// The answers for one item, its maps drawn over it at `path`. Without maps, the answers say why.
fn explained(worker: &mut Worker<'_>, item: &Item, options: &Options, path: &Path) -> Vec<Prediction> {
    let draw = |explained: &[Explained], picture: &Pixels| {
        let maps: Vec<_> = explained.iter().map(|one| (&one.map, one.placement)).collect();
        overlay::save_png(path, &overlay::overlay(picture, &maps))
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

/// A name in the folder that no other picture of this command has.
fn free_name(folder: &Path, item: &Item, taken: &mut HashSet<PathBuf>) -> PathBuf {
    let stem = match item {
        Item::File(path) => path.file_stem().map(|stem| stem.to_string_lossy().into_owned()),
        _ => None,
    };
    let stem = stem.unwrap_or_else(|| "image".into());
    let name = |number: usize| match number {
        0 => folder.join(format!("{stem}.png")),
        number => folder.join(format!("{stem}-{}.png", number + 1)),
    };
    let path = (0..).map(name).find(|path| !taken.contains(path)).unwrap_or_else(|| name(0));
    taken.insert(path.clone());
    path
}

/// Writes answers in one of three forms.
struct Printer {
    form: Form,
    /// Columns of the label.
    label: usize,
    head: bool,
    written: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Form {
    Text,
    Json,
    Csv,
}

/// Columns of what went into the network.
const INPUT: usize = 13;

impl Printer {
    fn new(context: &Context, args: &PredictArgs, predictor: &Predictor) -> Self {
        let form = match (context.json, args.csv) {
            (true, _) => Form::Json,
            (_, true) => Form::Csv,
            _ => Form::Text,
        };
        let widths = predictor.classes().iter().map(|class| class.chars().count());
        let label = widths.chain([UNCERTAIN.len()]).max().unwrap_or(0);
        Self { form, label, head: !context.quiet, written: 0 }
    }

    fn begin(&self) -> Result<()> {
        match self.form {
            Form::Text if self.head => print(&format!(
                "{:<label$}  probability  {:<INPUT$}  image\n{}  -----------  {}  -----\n",
                "label",
                "shown",
                "-".repeat(self.label),
                "-".repeat(INPUT),
                label = self.label
            )),
            Form::Text => Ok(()),
            Form::Json => print("["),
            Form::Csv => print(&csv_line(&COLUMNS.map(str::to_owned))?),
        }
    }

    fn take(&mut self, prediction: &Prediction) -> Result<()> {
        let text = match self.form {
            Form::Text => self.line(prediction),
            Form::Json => {
                let comma = if self.written > 0 { "," } else { "" };
                format!("{comma}\n{}", indented(prediction)?)
            }
            Form::Csv => csv_line(&cells(prediction))?,
        };
        self.written += 1;
        print(&text)
    }

    fn end(&self) -> Result<()> {
        match self.form {
            Form::Json if self.written == 0 => print("]\n"),
            Form::Json => print("\n]\n"),
            _ => Ok(()),
        }
    }

    fn line(&self, prediction: &Prediction) -> String {
        let width = self.label;
        let (Some(label), Some(probability), None) = (&prediction.label, prediction.probability, &prediction.error)
        else {
            let error = printable(prediction.error.as_deref().unwrap_or("no answer"));
            return format!("{:<width$}  {:>11}  {:<INPUT$}  {error}\n", "error", "-", "-");
        };
        let mut about = Vec::new();
        if prediction.faces.len() > 1 {
            let of = prediction.face.map_or(0, |face| face + 1);
            about.push(format!("face {of} of {}", prediction.faces.len()));
        }
        let shown = match prediction.input.split_once(", ") {
            Some((shown, why)) => {
                about.push(why.to_owned());
                shown
            }
            None => prediction.input.as_str(),
        };
        about.extend(prediction.note.clone());
        about.extend(prediction.explanation.as_ref().map(|path| format!("map in {}", printable(path))));
        let about = if about.is_empty() { String::new() } else { format!("  ({})", about.join("; ")) };
        let path = printable(&prediction.path);
        format!("{label:<width$}  {probability:>11.3}  {shown:<INPUT$}  {path}{about}\n")
    }
}

/// One object of the array.
fn indented(prediction: &impl Serialize) -> Result<String> {
    let text = serde_json::to_string_pretty(prediction).map_err(|error| Error::failed(error.to_string()))?;
    Ok(text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n"))
}

/// The fields of `--json`; of the faces, how many there are and the box of the one that is told.
const COLUMNS: [&str; 15] = [
    "path",
    "label",
    "probability",
    "score",
    "threshold",
    "faces",
    "error",
    "input",
    "face",
    "left",
    "top",
    "right",
    "bottom",
    "note",
    "model",
];

fn cells(prediction: &Prediction) -> [String; 15] {
    let number = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
    let bounds = prediction.face.and_then(|face| prediction.faces.get(face)).map(|face| face.bounds);
    let side = |side: usize| number(bounds.map(|bounds| bounds[side]));
    [
        prediction.path.clone(),
        prediction.label.clone().unwrap_or_default(),
        number(prediction.probability),
        number(prediction.score),
        prediction.threshold.to_string(),
        prediction.faces.len().to_string(),
        prediction.error.clone().unwrap_or_default(),
        prediction.input.clone(),
        prediction.face.map(|face| face.to_string()).unwrap_or_default(),
        side(0),
        side(1),
        side(2),
        side(3),
        prediction.note.clone().unwrap_or_default(),
        prediction.model.clone(),
    ]
}

fn csv_line(cells: &[String]) -> Result<String> {
    let wrong = |error: String| Error::failed(format!("The answer cannot be written as CSV ({error})."));
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(cells).map_err(|error| wrong(error.to_string()))?;
    let bytes = writer.into_inner().map_err(|error| wrong(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| wrong(error.to_string()))
}

/// One line, whatever a file is called.
fn printable(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}
