//! A setting of a sweep against what its heads came to on validation.

use super::curves::View;
use super::ranking;
use crate::tui::charts::lines::{self, Chart, Legend, Series};
use crate::tui::charts::scale::Scale;
use crate::tui::charts::scatter::{self, Column, Head};
use crate::tui::keys::{Action, Context, name_of};
use crate::tui::shared::{Hits, Shared, Target};
use crate::tui::snapshot::Run;
use crate::tui::theme::Stroke;
use crate::tui::widgets::{NARROW, cut, format, panel};
use faceprobe_core::run::JobSpec;
use faceprobe_settings::{Role, label};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};

/// What is known of the heads of a sweep that have a figure.
fn heads(shared: &Shared, sweep: &Run) -> Vec<Head> {
    let head = |run: &std::sync::Arc<Run>| {
        let JobSpec::Train { model, .. } = &run.job else { return None };
        let infos = model.any().infos();
        let is_seed = |name: &str| infos.iter().any(|info| info.name == name && info.role == Role::Seed);
        let settings = model.any().pairs().into_iter().filter(|(name, _)| !is_seed(name)).collect();
        let accuracy = ranking::best(run)?;
        Some(Head { run: run.id.to_string(), settings, accuracy, live: run.status.is_live() })
    };
    ranking::heads(shared, sweep).iter().filter_map(head).collect()
}

/// The setting along x: the one that was chosen, else the first that is a number.
fn along(view: &View, heads: &[Head]) -> Option<&'static str> {
    let numbers: Vec<&str> = numbers(heads);
    let chosen = view.setting.filter(|chosen| numbers.contains(chosen));
    chosen.or_else(|| scatter::varied(heads).first().filter(|(_, number)| *number).map(|(name, _)| *name))
}

fn numbers(heads: &[Head]) -> Vec<&'static str> {
    scatter::varied(heads).into_iter().filter(|(_, number)| *number).map(|(name, _)| name).collect()
}

/// What a key does over the large chart of a sweep; false where it means nothing there.
pub fn act(view: &mut View, shared: &Shared, sweep: &Run, action: Action) -> bool {
    let heads = heads(shared, sweep);
    let Some(setting) = along(view, &heads) else { return false };
    let columns = scatter::columns(&heads, setting);
    let last = columns.len().saturating_sub(1);
    let at = view.column.unwrap_or(last).min(last);
    match action {
        Action::Along => {
            let numbers = numbers(&heads);
            let place = numbers.iter().position(|name| *name == setting).unwrap_or(0);
            view.setting = numbers.get((place + 1) % numbers.len().max(1)).copied();
            view.setting_log = None;
            view.column = None;
        }
        Action::LogX | Action::LogScale => {
            view.setting_log = Some(!view.setting_log.unwrap_or_else(|| scatter::wants_log(&columns)));
        }
        Action::CursorLeft => view.column = Some(at.saturating_sub(1)),
        Action::CursorRight => view.column = Some((at + 1).min(last)),
        Action::Top => view.column = Some(0),
        Action::Bottom => view.column = Some(last),
        Action::CursorBest => {
            let best = columns.iter().enumerate().max_by(|a, b| a.1.best_accuracy.total_cmp(&b.1.best_accuracy));
            view.column = best.map(|(at, _)| at);
        }
        _ => return false,
    }
    true
}

/// Puts the cursor on the value closest to `x`.
pub fn point(view: &mut View, shared: &Shared, sweep: &Run, x: f64) {
    let heads = heads(shared, sweep);
    let Some(setting) = along(view, &heads) else { return };
    let columns = scatter::columns(&heads, setting);
    let far = |column: &Column| (column.value - x).abs();
    let closest = columns.iter().enumerate().min_by(|a, b| far(a.1).total_cmp(&far(b.1)));
    view.column = closest.map(|(at, _)| at);
}

