//! Copying what belongs to the run under the cursor to the clipboard of the terminal, by OSC 52: over SSH it is the
//! clipboard of the machine that somebody sits at.

use super::Table;
use super::draw::View;
use crate::tui::effect::Effect;
use crate::tui::keys::{self, Action, Context};
use crate::tui::shared::{Shared, Tone};
use crate::tui::snapshot::{Run, Snapshot};
use crate::tui::widgets::{self, cut};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use faceprobe_core::dataset::Version;
use faceprobe_core::run::command_line;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// The sequence that puts a text on the clipboard.
pub fn sequence(text: &str) -> String {
    format!("\u{1b}]52;c;{}\u{7}", STANDARD.encode(text))
}

/// The command that does the same again, typed in the workspace.
fn command(snapshot: &Snapshot, run: &Run) -> Option<String> {
    let several = |version: &Version| {
        let of = snapshot.datasets.iter().map(|set| Version::of_folder(&set.name));
        of.filter(|other| other.name == version.name).any(|other| other.number != version.number)
    };
    let data = |folder: &str| {
        let version = Version::of_folder(folder);
        if several(&version) { version.full() } else { folder.to_owned() }
    };
    command_line::command(&run.job, data)
}

/// A heading and lines of cells, as spreadsheets take them.
fn rows(view: &View, places: &[usize]) -> String {
    let line = |cells: Vec<String>| {
        let cells: Vec<String> = cells.into_iter().map(|cell| cell.replace(['\t', '\n', '\r'], " ")).collect();
        cells.join("\t")
    };
    let head = line(view.columns().map(|column| column.title().to_owned()).collect());
    let lines = places.iter().map(|at| line(view.cells(*at)));
    std::iter::once(head).chain(lines).collect::<Vec<_>>().join("\n")
}

/// What is copied, and how it is called.
fn text(table: &Table, shared: &Shared, action: Action) -> Result<(String, String), String> {
    let lines = table.listing(shared);
    let index = table.cursor(shared);
    let Some(line) = table.current(shared) else { return Err("There is no line to copy from.".to_owned()) };
    let run = &line.run;
    Ok(match action {
        Action::YankName => (run.id.to_string(), "the name".to_owned()),
        Action::YankPath => {
            let path = shared.snapshot.workspace.join("runs").join(run.id.as_str());
            (path.display().to_string(), "the folder".to_owned())
        }
        Action::YankCommand => {
            let command = command(&shared.snapshot, run);
            let none = || format!("No command does what {} did; it is a part of something else.", run.id);
            (command.ok_or_else(none)?, "the command".to_owned())
        }
        Action::YankRows => {
            let places: Vec<usize> = shared.marked.iter().filter_map(|run| lines.place(run)).collect();
            if places.is_empty() {
                return Err("No run of this table is marked; Space marks one.".to_owned());
            }
            let called = widgets::format::count(places.len(), "marked row");
            (rows(&View::new(table, shared, u16::MAX), &places), called)
        }
        _ => {
            let at = lines.visible.get(index).copied().unwrap_or(0);
            (rows(&View::new(table, shared, u16::MAX), &[at]), "the row".to_owned())
        }
    })
}

/// What a key does.
pub fn act(table: &Table, shared: &mut Shared, action: Action) -> Vec<Effect> {
    if action == Action::Cancel {
        return Vec::new();
    }
    match text(table, shared, action) {
        Ok((text, called)) => {
            let told = text.lines().last().unwrap_or_default().replace('\t', "  ");
            shared.say(Tone::Good, format!("Copied {called}: {}", cut(&told, 160)));
            vec![Effect::Copy(text)]
        }
        Err(problem) => {
            shared.say(Tone::Plain, problem);
            Vec::new()
        }
    }
}

/// Draws what can be copied.
pub fn draw(frame: &mut Frame, area: Rect, table: &Table, shared: &Shared) {
    let theme = shared.theme;
    let Some(line) = table.current(shared) else { return };
    let bindings = keys::footer(Context::Yank);
    let width = area.width.saturating_sub(2).min(72);
    let title = format!("Copy from {}", line.run.id);
    let inner = widgets::window(frame, area, theme, &title, width, bindings.len() as u16 + 2);
    let room = usize::from(inner.width).saturating_sub(22);
    let lines: Vec<Line> = bindings
        .iter()
        .map(|binding| {
            let shown = match binding.action {
                Action::Cancel | Action::YankRow | Action::YankRows => String::new(),
                action => text(table, shared, action).map_or_else(|_| "–".to_owned(), |(text, _)| text),
            };
            Line::from(vec![
                Span::styled(format!("{:<4}", binding.name()), theme.accent()),
                Span::raw(format!("{:<18}", binding.label)),
                Span::styled(cut(&shown, room), theme.dim()),
            ])
        })
        .collect();
    frame.render_widget(ratatui::widgets::Paragraph::new(lines), inner);
}

#[cfg(test)]
mod tests {
    use super::sequence;

    #[test]
    fn the_sequence_is_that_of_xterm() {
        assert_eq!(sequence("dense-1"), "\u{1b}]52;c;ZGVuc2UtMQ==\u{7}");
    }
}
