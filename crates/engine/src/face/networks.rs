//! The three networks of the cascade, layer by layer as in facenet-pytorch 2.6.0 (`models/mtcnn.py`).

use faceprobe_core::error::{Error, Result};
use std::collections::BTreeMap;
use tch::{Kind, TchError, Tensor};

/// One of the three networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Runs over a whole image and finds candidates.
    Proposal,
    /// Classifies 24 x 24 pixels.
    Refine,
    /// Classifies 48 x 48 pixels and finds the landmarks too.
    Output,
}

impl Stage {
    /// Prefix of its parameters' names.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Proposal => "pnet",
            Self::Refine => "rnet",
            Self::Output => "onet",
        }
    }

    /// Side of its input; the first takes any size.
    pub(super) fn side(self) -> usize {
        match self {
            Self::Proposal => 12,
            Self::Refine => 24,
            Self::Output => 48,
        }
    }

    /// Its shared layers, up to the output branches.
    fn trunk(self) -> &'static [Layer] {
        use Layer::{Conv, Dense, Pool};
        match self {
            Self::Proposal => &[Conv("1", "1"), Pool(2), Conv("2", "2"), Conv("3", "3")],
            Self::Refine => &[Conv("1", "1"), Pool(3), Conv("2", "2"), Pool(3), Conv("3", "3"), Dense("4", "4")],
            Self::Output => &[
                Conv("1", "1"),
                Pool(3),
                Conv("2", "2"),
                Pool(3),
                Conv("3", "3"),
                Pool(2),
                Conv("4", "4"),
                Dense("5", "5"),
            ],
        }
    }

    /// Its output branches: the face's probability, the box regression, and for the last network the landmarks.
    fn answers(self) -> &'static [&'static str] {
        match self {
            Self::Proposal => &["conv4_1", "conv4_2"],
            Self::Refine => &["dense5_1", "dense5_2"],
            Self::Output => &["dense6_1", "dense6_2", "dense6_3"],
        }
    }
}

/// A layer with its activation, and the numbers in their names.
#[derive(Debug, Clone, Copy)]
enum Layer {
    /// `convN` and `preluM`.
    Conv(&'static str, &'static str),
    /// Max pooling with stride 2; at the edge, over the positions that exist.
    Pool(i64),
    /// `denseN` and `preluM`, over the positions column by column.
    Dense(&'static str, &'static str),
}

/// A layer with its parameters.
enum Step {
    Conv { weight: Tensor, bias: Tensor, slope: Tensor },
    Pool(i64),
    Dense { weight: Tensor, bias: Tensor, slope: Tensor },
}