/// Draws the large chart of a sweep.
pub fn draw(frame: &mut Frame, area: Rect, view: &View, shared: &Shared, sweep: &Run, hits: &mut Hits) {
    let theme = shared.theme;
    let [head, main, foot] =
        area.layout(&Layout::vertical([Constraint::Length(1), Constraint::Min(0), Constraint::Length(2)]));
    let hint = format!(" {} back ", name_of(Context::Chart, Action::Parent));
    let width = (hint.chars().count() as u16).min(head.width);
    frame.render_widget(Span::styled(hint, theme.dim()), Rect { x: head.right() - width, width, ..head });
    let heads = heads(shared, sweep);
    let Some(setting) = along(view, &heads) else {
        frame.render_widget(
            Span::styled(format!(" {}", sweep.id), theme.strong()),
            Rect { width: head.width - width, ..head },
        );
        let text = "There are not two heads yet that differ in a numeric setting and have a validation accuracy.";
        crate::tui::widgets::text(frame, main, vec![Line::styled(text, theme.dim())], 0);
        return;
    };
    let numbers = numbers(&heads);
    let mut title = vec![Span::styled(format!(" {}", sweep.id), theme.strong())];
    if numbers.len() > 1 && area.width >= NARROW {
        let at = numbers.iter().position(|name| *name == setting).unwrap_or(0);
        let key = name_of(Context::Chart, Action::Along);
        title.push(Span::styled(format!(" · setting {} of {}, {key} the next", at + 1, numbers.len()), theme.dim()));
    }
    frame.render_widget(Line::from(title), Rect { width: head.width - width, ..head });
    let columns = scatter::columns(&heads, setting);
    let log = view.setting_log.unwrap_or_else(|| scatter::wants_log(&columns));
    let log = log && columns.iter().all(|column| column.value > 0.0);
    let other = scatter::varied(&heads).into_iter().map(|(name, _)| name).find(|name| *name != setting);
    let (series, legend) = series(shared, &heads, setting, other, &columns);
    let mut about = vec![Span::styled(
        match area.width < NARROW {
            true => format!("val@τ by {}", label(setting)),
            false => format!("Validation accuracy (val@τ) by {}{}", label(setting), if log { " (log)" } else { "" }),
        },
        theme.strong(),
    )];
    let room = usize::from(area.width).saturating_sub(about[0].content.chars().count() + 4);
    // The value says it where there is no room for the setting's name.
    let short = |name: &str| name.rsplit(' ').next().unwrap_or(name).to_owned();
    let told = series.iter().zip(legend).filter_map(|(s, name)| name.map(|name| (s, name.clone(), short(&name))));
    about.extend(Legend::new(told).spans(theme, room));
    let inner = if frame.area().width < NARROW {
        frame.render_widget(Line::from(about), Rect { height: 1.min(main.height), ..main });
        Rect { y: main.y + 1, height: main.height.saturating_sub(1), ..main }
    } else {
        let block = panel(theme, Line::from(about), NARROW);
        let inner = block.inner(main);
        frame.render_widget(block, main);
        inner
    };
    let at = view.column.unwrap_or(usize::MAX).min(columns.len().saturating_sub(1));
    let x = across(&columns, log);
    let chart = Chart {
        series: &series,
        x,
        y: Scale::around(heads.iter().map(|head| head.accuracy), true, false),
        x_name: "",
        x_text: plain,
        whole: columns.iter().all(|column| column.value.fract() == 0.0),
        // The values that were tried, where they can all be written.
        x_ticks: columns.iter().map(|column| column.value).filter(|_| columns.len() <= 10).collect(),
        chance: Some(0.5),
        cursor: columns.get(at).map(|column| column.value),
        drag: None,
    };
    if let Some(graph) = lines::render(frame, inner, theme, &chart) {
        hits.push((graph, Target::Plot(x)));
    }
    if let Some(column) = columns.get(at) {
        let spread = column.spread.map_or_else(String::new, |spread| format!(" ± {spread:.3}"));
        let text = format!(" {} {}: ", label(setting), plain(column.value));
        let figures = format!("mean {:.3}{spread} of {}", column.mean, format::count(column.count, "head"));
        let best = format!(" {} best {} {:.3}", lines::star(theme), column.best, column.best_accuracy);
        let live = heads.iter().filter(|head| head.live).count();
        let note = match live {
            0 => String::new(),
            _ => format!(" {} running: their best val@0.5 so far", format::count(live, "head")),
        };
        let first = Line::from(vec![Span::styled(text, theme.dim()), Span::styled(figures, theme.strong())]);
        let wide = usize::from(foot.width) >= first.width() + best.chars().count();
        let mut lines = vec![first];
        match wide {
            true => {
                lines[0].spans.push(Span::raw(best));
                lines.push(Line::styled(cut(&note, usize::from(foot.width)), theme.warning()));
            }
            false => lines.push(Line::raw(cut(&best, usize::from(foot.width)))),
        }
        frame.render_widget(ratatui::widgets::Paragraph::new(lines), foot);
    }
}

