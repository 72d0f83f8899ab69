//! The request for features: network, stages, pooling, preprocessing, arithmetic.

use super::identity::{Dtype, StoreIdentity};
use crate::backbone::{self, Arithmetic, BackboneInfo, Pool};
use crate::error::{Error, Result};
use crate::imaging::preprocessing::Mode;
use faceprobe_settings::{Refusal, Rules, settings, text_value, words};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Wider rows are refused: a thousand of them would take 4 GB.
const WIDEST: usize = 1_000_000;

settings! {
    /// What a user asks for when asking for features. Left out, everything is the study's but the backbone.
    #[derive(Eq, Hash)]
    pub struct FeatureSpec {
        /// The pretrained network; 'faceprobe weights list' shows them.
        backbone: String = backbone::DEFAULT.to_owned(), text("NAME");
        /// Where features are taken: after the last stage, or after these stages, concatenated.
        tap: Taps = Taps::Last, any();
        /// Pooling of a stage's output; gridN averages over N x N cells.
        pool: Pool = Pool::Avg, any();
        /// How images are resized: default (antialiased, EXIF upright) or keras (as load_img does, nearest pixel).
        mode: Mode = Mode::Default, any();
        /// Precision of the network; bf16 where the processor supports it.
        dtype: Dtype = Dtype::F32, only(&["f32", "bf16"]);
    }
}

impl Rules for FeatureSpec {
    fn check_together(&self) -> std::result::Result<(), Refusal> {
        let info = backbone::find(&self.backbone).map_err(|error| Refusal::because("backbone", error.to_string()))?;
        let stages = info.stages();
        for &tap in &self.taps(info) {
            let Some(stage) = stages.get(tap) else {
                let last = stages.len() - 1;
                return Err(Refusal::new("tap", format!("must be among the stages 0 to {last} of {}", info.title))
                    .not(tap.to_string()));
            };
            if self.pool.needs_class_token() && !stage.class_token {
                let what =
                    format!("{} is of transformers only, and {} has no class token; take avg", self.pool, info.title);
                return Err(Refusal::because("pool", what));
            }
            let width = self.pool.width(stage.channels, stage.side);
            if width > WIDEST {
                let what = format!(
                    "with {{pool}} {} gives {width} values per image at stage {tap} of {}; take a later stage or {{pool}} grid4",
                    self.pool, info.title
                );
                return Err(Refusal::new("tap", what));
            }
        }
        Ok(())
    }
}

settings! {
    /// Where fine-tuning begins: behind which stage of which network.
    pub struct CutSettings {
        /// The pretrained network; 'faceprobe weights list' shows them.
        backbone: String = backbone::DEFAULT.to_owned(), text("NAME");
        /// Fine-tune the stages after this one.
        cut: Option<usize> = None, whole(0..=1_000).or("auto").computed("the last whose output is at least an eighth of the picture's side; of a transformer the middle one");
        /// How images are resized: default (antialiased, EXIF upright) or keras (as load_img does, nearest pixel).
        mode: Mode = Mode::Default, any();
    }
}

impl Rules for CutSettings {
    fn check_together(&self) -> std::result::Result<(), Refusal> {
        self.spec().map(|_| ())
    }
}

impl CutSettings {
    /// The request for the activations at the cut.
    ///
    /// # Errors
    /// An unknown network, or a cut that it does not support.
    pub fn spec(&self) -> std::result::Result<FeatureSpec, Refusal> {
        let info = backbone::find(&self.backbone).map_err(|error| Refusal::because("backbone", error.to_string()))?;
        let cut = self.cut.unwrap_or_else(|| info.usual_cut());
        let (stage, _) = info.behind(cut).map_err(|error| Refusal::because("cut", error.to_string()))?;
        let width = stage.values();
        if width > WIDEST {
            let what = format!(
                "{cut} of {} gives {width} values per image, too many to keep; cut after a later stage",
                info.title
            );
            return Err(Refusal::new("cut", what));
        }
        Ok(FeatureSpec { tap: Taps::Stages(vec![cut]), mode: self.mode, ..FeatureSpec::of_backbone(info.name) })
    }

    /// The settings of a request.
    pub fn of_spec(spec: &FeatureSpec) -> Self {
        let cut = match &spec.tap {
            Taps::Stages(stages) => stages.first().copied(),
            Taps::Last => None,
        };
        Self { backbone: spec.backbone.clone(), cut, mode: spec.mode }
    }
}

