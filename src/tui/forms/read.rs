//! What a filled form stands for.

use super::{DATA, FormKind, MODEL};
use crate::tui::folders::expand;
use crate::tui::jobs::Job;
use crate::tui::snapshot::Snapshot;
use crate::tui::tasks::{ExportData, Order, Task};
use crate::tui::widgets::form::Form;
use faceprobe_core::audit;
use faceprobe_core::dataset::prepare::PrepareSettings;
use faceprobe_core::features::FeatureSpec;
use faceprobe_core::map::MapSettings;
use faceprobe_core::model::{DenseSettings, LogisticSettings, ModelSpec};
use faceprobe_core::run::learning_curve::CurveSettings;
use faceprobe_core::run::{Axis, JobSpec, SweepSettings, SweepSpec, probe};
use faceprobe_settings::{Domain, Info, Refusal, Settings, axis_values, infos, read};

/// What a filled form stands for.
#[derive(Debug, Clone, PartialEq)]
pub enum Filled {
    /// Becomes a run.
    Run(Box<JobSpec>),
    /// Is done by the workbench itself.
    Task(Task),
}

impl From<Filled> for Job {
    fn from(filled: Filled) -> Self {
        match filled {
            Filled::Run(spec) => Self::Launch(spec),
            Filled::Task(task) => Self::Task(Box::new(Order::new(task))),
        }
    }
}

/// What a form is filled with; every field that is wrong says so, and then there is nothing.
pub fn submit(form: &mut Form<FormKind>, snapshot: &Snapshot, dataset: Option<&str>) -> Option<Filled> {
    for field in &mut form.fields {
        field.error = None;
    }
    let pairs = given(form, &form.kind.infos());
    let filled = match task(form, &pairs) {
        Ok(Some(task)) => Ok(Some(Filled::Task(task))),
        Ok(None) => job(form, snapshot, dataset, &pairs).map(|job| job.map(|job| Filled::Run(Box::new(job)))),
        Err(refused) => Err(refused),
    };
    match filled {
        Ok(filled) => filled,
        Err(refused) => {
            for refusal in refused {
                form.complain(&refusal.setting, refusal.for_field());
            }
            None
        }
    }
}

