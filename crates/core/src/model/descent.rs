//! What the kinds of model that are trained by gradient descent have in common.

use super::{RateCourse, Schedule};
use faceprobe_settings::choices;
use serde_json::{Map, Value};

choices! {
    /// Rules of gradient descent.
    pub enum Optimizer {
        Adam = "adam",
        AdamW = "adamw",
        /// With momentum 0.9.
        Sgd = "sgd",
        RmsProp = "rmsprop",
    }
}

/// Brings settings of version 0.1.0 into the present form: `schedule` was an object of a course and a warm-up, and what
/// something is computed in was called `arithmetic`, whatever it was; it is `named` now. True if they were of that version.
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