impl Step {
    fn share(&self) -> Self {
        let of = Tensor::shallow_clone;
        match self {
            Self::Conv { weight, bias, slope } => Self::Conv { weight: of(weight), bias: of(bias), slope: of(slope) },
            Self::Pool(side) => Self::Pool(*side),
            Self::Dense { weight, bias, slope } => Self::Dense { weight: of(weight), bias: of(bias), slope: of(slope) },
        }
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor, TchError> {
        match self {
            Self::Conv { weight, bias, slope } => convolved(x, weight, bias)?.f_prelu(slope),
            Self::Pool(side) => x.f_max_pool2d([*side; 2], [2; 2], [0; 2], [1; 2], true),
            Self::Dense { weight, bias, slope } => {
                let flat = x.f_permute([0, 3, 2, 1])?.f_contiguous()?.f_flatten(1, -1)?;
                flat.f_linear(weight, Some(bias))?.f_prelu(slope)
            }
        }
    }
}

fn convolved(x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor, TchError> {
    x.f_conv2d(weight, Some(bias), [1; 2], [0; 2], [1; 2], 1)
}

/// A network with its weights.
pub(super) struct Net {
    steps: Vec<Step>,
    /// Weight and bias of each output branch.
    answers: Vec<[Tensor; 2]>,
    dense: bool,
}

/// The output of a network for `N` inputs.
pub(super) struct Answer {
    /// `N` probabilities; of the first network, one per position.
    pub(super) scores: Vec<f32>,
    /// Four per input; of the first network, four planes.
    pub(super) offsets: Vec<f32>,
    /// Of the last network ten per input, five times x and five times y; otherwise empty.
    pub(super) landmarks: Vec<f32>,
    /// Columns of the first network's output.
    pub(super) width: usize,
}

impl Net {
    /// # Errors
    /// A parameter that is missing.
    pub(super) fn new(stage: Stage, parameters: &BTreeMap<String, Tensor>) -> Result<Self> {
        let get = |name: String| {
            let name = format!("{}.{name}", stage.prefix());
            let found = parameters.get(&name).map(Tensor::shallow_clone);
            found.ok_or_else(|| Error::failed(format!("The weights of the face detector lack `{name}`.")))
        };
        let step = |layer: &Layer| {
            Ok(match layer {
                Layer::Conv(layer, prelu) => Step::Conv {
                    weight: get(format!("conv{layer}.weight"))?,
                    bias: get(format!("conv{layer}.bias"))?,
                    slope: get(format!("prelu{prelu}.weight"))?,
                },
                Layer::Pool(side) => Step::Pool(*side),
                Layer::Dense(layer, prelu) => Step::Dense {
                    weight: get(format!("dense{layer}.weight"))?,
                    bias: get(format!("dense{layer}.bias"))?,
                    slope: get(format!("prelu{prelu}.weight"))?,
                },
            })
        };
        let answer = |name: &&str| Ok([get(format!("{name}.weight"))?, get(format!("{name}.bias"))?]);
        Ok(Self {
            steps: stage.trunk().iter().map(step).collect::<Result<_>>()?,
            answers: stage.answers().iter().map(answer).collect::<Result<_>>()?,
            dense: stage != Stage::Proposal,
        })
    }

    /// The same network for another thread, over the same tensors.
    pub(super) fn share(&self) -> Self {
        Self {
            steps: self.steps.iter().map(Step::share).collect(),
            answers: self.answers.iter().map(|answer| answer.each_ref().map(Tensor::shallow_clone)).collect(),
            dense: self.dense,
        }
    }

    /// The output for `[N, 3, H, W]`; the first network takes one image at a time.
    pub(super) fn forward(&self, input: &Tensor) -> Result<Answer, TchError> {
        tch::no_grad(|| {
            let mut x = input.shallow_clone();
            for step in &self.steps {
                x = step.forward(&x)?;
            }
            let answer = |[weight, bias]: &[Tensor; 2]| {
                if self.dense { x.f_linear(weight, Some(bias)) } else { convolved(&x, weight, bias) }
            };
            let mut answers = self.answers.iter().map(answer).collect::<Result<Vec<_>, _>>()?.into_iter();
            let mut next = || answers.next().map_or(Ok(Vec::new()), |answer| values(&answer));
            let width = if self.dense { 1 } else { x.size().last().map_or(0, |&width| width as usize) };
            let logits = next()?;
            Ok(Answer { scores: probabilities(&logits, self.dense), offsets: next()?, landmarks: next()?, width })
        })
    }
}

/// The second component of a softmax over two: `[N, 2]`, or two planes.
fn probabilities(logits: &[f32], pairs: bool) -> Vec<f32> {
    let of = |no: f32, yes: f32| {
        let most = no.max(yes);
        let (no, yes) = ((no - most).exp(), (yes - most).exp());
        yes / (no + yes)
    };
    if pairs {
        logits.chunks_exact(2).map(|pair| of(pair[0], pair[1])).collect()
    } else {
        let (no, yes) = logits.split_at(logits.len() / 2);
        no.iter().zip(yes).map(|(&no, &yes)| of(no, yes)).collect()
    }
}

/// The values of a tensor in row-major order.
fn values(tensor: &Tensor) -> Result<Vec<f32>, TchError> {
    let flat = tensor.f_to_device(tch::Device::Cpu)?.f_to_kind(Kind::Float)?.f_contiguous()?;
    let mut numbers = vec![0_f32; flat.numel()];
    let count = numbers.len();
    flat.f_copy_data(&mut numbers, count)?;
    Ok(numbers)
}
