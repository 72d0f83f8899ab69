//! Opening the form of a run's kind, filled with its settings.

use super::Table;
use crate::tui::forms::{self, DATA, FormKind};
use crate::tui::shared::{Overlay, Shared, Tone};
use crate::tui::snapshot::Snapshot;
use faceprobe_core::features::{ClassifierSettings, CutSettings};
use faceprobe_core::model::{ModelInput, ModelSpec};
use faceprobe_core::run::{JobSpec, SweepSpec};
use faceprobe_settings::{AnySettings, Domain, Info, axes};
use tui_input::Input;

/// The names and texts of settings.
type Pairs = Vec<(String, String)>;

/// Opens the form for the run under the cursor; a sentence where there is none.
pub fn clone(table: &Table, shared: &mut Shared) {
    let Some(run) = table.run(shared) else { return };
    let Some((form, dataset, pairs)) = form_of(&run.job) else {
        let work = run.job.kind_name();
        shared.say(Tone::Plain, format!("There is no form that starts a {work} run such as {}.", run.id));
        return;
    };
    let mut open = forms::open(form, &shared.snapshot, dataset);
    let infos = form.infos();
    for (name, text) in &pairs {
        let Some(info) = infos.iter().find(|info| info.name == name) else { continue };
        // What is as usual stays as the form shows it.
        if *text == info.default && info.computed.is_none() {
            continue;
        }
        for (field, value) in fields(info, text) {
            if let Some(field) = open.fields.iter_mut().find(|known| known.name == field) {
                field.input = Input::new(value);
            }
        }
    }
    open.intro = format!("Filled with the settings of {}: change what should differ.", run.id);
    let missing = dataset.filter(|name| !is_there(&shared.snapshot, name)).map(str::to_owned);
    match (&missing, dataset) {
        (Some(name), _) => shared.say(Tone::Plain, format!("{name} is gone; choose another prepared set.")),
        (None, Some(name)) => {
            if let Some(field) = open.fields.iter_mut().find(|field| field.name == DATA) {
                field.input = Input::new(name.to_owned());
            } else {
                // The form works on the set that Data shows.
                shared.chosen_set = Some(name.to_owned());
            }
        }
        (None, None) => {}
    }
    shared.overlay = Some(Overlay::Form(open));
}

/// Whether there is a prepared set of that name, or folds of it.
fn is_there(snapshot: &Snapshot, name: &str) -> bool {
    snapshot.datasets.iter().any(|set| {
        let fold = set.report.as_ref().ok().and_then(|report| report.fold.as_ref());
        set.name == name || fold.is_some_and(|fold| fold.of == name)
    })
}

/// The form that starts such a job, the prepared set, and the settings.
fn form_of(job: &JobSpec) -> Option<(FormKind, Option<&str>, Pairs)> {
    let dataset = job.dataset();
    match job {
        JobSpec::Train { model, .. } | JobSpec::Folds { model, .. } if model.kind().info().has_options => {
            Some((FormKind::Train(model.kind()), dataset, of_model(model)))
        }
        JobSpec::Sweep { sweep, .. } => Some((FormKind::Sweep, dataset, of_sweep(sweep))),
        JobSpec::Probe { features, .. } => Some((FormKind::Probe, dataset, pairs(features))),
        JobSpec::Prepare(settings) => Some((FormKind::Prepare, None, pairs(settings))),
        JobSpec::Audit { settings, .. } => Some((FormKind::Audit, dataset, pairs(&**settings))),
        _ => None,
    }
}

fn pairs(settings: &dyn AnySettings) -> Pairs {
    settings.pairs().into_iter().map(|(name, text)| (name.to_owned(), text)).collect()
}

fn of_model(model: &ModelSpec) -> Pairs {
    let features = model.features().map_or_else(Vec::new, |features| match model.kind().info().input {
        ModelInput::Pixels => Vec::new(),
        ModelInput::Features => pairs(features),
        ModelInput::Cut => pairs(&CutSettings::of_spec(features)),
        ModelInput::Classifier => pairs(&ClassifierSettings::of_spec(features)),
    });
    [features, pairs(model.any()), pairs(model.draw())].concat()
}

/// What is varied with all its values, what is not with its own.
fn of_sweep(sweep: &SweepSpec) -> Pairs {
    let varied = axes::<faceprobe_core::model::DenseSettings>().into_iter().filter_map(|info| {
        let axis = sweep.axes.iter().find(|axis| axis.setting == info.name)?;
        Some((info.name.to_owned(), axis.values.join(", ")))
    });
    let varied: Pairs = varied.collect();
    let base = pairs(&sweep.base).into_iter().filter(|(name, _)| varied.iter().all(|(other, _)| other != name));
    [pairs(&sweep.features), base.collect(), varied, pairs(&sweep.own)].concat()
}

/// The fields of a setting with their texts: several for a list whose values stand on lines of their own.
fn fields(info: &Info, text: &str) -> Vec<(String, String)> {
    match info.domain {
        Domain::List { lines: true, .. } => {
            let name =
                |line: usize| if line == 0 { info.name.to_owned() } else { format!("{}_{}", info.name, line + 1) };
            text.lines().enumerate().map(|(line, value)| (name(line), value.to_owned())).collect()
        }
        _ => vec![(info.name.to_owned(), text.to_owned())],
    }
}
