//! The command line that repeats a job, as typed in the workspace.

use super::spec::JobSpec;
use super::sweep::SweepSpec;
use crate::features::{ClassifierSettings, CutSettings};
use crate::model::{EnsembleSettings, ModelInput, ModelSpec};
use faceprobe_settings::{Role, Settings, axes, given, options};

/// The command line of a job; none if no single command does it. `data` maps the folder name of a prepared set to its
/// displayed name.
pub fn command(job: &JobSpec, data: impl Fn(&str) -> String) -> Option<String> {
    let words = words(job, &data)?;
    let quoted: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    Some(format!("faceprobe {}", quoted.join(" ")))
}

fn words(job: &JobSpec, data: &dyn Fn(&str) -> String) -> Option<Vec<String>> {
    let of = |words: &[&str]| -> Vec<String> { words.iter().map(|word| (*word).to_owned()).collect() };
    let on = |name: &str| vec!["--data".to_owned(), data(name)];
    Some(match job {
        // The synthetic sample is drawn by the demo only.
        JobSpec::Sample(_) => return None,
        JobSpec::Demo { sample } => {
            let (images, seed) = (sample.images.to_string(), sample.seed.to_string());
            of(&["demo", "--images", &images, "--seed", &seed])
        }
        JobSpec::Prepare(settings) => [of(&["data", "prepare"]), options(settings)].concat(),
        JobSpec::Audit { dataset, settings } => {
            [of(&["data", "audit"]), vec![data(dataset)], options(&**settings)].concat()
        }
        JobSpec::Extract { dataset, features } => [of(&["extract"]), options(features), on(dataset)].concat(),
        JobSpec::Probe { dataset, features, .. } => {
            [of(&["extract", "--probe"]), without(features, &["tap"]), on(dataset)].concat()
        }
        JobSpec::Map { dataset, features, settings } => {
            [of(&["features", "map"]), options(settings), options(features), on(dataset)].concat()
        }
        JobSpec::Train { refit: Some(run), .. } => of(&["train", "refit", run]),
        JobSpec::Train { dataset, model, .. } | JobSpec::Folds { dataset, model } => {
            if let Ok(ensemble) = model.settings::<EnsembleSettings>() {
                return Some([of(&["train", "ensemble"]), ensemble.members.clone()].concat());
            }
            let all = [features(model), model.any().options(), options(model.draw())].concat();
            [of(&["train", model.kind().name()]), all, on(dataset)].concat()
        }
        JobSpec::LearningCurve { dataset, model, curve } => {
            let model_options = without_seeds(model);
            let all = [options(curve), features(model), model_options].concat();
            [of(&["learning-curve", model.kind().name()]), all, on(dataset)].concat()
        }
        JobSpec::Sweep { dataset, sweep } => {
            let all = [heads(sweep), options(&sweep.own), options(&sweep.features)].concat();
            [of(&["sweep"]), all, on(dataset)].concat()
        }
        JobSpec::OpenTest { run } => of(&["evaluate", run, "--open-test"]),
        JobSpec::Evaluate { run, on } => of(&["evaluate", run, "--on", on]),
    })
}

/// The options of a model's features, as its kind names them.
fn features(model: &ModelSpec) -> Vec<String> {
    let Some(features) = model.features() else { return Vec::new() };
    match model.kind().info().input {
        ModelInput::Pixels => Vec::new(),
        ModelInput::Features => options(features),
        ModelInput::Cut => options(&CutSettings::of_spec(features)),
        ModelInput::Classifier => options(&ClassifierSettings::of_spec(features)),
    }
}

/// The options of a learning curve's model, without its seed, which the curve varies.
fn without_seeds(model: &ModelSpec) -> Vec<String> {
    let seeds = model.any().infos().into_iter().filter(|info| info.role != Role::Setting);
    let seeds: Vec<String> = seeds.map(faceprobe_settings::Info::option).collect();
    let mut kept = Vec::new();
    let mut words = model.any().options().into_iter();
    while let Some(word) = words.next() {
        let of_seed = seeds.iter().any(|seed| word == *seed || word.starts_with(&format!("{seed}=")));
        let alone = word.contains('=');
        let value = if alone { None } else { words.next() };
        if !of_seed {
            kept.extend(std::iter::once(word).chain(value));
        }
    }
    kept
}

