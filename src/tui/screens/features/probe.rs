//! The depth probe on Features: accuracy by stage of a network.

use crate::tui::shared::Shared;
use crate::tui::snapshot::Run;
use crate::tui::widgets::{NARROW, bars, fit, panel};
use faceprobe_core::run::JobSpec;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// Whether a run is a probe that has found something.
pub fn has_figures(run: &Run) -> bool {
    matches!(run.job, JobSpec::Probe { .. }) && run.facts.trials > 0
}

/// Draws accuracy by depth as bars, from chance on.
pub fn draw(frame: &mut Frame, area: Rect, shared: &Shared, run: &Run) {
    let theme = shared.theme;
    if area.height < 2 {
        return;
    }
    let JobSpec::Probe { dataset, features, .. } = &run.job else { return };
    let inner = if area.width < NARROW {
        area
    } else {
        let title = format!("val@0.5 by depth · {} · {} pooling · {dataset}", features.backbone, features.pool);
        let block = panel(theme, title, NARROW);
        let inner = block.inner(area);
        frame.render_widget(block, area);
        inner
    };
    let width = usize::from(inner.width);
    let mut lines = bars::activity(theme, run, width);
    let best = run.history().trials.iter().map(|trial| trial.val_accuracy).max_by(f64::total_cmp);
    let name = width.saturating_sub(30).clamp(12, 44);
    for trial in &run.history().trials {
        let top = Some(trial.val_accuracy) == best;
        // Chance is one half.
        let share = ((trial.val_accuracy - 0.5) * 2.0).max(0.0);
        let room = width.saturating_sub(name + 12);
        lines.push(Line::from(vec![
            Span::styled(if top { "★ " } else { "  " }, theme.good()),
            Span::styled(fit(&trial.setting, name), if top { theme.strong() } else { theme.text() }),
            Span::styled(format!(" {:.3}  ", trial.val_accuracy), if top { theme.strong() } else { theme.text() }),
            Span::styled(bars::bar(room, share), theme.hue(usize::from(top))),
        ]));
    }
    // The newest stays visible.
    let more = lines.len().saturating_sub(usize::from(inner.height));
    frame.render_widget(ratatui::widgets::Paragraph::new(lines).scroll((more as u16, 0)), inner);
}
