//! Exports a run's predictor as an ONNX file, with a Python example.

use super::{RunFolder, choice};
use crate::error::{Error, Result};
use crate::model::{ModelInfo, SavedModel};
use crate::onnx::{example, predictor};
use crate::outputs::Outputs;
use crate::workspace::Workspace;
use std::path::{Path, PathBuf};

/// The written files.
#[derive(Debug)]
pub struct PredictorFiles {
    pub model: PathBuf,
    pub program: PathBuf,
    /// Size of the ONNX file in bytes.
    pub bytes: usize,
    pub info: ModelInfo,
}

/// The two files of an export to `to`.
///
/// # Errors
/// As wrong usage, a path that names no ONNX file.
pub fn files(to: &Path) -> Result<[PathBuf; 2]> {
    let program = to.with_extension("py");
    match to.file_name().and_then(|name| name.to_str()) {
        Some(_) if program != to => Ok([to.to_owned(), program]),
        _ => Err(Error::usage("Name the ONNX file with --to, such as --to model.onnx.")),
    }
}

/// Exports the model of a run, or the chosen one with the threshold of the choice.
///
/// # Errors
/// A run without a model; a kind of model that has no graph; files that `outputs` refuses or that cannot be written.
pub fn export(workspace: &Workspace, run: Option<&str>, to: &Path, outputs: &mut Outputs) -> Result<PredictorFiles> {
    let [to, program] = files(to)?;
    let name = to.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let mut model = model(workspace, run)?;
    outputs.check(&to)?;
    outputs.check(&program)?;
    let file = predictor(&model)?;
    let text = example(&model.info, name)?;
    model.weights.clear();
    outputs.write(&to, &file)?;
    outputs.write(&program, text.as_bytes())?;
    Ok(PredictorFiles { model: to, program, bytes: file.len(), info: model.info })
}

fn model(workspace: &Workspace, run: Option<&str>) -> Result<SavedModel> {
    let (run, choice) = match run {
        Some(name) => (RunFolder::find(workspace, name)?, None),
        None => {
            let choice = choice::current(workspace)?;
            (RunFolder::find(workspace, &choice.run)?, Some(choice))
        }
    };
    if !run.model_path().is_file() {
        return Err(Error::failed(format!(
            "Run {} has no trained model; wait for its end or train it again.",
            run.id()
        )));
    }
    let mut model = SavedModel::load(&run.model_path())?;
    if let Some(choice) = choice {
        model.info.threshold = choice.threshold;
        model.info.calibration = choice.calibration(model.info.calibration);
    }
    Ok(model)
}
