//! The view of an audit: its parts at any size, and what stands there when there are no findings to show.

use super::{Contents, Review, State, detail, list, text, work};
use crate::tui::keys::{self, Action, Context};
use crate::tui::shared::{Hits, Shared};
use crate::tui::widgets::{self, NARROW, bars, cut, format, panel};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

/// Draws the view.
pub fn draw(frame: &mut Frame, area: Rect, audit: &State, shared: &Shared, hits: &mut Hits) {
    let rest = draw_work(frame, area, audit, shared);
    let theme = shared.theme;
    match &audit.contents {
        Contents::Reading => {
            said(frame, rest, audit, shared, vec![Line::styled("Reading the findings …", theme.dim())])
        }
        Contents::Absent => absent(frame, rest, audit, shared),
        Contents::Failed(sentence) => {
            let mut lines = vec![Line::styled(sentence.clone(), theme.bad())];
            lines.extend([Line::default(), start_hint(shared, " audits the set again.")]);
            said(frame, rest, audit, shared, lines);
        }
        Contents::Review(review) if review.audit.findings.is_empty() => nothing(frame, rest, audit, shared, review),
        Contents::Review(review) => findings(frame, rest, audit, shared, review, hits),
    }
}

/// Draws how far an audit is, if one is at work; what is left of the area comes back.
pub fn draw_work(frame: &mut Frame, area: Rect, audit: &State, shared: &Shared) -> Rect {
    let theme = shared.theme;
    let Some(run) = work(&shared.snapshot) else {
        return area;
    };
    let stage = run.facts.stage.as_deref().unwrap_or("starting");
    let dataset = run.job.dataset().unwrap_or_default();
    let mut text = format!(" {} auditing {dataset}: {stage}", bars::status(theme, run.status).0);
    if let Some(progress) = &run.facts.progress {
        let (done, total) = (format::thousands(progress.done), format::thousands(progress.total));
        text += &format!("  {done} of {total} {}", progress.unit);
        if let Some(remaining) = progress.remaining {
            text += &format!(", {} left", format::duration(remaining));
        }
    }
    if audit.open {
        text = format!("{}  ({} stops it)", text.trim_end(), keys::name_of(Context::Audit, Action::StopAudit));
    }
    let line = Rect { height: 1.min(area.height), ..area };
    frame.render_widget(Span::styled(cut(text.trim_end(), usize::from(area.width)), theme.busy()), line);
    Rect { y: line.bottom(), height: area.height - line.height, ..area }
}

/// Sentences in the middle of nothing.
fn said(frame: &mut Frame, area: Rect, audit: &State, shared: &Shared, lines: Vec<Line<'static>>) {
    let block = panel(shared.theme, format!("Audit of {}", audit.dataset), area.width);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    widgets::text(frame, inner, lines, 0);
}

