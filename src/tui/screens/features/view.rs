//! Draws Features: the backbones, their cached features, and the extraction at work.

use super::{probe, work};
use crate::tui::keys::{Action, Context, name_of};
use crate::tui::shared::{Hits, Shared, Target};
use crate::tui::snapshot::Weights;
use crate::tui::widgets::{self, NARROW, bars, cut, fit, format, offset, panel};
use faceprobe_core::run::{JobSpec, Status};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

/// Draws the screen.
pub fn draw(frame: &mut Frame, area: Rect, selected: usize, shared: &Shared, hits: &mut Hits) {
    let narrow = area.width < NARROW;
    let framing = if narrow { 1 } else { 2 };
    // A narrow screen has no headings and one line about the network under the cursor.
    let (about, heading) = if narrow { (1, 0) } else { (3, 1) };
    let most = |share: u16| (area.height / share).max(1);
    let backbones = (shared.snapshot.backbones.len() as u16).clamp(1, most(4)) + about + framing;
    let stores = (shared.snapshot.stores.len() as u16).clamp(1, most(3)) + heading + framing;
    let rows = Layout::vertical([Constraint::Length(backbones), Constraint::Length(stores), Constraint::Min(0)]);
    let [top, middle, bottom] = area.layout(&rows);
    draw_backbones(frame, top, selected, shared, hits);
    draw_stores(frame, middle, shared);
    match work(&shared.snapshot) {
        Some(run) if probe::has_figures(run) => probe::draw(frame, bottom, shared, run),
        _ => draw_work(frame, bottom, shared),
    }
}

/// The inside of a framed part, or of a titled one on a narrow screen.
fn part(frame: &mut Frame, area: Rect, shared: &Shared, title: &'static str) -> Rect {
    if area.width < NARROW {
        frame.render_widget(Span::styled(title, shared.theme.strong()), Rect { height: 1.min(area.height), ..area });
        return Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    }
    let block = panel(shared.theme, title, area.width);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    inner
}

fn draw_backbones(frame: &mut Frame, area: Rect, selected: usize, shared: &Shared, hits: &mut Hits) {
    let theme = shared.theme;
    let inner = part(frame, area, shared, "Backbones");
    let backbones = &shared.snapshot.backbones;
    let width = usize::from(inner.width);
    let narrow = area.width < NARROW;
    let about = if narrow { 1 } else { 3 };
    let list = Rect { y: inner.y + u16::from(!narrow), height: inner.height.saturating_sub(about), ..inner };
    if !narrow {
        let head = format!("  {} {:>6} {:>8}  weights", fit("network", 22), "input", "features");
        frame.render_widget(Span::styled(head, theme.dim()), Rect { height: 1.min(inner.height), ..inner });
    }
    let selected = selected.min(backbones.len().saturating_sub(1));
    let first = offset(selected, backbones.len(), usize::from(list.height));
    for (row, (at, backbone)) in backbones.iter().enumerate().skip(first).take(usize::from(list.height)).enumerate() {
        let line = Rect { y: list.y + row as u16, height: 1, ..list };
        let (sign, state, style) = match &backbone.weights {
            Weights::Present { bytes, .. } => ("✓", format!("installed, {}", format::bytes(*bytes)), theme.good()),
            Weights::Absent => ("○", "not installed".to_owned(), theme.dim()),
            Weights::Broken(_) => ("✗", "damaged".to_owned(), theme.bad()),
        };
        let text = if narrow {
            format!(" {} ", fit(&backbone.title, width.saturating_sub(20)))
        } else {
            let features = format::thousands(backbone.features as u64);
            format!(" {} {:>6} {features:>8}  ", fit(&backbone.title, 22), backbone.input)
        };
        let spans = if at == selected {
            vec![Span::styled(fit(&format!("{sign}{text}{state}"), width), theme.selected())]
        } else {
            vec![Span::styled(sign, style), Span::raw(text), Span::styled(state, style)]
        };
        frame.render_widget(Line::from(spans), line);
        hits.push((line, Target::Row(at)));
    }
    let Some(backbone) = backbones.get(selected) else {
        return;
    };
    let note = match &backbone.weights {
        Weights::Present { sha256: Some(hash), .. } => {
            let text = format!("sha256 {hash}");
            Line::styled(if narrow { cut(&text, width) } else { text }, theme.dim())
        }
        Weights::Present { .. } => Line::styled("weights are installed", theme.dim()),
        Weights::Absent => Line::from(vec![
            Span::styled(name_of(Context::Features, Action::FetchWeights), theme.accent()),
            Span::styled(
                if narrow {
                    " downloads or imports them"
                } else {
                    " downloads the weights, or imports them from a file"
                },
                theme.dim(),
            ),
        ]),
        Weights::Broken(error) => Line::styled(error.clone(), theme.bad()),
    };
    let room = inner.bottom().saturating_sub(list.bottom()).min(2);
    widgets::text(frame, Rect { y: list.bottom(), height: room, ..inner }, vec![note], 0);
}

