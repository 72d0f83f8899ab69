//! Rows from the stages of a pretrained network.

use super::source::{RowExtractor, RowSource, Tapped};
use crate::backbone::{Arithmetic, BackboneInfo, Network, Pool, device};
use faceprobe_core::error::{Error, Result};
use faceprobe_core::features::{FeatureSpec, Rows, StoreIdentity};
use faceprobe_core::imaging::{Pixels, Preprocessing};
use ndarray::{Array2, Axis, concatenate};
use std::sync::{Mutex, PoisonError};
use tch::Device;

/// Bytes that the widest layer of a network may hold for all images of a batch. Larger batches only cause more page
/// faults: VGG16's first layer takes 13 MB per image, twice over on each stream.
const LAYER_BYTES: usize = 104 << 20;

/// Features of a pretrained network, one store per stage, so that a stage once computed serves every combination. The
/// network is loaded when the first row is needed, so full stores cost nothing.
pub struct NetworkSource {
    info: &'static BackboneInfo,
    device: Device,
    preprocessing: Preprocessing,
    arithmetic: Arithmetic,
    taps: Vec<usize>,
    pool: Pool,
    identities: Vec<StoreIdentity>,
    /// Values per row over all stages.
    identity: StoreIdentity,
    network: Mutex<Option<Network>>,
}

impl NetworkSource {
    /// The requested features, computed on `device`.
    ///
    /// # Errors
    /// A request that does not fit the network, weights that are missing, or arithmetic that the device does not
    /// support.
    pub fn new(spec: &FeatureSpec, device: Device) -> Result<Self> {
        let info = spec.check()?;
        let arithmetic = spec.arithmetic();
        device::check(arithmetic, device)?;
        let preprocessing = info.preprocessing.with_mode(spec.mode);
        let (identities, identity) = (spec.identities()?, spec.identity()?);
        let taps = spec.taps(info);
        let (pool, network) = (spec.pool, Mutex::new(None));
        Ok(Self { info, device, preprocessing, arithmetic, taps, pool, identities, identity, network })
    }
}

impl RowSource for NetworkSource {
    fn identity(&self) -> StoreIdentity {
        self.identity.clone()
    }

    fn identities(&self) -> Vec<StoreIdentity> {
        self.identities.clone()
    }

    fn preprocessing(&self) -> Preprocessing {
        self.preprocessing
    }

    fn batch(&self) -> usize {
        let widest = self.info.stages().iter().map(|stage| 4 * stage.channels * stage.side * stage.side).max();
        (LAYER_BYTES / widest.unwrap_or(1).max(1)).clamp(1, 16)
    }

    fn worker(&self) -> Result<Box<dyn RowExtractor + Send>> {
        let mut held = self.network.lock().unwrap_or_else(PoisonError::into_inner);
        let network = match held.take() {
            Some(network) => network,
            None => Network::load_as(self.info, self.device, self.arithmetic)?,
        };
        let own = network.share();
        *held = Some(network);
        Ok(Box::new(NetworkExtractor { network: own, taps: self.taps.clone(), pool: self.pool }))
    }
}

struct NetworkExtractor {
    network: Network,
    taps: Vec<usize>,
    pool: Pool,
}

impl NetworkExtractor {
    fn pooled(&self, batch: &[Pixels]) -> Result<Vec<Array2<f32>>> {
        self.network.pooled(batch, &self.taps, self.pool)
    }
}

impl RowExtractor for NetworkExtractor {
    fn rows(&mut self, batch: &[Pixels]) -> Result<Rows> {
        let parts = self.pooled(batch)?;
        let views: Vec<_> = parts.iter().map(Array2::view).collect();
        let rows = concatenate(Axis(1), &views);
        rows.map(Rows::F32).map_err(|error| Error::failed(format!("The stages gave rows that do not fit: {error}.")))
    }

    fn parts(&mut self, batch: &[Pixels]) -> Result<Vec<Rows>> {
        Ok(self.pooled(batch)?.into_iter().map(Rows::F32).collect())
    }

    fn tapped(&mut self, picture: &Pixels) -> Result<Option<Tapped>> {
        let input = self.network.input(std::slice::from_ref(picture))?;
        let activations = self.network.outputs(&input, &self.taps)?;
        Ok(Some(Tapped { activations, pool: self.pool }))
    }
}
