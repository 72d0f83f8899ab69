//! The steps of a study: the state and the run of each, and starting one.

mod keys;
mod view;

use super::View;
use crate::tui::effect::Effect;
use crate::tui::jobs::Job;
use crate::tui::keys::{Action, Context};
use crate::tui::prompt::{Prompt, Purpose};
use crate::tui::request::Request;
use crate::tui::shared::{Hits, Shared, Tone, moved};
use crate::tui::snapshot::{Run, Snapshot};
use crate::tui::studies::{Ask, Reply, Source, StudyStatus};
use faceprobe_core::study::{self as core, Step};
use ratatui::Frame;
use ratatui::layout::Rect;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

pub use keys::ROWS as KEYS;

/// The view and its state.
#[derive(Debug, Default)]
pub struct StudyView {
    /// The studies that were found.
    pub sources: Vec<Source>,
    /// The study that is shown.
    pub chosen: Option<Source>,
    /// The line in the list of studies, while one is being picked.
    pub picking: Option<usize>,
    /// The steps, or the lines that say what is wrong with the file.
    pub outlook: Option<Result<Arc<StudyStatus>, Vec<String>>>,
    /// The step under the cursor.
    pub selected: usize,
    /// Whether a request is under way.
    waiting: bool,
    /// The workspace when the steps were last requested.
    looked: u64,
}

impl StudyView {
    fn steps(&self) -> &[Step] {
        match &self.outlook {
            Some(Ok(outlook)) => &outlook.plan.steps,
            _ => &[],
        }
    }

    fn step(&self) -> Option<&Step> {
        self.steps().get(self.selected)
    }
}

impl View for StudyView {
    fn context(&self) -> Context {
        if self.picking.is_some() { Context::StudyFiles } else { Context::Study }
    }

    fn draw(&self, frame: &mut Frame, area: Rect, shared: &Shared, hits: &mut Hits) {
        view::draw(frame, area, self, shared, hits);
    }

    fn act(&mut self, shared: &mut Shared, action: Action) -> Vec<Effect> {
        match action {
            Action::Enter if self.picking.is_some() => return self.pick(shared),
            Action::Enter => return self.start(shared),
            Action::StudyFile => self.picking = Some(0),
            Action::TypePath => shared.prompt(Prompt::new(Purpose::Study, "")),
            Action::Jump => self.jump(shared),
            Action::PauseResume => return shared.pause_or_resume(self.at_work(shared)),
            Action::Stop => return shared.stop(self.at_work(shared)),
            _ => {
                let (at, count) = match &mut self.picking {
                    Some(at) => (at, self.sources.len()),
                    None => {
                        let count = self.steps().len();
                        (&mut self.selected, count)
                    }
                };
                *at = moved(*at, count, action);
            }
        }
        Vec::new()
    }

    fn select(&mut self, shared: &mut Shared, line: usize) -> Vec<Effect> {
        match &mut self.picking {
            Some(at) if *at == line => return self.pick(shared),
            Some(at) => *at = line,
            None => self.selected = line,
        }
        Vec::new()
    }

    fn arrive(&mut self, shared: &mut Shared) -> Vec<Effect> {
        self.ask(shared)
    }

    fn wanted(&mut self, shared: &Shared) -> Vec<Effect> {
        if self.waiting || self.looked == sign(&shared.snapshot) {
            return Vec::new();
        }
        self.ask(shared)
    }

    fn offers(&self, _shared: &Shared, action: Action) -> bool {
        match action {
            Action::Enter => self.picking.is_some() || self.step().is_some(),
            Action::Jump => self.step().is_some_and(|step| !step.runs.is_empty()),
            Action::StudyFile => self.sources.len() > 1,
            _ => true,
        }
    }

    fn cancel(&mut self, _shared: &mut Shared) -> bool {
        // Without a study there is nothing beneath the list of files.
        self.chosen.is_some() && self.picking.take().is_some()
    }

