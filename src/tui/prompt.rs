//! One line to type into: a filter, a title, a note, the name of a file.

use super::app::App;
use super::effect::Effect;
use super::keys::Action;
use super::records::{Change, RecordJob};
use super::shared::Overlay;
use super::stages::ScreenId;
use super::theme::Theme;
use super::widgets::{self, cut, form};
use crossterm::event::KeyEvent;
use faceprobe_core::map::Proposal;
use faceprobe_core::run::RunId;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Span;
use std::path::PathBuf;
use tui_input::Input;

/// What a line says that filters a screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FilterText {
    /// What the screen lists.
    pub lines: &'static str,
    pub hint: &'static str,
}

/// What the line is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// Which lines a screen shows; takes effect as it is typed.
    Filter(ScreenId, FilterText),
    /// What is looked for in a table; the cursor follows what is typed. `from` is where it was.
    Search {
        screen: ScreenId,
        from: Option<String>,
    },
    /// Where the table is written to.
    Export,
    Title(RunId),
    Note(RunId),
    /// The file of a study.
    Study,
    /// Where a map, or what was chosen on it, is written to.
    Map,
    /// What this file decides about the images that were chosen on a map.
    Decision(PathBuf),
}

/// A line that is open.
#[derive(Debug, Clone)]
pub struct Prompt {
    pub purpose: Purpose,
    pub input: Input,
    /// What stood there before, for Esc.
    pub before: String,
    /// What is wrong with what was typed.
    pub error: Option<String>,
}

impl Prompt {
    /// A line with a text in it.
    pub fn new(purpose: Purpose, text: &str) -> Self {
        Self { purpose, input: Input::new(text.to_owned()), before: text.to_owned(), error: None }
    }

    /// Takes a key that is not in the table.
    pub fn press(&mut self, key: &KeyEvent) {
        if let Some(request) = form::request(key) {
            self.input.handle(request);
        }
    }

    fn title(&self) -> String {
        match &self.purpose {
            Purpose::Filter(_, text) => format!("Show only {} with", text.lines),
            Purpose::Search { .. } => "Search".into(),
            Purpose::Export => "Export the table".into(),
            Purpose::Title(run) => format!("Title of {run}"),
            Purpose::Note(run) => format!("Note on {run}"),
            Purpose::Study => "Path of a study file".into(),
            Purpose::Map => "Write the map or the selected images to a file".into(),
            Purpose::Decision(_) => "Decision about each selected image".into(),
        }
    }

    fn hint(&self) -> &'static str {
        match &self.purpose {
            Purpose::Filter(_, text) => text.hint,
            Purpose::Search { .. } => {
                "a part of a name, a title, a note, a setting; n and b go to the next and the one before"
            }
            Purpose::Export => ".csv, .md or .tex; relative to the workspace",
            Purpose::Title(_) => "shown beside the run's name, which stays; leave empty to delete it",
            Purpose::Note(_) => "\\n starts a new line; leave empty to delete the note",
            Purpose::Map => {
                ".svg or .png: the map; .txt: the list of images; .csv: decisions about them; relative to the workspace"
            }
            Purpose::Decision(_) => "drop, keep, relabel (the other label), or relabel LABEL (those that have it not)",
            Purpose::Study => "relative to the workspace; ~ is your home",
        }
    }
}

/// What stood in the line changed: filters take effect at once.
pub fn changed(app: &mut App) {
    let Some(Overlay::Prompt(open)) = &app.shared.overlay else {
        return;
    };
    let text = open.input.value().to_owned();
    let outcome = match open.purpose.clone() {
        Purpose::Filter(screen, _) => app.screens.get_mut(screen).table_mut().map(|table| table.filter(&text)),
        Purpose::Search { screen, from } => {
            let table = app.screens.get_mut(screen).table_mut();
            table.map(|table| table.search_for(&app.shared, &text, from.as_deref()))
        }
        Purpose::Decision(_) => Some(text.parse::<Proposal>().map(drop)),
        _ => None,
    };
    if let Some(Overlay::Prompt(open)) = &mut app.shared.overlay {
        open.error = outcome.and_then(Result::err);
    }
}

/// What a key of the table does to the open line.
pub fn act(app: &mut App, action: Action) -> Vec<Effect> {
    let Some(Overlay::Prompt(open)) = app.shared.overlay.take() else {
        return Vec::new();
    };
    if action != Action::Accept {
        // Filters are as they were before; nothing else took effect.
        if let Purpose::Filter(screen, _) | Purpose::Search { screen, .. } = open.purpose
            && let Some(table) = app.screens.get_mut(screen).table_mut()
        {
            match open.purpose {
                Purpose::Search { from, .. } => table.search_ends(from),
                // It was understood before.
                _ => drop(table.filter(&open.before)),
            }
        }
        return Vec::new();
    }
    if open.error.is_some() {
        app.shared.overlay = Some(Overlay::Prompt(open));
        return Vec::new();
    }
    let text = open.input.value().trim();
    let label = |run: RunId, change| vec![RecordJob::Label { run, change }.into()];
    match open.purpose {
        Purpose::Filter(..) | Purpose::Search { .. } => app.wanted(),
        Purpose::Export if text.is_empty() => Vec::new(),
        Purpose::Export => {
            let path = app.shared.snapshot.workspace.join(super::folders::expand(text));
            vec![app.screens.results.export(&app.shared, path)]
        }
        Purpose::Study | Purpose::Map if text.is_empty() => Vec::new(),
        Purpose::Map => {
            let path = app.shared.snapshot.workspace.join(super::folders::expand(text));
            app.views.map.export(&mut app.shared, path)
        }
        // It was understood while it was typed.
        Purpose::Decision(path) => {
            text.parse::<Proposal>().map_or_else(|_| Vec::new(), |what| app.views.map.write(path, what))
        }
        Purpose::Study => {
            let path = app.shared.snapshot.workspace.join(super::folders::expand(&super::folders::clean(text)));
            app.views.study.choose(&app.shared, super::studies::Source::File(path))
        }
        Purpose::Title(run) => label(run, Change::Title(text.to_owned())),
        Purpose::Note(run) => label(run, Change::Note(text.replace("\\n", "\n"))),
    }
}

/// Draws the line over the screen; the place of what is typed comes back.
pub fn draw(frame: &mut Frame, area: Rect, theme: Theme, open: &Prompt) -> Rect {
    let width = area.width;
    // At the bottom, so that a filter's effect is seen above it.
    let height = 4.min(area.height);
    let below = Rect { y: area.bottom().saturating_sub(height), height, ..area };
    let inner = widgets::window(frame, below, theme, &open.title(), width, height);
    form::draw_input(frame, Rect { height: 1.min(inner.height), ..inner }, &open.input, theme, true);
    let note = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1).min(1), ..inner };
    let span = match &open.error {
        Some(error) => Span::styled(cut(error, usize::from(inner.width)), theme.bad()),
        None => Span::styled(cut(open.hint(), usize::from(inner.width)), theme.dim()),
    };
    frame.render_widget(span, note);
    Rect { height: 1.min(inner.height), ..inner }
}