/// The task of a form that is for one.
fn task(form: &Form<FormKind>, pairs: &[(String, String)]) -> Result<Option<Task>, Vec<Refusal>> {
    Ok(Some(match form.kind {
        FormKind::FetchData => Task::FetchData(read(pairs)?),
        FormKind::FetchWeights => Task::FetchWeights(read(pairs)?),
        FormKind::Report => Task::Report(read(pairs)?),
        FormKind::ExportModel => Task::ExportModel(read(pairs)?),
        FormKind::ExportFeatures if !form.value(DATA).is_empty() => {
            let (mut refused, of) = (Vec::new(), |infos: Vec<&'static Info>| part(pairs, &infos));
            let features = keep(read::<FeatureSpec>(&of(infos::<FeatureSpec>())), &mut refused);
            let own = keep(read::<ExportData>(&of(infos::<ExportData>())), &mut refused);
            match (features, own) {
                (Some(features), Some(own)) => Task::ExportFeatures {
                    dataset: form.value(DATA).to_owned(),
                    features,
                    to: expand(own.to.trim()),
                    extracted: false,
                },
                _ => return Err(refused),
            }
        }
        _ => return Ok(None),
    }))
}

/// The pairs that belong to these settings.
fn part(pairs: &[(String, String)], infos: &[&'static Info]) -> Vec<(String, String)> {
    pairs.iter().filter(|(name, _)| infos.iter().any(|info| info.name == name)).cloned().collect()
}

fn job(
    form: &mut Form<FormKind>,
    snapshot: &Snapshot,
    dataset: Option<&str>,
    pairs: &[(String, String)],
) -> Result<Option<JobSpec>, Vec<Refusal>> {
    let typed = form.value(DATA).to_owned();
    let called = snapshot.called(matches!(form.kind, FormKind::Train(_)));
    let named = called.into_iter().find(|(name, _)| *name == typed).map_or(typed, |(_, id)| id);
    if form.kind.has_data() && named.is_empty() {
        form.complain(DATA, "There is no prepared data set; make one on the Data screen (1).");
        return Ok(None);
    }
    Ok(match form.kind {
        FormKind::Prepare => {
            let settings: PrepareSettings = read(pairs)?;
            if settings.source.is_empty() {
                form.complain("source", "Needs a source, such as fairface:/path/to/fairface.");
                return Ok(None);
            }
            Some(JobSpec::Prepare(settings))
        }
        FormKind::Audit => {
            let settings: audit::Settings = read(pairs)?;
            // What the form remembers can have been removed since.
            if let Some(run) =
                settings.with.as_ref().filter(|name| !snapshot.runs.iter().any(|run| run.id.as_str() == **name))
            {
                form.complain("with", format!("Run {run} no longer exists; left and right choose another."));
                return Ok(None);
            }
            dataset.map(|dataset| JobSpec::Audit { dataset: dataset.to_owned(), settings: Box::new(settings) })
        }
        FormKind::Train(kind) => {
            let model = ModelSpec::read(kind, pairs)?;
            let whole = snapshot.datasets.iter().all(|set| set.name != named);
            Some(if whole { JobSpec::Folds { dataset: named, model } } else { JobSpec::train(named, model) })
        }
        FormKind::Sweep => Some(sweep(named, pairs)?),
        FormKind::Map => {
            let of = |infos: Vec<&'static Info>| -> Vec<(String, String)> {
                pairs.iter().filter(|(name, _)| infos.iter().any(|info| info.name == name)).cloned().collect()
            };
            let mut refused = Vec::new();
            let features = keep(read::<FeatureSpec>(&of(infos::<FeatureSpec>())), &mut refused);
            let settings = keep(read::<MapSettings>(&of(infos::<MapSettings>())), &mut refused);
            let (Some(features), Some(settings)) = (features, settings) else { return Err(refused) };
            Some(JobSpec::Map { dataset: named, features, settings })
        }
        FormKind::Probe => {
            let features: FeatureSpec = read(pairs)?;
            let settings = LogisticSettings { alphas: probe::ALPHAS.to_vec(), ..LogisticSettings::default() };
            Some(JobSpec::Probe { dataset: named, features, settings })
        }
        FormKind::Curve(kind) => {
            let (own, model): (Vec<_>, Vec<_>) =
                pairs.iter().cloned().partition(|(name, _)| infos::<CurveSettings>().iter().any(|i| i.name == name));
            let curve: CurveSettings = read(&own)?;
            Some(JobSpec::LearningCurve { dataset: named, model: ModelSpec::read(kind, &model)?, curve })
        }
        FormKind::FetchData
        | FormKind::FetchWeights
        | FormKind::Report
        | FormKind::ExportModel
        | FormKind::ExportFeatures => None,
    })
}

fn sweep(dataset: String, pairs: &[(String, String)]) -> Result<JobSpec, Vec<Refusal>> {
    let of = |infos: Vec<&'static Info>| part(pairs, &infos);
    let (mut refused, mut base, mut axes) = (Vec::new(), Vec::new(), Vec::new());
    for (setting, text) in of(infos::<DenseSettings>()) {
        match axis_values::<DenseSettings>(&setting, &text) {
            Ok(values) => match &values[..] {
                [only] => base.push((setting, only.clone())),
                _ => axes.push(Axis { setting, values }),
            },
            Err(refusal) => refused.push(refusal),
        }
    }
    let features = keep(read::<FeatureSpec>(&of(infos::<FeatureSpec>())), &mut refused);
    let base = keep(read::<DenseSettings>(&base), &mut refused);
    let own = keep(read::<SweepSettings>(&of(infos::<SweepSettings>())), &mut refused);
    match (features, base, own) {
        (Some(features), Some(base), Some(own)) if refused.is_empty() => {
            let sweep = SweepSpec { features, base, axes, own };
            // What is too many, or does not go together, is told on the first field that is varied.
            let first = sweep.axes.first().map_or("width", |axis| &axis.setting).to_owned();
            sweep.check().map_err(|error| vec![Refusal::because(first, error.to_string())])?;
            Ok(JobSpec::Sweep { dataset, sweep: Box::new(sweep) })
        }
        _ => Err(refused),
    }
}

fn keep<S: Settings>(read: Result<S, Vec<Refusal>>, refused: &mut Vec<Refusal>) -> Option<S> {
    read.map_err(|more| refused.extend(more)).ok()
}

/// The names and texts of the fields that hold something.
fn given(form: &Form<FormKind>, infos: &[&'static Info]) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    for info in infos {
        let lines = matches!(info.domain, Domain::List { lines: true, .. });
        let of = |name: &str| {
            name == info.name || lines && name.strip_prefix(info.name).is_some_and(|rest| rest.starts_with('_'))
        };
        let texts: Vec<String> = form
            .fields
            .iter()
            .filter(|field| of(field.name.as_str()) && (field.name != MODEL || form.kind.model().is_none()))
            .map(|field| field.input.value().trim().to_owned())
            .filter(|text| !text.is_empty())
            .map(|text| if lines { source(&text) } else { text })
            .collect();
        if !texts.is_empty() {
            pairs.push((info.name.to_owned(), texts.join("\n")));
        }
    }
    pairs
}

/// A source as somebody typed or pasted it, its path as a shell would take it.
fn source(text: &str) -> String {
    match text.split_once(':') {
        Some((layout, path)) => format!("{}:{}", layout.trim(), expand(path.trim()).display()),
        None => text.to_owned(),
    }
}
