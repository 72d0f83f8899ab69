//! The spec of a model to train: its kind, features and settings.

use super::TrainingDraw;
use super::kind::{Kind, ModelInput, ModelSettings};
use crate::backbone::{Device, Pool};
use crate::error::{Error, Result};
use crate::features::{ClassifierSettings, CutSettings, FeatureSpec};
use faceprobe_settings::{AnySettings, Refusal, Settings, infos, words};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

/// The model to train. In JSON, the keys of its features are next to `kind` and `settings`.
#[derive(Debug, Clone)]
pub struct ModelSpec {
    kind: Kind,
    features: Option<FeatureSpec>,
    settings: Box<dyn AnySettings>,
    draw: TrainingDraw,
}

impl ModelSpec {
    /// A model with these settings, on these features (or for fine-tuning, behind their cut), if its kind has any.
    pub fn new<S: ModelSettings>(features: impl Into<Option<FeatureSpec>>, settings: S) -> Self {
        Self::of_kind(S::KIND, features.into(), Box::new(settings))
    }

    /// The same for a kind that is not known at compile time.
    pub fn of_kind(kind: Kind, features: Option<FeatureSpec>, settings: Box<dyn AnySettings>) -> Self {
        Self { kind, features, settings, draw: TrainingDraw::default() }
    }

    /// Parses a model from names and texts, those of its features and its own together; missing ones have their
    /// defaults.
    ///
    /// # Errors
    /// Everything that is refused.
    pub fn read(kind: Kind, pairs: &[(String, String)]) -> Result<Self, Vec<Refusal>> {
        let own: Vec<&str> = kind.info().settings.infos().iter().map(|info| info.name).collect();
        let draws = |pair: &(String, String)| infos::<TrainingDraw>().iter().any(|info| info.name == pair.0);
        let (of_draw, pairs): (Vec<_>, Vec<_>) = pairs.iter().cloned().partition(draws);
        let (own, of_input): (Vec<_>, Vec<_>) =
            pairs.iter().cloned().partition(|(name, _)| own.contains(&name.as_str()));
        let draw = faceprobe_settings::read::<TrainingDraw>(&of_draw);
        let features = match kind.info().input {
            ModelInput::Pixels if of_input.is_empty() => Ok(None),
            // An unknown name is refused with the most similar known one.
            ModelInput::Pixels => return kind.info().settings.read(&pairs).and(Err(Vec::new())),
            ModelInput::Features => faceprobe_settings::read::<FeatureSpec>(&of_input).map(Some),
            ModelInput::Cut => faceprobe_settings::read::<CutSettings>(&of_input)
                .and_then(|cut| cut.spec().map(Some).map_err(|refusal| vec![refusal])),
            ModelInput::Classifier => faceprobe_settings::read::<ClassifierSettings>(&of_input)
                .and_then(|of| of.spec().map(Some).map_err(|refusal| vec![refusal])),
        };
        match (features, kind.info().settings.read(&own), draw) {
            (Ok(features), Ok(settings), Ok(draw)) => Ok(Self { kind, features, settings, draw }),
            (features, settings, draw) => {
                Err([features.err(), settings.err(), draw.err()].into_iter().flatten().flatten().collect())
            }
        }
    }

    /// Its kind.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Its settings with their concrete type.
    ///
    /// # Errors
    /// Settings of another kind.
    pub fn settings<S: ModelSettings>(&self) -> Result<&S> {
        let known = self.settings.as_any().downcast_ref::<S>();
        known.ok_or_else(|| {
            Error::failed(format!("A {} model came where a {} was expected.", self.kind.name(), S::KIND.name()))
        })
    }

    /// Its settings, type-erased.
    pub fn any(&self) -> &dyn AnySettings {
        self.settings.as_ref()
    }

    /// Changes one setting.
    ///
    /// # Errors
    /// A setting that this kind does not have, or a value that it does not accept.
    pub fn set(&mut self, name: &str, text: &str) -> Result<()> {
        Ok(self.settings.set(name, text)?)
    }

