//! Predictions of a session as a file.

use faceprobe_core::error::{Error, Result};
use faceprobe_core::outputs::Outputs;
use faceprobe_core::predict::Prediction;
use faceprobe_core::text::printable;
use faceprobe_core::workspace::Workspace;
use std::path::PathBuf;

/// Writes predictions into `predictions-<n>.csv` in the workspace, the first number that is free; its path comes back.
/// The columns are the fields of `predict --json`, names as [`printable`] makes them; faces are boxes of four numbers,
/// between semicolons.
///
/// # Errors
/// When the file cannot be written.
pub fn save(workspace: &Workspace, predictions: &[Prediction]) -> Result<PathBuf> {
    let names = (1..).map(|number: u64| workspace.root().join(format!("predictions-{number}.csv")));
    let table = csv(predictions)
        .map_err(|error| Error::failed(format!("The predictions cannot be written as CSV ({error}).")))?;
    Outputs::new(workspace, false).write_new(names, &table)
}

/// The predictions as CSV, with a heading.
fn csv(predictions: &[Prediction]) -> std::result::Result<Vec<u8>, Box<dyn std::error::Error>> {
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record([
        "path",
        "label",
        "probability",
        "score",
        "threshold",
        "model",
        "input",
        "faces",
        "milliseconds",
        "error",
    ])?;
    let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    for prediction in predictions {
        let faces: Vec<String> =
            prediction.faces.iter().map(|face| face.bounds.map(|edge| format!("{edge:.1}")).join(" ")).collect();
        let cells = [
            prediction.path.clone(),
            prediction.label.clone().unwrap_or_default(),
            number(prediction.probability),
            number(prediction.score),
            prediction.threshold.to_string(),
            prediction.model.clone(),
            prediction.input.clone(),
            faces.join(";"),
            format!("{:.1}", prediction.milliseconds),
            prediction.error.clone().unwrap_or_default(),
        ];
        table.write_record(cells.map(|cell| printable(&cell).into_owned()))?;
    }
    Ok(table.into_inner()?)
}
