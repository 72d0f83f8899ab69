//! Train: the runs that train a model, with their curves as they grow.

pub mod board;
pub mod curves;
mod keys;
mod large;
mod pointer;
mod ranking;
mod sweep;

use super::{Gesture, Screen};
use crate::tui::app::{App, Hits, Tone};
use crate::tui::effect::Effect;
use crate::tui::forms::{DATA, FormKind};
use crate::tui::keys::{Action, Binding, Context, name_of};
use crate::tui::snapshot::{DataSet, Run};
use crate::tui::stages::{ScreenId, State as Step, Study};
use crate::tui::table::{self, Column, Kind, Signs, Table};
use crate::tui::widgets::{self, NARROW, bars, cut, fit, format, growth, panel};
use curves::{Back, View};
use faceprobe_core::run::facts::Best;
use faceprobe_core::run::filter::Filter;
use faceprobe_core::run::{JobSpec, RunId, Status};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What the screen remembers.
#[derive(Debug, Default)]
pub struct State {
    /// The run that is shown; none means the newest.
    pub selected: Option<String>,
    pub table: Table,
    /// How the curves are looked at.
    pub view: View,
}

/// The table of the runs that train.
pub static TABLE: Kind = Kind {
    screen: ScreenId::Train,
    lines: "runs",
    lists: |run| run.trains() || table::trains_several(&run.job),
    groups: table::trains_several,
    parse: Filter::parse::<Run>,
    fulfils: |filter, run| filter.matches(run),
    hint: "such as: status=done kind=dense val>0.8, or a word of a name or note",
    usual: &[(Column::Run, 0), (Column::Val, 0), (Column::Status, 1), (Column::Data, 2), (Column::Kind, 20)],
    if_differing: &[Column::Kind, Column::Data],
    settings: 3,
    order: None,
    signs: Signs::Status,
    state: |app| (&app.train.table, &app.train.selected),
    state_mut: |app| (&mut app.train.table, &mut app.train.selected),
};

/// Train in the table of screens.
pub struct Train;

impl Screen for Train {
    fn id(&self) -> ScreenId {
        ScreenId::Train
    }

    fn name(&self) -> &'static str {
        "Train"
    }

    fn keys(&self) -> &'static [Binding] {
        keys::ROWS
    }

    fn home(&self) -> Context {
        Context::Train
    }

    fn draw(&self, frame: &mut Frame, area: Rect, app: &App, hits: &mut Hits) {
        draw(frame, area, app, hits);
    }

    fn act(&self, app: &mut App, action: Action) -> Vec<Effect> {
        act(app, action)
    }

    fn select(&self, app: &mut App, line: usize) -> Vec<Effect> {
        match is_large(app) && app.train.view.table {
            true => app.train.view.cursor = Some(line + 1),
            false => select(app, line),
        }
        Vec::new()
    }

    fn filter(&self, app: &mut App, text: &str) -> Result<(), String> {
        table::filter(app, &TABLE, text)
    }

    fn cancel(&self, app: &mut App) {
        if is_large(app) {
            app.train.view.cursor = None;
        } else {
            table::cancel(app, &TABLE);
        }
    }

    fn table(&self) -> Option<&'static Kind> {
        Some(&TABLE)
    }

    fn context(&self, app: &App) -> Context {
        if is_large(app) { Context::Chart } else { self.home() }
    }

    fn plot(&self, app: &mut App, gesture: Gesture) -> Vec<Effect> {
        pointer::act(app, gesture);
        Vec::new()
    }

    fn show(&self, app: &mut App, run: &RunId) {
        match app.follow {
            // Who is led sees a sweep or a cross-validation as a whole.
            Some(_) => app.train.selected = Some(run.to_string()),
            None => table::reveal(app, &TABLE, run.as_str()),
        }
    }

    fn launched(&self, app: &mut App, run: &RunId) {
        self.show(app, run);
    }

    fn offers(&self, app: &App, action: Action) -> bool {
        match action {
            Action::Smooth | Action::ZoomIn | Action::LogScale | Action::Curves | Action::EpochTable => {
                current(app).is_some_and(|run| run.has_curves())
            }
            Action::Large => current(app).is_some_and(|run| run.has_curves() || is_sweep(&run)),
            Action::Compare => !app.marked().is_empty(),
            action => table::offers(app, &TABLE, action).unwrap_or(true),
        }
    }

    fn at_work(&self, app: &App) -> Option<Arc<Run>> {
        current(app)
    }

    fn stories(&self, app: &App) -> BTreeSet<String> {
        let runs = current(app).map_or_else(Vec::new, |run| curves::shown(app, &run));
        runs.iter().map(|run| run.id.to_string()).collect()
    }

    fn step(&self, study: &Study) -> (Step, String) {
        let training = study.snapshot.live().filter(|run| run.trains()).count();
        let detail = match (training, study.done.len()) {
            (0, 0) => "no models".into(),
            (0, 1) => "1 model".into(),
            (0, models) => format!("{models} models"),
            (live, models) => format!("{live} live, {models} done"),
        };
        (study.state(ScreenId::Train, !study.done.is_empty()), detail)
    }
}