    fn at_work(&self, shared: &Shared) -> Option<Arc<Run>> {
        let run = self.step()?.runs.first()?;
        shared.snapshot.run(run).cloned()
    }
}

/// The part of a workspace that the states of the steps depend on.
fn sign(snapshot: &Snapshot) -> u64 {
    let mut hasher = DefaultHasher::new();
    for run in &snapshot.runs {
        (run.id.as_str(), run.status.name()).hash(&mut hasher);
    }
    for set in &snapshot.datasets {
        (&set.name, set.superseded, set.written).hash(&mut hasher);
    }
    snapshot.stores.iter().for_each(|store| store.rows.hash(&mut hasher));
    hasher.finish()
}

impl StudyView {
    fn ask(&mut self, shared: &Shared) -> Vec<Effect> {
        self.waiting = true;
        self.looked = sign(&shared.snapshot);
        vec![Effect::Study(Ask { source: self.chosen.clone() })]
    }

    /// Takes the steps.
    pub fn take(&mut self, shared: &Shared, reply: Reply) -> Vec<Effect> {
        self.waiting = false;
        self.sources = reply.sources;
        match reply.looked {
            // An answer about a study that is no longer shown.
            Some((source, _)) if self.chosen.as_ref().is_some_and(|chosen| *chosen != source) => {
                return self.ask(shared);
            }
            Some((source, outlook)) => {
                let first = self.outlook.is_none();
                self.chosen = Some(source);
                self.outlook = Some(outlook);
                self.selected = match first {
                    // The cursor begins on the next step to be done.
                    true => self.steps().iter().position(|step| step.state != core::State::Done).unwrap_or(0),
                    false => self.selected.min(self.steps().len().saturating_sub(1)),
                };
            }
            None => self.picking = Some(self.picking.unwrap_or(0).min(self.sources.len().saturating_sub(1))),
        }
        Vec::new()
    }

    /// Shows the study at this path from now on.
    pub fn choose(&mut self, shared: &Shared, source: Source) -> Vec<Effect> {
        (self.picking, self.outlook, self.selected) = (None, None, 0);
        self.chosen = Some(source);
        self.ask(shared)
    }

    fn pick(&mut self, shared: &Shared) -> Vec<Effect> {
        match self.picking.and_then(|at| self.sources.get(at)).cloned() {
            Some(source) => self.choose(shared, source),
            None => Vec::new(),
        }
    }

    /// Starts the step under the cursor; of one that is done or at work, shows the run.
    fn start(&self, shared: &mut Shared) -> Vec<Effect> {
        let (Some(Ok(outlook)), Some(source)) = (&self.outlook, &self.chosen) else {
            return Vec::new();
        };
        let Some(step) = self.step() else { return Vec::new() };
        if matches!(step.action, core::Action::None | core::Action::Follow(_)) && !step.runs.is_empty() {
            self.jump(shared);
            return Vec::new();
        }
        let missing = missing(outlook, step);
        if !missing.is_empty() {
            let text = format!("{} needs {} first.", step.name, missing.join(", "));
            shared.say(Tone::Plain, text);
            return Vec::new();
        }
        if step.state == core::State::Done {
            let text = format!("{} is done.", step.name);
            shared.say(Tone::Plain, text);
            return Vec::new();
        }
        vec![Job::Step { source: source.clone(), step: step.name.clone() }.into()]
    }

    /// To the screen that shows the result of the step's run.
    fn jump(&self, shared: &mut Shared) {
        match self.step().and_then(|step| shared.snapshot.run(step.runs.first()?)).map(|run| Request::to_see(run)) {
            Some(request) => shared.request(request),
            None => shared.say(Tone::Plain, "No run has done this step."),
        }
    }
}

/// The steps that must be done before one can be started.
fn missing(outlook: &StudyStatus, step: &Step) -> Vec<String> {
    let needed = step.needs.iter().filter_map(|need| outlook.plan.steps.get(*need));
    needed.filter(|need| need.state != core::State::Done).map(|need| need.name.clone()).collect()
}
