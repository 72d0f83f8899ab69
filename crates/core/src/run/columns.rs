//! Sort columns of the results table.

use super::results::ResultRow;
use crate::error::Result;
use faceprobe_settings::choices;
use std::cmp::Ordering;

choices! {
    /// A column by which the table can be sorted.
    pub enum Column {
        Run = "run",
        Kind = "kind",
        Backbone = "backbone",
        Params = "params",
        Epochs = "epochs",
        Train = "train",
        Val = "val",
        Test = "test",
        Threshold = "threshold",
        Seconds = "seconds",
        Status = "status",
    }
}

impl Column {
    /// Whether the first press of a sort key sorts in descending order.
    pub fn descends(self) -> bool {
        matches!(self, Self::Train | Self::Val | Self::Test)
    }
}

/// Sorts rows by a column; rows without a value come last in both directions, ties keep their order.
pub fn sort(rows: &mut [ResultRow], column: Column, descending: bool) {
    rows.sort_by(|a, b| order(a, b, column, descending));
}

/// The same for borrowed rows.
pub fn sort_refs(rows: &mut [&ResultRow], column: Column, descending: bool) {
    rows.sort_by(|a, b| order(a, b, column, descending));
}

fn order(a: &ResultRow, b: &ResultRow, column: Column, descending: bool) -> Ordering {
    let number = |a: Option<f64>, b: Option<f64>| match (a, b) {
        (Some(a), Some(b)) if descending => b.total_cmp(&a),
        (Some(a), Some(b)) => a.total_cmp(&b),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    };
    let turn = |ordering: Ordering| if descending { ordering.reverse() } else { ordering };
    match column {
        Column::Run => turn(run_key(&a.run).cmp(&run_key(&b.run))),
        Column::Kind => turn(a.kind.name().cmp(b.kind.name())),
        Column::Backbone => turn(a.backbone.cmp(&b.backbone)),
        Column::Params => turn(a.params.cmp(&b.params)),
        Column::Epochs => turn(a.epochs.cmp(&b.epochs)),
        Column::Train => number(a.train_accuracy, b.train_accuracy),
        Column::Val => number(a.val_accuracy, b.val_accuracy),
        Column::Test => number(a.test_accuracy, b.test_accuracy),
        Column::Threshold => number(Some(a.threshold), Some(b.threshold)),
        Column::Seconds => number(Some(a.seconds), Some(b.seconds)),
        Column::Status => turn(a.status.name().cmp(b.status.name())),
    }
}

/// Natural order: `dense-10` after `dense-9`.
fn run_key(run: &str) -> (&str, u64) {
    run.rsplit_once('-').and_then(|(kind, number)| Some((kind, number.parse().ok()?))).unwrap_or((run, 0))
}
