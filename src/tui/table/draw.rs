//! Drawing a table: its heading and the lines that are seen.

use super::column::{self, Column};
use super::fit::{GAP, Offer, fitting};
use super::listing::{Listing, Offered};
use super::{Kind, Signs, Table, search};
use crate::tui::shared::{Hits, Shared, Target};
use crate::tui::snapshot::Run;
use crate::tui::theme::Theme;
use crate::tui::widgets::{NARROW, bars, cut, fit, offset};
use faceprobe_core::run::Status;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use std::rc::Rc;
use unicode_width::UnicodeWidthStr;

/// So many marked runs have a colour of their own, that of their curve.
pub const COLOURS: usize = 5;

/// What a table is drawn from.
pub struct View<'a> {
    shared: &'a Shared,
    table: &'a Table,
    lines: Rc<Listing>,
    /// Whether there is room for intervals.
    roomy: bool,
    /// The columns that fit, with their widths.
    columns: Vec<(Offered, usize)>,
}

impl<'a> View<'a> {
    /// The columns that fit into `width`.
    pub fn new(table: &'a Table, shared: &'a Shared, width: u16) -> Self {
        let lines = table.listing(shared);
        let roomy = width >= NARROW - 4;
        let offered: Vec<Offered> = lines.columns.iter().filter(|column| column.rank.is_some()).cloned().collect();
        let offers = offered.iter().map(|column| {
            let width = if roomy { column.width } else { column.narrow };
            // Titles behind names, and what groups come to, are read where there is room.
            let least = if column.column == Column::Run { column.narrow } else { width };
            Offer {
                width: if column.column == Column::Run { column.width } else { width },
                least,
                rank: column.rank.unwrap_or(0),
            }
        });
        let room = usize::from(width).saturating_sub(signs_width(table.kind));
        let widths = fitting(&offers.collect::<Vec<_>>(), room);
        let columns = offered.into_iter().zip(widths).filter_map(|(column, width)| Some((column, width?))).collect();
        Self { shared, table, lines, roomy, columns }
    }

    /// The columns that are seen.
    pub fn columns(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().map(|(offered, _)| &offered.column)
    }

    fn head(&self) -> Line<'static> {
        let theme = self.shared.theme;
        let (by, descending) = self.table.sort();
        let arrow = if descending { "▼" } else { "▲" };
        let mut spans = vec![Span::raw(" ".repeat(signs_width(self.table.kind)))];
        for (at, (offered, width)) in self.columns.iter().enumerate() {
            let here = by.as_ref() == Some(&offered.column);
            let title = offered.column.title();
            let title = if here { format!("{title}{arrow}") } else { title.to_owned() };
            if at > 0 {
                spans.push(Span::raw(" ".repeat(GAP)));
            }
            spans.push(Span::styled(
                placed(&title, &offered.column, *width),
                if here { theme.accent() } else { theme.dim() },
            ));
        }
        Line::from(spans)
    }

    fn line(&self, at: usize, selected: bool) -> Line<'static> {
        let theme = self.shared.theme;
        let Some(line) = self.lines.lines.get(at) else { return Line::default() };
        let found = search::is_found(&self.lines, at, self.table.search());
        let mut spans = self.signs(at, selected);
        for (place, (offered, width)) in self.columns.iter().enumerate() {
            let style = match &offered.column {
                Column::Run if found => theme.accent(),
                Column::Run if line.group.is_some() => theme.strong(),
                Column::Val | Column::Test if line.run.row.as_ref().is_some_and(|row| !row.has_model()) => theme.dim(),
                Column::Val | Column::Test => theme.strong(),
                Column::Status if is_bad(line.run.status) => theme.bad(),
                Column::Status if line.run.status.is_live() => theme.busy(),
                Column::Run | Column::Setting(_) => theme.text(),
                _ => theme.dim(),
            };
            if place > 0 {
                spans.push(Span::raw(" ".repeat(GAP)));
            }
            let text = match &offered.column {
                Column::Run => self.name(at, *width),
                // The threshold in force, where another was kept than training ended with.
                Column::Threshold => {
                    match self.shared.snapshot.choice.as_ref().filter(|choice| choice.run == line.run.id.as_str()) {
                        Some(choice) => format!("{:.3}", choice.threshold),
                        None => self.lines.cell(at, &offered.column, self.roomy),
                    }
                }
                // How far it is stands beside it.
                Column::Val
                    if !self.roomy
                        && line.group.is_none()
                        && line.run.status.is_live()
                        && self.columns().any(|other| *other == Column::Status) =>
                {
                    "–".to_owned()
                }
                column => self.lines.cell(at, column, self.roomy),
            };
            spans.push(Span::styled(placed(&text, &offered.column, *width), style));
        }
        if selected {
            // Signs keep their colour under the cursor.
            let signs = signs_spans(self.table.kind);
            for (at, span) in spans.iter_mut().enumerate() {
                span.style = if at < signs { theme.selected().patch(span.style) } else { theme.selected() };
            }
        }
        Line::from(spans)
    }

    /// The name, behind what it stands beneath; of a group as much as there is room for.
    fn name(&self, at: usize, width: usize) -> String {
        let Some(line) = self.lines.lines.get(at) else { return String::new() };
        let sign = match &line.group {
            Some(_) if self.table.folds(line) => "▸ ",
            Some(_) => "▾ ",
            None => "",
        };
        let before = format!("{}{sign}", "  ".repeat(line.depth));
        let room = width.saturating_sub(before.width());
        let names = line.names();
        let fitting = names.iter().find(|name| name.width() <= room);
        let name = match (fitting, names.first(), names.last()) {
            (Some(name), ..) => name.clone(),
            // A title of which a few letters would be seen says nothing.
            (None, Some(long), _) if line.group.is_none() && room >= line.run.id.as_str().width() + 8 => long.clone(),
            (None, _, Some(bare)) if line.group.is_some() => bare.clone(),
            _ => line.run.id.to_string(),
        };
        format!("{before}{name}")
    }

    /// The mark of a line, or how it stands; a fixed number of pieces.
    fn signs(&self, at: usize, selected: bool) -> Vec<Span<'static>> {
        let theme = self.shared.theme;
        let Some(line) = self.lines.lines.get(at) else { return Vec::new() };
        let run = &line.run;
        let marked = self.shared.mark_of(run.id.as_str());
        // A mark that is folded away is not forgotten.
        let within = || {
            line.group.is_some()
                && self.lines.members(at).any(|member| self.shared.mark_of(member.run.id.as_str()).is_some())
        };
        let mark = match marked {
            Some(at) if at < COLOURS => Some((theme.hue_swatch(at + 1), theme.hue(at + 1))),
            Some(_) => Some(("•".to_owned(), theme.accent())),
            None if !self.shared.marked.is_empty() && within() => Some(("•".to_owned(), theme.dim())),
            None => None,
        };
        let first = mark.unwrap_or_else(|| self.sign(run));
        let mut spans = vec![Span::styled(format!("{} ", first.0), first.1)];
        if self.table.kind.signs == Signs::StatusAndPin {
            let pin = if run.about.label.pinned { "★ " } else { "  " };
            spans.push(Span::styled(pin, if selected { theme.selected() } else { theme.good() }));
        }
        spans
    }

    fn sign(&self, run: &Run) -> (String, Style) {
        let theme: Theme = self.shared.theme;
        if self.table.kind.signs != Signs::Choice {
            let (sign, style) = bars::status(theme, run.status);
            return (sign.to_owned(), style);
        }
        match &run.row {
            Some(row) if row.chosen => ("★".to_owned(), theme.good()),
            Some(row) if row.after_test_openings > 0 => ("!".to_owned(), theme.warning()),
            _ => (" ".to_owned(), theme.text()),
        }
    }

    /// The cells of a line as they are shown, without being cut.
    pub fn cells(&self, at: usize) -> Vec<String> {
        let name = |at: usize| self.lines.lines.get(at).map_or_else(String::new, |line| column::name(&line.run));
        let cell = |column: &Column| match column {
            Column::Run => name(at),
            column => self.lines.cell(at, column, true),
        };
        self.columns().map(cell).collect()
    }
}

