//! Completes paths with Tab, as shells do: first the common prefix of all names, then a list of them. Folders are read
//! on the thread of [`super::reading`], so that a large or slow one does not block the screen.

use super::folders::{clean, expand};
use super::theme::Theme;
use super::widgets::{cut, fit, offset};
use faceprobe_core::dataset::Adapter;
use faceprobe_core::error::{Error, Result};
use faceprobe_core::text::is_control;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Span;
use ratatui::widgets::Clear;
use std::fs;
use std::path::Path;
use unicode_width::UnicodeWidthStr;

/// The paths that a line takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paths {
    Any,
    Folder,
    /// `LAYOUT:PATH`.
    Source,
}

/// A candidate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The text put into the line, with its ending: `/` for a folder, `:` for a layout.
    pub text: String,
}

/// A text up to where its last name begins, and the candidates there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    pub head: String,
    pub names: Vec<Name>,
}

impl Names {
    /// The candidates for `text`; none where it is about another folder. Hidden names only after a dot.
    pub fn fitting(&self, text: &str) -> Vec<&str> {
        let Some(begun) = text.strip_prefix(self.head.as_str()) else { return Vec::new() };
        if begun.contains('/') {
            return Vec::new();
        }
        let fits = |name: &&str| name.starts_with(begun) && (!name.starts_with('.') || begun.starts_with('.'));
        self.names.iter().map(|name| name.text.as_str()).filter(fits).collect()
    }

    /// `text` extended by the common prefix of all candidates.
    pub fn extended(&self, text: &str) -> Option<String> {
        let fitting = self.fitting(text);
        let first = fitting.first()?;
        let common = fitting.iter().fold(*first, |common, name| {
            let same = common.char_indices().zip(name.chars()).take_while(|((_, a), b)| a == b);
            let length = same.map(|((at, a), _)| at + a.len_utf8()).last().unwrap_or(0);
            &common[..length]
        });
        Some(format!("{}{common}", self.head))
    }
}

/// Where the names begin in a text: behind the last slash, else behind the colon of a source.
fn head(text: &str, paths: Paths) -> &str {
    let start = match paths {
        Paths::Source => text.find(':').map_or(0, |at| at + 1),
        _ => 0,
    };
    let slash = text[start..].rfind('/').map(|at| start + at + 1);
    &text[..slash.unwrap_or(start)]
}

/// Reads the names that can continue `text`; relative paths begin in `base`.
///
/// # Errors
/// A folder that cannot be listed.
pub fn read(text: &str, paths: Paths, base: &Path) -> Result<Names> {
    let head = head(text, paths);
    let path = match (paths, head.split_once(':')) {
        (Paths::Source, Some((_, path))) => path,
        (Paths::Source, None) if !text.starts_with(['/', '~', '.']) => {
            let names = Adapter::all().map(|adapter| Name { text: format!("{}:", adapter.name()) }).collect();
            return Ok(Names { head: String::new(), names });
        }
        _ => head,
    };
    let folder = base.join(expand(&clean(path)));
    let read = fs::read_dir(&folder)
        .map_err(|error| Error::failed(format!("{}: cannot be listed ({error}).", folder.display())))?;
    let mut names: Vec<Name> = read
        .flatten()
        .filter_map(|found| {
            // A name that is not UTF-8 cannot be typed.
            let text = found.file_name().into_string().ok().filter(|name| !name.contains(is_control))?;
            let kind = found.file_type().ok()?;
            let is_folder = kind.is_dir() || kind.is_symlink() && found.path().is_dir();
            (is_folder || paths != Paths::Folder).then(|| Name { text: if is_folder { text + "/" } else { text } })
        })
        .collect();
    names.sort_by(|a, b| a.text.cmp(&b.text));
    Ok(Names { head: head.to_owned(), names })
}

/// The open list below the line.
#[derive(Debug, Clone)]
pub struct List {
    pub names: Names,
    /// The name under the cursor, among those that fit.
    pub selected: Option<usize>,
}

impl List {
    /// The text with the name under the cursor in it.
    pub fn chosen(&self, text: &str) -> Option<String> {
        let fitting = self.names.fitting(text);
        Some(format!("{}{}", self.names.head, fitting.get(self.selected?)?))
    }

    /// Moves the cursor, around the ends.
    pub fn go(&mut self, text: &str, forward: bool) {
        let count = self.names.fitting(text).len();
        self.selected = match (self.selected, count) {
            (_, 0) => None,
            (None, _) => Some(if forward { 0 } else { count - 1 }),
            (Some(at), _) => Some(if forward { (at + 1) % count } else { (at + count - 1) % count }),
        };
    }
}

/// Rows of the list that are shown at once.
const ROWS: u16 = 8;

/// Draws the list under the line at `place`, or over it where there is no room.
pub fn draw(frame: &mut Frame, area: Rect, place: Rect, theme: Theme, list: &List, text: &str) {
    let fitting = list.names.fitting(text);
    let rows = (fitting.len() as u16).min(ROWS);
    let below = area.bottom().saturating_sub(place.bottom());
    let y = if below >= rows { place.bottom() } else { place.y.saturating_sub(rows).max(area.y) };
    let widest = fitting.iter().map(|name| name.width()).max().unwrap_or(0).max(18) as u16 + 2;
    let width = widest.min(area.right().saturating_sub(place.x));
    let rows = rows.min(area.bottom().saturating_sub(y));
    let box_of = Rect { x: place.x, y, width, height: rows };
    frame.render_widget(Clear, box_of);
    let first = offset(list.selected.unwrap_or(0), fitting.len(), usize::from(rows));
    for (row, (at, name)) in fitting.iter().enumerate().skip(first).take(usize::from(rows)).enumerate() {
        let line = Rect { y: y + row as u16, height: 1, ..box_of };
        let style = if Some(at) == list.selected { theme.selected() } else { theme.accent() };
        let more = match fitting.len() - first > usize::from(rows) && row + 1 == usize::from(rows) {
            true => format!(" +{}", fitting.len() - first - usize::from(rows)),
            false => String::new(),
        };
        let room = usize::from(width).saturating_sub(more.width() + 1);
        frame.render_widget(Span::styled(format!(" {}{more}", fit(&cut(name, room), room)), style), line);
    }
}