settings! {
    /// Whose own classifier answers.
    pub struct ClassifierSettings {
        /// The pretrained network whose own classifier answers.
        backbone: String = "mobilenet-v1-vggface2".to_owned(), text("NAME");
        /// How images are resized: default (antialiased, EXIF upright) or keras (as load_img does, nearest pixel).
        mode: Mode = Mode::Default, any();
    }
}

impl Rules for ClassifierSettings {
    fn check_together(&self) -> std::result::Result<(), Refusal> {
        self.spec().map(|_| ())
    }
}

impl ClassifierSettings {
    /// The request for the classifier's features.
    ///
    /// # Errors
    /// An unknown network, or one without a classifier.
    pub fn spec(&self) -> std::result::Result<FeatureSpec, Refusal> {
        let info = backbone::find(&self.backbone).map_err(|error| Refusal::because("backbone", error.to_string()))?;
        if info.head.is_none() {
            let with: Vec<&str> =
                backbone::registry().iter().filter(|info| info.head.is_some()).map(|info| info.name).collect();
            let what = format!("must be a network that brings its own classifier ({})", with.join(", "));
            return Err(Refusal::new("backbone", what).not(info.name.to_owned()));
        }
        Ok(FeatureSpec { mode: self.mode, ..FeatureSpec::of_backbone(info.name) })
    }

    /// The settings of a request.
    pub fn of_spec(spec: &FeatureSpec) -> Self {
        Self { backbone: spec.backbone.clone(), mode: spec.mode }
    }
}

/// The stages that features are taken from; several are concatenated.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Taps {
    /// The last stage.
    #[default]
    Last,
    /// These stages, ascending, counted from 0.
    Stages(Vec<usize>),
}

impl FeatureSpec {
    /// The default for a network: its last stage, averaged.
    pub fn of_backbone(name: impl Into<String>) -> Self {
        Self { backbone: name.into(), tap: Taps::Last, pool: Pool::Avg, mode: Mode::Default, dtype: Dtype::F32 }
    }

    /// The request for an identity, for models that only know the identity of their rows.
    ///
    /// # Errors
    /// An identity without a request.
    pub fn of_identity(identity: &StoreIdentity) -> Result<Self> {
        let mode = identity.preprocessing.split("-v").next().unwrap_or_default().parse().map_err(Error::failed)?;
        Ok(Self {
            backbone: identity.backbone.clone(),
            tap: identity.tap.parse()?,
            pool: identity.pool.parse()?,
            mode,
            dtype: identity.dtype,
        })
    }

    /// The cut for fine-tuning: behind the given stage, or behind the network's default.
    ///
    /// # Errors
    /// An unknown network, or a cut that it does not support.
    pub fn of_cut(name: &str, cut: Option<usize>, mode: Mode) -> Result<Self> {
        Ok(CutSettings { backbone: name.to_owned(), cut, mode }.spec()?)
    }

    /// The network, after checking the whole request.
    ///
    /// # Errors
    /// An unknown network or stage, or rows too wide to store.
    pub fn check(&self) -> Result<&'static BackboneInfo> {
        faceprobe_settings::check(self)?;
        backbone::find(&self.backbone)
    }

    /// The identities of these features' stores, one per stage, for weights with this checksum.
    ///
    /// # Errors
    /// A request that does not fit the network.
    pub fn identities_of(&self, weights: &str) -> Result<Vec<StoreIdentity>> {
        let info = self.check()?;
        let stages = info.stages();
        let identity = |&tap: &usize| StoreIdentity {
            backbone: info.name.to_owned(),
            weights: weights.to_owned(),
            preprocessing: info.preprocessing.with_mode(self.mode).describe(),
            // The last stage has one name, however it was requested.
            tap: if tap + 1 == stages.len() { "last".to_owned() } else { tap.to_string() },
            pool: self.pool.to_string(),
            dtype: self.dtype,
            width: self.pool.width(stages[tap].channels, stages[tap].side),
        };
        Ok(self.taps(info).iter().map(identity).collect())
    }

    /// The arithmetic of the network.
    pub fn arithmetic(&self) -> Arithmetic {
        if self.dtype == Dtype::Bf16 { Arithmetic::Bf16 } else { Arithmetic::F32 }
    }

    /// The indices of the stages, ascending.
    pub fn taps(&self, info: &BackboneInfo) -> Vec<usize> {
        match &self.tap {
            Taps::Last => vec![info.stages().len() - 1],
            Taps::Stages(stages) => stages.clone(),
        }
    }

    /// The identities of these features' stores, one per stage, for the installed weights.
    ///
    /// # Errors
    /// A request that does not fit the network; weights that were not fetched.
    pub fn identities(&self) -> Result<Vec<StoreIdentity>> {
        self.identities_of(&backbone::weights::sha256_of(self.check()?)?)
    }

    /// The identity of a row of all stages side by side.
    ///
    /// # Errors
    /// As [`FeatureSpec::identities`].
    pub fn identity(&self) -> Result<StoreIdentity> {
        let parts = self.identities()?;
        let mut identity = StoreIdentity::combined(&parts)
            .ok_or_else(|| Error::usage("Features need at least one stage to be taken from."))?;
        if parts.len() > 1 {
            identity.tap = self.tap.to_string();
        }
        Ok(identity)
    }

    /// The differences from the default, except the backbone, in a few words: `tap 13,15, pool grid4`; empty without
    /// differences.
    pub fn describe(&self) -> String {
        words(&Self { backbone: backbone::DEFAULT.to_owned(), ..self.clone() })
    }
}

