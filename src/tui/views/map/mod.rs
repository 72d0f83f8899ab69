//! The map of features: images as points, a cursor that shows the picture under it, a rectangle that chooses images.

mod keys;
pub mod place;
mod view;

use super::View;
use crate::tui::effect::Effect;
use crate::tui::forms::FormKind;
use crate::tui::jobs::Job;
use crate::tui::keys::{Action, Context};
use crate::tui::maps::{MapJob, Maps};
use crate::tui::prompt::{Prompt, Purpose};
use crate::tui::request::Request;
use crate::tui::shared::{Hits, Shared, Target, Tone};
use crate::tui::snapshot::{Run, Snapshot};
use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use faceprobe_core::map::{Colour, Groups, Judged, Map, Point, groups};
use faceprobe_core::run::{JobSpec, Status};
use place::{Window, nearest, within};
use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use std::path::PathBuf;
use std::sync::Arc;

pub use keys::ROWS as KEYS;

/// The view and what it remembers.
#[derive(Debug)]
pub struct MapView {
    /// The maps of the current set, or why they cannot be read; none until they were.
    pub maps: Option<Result<Arc<Maps>, String>>,
    /// The set they were last asked of, and how many maps had been made then.
    asked: Option<(String, usize)>,
    /// Which of them is shown.
    at: usize,
    pub colour: Colour,
    judged: Option<Result<Arc<Judged>, String>>,
    /// The run that was asked about.
    judge: Option<String>,
    /// Of the map that is shown, by [`Self::colour`].
    pub groups: Groups,
    pub cursor: (f64, f64),
    /// The first corner of a rectangle.
    corner: Option<(f64, f64)>,
    /// The images that were chosen.
    pub chosen: Vec<usize>,
}

impl Default for MapView {
    fn default() -> Self {
        Self {
            maps: None,
            asked: None,
            at: 0,
            colour: Colour::Class,
            judged: None,
            judge: None,
            groups: Groups { names: Vec::new(), of: Vec::new() },
            cursor: (0.0, 0.0),
            corner: None,
            chosen: Vec::new(),
        }
    }
}

impl MapView {
    /// The map that is shown.
    pub fn map(&self) -> Option<&Arc<Map>> {
        self.maps.as_ref()?.as_ref().ok()?.maps.get(self.at)
    }

    /// The image under the cursor.
    pub fn under(&self) -> Option<&Point> {
        let map = self.map()?;
        map.points.get(nearest(&map.points, self.cursor)?)
    }

    /// The file of an image.
    pub fn file(&self, point: &Point) -> Option<PathBuf> {
        let maps = self.maps.as_ref()?.as_ref().ok()?;
        Some(maps.roots.get(&point.source)?.join(&point.path))
    }

    fn group(&mut self) {
        let judged = self.judged.as_ref().and_then(|judged| judged.as_ref().ok());
        if let Some(map) = self.map().cloned() {
            self.groups = groups(&map, self.colour, judged.map(|judged| &**judged));
        }
    }

    /// Another map is shown.
    fn turn(&mut self, at: usize) {
        self.at = at;
        self.corner = None;
        self.chosen.clear();
        self.group();
        if let Some(map) = self.map() {
            let [(left, right), (low, high)] = map.bounds();
            self.cursor = ((left + right) / 2.0, (low + high) / 2.0);
        }
    }
}

impl View for MapView {
    fn context(&self) -> Context {
        Context::Map
    }

    fn draw(&self, frame: &mut Frame, area: Rect, shared: &Shared, hits: &mut Hits) {
        view::draw(frame, area, self, shared, hits);
    }

