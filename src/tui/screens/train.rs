//! Train: the runs that train a model, with their curves as they grow.

use super::super::app::{App, Hits, Target, Tone, moved};
use super::super::forms::FormKind;
use super::super::jobs::Effect;
use super::super::keys::{self, Action, Context};
use super::super::snapshot::Run;
use super::super::widgets::chart::{self, Curve, Curves};
use super::super::widgets::{self, NARROW, bars, cut, fit, format, offset, panel};
use crate::run::{JobSpec, Status};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use std::sync::Arc;

/// What the screen remembers.
#[derive(Debug, Default)]
pub struct State {
    /// The run that is shown; none means the newest.
    pub selected: Option<String>,
    /// The loss on a logarithmic scale.
    pub log: bool,
    /// Where there is room for one chart only, the loss instead of the accuracy.
    pub loss: bool,
}

fn index(app: &App) -> usize {
    let wanted = app.train.selected.as_deref();
    app.snapshot.trainings().position(|run| Some(run.id.as_str()) == wanted).unwrap_or(0)
}

/// The run that is shown.
pub fn current(app: &App) -> Option<Arc<Run>> {
    app.snapshot.trainings().nth(index(app)).cloned()
}

/// Shows line `index` of the list.
pub fn select(app: &mut App, index: usize) {
    let id = app.snapshot.trainings().nth(index).map(|run| run.id.to_string());
    app.train.selected = id.or(app.train.selected.take());
}

/// What a key does here.
pub fn act(app: &mut App, action: Action) -> Vec<Effect> {
    match action {
        Action::New if app.dataset().is_none() => {
            app.say(Tone::Bad, "There is no prepared data set to train on yet; make one on the Data screen (1).");
        }
        Action::New => app.open_form(FormKind::Dense),
        Action::PauseResume => return app.pause_or_resume(),
        Action::Stop => return app.stop(),
        Action::LogScale => app.train.log = !app.train.log,
        Action::Curves => app.train.loss = !app.train.loss,
        _ => {
            let to = moved(index(app), app.snapshot.trainings().count(), action);
            select(app, to);
            app.follow = None;
        }
    }
    Vec::new()
}

