//! User-supplied TorchScript files as layers, run by libtorch.
//!
//! Descriptions and installation: [`faceprobe_core::backbone::torchscript`].

use super::layers::Layer;
use faceprobe_core::backbone::StageInfo;
use faceprobe_core::backbone::torchscript::ModuleOutput;
use faceprobe_core::error::{Error, Result};
use std::path::Path;
use std::sync::Arc;
use tch::{CModule, Device, Kind, TchError, Tensor};

/// The one stage of an installed file.
///
/// # Errors
/// A file that libtorch cannot read.
pub(super) fn load(path: &Path, stage: &StageInfo, device: Device) -> Result<Module> {
    let module = module(path, device).map_err(|reason| Error::file(path, reason))?;
    Ok(Module { module: Arc::new(module), output: ModuleOutput { channels: stage.channels, side: stage.side } })
}

fn module(path: &Path, device: Device) -> Result<CModule, String> {
    let mut module = CModule::load_on_device(path, device)
        .map_err(|error| format!("libtorch cannot read it as TorchScript ({})", reason(&error)))?;
    // Puts dropout and batch normalisation into evaluation mode, in case the file was saved during training. Only a
    // frozen module refuses, and it already is.
    let _ = module.f_set_eval();
    Ok(module)
}

/// The output shape of a module for images of this side, and a check that it takes one image as well as several.
pub fn trial(path: &Path, side: usize) -> Result<ModuleOutput, String> {
    let module = module(path, Device::Cpu)?;
    let run = |pictures: i64| {
        let input = Tensor::zeros([pictures, 3, side as i64, side as i64], (Kind::Float, Device::Cpu));
        let output = tch::no_grad(|| module.forward_ts(&[input]))
            .map_err(|error| format!("fails on {pictures} x 3 x {side} x {side} ({})", reason(&error)))?;
        if !matches!(output.kind(), Kind::Float | Kind::Double | Kind::Half | Kind::BFloat16) {
            return Err("gives something else than floating-point numbers".to_owned());
        }
        match *output.size() {
            [count, channels] if count == pictures && channels > 0 => {
                Ok(ModuleOutput { channels: channels as usize, side: 1 })
            }
            [count, channels, rows, columns] if count == pictures && channels > 0 && rows == columns && rows > 0 => {
                Ok(ModuleOutput { channels: channels as usize, side: rows as usize })
            }
            ref other => Err(format!(
                "gives {other:?} for {pictures} x 3 x {side} x {side}, neither [N, F] nor [N, C, H, H] with N = {pictures}"
            )),
        }
    };
    let (one, two) = (run(1)?, run(2)?);
    if one == two { Ok(one) } else { Err("gives something else for one picture than for two".into()) }
}

/// The reason among the many lines of a libtorch error.
fn reason(error: &TchError) -> String {
    let text = error.to_string();
    let told = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let last = told.clone().rev().find(|line| line.contains("Error: "));
    last.or(told.clone().next()).unwrap_or("no reason given").chars().take(300).collect()
}

/// A TorchScript module as a stage.
///
/// Several threads run the same module: libtorch's interpreter has a state per call, compiles behind a lock, and in
/// evaluation mode nothing is written to the module ("CPU threading and TorchScript inference" in PyTorch's notes). The
/// interpreter runs on the thread that calls it, so that the number of threads set for that holds.
pub(super) struct Module {
    module: Arc<CModule>,
    output: ModuleOutput,
}

impl Layer for Module {
    fn forward(&self, input: &Tensor) -> Result<Tensor, TchError> {
        // A copy, since a module may modify its input; in the memory order that modules are traced with.
        let mut own = Tensor::f_empty(input.size(), (input.kind(), input.device()))?;
        own.f_copy_(input)?;
        let output = self.module.forward_ts(&[own]).map_err(|error| TchError::Torch(reason(&error)))?;
        let ModuleOutput { channels, side } = self.output;
        let shape = [input.size()[0], channels as i64, side as i64, side as i64];
        if output.numel() as i64 != shape.iter().product::<i64>() {
            let found = output.size();
            return Err(TchError::Shape(format!("the module gave {found:?} instead of {shape:?}")));
        }
        output.f_to_kind(Kind::Float)?.f_reshape(shape)
    }

    fn share(&self) -> Box<dyn Layer> {
        Box::new(Self { module: Arc::clone(&self.module), output: self.output })
    }
}
