//! Parses the columns for folds and splits. A row with an unknown value is kept without fold or split.

use crate::dataset::label;
use crate::dataset::number::{canonical, whole};
use crate::dataset::report_text::thousands;
use crate::dataset::sample::Split;
use crate::text::excerpt;
use std::collections::BTreeMap;

/// The distinct values of a column, with the first line of each.
#[derive(Debug, Default)]
pub struct Column {
    values: BTreeMap<String, (usize, u64)>,
}

/// The meanings of the values, and warnings about the others.
#[derive(Debug, PartialEq, Eq)]
pub struct Understood<T> {
    of: BTreeMap<String, T>,
    pub warnings: Vec<String>,
}

impl<T: Copy> Understood<T> {
    /// The meaning of a value; none for an unknown one.
    pub fn get(&self, value: &str) -> Option<T> {
        self.of.get(value).copied()
    }
}

/// Maximum number of named folds.
const MOST_NAMES: usize = 64;

impl Column {
    /// Adds a row's value; an empty one means unknown.
    pub fn add(&mut self, value: &str, line: u64) {
        if let Some(value) = label::known(value) {
            self.values.entry(value).or_insert((0, line)).0 += 1;
        }
    }

    /// Folds are integers in any notation. If none of the values is an integer and all are names, they are numbered in
    /// the order of the names.
    pub fn folds(&self) -> Understood<u32> {
        let number = |value: &String| u32::try_from(whole(value)?).ok();
        let numbered: BTreeMap<String, u32> =
            self.values.keys().filter_map(|value| Some((value.clone(), number(value)?))).collect();
        if !numbered.is_empty() || self.values.is_empty() {
            let warnings =
                self.strange("fold", "no whole number; they are in no fold", |value| numbered.contains_key(value));
            return Understood { of: numbered, warnings };
        }
        let mut names: Vec<String> = self.values.keys().map(|value| label::normal(value)).collect();
        names.sort_by_key(|name| (split_number(name), name.clone()));
        names.dedup();
        if names.len() > MOST_NAMES || self.values.keys().any(|value| canonical(value).is_some()) {
            let warnings = self.strange("fold", "no whole number; they are in no fold", |_| false);
            return Understood { of: BTreeMap::new(), warnings };
        }
        let place = |value: &String| {
            let place = names.iter().position(|name| *name == label::normal(value))?;
            Some((value.clone(), u32::try_from(place).ok()?))
        };
        let order: Vec<String> =
            names.iter().take(6).enumerate().map(|(at, name)| format!("{at} is {}", excerpt(name))).collect();
        let more = if names.len() > order.len() { ", …" } else { "" };
        Understood {
            of: self.values.keys().filter_map(place).collect(),
            warnings: vec![format!(
                "The folds have names and were numbered in their order: {}{more}.",
                order.join(", ")
            )],
        }
    }

    /// Splits by name; or by CelebA's numbers (0, 1 and 2 for train, val and test), if exactly these three occur.
    pub fn splits(&self) -> Understood<Split> {
        let numbers: Option<BTreeMap<String, usize>> =
            self.values.keys().map(|value| Some((value.clone(), usize::try_from(whole(value)?).ok()?))).collect();
        if let Some(numbers) = numbers
            && (0..3).all(|number| numbers.values().any(|held| *held == number))
            && numbers.values().all(|number| *number < 3)
        {
            return Understood {
                of: numbers.into_iter().map(|(value, number)| (value, Split::ALL[number])).collect(),
                warnings: vec!["The splits 0, 1 and 2 were read as train, val and test, as CelebA has them.".into()],
            };
        }
        let named: BTreeMap<String, Split> =
            self.values.keys().filter_map(|value| Some((value.clone(), label::split(value)?))).collect();
        let warnings = self
            .strange("split", "none of train, val and test; they are in no split", |value| named.contains_key(value));
        Understood { of: named, warnings }
    }

    /// A warning about the unknown values.
    fn strange(&self, column: &str, what: &str, understood: impl Fn(&str) -> bool) -> Vec<String> {
        let others: Vec<(&String, &(usize, u64))> =
            self.values.iter().filter(|(value, _)| !understood(value)).collect();
        let rows: usize = others.iter().map(|(_, (rows, _))| rows).sum();
        let Some((value, (_, line))) = others.iter().min_by_key(|(_, (_, line))| *line) else { return Vec::new() };
        let first = format!("line {line}: '{}'", excerpt(value));
        vec![format!("The column {column} of {} rows says {what}; the first is in {first}.", thousands(rows))]
    }
}

/// The number at the end of a name, so that `fold 10` comes after `fold 9`.
fn split_number(name: &str) -> (String, u64) {
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    (stem.to_owned(), name[stem.len()..].parse().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(values: &[&str]) -> Column {
        let mut column = Column::default();
        values.iter().zip(2..).for_each(|(value, line)| column.add(value, line));
        column
    }

    #[test]
    fn folds_are_read_as_pandas_and_people_write_them() {
        for values in [
            ["0", "1", "2"],
            ["0.0", "1.0", "2.0"],
            ["0e0", "01", " 2 "],
            ["a", "b", "c"],
            ["Fold 8", "fold_9", "fold_10"],
        ] {
            let folds = column(&values).folds();
            let numbers = values.map(|value| folds.get(value));
            assert!(numbers == [Some(0), Some(1), Some(2)] || values[0] == "Fold 8", "{values:?}: {numbers:?}");
        }
        let folds = column(&["fold_9", "fold_10", "fold_8"]).folds();
        assert_eq!(["fold_8", "fold_9", "fold_10"].map(|value| folds.get(value)), [Some(0), Some(1), Some(2)]);
        let folds = column(&["1", "two", "nan", "3.5"]).folds();
        assert_eq!((folds.get("1"), folds.get("two"), folds.get("nan")), (Some(1), None, None));
        assert_eq!(
            folds.warnings,
            ["The column fold of 2 rows says no whole number; they are in no fold; the first is in line 3: 'two'."]
        );
        assert_eq!(column(&["-1", "0.5"]).folds().get("-1"), None);
    }

    #[test]
    fn splits_are_read_by_name_and_as_celeba_numbers_them() {
        let splits = column(&["0", "1.0", "2"]).splits();
        assert_eq!(["0", "1.0", "2"].map(|value| splits.get(value)), Split::ALL.map(Some));
        for other in [&["0", "1"][..], &["0", "1", "2", "3"]] {
            let splits = column(other).splits();
            assert!(splits.get("0").is_none() && splits.warnings[0].contains("line 2: '0'"), "{splits:?}");
        }
        let splits = column(&["Train", "valid", "TEST", "holdout"]).splits();
        assert_eq!((splits.get("valid"), splits.get("holdout"), splits.warnings.len()), (Some(Split::Val), None, 1));
    }
}
