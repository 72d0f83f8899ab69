//! Invariants of every structure of settings.

use faceprobe_core::audit;
use faceprobe_core::dataset::prepare::PrepareSettings;
use faceprobe_core::dataset::synthetic::SampleSettings;
use faceprobe_core::features::{ClassifierSettings, CutSettings, FeatureSpec};
use faceprobe_core::model::Kind;
use faceprobe_core::run::SweepSettings;
use faceprobe_settings::{AnySettings, Domain, Info, Role, Schema};
use std::collections::BTreeMap;

/// Every structure of settings there is.
fn all() -> Vec<(&'static str, Schema)> {
    let others = [
        ("features", Schema::of::<FeatureSpec>()),
        ("cut", Schema::of::<CutSettings>()),
        ("classifier", Schema::of::<ClassifierSettings>()),
        ("prepare", Schema::of::<PrepareSettings>()),
        ("sample", Schema::of::<SampleSettings>()),
        ("audit", Schema::of::<audit::Settings>()),
        ("sweep", Schema::of::<SweepSettings>()),
    ];
    Kind::all().map(|kind| (kind.name(), kind.info().settings)).chain(others).collect()
}

/// A number from a seed: a linear congruential generator is random enough to choose examples.
struct Draw(u64);

impl Draw {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }

    fn one<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// What must be given for there to be any settings.
fn needed(kind: &str) -> Vec<(String, String)> {
    let pairs: &[(&str, &str)] = match kind {
        "prepare" => &[("source", "folder:faces, of many")],
        "ensemble" => &[("members", "finetune-1,finetune-2")],
        _ => &[],
    };
    pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

/// Settings of drawn texts that go together.
fn drawn(kind: &str, schema: &Schema, draw: &mut Draw) -> Option<Box<dyn AnySettings>> {
    let mut pairs = needed(kind);
    for info in schema.infos() {
        if draw.below(3) == 0 {
            pairs.push((info.name.to_owned(), draw.one(&info.domain.examples()).clone()));
        }
    }
    schema.read(&pairs).ok()
}

/// Reads options as a command line does: each once with one value, but for those of one value a line.
fn parsed(options: &[String], infos: &[&Info]) -> Vec<(String, String)> {
    let mut pairs: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut words = options.iter();
    while let Some(word) = words.next() {
        let (option, value) = match word.split_once('=') {
            Some((option, value)) => (option, value.to_owned()),
            None => (word.as_str(), words.next().expect("a value behind its option").clone()),
        };
        assert!(word.contains('=') || !value.starts_with('-'), "{options:?}");
        let info = infos.iter().find(|info| info.option() == option).expect("an option that is stated");
        pairs.entry(info.name.to_owned()).or_default().push(value);
    }
    for (name, values) in &pairs {
        let lines =
            infos.iter().any(|info| info.name == name && matches!(info.domain, Domain::List { lines: true, .. }));
        assert!(lines || values.len() == 1, "{options:?}");
    }
    pairs.into_iter().map(|(name, values)| (name, values.join("\n"))).collect()
}

#[test]
fn statements_have_no_faults() {
    for (kind, schema) in all() {
        assert_eq!(schema.faults(), Vec::<String>::new(), "{kind}");
    }
}

#[test]
fn settings_lead_to_options_keys_and_json_and_back() {
    let mut draw = Draw(1);
    for (kind, schema) in all() {
        let mut seen = 0;
        for _ in 0..3000 {
            let Some(settings) = drawn(kind, &schema, &mut draw) else { continue };
            seen += 1;
            let pairs = settings.pairs();
            let again = schema.read(&parsed(&settings.options(), &schema.infos())).expect("options are taken");
            assert_eq!(again.pairs(), pairs, "{kind} {:?}", settings.options());
            assert!(again.check().is_ok() && again.key() == settings.key() && again.words() == settings.words());

            let text = serde_json::to_string(&settings.to_json()).unwrap();
            let again = schema.from_json(serde_json::from_str(&text).unwrap()).expect("JSON is taken");
            assert_eq!(again.pairs(), pairs, "{kind} {text}");

            // A study's file gives every key as a typed value.
            let given = serde_json::to_string(&settings.keys().into_iter().collect::<BTreeMap<_, _>>()).unwrap();
            let again = schema.from_json(serde_json::from_str(&given).unwrap()).expect("keys are taken");
            assert_eq!(again.pairs(), pairs, "{kind} {given}");
        }
        assert!(seen > 300, "{kind}: only {seen} drawn settings go together");
    }
}

#[test]
fn options_are_no_more_than_needed() {
    let mut draw = Draw(2);
    for (kind, schema) in all() {
        assert!(!needed(kind).is_empty() || schema.usual().options().is_empty(), "{kind}");
        for settings in (0..300).filter_map(|_| drawn(kind, &schema, &mut draw)) {
            let given = parsed(&settings.options(), &schema.infos());
            for left_out in 0..given.len() {
                let mut fewer = given.clone();
                fewer.remove(left_out);
                let same = schema.read(&fewer).is_ok_and(|fewer| fewer.pairs() == settings.pairs());
                assert!(!same, "{kind}: {} is not needed in {:?}", given[left_out].0, settings.options());
            }
        }
    }
}

#[test]
fn keys_and_words_contain_every_setting_and_no_seed() {
    for (kind, schema) in all() {
        let usual = schema.read(&needed(kind)).unwrap();
        for info in schema.infos() {
            for text in info.domain.examples() {
                let mut changed = usual.clone();
                changed.set(info.name, &text).unwrap();
                let same = changed.get(info.name) == usual.get(info.name);
                let told = !same && info.role == Role::Setting;
                assert_eq!(changed.key() != usual.key(), told, "{kind}: {} {text}", info.name);
                assert_eq!(changed.words() != usual.words(), told, "{kind}: {} {text}: {}", info.name, changed.words());
            }
        }
    }
}

#[test]
fn refusals_are_the_same_sentence_from_every_interface() {
    for (kind, schema) in all() {
        for info in schema.infos() {
            for text in info.domain.counterexamples() {
                let mut pairs = needed(kind);
                pairs.push((info.name.to_owned(), text.clone()));
                let refused = schema.read(&pairs).expect_err("a counterexample");
                assert_eq!(refused.len(), 1, "{kind}: {} {text}", info.name);
                let sentence = refused[0].to_string();
                assert!(sentence.starts_with(&format!("{} must ", info.option())), "{sentence}");
                assert!(sentence.contains(", not ") && !sentence.contains(['{', '\n']), "{sentence}");
                let mut settings = schema.read(&needed(kind)).unwrap();
                let before = settings.pairs();
                assert_eq!(settings.set(info.name, &text).unwrap_err(), refused[0]);
                assert_eq!(settings.pairs(), before);
            }
        }
    }
}

#[test]
fn all_refusals_are_reported_at_once() {
    let dense = Kind::DENSE.info().settings;
    let pairs = [("width", "0"), ("seed", "2"), ("dropout", "1"), ("widht", "3")];
    let pairs: Vec<_> = pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    let refused: Vec<String> = dense.read(&pairs).unwrap_err().iter().map(ToString::to_string).collect();
    assert_eq!(
        refused,
        [
            "--width must be from 1 to 65,536 units, not 0",
            "--dropout must be at least 0 and below 1, not 1",
            "--widht is not known here; did you mean --width?"
        ]
    );
}
