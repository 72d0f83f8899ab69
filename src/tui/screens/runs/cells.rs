//! What a run says in the columns that a filter can name.

use crate::tui::snapshot::Run;
use crate::tui::table;
use faceprobe_core::run::filter::{Cell, Row};

impl Row for Run {
    const COLUMNS: &'static [&'static str] = &[
        "run", "kind", "status", "data", "title", "note", "outcome", "parent", "backbone", "settings", "took", "size",
        "pinned", "started", "val", "test", "seed",
    ];

    fn cell(&self, column: &str) -> Cell {
        let label = &self.about.label;
        match column {
            "run" => Cell::text(Some(self.id.as_str())),
            "kind" => Cell::text(Some(self.job.kind_name())),
            "status" => Cell::text(Some(self.status.name())),
            "data" => Cell::text(self.job.dataset()),
            "title" => Cell::text(Some(&label.title)),
            "note" => Cell::text(Some(&label.note)),
            "outcome" => Cell::text(self.facts.outcome.as_deref()),
            "parent" => Cell::text(self.parent.as_deref()),
            "pinned" => Cell::text(Some(if label.pinned { "yes" } else { "no" })),
            "started" => Cell::text(Some(&self.created)),
            "backbone" => Cell::text(table::column::backbone(self)),
            "settings" => Cell::text(self.row.as_ref().map(|row| row.settings.as_str())),
            "val" => Cell::Number(self.row.as_ref().and_then(|row| row.val_accuracy)),
            "test" => Cell::Number(self.row.as_ref().and_then(|row| row.test_accuracy)),
            "seed" => Cell::Number(self.row.as_ref().map(|row| row.seed as f64)),
            "took" => Cell::Number(self.seconds),
            // In the unit the screen shows for most of them.
            "size" => Cell::Number(Some(self.about.bytes as f64 / 1_048_576.0)),
            _ => Cell::Number(None),
        }
    }
}
