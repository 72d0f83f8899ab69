//! The inverted bottleneck as one fused layer.

use super::convolution::{Conv, Folded};
use super::layers::Layer;
use super::tensor_slices::{computed, values};
use faceprobe_kernel::{Bottleneck, Depthwise};
use std::sync::Arc;
use tch::{Kind, TchError, Tensor};

/// Channels up to which a block is fused and computed in f32 although bf16 was requested: for narrow blocks the time
/// goes into memory traffic of the expanded activations, not into the products that bf16 speeds up.
const NARROW: usize = 40;

/// The inverted bottleneck of the MobileNet family: optional 1 x 1 expansion, depthwise convolution, 1 x 1 projection,
/// optional residual, and the activation of the projection (usually none).
#[derive(Debug)]
pub struct InvertedBottleneck {
    expand: Option<Conv>,
    depthwise: Conv,
    project: Conv,
    residual: bool,
    /// The fused block, where the kernels support it.
    fused: Option<Arc<Bottleneck>>,
}

impl InvertedBottleneck {
    /// From its convolutions, each with its own activation.
    pub fn new(expand: Option<Folded>, depthwise: Folded, project: Folded, residual: bool) -> Self {
        let narrow = expand.as_ref().is_some_and(|expand| expand.sides[1] <= NARROW && expand.could_be_own());
        let full = |conv: Folded| if narrow { conv.in_full() } else { conv };
        let (expand, depthwise, project) = (expand.map(full), full(depthwise), full(project));
        let middle = Self::middle(&depthwise);
        let (expand, depthwise, project) = (expand.map(Conv::new), Conv::new(depthwise), Conv::new(project));
        let fused = middle.and_then(|middle| Self::fuse(expand.as_ref(), &depthwise, middle, &project, residual));
        Self { expand, depthwise, project, residual, fused: fused.map(Arc::new) }
    }

    fn middle(depthwise: &Folded) -> Option<Depthwise> {
        let [channels, _, rows, columns] = depthwise.sides;
        if !depthwise.is_own() || depthwise.shape.groups != channels as i64 || rows != columns {
            return None;
        }
        let stride = depthwise.shape.stride as usize;
        Depthwise::new(values(&depthwise.weight), channels, rows, stride, values(&depthwise.bias))
    }

    fn fuse(
        expand: Option<&Conv>,
        depthwise: &Conv,
        middle: Depthwise,
        project: &Conv,
        residual: bool,
    ) -> Option<Bottleneck> {
        Some(Bottleneck {
            expand: match expand {
                Some(expand) => Some((expand.pointwise()?, expand.shape.bounds())),
                None => None,
            },
            middle,
            middle_bounds: depthwise.shape.bounds(),
            project: project.pointwise()?,
            residual,
        })
    }
}

impl Layer for InvertedBottleneck {
    fn forward(&self, input: &Tensor) -> Result<Tensor, TchError> {
        if let Some(fused) = &self.fused {
            let window = |side| self.depthwise.window(side);
            let input = input.f_to_kind(Kind::Float)?;
            let bounds = self.project.shape.bounds();
            return computed(&input, None, fused.outputs(), bounds, window, |it| fused.apply(it));
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
