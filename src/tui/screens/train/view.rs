//! Draws Train: the list of runs, and the one under the cursor with its curves, its ranking or its trials.

use super::{Train, is_sweep, large, ranking, sweep};
use crate::tui::keys::{Action, Context, name_of};
use crate::tui::shared::{Hits, Shared};
use crate::tui::snapshot::Run;
use crate::tui::table::{Column, trains_several};
use crate::tui::widgets::{self, NARROW, bars, cut, fit, format, growth, panel};
use faceprobe_core::run::facts::Best;
use faceprobe_core::run::{JobSpec, Status};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use std::sync::Arc;

/// Draws the screen.
pub fn draw(frame: &mut Frame, area: Rect, train: &Train, shared: &Shared, hits: &mut Hits) {
    let theme = shared.theme;
    let lines = train.table.listing(shared);
    if let (None, 1..) = (lines.line(0), lines.all) {
        let text = format!("None of {} runs matches '{}'; Esc shows all.", lines.all, train.table.filter_text());
        let block = panel(theme, "Train", area.width);
        let inner = block.inner(area);
        frame.render_widget(block, area);
        widgets::text(frame, inner, vec![Line::raw(text)], 0);
        return;
    }
    let Some(run) = train.current(shared) else {
        let key = name_of(Context::Train, Action::New);
        let mut lines = vec![Line::styled("Nothing has been trained yet.", theme.strong()), Line::default()];
        lines.push(match shared.dataset() {
            Some(set) => Line::from(vec![
                "Press ".into(),
                Span::styled(key, theme.accent()),
                format!(" to train a model on {set}: the dense head, the logistic regression or the benchmark CNN.")
                    .into(),
            ]),
            None => Line::raw("Training needs a prepared data set: press 1 for Data."),
        });
        let block = panel(theme, "Train", area.width);
        let inner = block.inner(area);
        frame.render_widget(block, area);
        widgets::text(frame, inner, lines, 0);
        return;
    };
    if train.is_large(shared) {
        match is_sweep(&run) {
            true => sweep::draw(frame, area, &train.view, shared, &run, hits),
            false => large::draw(frame, area, &train.view, shared, &run, hits),
        }
        return;
    }
    if area.width < NARROW {
        draw_run(frame, area, train, shared, &run, hits);
        return;
    }
    // Wide enough that names are whole.
    let list_width = match area.width {
        // Settings that differ have columns then.
        170.. => 78,
        150.. => 60,
        99.. => 41,
        _ => 23,
    };
    // Names are whole, whatever they are called.
    let names = lines.columns.iter().find(|offered| offered.column == Column::Run).map_or(0, |offered| offered.narrow);
    let list_width = list_width.max((names as u16).saturating_add(13).min(area.width * 2 / 5));
    let [left, right] = area.layout(&Layout::horizontal([Constraint::Length(list_width), Constraint::Min(0)]));
    draw_list(frame, left, train, shared, hits);
    draw_run(frame, right, train, shared, &run, hits);
}

fn draw_list(frame: &mut Frame, area: Rect, train: &Train, shared: &Shared, hits: &mut Hits) {
    let title = train.table.title(shared, "Runs", area.width);
    let block = panel(shared.theme, title, NARROW);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    train.table.draw(frame, inner, shared, hits);
}

fn draw_run(frame: &mut Frame, area: Rect, train: &Train, shared: &Shared, run: &Arc<Run>, hits: &mut Hits) {
    let theme = shared.theme;
    let narrow = frame.area().width < NARROW;
    let inside = usize::from(area.width).saturating_sub(if narrow { 0 } else { 4 });
    let lines = head(shared, run, inside, area.height);
    let rows: usize = lines.iter().map(|line| line.width().div_ceil(inside.max(1)).max(1)).sum();
    let sweep = trains_several(&run.job) && run.about.curve.is_none();
    let trials = run.facts.trials > 0 || sweep || run.about.curve.is_some();
    let curves = run.has_curves();
    let top = rows as u16 + if narrow { 0 } else { 2 };
    let [head_area, rest] = area.layout(&Layout::vertical([
        if curves || trials { Constraint::Length(top.min(area.height)) } else { Constraint::Min(0) },
        if curves || trials { Constraint::Min(0) } else { Constraint::Length(0) },
    ]));
    let inner = if narrow {
        head_area
    } else {
        let block = panel(theme, run.id.to_string(), NARROW);
        let inner = block.inner(head_area);
        frame.render_widget(block, head_area);
        inner
    };
    widgets::text(frame, inner, lines, 0);
    if let Some(curve) = &run.about.curve {
        growth::draw(frame, rest, theme, curve);
    } else if curves {
        large::draw_small(frame, rest, &train.view, shared, run, hits);
    } else if sweep {
        ranking::draw(frame, rest, &train.table, shared, run);
    } else if trials {
        draw_trials(frame, rest, shared, run, narrow);
    }
}

