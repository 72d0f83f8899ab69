//! `faceprobe export RUN --to MODEL.onnx`: the whole predictor for other programs.

use super::Context;
use super::args::ExportArgs;
use super::output::{bytes, print, print_json};
use faceprobe_core::error::Result;
use faceprobe_core::onnx::Pictures;
use faceprobe_core::outputs::Outputs;
use faceprobe_core::run::predictor_export::export;
use faceprobe_core::text::printable;
use serde_json::json;

pub(crate) fn run(context: &Context, args: &ExportArgs) -> Result<()> {
    let mut outputs = Outputs::new(&context.workspace, args.force);
    let written = export(&context.workspace, args.run.as_deref(), &args.to, &mut outputs)?;
    let info = &written.info;
    if context.json {
        return print_json(&json!({
            "model": written.model,
            "example": written.program,
            "run": info.provenance.run,
            "kind": info.kind,
            "classes": info.classes,
            "threshold": info.threshold,
            "calibration": info.calibration,
            "side": Pictures::of(info)?.side,
            "bytes": written.bytes,
        }));
    }
    print(&format!(
        "{}: {}, {}; {} predicts a picture with it.\n",
        printable(&written.model.to_string_lossy()),
        info.provenance.run,
        bytes(written.bytes as u64),
        printable(&written.program.to_string_lossy()),
    ))
}
