//! A network's stages as operators, from the plan that everything else about it follows from too.

use super::graph::{Attribute, Graph, Value};
use super::tokens::{class_token, patches};
use crate::backbone::Pool;
use crate::backbone::blueprint::{Activation, BottleneckPlan, ConvPlan, Form, Norm, Padding, StagePlan, Step};
use crate::error::Result;

/// What a stage gives: `[N, channels, side, side]`, or tokens `[N, 1 + side * side, channels]`.
#[derive(Debug, Clone)]
pub struct Maps {
    pub value: Value,
    pub channels: usize,
    pub side: usize,
    /// Whether it is tokens, one for the whole picture and then one for each place.
    pub class_token: bool,
}

/// The parameters of a network by their names in the checkpoint, row-major.
pub type Parameters<'a> = dyn Fn(&str) -> Result<Vec<f32>> + 'a;

/// Writes consecutive stages.
pub struct Stages<'a> {
    pub graph: &'a mut Graph,
    pub parameters: &'a Parameters<'a>,
    /// Prefix of all names, which distinguishes the members of an ensemble.
    pub prefix: &'a str,
}

impl Stages<'_> {
    /// The outputs of the stages for `input`.
    ///
    /// # Errors
    /// A missing parameter.
    pub fn through(&mut self, plan: &[StagePlan], input: Maps) -> Result<Vec<Maps>> {
        let mut outputs: Vec<Maps> = Vec::with_capacity(plan.len());
        for stage in plan {
            let input = outputs.last().unwrap_or(&input).clone();
            outputs.push(self.form(&stage.form, &input)?);
        }
        Ok(outputs)
    }

    fn form(&mut self, form: &Form, input: &Maps) -> Result<Maps> {
        match form {
            Form::Chain(steps) => self.chain(steps, input),
            Form::Mixed(branches) => {
                let outputs = branches.iter().map(|steps| self.chain(steps, input)).collect::<Result<Vec<_>>>()?;
                Ok(self.together(outputs))
            }
            Form::Residual(branches, join) => {
                let convolved = |stages: &mut Self, branch: &Vec<ConvPlan>| {
                    branch.iter().try_fold(input.clone(), |maps, conv| stages.convolution(conv, &maps))
                };
                let outputs = branches.iter().map(|branch| convolved(self, branch)).collect::<Result<Vec<_>>>()?;
                let inside = self.together(outputs);
                let sums = self.sums(join, &inside)?;
                let added = self.add(&sums, input, &format!("{}.residual", join.name));
                Ok(self.activated(join.activation, added, &join.name))
            }
            Form::Sum(branches, activation) => {
                let outputs = branches.iter().map(|steps| self.chain(steps, input)).collect::<Result<Vec<_>>>()?;
                let mut outputs = outputs.into_iter();
                let first = outputs.next().unwrap_or_else(|| input.clone());
                let sums = outputs.fold(first, |sums, maps| self.add(&sums, &maps, "sum"));
                Ok(self.activated(*activation, sums, "sum"))
            }
        }
    }

    fn bottleneck(&mut self, block: &BottleneckPlan, input: &Maps) -> Result<Maps> {
        let layers = block.expand.iter().chain([&block.depthwise, &block.project]);
        let maps = layers.into_iter().try_fold(input.clone(), |maps, conv| self.convolution(conv, &maps))?;
        let name = format!("{}.residual", block.project.name);
        Ok(if block.residual { self.add(&maps, input, &name) } else { maps })
    }

    fn chain(&mut self, steps: &[Step], input: &Maps) -> Result<Maps> {
        steps.iter().try_fold(input.clone(), |maps, step| match step {
            Step::Conv(conv) => self.convolution(conv, &maps),
            Step::Bottleneck(block) => self.bottleneck(block, &maps),
            Step::Relu => Ok(self.activated(Activation::Relu, maps, "step")),
            Step::MaxPool { kernel, stride, padding } => Ok(self.max_pool(*kernel, *stride, *padding, &maps)),
            Step::AveragePool { kernel } => Ok(self.average_pool(*kernel, &maps)),
            Step::Embed(embed) => self.embed(embed, &maps),
            Step::Block(block) => self.block(block, &maps),
            Step::LayerNorm(norm) => self.layer_norm(norm, &maps),
            Step::ConvNext(block) => self.conv_next(block, &maps),
        })
    }

    /// The channels of several behind each other.
    fn together(&mut self, outputs: Vec<Maps>) -> Maps {
        if let [one] = &outputs[..] {
            return one.clone();
        }
        let channels = outputs.iter().map(|maps| maps.channels).sum();
        let side = outputs.first().map_or(0, |maps| maps.side);
        let values: Vec<&Value> = outputs.iter().map(|maps| &maps.value).collect();
        let value = self.node("Concat", "mixed", &values, vec![Attribute::Int("axis", 1)]);
        Maps { value, channels, side, class_token: false }
    }

    fn convolution(&mut self, conv: &ConvPlan, input: &Maps) -> Result<Maps> {
        let sums = self.sums(conv, input)?;
        Ok(self.activated(conv.activation, sums, &conv.name))
    }

    /// A convolution without its activation; batch normalisation and scale are folded into kernel and offset.
    pub(super) fn sums(&mut self, conv: &ConvPlan, input: &Maps) -> Result<Maps> {
        let Kernel { weight, bias } = folded(conv, self.parameters)?;
        let [rows, columns] = conv.kernel;
        let shape = [conv.output, conv.input / conv.groups, rows, columns];
        let name = format!("{}{}", self.prefix, conv.name);
        let weight = self.graph.floats(&format!("{name}.weight"), &shape, weight);
        let bias = self.graph.floats(&format!("{name}.bias"), &[conv.output], bias);
        let [[above, below], [left, right]] = margins(conv.padding, conv.kernel, conv.stride, input.side);
        let attributes = vec![
            Attribute::Ints("kernel_shape", vec![rows as i64, columns as i64]),
            Attribute::Ints("strides", vec![conv.stride as i64; 2]),
            Attribute::Ints("pads", [above, left, below, right].map(|margin| margin as i64).to_vec()),
            Attribute::Int("group", conv.groups as i64),
        ];
        let value = self.graph.node("Conv", &name, &[&input.value, &weight, &bias], attributes);
        Ok(Maps { value, channels: conv.output, side: conv.side(input.side), class_token: false })
    }

    fn activated(&mut self, activation: Activation, sums: Maps, name: &str) -> Maps {
        let value = match activation {
            Activation::None => return sums,
            Activation::Relu => self.node("Relu", &format!("{name}.relu"), &[&sums.value], Vec::new()),
            Activation::Relu6 => {
                let (low, high) = (self.graph.constant("zero", 0.0), self.graph.constant("six", 6.0));
                self.node("Clip", &format!("{name}.relu6"), &[&sums.value, &low, &high], Vec::new())
            }
        };
        Maps { value, ..sums }
    }

    pub(super) fn add(&mut self, one: &Maps, other: &Maps, name: &str) -> Maps {
        Maps { value: self.node("Add", name, &[&one.value, &other.value], Vec::new()), ..one.clone() }
    }

    fn max_pool(&mut self, kernel: usize, stride: usize, padding: Padding, input: &Maps) -> Maps {
        let [[above, below], [left, right]] = margins(padding, [kernel; 2], stride, input.side);
        let attributes = vec![
            Attribute::Ints("kernel_shape", vec![kernel as i64; 2]),
            Attribute::Ints("strides", vec![stride as i64; 2]),
            // Padding is never the maximum.
            Attribute::Ints("pads", [above, left, below, right].map(|margin| margin as i64).to_vec()),
        ];
        let value = self.node("MaxPool", "max_pool", &[&input.value], attributes);
        Maps { value, side: padding.places(input.side, kernel, stride), ..input.clone() }
    }

    fn average_pool(&mut self, kernel: usize, input: &Maps) -> Maps {
        let attributes = vec![
            Attribute::Ints("kernel_shape", vec![kernel as i64; 2]),
            Attribute::Ints("strides", vec![1; 2]),
            Attribute::Ints("pads", vec![(kernel / 2) as i64; 4]),
            // At the edge, the average over the positions that exist.
            Attribute::Int("count_include_pad", 0),
        ];
        Maps { value: self.node("AveragePool", "average_pool", &[&input.value], attributes), ..input.clone() }
    }

    pub(super) fn node(&mut self, operator: &str, name: &str, inputs: &[&Value], attributes: Vec<Attribute>) -> Value {
        self.graph.node(operator, &format!("{}{name}", self.prefix), inputs, attributes)
    }
}