/// Draws the screen.
pub fn draw(frame: &mut Frame, area: Rect, app: &App, hits: &mut Hits) {
    let theme = app.theme;
    let Some(run) = current(app) else {
        let key = keys::name_of(Context::Train, Action::New);
        let mut lines = vec![Line::styled("Nothing was trained yet.", theme.strong()), Line::default()];
        lines.push(match app.dataset() {
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
    if area.width < NARROW {
        draw_run(frame, area, app, &run);
        return;
    }
    let list_width = if area.width >= 110 { 34 } else { 22 };
    let [left, right] = area.layout(&Layout::horizontal([Constraint::Length(list_width), Constraint::Min(0)]));
    draw_list(frame, left, app, hits);
    draw_run(frame, right, app, &run);
}

fn draw_list(frame: &mut Frame, area: Rect, app: &App, hits: &mut Hits) {
    let theme = app.theme;
    let block = panel(theme, "Runs", NARROW);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let count = app.snapshot.trainings().count();
    let selected = index(app);
    let height = usize::from(inner.height);
    let first = offset(selected, count, height);
    for (row, (at, run)) in app.snapshot.trainings().enumerate().skip(first).take(height).enumerate() {
        let line = Rect { y: inner.y + row as u16, height: 1, ..inner };
        let (sign, style) = bars::status(theme, run.status);
        let figure = run.row.as_ref().and_then(|row| row.val_accuracy);
        let figure = match (run.status.is_live(), run.share()) {
            (true, Some(share)) => format!("{:.0} %", (share * 100.0).floor()),
            _ => format::share(figure),
        };
        let wide = inner.width >= 28;
        let mut text = fit(&format!(" {}", run.id), usize::from(inner.width).saturating_sub(if wide { 19 } else { 7 }));
        if wide {
            text += &fit(&format!(" {}", run.status.name()), 12);
        }
        let room = usize::from(inner.width).saturating_sub(1 + text.chars().count());
        let text = format!("{text}{figure:>room$}");
        let spans = if at == selected {
            vec![Span::styled(format!("{sign}{text}"), theme.selected())]
        } else {
            vec![Span::styled(sign, style), Span::raw(text)]
        };
        frame.render_widget(Line::from(spans), line);
        hits.push((line, Target::Row(at)));
    }
}

fn draw_run(frame: &mut Frame, area: Rect, app: &App, run: &Run) {
    let theme = app.theme;
    let narrow = frame.area().width < NARROW;
    let inside = usize::from(area.width).saturating_sub(if narrow { 0 } else { 4 });
    let lines = head(app, run, inside, area.height < 30);
    let rows: usize = lines.iter().map(|line| line.width().div_ceil(inside.max(1)).max(1)).sum();
    let trials = !run.trials.is_empty();
    let curves = !run.epochs.is_empty();
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
    if curves {
        draw_curves(frame, rest, app, run, narrow);
    } else if trials {
        draw_trials(frame, rest, app, run, narrow);
    }
}

fn head(app: &App, run: &Run, width: usize, short: bool) -> Vec<Line<'static>> {
    let theme = app.theme;
    let mut lines = bars::activity(theme, run, width);
    if let JobSpec::Train { dataset, model } = &run.job {
        let on = model.backbone().map_or_else(String::new, |backbone| format!("{backbone} · "));
        let text = format!("{on}{} · on {dataset}", model.describe());
        lines.insert(1.min(lines.len()), Line::styled(if short { cut(&text, width) } else { text }, theme.dim()));
    }
    if let Some(last) = run.epochs.last() {
        let mut spans = vec![Span::raw(format!("epoch {} of {}", last.epoch, last.epochs))];
        if !short {
            spans.push(Span::styled(format!(" · {} each", format::duration(last.seconds)), theme.dim()));
        }
        let best =
            run.epochs.iter().max_by(|a, b| a.val_accuracy.total_cmp(&b.val_accuracy).then(b.epoch.cmp(&a.epoch)));
        if let Some(best) = best {
            spans.push(Span::styled(if short { " · best val " } else { " · best validation " }, theme.dim()));
            spans.push(Span::styled(format!("{:.3}", best.val_accuracy), theme.strong()));
            spans.push(Span::styled(
                if short { format!(" at {}", best.epoch) } else { format!(" at epoch {}", best.epoch) },
                theme.dim(),
            ));
        }
        lines.push(Line::from(spans));
    }
    if let Some(note) = run.notes.last()
        && !short
    {
        lines.push(Line::styled(cut(note, width), theme.dim()));
    }
    if run.status == Status::Waiting {
        lines.push(Line::styled("The worker is starting.", theme.dim()));
    }
    lines
}

fn draw_curves(frame: &mut Frame, area: Rect, app: &App, run: &Run, narrow: bool) {
    let take = |value: fn(&crate::monitor::EpochFigures) -> f64| {
        run.epochs.iter().map(|epoch| (epoch.epoch as f64, value(epoch))).collect::<Vec<_>>()
    };
    let epochs = run.epochs.last().map_or(1, |epoch| epoch.epochs);
    let (one, two) = if narrow { ("trn", "val") } else { ("train", "validation") };
    let accuracy = [
        Curve { name: one, points: take(|epoch| epoch.train_accuracy) },
        Curve { name: two, points: take(|epoch| epoch.val_accuracy) },
    ];
    let loss = [
        Curve { name: one, points: take(|epoch| epoch.train_loss) },
        Curve { name: two, points: take(|epoch| epoch.val_loss) },
    ];
    let title = if app.train.log { "Loss (log)" } else { "Loss" };
    let accuracy = Curves { title: if narrow { "Acc" } else { "Accuracy" }, curves: &accuracy, epochs, log: false };
    let loss = Curves { title, curves: &loss, epochs, log: app.train.log };
    if area.width >= 100 {
        let [left, right] = area.layout(&Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]));
        chart::draw(frame, left, app.theme, &accuracy);
        chart::draw(frame, right, app.theme, &loss);
    } else if area.height >= 16 {
        let [top, bottom] = area.layout(&Layout::vertical([Constraint::Fill(1), Constraint::Fill(1)]));
        chart::draw(frame, top, app.theme, &accuracy);
        chart::draw(frame, bottom, app.theme, &loss);
    } else {
        chart::draw(frame, area, app.theme, if app.train.loss { &loss } else { &accuracy });
    }
}

fn draw_trials(frame: &mut Frame, area: Rect, app: &App, run: &Run, narrow: bool) {
    let theme = app.theme;
    let inner = if narrow {
        area
    } else {
        let block = panel(theme, "Tried on validation", NARROW);
        let inner = block.inner(area);
        frame.render_widget(block, area);
        inner
    };
    let best = run.trials.iter().map(|trial| trial.val_accuracy).max_by(f64::total_cmp);
    let width = usize::from(inner.width).saturating_sub(22).clamp(8, 40);
    let mut lines =
        vec![Line::styled(format!("  {} {:>9} {:>8}", fit("setting", width), "accuracy", "loss"), theme.dim())];
    for trial in &run.trials {
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
