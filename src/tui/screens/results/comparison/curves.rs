//! Validation accuracy by epoch, one curve for each model.

use super::View;
use crate::tui::screens::train::board::{Board, Figure};
use crate::tui::screens::train::curves;
use crate::tui::shared::Hits;
use ratatui::Frame;
use ratatui::layout::Rect;

impl View<'_> {
    pub(super) fn curves(&self, frame: &mut Frame, area: Rect) {
        let runs: Vec<_> = self.runs.iter().enumerate().map(|(at, run)| (std::sync::Arc::clone(run), at)).collect();
        let view = curves::View::default();
        // Its key opens the instrument; here nothing answers the mouse.
        Board::of(self.shared, &view, &runs).draw(frame, area, Figure::Accuracy, &mut Hits::new());
    }
}
