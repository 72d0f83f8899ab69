//! Layers of vision transformers: patch embedding, layer normalisation, attention and MLP blocks.
//!
//! Tokens are `[N, T, C]`, contiguous. A dense layer is a 1 x 1 convolution over them, on the fastest implementation.
//! LayerScale is folded into the layer before it, and that layer adds the residual when it stores its output. Attention
//! is libtorch's, which never materialises the T x T weights of a head.

use super::convolution::{Conv, ConvShape, Folded, Offset};
use super::device::kind_of;
use super::layers::Layer;
use super::tensor_slices::values_mut;
use super::{Activation, Padding, Parameters};
use faceprobe_core::backbone::blueprint::Norm;
use faceprobe_core::backbone::tokens::{BlockPlan, CLASS_TOKEN, DensePlan, EmbedPlan, Gelu, LayerNormPlan, POSITIONS};
use faceprobe_core::error::Result;
use tch::{Device, Kind, TchError, Tensor};

/// Over the last axis of tokens, or the channels of maps `[N, C, H, W]`.
#[derive(Debug)]
pub struct LayerNorm {
    weight: Tensor,
    bias: Tensor,
    epsilon: f64,
}

impl LayerNorm {
    /// # Errors
    /// A parameter that is missing.
    pub fn load(plan: &LayerNormPlan, parameters: &Parameters) -> Result<Self> {
        let kind = kind_of(parameters.arithmetic);
        let part = |part: &str| parameters.get(&format!("{}.{part}", plan.name)).map(|tensor| tensor.to_kind(kind));
        Ok(Self { weight: part("weight")?, bias: part("bias")?, epsilon: plan.epsilon })
    }

    /// Over the last axis.
    pub fn last(&self, input: &Tensor) -> Result<Tensor, TchError> {
        input.f_layer_norm(self.weight.size(), Some(&self.weight), Some(&self.bias), self.epsilon, false)
    }

    pub fn share(&self) -> Self {
        Self { weight: self.weight.shallow_clone(), bias: self.bias.shallow_clone(), epsilon: self.epsilon }
    }
}

impl Layer for LayerNorm {
    fn forward(&self, input: &Tensor) -> Result<Tensor, TchError> {
        if input.dim() == 3 {
            return self.last(input);
        }
        self.last(&input.f_permute([0, 2, 3, 1])?.f_contiguous()?)?.f_permute([0, 3, 1, 2])
    }

    fn share(&self) -> Box<dyn Layer> {
        Box::new(LayerNorm::share(self))
    }
}

/// From `[N, 3, S, S]` to tokens.
pub struct Embed {
    patches: Conv,
    /// `[1, 1, C]`: the class token with its position embedding.
    class: Tensor,
    /// `[1, T - 1, C]`: the position embeddings of the patches.
    positions: Tensor,
    norm: Option<LayerNorm>,
}

impl Embed {
    /// # Errors
    /// A parameter that is missing or has the wrong shape.
    pub fn load(plan: &EmbedPlan, parameters: &Parameters) -> Result<Self> {
        let kind = kind_of(parameters.arithmetic);
        let conv = &plan.patches;
        let offset = if matches!(conv.norm, Norm::Bias) { Offset::Bias } else { Offset::None };
        let shape =
            ConvShape { stride: conv.stride as i64, padding: conv.padding, groups: 1, activation: Activation::None };
        let patches = Folded::load(parameters, &conv.name, offset, shape, conv.scale)?;
        let (token, positions) = (parameters.get(CLASS_TOKEN)?, parameters.get(POSITIONS)?);
        let count = positions.size().get(1).copied().unwrap_or(1) - 1;
        Ok(Self {
            patches: Conv::new(patches),
            class: (token + positions.narrow(1, 0, 1)).to_kind(kind),
            positions: positions.narrow(1, 1, count).to_kind(kind),
            norm: plan.norm.as_ref().map(|norm| LayerNorm::load(norm, parameters)).transpose()?,
        })
    }
}

