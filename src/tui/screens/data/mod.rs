//! Data: the prepared sets, their contents and the images left out.

pub mod audit;
mod keys;
pub mod sheet;
mod view;

use super::{Screen, ScreenInfo};
use crate::tui::effect::Effect;
use crate::tui::forms::FormKind;
use crate::tui::keys::{Action, Context, TABLE};
use crate::tui::shared::{Hits, Shared, moved};
use crate::tui::snapshot::{Run, Snapshot};
use crate::tui::stages::{ScreenId, State as Step, Study};
use faceprobe_core::run::{JobSpec, RunId, Status};
use ratatui::Frame;
use ratatui::layout::Rect;
use sheet::Sheet;
use std::sync::Arc;

/// What is known of it without its state.
pub static INFO: ScreenInfo =
    ScreenInfo { id: ScreenId::Data, name: "Data", keys: keys::ROWS, home: Context::Data, step };

/// The screen and what it remembers.
#[derive(Debug, Default)]
pub struct Data {
    scroll: u16,
    /// The failed run whose report was dismissed.
    dismissed: Option<String>,
    pub sheet: Sheet,
    /// The audit view, covering the rest.
    pub audit: audit::State,
}

impl Screen for Data {
    fn info(&self) -> &'static ScreenInfo {
        &INFO
    }

    fn context(&self, _shared: &Shared) -> Context {
        match (self.audit.open, self.sheet.open) {
            (true, _) => Context::Audit,
            (false, true) => Context::Sheet,
            (false, false) => Context::Data,
        }
    }

    fn draw(&self, frame: &mut Frame, area: Rect, shared: &Shared, hits: &mut Hits) {
        view::draw(frame, area, self, shared, hits);
    }

    fn act(&mut self, shared: &mut Shared, action: Action) -> Vec<Effect> {
        if self.audit.open
            && let Some(effects) = self.audit.act(shared, action)
        {
            return effects;
        }
        if self.sheet.open
            && let Some(effects) = self.sheet.act(shared, action)
        {
            return effects;
        }
        match action {
            Action::Audit => {
                let effects = self.audit.show(shared);
                self.sheet.open &= !self.audit.open;
                return effects;
            }
            Action::New => shared.open_form(FormKind::Prepare),
            Action::FetchData => shared.open_form(FormKind::FetchData),
            Action::Demo => return shared.demo(),
            Action::PauseResume => return shared.pause_or_resume(self.at_work(shared)),
            Action::Stop => return shared.stop(self.at_work(shared)),
            Action::Sheet => {
                self.audit.open = false;
                return self.sheet.toggle(shared);
            }
            Action::PageDown => self.scroll = (self.scroll + 5).min(view::most_scroll(shared)),
            Action::PageUp => self.scroll = self.scroll.saturating_sub(5),
            Action::Up | Action::Down | Action::Top | Action::Bottom => {
                self.choose(shared, moved(index(shared), shared.snapshot.datasets.len(), action));
            }
            _ => {}
        }
        Vec::new()
    }

    fn select(&mut self, shared: &mut Shared, line: usize) -> Vec<Effect> {
        match (self.audit.open, self.sheet.open) {
            (true, _) => self.audit.select(line),
            (false, true) => return self.sheet.select(shared, line),
            (false, false) => self.choose(shared, line),
        }
        Vec::new()
    }

    /// Closes what covers the report, else dismisses that of a failed preparation.
    fn cancel(&mut self, shared: &mut Shared) {
        if self.audit.open {
            self.audit.open = false;
        } else if self.sheet.open {
            self.sheet.open = false;
        } else {
            let over = work(&shared.snapshot).filter(|run| !run.status.is_live());
            self.dismissed = over.map(|run| run.id.to_string());
        }
    }

    fn arrive(&mut self, shared: &mut Shared) -> Vec<Effect> {
        let mut effects = self.sheet.ask(shared);
        effects.extend(self.audit.read());
        effects
    }

    fn wanted(&mut self, shared: &mut Shared) -> Vec<Effect> {
        self.sheet.ask(shared)
    }

    fn offers(&self, shared: &Shared, action: Action) -> bool {
        let audits = || TABLE.iter().any(|binding| binding.context == Context::Audit && binding.action == action);
        match action {
            Action::Cancel => true,
            _ if self.audit.open && audits() => self.audit.offers(action, &shared.snapshot),
            Action::Audit => shared.dataset().is_some(),
            Action::Selected => shared.selection.is_some(),
            Action::Sheet => shared.dataset().is_some() && shared.pictures.shown(shared.theme),
            _ => true,
        }
    }

    fn at_work(&self, shared: &Shared) -> Option<Arc<Run>> {
        work(&shared.snapshot).cloned()
    }

    fn launched(&mut self, shared: &mut Shared, run: &RunId) {
        shared.follow = Some(run.clone()).filter(|run| run.as_str().starts_with("demo"));
    }
}

impl Data {
    /// Opens the contact sheet.
    pub fn show_sheet(&mut self, shared: &Shared) -> Vec<Effect> {
        self.audit.open = false;
        if self.sheet.open { self.sheet.ask(shared) } else { self.sheet.toggle(shared) }
    }

    /// Makes line `index` of the list the current data set.
    fn choose(&mut self, shared: &mut Shared, index: usize) {
        if let Some(set) = shared.snapshot.datasets.get(index) {
            shared.chosen_set = Some(set.name.clone());
            self.scroll = 0;
        }
    }
}

fn step(study: &Study) -> (Step, String) {
    let state = study.state(ScreenId::Data, study.current.is_some());
    (state, study.current.map_or_else(|| "no data set".to_owned(), |set| set.name.clone()))
}

/// The latest run that prepares data, if it is at work or failed.
fn work(snapshot: &Snapshot) -> Option<&Arc<Run>> {
    let live = snapshot.live().rev().find(|run| run.makes_data());
    let live = live.or_else(|| snapshot.live().rev().find(|run| matches!(run.job, JobSpec::Demo { .. })));
    let last = snapshot.runs.iter().rev().find(|run| run.makes_data() || matches!(run.job, JobSpec::Demo { .. }));
    live.or_else(|| last.filter(|run| run.status != Status::Done))
}

/// The line of the current data set.
fn index(shared: &Shared) -> usize {
    let current = shared.dataset();
    shared.snapshot.datasets.iter().position(|set| Some(set.name.as_str()) == current).unwrap_or(0)
}
