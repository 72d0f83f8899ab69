//! The commands that make the same study again, derived from the settings' statements.

use super::gather::Study;
use crate::dataset::prepare::PrepareSettings;
use crate::features::CutSettings;
use crate::model::{EnsembleSettings, ModelInput, ModelSpec};
use crate::run::learning_curve::CurveSettings;
use crate::run::{JobSpec, Spec, SweepSpec};
use crate::text;
use faceprobe_settings::options;
use std::borrow::Cow;
use std::collections::BTreeSet;

/// One line for each command, with what it made behind it.
pub fn commands(study: &Study) -> String {
    let mut lines = Vec::new();
    if study.jobs.iter().any(|(_, spec)| matches!(spec.job, JobSpec::Demo { .. })) {
        lines.push("faceprobe demo --plain".to_owned());
    }
    let mut prepared = BTreeSet::new();
    for set in &study.sets {
        let settings = set.sources.as_ref().map(|sources| &sources.settings);
        let Some(settings) = settings.filter(|settings| prepared.insert(settings.name.clone())) else { continue };
        lines.push(format!("{}  # manifest {}", prepare(settings), hash(&set.report.manifest_sha256)));
    }
    for (run, spec) in study.jobs.iter().filter(|(_, spec)| spec.parent.is_none()) {
        let command = match &spec.job {
            JobSpec::Train { refit: Some(run), .. } => line(&["train", "refit", run], []),
            JobSpec::Train { dataset, model, .. } | JobSpec::Folds { dataset, model } => train(dataset, model),
            JobSpec::LearningCurve { dataset, model, curve } => learning_curve(dataset, model, curve),
            JobSpec::OpenTest { run } => line(&["evaluate", run, "--open-test"], []),
            JobSpec::Sweep { dataset, sweep } => train_many(dataset, sweep),
            _ => continue,
        };
        lines.push(format!("{command}{}  # {run}", circumstances(spec)));
    }
    if let Some(choice) = &study.chosen {
        lines.push(match &choice.adapted {
            Some(adapted) => {
                let (images, seed) = (adapted.images.to_string(), adapted.seed.to_string());
                let criterion = choice.criterion.as_deref().unwrap_or("auto");
                let on = ["--on", &adapted.dataset, "--images", &images, "--seed", &seed, "--threshold", criterion];
                line(&["choose", &choice.run], on.map(str::to_owned))
            }
            None => line(&["choose", &choice.run, "--threshold", &choice.threshold.to_string()], []),
        });
    }
    lines.push("faceprobe report".to_owned());
    lines.join("\n")
}

fn hash(sha256: &str) -> &str {
    sha256.get(..12).unwrap_or("of each fold above")
}

/// Threads and device change numbers a little; the default device needs no word.
fn circumstances(spec: &Spec) -> String {
    let device = if spec.device == "cpu" { String::new() } else { format!(" --device {}", quoted(&spec.device)) };
    format!(" --threads {}{device}", spec.threads)
}

/// `data prepare` with the options that make these settings.
pub fn prepare(settings: &PrepareSettings) -> String {
    line(&["data", "prepare"], options(settings))
}

/// `train` with the options that make this model.
pub fn train(dataset: &str, model: &ModelSpec) -> String {
    if let Ok(EnsembleSettings { members }) = model.settings() {
        return line(&["train", "ensemble"], members.clone());
    }
    line(&["train", model.kind().name(), "--data", dataset], model_options(model))
}

fn learning_curve(dataset: &str, model: &ModelSpec, curve: &CurveSettings) -> String {
    // Every part has the seed that it is drawn by.
    let words = model_options(&model.clone().with_seed(1));
    line(&["learning-curve", model.kind().name(), "--data", dataset], words.into_iter().chain(options(curve)))
}

/// The options of a model that differ from the defaults, those of its features first.
pub fn model_options(model: &ModelSpec) -> Vec<String> {
    let mut words = match (model.kind().info().input, model.features()) {
        (ModelInput::Features, Some(features)) => options(features),
        (ModelInput::Cut, Some(features)) => options(&CutSettings::of_spec(features)),
        _ => Vec::new(),
    };
    words.extend(model.any().options());
    words.extend(options(model.draw()));
    words
}

fn train_many(dataset: &str, sweep: &SweepSpec) -> String {
    let mut words = options(&sweep.features);
    let base = options(&sweep.base);
    let varied = |option: &String| sweep.axes.iter().any(|axis| faceprobe_settings::option(&axis.setting) == *option);
    let pairs = base.chunks(2).filter(|pair| !pair.first().is_some_and(varied));
    words.extend(pairs.flatten().cloned());
    for axis in &sweep.axes {
        words.extend([faceprobe_settings::option(&axis.setting), axis.values.join(",")]);
    }
    words.extend(options(&sweep.own));
    line(&["sweep", "--data", dataset], words)
}

fn line(words: &[&str], more: impl IntoIterator<Item = String>) -> String {
    let words = words.iter().map(|word| quoted(word).into_owned());
    let all: Vec<String> = std::iter::once("faceprobe".to_owned())
        .chain(words)
        .chain(more.into_iter().map(|word| quoted(&word).into_owned()))
        .collect();
    all.join(" ")
}

/// As a shell takes it for one word, on one line: control characters as bash and zsh read them.
fn quoted(word: &str) -> Cow<'_, str> {
    if word.contains(text::is_control) {
        let characters = word.chars().filter(|character| *character != '\0');
        let written = characters.map(|character| match character {
            '\\' | '\'' => format!("\\{character}"),
            control if text::is_control(control) => format!("\\u{:04x}", u32::from(control)),
            plain => plain.to_string(),
        });
        return format!("$'{}'", written.collect::<String>()).into();
    }
    // A NUL, which no argument can hold, is left out.
    shlex::try_quote(word).unwrap_or_else(|_| Cow::Owned(word.replace('\0', "")))
}
