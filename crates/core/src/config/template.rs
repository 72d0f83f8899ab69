//! A section as a file that somebody begins with: every key with its default, commented out.

use faceprobe_settings::{Settings, infos, value_of};
use serde_json::Value;

/// `[screen]` and so on, with a sentence about each key.
pub fn section_template<S: Settings>(name: &str) -> String {
    let mut text = format!("[{name}]\n");
    for info in infos::<S>() {
        let value = match value_of(&info.default, &info.domain) {
            Value::Null => Value::String(info.default.clone()),
            value => value,
        };
        let unit = info.unit.map(|unit| format!(", in {unit}")).unwrap_or_default();
        let choices = info.domain.choices().map(|names| format!(" ({})", told(&names))).unwrap_or_default();
        text.push_str(&format!("# {}{unit}{choices}.\n# {} = {value}\n", info.help, info.name));
    }
    text
}

/// Choices as the file writes them: `true or false`, `dark, light, contrast`.
fn told(names: &[&str]) -> String {
    if names == ["yes", "no"] { "true or false".to_owned() } else { names.join(", ") }
}
