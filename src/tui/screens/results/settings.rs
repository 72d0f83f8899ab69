//! The table by setting: mean and spread over the seeds.

use super::super::super::keys::{self, Action, Context};
use super::super::super::shared::{Hits, Shared, Target};
use super::super::super::widgets::{self, NARROW, fit, format, offset, panel};
use super::Results;
use faceprobe_core::run::Status;
use faceprobe_core::run::result_text::backbone_name;
use faceprobe_core::run::results::{SettingRow, Spread, by_setting};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use std::rc::Rc;

/// The settings of the models that fulfil the filter, the best mean on validation first.
pub fn rows(results: &Results, shared: &Shared) -> Rc<Vec<SettingRow>> {
    let lines = results.table.listing(shared);
    results.settings.of(lines.runs().filter(|run| run.status == Status::Done), |runs| {
        by_setting(runs.iter().filter_map(|run| run.row.as_ref()))
    })
}

fn spread(value: Option<Spread>, roomy: bool, none: &str) -> String {
    match value {
        Some(Spread { mean, deviation: Some(deviation), .. }) if roomy => {
            let deviation = format!("{deviation:.3}");
            format!("{mean:.3} ±{}", deviation.trim_start_matches('0'))
        }
        Some(Spread { mean, .. }) => format!("{mean:.3}"),
        None => none.to_owned(),
    }
}

/// Draws the table and the runs of its line.
pub fn draw(frame: &mut Frame, area: Rect, results: &Results, shared: &Shared, hits: &mut Hits) {
    let theme = shared.theme;
    let rows = rows(results, shared);
    let key = keys::name_of(Context::Results, Action::BySetting);
    let title = Line::from(vec![
        Span::raw("Settings"),
        Span::styled(format!("  mean ± deviation over seeds, {key} shows runs"), theme.dim()),
    ]);
    let narrow = area.width < NARROW;
    let below = if narrow { 2 } else { 5 };
    let [table, notes] = area.layout(&Layout::vertical([Constraint::Min(3), Constraint::Length(below)]));
    let block = panel(theme, title, area.width);
    let inner = block.inner(table);
    frame.render_widget(block, table);
    if rows.is_empty() {
        widgets::text(frame, inner, vec![Line::raw("No finished model matches the filter; Esc shows all.")], 0);
        return;
    }
    let selected = results.setting.min(rows.len() - 1);
    let roomy = !narrow;
    let figure = if roomy { 11 } else { 6 };
    let fixed = 6 + 2 * (figure + 2);
    let room = usize::from(inner.width).saturating_sub(fixed);
    let head = format!("{} {:>5}  {:>figure$}  {:>figure$}", fit("setting", room), "seeds", "val@τ", "test@τ");
    frame.render_widget(Span::styled(head, theme.dim()), Rect { height: 1.min(inner.height), ..inner });
    let body = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
    let height = usize::from(body.height);
    let first = offset(selected, rows.len(), height);
    for (line, (at, row)) in rows.iter().enumerate().skip(first).take(height).enumerate() {
        let area = Rect { y: body.y + line as u16, height: 1, ..body };
        let backbone = row.backbone.as_deref().map_or_else(String::new, |backbone| format!("{backbone} "));
        let name = format!("{} {backbone}{}", row.kind.name(), row.settings);
        let mark = if row.after_test_openings > 0 { "!" } else { " " };
        let unopened = if roomy { "not opened" } else { "–" };
        let spans = vec![
            Span::raw(format!("{} {:>5}  ", fit(&name, room), row.seeds.len())),
            Span::styled(format!("{:>figure$}  ", spread(row.val_accuracy, roomy, "–")), theme.strong()),
            Span::styled(format!("{:>figure$}", spread(row.test_accuracy, roomy, unopened)), theme.strong()),
            Span::styled(mark, theme.warning()),
        ];
        let mut text = Line::from(spans);
        if at == selected {
            for span in &mut text.spans {
                span.style = theme.selected();
            }
            frame.buffer_mut().set_style(area, theme.selected());
        }
        frame.render_widget(text, area);
        hits.push((area, Target::Row(at)));
    }
    let row = &rows[selected];
    let block = panel(theme, row.kind.name(), area.width);
    let inner = block.inner(notes);
    frame.render_widget(block, notes);
    let seeds: Vec<String> =
        row.runs.iter().zip(&row.seeds).map(|(run, seed)| format!("{run} (seed {seed})")).collect();
    let backbone = row.backbone.is_some().then(|| backbone_name(row.backbone.as_deref(), ""));
    let features = [backbone.as_deref(), row.tap.as_deref(), row.pool.as_deref()];
    let features: Vec<&str> = features.into_iter().flatten().collect();
    let lines = vec![
        Line::raw(format!("{} · {} · on {}", features.join(" "), row.settings, row.dataset)),
        Line::styled(seeds.join(", "), theme.dim()),
        Line::styled(format!("train {}", spread(row.train_accuracy, true, &format::share(None))), theme.dim()),
    ];
    frame.render_widget(ratatui::widgets::Paragraph::new(lines), inner);
}