fn start_hint(shared: &Shared, text: &'static str) -> Line<'static> {
    let key = Span::styled(keys::name_of(Context::Audit, Action::StartAudit), shared.theme.accent());
    Line::from(vec![key, text.into()])
}

fn absent(frame: &mut Frame, area: Rect, audit: &State, shared: &Shared) {
    let theme = shared.theme;
    let name = &audit.dataset;
    let start = if work(&shared.snapshot).is_some() {
        Line::styled("It is running.", theme.busy())
    } else {
        start_hint(shared, " starts it; it takes about half a minute for 10,000 images.")
    };
    let lines = vec![
        Line::styled(format!("{name} has not been audited yet."), theme.strong()),
        Line::default(),
        start,
        Line::default(),
        Line::raw(
            "It looks for exact and near duplicates; the same person or image under two labels or in two splits; \
             likely label errors; and images that are too small, too dark, without contrast or without a face.",
        ),
        Line::default(),
        Line::styled(
            "Label errors are found with cached features: extract them first (2). Nothing changes without your decision, \
             and the raw data never does.",
            theme.dim(),
        ),
    ];
    said(frame, area, audit, shared, lines);
}

/// `19,433 images (9,433 in no split)`.
fn looked_at(review: &Review) -> String {
    let images = format::thousands(review.audit.images as u64);
    match review.audit.in_no_split {
        Some(outside @ 1..) => format!("{images} images ({} in no split)", format::thousands(outside as u64)),
        _ => format!("{images} images"),
    }
}

fn nothing(frame: &mut Frame, area: Rect, audit: &State, shared: &Shared, review: &Review) {
    let theme = shared.theme;
    let images = looked_at(review);
    let settled: usize = review.audit.tallies.iter().map(|tally| tally.settled).sum();
    let text = match settled {
        0 => format!("No problems were found in {images}."),
        _ => format!("Nothing left to decide in {images}; {settled} findings were settled earlier."),
    };
    let mut lines = vec![Line::styled(text, theme.good())];
    for note in &review.audit.notes {
        lines.extend([Line::default(), Line::styled(note.clone(), theme.dim())]);
    }
    if audit.is_stale(shared, review) {
        lines.extend([Line::default(), start_hint(shared, " audits the set again: it was prepared again since.")]);
    }
    said(frame, area, audit, shared, lines);
}

fn findings(frame: &mut Frame, area: Rect, audit: &State, shared: &Shared, review: &Review, hits: &mut Hits) {
    let theme = shared.theme;
    let stale = audit.is_stale(shared, review);
    let notes = u16::from(area.height >= 18);
    let [head, warned, body, noted, foot] = area.layout(&Layout::vertical([
        Constraint::Length(u16::from(area.width < NARROW)),
        Constraint::Length(u16::from(stale)),
        Constraint::Min(1),
        Constraint::Length(notes),
        Constraint::Length(1),
    ]));
    if stale {
        let text = format!(
            " ! {} was prepared again since this audit; {} audits it again.",
            audit.dataset,
            keys::name_of(Context::Audit, Action::StartAudit)
        );
        frame.render_widget(Span::styled(cut(&text, usize::from(area.width)), theme.warning()), warned);
    }
    if notes == 1 {
        let text = format!(" {} checked. {}", looked_at(review), review.audit.notes.join(" "));
        frame.render_widget(Span::styled(cut(&text, usize::from(area.width)), theme.dim()), noted);
    }
    frame.render_widget(summary(shared, review, usize::from(area.width)), foot);
    if area.width < NARROW {
        frame.render_widget(place(shared, review), head);
        detail::draw(frame, body, audit, shared, review);
        return;
    }
    let left = if area.width >= 110 { 44 } else { 34 };
    let [left, right] = body.layout(&Layout::horizontal([Constraint::Length(left), Constraint::Min(0)]));
    let kinds = review.kinds().len() as u16 + 4;
    let [top, below] =
        left.layout(&Layout::vertical([Constraint::Length(kinds.min(left.height / 2)), Constraint::Min(0)]));
    let block = panel(theme, format!("Audit of {}", audit.dataset), area.width);
    list::kinds(frame, block.inner(top), theme, review);
    frame.render_widget(block, top);
    let title = review.kind.map_or_else(|| "Findings".to_owned(), text::short);
    let block = panel(theme, title, area.width);
    list::findings(frame, block.inner(below), theme, review, hits);
    frame.render_widget(block, below);
    let block = panel(theme, place(shared, review), area.width);
    let inner = block.inner(right);
    frame.render_widget(block, right);
    detail::draw(frame, inner, audit, shared, review);
}

/// Where in the list the cursor is.
fn place(shared: &Shared, review: &Review) -> Line<'static> {
    let theme = shared.theme;
    let listed = review.listed();
    let at = listed.iter().position(|&at| at == review.cursor).map_or(0, |at| at + 1);
    let kind = review.finding().map(|finding| text::short(finding.kind)).unwrap_or_default();
    let open = listed.iter().filter(|&&at| review.audit.findings[at].is_open()).count();
    Line::from(vec![
        Span::styled(kind, theme.strong()),
        Span::raw(format!(" {} of {}", format::thousands(at as u64), format::thousands(listed.len() as u64))),
        Span::styled(format!(", {} undecided", format::thousands(open as u64)), theme.dim()),
    ])
}

/// What was decided, and how it takes effect.
fn summary(shared: &Shared, review: &Review, width: usize) -> Line<'static> {
    let theme = shared.theme;
    let counts = review.counts();
    if counts.all() == 0 {
        let settled: usize = review.audit.tallies.iter().map(|tally| tally.settled).sum();
        if review.audit.findings.iter().all(|finding| !finding.is_open()) {
            return Line::styled(
                " Nothing needs a decision: preparation keeps the first of exact copies.",
                theme.dim(),
            );
        }
        let text = match (settled, width < usize::from(NARROW)) {
            (0, true) => " No decisions yet.".to_owned(),
            (0, false) => " No decisions yet; the raw data is never changed.".to_owned(),
            (_, true) => format!(" {settled} settled earlier, none since."),
            (_, false) => format!(" No decisions since this audit; {settled} findings were settled before it."),
        };
        return Line::styled(text, theme.dim());
    }
    let again = keys::name_of(Context::Audit, Action::PrepareAgain);
    let narrow = width < usize::from(NARROW);
    let head = if narrow { " ".to_owned() } else { format!(" {} decided: ", counts.all()) };
    let mut line = Line::from(vec![
        Span::styled(head, theme.strong()),
        Span::styled(format!("{} keep", counts.keep), theme.good()),
        Span::raw(", "),
        Span::styled(format!("{} drop", counts.drop), theme.bad()),
        Span::raw(", "),
        Span::styled(format!("{} relabel", counts.relabel), theme.warning()),
    ]);
    if counts.drop + counts.relabel > 0 {
        let text = if narrow { format!("; {again} applies") } else { format!("; prepare again ({again}) to apply") };
        line.push_span(Span::styled(text, theme.dim()));
    }
    line
}