    fn act(&mut self, shared: &mut Shared, action: Action) -> Vec<Effect> {
        match action {
            Action::New if shared.dataset().is_none() => {
                shared.say(Tone::Bad, "There is no prepared data set yet; make one on the Data screen (1).");
            }
            Action::New => shared.open_form(FormKind::Map),
            Action::Stop => return shared.stop(self.at_work(shared)),
            _ if self.map().is_none() => {}
            Action::Colour => {
                self.colour = self.colour.next();
                self.group();
                let first = self.judges(&shared.snapshot).into_iter().next();
                if let (Colour::Correct, None, Some(run)) = (self.colour, &self.judge, first) {
                    return self.judge(run);
                }
            }
            Action::NextModel => {
                let runs = self.judges(&shared.snapshot);
                let at = self.judge.as_ref().and_then(|run| runs.iter().position(|known| known == run));
                let next = at.map_or(0, |at| at + 1) % runs.len().max(1);
                self.colour = Colour::Correct;
                match runs.into_iter().nth(next) {
                    Some(run) => return self.judge(run),
                    None => shared.say(Tone::Plain, "No run was trained on this data set as it is now."),
                }
            }
            Action::NextKind | Action::PreviousKind => {
                let count = match &self.maps {
                    Some(Ok(maps)) => maps.maps.len().max(1),
                    _ => 1,
                };
                let step = if action == Action::NextKind { 1 } else { count - 1 };
                let at = (self.at + step) % count;
                self.turn(at);
            }
            Action::Mark if self.corner.is_some() => self.choose(shared),
            Action::Mark => {
                self.corner = Some(self.cursor);
                shared.say(Tone::Plain, "That is one corner; Space at the other one chooses the images between them.");
            }
            Action::Unmark => drop(self.cancel()),
            Action::Picture => {
                let path = self.under().and_then(|point| self.file(point));
                shared.request(Request::Predict { picture: path, model: self.judge.clone() });
            }
            Action::Export => {
                let text = if self.chosen.is_empty() { "map.svg" } else { "chosen.txt" };
                shared.prompt(Prompt::new(Purpose::Map, text));
            }
            _ => {
                let (right, up) = match action {
                    Action::Left => (-1, 0),
                    Action::Right => (1, 0),
                    Action::PanLeft => (-10, 0),
                    Action::PanRight => (10, 0),
                    Action::Up => (0, 1),
                    Action::Down => (0, -1),
                    Action::PageUp => (0, 5),
                    Action::PageDown => (0, -5),
                    _ => return Vec::new(),
                };
                if let Some(window) = self.window(shared) {
                    self.cursor = window.moved(self.cursor, right, up);
                }
            }
        }
        Vec::new()
    }

    fn select(&mut self, _shared: &mut Shared, _line: usize) -> Vec<Effect> {
        Vec::new()
    }

    fn arrive(&mut self, shared: &mut Shared) -> Vec<Effect> {
        self.asked = None;
        self.wanted(shared)
    }

    fn wanted(&mut self, shared: &Shared) -> Vec<Effect> {
        let Some(dataset) = shared.dataset().map(str::to_owned) else { return Vec::new() };
        let made = shared.snapshot.runs.iter().filter(|run| is_map(run) && run.status == Status::Done).count();
        let now = Some((dataset.clone(), made));
        if self.asked == now {
            return Vec::new();
        }
        self.asked = now;
        vec![job(MapJob::List { dataset })]
    }

    fn offers(&self, shared: &Shared, action: Action) -> bool {
        let several = || matches!(&self.maps, Some(Ok(maps)) if maps.maps.len() > 1);
        match action {
            Action::New => shared.dataset().is_some(),
            Action::Stop => self.at_work(shared).is_some(),
            Action::NextKind => several(),
            Action::NextModel => self.map().is_some() && !self.judges(&shared.snapshot).is_empty(),
            Action::Picture | Action::Mark | Action::Colour | Action::Export => self.map().is_some(),
            _ => true,
        }
    }

    fn cancel(&mut self) -> bool {
        let something = self.corner.is_some() || !self.chosen.is_empty();
        self.corner = None;
        self.chosen.clear();
        something
    }

    fn at_work(&self, shared: &Shared) -> Option<Arc<Run>> {
        shared.snapshot.live().rev().find(|run| is_map(run)).cloned()
    }

