//! `faceprobe predict PATH…`.

use super::Context;
use super::args::PredictArgs;
use super::output::{print, say, to_json};
use faceprobe_core::error::{Error, Result};
use faceprobe_core::predict::{Answers, Batch, BatchReply, BatchSummary, Options, Prediction, UNCERTAIN};
use faceprobe_core::text::{line, printable};
use serde::Serialize;
use std::io::{BufRead, BufReader, IsTerminal, Read};
use std::process::ExitCode;
use std::time::Instant;

/// Predicts all inputs; answers are printed as they arrive, in input order. Exit code 1 if any image could not be
/// predicted.
pub(crate) fn run(context: &Context, args: &PredictArgs) -> Result<ExitCode> {
    check_stdin(args)?;
    let batch = Batch {
        workspace: context.workspace.root().to_owned(),
        model: args.model.clone(),
        device: context.device.clone(),
        threads: context.threads,
        options: Options {
            detect: args.detect,
            template: args.template,
            every_face: args.every_face,
            uncertain_below: args.uncertain_below,
        },
        recursive: args.recursive,
        stdin: args.stdin,
        null: args.null,
        lists: args.list.len(),
        explain: args.explain.is_some(),
        force: args.force,
    };
    let mut answers = Answers::ask(&batch, args.explain.as_deref(), &args.list, &args.paths)?;
    let messages = answers.messages().map(|messages| std::thread::spawn(move || pass_on(messages)));
    let told = tell(context, args, &mut answers);
    drop(answers);
    if let Some(messages) = messages {
        // It ends with the worker, whose panic was reported.
        let _ = messages.join();
    }
    let (summary, seconds) = told?;
    if summary.answers > 1 && !context.quiet {
        say(&text(&summary, seconds));
    }
    // A result like the answers, so that nothing is lost in silence even where progress is.
    if !summary.passed.is_empty() {
        say(&line(&format!("passed over: {}", summary.passed.text())));
    }
    Ok(if summary.failed > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Prints the answers as they arrive; returns their counts and the seconds.
fn tell(context: &Context, args: &PredictArgs, answers: &mut Answers) -> Result<(BatchSummary, f64)> {
    let mut begun = Instant::now();
    let mut printer = None;
    loop {
        match (answers.reply()?, &mut printer) {
            (BatchReply::Begun { classes }, _) => {
                begun = Instant::now();
                // From here on, errors are answers.
                printer.insert(Printer::new(context, args, &classes)).begin()?;
            }
            (BatchReply::Answer(prediction), Some(printer)) => printer.take(&prediction)?,
            (BatchReply::Ended(summary), Some(printer)) => {
                printer.end()?;
                return Ok((summary, begun.elapsed().as_secs_f64()));
            }
            _ => return Err(Error::failed("The worker answered before it had begun.")),
        }
    }
}

/// Prints the messages of the worker and its libraries, line by line.
fn pass_on(messages: impl Read) {
    let mut messages = BufReader::new(messages);
    let mut said = Vec::new();
    while matches!(messages.read_until(b'\n', &mut said), Ok(1..)) {
        say(&line(String::from_utf8_lossy(&said).trim_end_matches('\n')));
        said.clear();
    }
}

/// Standard input can be read once, and a terminal as input gets a prompt.
fn check_stdin(args: &PredictArgs) -> Result<()> {
    let named = args.paths.iter().filter(|path| path.as_os_str() == "-").count();
    if named + usize::from(args.stdin) > 1 {
        return Err(Error::usage("Standard input can be read once only."));
    }
    if (args.stdin || named > 0) && std::io::stdin().is_terminal() {
        say("faceprobe: reading paths from the keyboard, one a line; Ctrl-D ends them");
    }
    Ok(())
}

fn text(summary: &BatchSummary, seconds: f64) -> String {
    let BatchSummary { answers, failed, uncertain, .. } = *summary;
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

/// Prints answers in one of three formats.
struct Printer {
    form: Form,
    /// Width of the label column.
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

/// Neighbours named in a line of text; JSON has all that voted.
const NEAREST: usize = 3;

/// Width of the input column.
const INPUT: usize = 13;

impl Printer {
    fn new(context: &Context, args: &PredictArgs, classes: &[String; 2]) -> Self {
        let form = match (context.json, args.csv) {
            (true, _) => Form::Json,
            (_, true) => Form::Csv,
            _ => Form::Text,
        };
        let widths = classes.iter().map(|class| printable(class).chars().count());
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
            let error = line(prediction.error.as_deref().unwrap_or("no answer"));
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
        about.extend(prediction.note.as_deref().map(|note| line(note).into_owned()));
        about.extend(prediction.explanation.as_ref().map(|path| format!("map in {}", printable(path))));
        let about = if about.is_empty() { String::new() } else { format!("  ({})", about.join("; ")) };
        let (label, path) = (printable(label), printable(&prediction.path));
        let mut text = format!("{label:<width$}  {probability:>11.3}  {shown:<INPUT$}  {path}{about}\n");
        for neighbour in prediction.neighbours.iter().take(NEAREST) {
            let (label, path) = (printable(&neighbour.label), printable(&neighbour.path));
            text += &format!("  nearest: {label:<width$}  {:.3}  {path}\n", neighbour.similarity);
        }
        text
    }
}

/// One object of the array.
fn indented(prediction: &impl Serialize) -> Result<String> {
    let text = to_json(prediction)?;
    Ok(text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n"))
}

/// The fields of `--json`, with the number of faces and the box of the predicted one.
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
    writer
        .write_record(cells.iter().map(|cell| printable(cell).into_owned()))
        .map_err(|error| wrong(error.to_string()))?;
    let bytes = writer.into_inner().map_err(|error| wrong(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| wrong(error.to_string()))
}