struct Kernel {
    weight: Vec<f32>,
    bias: Vec<f32>,
}

/// Kernel and bias with normalisation and scale folded in, in f64 as in the engine.
fn folded(conv: &ConvPlan, parameters: &Parameters<'_>) -> Result<Kernel> {
    let double = |name: String| -> Result<Vec<f64>> { Ok(parameters(&name)?.into_iter().map(f64::from).collect()) };
    let mut weight = double(format!("{}.weight", conv.name))?;
    let bias = match &conv.norm {
        Norm::Bias => double(format!("{}.bias", conv.name))?,
        Norm::None => vec![0.0; conv.output],
        Norm::Batch(norm, epsilon) => {
            let (gamma, beta) = (double(format!("{norm}.weight"))?, double(format!("{norm}.bias"))?);
            let (mean, variance) = (double(format!("{norm}.running_mean"))?, double(format!("{norm}.running_var"))?);
            let factors: Vec<f64> =
                gamma.iter().zip(&variance).map(|(gamma, variance)| gamma / (variance + epsilon).sqrt()).collect();
            let per_channel = (weight.len() / factors.len().max(1)).max(1);
            for (channel, factor) in weight.chunks_mut(per_channel).zip(&factors) {
                channel.iter_mut().for_each(|value| *value *= factor);
            }
            beta.iter().zip(&factors).zip(&mean).map(|((beta, factor), mean)| beta - factor * mean).collect()
        }
    };
    let scaled = |values: Vec<f64>| values.into_iter().map(|value| (value * conv.scale) as f32).collect();
    Ok(Kernel { weight: scaled(weight), bias: scaled(bias) })
}

