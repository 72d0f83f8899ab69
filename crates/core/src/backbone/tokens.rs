//! The building blocks of vision transformers: patch embedding, layer normalisation and attention blocks.
//!
//! The output of such a stage is `[N, 1 + side * side, channels]`: the class token, then the patches row by row.

use super::blueprint::ConvPlan;

/// Patch embedding: a convolution whose stride equals its kernel gives one token per patch; the class token is
/// prepended, and position embeddings are added.
pub struct EmbedPlan {
    pub patches: ConvPlan,
    /// Patches along a side.
    pub side: usize,
    /// Normalisation before the first block, if there is one.
    pub norm: Option<LayerNormPlan>,
}

/// Parameters without a layer of their own.
pub const CLASS_TOKEN: &str = "cls_token";
pub const POSITIONS: &str = "pos_embed";

impl EmbedPlan {
    pub(super) fn parameters(&self, list: &mut Vec<(String, Vec<usize>)>) {
        let width = self.patches.output;
        list.push((CLASS_TOKEN.into(), vec![1, 1, width]));
        list.push((POSITIONS.into(), vec![1, 1 + self.side * self.side, width]));
        self.patches.parameters(list);
        if let Some(norm) = &self.norm {
            norm.parameters(list);
        }
    }
}

/// Every place or token by itself: minus its mean, over its deviation, times `NAME.weight`, plus `NAME.bias`.
#[derive(Debug, Clone)]
pub struct LayerNormPlan {
    pub name: String,
    pub channels: usize,
    pub epsilon: f64,
}

impl LayerNormPlan {
    pub(super) fn parameters(&self, list: &mut Vec<(String, Vec<usize>)>) {
        list.extend(["weight", "bias"].map(|part| (format!("{}.{part}", self.name), vec![self.channels])));
    }
}

/// x times the share of a normal distribution that lies below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gelu {
    Exact,
    /// x * sigmoid(1.702 x), which OpenAI's CLIP was trained with.
    Quick,
}

/// A block: `x + scale1 * attention(norm1(x))`, then `x + scale2 * mlp(norm2(x))`. Its layers have timm's names.
#[derive(Debug, Clone)]
pub struct BlockPlan {
    /// Prefix of its layers' names: `blocks.N`.
    pub name: String,
    /// Channels of a token.
    pub width: usize,
    pub heads: usize,
    /// Hidden width of the MLP.
    pub hidden: usize,
    /// Epsilon of the normalisations.
    pub epsilon: f64,
    pub gelu: Gelu,
    /// LayerScale: whether each branch is multiplied by a factor per channel (`ls1.gamma`, `ls2.gamma`).
    pub layer_scale: bool,
}

impl BlockPlan {
    /// Its first or second normalisation.
    pub fn norm(&self, number: usize) -> LayerNormPlan {
        LayerNormPlan { name: format!("{}.norm{number}", self.name), channels: self.width, epsilon: self.epsilon }
    }

    pub(super) fn parameters(&self, list: &mut Vec<(String, Vec<usize>)>) {
        let (name, width) = (&self.name, self.width);
        let dense = |layer: &str, output: usize, input: usize| {
            [(format!("{name}.{layer}.weight"), vec![output, input]), (format!("{name}.{layer}.bias"), vec![output])]
        };
        let scale =
            |number: usize| self.layer_scale.then(|| (format!("{name}.ls{number}.gamma"), vec![width])).into_iter();
        self.norm(1).parameters(list);
        list.extend(dense("attn.qkv", 3 * width, width));
        list.extend(dense("attn.proj", width, width));
        list.extend(scale(1));
        self.norm(2).parameters(list);
        list.extend(dense("mlp.fc1", self.hidden, width));
        list.extend(dense("mlp.fc2", width, self.hidden));
        list.extend(scale(2));
    }
}
