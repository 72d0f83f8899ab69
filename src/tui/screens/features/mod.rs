//! Features: the backbones and their weights, the feature cache, extraction at work.

mod keys;
pub mod probe;
mod view;

use super::{Screen, ScreenInfo};
use crate::tui::effect::Effect;
use crate::tui::forms::FormKind;
use crate::tui::jobs::Job;
use crate::tui::keys::{Action, Context};
use crate::tui::shared::{Hits, Shared, Tone, moved};
use crate::tui::snapshot::{Backbone, Run, Snapshot, Weights};
use crate::tui::stages::{ScreenId, State as Step, Study};
use crate::tui::widgets::format;
use faceprobe_core::features::FeatureSpec;
use faceprobe_core::run::JobSpec;
use ratatui::Frame;
use ratatui::layout::Rect;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What is known of it without its state.
pub static INFO: ScreenInfo =
    ScreenInfo { id: ScreenId::Features, name: "Features", keys: keys::ROWS, home: Context::Features, step };

/// The screen and what it remembers.
#[derive(Debug, Default)]
pub struct Features {
    /// The line in the list of backbones.
    pub selected: usize,
}

impl Screen for Features {
    fn info(&self) -> &'static ScreenInfo {
        &INFO
    }

    fn draw(&self, frame: &mut Frame, area: Rect, shared: &Shared, hits: &mut Hits) {
        view::draw(frame, area, self.selected, shared, hits);
    }

    fn act(&mut self, shared: &mut Shared, action: Action) -> Vec<Effect> {
        match action {
            Action::Extract => return self.extract(shared),
            Action::FetchWeights => self.fetch_weights(shared),
            Action::ExportFeatures => self.export(shared),
            Action::Probe => self.probe(shared),
            Action::PauseResume => return shared.pause_or_resume(self.at_work(shared)),
            Action::Stop => return shared.stop(self.at_work(shared)),
            _ => self.selected = moved(self.selected, shared.snapshot.backbones.len(), action),
        }
        Vec::new()
    }

    fn select(&mut self, _shared: &mut Shared, line: usize) -> Vec<Effect> {
        self.selected = line;
        Vec::new()
    }

    fn at_work(&self, shared: &Shared) -> Option<Arc<Run>> {
        work(&shared.snapshot).cloned()
    }

    fn histories(&self, shared: &Shared) -> BTreeSet<String> {
        work(&shared.snapshot).map(|run| run.id.to_string()).into_iter().collect()
    }
}

fn step(study: &Study) -> (Step, String) {
    let stores = study.snapshot.stores.iter().filter(|store| store.backbone != "pixels");
    let rows: usize = stores.map(|store| store.rows).sum();
    let detail = match rows {
        0 => "none cached".into(),
        rows => format!("{} rows", format::thousands(rows as u64)),
    };
    (study.state(ScreenId::Features, rows > 0), detail)
}

/// The extraction at work, else the last one.
fn work(snapshot: &Snapshot) -> Option<&Arc<Run>> {
    snapshot.live().rev().find(|run| run.extracts()).or_else(|| snapshot.runs.iter().rev().find(|run| run.extracts()))
}

impl Features {
    /// The backbone under the cursor.
    fn current<'a>(&self, shared: &'a Shared) -> Option<&'a Backbone> {
        shared.snapshot.backbones.get(self.selected)
    }

    /// Opens the form that fetches weights, for the selected backbone.
    fn fetch_weights(&self, shared: &mut Shared) {
        let name = self.current(shared).map(|backbone| backbone.name.clone());
        shared.open_form(FormKind::FetchWeights);
        if let Some(name) = name {
            shared.fill("backbone", &name);
            shared.fill("file", "");
        }
    }

    /// Opens the form that exports features, for the selected backbone.
    fn export(&self, shared: &mut Shared) {
        if shared.dataset().is_none() {
            shared.say(Tone::Bad, "There is no prepared data set yet; make one on the Data screen (1).");
            return;
        }
        let backbone = self.current(shared).cloned();
        match backbone {
            Some(backbone) if backbone.weights == Weights::Absent => {
                self.fetch_weights(shared);
                say_absent(shared, &backbone);
            }
            Some(backbone) => {
                shared.open_form(FormKind::ExportFeatures);
                shared.fill("backbone", &backbone.name);
            }
            None => shared.open_form(FormKind::ExportFeatures),
        }
    }

    fn extract(&self, shared: &mut Shared) -> Vec<Effect> {
        let Some(backbone) = self.current(shared).cloned() else {
            return Vec::new();
        };
        let Some(dataset) = shared.dataset().map(str::to_owned) else {
            shared.say(Tone::Bad, "There is no prepared data set yet; make one on the Data screen (1).");
            return Vec::new();
        };
        if backbone.weights == Weights::Absent {
            self.fetch_weights(shared);
            say_absent(shared, &backbone);
            return Vec::new();
        }
        let features = FeatureSpec::of_backbone(backbone.name);
        let same = |run: &&Arc<Run>| matches!(&run.job, JobSpec::Extract { dataset: d, features: f } if *d == dataset && *f == features);
        let live = shared.snapshot.live().find(same).cloned();
        if let Some(run) = live {
            shared.say(Tone::Plain, format!("{} is already doing that.", run.id));
            return Vec::new();
        }
        vec![Job::Launch(Box::new(JobSpec::Extract { dataset, features })).into()]
    }

    /// Opens the form of a depth probe, for the backbone under the cursor.
    fn probe(&self, shared: &mut Shared) {
        if shared.dataset().is_none() {
            shared.say(Tone::Bad, "There is no prepared data set yet; make one on the Data screen (1).");
            return;
        }
        let name = self.current(shared).map(|backbone| backbone.name.clone());
        shared.open_form(FormKind::Probe);
        if let Some(name) = name {
            shared.fill("backbone", &name);
        }
    }
}

fn say_absent(shared: &mut Shared, backbone: &Backbone) {
    shared.say(Tone::Plain, format!("The weights of {} are not installed yet; Enter fetches them.", backbone.title));
}
