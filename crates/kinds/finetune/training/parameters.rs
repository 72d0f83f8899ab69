//! What fine-tuning trains: the parameters of the tail and of the head, folded for the network and unfolded again.

use super::fold::FoldedLayer;
use crate::backbone::Tail;
use crate::model::network::{Weights, to_array, torch_error};
use crate::model::random::Initialiser;
use faceprobe_core::error::{Error, Result};
use ndarray::ArrayD;
use rayon::prelude::*;
use tch::{Kind, TchError, Tensor};

/// The parameters by name, with what they need to become a network.
pub(super) struct Parameters {
    layers: Vec<FoldedLayer>,
    pub(super) names: Vec<String>,
    shapes: Vec<Vec<usize>>,
    /// Those of each layer in turn, then the head's weight and bias.
    pub(super) values: Vec<Vec<f32>>,
    /// What is not trained: the statistics.
    fixed: Weights,
}

/// The network that gradients flow through: weight and offset of each layer, then of the head.
pub(super) struct Leaves(Vec<(Tensor, Tensor)>);

impl Leaves {
    /// The same tensors for another thread.
    pub(super) fn share(&self) -> Self {
        Self(self.0.iter().map(|(kernel, offset)| (kernel.shallow_clone(), offset.shallow_clone())).collect())
    }

    /// The layers of the tail.
    pub(super) fn folded(&self) -> &[(Tensor, Tensor)] {
        &self.0[..self.0.len() - 1]
    }

    /// Weight and bias of the head.
    pub(super) fn head(&self) -> &(Tensor, Tensor) {
        &self.0[self.0.len() - 1]
    }

    /// Kernel, bias, kernel, ...
    pub(super) fn all(&self) -> Vec<&Tensor> {
        self.0.iter().flat_map(|(kernel, offset)| [kernel, offset]).collect()
    }
}

impl Parameters {
    /// The pretrained tail and a new head, initialised as `torch.nn.Linear` but from the seed, without a bias.
    ///
    /// # Errors
    /// Weights that are missing.
    pub(super) fn new(tail: &Tail, seed: u64) -> Result<Self> {
        let mut weights = Weights::new();
        for (name, tensor) in tail.pretrained()? {
            weights.insert(name, to_array(&tensor).map_err(torch_error)?);
        }
        let features = tail.features();
        // Uniform within 1 / sqrt(features) of zero, which is Glorot's limit for this sum.
        weights.insert("head.weight".into(), Initialiser::new(seed).glorot(&[1, features], 3 * features, 3 * features));
        weights.insert("head.bias".into(), ArrayD::zeros(vec![1]));
        Self::of(tail, weights)
    }

    /// Of all parameters by name.
    pub(super) fn of(tail: &Tail, mut weights: Weights) -> Result<Self> {
        let all = tail.layers();
        let layers = all.iter().map(|layer| FoldedLayer::new(layer, &weights)).collect::<Result<Vec<_>>>()?;
        let mut names: Vec<String> = all.iter().flat_map(FoldedLayer::names).collect();
        names.extend(["head.weight".to_owned(), "head.bias".to_owned()]);
        let (mut shapes, mut values) = (Vec::new(), Vec::new());
        for name in &names {
            let array = weights.remove(name);
            let array = array.ok_or_else(|| Error::failed(format!("the tensor '{name}' is missing")))?;
            shapes.push(array.shape().to_vec());
            values.push(array.iter().copied().collect());
        }
        Ok(Self { layers, names, shapes, values, fixed: weights })
    }

    /// How many of them belong to the head: the last ones.
    pub(super) const HEAD: usize = 2;

    /// All parameters by name, the statistics included.
    pub(super) fn weights(&self, values: &[Vec<f32>]) -> Result<Weights> {
        let mut weights = self.fixed.clone();
        for ((name, shape), values) in self.names.iter().zip(&self.shapes).zip(values) {
            let array = ArrayD::from_shape_vec(shape.clone(), values.clone());
            weights.insert(name.clone(), array.map_err(|error| Error::failed(error.to_string()))?);
        }
        Ok(weights)
    }

    /// Where each layer's parameters begin.
    fn ranges(&self) -> Vec<std::ops::Range<usize>> {
        let mut first = 0;
        let range = |layer: &FoldedLayer| {
            first += layer.count();
            first - layer.count()..first
        };
        self.layers.iter().map(range).collect()
    }

    /// Kernels and offsets as the parameters have them now.
    fn folded(&self) -> Vec<[Vec<f32>; 2]> {
        let ranges = self.ranges();
        let mut all: Vec<_> =
            self.layers.par_iter().zip(ranges).map(|(layer, range)| layer.fold(&self.values[range])).collect();
        let head = &self.values[self.values.len() - Self::HEAD..];
        all.push([head[0].clone(), head[1].clone()]);
        all
    }

    /// New tensors for gradients: of this kind for the layers of the tail, in 32 bits for the head.
    pub(super) fn leaves(&self, kind: Kind) -> Result<Leaves> {
        let mut shapes: Vec<Vec<i64>> =
            self.layers.iter().map(|layer| layer.shape.iter().map(|&side| side as i64).collect()).collect();
        let head = &self.shapes[self.shapes.len() - Self::HEAD];
        shapes.push(head.iter().map(|&side| side as i64).collect());
        let pair = |(at, ([kernel, offset], shape)): (usize, ([Vec<f32>; 2], &Vec<i64>))| -> Result<_, TchError> {
            let kind = if at < self.layers.len() { kind } else { Kind::Float };
            let leaf = |values: &[f32], shape: &[i64]| {
                Tensor::f_from_slice(values)?.f_view(shape)?.f_to_kind(kind)?.f_set_requires_grad(true)
            };
            Ok((leaf(&kernel, shape)?, leaf(&offset, &[offset.len() as i64])?))
        };
        let leaves = self.folded().into_iter().zip(&shapes).enumerate().map(pair).collect::<Result<_, _>>();
        leaves.map(Leaves).map_err(torch_error)
    }

    /// Updates the leaf tensors to the present parameters.
    pub(super) fn refresh(&self, leaves: &mut Leaves) -> Result<()> {
        let put = |leaf: &mut Tensor, values: &[f32]| -> Result<(), TchError> {
            leaf.f_copy_(&Tensor::f_from_slice(values)?.f_view(leaf.size().as_slice())?)
        };
        tch::no_grad(|| {
            for ((kernel, offset), [kernel_values, offset_values]) in leaves.0.iter_mut().zip(self.folded()) {
                put(kernel, &kernel_values)?;
                put(offset, &offset_values)?;
            }
            Ok(())
        })
        .map_err(torch_error)
    }

    /// The gradients of the parameters, from those of [`Leaves::all`].
    pub(super) fn unfold(&self, gradients: Vec<Vec<f32>>) -> Vec<Vec<f32>> {
        let mut gradients = gradients.into_iter();
        let mut next = || gradients.next().unwrap_or_default();
        let pairs: Vec<[Vec<f32>; 2]> = self.layers.iter().map(|_| [next(), next()]).collect();
        let head = [next(), next()];
        let mut all: Vec<Vec<f32>> = self
            .layers
            .par_iter()
            .zip(self.ranges())
            .zip(pairs)
            .flat_map_iter(|((layer, range), [kernel, offset])| layer.unfold(&self.values[range], kernel, offset))
            .collect();
        all.extend(head);
        all
    }
}
