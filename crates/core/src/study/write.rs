//! Writes the file of a study: only what differs from the defaults.

use super::file::{Opened, Reference, ReportWanted, Study};
use crate::dataset::followed::ruling_text;
use crate::features::{ClassifierSettings, CutSettings, FeatureSpec};
use crate::model::{ModelInput, ModelSpec};
use crate::text::is_control;
use faceprobe_settings::{AnySettings, Info, infos, text_of, to_keys, value_of};
use serde_json::Value;
use std::fmt::Write as _;
use toml::Value as Toml;

/// The text from which [`super::parse()`] reads the same study.
pub fn write(study: &Study) -> String {
    let mut file = String::new();
    if let Some(title) = &study.title {
        line(&mut file, "title", words(title));
    }
    if let Some(sample) = &study.sample {
        head(&mut file, "sample", None);
        settings(&mut file, to_keys(sample));
    }
    let only = study.data.len() == 1;
    for data in &study.data {
        head(&mut file, "data", Some(&data.name));
        let own = to_keys(data).into_iter().filter(|(name, _)| !["name", "decisions"].contains(name));
        settings(&mut file, own.collect());
        let decisions = data.decisions.stated();
        if !decisions.is_empty() {
            let lines =
                decisions.iter().map(|(hash, decision)| format!("    {},\n", words(&ruling_text(hash, decision))));
            line(&mut file, "decisions", format!("[\n{}]", lines.collect::<String>()));
        }
    }
    let sets = |file: &mut String, sets: &[String]| {
        if !only && !sets.is_empty() {
            line(file, "data", names(sets));
        }
    };
    for extraction in &study.features {
        head(&mut file, "features", Some(&extraction.name));
        sets(&mut file, &extraction.data);
        settings(&mut file, to_keys(&extraction.features));
        if extraction.probe {
            line(&mut file, "probe", "true".into());
        }
    }
    for training in &study.models {
        head(&mut file, "model", Some(&training.name));
        line(&mut file, "kind", words(training.model.kind().name()));
        sets(&mut file, &training.data);
        model(&mut file, study, &training.model);
        if training.seeds != [1] && !training.seeds.is_empty() {
            line(&mut file, "seeds", numbers(&training.seeds));
        }
        opened(&mut file, training.open_test);
    }
    for sweep in &study.sweeps {
        head(&mut file, "sweep", Some(&sweep.name));
        sets(&mut file, &sweep.data);
        features(&mut file, study, &sweep.sweep.features);
        let varied = |name: &str| sweep.sweep.axes.iter().any(|axis| axis.setting == name);
        let base = to_keys(&sweep.sweep.base).into_iter().filter(|(name, _)| *name != "seed" && !varied(name));
        settings(&mut file, base.collect());
        let heads = infos::<crate::model::DenseSettings>();
        for axis in &sweep.sweep.axes {
            let info = heads.iter().find(|info| info.name == axis.setting);
            let values: Vec<String> = axis.values.iter().map(|text| value(&typed(text, info.copied()))).collect();
            line(&mut file, &axis.setting, format!("[{}]", values.join(", ")));
        }
        settings(&mut file, to_keys(&sweep.sweep.own));
        match sweep.open_test {
            Opened::None => {}
            Opened::Best => opened(&mut file, true),
            Opened::All => line(&mut file, "open_test", words("all")),
        }
    }
    for curve in &study.curves {
        head(&mut file, "learning-curve", Some(&curve.name));
        line(&mut file, "kind", words(curve.model.kind().name()));
        sets(&mut file, &curve.data);
        model(&mut file, study, &curve.model);
        settings(&mut file, to_keys(&curve.curve));
    }
    for ensemble in &study.ensembles {
        head(&mut file, "ensemble", Some(&ensemble.name));
        line(&mut file, "of", references(&ensemble.of));
        opened(&mut file, ensemble.open_test);
    }
    for refit in &study.refits {
        head(&mut file, "refit", Some(&refit.name));
        line(&mut file, "of", references(&refit.of));
        opened(&mut file, refit.open_test);
    }
    for evaluation in &study.evaluations {
        head(&mut file, "evaluate", Some(&evaluation.name));
        line(&mut file, "of", references(&evaluation.of));
        line(&mut file, "on", names(&evaluation.on));
    }
    if let Some(choosing) = &study.choose {
        head(&mut file, "choose", None);
        line(&mut file, "of", references(&choosing.of));
        settings(&mut file, to_keys(&choosing.settings));
    }
    if let Some(report) = &study.report {
        head(&mut file, "report", None);
        if report.output != ReportWanted::default().output {
            line(&mut file, "output", words(&report.output));
        }
        if report.thumbnails {
            line(&mut file, "thumbnails", "true".into());
        }
    }
    file
}