impl Layer for Embed {
    fn forward(&self, input: &Tensor) -> Result<Tensor, TchError> {
        let patches = by_token(&self.patches.forward(input)?.f_flatten(2, 3)?.f_unsqueeze(3)?)?;
        let (images, _, channels) = patches.size3()?;
        let class = self.class.f_expand([images, 1, channels], false)?;
        let tokens = Tensor::f_cat(&[class, patches.f_add(&self.positions)?], 1)?;
        self.norm.as_ref().map_or(Ok(tokens.shallow_clone()), |norm| norm.last(&tokens))
    }

    fn share(&self) -> Box<dyn Layer> {
        Box::new(Self {
            patches: self.patches.share(),
            class: self.class.shallow_clone(),
            positions: self.positions.shallow_clone(),
            norm: self.norm.as_ref().map(LayerNorm::share),
        })
    }
}

/// A dense layer over the last axis of tokens.
#[derive(Debug)]
pub struct Dense(Conv);

impl Dense {
    /// LayerScale is folded in.
    ///
    /// # Errors
    /// A parameter that is missing or not that of a dense layer.
    pub fn load(plan: &DensePlan, parameters: &Parameters) -> Result<Self> {
        let name = &plan.name;
        let double = |name: &str| parameters.get(name).map(|tensor| tensor.to_kind(Kind::Double));
        let (mut weight, mut bias) = (double(&format!("{name}.weight"))?, double(&format!("{name}.bias"))?);
        if let Some((scale, _)) = &plan.scale {
            let scale = double(scale)?.view([-1]);
            (weight, bias) = (weight * scale.view([-1, 1]), bias * scale);
        }
        let shape = ConvShape { stride: 1, padding: Padding::Fixed([0, 0]), groups: 1, activation: Activation::None };
        let weight = weight.to_kind(Kind::Float).view([weight.size()[0], -1, 1, 1]);
        Folded::of(parameters, name, weight, bias.to_kind(Kind::Float), shape).map(|folded| Self(Conv::new(folded)))
    }

    /// `[N, T, in]` to `[N, T, out]`.
    pub fn forward(&self, tokens: &Tensor) -> Result<Tensor, TchError> {
        by_token(&self.0.forward(&as_maps(tokens)?)?)
    }

    /// The same plus `sum`, which is not changed.
    pub fn forward_add(&self, tokens: &Tensor, sum: &Tensor) -> Result<Tensor, TchError> {
        by_token(&self.0.forward_add(&as_maps(tokens)?, &as_maps(sum)?)?)
    }

    pub fn share(&self) -> Self {
        Self(self.0.share())
    }
}

/// `[N, T, C]` viewed as `[N, C, T, 1]`, channels last in memory.
fn as_maps(tokens: &Tensor) -> Result<Tensor, TchError> {
    tokens.f_unsqueeze(2)?.f_permute([0, 3, 1, 2])
}

/// `[N, C, T, 1]` as contiguous `[N, T, C]`; copies nothing where the channels are last in memory.
fn by_token(maps: &Tensor) -> Result<Tensor, TchError> {
    maps.f_permute([0, 2, 3, 1])?.f_contiguous()?.f_flatten(1, 2)
}

/// x times the share of a normal distribution that lies below it, with gradients.
pub fn gelu(gelu: Gelu, x: &Tensor) -> Result<Tensor, TchError> {
    match gelu {
        Gelu::Exact => x.f_gelu("none"),
        Gelu::Quick => x.f_mul(&x.f_mul_scalar(1.702)?.f_sigmoid()?),
    }
}

/// The same in the place of x, which has no other name; without gradients.
fn gelu_in_place(gelu: Gelu, mut x: Tensor) -> Result<Tensor, TchError> {
    let own = x.kind() == Kind::Float && x.device() == Device::Cpu && x.is_contiguous();
    match gelu {
        Gelu::Exact if own && faceprobe_kernel::available() => {
            faceprobe_kernel::gelu(values_mut(&mut x));
            Ok(x)
        }
        Gelu::Exact => x.f_gelu_("none"),
        Gelu::Quick => {
            let gate = x.f_mul_scalar(1.702)?.f_sigmoid_()?;
            x.f_mul_(&gate)
        }
    }
}

