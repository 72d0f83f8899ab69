//! Sweeps: the heads to train.

use crate::error::Result;
use crate::features::FeatureSpec;
use crate::model::{DenseSettings, ModelSpec};
use faceprobe_settings::{self as stated, Rules, settings, text_value};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::fmt;
use std::str::FromStr;

/// Maximum number of combinations; more is probably a typing error.
const MOST: usize = 100_000;

/// Many heads on the same features: every combination of some values of their settings, with every seed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SweepSpec {
    #[serde(flatten)]
    pub features: FeatureSpec,
    /// The settings that are not varied.
    pub base: DenseSettings,
    /// The settings that are varied, the last one fastest.
    pub axes: Vec<Axis>,
    #[serde(flatten)]
    pub own: SweepSettings,
}

/// A varied setting and its values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Axis {
    /// The setting's name.
    pub setting: String,
    /// Their texts.
    pub values: Vec<String>,
}

settings! {
    /// What a sweep does besides combining values.
    pub struct SweepSettings {
        /// Train every combination once with each of these seeds.
        seeds: Vec<u64> = vec![1], any();
        /// Draw so many of the combinations instead of training all.
        random: Option<usize> = None, whole(1..=1_000_000).or("all").unit("combinations");
        /// Successive halving: train all for FIRST epochs, the best one in FACTOR for FACTOR times as many, and so on. On a
        /// cluster one task does all rounds.
        halving: Option<Halving> = None, any();
    }
}

impl Rules for SweepSettings {
    fn upgrade(object: &mut Map<String, Value>) {
        if let Some(Value::Object(halving)) = object.get("halving").cloned()
            && let Ok(Halving { first, factor }) = serde_json::from_value(Value::Object(halving))
        {
            object.insert("halving".into(), Value::String(Halving { first, factor }.to_string()));
        }
    }
}

/// Successive halving (Jamieson and Talwalkar, 2016): all settings are trained for a few epochs, the best of them for
/// more, and so on, so that most time is spent on promising settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Halving {
    /// Epochs of the first round.
    pub first: usize,
    /// One in so many settings continues, with so many times the epochs.
    pub factor: usize,
}

impl fmt::Display for Halving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.first, self.factor)
    }
}

impl FromStr for Halving {
    type Err = String;

    /// `FIRST` or `FIRST:FACTOR`; the default factor is 2.
    fn from_str(text: &str) -> Result<Self, String> {
        let (first, factor) = text.split_once(':').unwrap_or((text, "2"));
        match (first.parse(), factor.parse()) {
            (Ok(first @ 1..=1_000_000), Ok(factor @ 2..=1_000_000)) => Ok(Self { first, factor }),
            _ => Err(format!("'{text}' is no halving; write epochs and a factor from 2 on, such as 10:3")),
        }
    }
}

text_value!(Halving, "FIRST[:FACTOR]", "epochs and a factor from 2 on, such as 10:3", ["10:3", "5:2"]);

impl SweepSpec {
    /// The settings of all combinations, or a random subset drawn by the base's seed, in drawing order.
    /// # Errors
    /// Values that cannot be trained with; too many combinations.
    pub fn settings(&self) -> Result<Vec<DenseSettings>> {
        let base: Vec<(String, String)> =
            stated::to_pairs(&self.base).into_iter().map(|(name, text)| (name.to_owned(), text)).collect();
        let axes: Vec<(String, Vec<String>)> =
            self.axes.iter().map(|axis| (axis.setting.clone(), axis.values.clone())).collect();
        let mut all: Vec<DenseSettings> = stated::grid(&base, &axes, MOST)?;
        if let Some(drawn) = self.own.random {
            all.shuffle(&mut ChaCha8Rng::seed_from_u64(self.base.seed));
            all.truncate(drawn);
        }
        Ok(all)
    }

    /// The head of a combination with a seed.
    pub fn model(&self, settings: &DenseSettings, seed: u64) -> ModelSpec {
        ModelSpec::new(self.features.clone(), DenseSettings { seed, ..settings.clone() })
    }

    /// Checks the sweep before anything is created.
    ///
    /// # Errors
    /// The first refusal.
    pub fn check(&self) -> Result<()> {
        self.features.check()?;
        stated::check(&self.own)?;
        self.settings().map(|_| ())
    }

    /// Adds new values. If only `more` varies a setting, the base's own value is kept too.
    pub fn extend(&mut self, more: &[Axis]) {
        for Axis { setting, values } in more {
            let at = match self.axes.iter().position(|axis| axis.setting == *setting) {
                Some(at) => at,
                None => {
                    let own = stated::find::<DenseSettings>(setting).map(|statement| statement.get(&self.base));
                    self.axes.push(Axis { setting: setting.clone(), values: own.into_iter().collect() });
                    self.axes.len() - 1
                }
            };
            for value in values {
                if !self.axes[at].values.contains(value) {
                    self.axes[at].values.push(value.clone());
                }
            }
        }
    }

    /// The epochs at the end of each round; the last value is the total.
    pub fn rungs(&self) -> Vec<usize> {
        let mut rungs = Vec::new();
        if let Some(Halving { first, factor }) = self.own.halving {
            let mut epochs = first.max(1);
            while epochs < self.base.epochs {
                rungs.push(epochs);
                epochs = epochs.saturating_mul(factor.max(2));
            }
        }
        rungs.push(self.base.epochs);
        rungs
    }
}