/// The keys of a model: those of its features, or their name, and its own without the seed.
fn model(file: &mut String, study: &Study, model: &ModelSpec) {
    match (model.kind().info().input, model.features()) {
        (ModelInput::Features, Some(spec)) => features(file, study, spec),
        (ModelInput::Cut, Some(spec)) => settings(file, to_keys(&CutSettings::of_spec(spec))),
        (ModelInput::Classifier, Some(spec)) => settings(file, to_keys(&ClassifierSettings::of_spec(spec))),
        (ModelInput::Pixels, _) | (_, None) => {}
    }
    settings(file, model.any().keys().into_iter().filter(|(name, _)| *name != "seed").collect());
    settings(file, to_keys(model.draw()));
}

/// The name of features with a table, else their own keys.
fn features(file: &mut String, study: &Study, spec: &FeatureSpec) {
    match study.features.iter().find(|known| known.features == *spec) {
        Some(known) => line(file, "features", words(&known.name)),
        None => settings(file, AnySettings::keys(spec)),
    }
}

fn head(file: &mut String, table: &str, name: Option<&str>) {
    let between = if file.is_empty() { "" } else { "\n" };
    let name = name.map(|name| format!(".{}", key(name))).unwrap_or_default();
    // Writing to a string cannot fail.
    let _ = writeln!(file, "{between}[{table}{name}]");
}

fn settings(file: &mut String, keys: Vec<(&'static str, Value)>) {
    for (name, json) in keys {
        line(file, name, value(&json));
    }
}

fn line(file: &mut String, name: &str, value: String) {
    let _ = writeln!(file, "{} = {value}", key(name));
}

fn opened(file: &mut String, open: bool) {
    if open {
        line(file, "open_test", "true".into());
    }
}

/// A key, quoted if necessary.
fn key(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if !name.is_empty() && name.chars().all(bare) { name.to_owned() } else { words(name) }
}

/// A string, on one line where it holds control characters, which are escaped.
fn words(text: &str) -> String {
    if !text.contains(is_control) {
        return Toml::String(text.to_owned()).to_string();
    }
    let mut quoted = "\"".to_owned();
    for character in text.chars() {
        if is_control(character) {
            let _ = write!(quoted, "\\u{:04X}", u32::from(character));
        } else {
            quoted.extend(matches!(character, '"' | '\\').then_some('\\'));
            quoted.push(character);
        }
    }
    quoted + "\""
}

fn names(names: &[String]) -> String {
    match names {
        [only] => words(only),
        several => format!("[{}]", several.iter().map(|name| words(name)).collect::<Vec<_>>().join(", ")),
    }
}

fn references(of: &[Reference]) -> String {
    names(&of.iter().map(ToString::to_string).collect::<Vec<_>>())
}

fn numbers(numbers: &[u64]) -> String {
    let texts: Vec<String> = numbers.iter().map(|number| value(&Value::from(*number))).collect();
    format!("[{}]", texts.join(", "))
}

/// A setting's text as a typed value.
fn typed(text: &str, info: Option<&Info>) -> Value {
    let value = info.map_or(Value::Null, |info| value_of(text, &info.domain));
    let same = info.is_some_and(|info| text_of(&value, info).is_ok_and(|again| again == text));
    if same && !value.is_null() { value } else { Value::String(text.to_owned()) }
}

/// A value in TOML notation.
fn value(json: &Value) -> String {
    match json {
        Value::Bool(yes) => yes.to_string(),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => whole.to_string(),
            // TOML's integers are signed 64-bit numbers.
            (None, _) if number.is_u64() => words(&number.to_string()),
            (None, Some(number)) => format!("{number:?}"),
            (None, None) => words(&number.to_string()),
        },
        Value::Array(values) => format!("[{}]", values.iter().map(value).collect::<Vec<_>>().join(", ")),
        Value::String(text) => words(text),
        Value::Null | Value::Object(_) => words("none"),
    }
}