text_value!(Taps, "last|N,N,…", "last, or numbers of stages such as 13,15,16", ["last", "3", "3,5"]);

impl fmt::Display for Taps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Last => f.write_str("last"),
            Self::Stages(stages) => {
                let numbers: Vec<String> = stages.iter().map(usize::to_string).collect();
                f.write_str(&numbers.join(","))
            }
        }
    }
}

impl FromStr for Taps {
    type Err = Error;

    /// `last`, or stage indices separated by commas, in any order.
    fn from_str(text: &str) -> Result<Self> {
        if text.trim() == "last" {
            return Ok(Self::Last);
        }
        let numbers: Option<Vec<usize>> = text.split(',').map(|number| number.trim().parse().ok()).collect();
        let Some(mut numbers) = numbers else {
            return Err(Error::usage(format!("'{text}' is no tap; take last, or numbers of stages such as 13,15,16.")));
        };
        numbers.sort_unstable();
        numbers.dedup();
        Ok(Self::Stages(numbers))
    }
}

impl TryFrom<String> for Taps {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Taps> for String {
    fn from(taps: Taps) -> Self {
        taps.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_survives_its_identity_and_its_json() {
        let spec = FeatureSpec {
            tap: "15,13".parse().unwrap(),
            pool: Pool::Grid(4),
            mode: Mode::Keras,
            ..FeatureSpec::of_backbone("mobilenet-v2")
        };
        assert_eq!(spec.tap, Taps::Stages(vec![13, 15]));
        let text = serde_json::to_string(&spec).unwrap();
        assert_eq!(serde_json::from_str::<FeatureSpec>(&text).unwrap(), spec);
        let old: FeatureSpec = serde_json::from_str(r#"{"backbone":"efficientnet-lite0"}"#).unwrap();
        assert_eq!(old, FeatureSpec::of_backbone("efficientnet-lite0"));
        let info = spec.check().unwrap();
        let identity = StoreIdentity {
            backbone: spec.backbone.clone(),
            weights: String::new(),
            preprocessing: info.preprocessing.with_mode(spec.mode).describe(),
            tap: spec.tap.to_string(),
            pool: spec.pool.to_string(),
            dtype: spec.dtype,
            width: 1,
        };
        assert_eq!(FeatureSpec::of_identity(&identity).unwrap(), spec);
    }

    #[test]
    fn what_cannot_be_is_refused_in_a_sentence() {
        let spec = FeatureSpec { tap: Taps::Stages(vec![99]), ..FeatureSpec::of_backbone("mobilenet-v2") };
        assert_eq!(
            spec.check().err().unwrap().to_string(),
            "--tap must be among the stages 0 to 18 of MobileNetV2, not 99."
        );
        let spec = FeatureSpec { tap: Taps::Stages(vec![0]), pool: Pool::Flatten, ..FeatureSpec::of_backbone("vgg16") };
        assert!(spec.check().err().unwrap().to_string().contains("3211264 values per image"));
        assert!("13;15".parse::<Taps>().is_err());
    }
}
