//! Conventions given by tables of names: Hugging Face's transformers and torch's ONNX exporter for networks with timm's
//! names, and timm for networks with torchvision's names.

use super::naming::{Layout, Origin};
use crate::backbone::format::Checkpoint;
use crate::backbone::tokens::{CLASS_TOKEN, POSITIONS};

/// A network family of a framework.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// `Dinov2Model`: `embeddings.cls_token`, `encoder.layer.N.attention.attention.query`, `layernorm`.
    Dinov2,
    /// `CLIPVisionModel`: `embeddings.class_embedding`, `encoder.layers.N.self_attn.q_proj`, `post_layernorm`.
    Clip,
    /// timm's `convnext_tiny` and variants.
    ConvNext,
}

/// timm's name of a parameter of torchvision's ConvNeXt.
fn convnext(parameter: &str) -> Option<String> {
    let mut parts = parameter.strip_prefix("features.")?.splitn(3, '.');
    let (module, place, rest) = (parts.next()?.parse::<usize>().ok()?, parts.next()?, parts.next()?);
    let stage = module / 2;
    if module == 0 {
        return Some(format!("stem.{place}.{rest}"));
    }
    if module % 2 == 0 {
        return Some(format!("stages.{stage}.downsample.{place}.{rest}"));
    }
    let inside = match rest.rsplit_once('.') {
        None => "gamma".to_owned(),
        Some((layer, part)) => {
            let layer = match layer {
                "block.0" => "conv_dw",
                "block.2" => "norm",
                "block.3" => "mlp.fc1",
                _ => "mlp.fc2",
            };
            format!("{layer}.{part}")
        }
    };
    Some(format!("stages.{stage}.blocks.{place}.{inside}"))
}

impl Family {
    /// The file's tensors that a parameter with timm's name is made from, in the order of concatenation; none for an
    /// unknown name.
    pub(super) fn names(self, parameter: &str) -> Vec<String> {
        let one = |name: &str| vec![name.to_owned()];
        match (self, parameter) {
            (Self::Dinov2, CLASS_TOKEN) => return one("embeddings.cls_token"),
            (Self::Dinov2, POSITIONS) => return one("embeddings.position_embeddings"),
            (Self::Clip, CLASS_TOKEN) => return one("embeddings.class_embedding"),
            (Self::Clip, POSITIONS) => return one("embeddings.position_embedding.weight"),
            (Self::ConvNext, _) => return convnext(parameter).into_iter().collect(),
            _ => {}
        }
        let Some((layer, part)) = parameter.rsplit_once('.') else { return Vec::new() };
        let top = match (self, layer) {
            (Self::Dinov2, "patch_embed.proj") => Some("embeddings.patch_embeddings.projection"),
            (Self::Dinov2, "norm") => Some("layernorm"),
            (Self::Clip, "patch_embed.proj") => Some("embeddings.patch_embedding"),
            // The misspelling is theirs.
            (Self::Clip, "norm_pre") => Some("pre_layrnorm"),
            (Self::Clip, "norm") => Some("post_layernorm"),
            _ => None,
        };
        if let Some(top) = top {
            return vec![format!("{top}.{part}")];
        }
        let Some((number, layer)) = layer.strip_prefix("blocks.").and_then(|rest| rest.split_once('.')) else {
            return Vec::new();
        };
        let (blocks, inside): (_, &[&str]) = match self {
            Self::Dinov2 => (
                "encoder.layer",
                match layer {
                    "attn.qkv" => {
                        &["attention.attention.query", "attention.attention.key", "attention.attention.value"]
                    }
                    "attn.proj" => &["attention.output.dense"],
                    "ls1" => return vec![format!("encoder.layer.{number}.layer_scale1.lambda1")],
                    "ls2" => return vec![format!("encoder.layer.{number}.layer_scale2.lambda1")],
                    same => &[same],
                },
            ),
            Self::ConvNext => return Vec::new(),
            Self::Clip => (
                "encoder.layers",
                match layer {
                    "attn.qkv" => &["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"],
                    "attn.proj" => &["self_attn.out_proj"],
                    "norm1" => &["layer_norm1"],
                    "norm2" => &["layer_norm2"],
                    same => &[same],
                },
            ),
        };
        inside.iter().map(|inside| format!("{blocks}.{number}.{inside}.{part}")).collect()
    }

    /// The origin of a parameter in a file whose names have `prefix`.
    pub(super) fn origin(self, parameter: &str, prefix: &str, file: &Checkpoint) -> Origin {
        let there = |name: &str| file.tensors().contains_key(name);
        let mut parts: Vec<(String, Layout)> = Vec::new();
        for name in self.names(parameter) {
            let name = format!("{prefix}{name}");
            // The exporter transposes the kernels of dense layers and names them after the product that uses them.
            let product = name.strip_suffix(".weight").map(|layer| format!("{layer}.MatMul"));
            match product.filter(|product| !there(&name) && there(product)) {
                Some(product) => parts.push((product, Layout::Io)),
                None => parts.push((name, Layout::Flat)),
            }
        }
        if parameter == POSITIONS {
            let places = |name: String| Origin::Positions { names: vec![name], antialiased: false };
            // The exporter stores the class token's and the patches' embeddings separately where it traced them
            // separately.
            let apart = ["Concat_6", "Reshape_1"].map(|name| format!("{prefix}embeddings.{name}"));
            return match parts.pop() {
                Some((whole, _)) if there(&whole) || !apart.iter().all(|name| there(name)) => places(whole),
                _ => Origin::Positions { names: apart.to_vec(), antialiased: false },
            };
        }
        match parts.len() {
            0 => Origin::Tensor { name: format!("(no name for {parameter})"), layout: Layout::AsIs },
            1 => {
                let (name, layout) = parts.remove(0);
                Origin::Tensor { name, layout }
            }
            _ => Origin::Stacked(parts),
        }
    }
}
