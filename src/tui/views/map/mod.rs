//! The map of features: images as points, a cursor that shows the picture under it, a rectangle that chooses images.

mod keys;
pub mod place;
mod view;

use super::View;
use crate::tui::effect::Effect;
use crate::tui::forms::FormKind;
use crate::tui::jobs::Job;
use crate::tui::keys::{Action, Context};
use crate::tui::maps::{Chosen, MapJob, Maps};
use crate::tui::prompt::{Prompt, Purpose};
use crate::tui::request::Request;
use crate::tui::selection::Selection;
use crate::tui::shared::{Hits, Shared, Target, Tone};
use crate::tui::snapshot::{Run, Snapshot};
use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use faceprobe_core::map::{Colour, Groups, Judged, Map, Point, Proposal, Rectangle, groups, selected};
use faceprobe_core::run::{JobSpec, Status};
use place::{Window, nearest};
use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use std::path::PathBuf;
use std::sync::Arc;

pub use keys::ROWS as KEYS;

/// The view and its state.
#[derive(Debug)]
pub struct MapView {
    /// The maps of the current set, or why they cannot be read; none before they were.
    pub maps: Option<Result<Arc<Maps>, String>>,
    /// The set they were last requested for, and how many maps there were then.
    asked: Option<(String, usize)>,
    /// The index of the map that is shown.
    at: usize,
    pub colour: Colour,
    judged: Option<Result<Arc<Judged>, String>>,
    /// The run whose predictions were requested.
    judge: Option<String>,
    /// Of the map that is shown, by [`Self::colour`].
    pub groups: Groups,
    pub cursor: (f64, f64),
    /// The first corner of a rectangle.
    corner: Option<(f64, f64)>,
    /// The rectangle whose images were chosen.
    rectangle: Option<Rectangle>,
    /// The group that alone is chosen of them.
    only: Option<usize>,
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
            rectangle: None,
            only: None,
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

    /// The group that alone is chosen.
    pub fn only(&self) -> Option<&str> {
        self.groups.names.get(self.only?).map(String::as_str)
    }

    /// Chooses nothing; true if something was chosen or begun.
    fn clear(&mut self, shared: &mut Shared) -> bool {
        let something = self.corner.is_some() || self.rectangle.is_some();
        (self.corner, self.rectangle, self.only) = (None, None, None);
        self.chosen.clear();
        shared.selection = None;
        something
    }

