//! Loads stored weights as tensors.

use faceprobe_core::backbone::weights::StoredWeights;
use faceprobe_core::backbone::{BackboneInfo, MTCNN};
use faceprobe_core::error::{Error, Result};
use safetensors::tensor::{Dtype, TensorView};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use tch::{Device, Kind, Tensor};

/// The stored weights of the face detector on a device, by name, and their SHA-256.
///
/// # Errors
/// Weights that were not fetched, or whose checksum differs from the one recorded.
pub fn detector(device: Device) -> Result<(BTreeMap<String, Tensor>, String)> {
    let loaded = load(&MTCNN, device)?;
    Ok((loaded.tensors, loaded.sha256))
}

/// SHA-256, in hex, of the canonical file of these parameters.
pub(super) fn digest(parameters: &BTreeMap<String, Tensor>) -> Result<String> {
    let broken = |error: &dyn std::fmt::Display| Error::failed(format!("These parameters cannot be stored: {error}."));
    let mut data = Vec::with_capacity(parameters.len());
    for (name, tensor) in parameters {
        if tensor.kind() != Kind::Float {
            return Err(broken(&format!("`{name}` does not hold 32-bit floats")));
        }
        let mut numbers = vec![0_f32; tensor.numel()];
        let count = numbers.len();
        let flat = tensor.f_to_device(Device::Cpu).and_then(|tensor| tensor.f_contiguous());
        flat.and_then(|flat| flat.f_copy_data(&mut numbers, count)).map_err(|error| broken(&error))?;
        let shape: Vec<usize> = tensor.size().iter().map(|&side| side as usize).collect();
        data.push((name, shape, numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>()));
    }
    let views = data.iter().map(|(name, shape, bytes)| {
        TensorView::new(Dtype::F32, shape.clone(), bytes).map(|view| (name.as_str(), view))
    });
    let views = views.collect::<Result<Vec<_>, _>>().map_err(|error| broken(&error))?;
    let file = safetensors::serialize(views, None).map_err(|error| broken(&error))?;
    Ok(hex::encode(Sha256::digest(&file)))
}

/// Loaded weights, from which a network is built.
pub(super) struct Loaded {
    pub tensors: BTreeMap<String, Tensor>,
    pub sha256: String,
}

/// Reads stored weights onto a device; see [`StoredWeights::read`].
pub(super) fn load(info: &BackboneInfo, device: Device) -> Result<Loaded> {
    let stored = StoredWeights::read(info)?;
    let file = stored.tensors()?;
    let mut tensors = BTreeMap::new();
    for (name, view) in file.tensors() {
        let shape: Vec<i64> = view.shape().iter().map(|&side| side as i64).collect();
        let tensor =
            Tensor::f_from_data_size(view.data(), &shape, Kind::Float).and_then(|tensor| tensor.f_to_device(device));
        let tensor =
            tensor.map_err(|error| Error::failed(format!("The tensor `{name}` cannot be loaded: {error}.")))?;
        tensors.insert(name, tensor);
    }
    Ok(Loaded { tensors, sha256: stored.sha256 })
}
