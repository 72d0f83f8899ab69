//! The map of features: images as points, a cursor that shows the picture under it, a rectangle that chooses images.

mod keys;
pub mod place;
mod view;

use super::View;
use crate::tui::app::{App, Hits, Overlay, Target, Tone};
use crate::tui::effect::Effect;
use crate::tui::forms::FormKind;
use crate::tui::jobs::Job;
use crate::tui::keys::{Action, Binding, Context};
use crate::tui::maps::{MapJob, Maps};
use crate::tui::prompt::{Prompt, Purpose};
use crate::tui::snapshot::{Run, Snapshot};
use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use faceprobe_core::map::{Colour, Groups, Judged, Map, Point, groups};
use faceprobe_core::run::{JobSpec, Status};
use place::{Window, nearest, within};
use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use std::path::PathBuf;
use std::sync::Arc;

/// What the view remembers.
#[derive(Debug)]
pub struct State {
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

impl Default for State {
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

impl State {
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

/// The view in the table of views.
pub struct MapView;

impl View for MapView {
    fn keys(&self) -> &'static [Binding] {
        keys::ROWS
    }

    fn context(&self, _app: &App) -> Context {
        Context::Map
    }

    fn draw(&self, frame: &mut Frame, area: Rect, app: &App, hits: &mut Hits) {
        view::draw(frame, area, app, hits);
    }

    fn act(&self, app: &mut App, action: Action) -> Vec<Effect> {
        act(app, action)
    }

    fn select(&self, _app: &mut App, _line: usize) -> Vec<Effect> {
        Vec::new()
    }

    fn arrive(&self, app: &mut App) -> Vec<Effect> {
        app.views.map.asked = None;
        self.wanted(app)
    }

    fn wanted(&self, app: &mut App) -> Vec<Effect> {
        let Some(dataset) = app.dataset().map(str::to_owned) else { return Vec::new() };
        let made = app.snapshot.runs.iter().filter(|run| is_map(run) && run.status == Status::Done).count();
        let now = Some((dataset.clone(), made));
        if app.views.map.asked == now {
            return Vec::new();
        }
        app.views.map.asked = now;
        vec![job(MapJob::List { dataset })]
    }

    fn offers(&self, app: &App, action: Action) -> bool {
        let state = &app.views.map;
        let several = || matches!(&state.maps, Some(Ok(maps)) if maps.maps.len() > 1);
        match action {
            Action::New => app.dataset().is_some(),
            Action::Stop => self.at_work(app).is_some(),
            Action::NextKind => several(),
            Action::NextModel => state.map().is_some() && !judges(&app.snapshot, state).is_empty(),
            Action::Picture | Action::Mark | Action::Colour | Action::Export => state.map().is_some(),
            _ => true,
        }
    }

    fn cancel(&self, app: &mut App) -> bool {
        let state = &mut app.views.map;
        let something = state.corner.is_some() || !state.chosen.is_empty();
        state.corner = None;
        state.chosen.clear();
        something
    }

    fn at_work(&self, app: &App) -> Option<Arc<Run>> {
        app.snapshot.live().rev().find(|run| is_map(run)).cloned()
    }

