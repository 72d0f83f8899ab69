//! The inverted bottleneck as one layer.

use super::convolution::{Activation, Conv};
use super::kernel::{self, Bottleneck, Bounds, Depthwise};
use super::layers::Layer;
use super::memory::{computed, values};
use std::sync::Arc;
use tch::{Device, Kind, TchError, Tensor};

/// The inverted bottleneck of the MobileNet family: widen with 1 x 1 (or not), filter each channel, narrow with 1 x 1,
/// add what came in (or not).
#[derive(Debug)]
pub struct InvertedBottleneck {
    expand: Option<Conv>,
    depthwise: Conv,
    project: Conv,
    residual: bool,
    /// All of it in one, where the processor's kernels can.
    fused: Option<Arc<Bottleneck>>,
}

impl InvertedBottleneck {
    /// From its convolutions, each with its own activation.
    pub fn new(expand: Option<Conv>, depthwise: Conv, project: Conv, residual: bool) -> Self {
        let fused = Self::fuse(expand.as_ref(), &depthwise, &project, residual).map(Arc::new);
        Self { expand, depthwise, project, residual, fused }
    }

    fn fuse(expand: Option<&Conv>, depthwise: &Conv, project: &Conv, residual: bool) -> Option<Bottleneck> {
        let here = depthwise.weight.kind() == Kind::Float && depthwise.weight.device() == Device::Cpu;
        if !here || !kernel::available() {
            return None;
        }
        let (channels, _, rows, columns) = depthwise.weight.size4().ok()?;
        if depthwise.shape.groups != channels || rows != columns || project.shape.activation != Activation::None {
            return None;
        }
        // The kernel of a depthwise convolution has one input channel, so both orders in memory are the same.
        let weight = depthwise.weight.contiguous();
        let (side, stride) = (rows as usize, depthwise.shape.stride as usize);
        let conv = Depthwise::new(values(&weight), channels as usize, side, stride, values(&depthwise.bias))?;
        Some(Bottleneck {
            expand: match expand {
                Some(expand) => Some((expand.pointwise()?, expand.shape.activation.bounds())),
                None => None,
            },
            middle: conv,
            middle_bounds: depthwise.shape.activation.bounds(),
            project: project.pointwise()?,
            residual,
        })
    }
}
impl Layer for InvertedBottleneck {
    fn forward(&self, input: &Tensor) -> Result<Tensor, TchError> {
        if let Some(fused) = &self.fused {
            let window = |side| self.depthwise.window(side);
            return computed(input, None, fused.outputs(), Bounds::NONE, window, |it| fused.apply(it));
        }
        let filtered = match &self.expand {
            Some(expand) => self.depthwise.forward(&expand.forward(input)?)?,
            None => self.depthwise.forward(input)?,
        };
        if self.residual { self.project.forward_add(&filtered, input) } else { self.project.forward(&filtered) }
    }

    fn share(&self) -> Box<dyn Layer> {
        Box::new(Self {
            expand: self.expand.as_ref().map(Conv::share),
            depthwise: self.depthwise.share(),
            project: self.project.share(),
            residual: self.residual,
            fused: self.fused.clone(),
        })
    }
}
