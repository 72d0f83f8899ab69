//! Common settings of models trained by gradient descent.

use super::{RateCourse, Schedule};
use faceprobe_settings::choices;
use serde_json::{Map, Value};

choices! {
    /// Optimizers.
    pub enum Optimizer {
        Adam = "adam",
        AdamW = "adamw",
        /// With momentum 0.9.
        Sgd = "sgd",
        RmsProp = "rmsprop",
    }
}

/// Upgrades settings of version 0.1.0: `schedule` was an object of a course and a warm-up, and the arithmetic was
/// always called `arithmetic`; now it is called `named`. Returns true if they were of that version.
pub(super) fn upgrade(object: &mut Map<String, Value>, named: &str) -> bool {
    if let Some(arithmetic) = object.remove("arithmetic") {
        object.entry(named).or_insert(arithmetic);
    }
    if let Some(Value::Object(schedule)) = object.get("schedule").cloned() {
        let Schedule { course, warmup } = serde_json::from_value(Value::Object(schedule)).unwrap_or_default();
        object.insert("schedule".into(), Value::String(RateCourse::to_string(&course)));
        object.insert("warmup".into(), Value::from(warmup));
        return true;
    }
    false
}
