//! Exact duplicates: files with the same bytes.

use super::sample::ContentHash;
use std::collections::HashMap;

/// The verdict on one candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// No other candidate has these bytes, or it is the one that is kept.
    Keep,
    /// The same bytes and label as the candidate with this index, which is kept.
    DuplicateOf(usize),
    /// The same bytes as the candidate with this index but another label: it is unknown which is right.
    Contradicts(usize),
}

/// A verdict for each candidate, given as (hash, class). The first of equal ones is kept, so the order of the
/// candidates must not depend on the machine.
pub fn judge(candidates: &[(ContentHash, usize)]) -> Vec<Verdict> {
    let mut first_of_class: HashMap<ContentHash, [Option<usize>; 2]> = HashMap::new();
    for (index, (hash, class)) in candidates.iter().enumerate() {
        first_of_class.entry(*hash).or_default()[*class].get_or_insert(index);
    }
    let verdict = |(index, (hash, class)): (usize, &(ContentHash, usize))| {
        let first = first_of_class.get(hash).copied().unwrap_or_default();
        match (first[*class], first[1 - *class]) {
            (_, Some(other)) => Verdict::Contradicts(other),
            (Some(first), None) if first != index => Verdict::DuplicateOf(first),
            _ => Verdict::Keep,
        }
    };
    candidates.iter().enumerate().map(verdict).collect()
}
