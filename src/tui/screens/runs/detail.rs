//! One run alone: its settings, what was written on it, the ends of its journal and log.

use super::super::super::effect::Effect;
use super::super::super::keys::{self, Action, Context};
use super::super::super::records::RecordJob;
use super::super::super::shared::Shared;
use super::super::super::snapshot::Run;
use super::super::super::widgets::{bars, fit, format, panel, wrapped};
use faceprobe_core::run::compare;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use std::sync::Arc;

/// A run that is shown alone.
#[derive(Debug)]
pub struct Detail {
    pub run: String,
    scroll: usize,
    /// The state of the run that was last asked about; the answer is on its way while `waiting`.
    seen: Option<Arc<Run>>,
    waiting: bool,
    log: Vec<String>,
    journal: Vec<String>,
}

impl Detail {
    /// Nothing of the run is known yet.
    pub fn new(run: String) -> Self {
        Self { run, scroll: 0, seen: None, waiting: false, log: Vec::new(), journal: Vec::new() }
    }

    /// The question for its log, if the run went on since the last one.
    pub fn ask(&mut self, run: &Arc<Run>) -> Option<Effect> {
        let same = self.seen.as_ref().is_some_and(|seen| Arc::ptr_eq(seen, run));
        if same || self.waiting {
            return None;
        }
        self.seen = Some(Arc::clone(run));
        self.waiting = true;
        Some(RecordJob::Read { run: run.id.clone() }.into())
    }

    /// The answer.
    pub fn take(&mut self, log: Vec<String>, journal: Vec<String>) {
        self.waiting = false;
        self.log = log;
        self.journal = journal;
    }

    /// Moves through the text.
    pub fn scroll(&mut self, action: Action) {
        self.scroll = match action {
            Action::Up => self.scroll.saturating_sub(1),
            Action::Down => self.scroll + 1,
            Action::PageUp => self.scroll.saturating_sub(10),
            Action::PageDown => self.scroll + 10,
            Action::Top => 0,
            Action::Bottom => usize::MAX / 2,
            _ => self.scroll,
        };
    }
}

/// Draws the run.
pub fn draw(frame: &mut Frame, area: Rect, shared: &Shared, detail: &Detail, run: &Run) {
    let theme = shared.theme;
    let key = keys::name_of(Context::Runs, Action::Enter);
    let title =
        Line::from(vec![Span::raw(run.id.to_string()), Span::styled(format!("  {key} shows all runs"), theme.dim())]);
    let block = panel(theme, title, area.width);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let lines = lines(shared, detail, run, usize::from(inner.width));
    // Scrolled past the end shows the end.
    let most = lines.len().saturating_sub(usize::from(inner.height));
    let from = detail.scroll.min(most);
    let shown: Vec<Line> = lines.into_iter().skip(from).take(usize::from(inner.height)).collect();
    frame.render_widget(ratatui::widgets::Paragraph::new(shown), inner);
}

fn lines(shared: &Shared, detail: &Detail, run: &Run, width: usize) -> Vec<Line<'static>> {
    let theme = shared.theme;
    let label = &run.about.label;
    let mut lines: Vec<Line> = Vec::new();
    for line in bars::activity(theme, run, width) {
        // Outcomes and errors can be longer than a line.
        if line.width() > width && line.spans.len() == 1 {
            let style = line.style.patch(line.spans[0].style);
            lines.extend(wrapped(&line.spans[0].content, width).into_iter().map(|text| Line::styled(text, style)));
        } else {
            lines.push(line);
        }
    }
    if !label.title.is_empty() {
        lines.push(Line::styled(format!("{}{}", if label.pinned { "★ " } else { "" }, label.title), theme.strong()));
    }
    if !label.note.is_empty() {
        lines.push(Line::default());
        lines.push(Line::styled("Note", theme.accent()));
        for line in label.note.lines() {
            lines.extend(wrapped(line, width).into_iter().map(Line::raw));
        }
    }
    lines.push(Line::default());
    lines.push(Line::styled("Settings", theme.accent()));
    let mut settings: Vec<(String, String)> = compare::settings(&run.job).into_iter().collect();
    settings.push(("started".into(), started(&run.created)));
    if let Some(step) = &run.step {
        settings.push(("step".into(), step.clone()));
    }
    if let Some(parent) = &run.parent {
        settings.push(("part of".into(), parent.clone()));
    }
    settings.push(("size on disk".into(), format::bytes(run.about.bytes)));
    settings.push(("folder".into(), shared.snapshot.workspace.join("runs").join(&detail.run).display().to_string()));
    let names = settings.iter().map(|(name, _)| name.len()).max().unwrap_or(0).min(20);
    for (name, value) in settings {
        let room = width.saturating_sub(names + 2).max(8);
        for (at, text) in wrapped(&value, room).into_iter().enumerate() {
            let name = if at == 0 { name.as_str() } else { "" };
            lines.push(Line::from(vec![Span::styled(fit(name, names + 2), theme.dim()), Span::raw(text)]));
        }
    }
    if run.facts.skipped > 0 {
        lines.push(Line::default());
        lines.push(Line::styled(format!("Left out {}", run.facts.skipped), theme.accent()));
        lines.extend(run.history().skipped.iter().take(20).map(|skipped| Line::raw(skipped.clone())));
    }
    for (title, texts) in [("Journal, the end", &detail.journal), ("Log of the worker, last lines", &detail.log)] {
        if texts.is_empty() {
            continue;
        }
        lines.push(Line::default());
        lines.push(Line::styled(title, theme.accent()));
        lines.extend(texts.iter().map(|text| Line::raw(text.clone())));
    }
    lines
}

/// `2026-07-29T10:11:12.345Z` as `2026-07-29 10:11:12 UTC`.
fn started(created: &str) -> String {
    created.get(..19).map_or_else(|| created.to_owned(), |text| format!("{} UTC", text.replace('T', " ")))
}
