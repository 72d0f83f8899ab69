//! TorchScript files as layers: whatever network a user can save with `torch.jit`, run by libtorch.
//!
//! Their descriptions and how they are installed: [`faceprobe_core::backbone::torchscript`].

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
    // Dropout and batch normalisation as in use, also if the file was saved in the middle of training. Only a frozen
    // module refuses, which has that behind it.
    let _ = module.f_set_eval();
    Ok(module)
}

/// Finds out what a module gives for pictures of this side, and that it takes one as well as several.
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

/// What went wrong, out of the many lines in which libtorch tells it.
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
        // A copy, since a module may write into what it is given; in the order in memory that modules are made with.
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