    fn mouse(&mut self, shared: &mut Shared, mouse: MouseEvent) -> Option<Vec<Effect>> {
        let window = self.window(shared)?;
        let cell = Position::new(mouse.column, mouse.row);
        let inside = shared.hits.iter().any(|(area, target)| *target == Target::Plane && area.contains(cell));
        match mouse.kind {
            MouseEventKind::Down(MouseButton::Left) if inside => {
                self.cursor = window.at(cell);
                self.corner = None;
            }
            MouseEventKind::Drag(MouseButton::Left) if inside => {
                self.corner = self.corner.or(Some(self.cursor));
                self.cursor = window.at(cell);
            }
            MouseEventKind::Up(MouseButton::Left) if self.corner.is_some() => self.choose(shared),
            _ => return None,
        }
        Some(Vec::new())
    }
}

fn job(job: MapJob) -> Effect {
    Job::Map(Box::new(job)).into()
}

fn is_map(run: &Run) -> bool {
    matches!(run.job, JobSpec::Map { .. })
}

impl MapView {
    /// What the last frame showed of the map.
    fn window(&self, shared: &Shared) -> Option<Window> {
        let (area, _) = shared.hits.iter().find(|(_, target)| *target == Target::Plane)?;
        Some(Window::of(self.map()?, *area))
    }

    /// The runs whose answers can be shown on the map: those of its data, the best on validation first.
    fn judges(&self, snapshot: &Snapshot) -> Vec<String> {
        let Some(map) = self.map() else { return Vec::new() };
        let mut rows: Vec<_> = snapshot.runs.iter().filter_map(|run| run.row.as_ref()).collect();
        rows.retain(|row| row.manifest_sha256 == map.manifest_sha256 && row.val_accuracy.is_some());
        rows.sort_by(|a, b| b.val_accuracy.unwrap_or(0.0).total_cmp(&a.val_accuracy.unwrap_or(0.0)));
        rows.into_iter().map(|row| row.run.clone()).collect()
    }

    /// Takes the maps of a set.
    pub fn listed(&mut self, maps: Result<Arc<Maps>, String>) -> Vec<Effect> {
        let of = |maps: &Option<Result<Arc<Maps>, String>>| match maps {
            Some(Ok(maps)) => Some((maps.dataset.clone(), maps.maps.len())),
            _ => None,
        };
        let before = of(&self.maps);
        self.maps = Some(maps);
        // The newest stands first; who looks at one keeps it, unless there is a new one.
        if of(&self.maps) != before {
            self.turn(0);
        }
        Vec::new()
    }

    /// Takes what a run made of the images.
    pub fn judged(&mut self, run: &str, outcome: Result<Arc<Judged>, String>) {
        if self.judge.as_deref() == Some(run) {
            self.judged = Some(outcome);
            self.group();
        }
    }

    /// Shows right and wrong of a run.
    fn judge(&mut self, run: String) -> Vec<Effect> {
        self.judge = Some(run.clone());
        vec![job(MapJob::Judge { run })]
    }

    /// Chooses what lies between the first corner and the cursor.
    fn choose(&mut self, shared: &mut Shared) {
        let (Some(corner), Some(map)) = (self.corner.take(), self.map().cloned()) else { return };
        let chosen = within(&map.points, corner, self.cursor);
        let count = chosen.len();
        self.chosen = chosen;
        match count {
            0 => shared.say(Tone::Plain, "There are no images between these corners."),
            1 => shared.say(Tone::Plain, "1 image is chosen; Esc chooses none."),
            _ => shared.say(Tone::Plain, format!("{count} images are chosen; Esc chooses none.")),
        }
    }

    /// Writes the map, or the list of what was chosen on it.
    pub fn export(&self, path: PathBuf) -> Vec<Effect> {
        let Some(map) = self.map() else { return Vec::new() };
        let points = self.chosen.iter().filter_map(|at| map.points.get(*at));
        let chosen = points.filter_map(|point| self.file(point)).collect();
        let (map, groups) = (Arc::clone(map), self.groups.clone());
        vec![job(MapJob::Write { path, map, groups, chosen, replace: false })]
    }
}