fn plain(value: f64) -> String {
    if value != 0.0 && value.abs() < 1e-3 { format!("{value:e}") } else { format!("{}", (value * 1e6).round() / 1e6) }
}

/// Around the values, with air, so that none lies on the edge.
fn across(columns: &[Column], log: bool) -> Scale {
    let low = columns.first().map_or(0.0, |column| column.value);
    let high = columns.last().map_or(1.0, |column| column.value);
    if log {
        let air = (high / low).powf(0.06);
        return Scale::new(low / air, high * air, true);
    }
    let air = (high - low) * 0.05;
    Scale::new(low - air, high + air, false)
}

/// The heads by the values of the other setting, if it has few, and the means; with what the heading calls them.
fn series(
    shared: &Shared,
    heads: &[Head],
    setting: &str,
    other: Option<&'static str>,
    columns: &[Column],
) -> (Vec<Series>, Vec<Option<String>>) {
    let theme = shared.theme;
    let point = |head: &Head| Some((head.number(setting)?, head.accuracy));
    let mut groups: Vec<&str> =
        other.map_or_else(Vec::new, |other| heads.iter().filter_map(|h| h.text(other)).collect());
    groups.sort_by(|a, b| {
        let number = |text: &str| text.parse::<f64>().unwrap_or(f64::MAX);
        number(a).total_cmp(&number(b)).then_with(|| a.cmp(b))
    });
    groups.dedup();
    // More colours than this are not told apart.
    let split = other.filter(|_| (2..=6).contains(&groups.len()));
    let groups: Vec<Option<&str>> = if split.is_some() { groups.into_iter().map(Some).collect() } else { vec![None] };
    let means = Series {
        swatch: String::from(if theme.plain() { "." } else { "━" }),
        style: theme.dim(),
        marker: if theme.plain() { Marker::Custom('.') } else { Marker::Braille },
        points: columns.iter().map(|column| (column.value, column.mean)).collect(),
        stroke: Stroke::Whole,
        raw: Vec::new(),
        best: None,
        scattered: false,
    };
    let mut all = vec![means];
    let mut names = vec![Some("mean".to_owned())];
    for (hue, group) in groups.into_iter().enumerate() {
        let of = |head: &&Head| group.is_none_or(|group| split.and_then(|other| head.text(other)) == Some(group));
        let swatch = theme.hue_swatch(hue);
        all.push(Series {
            marker: Marker::Custom(swatch.chars().next().unwrap_or('+')),
            swatch,
            style: theme.hue(hue),
            points: heads.iter().filter(of).filter_map(point).collect(),
            stroke: Stroke::Whole,
            raw: Vec::new(),
            best: None,
            scattered: true,
        });
        names.push(group.zip(split).map(|(group, other)| format!("{} {group}", label(other))));
    }
    let best = heads.iter().filter_map(point).reduce(|best, point| if point.1 > best.1 { point } else { best });
    if let Some(last) = all.last_mut() {
        last.best = best;
    }
    (all, names)
}
