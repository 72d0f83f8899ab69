//! The layers of transformers and of ConvNeXt as operators.

use super::graph::{Attribute, Graph, Value};
use super::network::{Maps, Stages};
use crate::backbone::blueprint::ConvPlan;
use crate::backbone::convnext::ConvNextPlan;
use crate::backbone::tokens::{BlockPlan, CLASS_TOKEN, DensePlan, EmbedPlan, Gelu, LayerNormPlan, POSITIONS};
use crate::error::Result;

impl Stages<'_> {
    /// From a picture to tokens.
    pub(super) fn embed(&mut self, embed: &EmbedPlan, input: &Maps) -> Result<Maps> {
        let ConvPlan { name, output: width, .. } = &embed.patches;
        let patches = self.sums(&embed.patches, input)?;
        let shape = self.graph.integers(&named(self.prefix, "tokens.shape"), &[0, *width as i64, -1]);
        let rows = self.node("Reshape", "tokens.rows", &[&patches.value, &shape], Vec::new());
        let rows = self.node("Transpose", "tokens.patches", &[&rows], vec![Attribute::Ints("perm", vec![0, 2, 1])]);
        // A row of zeros comes before the patches; with its position, it is the class token at its place.
        let one_before = self.graph.integers(&named(self.prefix, "tokens.one_before"), &[0, 1, 0, 0, 0, 0]);
        let all = self.node("Pad", "tokens.all", &[&rows, &one_before], Vec::new());
        let (class, mut positions) = ((self.parameters)(CLASS_TOKEN)?, (self.parameters)(POSITIONS)?);
        positions.iter_mut().zip(&class).for_each(|(position, class)| *position += class);
        let positions =
            self.graph.floats(&named(self.prefix, POSITIONS), &[1, 1 + embed.side * embed.side, *width], positions);
        let mut value = self.node("Add", &format!("{name}.at_positions"), &[&all, &positions], Vec::new());
        if let Some(norm) = &embed.norm {
            value = self.normalised(norm, &value)?;
        }
        Ok(Maps { value, class_token: true, ..patches })
    }

    /// A block, tokens to tokens.
    pub(super) fn block(&mut self, block: &BlockPlan, input: &Maps) -> Result<Maps> {
        let normalised = self.normalised(&block.norm(1), &input.value)?;
        let mixed = self.attention(block, &normalised)?;
        let mixed = Maps { value: self.dense(&block.proj(), &mixed)?, ..input.clone() };
        let tokens = self.add(&mixed, input, &format!("{}.attn.residual", block.name));
        let normalised = self.normalised(&block.norm(2), &tokens.value)?;
        let value = self.mlp([&block.widen(), &block.narrow()], block.gelu, &normalised)?;
        Ok(self.add(&Maps { value, ..input.clone() }, &tokens, &format!("{}.mlp.residual", block.name)))
    }

    /// What every token takes from the others.
    fn attention(&mut self, block: &BlockPlan, tokens: &Value) -> Result<Value> {
        let (width, heads) = (block.width, block.heads);
        let each = width / heads;
        let DensePlan { name, .. } = block.qkv();
        let (weight, bias) =
            ((self.parameters)(&format!("{name}.weight"))?, (self.parameters)(&format!("{name}.bias"))?);
        let of_heads =
            self.graph.integers(&named(self.prefix, &format!("{name}.heads")), &[0, 0, heads as i64, each as i64]);
        // Queries come divided by the root of a head's width.
        let factors = [1.0 / (each as f64).sqrt(), 1.0, 1.0];
        let orders = [vec![0, 2, 1, 3], vec![0, 2, 3, 1], vec![0, 2, 1, 3]];
        let mut parts = Vec::with_capacity(3);
        for (at, (factor, order)) in factors.into_iter().zip(orders).enumerate() {
            let own = |values: &[f32], size: usize| -> Vec<f64> {
                let own = values.iter().skip(at * size).take(size);
                own.map(|&value| factor * f64::from(value)).collect()
            };
            let part = format!("{name}.{}", ["query", "key", "value"][at]);
            let value = self.product(&part, tokens, [width; 2], &own(&weight, width * width), &own(&bias, width));
            let split = self.node("Reshape", &format!("{part}.split"), &[&value, &of_heads], Vec::new());
            let perm = vec![Attribute::Ints("perm", order)];
            parts.push(self.node("Transpose", &format!("{part}.by_head"), &[&split], perm));
        }
        let products = self.node("MatMul", &format!("{name}.products"), &[&parts[0], &parts[1]], Vec::new());
        let last = vec![Attribute::Int("axis", -1)];
        let shares = self.node("Softmax", &format!("{name}.shares"), &[&products], last);
        let mixed = self.node("MatMul", &format!("{name}.mixed"), &[&shares, &parts[2]], Vec::new());
        let perm = vec![Attribute::Ints("perm", vec![0, 2, 1, 3])];
        let mixed = self.node("Transpose", &format!("{name}.by_token"), &[&mixed], perm);
        let joined = self.graph.integers(&named(self.prefix, &format!("{name}.width")), &[0, 0, width as i64]);
        Ok(self.node("Reshape", &format!("{name}.joined"), &[&mixed, &joined], Vec::new()))
    }

    /// Of tokens, or of the channels of maps.
    pub(super) fn layer_norm(&mut self, norm: &LayerNormPlan, input: &Maps) -> Result<Maps> {
        if input.class_token {
            return Ok(Maps { value: self.normalised(norm, &input.value)?, ..input.clone() });
        }
        let places = self.by_place(&norm.name, &input.value);
        let normalised = self.normalised(norm, &places)?;
        Ok(Maps { value: self.by_channel(&norm.name, &normalised), ..input.clone() })
    }

    /// ConvNeXt's block, maps to maps.
    pub(super) fn conv_next(&mut self, block: &ConvNextPlan, input: &Maps) -> Result<Maps> {
        let filtered = self.sums(&block.depthwise(), input)?;
        let places = self.by_place(&block.name, &filtered.value);
        let normalised = self.normalised(&block.norm(), &places)?;
        let inside = self.mlp([&block.widen(), &block.narrow()], Gelu::Exact, &normalised)?;
        let value = self.by_channel(&block.name, &inside);
        Ok(self.add(&Maps { value, ..input.clone() }, input, &format!("{}.residual", block.name)))
    }

    /// Two dense layers.
    fn mlp(&mut self, [widen, narrow]: [&DensePlan; 2], gelu: Gelu, input: &Value) -> Result<Value> {
        let wide = self.dense(widen, input)?;
        let inside = self.gelu(gelu, &wide, &widen.name);
        self.dense(narrow, &inside)
    }

    /// Over the last axis.
    fn normalised(&mut self, norm: &LayerNormPlan, input: &Value) -> Result<Value> {
        let mut part = |part: &str| -> Result<Value> {
            let name = format!("{}.{part}", norm.name);
            let values = (self.parameters)(&name)?;
            Ok(self.graph.floats(&format!("{}{name}", self.prefix), &[norm.channels], values))
        };
        let (weight, bias) = (part("weight")?, part("bias")?);
        let attributes = vec![Attribute::Int("axis", -1), Attribute::Float("epsilon", norm.epsilon as f32)];
        Ok(self.node("LayerNormalization", &norm.name, &[input, &weight, &bias], attributes))
    }

    /// Over the last axis; LayerScale is folded in, in 64 bits, as the engine does it.
    fn dense(&mut self, plan: &DensePlan, input: &Value) -> Result<Value> {
        let double =
            |name: String| -> Result<Vec<f64>> { Ok((self.parameters)(&name)?.into_iter().map(f64::from).collect()) };
        let (mut weight, mut bias) = (double(format!("{}.weight", plan.name))?, double(format!("{}.bias", plan.name))?);
        if let Some((scale, _)) = &plan.scale {
            let scale = double(scale.clone())?;
            for ((row, bias), scale) in weight.chunks_mut(plan.input.max(1)).zip(&mut bias).zip(&scale) {
                row.iter_mut().for_each(|value| *value *= scale);
                *bias *= scale;
            }
        }
        Ok(self.product(&plan.name, input, [plan.input, plan.output], &weight, &bias))
    }

    /// `x W^T + b` over the last axis.
    fn product(
        &mut self,
        name: &str,
        input: &Value,
        [inputs, outputs]: [usize; 2],
        weight: &[f64],
        bias: &[f64],
    ) -> Value {
        // MatMul takes it turned.
        let turned = (0..inputs).flat_map(|from| weight.iter().skip(from).step_by(inputs.max(1)));
        let turned = turned.map(|&value| value as f32).collect::<Vec<_>>();
        let weight = self.graph.floats(&named(self.prefix, &format!("{name}.weight")), &[inputs, outputs], turned);
        let bias = bias.iter().map(|&value| value as f32);
        let bias = self.graph.floats(&named(self.prefix, &format!("{name}.bias")), &[outputs], bias);
        let sums = self.node("MatMul", &format!("{name}.product"), &[input, &weight], Vec::new());
        self.node("Add", name, &[&sums, &bias], Vec::new())
    }

    /// Of operators that opset 17 has.
    fn gelu(&mut self, gelu: Gelu, x: &Value, name: &str) -> Value {
        let called = |part: &str| format!("{name}.{part}");
        match gelu {
            Gelu::Exact => {
                let root = self.graph.constant("root_of_half", std::f32::consts::FRAC_1_SQRT_2);
                let (one, half) = (self.graph.constant("one", 1.0), self.graph.constant("half", 0.5));
                let scaled = self.node("Mul", &called("scaled"), &[x, &root], Vec::new());
                let below = self.node("Erf", &called("erf"), &[&scaled], Vec::new());
                let below = self.node("Add", &called("below"), &[&below, &one], Vec::new());
                let share = self.node("Mul", &called("share"), &[&below, &half], Vec::new());
                self.node("Mul", &called("gelu"), &[x, &share], Vec::new())
            }
            Gelu::Quick => {
                let steep = self.graph.constant("quick_gelu", 1.702);
                let scaled = self.node("Mul", &called("scaled"), &[x, &steep], Vec::new());
                let share = self.node("Sigmoid", &called("share"), &[&scaled], Vec::new());
                self.node("Mul", &called("gelu"), &[x, &share], Vec::new())
            }
        }
    }

    /// Channels last.
    fn by_place(&mut self, name: &str, maps: &Value) -> Value {
        let perm = vec![Attribute::Ints("perm", vec![0, 2, 3, 1])];
        self.node("Transpose", &format!("{name}.by_place"), &[maps], perm)
    }

    /// And back.
    fn by_channel(&mut self, name: &str, places: &Value) -> Value {
        let perm = vec![Attribute::Ints("perm", vec![0, 3, 1, 2])];
        self.node("Transpose", &format!("{name}.by_channel"), &[places], perm)
    }
}

