//! The contact sheet of Data: the images of a prepared set as a grid.

use crate::tui::effect::Effect;
use crate::tui::jobs::{Job, SetImage};
use crate::tui::keys::{Action, Context, name_of};
use crate::tui::pictures::Marks;
use crate::tui::request::Request;
use crate::tui::shared::{Hits, Shared, Target};
use crate::tui::widgets::{self, cut, cut_front, fit, format, panel};
use faceprobe_core::dataset::Split;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use std::cell::Cell;
use std::time::SystemTime;
use unicode_width::UnicodeWidthStr;

/// Cells of a picture with its caption.
const CELL: (u16, u16) = (16, 9);

/// The state of the sheet.
#[derive(Debug, Default)]
pub struct Sheet {
    /// Whether it is shown.
    pub open: bool,
    /// The set whose images are listed, and they themselves.
    pub dataset: String,
    pub images: Vec<SetImage>,
    /// Why they could not be listed.
    pub problem: Option<String>,
    /// When the listed set was prepared: a set that is prepared again has other images.
    written: Option<SystemTime>,
    /// Whether a request for the list is under way.
    reading: bool,
    /// The image under the cursor, among those that are shown.
    pub cursor: usize,
    /// Only images of this class, and of this split.
    class: Option<usize>,
    split: Option<Split>,
    /// Images in a row of the last frame, and rows of it.
    grid: Cell<(usize, usize)>,
}

impl Sheet {
    /// The images that are shown.
    fn shown(&self, shared: &Shared) -> Vec<&SetImage> {
        let selection = shared.filter();
        let wanted = |image: &&SetImage| {
            self.class.is_none_or(|class| class == image.class)
                && self.split.is_none_or(|split| split == image.split)
                && selection.is_none_or(|selection| selection.has_file(&image.path))
        };
        self.images.iter().filter(wanted).collect()
    }

    /// The image under the cursor.
    fn current(&self, shared: &Shared) -> Option<&SetImage> {
        self.shown(shared).get(self.cursor).copied()
    }

    /// Opens or closes the sheet.
    pub fn toggle(&mut self, shared: &Shared) -> Vec<Effect> {
        self.open = !self.open;
        if self.images.is_empty() {
            // Asked for again, where it could not be read before.
            self.dataset.clear();
        }
        self.ask(shared)
    }

    /// Asks for the images where those of another set are known.
    pub fn ask(&mut self, shared: &Shared) -> Vec<Effect> {
        let Some(dataset) = shared.dataset().map(str::to_owned).filter(|_| self.open) else {
            return Vec::new();
        };
        let written = shared.snapshot.dataset(Some(&dataset)).and_then(|set| set.written);
        if self.dataset == dataset && self.written == written {
            return Vec::new();
        }
        self.dataset = dataset.clone();
        self.written = written;
        self.problem = None;
        self.images.clear();
        self.reading = true;
        self.cursor = 0;
        vec![Job::Images { dataset }.into()]
    }

    /// Takes the list of images, or why there is none.
    pub fn listed(&mut self, dataset: &str, images: Result<Vec<SetImage>, String>) {
        if self.dataset == dataset {
            self.reading = false;
            match images {
                Ok(images) => self.images = images,
                Err(problem) => self.problem = Some(problem),
            }
        }
    }

    /// What a key does in the sheet; none where it has no meaning here.
    pub fn act(&mut self, shared: &mut Shared, action: Action) -> Option<Vec<Effect>> {
        let (columns, rows) = self.grid.get();
        let (columns, rows) = (columns.max(1), rows.max(1));
        let last = self.shown(shared).len().saturating_sub(1);
        match action {
            Action::Left => self.cursor = self.cursor.saturating_sub(1),
            Action::Right => self.cursor += 1,
            Action::Up => self.cursor = self.cursor.checked_sub(columns).unwrap_or(self.cursor),
            Action::Down if self.cursor + columns <= last => self.cursor += columns,
            // The last row may be shorter.
            Action::Down if self.cursor / columns < last / columns => self.cursor = last,
            Action::Down => {}
            Action::PageUp => self.cursor = self.cursor.saturating_sub(columns * rows),
            Action::PageDown => self.cursor += columns * rows,
            Action::Top => self.cursor = 0,
            Action::Bottom => self.cursor = last,
            Action::NextClass => {
                self.class = match self.class {
                    None => Some(0),
                    Some(0) => Some(1),
                    Some(_) => None,
                };
                self.cursor = 0;
            }
            Action::NextSplit => {
                self.split = match self.split {
                    None => Some(Split::Train),
                    Some(Split::Train) => Some(Split::Val),
                    Some(Split::Val) => Some(Split::Test),
                    Some(Split::Test) => None,
                };
                self.cursor = 0;
            }
            Action::Picture => {
                let picture = self.current(shared).map(|image| image.path.clone());
                shared.request(Request::Predict { picture, model: None });
            }
            Action::Selected => {
                shared.turn_filter();
                self.cursor = 0;
            }
            Action::Sheet | Action::Parent => self.open = false,
            _ => return None,
        }
        self.cursor = self.cursor.min(self.shown(shared).len().saturating_sub(1));
        Some(Vec::new())
    }

    /// Puts the cursor on a picture; on the one that has it already, predicts it.
    pub fn select(&mut self, shared: &mut Shared, at: usize) -> Vec<Effect> {
        if self.cursor == at {
            return self.act(shared, Action::Picture).unwrap_or_default();
        }
        self.cursor = at;
        Vec::new()
    }

