//! Vision transformers, top to bottom.
//!
//! The network of Dosovitskiy et al., "An Image is Worth 16x16 Words" (ICLR 2021), figure 1, in the form in which DINOv2
//! (Oquab et al., 2023) and the image tower of CLIP (Radford et al., 2021) have it. Stages are the tokens, the blocks and
//! the normalisation behind the last; they and parameters are named as in timm's `vit_small_patch14_dinov2` and
//! `vit_base_patch32_clip_quickgelu_224`.

use super::Architecture;
use super::blueprint::{Activation, ConvPlan, Norm, Padding, StagePlan, Step};
use super::tokens::{BlockPlan, EmbedPlan, Gelu, LayerNormPlan};

/// Channels of a token of the small and the base network.
pub const SMALL: usize = 384;
pub const BASE: usize = 768;

/// DINOv2's: no register tokens, LayerScale.
pub const DINOV2_SMALL_14: Architecture = Architecture::Plan(|| {
    plan(Variant {
        patch: 14,
        width: SMALL,
        heads: 6,
        epsilon: 1e-6,
        gelu: Gelu::Exact,
        layer_scale: true,
        clip: false,
    })
});

/// CLIP's image tower up to its last normalisation. The projection to the joint space with texts is left out, as in the
/// paper's linear probes.
pub const CLIP_BASE_32: Architecture = Architecture::Plan(|| {
    plan(Variant {
        patch: 32,
        width: BASE,
        heads: 12,
        epsilon: 1e-5,
        gelu: Gelu::Quick,
        layer_scale: false,
        clip: true,
    })
});

/// Side of the picture in pixels.
const SIDE: usize = 224;
const BLOCKS: usize = 12;

/// What differs between the two.
struct Variant {
    /// Side of a patch in pixels.
    patch: usize,
    width: usize,
    heads: usize,
    /// Epsilon of the normalisations.
    epsilon: f64,
    gelu: Gelu,
    layer_scale: bool,
    /// CLIP has a normalisation before the first block instead of a bias of the patch embedding.
    clip: bool,
}

fn plan(variant: Variant) -> Vec<StagePlan> {
    let Variant { patch, width, heads, epsilon, gelu, layer_scale, clip } = variant;
    let norm = |name: &str| LayerNormPlan { name: name.into(), channels: width, epsilon };
    let patches = ConvPlan {
        name: "patch_embed.proj".into(),
        norm: if clip { Norm::None } else { Norm::Bias },
        input: 3,
        output: width,
        kernel: [patch; 2],
        stride: patch,
        padding: Padding::Fixed([0, 0]),
        groups: 1,
        activation: Activation::None,
        scale: 1.0,
    };
    let embed = EmbedPlan { patches, side: SIDE / patch, norm: clip.then(|| norm("norm_pre")) };
    let mut stages = vec![StagePlan::new("tokens", Step::Embed(Box::new(embed)))];
    for block in 0..BLOCKS {
        let name = format!("blocks.{block}");
        let block = BlockPlan { name: name.clone(), width, heads, hidden: 4 * width, epsilon, gelu, layer_scale };
        stages.push(StagePlan::new(name, Step::Block(block)));
    }
    stages.push(StagePlan::new("norm", Step::LayerNorm(norm("norm"))));
    stages
}