fn draw_stores(frame: &mut Frame, area: Rect, shared: &Shared) {
    let theme = shared.theme;
    let inner = part(frame, area, shared, "Cached features");
    if shared.snapshot.stores.is_empty() {
        let key = name_of(Context::Features, Action::Extract);
        let line = Line::from(vec![
            "Nothing yet. ".into(),
            Span::styled(key, theme.accent()),
            " extracts the features of ".into(),
            Span::styled(shared.dataset().unwrap_or("a data set").to_owned(), theme.strong()),
            ".".into(),
        ]);
        widgets::text(frame, inner, vec![line], 0);
        return;
    }
    let mut lines = Vec::new();
    if area.width < NARROW {
        for store in &shared.snapshot.stores {
            let text = format!("{:>7} rows {:>9}", format::thousands(store.rows as u64), format::bytes(store.bytes));
            lines.push(Line::raw(format!(
                "{} {text}",
                fit(&store.backbone, usize::from(inner.width).saturating_sub(24))
            )));
        }
    } else {
        let head = format!(
            "{} {:>8} {:>8} {:>9} {:>6} {:>10}",
            fit("network", 20),
            "layer",
            "pooling",
            "rows",
            "parts",
            "size"
        );
        lines.push(Line::styled(head, theme.dim()));
        for store in &shared.snapshot.stores {
            lines.push(Line::raw(format!(
                "{} {:>8} {:>8} {:>9} {:>6} {:>10}",
                fit(&store.backbone, 20),
                store.tap,
                store.pool,
                format::thousands(store.rows as u64),
                store.parts,
                format::bytes(store.bytes)
            )));
        }
    }
    frame.render_widget(ratatui::widgets::Paragraph::new(lines), inner);
}

fn draw_work(frame: &mut Frame, area: Rect, shared: &Shared) {
    let theme = shared.theme;
    let Some(run) = work(&shared.snapshot) else {
        return;
    };
    if area.height < 2 {
        return;
    }
    let inner = part(frame, area, shared, if run.status.is_live() { "Extraction" } else { "Last extraction" });
    let mut lines = bars::activity(theme, run, usize::from(inner.width));
    if let JobSpec::Extract { dataset, features } = &run.job {
        lines.insert(1.min(lines.len()), Line::styled(format!("{} on {dataset}", features.backbone), theme.dim()));
    }
    if run.facts.skipped > 0 {
        lines.push(Line::styled(format!("{} skipped", format::thousands(run.facts.skipped as u64)), theme.warning()));
        lines.extend(
            run.history().skipped.iter().rev().map(|skipped| Line::styled(format!("  {skipped}"), theme.dim())),
        );
    } else if run.status == Status::Done {
        lines.push(Line::styled("No images were skipped.", theme.dim()));
    }
    widgets::text(frame, inner, lines, 0);
}
