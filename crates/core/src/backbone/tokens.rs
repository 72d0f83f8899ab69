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
    /// Those that are of no layer.
    pub(super) fn own_parameters(&self, list: &mut Vec<(String, Vec<usize>)>) {
        let width = self.patches.output;
        list.push((CLASS_TOKEN.into(), vec![1, 1, width]));
        list.push((POSITIONS.into(), vec![1, 1 + self.side * self.side, width]));
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

/// A dense layer over the channels of every token or place: `NAME.weight` (`[output, input]`) and `NAME.bias`.
#[derive(Debug, Clone)]
pub struct DensePlan {
    pub name: String,
    pub input: usize,
    pub output: usize,
    /// What each output is multiplied by, a parameter of this name and shape: LayerScale.
    pub scale: Option<(String, Vec<usize>)>,
}

impl DensePlan {
    pub(super) fn parameters(&self, list: &mut Vec<(String, Vec<usize>)>) {
        list.push((format!("{}.weight", self.name), vec![self.output, self.input]));
        list.push((format!("{}.bias", self.name), vec![self.output]));
        list.extend(self.scale.clone());
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

    /// Queries, keys and values of all heads, behind each other.
    pub fn qkv(&self) -> DensePlan {
        self.dense("attn.qkv", [self.width, 3 * self.width], None)
    }

    /// Behind the heads.
    pub fn proj(&self) -> DensePlan {
        self.dense("attn.proj", [self.width; 2], Some(1))
    }

    /// The first layer behind the second normalisation.
    pub fn widen(&self) -> DensePlan {
        self.dense("mlp.fc1", [self.width, self.hidden], None)
    }

    /// And the second.
    pub fn narrow(&self) -> DensePlan {
        self.dense("mlp.fc2", [self.hidden, self.width], Some(2))
    }

    /// A layer of the block, with its LayerScale if it has one of this number.
    fn dense(&self, layer: &str, [input, output]: [usize; 2], scale: Option<usize>) -> DensePlan {
        let scale = scale.filter(|_| self.layer_scale);
        let scale = scale.map(|number| (format!("{}.ls{number}.gamma", self.name), vec![output]));
        DensePlan { name: format!("{}.{layer}", self.name), input, output, scale }
    }
}