/// Padding above and below, left and right of an input of `side` rows and columns.
fn margins(padding: Padding, kernel: [usize; 2], stride: usize, side: usize) -> [[usize; 2]; 2] {
    let of = |axis: usize| match padding {
        Padding::Fixed(padding) => [usize::try_from(padding[axis]).unwrap_or(0); 2],
        // TensorFlow's SAME puts the odd row and column below and to the right.
        Padding::Same => {
            let missing = ((side.div_ceil(stride) - 1) * stride + kernel[axis]).saturating_sub(side);
            [missing / 2, missing - missing / 2]
        }
    };
    [of(0), of(1)]
}

/// The row `[N, width]` that a stage gives, as the feature store keeps it.
pub fn pooled(graph: &mut Graph, pool: Pool, maps: &Maps) -> Value {
    if maps.class_token {
        return match pool {
            Pool::ClassToken => class_token(graph, maps),
            Pool::ClassAndAverage => {
                let class = class_token(graph, maps);
                let average = pooled(graph, Pool::Avg, maps);
                graph.node("Concat", "pool.class_and_average", &[&class, &average], vec![Attribute::Int("axis", 1)])
            }
            _ => {
                let maps = patches(graph, maps);
                pooled(graph, pool, &maps)
            }
        };
    }
    let places = || Attribute::Ints("axes", vec![2, 3]);
    let flat = || Attribute::Int("keepdims", 0);
    match pool {
        Pool::Avg => graph.node("ReduceMean", "pool.avg", &[&maps.value], vec![places(), flat()]),
        Pool::Max => graph.node("ReduceMax", "pool.max", &[&maps.value], vec![places(), flat()]),
        Pool::Grid(cells) => {
            // Averages over the cells are matrix products with the weights of positions in cells, by rows and by
            // columns.
            let cells = usize::from(cells).min(maps.side);
            let shares = cell_shares(maps.side, cells);
            let rows = graph.floats("pool.grid.rows", &[cells, maps.side], shares.iter().copied());
            let turned = (0..maps.side).flat_map(|place| shares.iter().skip(place).step_by(maps.side).copied());
            let columns = graph.floats("pool.grid.columns", &[maps.side, cells], turned.collect::<Vec<_>>());
            let across = graph.node("MatMul", "pool.grid.across", &[&maps.value, &columns], Vec::new());
            let grid = graph.node("MatMul", "pool.grid", &[&rows, &across], Vec::new());
            by_place(graph, &grid)
        }
        // No request asks a network without a class token for it.
        Pool::Flatten | Pool::ClassToken | Pool::ClassAndAverage => by_place(graph, &maps.value),
    }
}

/// Flattens in the order row, column, channel.
pub fn by_place(graph: &mut Graph, maps: &Value) -> Value {
    let turned = graph.node("Transpose", "by_place", &[maps], vec![Attribute::Ints("perm", vec![0, 2, 3, 1])]);
    graph.node("Flatten", "row", &[&turned], vec![Attribute::Int("axis", 1)])
}

/// `cells` x `side`: the weight of each position in a cell's average, for the cells of PyTorch's `adaptive_avg_pool2d`,
/// which may overlap.
fn cell_shares(side: usize, cells: usize) -> Vec<f32> {
    let mut shares = vec![0.0; cells * side];
    for (cell, row) in shares.chunks_exact_mut(side.max(1)).enumerate() {
        let (first, end) = (cell * side / cells, ((cell + 1) * side).div_ceil(cells));
        row[first..end].fill(1.0 / (end - first) as f32);
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_those_of_adaptive_pooling() {
        assert_eq!(cell_shares(4, 2), [0.5, 0.5, 0.0, 0.0, 0.0, 0.0, 0.5, 0.5]);
        let third = 1.0 / 3.0;
        // 7 positions in 3 cells overlap: 0..3, 2..5, 4..7.
        let rows = [
            [third, third, third, 0.0, 0.0, 0.0, 0.0],
            [0.0, 0.0, third, third, third, 0.0, 0.0],
            [0.0, 0.0, 0.0, 0.0, third, third, third],
        ];
        assert_eq!(cell_shares(7, 3), rows.concat());
    }
}
