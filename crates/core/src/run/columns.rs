//! The columns of the results table, and the order of its rows by one of them.

use super::results::ResultRow;
use crate::error::Result;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::str::FromStr;

/// A column that the table can be ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Column {
    Run,
    Kind,
    Backbone,
    Params,
    Epochs,
    Train,
    Val,
    Test,
    Threshold,
    Seconds,
    Status,
}

impl Column {
    /// All columns, in the order the table shows them.
    pub const ALL: [Self; 11] = [
        Self::Run,
        Self::Kind,
        Self::Backbone,
        Self::Params,
        Self::Epochs,
        Self::Train,
        Self::Val,
        Self::Test,
        Self::Threshold,
        Self::Seconds,
        Self::Status,
    ];

    /// The name on the command line and over the column.
    pub fn name(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Kind => "kind",
            Self::Backbone => "backbone",
            Self::Params => "params",
            Self::Epochs => "epochs",
            Self::Train => "train",
            Self::Val => "val",
            Self::Test => "test",
            Self::Threshold => "threshold",
            Self::Seconds => "seconds",
            Self::Status => "status",
        }
    }

    /// Whether the first press of a sort key should put the largest on top.
    pub fn descends(self) -> bool {
        matches!(self, Self::Train | Self::Val | Self::Test)
    }
}

impl FromStr for Column {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|column| column.name() == text).ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|column| column.name()).collect();
            format!("'{text}' is not a column; there are {}", names.join(", "))
        })
    }
}

/// Orders rows by a column; rows that have no value for it come last either way, ties keep their order.
pub fn sort(rows: &mut [ResultRow], column: Column, descending: bool) {
    rows.sort_by(|a, b| order(a, b, column, descending));
}

/// The same of borrowed rows.
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

/// `dense-10` after `dense-9`.
fn run_key(run: &str) -> (&str, u64) {
    run.rsplit_once('-').and_then(|(kind, number)| Some((kind, number.parse().ok()?))).unwrap_or((run, 0))
}
