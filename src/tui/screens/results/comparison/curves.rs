//! Validation accuracy by epoch, one curve for each model.

use super::View;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::widgets::{Axis, Chart, Dataset, GraphType};

impl View<'_> {
    pub(super) fn curves(&self, frame: &mut Frame, area: Rect) {
        let theme = self.app.theme;
        let inner = self.framed(frame, area, "Validation accuracy by epoch");
        if inner.height < 4 || inner.width < 16 {
            return;
        }
        let last = self.runs.iter().filter_map(|run| run.facts.last_epoch).map(|epoch| epoch.epoch).max().unwrap_or(2);
        let last = last.max(2) as f64;
        let points: Vec<Vec<(f64, f64)>> = self
            .runs
            .iter()
            .map(|run| {
                let figure = run.row.as_ref().and_then(|row| row.val_accuracy);
                match (!run.has_curves(), figure) {
                    // What has no epochs is a level line at what came of it.
                    (true, Some(figure)) => vec![(1.0, figure), (last, figure)],
                    _ => {
                        let epochs = run.story().epochs.iter();
                        epochs.filter_map(|epoch| Some((epoch.epoch as f64, epoch.validated?.accuracy))).collect()
                    }
                }
            })
            .collect();
        let values = || points.iter().flatten().map(|&(_, y)| y).filter(|y| y.is_finite());
        let (low, high) = (values().fold(1.0, f64::min), values().fold(0.0, f64::max));
        let air = ((high - low) * 0.08).max(0.01);
        let (low, high) = if low <= high { (low - air, high + air) } else { (0.0, 1.0) };
        let datasets = points
            .iter()
            .enumerate()
            .map(|(at, points)| {
                Dataset::default()
                    .marker(theme.hue_marker(at))
                    .graph_type(GraphType::Line)
                    .style(theme.hue(at))
                    .data(points)
            })
            .collect();
        let x = Axis::default().bounds([1.0, last]).labels(["1".to_owned(), format!("epoch {last}")]);
        let y = Axis::default().bounds([low, high]).labels([format!("{low:.2}"), format!("{high:.2}")]);
        let chart =
            Chart::new(datasets).legend_position(None).x_axis(x.style(theme.dim())).y_axis(y.style(theme.dim()));
        frame.render_widget(chart, inner);
    }
}