    /// The same model with another seed, if its kind has one.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        // A kind without a seed is unchanged.
        let _ = self.settings.set("seed", &seed.to_string());
        self
    }

    /// The same model trained on so many of the training images; none for all of them.
    #[must_use]
    pub fn with_train_images(mut self, count: Option<usize>) -> Self {
        self.draw.train_images = count;
        self
    }

    /// The number of training images; none for all of them.
    pub fn train_images(&self) -> Option<usize> {
        self.draw.train_images
    }

    /// The restriction of the training images.
    pub fn draw(&self) -> &TrainingDraw {
        &self.draw
    }

    /// The features it is trained on, or for fine-tuning the cut; the benchmark has none.
    pub fn features(&self) -> Option<&FeatureSpec> {
        self.features.as_ref()
    }

    /// The features.
    ///
    /// # Errors
    /// A kind without features.
    pub fn required_features(&self) -> Result<&FeatureSpec> {
        self.features().ok_or_else(|| Error::failed(format!("The {} model lacks its features.", self.kind.name())))
    }

    /// The frozen network whose features it is trained on; the benchmark has none.
    pub fn backbone(&self) -> Option<&str> {
        self.features().map(|features| features.backbone.as_str())
    }

    /// The pooling of the last stage, for models with stages of their own.
    pub fn pool(&self) -> Option<Pool> {
        self.features().filter(|_| self.kind.info().input == ModelInput::Cut).map(|features| features.pool)
    }

    /// The seed; 0 for an ensemble, whose members have their own.
    pub fn seed(&self) -> u64 {
        self.number("seed").unwrap_or(0)
    }

    /// An integer setting, if the kind has it.
    pub fn number(&self, setting: &str) -> Option<u64> {
        self.settings.get(setting)?.parse().ok()
    }

    /// Checks the settings on this machine, before anything is written.
    ///
    /// # Errors
    /// The first refusal.
    pub fn check(&self, device: Device) -> Result<()> {
        if let Some(features) = &self.features {
            features.check()?;
            features.arithmetic().check(device)?;
        }
        faceprobe_settings::check(&self.draw)?;
        Ok(self.settings.check()?)
    }

    /// A key that is equal for all seeds of one model and different otherwise.
    pub fn key(&self) -> String {
        let features = self.features.as_ref().map(faceprobe_settings::key).unwrap_or_default();
        let key = [self.kind.name(), &features, &self.settings.key()].join(" ");
        // Keys of models trained on all images are the same as before draws were introduced.
        match self.draw.train_images {
            Some(_) => format!("{key} {}", faceprobe_settings::key(&self.draw)),
            None => key,
        }
    }

    /// [`ModelSpec::describe`] after training, with the choices made on validation.
    pub fn describe_chosen(&self, settings: &Value) -> String {
        match self.kind.info().chosen.and_then(|chosen| Some((chosen, settings.get(chosen)?))) {
            Some((chosen, value)) => self.with_features(format!("{chosen} {value}").replace(".0", "")),
            None => self.describe(),
        }
    }

    /// The settings that distinguish this model from others of its kind, in a few words.
    pub fn describe(&self) -> String {
        self.with_features(self.settings.words())
    }

    fn with_features(&self, settings: String) -> String {
        let drawn = words(&self.draw);
        let settings = if drawn.is_empty() { settings } else { format!("{settings}, {drawn}") };
        match self.features().map(FeatureSpec::describe) {
            Some(features) if !features.is_empty() => format!("{settings}; {features}"),
            _ => settings,
        }
    }
}

impl PartialEq for ModelSpec {
    fn eq(&self, other: &Self) -> bool {
        let same = self.kind == other.kind && self.features == other.features && self.draw == other.draw;
        same && self.settings.pairs() == other.settings.pairs()
    }
}

impl Serialize for ModelSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = Map::new();
        object.insert("kind".into(), Value::from(self.kind.name()));
        if let Some(features) = &self.features {
            object.extend(AnySettings::to_json(features));
        }
        if self.draw.train_images.is_some() {
            object.extend(AnySettings::to_json(&self.draw));
        }
        object.insert("settings".into(), Value::Object(self.settings.to_json()));
        object.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for ModelSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error as _;
        let mut object = Map::deserialize(deserializer)?;
        let kind: Kind = object
            .remove("kind")
            .map(serde_json::from_value)
            .transpose()
            .map_err(D::Error::custom)?
            .ok_or_else(|| D::Error::missing_field("kind"))?;
        let settings = match object.remove("settings") {
            Some(Value::Object(settings)) => settings,
            Some(_) => return Err(D::Error::custom("settings is not an object")),
            // The first ensembles stored their members next to their features.
            None => object.remove_entry("members").into_iter().collect(),
        };
        let settings =
            kind.info().settings.from_json(settings).map_err(|refusal| D::Error::custom(refusal.for_key()))?;
        let draw = serde_json::from_value(Value::Object(known::<TrainingDraw>(&object))).map_err(D::Error::custom)?;
        let features = match kind.info().input {
            ModelInput::Pixels => None,
            // The keys of the enclosing structure occur here too.
            ModelInput::Features | ModelInput::Cut | ModelInput::Classifier => {
                Some(serde_json::from_value(Value::Object(known::<FeatureSpec>(&object))).map_err(D::Error::custom)?)
            }
        };
        Ok(Self { kind, features, settings, draw })
    }
}

/// The keys of an object that belong to some settings.
fn known<S: Settings>(object: &Map<String, Value>) -> Map<String, Value> {
    let keys = S::known_keys();
    object
        .iter()
        .filter(|(key, _)| keys.contains(&key.as_str()))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}
