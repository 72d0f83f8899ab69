//! Draws the view of a study: the steps above, details of the one under the cursor below.

use super::{StudyView, missing};
use crate::tui::keys::{Action, Context, name_of};
use crate::tui::shared::{Hits, Shared, Target};
use crate::tui::studies::{Source, StudyStatus};
use crate::tui::theme::Theme;
use crate::tui::widgets::{self, NARROW, cut, cut_front, fit, format, offset, panel};
use faceprobe_core::study::{self as core, State, Step};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

/// Columns of the state, the run and the time.
const STATE: usize = 15;
const RUN: usize = 16;
const TIME: usize = 10;

/// Draws the view.
pub fn draw(frame: &mut Frame, area: Rect, study: &StudyView, shared: &Shared, hits: &mut Hits) {
    let theme = shared.theme;
    if study.picking.is_some() {
        return draw_files(frame, area, study, shared, hits);
    }
    match &study.outlook {
        Some(Ok(outlook)) => draw_study(frame, area, study, shared, outlook, hits),
        Some(Err(problems)) => {
            let block = panel(theme, title(study, area.width), area.width);
            let inner = block.inner(area);
            frame.render_widget(block, area);
            let lines = problems.iter().map(|problem| Line::styled(problem.clone(), theme.bad())).collect();
            widgets::text(frame, inner, lines, 0);
        }
        None => widgets::text(frame, area, vec![Line::styled("Reading the study …", theme.dim())], 0),
    }
}

fn title(study: &StudyView, width: u16) -> String {
    let name = study.chosen.as_ref().map_or_else(String::new, Source::name);
    format!("Study · {}", cut_front(&name, usize::from(width).saturating_sub(34).max(12)))
}

fn draw_files(frame: &mut Frame, area: Rect, study: &StudyView, shared: &Shared, hits: &mut Hits) {
    let theme = shared.theme;
    let block = panel(theme, "Study files", area.width);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let none = study.sources.iter().all(|source| *source == Source::Demo);
    let mut lines = Vec::new();
    if none {
        let text = "There is no study file here. 'faceprobe study export study.toml' writes the study of what this \
                    workspace holds; docs/study.md says how a file is written.";
        lines.extend(widgets::wrapped(text, usize::from(inner.width)).into_iter().map(Line::raw));
        lines.push(Line::default());
    }
    let head = lines.len() as u16;
    widgets::text(frame, inner, lines, 0);
    let list = Rect { y: inner.y + head.min(inner.height), height: inner.height.saturating_sub(head), ..inner };
    let selected = study.picking.unwrap_or(0);
    let sources = &study.sources;
    let height = usize::from(list.height);
    let first = offset(selected, sources.len(), height);
    for (row, (at, source)) in sources.iter().enumerate().skip(first).take(height).enumerate() {
        let line = Rect { y: list.y + row as u16, height: 1, ..list };
        let style = if at == selected { theme.selected() } else { theme.text() };
        frame.render_widget(Span::styled(fit(&source.name(), usize::from(list.width)), style), line);
        hits.push((line, Target::Row(at)));
    }
}

/// The sign and style of a state.
fn look(theme: Theme, state: State) -> (&'static str, Style) {
    match state {
        State::Done => ("✓", theme.good()),
        State::Running => ("●", theme.busy()),
        State::ToDo => ("○", theme.dim()),
        State::Changed => ("↻", theme.warning()),
        State::Failed => ("✗", theme.bad()),
    }
}

fn draw_study(
    frame: &mut Frame,
    area: Rect,
    study: &StudyView,
    shared: &Shared,
    outlook: &StudyStatus,
    hits: &mut Hits,
) {
    let theme = shared.theme;
    let narrow = area.width < NARROW;
    let steps = &outlook.plan.steps;
    let inside = usize::from(area.width).saturating_sub(if narrow { 0 } else { 4 });
    let about = about(study, shared, outlook, inside);
    let below = (about.len() as u16 + if narrow { 0 } else { 2 }).min(area.height / 2);
    let [top, bottom] = area.layout(&Layout::vertical([Constraint::Min(3), Constraint::Length(below)]));
    let done = steps.iter().filter(|step| step.state == State::Done).count();
    let block = panel(theme, format!("{} · {done} of {} done", title(study, area.width), steps.len()), area.width);
    let inner = block.inner(top);
    frame.render_widget(block, top);
    draw_steps(frame, inner, study, shared, steps, hits);
    let name = study.step().map_or_else(String::new, |step| cut(&step.name, inside));
    let block = panel(theme, name, area.width);
    let inner = block.inner(bottom);
    frame.render_widget(block, bottom);
    frame.render_widget(ratatui::widgets::Paragraph::new(about), inner);
}

