//! How the curves of Train are looked at, and the keys that change it.

use crate::tui::charts::clock::XAxis;
use crate::tui::charts::{smoothing, window};
use crate::tui::keys::Action;
use crate::tui::shared::Shared;
use crate::tui::snapshot::Run;
use crate::tui::stages::ScreenId;
use crate::tui::theme::HUES;
use faceprobe_core::run::Status;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Which charts are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Show {
    /// Where there is room for one only, the accuracy.
    #[default]
    Both,
    Loss,
    Accuracy,
}

/// How the curves are looked at.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct View {
    /// The loss on a logarithmic scale.
    pub log: bool,
    /// Which charts.
    pub show: Show,
    /// What lies along the bottom, and whether on a logarithmic scale.
    pub along: XAxis,
    pub log_x: bool,
    /// Which of [`smoothing::WEIGHTS`] smooths.
    pub smoothing: usize,
    /// First and last epoch shown; none shows all that are planned.
    pub range: window::Range,
    /// Whether the charts have the screen for themselves, and epochs are a table there.
    #[serde(skip)]
    pub large: bool,
    #[serde(skip)]
    pub table: bool,
    /// The epoch under the cursor; none is the newest, also as it goes on.
    #[serde(skip)]
    pub cursor: Option<usize>,
    /// What the mouse holds open, along x.
    #[serde(skip)]
    pub drag: Option<(f64, f64)>,
    /// The setting of a sweep that is laid along x, how, and the place of the cursor there.
    #[serde(skip)]
    pub setting: Option<&'static str>,
    #[serde(skip)]
    pub setting_log: Option<bool>,
    #[serde(skip)]
    pub column: Option<usize>,
    /// Where the large chart was opened, if that was another screen.
    #[serde(skip)]
    pub back: Option<ReturnTo>,
}

/// What was there before another screen opened the large chart.
#[derive(Debug, Clone, PartialEq)]
pub struct ReturnTo {
    pub screen: ScreenId,
    pub marked: Vec<String>,
    pub selected: Option<String>,
}

/// More lines than this cannot be told apart from each other and from the one that leads.
pub const MOST: usize = HUES - 1;

/// The epochs up to which a run is drawn: those it was to train, or those that it came to.
pub fn planned(run: &Run) -> usize {
    run.facts.last_epoch.map_or(1, |last| if run.status == Status::Done { last.epoch } else { last.epochs })
}

fn known(run: &Run) -> usize {
    run.facts.last_epoch.map_or(1, |last| last.epoch)
}

impl View {
    /// The weight of what went before.
    pub fn weight(&self) -> f64 {
        smoothing::WEIGHTS.get(self.smoothing).copied().unwrap_or(0.0)
    }

    /// The epoch under the cursor of the large chart.
    pub fn at(&self, run: &Run) -> usize {
        self.cursor.unwrap_or(usize::MAX).clamp(1, known(run).max(1))
    }

    /// Whether the action changed how the curves of `runs` are looked at, the first of which leads.
    pub fn act(&mut self, action: Action, runs: &[Arc<Run>]) -> bool {
        let planned = runs.iter().map(|run| planned(run)).max().unwrap_or(1).max(2);
        let known = runs.iter().map(|run| known(run)).max().unwrap_or(1);
        match action {
            Action::LogScale => self.log = !self.log,
            Action::LogX => self.log_x = !self.log_x,
            Action::Along => self.along = self.along.next(),
            Action::Curves => {
                self.show = match self.show {
                    Show::Both => Show::Loss,
                    Show::Loss => Show::Accuracy,
                    Show::Accuracy => Show::Both,
                }
            }
            Action::Smooth => self.smoothing = smoothing::turned(self.smoothing, true),
            Action::SmoothLess => self.smoothing = smoothing::turned(self.smoothing, false),
            Action::ZoomIn => {
                let (first, last) = self.range.unwrap_or((1, planned));
                self.range = match self.cursor {
                    Some(at) => window::closer(self.range, at, planned),
                    // Towards what is newest among what is seen.
                    None => window::closer(Some((first, last.min(known.max(first + 2)))), known, planned),
                };
            }
            Action::ZoomOut => self.range = window::wider(self.range, self.cursor.unwrap_or(known), planned),
            Action::ZoomAll => self.range = None,
            Action::PanLeft | Action::PanRight => {
                self.range = window::moved(self.range, action == Action::PanRight, planned);
            }
            Action::EpochTable => self.table = !self.table,
            _ if !self.large => return false,
            _ => return self.point(action, runs, planned),
        }
        true
    }

    /// Moves the cursor over the epochs of the first run.
    fn point(&mut self, action: Action, runs: &[Arc<Run>], planned: usize) -> bool {
        // Beside the list, first and last are those of the list.
        let Some(run) = runs.first().filter(|_| self.large) else { return false };
        let at = self.at(run);
        let to = match action {
            Action::CursorLeft => at.saturating_sub(1),
            Action::CursorRight => at + 1,
            Action::CursorFarLeft => at.saturating_sub(10),
            Action::CursorFarRight => at + 10,
            Action::CursorBest => run.facts.best.map_or(at, |best| best.epoch),
            Action::Top => 1,
            Action::Bottom => usize::MAX,
            _ => return false,
        };
        // At the newest, it goes on with it.
        let to = to.clamp(1, known(run).max(1));
        self.cursor = Some(to).filter(|to| *to < known(run));
        self.range = window::showing(self.range, to, planned);
        true
    }
}

/// The runs whose curves are shown: `run` and the marked ones that have any.
pub fn shown(shared: &Shared, run: &Arc<Run>) -> Vec<Arc<Run>> {
    let mut runs = vec![Arc::clone(run)];
    let marked = shared.marked.iter().filter(|id| id.as_str() != run.id.as_str());
    let marked = marked.filter_map(|id| shared.snapshot.run(id)).filter(|run| run.has_curves());
    runs.extend(marked.take(MOST).cloned());
    runs
}