/// With fewer lines, what is said takes fewer.
const SHORT: u16 = 30;
/// With fewer, the settings are cut.
const SHORTEST: u16 = 18;

fn head(shared: &Shared, run: &Run, width: usize, height: u16) -> Vec<Line<'static>> {
    let theme = shared.theme;
    let (short, shortest) = (height < SHORT, height < SHORTEST);
    let mut lines = bars::activity(theme, run, width);
    if let JobSpec::Train { dataset, model, refit } = &run.job {
        let with = if refit.is_some() { ", train + validation" } else { "" };
        let on = model.backbone().map_or_else(String::new, |backbone| format!("{backbone} · "));
        let text = format!("{on}{} · on {dataset}{with}", model.describe());
        lines.insert(1.min(lines.len()), Line::styled(if shortest { cut(&text, width) } else { text }, theme.dim()));
    }
    if let JobSpec::Sweep { dataset, sweep } = &run.job {
        let text = format!(
            "{} · {} · {}{}{} · on {dataset}",
            sweep.features.backbone,
            format::count(sweep.own.seeds.len(), "seed"),
            format::count(sweep.base.epochs, "epoch"),
            sweep.own.random.map_or_else(String::new, |draws| format!(" · {draws} drawn")),
            sweep
                .own
                .halving
                .map_or_else(String::new, |halving| format!(" · halving {}:{}", halving.first, halving.factor)),
        );
        lines.insert(1.min(lines.len()), Line::styled(if shortest { cut(&text, width) } else { text }, theme.dim()));
    }
    if let Some(last) = &run.facts.last_epoch {
        // On one line, so that the curves below keep theirs.
        let brief = short && width < 46;
        let at = if brief {
            format!("{}/{}", last.epoch, last.epochs)
        } else {
            format!("epoch {} of {}", last.epoch, last.epochs)
        };
        let mut spans = vec![Span::raw(at)];
        if !short {
            spans.push(Span::styled(format!(" · {} each", format::duration(last.seconds)), theme.dim()));
        }
        if let Some(Best { epoch, accuracy }) = run.facts.best {
            spans.push(Span::styled(" · best val@0.5 ", theme.dim()));
            spans.push(Span::styled(format!("{accuracy:.3}"), theme.strong()));
            spans.push(Span::styled(
                if short { format!(" at {epoch}") } else { format!(" at epoch {epoch}") },
                theme.dim(),
            ));
        }
        lines.push(Line::from(spans));
    }
    if let Some(note) = &run.facts.last_note
        && !short
    {
        lines.push(Line::styled(cut(note, width), theme.dim()));
    }
    if run.status == Status::Waiting {
        lines.push(Line::styled("Starting the worker.", theme.dim()));
    }
    if run.status == Status::Queued {
        let text =
            format!("Queued until no other training is running; {} removes it.", name_of(Context::Train, Action::Stop));
        lines.push(Line::styled(text, theme.dim()));
    }
    if run.can_go_on() {
        let text = format!("{} resumes from the last checkpoint.", name_of(Context::Train, Action::PauseResume));
        lines.push(Line::styled(text, theme.dim()));
    }
    lines
}

fn draw_trials(frame: &mut Frame, area: Rect, shared: &Shared, run: &Run, narrow: bool) {
    let theme = shared.theme;
    let inner = if narrow {
        area
    } else {
        let block = panel(theme, "Tried on validation", NARROW);
        let inner = block.inner(area);
        frame.render_widget(block, area);
        inner
    };
    let best = run.history().trials.iter().map(|trial| trial.val_accuracy).max_by(f64::total_cmp);
    let width = usize::from(inner.width).saturating_sub(22).clamp(8, 40);
    let mut lines =
        vec![Line::styled(format!("  {} {:>9} {:>8}", fit("setting", width), "val@0.5", "loss"), theme.dim())];
    for trial in &run.history().trials {
        let top = Some(trial.val_accuracy) == best;
        let style = if top { theme.strong() } else { theme.text() };
        lines.push(Line::from(vec![
            Span::styled(if top { "★ " } else { "  " }, theme.good()),
            Span::styled(
                format!("{} {:>9.3} {:>8.3}", fit(&trial.setting, width), trial.val_accuracy, trial.val_loss),
                style,
            ),
        ]));
    }
    frame.render_widget(ratatui::widgets::Paragraph::new(lines), inner);
}
