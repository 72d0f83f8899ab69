//! The template of a configuration file: every key with its default, commented out.

use faceprobe_settings::{Settings, infos, value_of};
use serde_json::Value;

/// A section of the template, with a comment for each key.
pub fn section_template<S: Settings>(name: &str) -> String {
    let mut text = format!("[{name}]\n");
    for info in infos::<S>() {
        let value = match value_of(&info.default, &info.domain) {
            Value::Null => Value::String(info.default.clone()),
            value => value,
        };
        let unit = info.unit.map(|unit| format!(", in {unit}")).unwrap_or_default();
        text.push_str(&format!("# {}{unit}.\n", info.help));
        if let Some(names) = info.domain.choices().filter(|_| !value.is_boolean()) {
            text.push_str(&format!("# One of {}.\n", names.join(", ")));
        }
        text.push_str(&format!("# {} = {value}\n", info.name));
    }
    text
}
