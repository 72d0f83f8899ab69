//! The text of the results table's cells.

use super::results::{Leak, SettingRow, Spread};
use crate::backbone::{self, TrainedOn};
use crate::evaluation::Interval;
use std::collections::BTreeSet;

/// A proportion with three digits.
pub fn share(value: Option<f64>, none: &str) -> String {
    value.map_or_else(|| none.to_owned(), |value| format!("{value:.3}"))
}

/// A proportion with its interval, if there is one.
pub fn with_interval(value: Option<f64>, interval: Option<Interval>, none: &str) -> String {
    match (value, interval) {
        (Some(value), Some(Interval { low, high })) => format!("{value:.3} [{low:.3}, {high:.3}]"),
        (value, _) => share(value, none),
    }
}

/// Mean ± standard deviation, and the number of values.
pub fn spread(spread: Option<Spread>, none: &str) -> String {
    match spread {
        Some(Spread { mean, deviation: Some(deviation), count }) => format!("{mean:.4} ± {deviation:.4} ({count})"),
        Some(Spread { mean, .. }) => format!("{mean:.4}"),
        None => none.to_owned(),
    }
}

/// A data set's name, marked if it is synthetic.
pub fn set_name(name: &str, synthetic: bool) -> String {
    format!("{name}{}", if synthetic { " (synthetic)" } else { "" })
}

/// A network's name, marked if its results must not be compared with those of ImageNet networks.
pub fn backbone_name(name: Option<&str>, none: &str) -> String {
    let Some(name) = name else { return none.to_owned() };
    match backbone::trained_on(name).and_then(TrainedOn::remark) {
        Some(remark) => format!("{name} ({remark})"),
        None => name.to_owned(),
    }
}

/// A sentence for each remark of [`backbone_name`] that occurs among these networks.
pub fn remarks<'a>(names: impl IntoIterator<Item = Option<&'a str>>) -> Vec<&'static str> {
    let explained = |name| backbone::trained_on(name).and_then(TrainedOn::explained);
    let said: BTreeSet<&str> = names.into_iter().flatten().filter_map(explained).collect();
    said.into_iter().collect()
}

/// The division of a setting's data.
pub fn division(row: &SettingRow) -> String {
    row.folds.map_or_else(|| row.split.name().to_owned(), |folds| format!("{folds} folds"))
}

/// The mark for models made after test openings of their data, by the number of certain or possible openings.
pub fn after_opening(openings: usize) -> &'static str {
    if openings > 0 { "!" } else { "" }
}

/// A setting with its kind of model, unless the setting names it already.
pub fn setting(row: &SettingRow) -> String {
    let kind = row.kind.name();
    if row.settings.starts_with(kind) { row.settings.clone() } else { format!("{kind} {}", row.settings) }
}

/// The same setting with a random split and with subjects kept together: setting, data, and for validation and test
/// both accuracies and their difference. One row per setting that has both.
pub fn leaks(rows: &[SettingRow], none: &str) -> Vec<Vec<String>> {
    let figure = |value: Option<f64>| value.map_or_else(|| none.to_owned(), |value| format!("{value:.4}"));
    let signed = |value: Option<f64>| value.map_or_else(|| none.to_owned(), |value| format!("{value:+.4}"));
    let cells = |row: &SettingRow, leak: &Leak| {
        vec![
            setting(row),
            format!("{} / {}", row.dataset, leak.dataset),
            figure(row.val_accuracy.map(|spread| spread.mean)),
            figure(leak.val_accuracy),
            signed(leak.val_leak),
            figure(row.test_accuracy.map(|spread| spread.mean)),
            figure(leak.test_accuracy),
            signed(leak.test_leak),
        ]
    };
    rows.iter().filter_map(|row| Some(cells(row, row.leak.as_ref()?))).collect()
}

/// A p-value; small ones by order of magnitude.
pub fn p_value(value: f64) -> String {
    if value < 0.0001 { format!("{value:.1e}") } else { format!("{value:.4}") }
}
