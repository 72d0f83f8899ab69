//! `faceprobe predict IMAGE…`.

use super::Context;
use super::args::PredictArgs;
use super::output::{print, print_json};
use crate::error::Result;
use crate::predict::{Prediction, Predictor};
use std::process::ExitCode;

/// Predicts each image in turn; text appears as it comes. Exit code 1 when any image could not be predicted.
pub(crate) fn run(context: &Context, args: &PredictArgs) -> Result<ExitCode> {
    let predictor = Predictor::load(&context.workspace, args.model.as_deref(), &context.device, context.threads)?;
    let mut predictions = Vec::new();
    let mut failed = false;
    for path in &args.images {
        let prediction = predictor.predict_file(path);
        failed |= prediction.error.is_some();
        if context.json {
            predictions.push(prediction);
        } else {
            print(&line(&prediction))?;
        }
    }
    if context.json {
        print_json(&predictions)?;
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn line(prediction: &Prediction) -> String {
    match (&prediction.label, prediction.probability) {
        (Some(label), Some(probability)) => format!("{label:<8} {probability:.3}  {}\n", printable(&prediction.path)),
        _ => format!("error    -      {}\n", printable(prediction.error.as_deref().unwrap_or("no answer"))),
    }
}

/// One line, whatever a file is called.
fn printable(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}