/// The names of the value lists in version 0.1.0.
const GRID: [(&str, &str); 8] = [
    ("widths", "width"),
    ("depths", "depth"),
    ("dropouts", "dropout"),
    ("learning_rates", "learning_rate"),
    ("optimizers", "optimizer"),
    ("weight_decays", "weight_decay"),
    ("batches", "batch"),
    ("standardise", "standardise"),
];

impl<'de> Deserialize<'de> for SweepSpec {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Stored {
            #[serde(flatten)]
            features: FeatureSpec,
            base: DenseSettings,
            #[serde(default)]
            axes: Vec<Axis>,
            /// Of version 0.1.0.
            #[serde(default)]
            grid: Map<String, Value>,
            #[serde(flatten)]
            own: SweepSettings,
        }
        let Stored { features, base, mut axes, grid, own } = Stored::deserialize(deserializer)?;
        for (earlier, setting) in GRID {
            let values: Vec<String> = grid
                .get(earlier)
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .map(|value| match value {
                    Value::String(text) => text.clone(),
                    Value::Bool(yes) => if *yes { "yes" } else { "no" }.to_owned(),
                    other => other.as_f64().map_or_else(|| other.to_string(), |number| number.to_string()),
                })
                .collect();
            if !values.is_empty() {
                axes.push(Axis { setting: setting.to_owned(), values });
            }
        }
        Ok(Self { features, base, axes, own })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn axis(setting: &str, values: &[&str]) -> Axis {
        Axis { setting: setting.into(), values: values.iter().map(|value| (*value).to_owned()).collect() }
    }

    fn sweep(axes: Vec<Axis>, random: Option<usize>) -> SweepSpec {
        let own = SweepSettings { random, ..Default::default() };
        SweepSpec { features: FeatureSpec::default(), base: DenseSettings::default(), axes, own }
    }

    #[test]
    fn a_grid_combines_draws_and_grows() {
        let axes = vec![axis("width", &["64", "128"]), axis("dropout", &["0", "0.5", "0.8"])];
        let all = sweep(axes.clone(), None).settings().unwrap();
        let pairs: Vec<_> = all.iter().map(|settings| (settings.width, settings.dropout)).collect();
        assert_eq!(pairs, [(64, 0.0), (64, 0.5), (64, 0.8), (128, 0.0), (128, 0.5), (128, 0.8)]);
        let mut drawing = sweep(axes, Some(4));
        let drawn = drawing.settings().unwrap();
        assert_eq!(drawn, drawing.settings().unwrap());
        assert!(drawn.len() == 4 && drawn.iter().all(|settings| all.contains(settings)));
        drawing.base.seed = 2;
        let with_seed = |settings: &DenseSettings| DenseSettings { seed: 2, ..settings.clone() };
        assert_ne!(drawing.settings().unwrap(), drawn.iter().map(with_seed).collect::<Vec<_>>());
        drawing.extend(&[axis("width", &["128", "256"]), axis("batch", &["32"])]);
        assert_eq!(drawing.axes[0], axis("width", &["64", "128", "256"]));
        assert_eq!(drawing.axes[2], axis("batch", &["128", "32"]));
        let refused = |axes| sweep(axes, None).settings().unwrap_err().to_string();
        assert!(refused(vec![axis("dropout", &["1.0"])]).contains("--dropout must be"));
        let many: Vec<String> = (1..=1000).map(|value| value.to_string()).collect();
        let many = |setting: &str| Axis { setting: setting.into(), values: many.clone() };
        assert!(refused(vec![many("width"), many("batch")]).contains("100000 combinations"));
    }

    #[test]
    fn a_sweep_of_version_0_1_0_is_read() {
        let old = json!({
            "backbone": "vgg16", "tap": "13", "pool": "grid4", "mode": "default", "dtype": "f32",
            "base": { "width": 1024, "depth": 1, "dropout": 0.8, "learning_rate": 1e-4, "optimizer": "adam",
                "weight_decay": 0.0, "schedule": { "course": { "name": "step", "every": 20, "factor": 0.5 }, "warmup": 3 },
                "arithmetic": "bf16", "epochs": 60, "batch": 128, "standardise": true, "patience": null, "seed": 1 },
            "grid": { "widths": [256, 1024], "depths": [], "dropouts": [0.5, 1e-7], "learning_rates": [], "optimizers":
                ["adam", "sgd"], "weight_decays": [], "batches": [], "standardise": [true, false] },
            "seeds": [1, 2], "random": 3, "halving": { "first": 10, "factor": 3 }
        });
        let read: SweepSpec = serde_json::from_value(old).unwrap();
        assert_eq!((read.base.schedule.to_string().as_str(), read.base.warmup), ("step:20:0.5", 3));
        assert_eq!(read.base.products, crate::backbone::Arithmetic::Bf16);
        assert_eq!(read.own, SweepSettings { seeds: vec![1, 2], random: Some(3), halving: "10:3".parse().ok() });
        let names: Vec<&str> = read.axes.iter().map(|axis| axis.setting.as_str()).collect();
        assert_eq!(names, ["width", "dropout", "optimizer", "standardise"]);
        assert_eq!(read.settings().map(|all| all.len()).unwrap_or(3), 3);
        let again: SweepSpec = serde_json::from_value(serde_json::to_value(&read).unwrap()).unwrap();
        assert_eq!(again, read);
    }
}
