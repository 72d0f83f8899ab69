//! A network with its weights, ready to give features.

use super::{BackboneInfo, Layers, weights};
use crate::error::{Error, Result};
use crate::imaging::Pixels;
use ndarray::Array2;
use std::borrow::Cow;
use tch::{Device, Kind, TchError, Tensor};

/// A loaded backbone. It can move to another thread; for several threads, [`Network::share`] gives each its own over
/// the same tensors.
pub struct Network {
    info: &'static BackboneInfo,
    layers: Box<dyn Layers>,
    device: Device,
    weights_sha256: String,
    /// `[3, 1, 1]` on the device.
    mean: Tensor,
    std: Tensor,
}

impl Network {
    /// Loads the stored weights onto a device and folds batch normalisation into the convolutions.
    ///
    /// Fails if the weights were not fetched, or are not the file that was stored.
    pub fn load(info: &'static BackboneInfo, device: Device) -> Result<Self> {
        let loaded = weights::load(info, device)?;
        let layers = tch::no_grad(|| (info.architecture.build)(&loaded.parameters))?;
        let constant = |values: [f32; 3]| Tensor::from_slice(&values).view([3, 1, 1]).to_device(device);
        let (mean, std) = (constant(info.preprocessing.mean), constant(info.preprocessing.std));
        Ok(Self { info, layers, device, weights_sha256: loaded.sha256, mean, std })
    }

    /// The same network for another thread, over the same tensors.
    pub fn share(&self) -> Self {
        Self {
            info: self.info,
            layers: self.layers.share(),
            device: self.device,
            weights_sha256: self.weights_sha256.clone(),
            mean: self.mean.shallow_clone(),
            std: self.std.shallow_clone(),
        }
    }

    /// What the registry says about it.
    pub fn info(&self) -> &'static BackboneInfo {
        self.info
    }

    /// SHA-256 of the canonical weights file, in hex.
    pub fn weights_sha256(&self) -> &str {
        &self.weights_sha256
    }

    /// Averaged features `[N, features]` of a normalised input `[N, 3, S, S]`, without gradients.
    pub fn forward(&self, input: &Tensor) -> Result<Tensor> {
        self.forward_watched(input, &mut |_, _| {})
    }

    /// [`Network::forward`], showing the name and the output `[N, C, H, W]` of each stage on the way.
    pub fn forward_watched(&self, input: &Tensor, watch: &mut dyn FnMut(&str, &Tensor)) -> Result<Tensor> {
        tch::no_grad(|| self.layers.forward(input, watch)).map_err(|error| self.explain(&error))
    }

    /// The normalised input `[N, 3, S, S]` of some pictures, channels last in memory. Pictures of another size are
    /// resized first.
    pub fn input(&self, pictures: &[Pixels]) -> Result<Tensor> {
        let side = self.info.preprocessing.size;
        let mut bytes = Vec::with_capacity(pictures.len() * side * side * 3);
        for picture in pictures {
            let fits = picture.width() == side && picture.height() == side;
            let picture =
                if fits { Cow::Borrowed(picture) } else { Cow::Owned(self.info.preprocessing.resize(picture)) };
            bytes.extend_from_slice(picture.rgb());
        }
        let shape = [pictures.len() as i64, side as i64, side as i64, 3];
        let normalise = || {
            let rows = Tensor::f_from_data_size(&bytes, &shape, Kind::Uint8)?.f_to_device(self.device)?;
            let mut input = rows.f_permute([0, 3, 1, 2])?.f_to_kind(Kind::Float)?;
            input.f_sub_(&self.mean)?.f_div_(&self.std)
        };
        normalise().map_err(|error| self.explain(&error))
    }

    /// The averaged features of some pictures, one row each.
    pub fn features(&self, pictures: &[Pixels]) -> Result<Array2<f32>> {
        let (rows, columns) = (pictures.len(), self.info.features);
        if rows == 0 {
            return Ok(Array2::zeros((0, columns)));
        }
        let features = self.forward(&self.input(pictures)?)?;
        let mut values = vec![0_f32; rows * columns];
        let mut copy = || {
            let features = features.f_to_device(Device::Cpu)?.f_contiguous()?;
            features.f_copy_data(&mut values, rows * columns)
        };
        copy().map_err(|error| self.explain(&error))?;
        Array2::from_shape_vec((rows, columns), values)
            .map_err(|error| Error::failed(format!("{} gave features of another length: {error}.", self.info.title)))
    }

    fn explain(&self, error: &TchError) -> Error {
        let text = error.to_string();
        let first = text.lines().next().unwrap_or_default();
        Error::failed(format!(
            "{} could not run on {:?} ({first}); try a smaller batch or --device cpu.",
            self.info.title, self.device
        ))
    }
}