/// The run that is shown.
fn current(app: &App) -> Option<Arc<Run>> {
    table::run(app, &TABLE)
}

/// Shows line `index` of the list.
fn select(app: &mut App, index: usize) {
    table::select(app, &TABLE, index);
}

/// What a key does here.
fn act(app: &mut App, action: Action) -> Vec<Effect> {
    if table::studies::act(app, &TABLE, action) {
        return Vec::new();
    }
    match action {
        Action::New | Action::Sweep | Action::LearningCurve if app.dataset().is_none() => {
            app.say(Tone::Bad, "There is no prepared data set to train on yet; make one on the Data screen (1).");
        }
        Action::New => app.open_form(FormKind::DENSE),
        Action::Sweep => app.open_form(FormKind::Sweep),
        Action::LearningCurve => app.open_form(FormKind::Curve(faceprobe_core::model::Kind::DENSE)),
        Action::Folds => cross_validate(app),
        Action::Compare => {
            let mut effects = app.go(ScreenId::Results.index());
            effects.extend(super::results::compare(app));
            return effects;
        }
        Action::PauseResume => return app.pause_or_resume(),
        Action::Stop => return app.stop(),
        Action::Large => match current(app) {
            Some(run) if run.has_curves() || is_sweep(&run) => app.train.view.large = true,
            _ => app.say(Tone::Plain, "There is no chart of this run yet."),
        },
        Action::Parent => return leave(app),
        Action::Unmark => app.train.view.marked.clear(),
        _ => {
            if is_large(app) && act_on_large(app, action) {
                return Vec::new();
            }
            let runs = current(app).map_or_else(Vec::new, |run| curves::shown(app, &run));
            if !app.train.view.act(action, &runs) {
                app.follow = None;
                return table::act::act(app, &TABLE, action).unwrap_or_default();
            }
        }
    }
    Vec::new()
}

/// Opens the form of a training on all folds of a cross-validation; where there is none, the form that prepares one.
fn cross_validate(app: &mut App) {
    let of =
        |set: &DataSet| set.report.as_ref().ok().and_then(|report| report.fold.as_ref()).map(|fold| fold.of.clone());
    let current = app.snapshot.dataset(app.data.selected.as_deref()).and_then(of);
    let Some(name) = current.or_else(|| app.snapshot.datasets.iter().find_map(of)) else {
        app.open_form(FormKind::Prepare);
        app.fill("split", "folds");
        app.say(Tone::Plain, "No data set is divided into folds yet; this form prepares one, then cross-validate it.");
        return;
    };
    app.open_form(FormKind::DENSE);
    app.fill(DATA, &name);
}

fn is_sweep(run: &Run) -> bool {
    matches!(run.job, JobSpec::Sweep { .. })
}

/// Whether the charts have the screen for themselves.
fn is_large(app: &App) -> bool {
    app.train.view.large && current(app).is_some_and(|run| run.has_curves() || is_sweep(&run))
}

/// Leaves the large chart, for where it was opened.
fn leave(app: &mut App) -> Vec<Effect> {
    app.train.view.large = false;
    match app.train.view.back.take() {
        Some(Back { screen, marked, selected }) => {
            app.train.view.marked = marked;
            app.train.selected = selected;
            app.go(screen.index())
        }
        None => Vec::new(),
    }
}

/// What keys mean over the large chart only; false for what they mean on the screen too.
fn act_on_large(app: &mut App, action: Action) -> bool {
    let Some(run) = current(app) else { return false };
    if is_sweep(&run) {
        return sweep::act(app, &run, action);
    }
    let action = match action {
        Action::Up if app.train.view.table => Action::CursorLeft,
        Action::Down if app.train.view.table => Action::CursorRight,
        action => action,
    };
    let runs = curves::shown(app, &run);
    app.train.view.act(action, &runs)
}