/// The options of settings, except some.
fn without<S: Settings>(settings: &S, names: &[&str]) -> Vec<String> {
    let kept = given(settings).into_iter().filter(|one| !names.contains(&one.info.name));
    kept.flat_map(|one| [one.info.option(), one.get(settings)]).collect()
}

/// The options of a sweep's heads: each varied setting with its values, and other settings that differ from their
/// defaults.
fn heads(sweep: &SweepSpec) -> Vec<String> {
    let varied = |name: &str| sweep.axes.iter().find(|axis| axis.setting == name);
    let unusual: Vec<&str> = given(&sweep.base).iter().map(|one| one.info.name).collect();
    let mut words = Vec::new();
    for info in axes::<crate::model::DenseSettings>() {
        let value = match varied(info.name) {
            Some(axis) => Some(axis.values.join(",")),
            None => unusual.contains(&info.name).then(|| {
                let pairs = faceprobe_settings::to_pairs(&sweep.base);
                pairs.into_iter().find(|(name, _)| *name == info.name).map_or_else(String::new, |(_, text)| text)
            }),
        };
        if let Some(value) = value {
            words.extend([info.option(), value]);
        }
    }
    words
}

/// Quotes a word for the shell.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:,=@+%^".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::FeatureSpec;
    use crate::model::{DenseSettings, FinetuneSettings};
    use crate::run::learning_curve::CurveSettings;
    use crate::run::{Axis, SweepSettings};

    fn told(job: &JobSpec) -> String {
        command(job, |name| if name == "faces" { "faces@1".into() } else { name.into() }).unwrap_or_default()
    }

    #[test]
    fn a_training_is_said_with_what_is_not_as_usual_and_words_are_quoted() {
        let features = FeatureSpec::of_backbone("vgg16");
        let dense = DenseSettings { width: 77, seed: 3, ..DenseSettings::default() };
        let model = ModelSpec::new(features.clone(), dense.clone()).with_train_images(Some(40));
        let job = JobSpec::train("faces", model.clone());
        let told_of = told(&job);
        assert_eq!(
            told_of,
            "faceprobe train dense --backbone vgg16 --width 77 --seed 3 --train-images 40 --data faces@1"
        );
        let folds = JobSpec::Folds { dataset: "it's mine".into(), model };
        assert!(told(&folds).ends_with(r"--data 'it'\''s mine'"), "{}", told(&folds));
        // The cut is given as for fine-tuning, not as a tap.
        let cut = CutSettings { cut: Some(7), ..CutSettings::default() };
        let tuned = ModelSpec::new(cut.spec().unwrap(), FinetuneSettings::default());
        let told_of = told(&JobSpec::train("a", tuned));
        assert!(told_of.contains("--cut 7") && !told_of.contains("--tap"), "{told_of}");
        let refit = JobSpec::Train {
            dataset: "a".into(),
            model: ModelSpec::new(features.clone(), dense.clone()),
            refit: Some("dense-1".into()),
        };
        assert_eq!(told(&refit), "faceprobe train refit dense-1");
        // A curve has seeds of its own.
        let curve = CurveSettings { sizes: vec![100, 300], ..CurveSettings::default() };
        let told_of =
            told(&JobSpec::LearningCurve { dataset: "a".into(), model: ModelSpec::new(features, dense), curve });
        assert_eq!(told_of, "faceprobe learning-curve dense --sizes 100,300 --backbone vgg16 --width 77 --data a");
    }

    #[test]
    fn a_sweep_is_said_by_its_axes() {
        let sweep = SweepSpec {
            features: FeatureSpec::default(),
            base: DenseSettings { epochs: 9, ..DenseSettings::default() },
            axes: vec![Axis { setting: "width".into(), values: vec!["64".into(), "256".into()] }],
            own: SweepSettings { seeds: vec![1, 2], ..SweepSettings::default() },
        };
        let told_of = told(&JobSpec::Sweep { dataset: "a".into(), sweep: Box::new(sweep) });
        assert_eq!(told_of, "faceprobe sweep --width 64,256 --epochs 9 --seeds 1,2 --data a");
    }
}
