//! What the mouse does to the charts of Train.

use super::{Train, curves, is_sweep, large, sweep};
use crate::tui::charts::window;
use crate::tui::screens::Gesture;
use crate::tui::shared::Shared;

/// The wheel zooms around the pointer, a click puts the cursor, a drag shows what it went over.
pub fn act(train: &mut Train, shared: &Shared, gesture: Gesture) {
    let Some(run) = train.current(shared) else { return };
    if is_sweep(&run) {
        if let Gesture::Release { to, .. } = gesture {
            sweep::point(&mut train.view, shared, &run, to);
        }
        return;
    }
    let board = large::board(&train.view, shared, &run);
    let epoch = |x: f64| board.epoch(x).unwrap_or(1);
    let planned = curves::shown(shared, &run).iter().map(|run| curves::planned(run)).max().unwrap_or(1).max(2);
    let view = &train.view;
    let (range, cursor, drag) = match gesture {
        Gesture::Wheel { at, closer: true } => (window::closer(view.range, epoch(at), planned), view.cursor, None),
        Gesture::Wheel { at, closer: false } => (window::wider(view.range, epoch(at), planned), view.cursor, None),
        Gesture::Drag { from, to } => (view.range, view.cursor, Some((from, to))),
        Gesture::Release { from, to, wide: true } => {
            (window::between(epoch(from), epoch(to), planned).or(view.range), view.cursor, None)
        }
        Gesture::Release { to, wide: false, .. } => (view.range, Some(epoch(to)), None),
    };
    let view = &mut train.view;
    (view.range, view.cursor, view.drag) = (range, cursor, drag);
}