    /// Draws the sheet.
    pub fn draw(&self, frame: &mut Frame, area: Rect, shared: &Shared, hits: &mut Hits) {
        let theme = shared.theme;
        let shown = self.shown(shared);
        let block = panel(theme, self.title(shared, shown.len(), area.width), area.width);
        let inner = block.inner(area);
        frame.render_widget(block, area);
        if !shared.pictures.shown(theme) {
            let text = "This terminal cannot show images: it has neither colours nor half blocks to draw them with.";
            widgets::text(frame, inner, vec![Line::styled(text, theme.dim())], 0);
            return;
        }
        if shown.is_empty() {
            let line = match &self.problem {
                Some(problem) => Line::styled(problem.clone(), theme.bad()),
                None if self.reading => Line::styled("Reading the list of images …", theme.dim()),
                None if shared.filter().is_some() => {
                    let key = name_of(Context::Sheet, Action::Selected);
                    let text = format!("None of the images selected on the map is shown here; {key} shows all.");
                    Line::styled(text, theme.dim())
                }
                None => Line::styled("No images match; c and s change the class and split shown.", theme.dim()),
            };
            widgets::text(frame, inner, vec![line], 0);
            return;
        }
        // The line below says which picture is under the cursor.
        let below = Rect { y: inner.bottom().saturating_sub(1), height: 1.min(inner.height), ..inner };
        let inner = Rect { height: inner.height.saturating_sub(1), ..inner };
        // As many as fit in the smallest size that shows a face, then as large as the rows allow.
        let rows = ((inner.height + 1) / CELL.1).max(1);
        let height = ((inner.height + 1) / rows).max(2);
        let width = (CELL.0 * height / CELL.1).max(CELL.0);
        let columns = ((inner.width + 1) / width).max(1);
        self.grid.set((usize::from(columns), usize::from(rows)));
        let cursor = self.cursor.min(shown.len() - 1);
        let row = cursor / usize::from(columns);
        // Pages, so that moving within one does not load pictures again.
        let first = (row / usize::from(rows)) * usize::from(rows) * usize::from(columns);
        let report = shared.snapshot.dataset(Some(&self.dataset)).and_then(|set| set.report.as_ref().ok());
        let class_of =
            |image: &SetImage| report.and_then(|report| report.classes.get(image.class)).map_or("", String::as_str);
        let seen = shown.iter().enumerate().skip(first).take(usize::from(columns) * usize::from(rows));
        for (place, (at, image)) in seen.enumerate() {
            let (column, row) = (place as u16 % columns, place as u16 / columns);
            let y = inner.y + row * height;
            let cell = Rect {
                x: inner.x + column * width,
                y,
                width: (width - 1).min(inner.width),
                height: (height - 1).min(inner.bottom().saturating_sub(y)),
            };
            let picture = Rect { height: cell.height.saturating_sub(1), ..cell };
            shared.pictures.draw(frame, picture, theme, &image.path, Marks::default(), shared.overlay.is_some());
            let caption = fit(&cut_front(&name(image), usize::from(cell.width)), usize::from(cell.width));
            let place = Rect { y: picture.bottom(), height: 1.min(cell.height), ..cell };
            let style = if at == cursor { theme.selected() } else { theme.series(image.class) };
            frame.render_widget(Span::styled(caption, style), place);
            hits.push((cell, Target::Row(at)));
        }
        if let Some(image) = shown.get(cursor) {
            let key = name_of(Context::Sheet, Action::Picture);
            let about = format!(
                "{} of {} · {} · {} · ",
                format::thousands(cursor as u64 + 1),
                format::thousands(shown.len() as u64),
                class_of(image),
                image.split.name()
            );
            let room = usize::from(below.width).saturating_sub(key.len() + 11);
            // Of a path, the end matters.
            let path = cut_front(&image.path.display().to_string(), room.saturating_sub(about.width()));
            let about = about + &path;
            let line = Line::from(vec![
                Span::styled(cut(&about, room), theme.text()),
                Span::styled(format!("  {key}"), theme.accent()),
                Span::styled(" predict", theme.dim()),
            ]);
            frame.render_widget(line, below);
        }
    }

    /// How many images of which set, and what is filtered.
    fn title(&self, shared: &Shared, shown: usize, width: u16) -> Line<'static> {
        let theme = shared.theme;
        let report = shared.snapshot.dataset(Some(&self.dataset)).and_then(|set| set.report.as_ref().ok());
        let all = self.images.len() as u64;
        let count = match self.class.is_some() || self.split.is_some() || shared.filter().is_some() {
            true => format!("{} of {} images of ", format::thousands(shown as u64), format::thousands(all)),
            false => format!("{} images of ", format::thousands(all)),
        };
        let mut title = vec![Span::raw(count + &cut(&self.dataset, 30))];
        if report.is_some_and(|report| report.synthetic) {
            title.push(Span::styled(" SYNTHETIC", theme.warning()));
        }
        let class =
            self.class.and_then(|class| report?.classes.get(class).cloned()).unwrap_or_else(|| "all classes".into());
        let split = self.split.map_or("all splits", Split::name);
        if width >= 60 {
            title.push(Span::styled(format!(" · {} · {split}", cut(&class, 20)), theme.dim()));
            if shared.filter().is_some() {
                title.push(Span::styled(" · selected", theme.accent()));
            }
        }
        Line::from(title)
    }
}

/// The name of the file.
fn name(image: &SetImage) -> String {
    image.path.file_name().map_or_else(|| image.path.display().to_string(), |name| name.to_string_lossy().into_owned())
}
