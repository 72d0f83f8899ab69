//! The contact sheet of Data: the images of a prepared set as a grid.

use crate::tui::app::App;
use crate::tui::effect::Effect;
use crate::tui::jobs::{Job, SetImage};
use crate::tui::keys::Action;
use crate::tui::pictures::Marks;
use crate::tui::widgets::{self, cut, format, panel};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use std::time::SystemTime;

/// What the sheet remembers.
#[derive(Debug, Default)]
pub struct Sheet {
    /// Whether it is shown.
    pub open: bool,
    /// The set whose images are listed, and they themselves.
    pub dataset: String,
    pub images: Vec<SetImage>,
    /// Why they could not be listed.
    pub problem: Option<String>,
    /// When the set was prepared that was listed: one that is prepared again has other images.
    written: Option<SystemTime>,
    /// The first row of the grid that is shown.
    pub row: usize,
    /// Images in a row of the last frame.
    pub columns: std::cell::Cell<usize>,
}

/// Cells of a picture with its caption.
const CELL: (u16, u16) = (16, 9);

/// Opens or closes the sheet.
pub fn toggle(app: &mut App) -> Vec<Effect> {
    app.data.sheet.open = !app.data.sheet.open;
    app.data.audit.open = false;
    if app.data.sheet.images.is_empty() {
        // Asked for again, where it could not be read before.
        app.data.sheet.dataset.clear();
    }
    listing(app)
}

/// Asks for the images where those of another set are known.
pub fn listing(app: &mut App) -> Vec<Effect> {
    let Some(dataset) = app.dataset().map(str::to_owned).filter(|_| app.data.sheet.open) else {
        return Vec::new();
    };
    let written = app.snapshot.dataset(Some(&dataset)).and_then(|set| set.written);
    if app.data.sheet.dataset == dataset && app.data.sheet.written == written {
        return Vec::new();
    }
    app.data.sheet.dataset = dataset.clone();
    app.data.sheet.written = written;
    app.data.sheet.problem = None;
    app.data.sheet.images.clear();
    app.data.sheet.row = 0;
    vec![Job::Images { dataset }.into()]
}

/// Takes the list of images, or why there is none.
pub fn listed(app: &mut App, dataset: &str, images: Result<Vec<SetImage>, String>) {
    if app.data.sheet.dataset == dataset {
        match images {
            Ok(images) => app.data.sheet.images = images,
            Err(problem) => app.data.sheet.problem = Some(problem),
        }
    }
}

/// Scrolls by rows.
pub fn scroll(app: &mut App, action: Action) {
    let sheet = &mut app.data.sheet;
    let last = sheet.images.len().div_ceil(sheet.columns.get().max(1)).saturating_sub(1);
    sheet.row = match action {
        Action::Up => sheet.row.saturating_sub(1),
        Action::Down => sheet.row + 1,
        Action::PageUp => sheet.row.saturating_sub(4),
        Action::PageDown => sheet.row + 4,
        Action::Top => 0,
        Action::Bottom => last,
        _ => sheet.row,
    }
    .min(last);
}

/// Draws the sheet.
pub fn draw(frame: &mut Frame, area: Rect, app: &App) {
    let theme = app.theme;
    let sheet = &app.data.sheet;
    let report = app.snapshot.dataset(Some(&sheet.dataset)).and_then(|set| set.report.as_ref().ok());
    let mut title =
        vec![Span::raw(format!("{} images of {}", format::thousands(sheet.images.len() as u64), sheet.dataset))];
    if report.is_some_and(|report| report.synthetic) {
        title.push(Span::styled(" SYNTHETIC", theme.warning()));
    }
    let block = panel(theme, Line::from(title), area.width);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    if !app.pictures.shown(theme) {
        let text =
            "This terminal shows no pictures: without colours and half blocks there is nothing to draw them with.";
        widgets::text(frame, inner, vec![Line::styled(text, theme.dim())], 0);
        return;
    }
    if sheet.images.is_empty() {
        let line = match &sheet.problem {
            Some(problem) => Line::styled(problem.clone(), theme.bad()),
            None => Line::styled("The list of images is being read.", theme.dim()),
        };
        widgets::text(frame, inner, vec![line], 0);
        return;
    }
    let columns = ((inner.width + 1) / CELL.0).max(1);
    let rows = (inner.height / CELL.1).max(1);
    sheet.columns.set(usize::from(columns));
    let first = sheet.row * usize::from(columns);
    let seen = sheet.images.iter().skip(first).take(usize::from(columns) * usize::from(rows));
    for (at, image) in seen.enumerate() {
        let (column, row) = (at as u16 % columns, at as u16 / columns);
        let cell = Rect {
            x: inner.x + column * CELL.0,
            y: inner.y + row * CELL.1,
            width: (CELL.0 - 1).min(inner.width),
            height: (CELL.1 - 1).min(inner.height),
        };
        let picture = Rect { height: cell.height.saturating_sub(1), ..cell };
        app.pictures.draw(frame, picture, theme, &image.path, Marks::default(), app.overlay.is_some());
        let class = report.and_then(|report| report.classes.get(image.class)).map_or("", String::as_str);
        let caption = cut(&format!("{class} · {}", image.split.name()), usize::from(cell.width));
        let place =
            Rect { y: picture.bottom(), height: 1.min(inner.bottom().saturating_sub(picture.bottom())), ..cell };
        frame.render_widget(Span::styled(caption, theme.series(image.class)), place);
    }
}
