//! Why rows are left out, and how many for each reason.

use super::report::{Dropped, Tally};
use super::report_text::thousands;
use std::collections::BTreeMap;

/// Why a row is not in the manifest, in the order the checks are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    PassedOver,
    NotAnImage,
    NoClass,
    MalformedRow,
    UnknownLabel,
    RepeatedRow,
    MissingFile,
    Undecodable,
    Decided,
    DuplicateImage,
    ContradictingLabels,
    NotSampled,
}

impl Reason {
    fn name(self) -> &'static str {
        match self {
            Self::PassedOver => "passed_over",
            Self::NotAnImage => "not_an_image",
            Self::NoClass => "no_class",
            Self::MalformedRow => "malformed_row",
            Self::UnknownLabel => "unknown_label",
            Self::RepeatedRow => "repeated_row",
            Self::MissingFile => "missing_file",
            Self::Undecodable => "undecodable",
            Self::Decided => "decided",
            Self::DuplicateImage => "duplicate_image",
            Self::ContradictingLabels => "contradicting_labels",
            Self::NotSampled => "not_sampled",
        }
    }

    fn explanation(self) -> &'static str {
        match self {
            Self::PassedOver => "hidden files, and those of other programs",
            Self::NotAnImage => "other files among the images",
            Self::NoClass => "images outside the class folders",
            Self::MalformedRow => "malformed rows in the label files",
            Self::UnknownLabel => "label missing or not one of the two classes",
            Self::RepeatedRow => "same photograph as in an earlier row",
            Self::MissingFile => "image file missing",
            Self::Undecodable => "image cannot be decoded",
            Self::Decided => "dropped by a decision about the image",
            Self::DuplicateImage => "exact duplicate of another file, which is kept",
            Self::ContradictingLabels => "identical to a file of the other class; all dropped",
            Self::NotSampled => "usable, but not drawn into a split",
        }
    }
}

/// Counts of left-out rows by reason.
#[derive(Debug, Clone, Default)]
pub struct Drops {
    tallies: BTreeMap<Reason, Tally>,
}

impl Drops {
    /// Counts one row; `example` is only called when its text is kept.
    pub fn add(&mut self, reason: Reason, example: impl FnOnce() -> String) {
        self.tallies.entry(reason).or_default().add(example);
    }

    /// Counts several that have one example between them.
    pub fn add_many(&mut self, reason: Reason, count: usize, example: impl FnOnce() -> String) {
        if count > 0 {
            self.tallies.entry(reason).or_default().add_many(count, example);
        }
    }

    /// How many are left out, for all reasons together.
    pub fn count(&self) -> usize {
        self.tallies.values().map(|tally| tally.count).sum()
    }

    /// The reason that left out most, with its count and its first example.
    pub fn most(&self) -> Option<String> {
        let (reason, tally) = self.tallies.iter().max_by_key(|(_, tally)| tally.count)?;
        let first = tally.examples.first().map_or_else(String::new, |first| format!("; the first: {first}"));
        Some(format!("Most of them, {}: {}{first}.", thousands(tally.count), reason.explanation()))
    }

    /// Counts what others counted.
    pub fn append(&mut self, other: Self) {
        other.tallies.into_iter().for_each(|(reason, tally)| self.merge(reason, tally));
    }

    /// Counts what an adapter counted.
    pub fn merge(&mut self, reason: Reason, tally: Tally) {
        if tally.count > 0 {
            self.tallies.entry(reason).or_default().merge(tally);
        }
    }

    /// The reasons that left anything out, in the order of the checks.
    pub fn into_account(self) -> Vec<Dropped> {
        let entry = |(reason, tally): (Reason, Tally)| Dropped {
            reason: reason.name().into(),
            explanation: reason.explanation().into(),
            count: tally.count,
            examples: tally.examples,
        };
        self.tallies.into_iter().map(entry).collect()
    }
}