    /// Another map is shown.
    fn turn(&mut self, shared: &mut Shared, at: usize) {
        self.at = at;
        self.clear(shared);
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
                self.all_groups(shared);
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
                self.all_groups(shared);
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
                self.turn(shared, at);
            }
            Action::Mark if self.corner.is_some() => self.choose(shared),
            Action::Mark => {
                self.corner = Some(self.cursor);
                shared.say(
                    Tone::Plain,
                    "First corner set; press Space at the other one to select the images between them.",
                );
            }
            Action::Unmark => drop(self.clear(shared)),
            Action::OneGroup => self.next_group(shared),
            Action::Sheet => shared.request(Request::Images),
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
            Action::OneGroup => self.rectangle.is_some(),
            Action::Sheet => !self.chosen.is_empty() && shared.pictures.shown(shared.theme),
            _ => true,
        }
    }

    fn cancel(&mut self, shared: &mut Shared) -> bool {
        self.clear(shared)
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

    /// The runs whose predictions can be shown on the map: those of its data, the best on validation first.
    fn judges(&self, snapshot: &Snapshot) -> Vec<String> {
        let Some(map) = self.map() else { return Vec::new() };
        let mut rows: Vec<_> = snapshot.runs.iter().filter_map(|run| run.row.as_ref()).collect();
        rows.retain(|row| row.manifest_sha256 == map.manifest_sha256 && row.val_accuracy.is_some());
        rows.sort_by(|a, b| b.val_accuracy.unwrap_or(0.0).total_cmp(&a.val_accuracy.unwrap_or(0.0)));
        rows.into_iter().map(|row| row.run.clone()).collect()
    }

    /// Takes the maps of a set.
    pub fn listed(&mut self, shared: &mut Shared, maps: Result<Arc<Maps>, String>) -> Vec<Effect> {
        let of = |maps: &Option<Result<Arc<Maps>, String>>| match maps {
            Some(Ok(maps)) => Some((maps.dataset.clone(), maps.maps.len())),
            _ => None,
        };
        let before = of(&self.maps);
        self.maps = Some(maps);
        // The newest stands first; who looks at one keeps it, unless there is a new one.
        if of(&self.maps) != before {
            self.turn(shared, 0);
        }
        Vec::new()
    }

    /// Takes the predictions of a run.
    pub fn judged(&mut self, shared: &mut Shared, run: &str, outcome: Result<Arc<Judged>, String>) {
        if self.judge.as_deref() == Some(run) {
            self.judged = Some(outcome);
            self.group();
            // Other images may be of the group that is chosen now.
            self.chosen_again(shared);
        }
    }

    /// Colours the map by the correct and wrong predictions of a run.
    fn judge(&mut self, run: String) -> Vec<Effect> {
        self.judge = Some(run.clone());
        vec![job(MapJob::Judge { run })]
    }

    /// Chooses what lies between the first corner and the cursor.
    fn choose(&mut self, shared: &mut Shared) {
        let Some(one) = self.corner.take() else { return };
        self.rectangle = Some(Rectangle { one, other: self.cursor });
        self.only = None;
        self.chosen_again(shared);
        match self.chosen.len() {
            0 => {
                self.clear(shared);
                shared.say(Tone::Plain, "There are no images between these corners.");
            }
            1 => shared.say(Tone::Plain, "1 image is selected; Esc clears the selection."),
            count => shared.say(Tone::Plain, format!("{count} images are selected; Esc clears the selection.")),
        }
    }

    /// Chooses the images of the rectangle and the group, for the other screens too.
    fn chosen_again(&mut self, shared: &mut Shared) {
        let (Some(rectangle), Some(Ok(maps)), Some(map)) = (self.rectangle, &self.maps, self.map().cloned()) else {
            return;
        };
        self.chosen = selected(&map, Some(&rectangle), self.only.map(|group| (&self.groups, group)));
        let points = self.chosen.iter().filter_map(|at| map.points.get(*at));
        shared.selection = Some(Selection::of(points, &maps.roots));
    }

    /// Chooses the images of all groups in the rectangle: other colours have other groups.
    fn all_groups(&mut self, shared: &mut Shared) {
        if self.only.take().is_some() {
            self.chosen_again(shared);
        }
    }

    /// Chooses only the images of the next group that has some in the rectangle; after the last one those of all.
    fn next_group(&mut self, shared: &mut Shared) {
        let (Some(rectangle), Some(map)) = (self.rectangle, self.map()) else {
            shared.say(Tone::Plain, "Select images first: Space at two corners.");
            return;
        };
        let from = self.only.map_or(0, |group| group + 1);
        let has = |group: &usize| !selected(map, Some(&rectangle), Some((&self.groups, *group))).is_empty();
        self.only = (from..self.groups.names.len()).find(has);
        self.chosen_again(shared);
    }

    /// Writes the map, or a file about what was chosen on it; for a file of decisions, asks which.
    pub fn export(&self, shared: &mut Shared, path: PathBuf) -> Vec<Effect> {
        let decides = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv"));
        if decides && !self.chosen.is_empty() {
            shared.prompt(Prompt::new(Purpose::Decision(path), &Proposal::Drop.to_string()));
            return Vec::new();
        }
        self.write(path, Proposal::Drop)
    }

    /// Writes the map, or a file about what was chosen on it.
    pub fn write(&self, path: PathBuf, proposal: Proposal) -> Vec<Effect> {
        let Some(map) = self.map() else { return Vec::new() };
        let (map, groups) = (Arc::clone(map), self.groups.clone());
        let chosen = Chosen { points: self.chosen.clone(), proposal };
        vec![job(MapJob::Write { path, map, groups, chosen, replace: false })]
    }
}