    fn mouse(&self, app: &mut App, mouse: MouseEvent) -> Option<Vec<Effect>> {
        let window = window(app)?;
        let cell = Position::new(mouse.column, mouse.row);
        let inside = app.hits.iter().any(|(area, target)| *target == Target::Plane && area.contains(cell));
        let state = &mut app.views.map;
        match mouse.kind {
            MouseEventKind::Down(MouseButton::Left) if inside => {
                state.cursor = window.at(cell);
                state.corner = None;
            }
            MouseEventKind::Drag(MouseButton::Left) if inside => {
                state.corner = state.corner.or(Some(state.cursor));
                state.cursor = window.at(cell);
            }
            MouseEventKind::Up(MouseButton::Left) if state.corner.is_some() => choose(app),
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

/// What the last frame showed of the map.
fn window(app: &App) -> Option<Window> {
    let (area, _) = app.hits.iter().find(|(_, target)| *target == Target::Plane)?;
    Some(Window::of(app.views.map.map()?, *area))
}

/// The runs whose answers can be shown on the map: those of its data, the best on validation first.
fn judges(snapshot: &Snapshot, state: &State) -> Vec<String> {
    let Some(map) = state.map() else { return Vec::new() };
    let mut rows: Vec<_> = snapshot.runs.iter().filter_map(|run| run.row.as_ref()).collect();
    rows.retain(|row| row.manifest_sha256 == map.manifest_sha256 && row.val_accuracy.is_some());
    rows.sort_by(|a, b| b.val_accuracy.unwrap_or(0.0).total_cmp(&a.val_accuracy.unwrap_or(0.0)));
    rows.into_iter().map(|row| row.run.clone()).collect()
}

/// Takes the maps of a set.
pub fn listed(app: &mut App, maps: Result<Arc<Maps>, String>) -> Vec<Effect> {
    let state = &mut app.views.map;
    let of = |maps: &Option<Result<Arc<Maps>, String>>| match maps {
        Some(Ok(maps)) => Some((maps.dataset.clone(), maps.maps.len())),
        _ => None,
    };
    let before = of(&state.maps);
    state.maps = Some(maps);
    // The newest stands first; who looks at one keeps it, unless there is a new one.
    if of(&state.maps) != before {
        state.turn(0);
    }
    Vec::new()
}

/// Takes what a run made of the images.
pub fn judged(app: &mut App, run: &str, outcome: Result<Arc<Judged>, String>) {
    let state = &mut app.views.map;
    if state.judge.as_deref() == Some(run) {
        state.judged = Some(outcome);
        state.group();
    }
}

/// Shows right and wrong of a run.
fn judge(app: &mut App, run: String) -> Vec<Effect> {
    app.views.map.judge = Some(run.clone());
    vec![job(MapJob::Judge { run })]
}

/// Chooses what lies between the first corner and the cursor.
fn choose(app: &mut App) {
    let state = &mut app.views.map;
    let (Some(corner), Some(map)) = (state.corner.take(), state.map().cloned()) else { return };
    let chosen = within(&map.points, corner, app.views.map.cursor);
    let count = chosen.len();
    app.views.map.chosen = chosen;
    match count {
        0 => app.say(Tone::Plain, "There are no images between these corners."),
        1 => app.say(Tone::Plain, "1 image is chosen; Esc chooses none."),
        _ => app.say(Tone::Plain, format!("{count} images are chosen; Esc chooses none.")),
    }
}

/// Writes the map, or the list of what was chosen on it.
pub fn export(app: &App, path: PathBuf) -> Vec<Effect> {
    let state = &app.views.map;
    let Some(map) = state.map() else { return Vec::new() };
    let points = state.chosen.iter().filter_map(|at| map.points.get(*at));
    let chosen = points.filter_map(|point| state.file(point)).collect();
    let (map, groups) = (Arc::clone(map), state.groups.clone());
    vec![job(MapJob::Write { path, map, groups, chosen, replace: false })]
}

/// What a key does here.
fn act(app: &mut App, action: Action) -> Vec<Effect> {
    match action {
        Action::New if app.dataset().is_none() => {
            app.say(Tone::Bad, "There is no prepared data set yet; make one on the Data screen (1).");
        }
        Action::New => app.open_form(FormKind::Map),
        Action::Stop => return app.stop(),
        _ if app.views.map.map().is_none() => {}
        Action::Colour => {
            app.views.map.colour = app.views.map.colour.next();
            app.views.map.group();
            let first = judges(&app.snapshot, &app.views.map).into_iter().next();
            if let (Colour::Correct, None, Some(run)) = (app.views.map.colour, &app.views.map.judge, first) {
                return judge(app, run);
            }
        }
        Action::NextModel => {
            let runs = judges(&app.snapshot, &app.views.map);
            let at = app.views.map.judge.as_ref().and_then(|run| runs.iter().position(|known| known == run));
            let next = at.map_or(0, |at| at + 1) % runs.len().max(1);
            app.views.map.colour = Colour::Correct;
            match runs.into_iter().nth(next) {
                Some(run) => return judge(app, run),
                None => app.say(Tone::Plain, "No run was trained on this data set as it is now."),
            }
        }
        Action::NextKind | Action::PreviousKind => {
            let count = match &app.views.map.maps {
                Some(Ok(maps)) => maps.maps.len().max(1),
                _ => 1,
            };
            let step = if action == Action::NextKind { 1 } else { count - 1 };
            let at = (app.views.map.at + step) % count;
            app.views.map.turn(at);
        }
        Action::Mark if app.views.map.corner.is_some() => choose(app),
        Action::Mark => {
            app.views.map.corner = Some(app.views.map.cursor);
            app.say(Tone::Plain, "That is one corner; Space at the other one chooses the images between them.");
        }
        Action::Unmark => drop(MapView.cancel(app)),
        Action::Picture => {
            let path = app.views.map.under().and_then(|point| app.views.map.file(point));
            app.views.open = None;
            return crate::tui::screens::open_picture(app, path, app.views.map.judge.clone());
        }
        Action::Export => {
            let text = if app.views.map.chosen.is_empty() { "map.svg" } else { "chosen.txt" };
            app.overlay = Some(Overlay::Prompt(Prompt::new(Purpose::Map, text)));
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
            if let Some(window) = window(app) {
                app.views.map.cursor = window.moved(app.views.map.cursor, right, up);
            }
        }
    }
    Vec::new()
}
