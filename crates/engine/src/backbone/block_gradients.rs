//! The layers of transformers and of ConvNeXt as they are trained, with libtorch's gradients.
//!
//! What each takes of the folded weights: a normalisation its weight and offset, a dense layer the same with LayerScale
//! folded in, in the order of [`faceprobe_core::backbone::blueprint::layers`].

use super::tail::{Folded, next, sums};
use super::transformer::gelu;
use faceprobe_core::backbone::convnext::ConvNextPlan;
use faceprobe_core::backbone::tokens::{BlockPlan, Gelu, LayerNormPlan};
use tch::{TchError, Tensor};

/// Over the channels of tokens `[N, T, C]` or maps `[N, C, H, W]`.
pub(super) fn layer_norm(plan: &LayerNormPlan, x: &Tensor, folded: &mut Folded<'_>) -> Result<Tensor, TchError> {
    if x.dim() == 3 {
        return over_last(plan, x, folded);
    }
    over_last(plan, &x.f_permute([0, 2, 3, 1])?, folded)?.f_permute([0, 3, 1, 2])
}

fn over_last(plan: &LayerNormPlan, x: &Tensor, folded: &mut Folded<'_>) -> Result<Tensor, TchError> {
    let (weight, offset) = next(folded)?;
    x.f_layer_norm([plan.channels as i64], Some(weight), Some(offset), plan.epsilon, false)
}

/// Over the last axis.
fn dense(x: &Tensor, folded: &mut Folded<'_>) -> Result<Tensor, TchError> {
    let (weight, offset) = next(folded)?;
    x.f_linear(weight, Some(offset))
}

/// A block of a transformer, tokens to tokens.
pub(super) fn block(plan: &BlockPlan, x: &Tensor, folded: &mut Folded<'_>) -> Result<Tensor, TchError> {
    let (images, count, channels) = x.size3()?;
    let heads = plan.heads as i64;
    let qkv = dense(&over_last(&plan.norm(1), x, folded)?, folded)?;
    let qkv = qkv.f_view([images, count, 3, heads, channels / heads])?.f_permute([2, 0, 3, 1, 4])?;
    let [query, key, value] = [0, 1, 2].map(|part| qkv.f_select(0, part));
    let mixed =
        Tensor::f_scaled_dot_product_attention(&query?, &key?, &value?, None::<&Tensor>, 0.0, false, None, false)?;
    let mixed = mixed.f_permute([0, 2, 1, 3])?.f_reshape([images, count, channels])?;
    let x = dense(&mixed, folded)?.f_add(x)?;
    let inside = gelu(plan.gelu, &dense(&over_last(&plan.norm(2), &x, folded)?, folded)?)?;
    dense(&inside, folded)?.f_add(&x)
}

/// A block of ConvNeXt, maps to maps.
pub(super) fn conv_next(plan: &ConvNextPlan, x: &Tensor, folded: &mut Folded<'_>) -> Result<Tensor, TchError> {
    let places = sums(&plan.depthwise(), x, folded)?.f_permute([0, 2, 3, 1])?;
    let wide = dense(&over_last(&plan.norm(), &places, folded)?, folded)?;
    let inside = gelu(Gelu::Exact, &wide)?;
    dense(&inside, folded)?.f_permute([0, 3, 1, 2])?.f_add(x)
}