fn is_bad(status: Status) -> bool {
    matches!(status, Status::Failed | Status::Interrupted | Status::Damaged)
}

fn signs_spans(kind: &Kind) -> usize {
    if kind.signs == Signs::StatusAndPin { 2 } else { 1 }
}

fn signs_width(kind: &Kind) -> usize {
    2 * signs_spans(kind)
}

/// A cell cut or filled to its width: texts at the left, figures at the right.
fn placed(text: &str, column: &Column, width: usize) -> String {
    if column.is_text() {
        return fit(text, width);
    }
    let text = cut(text, width);
    let fill = width.saturating_sub(text.width());
    " ".repeat(fill) + &text
}

/// Draws the table into an area; its lines answer the mouse.
pub fn draw(frame: &mut Frame, area: Rect, table: &Table, shared: &Shared, hits: &mut Hits) {
    let view = View::new(table, shared, area.width);
    view.table.width.set(area.width);
    frame.render_widget(view.head(), Rect { height: 1.min(area.height), ..area });
    let body = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    let height = usize::from(body.height);
    let selected = table.cursor(shared);
    let first = offset(selected, view.lines.visible.len(), height);
    let seen = view.lines.visible.iter().enumerate().skip(first).take(height);
    for (row, (index, at)) in seen.enumerate() {
        let line = Rect { y: body.y + row as u16, height: 1, ..body };
        if index == selected {
            frame.buffer_mut().set_style(line, shared.theme.selected());
        }
        frame.render_widget(view.line(*at, index == selected), line);
        hits.push((line, Target::Row(index)));
    }
}

/// What is said of a table in the title of its frame: the order, what all lines have in common, the filter, the search.
pub fn title(table: &Table, shared: &Shared, name: &'static str, width: u16) -> Line<'static> {
    let theme = shared.theme;
    let lines = table.listing(shared);
    let (by, descending) = table.sort();
    let order = match (&by, descending) {
        (None, _) => "newest first".to_owned(),
        (Some(column), _) => {
            let word = match (column.is_text(), descending) {
                (true, false) => "A to Z",
                (true, true) => "Z to A",
                (false, true) => "largest first",
                (false, false) => "smallest first",
            };
            format!("by {}, {word}", column.title())
        }
    };
    let mut parts = vec![Span::raw(name), Span::styled(format!("  {order}"), theme.dim())];
    let mut room = usize::from(width).saturating_sub(name.width() + order.width() + 8);
    let mut add = |text: String, style: Style| {
        if text.width() <= room {
            room -= text.width();
            parts.push(Span::styled(text, style));
        }
    };
    if !table.filter_text().is_empty() {
        add(format!("  {} of {}: ", lines.fulfil, lines.all), theme.dim());
        add(cut(table.filter_text(), 40), theme.accent());
    }
    if !table.search().is_empty() {
        add(format!("  /{}", cut(table.search(), 24)), theme.accent());
    }
    if !shared.marked.is_empty() {
        add(format!("  {} marked", shared.marked.len()), theme.good());
    }
    if table.flat {
        add("  groups off".to_owned(), theme.dim());
    }
    if !lines.common.is_empty() {
        add(format!("  all: {}", lines.common.join(", ")), theme.dim());
    }
    Line::from(parts)
}
