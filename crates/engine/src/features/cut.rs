//! Rows for fine-tuning: the whole output of the stage at the cut, of each image and of its mirror image.

use super::source::{RowExtractor, RowSource};
use crate::backbone::{self, BackboneInfo, Network, Pool, Tail};
use faceprobe_core::error::{Error, Result};
use faceprobe_core::features::{Dtype, FeatureSpec, Rows, StoreIdentity, Taps, rounded};
use faceprobe_core::imaging::{Pixels, Preprocessing, Variation};
use ndarray::{Array2, Axis, concatenate};
use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};
use tch::Device;

/// The output of one stage in the order row, column, channel (of tokens, the class token first), kept in half precision: the
/// picture's in one store, its mirror image's in another. A row is both, the picture first.
///
/// Half precision has eleven bits, more than the eight that the pixels have; what a worker gives is rounded to it, so
/// that a prediction sees the same numbers as training.
pub struct CutSource {
    info: &'static BackboneInfo,
    device: Device,
    preprocessing: Preprocessing,
    cut: usize,
    variation: Option<Variation>,
    /// For the image and for its mirror image.
    identities: [StoreIdentity; 2],
    network: Mutex<Option<Network>>,
}

impl CutSource {
    /// The activations at stage `tap` of the request, which must be one stage. Its pooling applies after the last stage
    /// and is ignored here.
    ///
    /// # Errors
    /// An unknown network or stage, a stage that cannot be cut at; weights that are missing.
    pub fn new(spec: &FeatureSpec, device: Device) -> Result<Self> {
        Self::of(spec, None, device)
    }

    /// The same for images varied in one way.
    ///
    /// # Errors
    /// As [`CutSource::new`].
    pub fn varied(spec: &FeatureSpec, variation: Variation, device: Device) -> Result<Self> {
        Self::of(spec, Some(variation), device)
    }

    fn of(spec: &FeatureSpec, variation: Option<Variation>, device: Device) -> Result<Self> {
        let info = backbone::find(&spec.backbone)?;
        let Taps::Stages(stages) = &spec.tap else {
            return Err(Error::usage("Fine-tuning needs the number of the stage after which the network is cut."));
        };
        let [cut] = stages[..] else {
            return Err(Error::usage(format!("A network is cut after one stage, not after {}.", spec.tap)));
        };
        let stage = Tail::new(info, cut)?.input();
        let preprocessing = info.preprocessing.with_mode(spec.mode);
        let picture = StoreIdentity {
            backbone: info.name.to_owned(),
            weights: backbone::weights::sha256_of(info)?,
            preprocessing: match &variation {
                Some(variation) => format!("{} {}", preprocessing.describe(), variation.describe()),
                None => preprocessing.describe(),
            },
            tap: cut.to_string(),
            pool: Pool::Flatten.to_string(),
            dtype: Dtype::F16,
            width: stage.values(),
        };
        let mirror = StoreIdentity { preprocessing: format!("{} mirrored", picture.preprocessing), ..picture.clone() };
        Ok(Self {
            info,
            device,
            preprocessing,
            cut,
            variation,
            identities: [picture, mirror],
            network: Mutex::new(None),
        })
    }

    /// The row source of a fine-tuned model.
    ///
    /// # Errors
    /// As [`CutSource::new`]; an identity that is not of a cut.
    pub fn of_identity(identity: &StoreIdentity, device: Device) -> Result<Self> {
        Self::new(&FeatureSpec { pool: Pool::Avg, dtype: Dtype::F32, ..FeatureSpec::of_identity(identity)? }, device)
    }
}

impl RowSource for CutSource {
    fn identity(&self) -> StoreIdentity {
        let [picture, mirror] = &self.identities;
        let preprocessing = format!("{} and mirrored", picture.preprocessing);
        StoreIdentity { preprocessing, width: picture.width + mirror.width, ..picture.clone() }
    }

    fn identities(&self) -> Vec<StoreIdentity> {
        self.identities.to_vec()
    }

    fn preprocessing(&self) -> Preprocessing {
        self.preprocessing
    }

    fn worker(&self) -> Result<Box<dyn RowExtractor + Send>> {
        let mut held = self.network.lock().unwrap_or_else(PoisonError::into_inner);
        let network = match held.take() {
            Some(network) => network,
            None => Network::load(self.info, self.device)?,
        };
        let own = network.share();
        *held = Some(network);
        Ok(Box::new(CutExtractor { network: own, cut: self.cut, variation: self.variation }))
    }
}

struct CutExtractor {
    network: Network,
    cut: usize,
    variation: Option<Variation>,
}

impl CutExtractor {
    fn outputs(&self, pictures: &[Pixels]) -> Result<Array2<f32>> {
        let mut rows = self.network.whole(pictures, self.cut)?;
        rows.mapv_inplace(|value| rounded(value).to_f32());
        Ok(rows)
    }

    fn both(&self, batch: &[Pixels]) -> Result<[Array2<f32>; 2]> {
        let batch: Cow<'_, [Pixels]> = match &self.variation {
            Some(variation) => batch.iter().map(|picture| variation.of(picture)).collect(),
            None => Cow::Borrowed(batch),
        };
        let mirrored: Vec<Pixels> = batch.iter().map(Pixels::mirrored).collect();
        Ok([self.outputs(&batch)?, self.outputs(&mirrored)?])
    }
}

impl RowExtractor for CutExtractor {
    fn rows(&mut self, batch: &[Pixels]) -> Result<Rows> {
        let both = self.both(batch)?;
        let rows = concatenate(Axis(1), &both.each_ref().map(Array2::view));
        rows.map(Rows::F32).map_err(|error| Error::failed(format!("The cut gave rows that do not fit: {error}.")))
    }

    fn parts(&mut self, batch: &[Pixels]) -> Result<Vec<Rows>> {
        Ok(self.both(batch)?.into_iter().map(Rows::F32).collect())
    }
}
