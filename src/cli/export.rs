//! `faceprobe export RUN --to MODEL.onnx`: the whole predictor for other programs.

use super::Context;
use super::args::ExportArgs;
use super::output::{bytes, print, print_json};
use faceprobe_core::error::{Error, Result};
use faceprobe_core::model::SavedModel;
use faceprobe_core::onnx::{Pictures, example, predictor};
use faceprobe_core::outputs::Outputs;
use faceprobe_core::run::{RunFolder, choice};
use faceprobe_core::text::printable;
use serde_json::json;

pub(crate) fn run(context: &Context, args: &ExportArgs) -> Result<()> {
    let program = args.to.with_extension("py");
    let name = args.to.file_name().and_then(|name| name.to_str()).filter(|_| program != args.to);
    let name = name.ok_or_else(|| Error::usage("Name the ONNX file with --to, such as --to model.onnx."))?;
    let mut model = model(context, args.run.as_deref())?;
    let mut outputs = Outputs::new(&context.workspace, args.force);
    outputs.check(&args.to)?;
    outputs.check(&program)?;
    let file = predictor(&model)?;
    let text = example(&model.info, name)?;
    model.weights.clear();
    outputs.write(&args.to, &file)?;
    outputs.write(&program, text.as_bytes())?;
    let info = &model.info;
    if context.json {
        return print_json(&json!({
            "model": args.to,
            "example": program,
            "run": info.provenance.run,
            "kind": info.kind,
            "classes": info.classes,
            "threshold": info.threshold,
            "calibration": info.calibration,
            "side": Pictures::of(info)?.side,
            "bytes": file.len(),
        }));
    }
    print(&format!(
        "{}: {}, {}; {} predicts a picture with it.\n",
        printable(&args.to.to_string_lossy()),
        info.provenance.run,
        bytes(file.len() as u64),
        printable(&program.to_string_lossy()),
    ))
}

/// The model of a run, or of the chosen one with the threshold of the choice.
fn model(context: &Context, run: Option<&str>) -> Result<SavedModel> {
    let (run, choice) = match run {
        Some(name) => (RunFolder::find(&context.workspace, name)?, None),
        None => {
            let choice = choice::current(&context.workspace)?;
            (RunFolder::find(&context.workspace, &choice.run)?, Some(choice))
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