/// Shows the curves of runs large, until somebody goes back to `from`.
pub fn open_chart(app: &mut App, runs: &[String], from: ScreenId) -> Vec<Effect> {
    let Some((first, others)) = runs.split_first() else { return Vec::new() };
    let effects = app.go(ScreenId::Train.index());
    let selected = app.train.selected.replace(first.clone());
    let view = &mut app.train.view;
    (view.large, view.table, view.cursor, view.range) = (true, false, None, None);
    let marked = std::mem::replace(&mut view.marked, others.to_vec());
    view.back = Some(Back { screen: from, marked, selected });
    effects
}

/// Draws the screen.
fn draw(frame: &mut Frame, area: Rect, app: &App, hits: &mut Hits) {
    let theme = app.theme;
    let lines = table::listing(app, &TABLE);
    if let (None, 1..) = (lines.line(0), lines.all) {
        let text = format!("None of {} runs fulfils '{}'; Esc shows all.", lines.all, app.train.table.filter_text());
        let block = panel(theme, "Train", area.width);
        let inner = block.inner(area);
        frame.render_widget(block, area);
        widgets::text(frame, inner, vec![Line::raw(text)], 0);
        return;
    }
    let Some(run) = current(app) else {
        let key = name_of(Context::Train, Action::New);
        let mut lines = vec![Line::styled("Nothing has been trained yet.", theme.strong()), Line::default()];
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
    if is_large(app) {
        match is_sweep(&run) {
            true => sweep::draw(frame, area, app, &run, hits),
            false => large::draw(frame, area, app, &run, hits),
        }
        return;
    }
    if area.width < NARROW {
        draw_run(frame, area, app, &run, hits);
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
    draw_list(frame, left, app, hits);
    draw_run(frame, right, app, &run, hits);
}

fn draw_list(frame: &mut Frame, area: Rect, app: &App, hits: &mut Hits) {
    let title = table::title(app, &TABLE, "Runs", area.width);
    let block = panel(app.theme, title, NARROW);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    table::draw(frame, inner, app, &TABLE, hits);
}

fn draw_run(frame: &mut Frame, area: Rect, app: &App, run: &Arc<Run>, hits: &mut Hits) {
    let theme = app.theme;
    let narrow = frame.area().width < NARROW;
    let inside = usize::from(area.width).saturating_sub(if narrow { 0 } else { 4 });
    let lines = head(app, run, inside, area.height < 30);
    let rows: usize = lines.iter().map(|line| line.width().div_ceil(inside.max(1)).max(1)).sum();
    let sweep = table::trains_several(&run.job) && run.about.curve.is_none();
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
        large::draw_small(frame, rest, app, run, hits);
    } else if sweep {
        ranking::draw(frame, rest, app, run);
    } else if trials {
        draw_trials(frame, rest, app, run, narrow);
    }
}

fn head(app: &App, run: &Run, width: usize, short: bool) -> Vec<Line<'static>> {
    let theme = app.theme;
    let mut lines = bars::activity(theme, run, width);
    if let JobSpec::Train { dataset, model, refit } = &run.job {
        let with = if refit.is_some() { ", train + validation" } else { "" };
        let on = model.backbone().map_or_else(String::new, |backbone| format!("{backbone} · "));
        let text = format!("{on}{} · on {dataset}{with}", model.describe());
        lines.insert(1.min(lines.len()), Line::styled(if short { cut(&text, width) } else { text }, theme.dim()));
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
        lines.insert(1.min(lines.len()), Line::styled(if short { cut(&text, width) } else { text }, theme.dim()));
    }
    if let Some(last) = &run.facts.last_epoch {
        let mut spans = vec![Span::raw(format!("epoch {} of {}", last.epoch, last.epochs))];
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
    let best = run.story().trials.iter().map(|trial| trial.val_accuracy).max_by(f64::total_cmp);
    let width = usize::from(inner.width).saturating_sub(22).clamp(8, 40);
    let mut lines =
        vec![Line::styled(format!("  {} {:>9} {:>8}", fit("setting", width), "val@0.5", "loss"), theme.dim())];
    for trial in &run.story().trials {
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