/// Hidden values of an [`Mlp`] computed at once: they stay in a core's own cache.
const INSIDE: i64 = 1 << 18;

/// `sum + narrow(gelu(widen(norm(x))))` for every token.
pub struct Mlp {
    pub norm: LayerNorm,
    pub widen: Dense,
    pub narrow: Dense,
    pub gelu: Gelu,
    /// Hidden width.
    pub hidden: usize,
}

impl Mlp {
    /// For input and residual `[N, T, C]`, a group of tokens at a time.
    pub fn forward_add(&self, tokens: &Tensor, sum: &Tensor) -> Result<Tensor, TchError> {
        let channels = sum.size3()?.2;
        let (tokens, sum) = (tokens.f_view([1, -1, channels])?, sum.f_view([1, -1, channels])?);
        let count = sum.size3()?.1;
        let step = (INSIDE / self.hidden as i64).max(1);
        let output = Tensor::f_empty([1, count, channels], (sum.kind(), sum.device()))?;
        let mut first = 0;
        while first < count {
            let some = step.min(count - first);
            let inside = self.widen.forward(&self.norm.last(&tokens.f_narrow(1, first, some)?)?)?;
            let part = self.narrow.forward_add(&gelu_in_place(self.gelu, inside)?, &sum.f_narrow(1, first, some)?)?;
            output.f_narrow(1, first, some)?.f_copy_(&part)?;
            first += some;
        }
        Ok(output)
    }

    pub fn share(&self) -> Self {
        let Self { norm, widen, narrow, gelu, hidden } = self;
        Self { norm: norm.share(), widen: widen.share(), narrow: narrow.share(), gelu: *gelu, hidden: *hidden }
    }
}

/// A transformer block.
pub struct Block {
    norm: LayerNorm,
    /// Queries, keys and values of all heads.
    qkv: Dense,
    proj: Dense,
    mlp: Mlp,
    heads: i64,
}

impl Block {
    /// # Errors
    /// A parameter that is missing or of another layer.
    pub fn load(plan: &BlockPlan, parameters: &Parameters) -> Result<Self> {
        let norm = |number| LayerNorm::load(&plan.norm(number), parameters);
        let dense = |plan: DensePlan| Dense::load(&plan, parameters);
        Ok(Self {
            norm: norm(1)?,
            qkv: dense(plan.qkv())?,
            proj: dense(plan.proj())?,
            mlp: Mlp {
                norm: norm(2)?,
                widen: dense(plan.widen())?,
                narrow: dense(plan.narrow())?,
                gelu: plan.gelu,
                hidden: plan.hidden,
            },
            heads: plan.heads as i64,
        })
    }

    /// Self-attention, `[N, T, C]`.
    fn attention(&self, tokens: &Tensor) -> Result<Tensor, TchError> {
        let (images, count, channels) = tokens.size3()?;
        let qkv = self.qkv.forward(tokens)?.f_view([images, count, 3, self.heads, channels / self.heads])?;
        let qkv = qkv.f_permute([2, 0, 3, 1, 4])?;
        let [query, key, value] = [0, 1, 2].map(|part| qkv.f_select(0, part));
        let mixed =
            Tensor::f_scaled_dot_product_attention(&query?, &key?, &value?, None::<&Tensor>, 0.0, false, None, false)?;
        mixed.f_permute([0, 2, 1, 3])?.f_contiguous()?.f_view([images, count, channels])
    }
}

impl Layer for Block {
    fn forward(&self, tokens: &Tensor) -> Result<Tensor, TchError> {
        let mixed = self.attention(&self.norm.last(tokens)?)?;
        let tokens = self.proj.forward_add(&mixed, tokens)?;
        self.mlp.forward_add(&tokens, &tokens)?.f_view_as(&tokens)
    }

    fn share(&self) -> Box<dyn Layer> {
        Box::new(Self {
            norm: self.norm.share(),
            qkv: self.qkv.share(),
            proj: self.proj.share(),
            mlp: self.mlp.share(),
            heads: self.heads,
        })
    }
}