fn draw_steps(frame: &mut Frame, area: Rect, study: &StudyView, shared: &Shared, steps: &[Step], hits: &mut Hits) {
    let theme = shared.theme;
    let width = usize::from(area.width);
    let wide = width >= 56;
    let name = width.saturating_sub(2 + STATE + if wide { RUN + TIME } else { 0 });
    let head = format!("  {}{}", fit("step", name), fit("state", STATE));
    let head = if wide { format!("{head}{}{:>TIME$}", fit("run", RUN), "time") } else { head };
    frame.render_widget(Span::styled(head, theme.dim()), Rect { height: 1.min(area.height), ..area });
    let list = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    let height = usize::from(list.height);
    let selected = study.selected;
    let first = offset(selected, steps.len(), height);
    for (row, (at, step)) in steps.iter().enumerate().skip(first).take(height).enumerate() {
        let line = Rect { y: list.y + row as u16, height: 1, ..list };
        let (sign, style) = look(theme, step.state);
        let run = step.runs.first().and_then(|run| shared.snapshot.run(run));
        let state = match run.and_then(|run| Some((run.status.name(), run.share()?))) {
            Some((status, share)) if step.state == State::Running => {
                format!("{status} {:.0} %", (share * 100.0).floor())
            }
            _ => step.state.name().to_owned(),
        };
        let mut rest = fit(&state, STATE);
        if wide {
            let run = step.runs.first().map_or("–", String::as_str);
            let time = step.seconds.map_or_else(|| "–".to_owned(), format::duration);
            rest += &format!("{} {time:>1$}", fit(run, RUN - 1), TIME);
        }
        let text = format!("{} ", fit(&step.name, name.saturating_sub(1)));
        let spans = if at == selected {
            vec![Span::styled(fit(&format!("{sign} {text}{rest}"), width), theme.selected())]
        } else {
            vec![Span::styled(format!("{sign} "), style), Span::raw(text), Span::styled(rest, theme.dim())]
        };
        frame.render_widget(Line::from(spans), line);
        hits.push((line, Target::Row(at)));
    }
}

/// Details of the step under the cursor, and the effect of Enter.
fn about(study: &StudyView, shared: &Shared, outlook: &StudyStatus, width: usize) -> Vec<Line<'static>> {
    let theme = shared.theme;
    let Some(step) = study.step() else {
        return vec![Line::styled("The file asks for nothing.", theme.dim())];
    };
    let mut lines = Vec::new();
    let mut wrapped = |text: &str, style: Style| {
        lines.extend(widgets::wrapped(text, width.max(10)).into_iter().map(|line| Line::styled(line, style)));
    };
    if let Some(note) = &step.note {
        wrapped(note, theme.text());
    }
    if let Some(problem) = &step.problem {
        wrapped(problem, theme.bad());
    }
    if let [first, more @ ..] = &step.runs[..] {
        let also = if more.is_empty() { String::new() } else { format!(", repeated in: {}", more.join(", ")) };
        wrapped(&format!("run {first}{also}"), theme.text());
    }
    let missing = missing(outlook, step);
    if !missing.is_empty() {
        wrapped(&format!("needs {} first", missing.join(", ")), theme.dim());
    }
    if step.state == State::Changed {
        wrapped("It was done before; the file now asks for something else.", theme.warning());
    }
    let enter = name_of(Context::Study, Action::Enter);
    let does = match &step.action {
        core::Action::None if step.runs.is_empty() => None,
        core::Action::None | core::Action::Follow(_) => Some("shows its run".to_owned()),
        _ if !missing.is_empty() => None,
        core::Action::Wait | core::Action::Refuse(_) => None,
        core::Action::Launch(_) => Some("starts it".to_owned()),
        core::Action::Resume(run) => Some(format!("resumes {run}")),
        core::Action::Extend(run, _) => Some(format!("extends {run}, which has more to do now")),
        core::Action::Refit(run) => Some(format!("retrains the model of {run} on training and validation")),
        core::Action::Choose { run, .. } => Some(format!("makes predict use {run}")),
        core::Action::Report(report) => Some(format!("writes the report into {}", report.output)),
    };
    if let Some(does) = does {
        let line = vec![Span::styled(enter, theme.accent()), Span::styled(format!(" {does}"), theme.dim())];
        lines.push(Line::from(line));
    }
    if !outlook.plan.others.is_empty() && lines.len() < 5 {
        let others = format!("not asked for by the file: {}", outlook.plan.others.join(", "));
        lines.push(Line::styled(cut(&others, width), theme.dim()));
    }
    lines
}