/// Told apart from other members' of an ensemble.
fn named(prefix: &str, name: &str) -> String {
    format!("{prefix}{name}")
}

/// Tokens from `first` to before `end`.
fn some_tokens(graph: &mut Graph, name: &str, tokens: &Value, [first, end]: [i64; 2]) -> Value {
    let bounds = [("first", first), ("end", end), ("axis", 1)];
    let [first, end, axis] = bounds.map(|(part, value)| graph.integers(&format!("{name}.{part}"), &[value]));
    graph.node("Slice", name, &[tokens, &first, &end, &axis], Vec::new())
}

/// The class token, `[N, channels]`.
pub(super) fn class_token(graph: &mut Graph, tokens: &Maps) -> Value {
    let class = some_tokens(graph, "class_token", &tokens.value, [0, 1]);
    graph.node("Flatten", "class_token.row", &[&class], vec![Attribute::Int("axis", 1)])
}

/// Maps as they are, and tokens as the maps of their patches.
pub fn patches(graph: &mut Graph, maps: &Maps) -> Maps {
    if !maps.class_token {
        return maps.clone();
    }
    let patches = some_tokens(graph, "patches", &maps.value, [1, i64::MAX]);
    let perm = vec![Attribute::Ints("perm", vec![0, 2, 1])];
    let turned = graph.node("Transpose", "patches.by_channel", &[&patches], perm);
    let side = maps.side as i64;
    let shape = graph.integers("patches.shape", &[0, maps.channels as i64, side, side]);
    let value = graph.node("Reshape", "patches.maps", &[&turned, &shape], Vec::new());
    Maps { value, class_token: false, ..maps.clone() }
}
