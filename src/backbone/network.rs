//! A backbone with its weights, ready to compute features.

use super::efficientnet_lite::EfficientNetLite0;
use super::layers::{Loader, channels_last};
use super::registry::BackboneInfo;
use super::weights;
use crate::error::{Error, Result};
use crate::imaging::Pixels;
use ndarray::Array2;
use std::sync::Arc;
use tch::{Device, Kind, TchError, Tensor};

/// A loaded network. Use each from one thread; [`Network::for_another_thread`] shares the weights.
pub struct Network {
    info: &'static BackboneInfo,
    layers: Arc<Layers>,
    weights_sha256: Arc<str>,
    device: Device,
    mean: Tensor,
    scale: Tensor,
}

/// The weights of a network, never changed after loading.
struct Layers(EfficientNetLite0);

// SAFETY: tch's tensors are not Sync because they can be changed in place through a shared reference. These are made
// in `Network::load`, are only ever read by `forward` (which runs without gradients), and libtorch documents that
// reading one tensor from several threads is safe.
unsafe impl Sync for Layers {}
// SAFETY: tensors may be used and freed on any thread; tch itself marks them Send.
unsafe impl Send for Layers {}

fn failed(error: TchError) -> Error {
    let text = error.to_string();
    Error::failed(format!("libtorch could not run the network ({}).", text.lines().next().unwrap_or_default()))
}

impl Network {
    /// Loads the network from the stored weights.
    ///
    /// # Errors
    /// Weights that are missing (the sentence says how to get them) or damaged.
    pub fn load(info: &'static BackboneInfo, device: Device) -> Result<Self> {
        let stored = weights::load(info)?;
        let layers = EfficientNetLite0::new(&Loader { weights: &stored.weights, device }).map_err(failed)?;
        let tensor = |values: [f32; 3]| -> Result<Tensor> {
            Tensor::f_from_slice(&values).and_then(|t| t.f_view([1, 3, 1, 1])?.f_to_device(device)).map_err(failed)
        };
        Ok(Self {
            info,
            layers: Arc::new(Layers(layers)),
            weights_sha256: stored.sha256.into(),
            device,
            mean: tensor(info.preprocessing.mean)?,
            scale: tensor(info.preprocessing.std.map(|std| 1.0 / std))?,
        })
    }

    /// The same network for another thread.
    pub fn for_another_thread(&self) -> Self {
        Self {
            info: self.info,
            layers: Arc::clone(&self.layers),
            weights_sha256: Arc::clone(&self.weights_sha256),
            device: self.device,
            mean: self.mean.shallow_clone(),
            scale: self.scale.shallow_clone(),
        }
    }

    /// What network it is.
    pub fn info(&self) -> &'static BackboneInfo {
        self.info
    }

    /// SHA-256 (hexadecimal) of the weights file.
    pub fn weights_sha256(&self) -> &str {
        &self.weights_sha256
    }

    /// Activations of the last layer before pooling: N x 3 x S x S, normalised, to N x C x H x W.
    pub fn forward(&self, input: &Tensor) -> Result<Tensor> {
        tch::no_grad(|| self.layers.0.forward(input)).map_err(failed)
    }

    /// Average-pooled features of upright pictures of the network's input size: N x features.
    ///
    /// # Errors
    /// Pictures of another size; a lack of memory.
    pub fn features(&self, batch: &[Pixels]) -> Result<Array2<f32>> {
        let side = self.info.input;
        if batch.iter().any(|picture| picture.width() != side || picture.height() != side) {
            return Err(Error::failed(format!("{} takes pictures of {side} x {side} pixels.", self.info.title)));
        }
        let mut bytes = Vec::with_capacity(batch.len() * side * side * 3);
        for picture in batch {
            bytes.extend_from_slice(picture.rgb());
        }
        let features = tch::no_grad(|| -> Result<Tensor, TchError> {
            let side = side as i64;
            let pixels = Tensor::f_from_slice(&bytes)?
                .f_view([batch.len() as i64, side, side, 3])?
                .f_permute([0, 3, 1, 2])?
                .f_to_device(self.device)?
                .f_to_kind(Kind::Float)?;
            let input = channels_last(pixels.f_sub(&self.mean)?.f_mul(&self.scale)?)?;
            self.layers.0.forward(&input)?.f_mean_dim([2i64, 3].as_slice(), false, Kind::Float)?.f_to_device(Device::Cpu)?.f_contiguous()
        })
        .map_err(failed)?;
        let mut values = vec![0f32; batch.len() * self.info.features];
        let count = values.len();
        features.f_copy_data(&mut values, count).map_err(failed)?;
        Array2::from_shape_vec((batch.len(), self.info.features), values)
            .map_err(|error| Error::failed(format!("The network answered in a wrong shape ({error}).")))
    }
}
