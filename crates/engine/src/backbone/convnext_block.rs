//! The block of ConvNeXt.

use super::convolution::{Conv, ConvShape, Folded, Offset};
use super::layers::Layer;
use super::transformer::{Dense, LayerNorm, Mlp};
use super::{Activation, Parameters};
use faceprobe_core::backbone::convnext::ConvNextPlan;
use faceprobe_core::backbone::tokens::Gelu;
use faceprobe_core::error::Result;
use tch::{TchError, Tensor};

/// `x + scale * narrow(gelu(widen(norm(filter(x)))))`, of maps `[N, C, H, W]`; the scale is folded into the layer before it.
pub struct ConvNext {
    filter: Conv,
    /// Every position is a token.
    mlp: Mlp,
}

impl ConvNext {
    /// # Errors
    /// A parameter that is missing or has the wrong shape.
    pub fn load(plan: &ConvNextPlan, parameters: &Parameters) -> Result<Self> {
        let conv = plan.depthwise();
        let shape =
            ConvShape { stride: 1, padding: conv.padding, groups: conv.groups as i64, activation: Activation::None };
        Ok(Self {
            filter: Conv::new(Folded::load(parameters, &conv.name, Offset::Bias, shape, 1.0)?),
            mlp: Mlp {
                norm: LayerNorm::load(&plan.norm(), parameters)?,
                widen: Dense::load(&plan.widen(), parameters)?,
                narrow: Dense::load(&plan.narrow(), parameters)?,
                gelu: Gelu::Exact,
                hidden: plan.hidden(),
            },
        })
    }
}

impl Layer for ConvNext {
    fn forward(&self, input: &Tensor) -> Result<Tensor, TchError> {
        let (images, channels, rows, columns) = input.size4()?;
        // `[N, H, W, C]` in memory.
        let places =
            |maps: &Tensor| maps.f_permute([0, 2, 3, 1])?.f_contiguous()?.f_view([images, rows * columns, channels]);
        let output = self.mlp.forward_add(&places(&self.filter.forward(input)?)?, &places(input)?)?;
        output.f_view([images, rows, columns, channels])?.f_permute([0, 3, 1, 2])
    }

    fn share(&self) -> Box<dyn Layer> {
        Box::new(Self { filter: self.filter.share(), mlp: self.mlp.share() })
    }
}
