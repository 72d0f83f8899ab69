//! Selects the rows that become samples: the checks that each row goes through, in order. Every dropped row is counted
//! under its reason.

use super::decisions::{Decision, class_of};
use super::duplicates::{Verdict, judge};
use super::followed::{DecisionMap, Followed, ruling_text};
use super::inspect::Stamp;
use super::locate::{Locator, Placed, place};
use super::prepare::{PrepareSettings, Source};
use super::reasons::{Drops, Reason};
use super::report::PrepareReport;
use super::report_text::thousands;
use super::sample::ContentHash;
use super::source::RawRow;
use crate::error::{Error, Result};
use crate::text::excerpt;
use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

/// A row that is being checked.
pub(super) struct Candidate {
    /// Index of its source.
    pub source: usize,
    pub row: RawRow,
    /// Where the image should be.
    pub file: PathBuf,
    /// None if the file does not exist.
    pub stamp: Option<Stamp>,
}

/// A candidate that passed every check.
pub(super) struct Usable {
    pub source: usize,
    pub row: RawRow,
    pub class: usize,
    pub hash: ContentHash,
}

/// Collects the rows of all sources, looks up their image files, and counts them for the report.
pub(super) fn candidates(
    sources: &mut [Source],
    report: &mut PrepareReport,
    drops: &mut Drops,
) -> (Vec<Candidate>, Vec<Locator>) {
    let (mut candidates, mut locators) = (Vec::new(), Vec::new());
    for (source, read) in sources.iter_mut().enumerate() {
        let rows = std::mem::take(&mut read.rows.rows);
        let problems = std::mem::take(&mut read.rows.problems);
        let set_aside = std::mem::take(&mut read.rows.set_aside);
        report.rows += rows.len() + problems.count + set_aside.count();
        drops.append(set_aside);
        drops.merge(Reason::MalformedRow, problems);
        let (placed, locator) = place(&read.rows.root, rows);
        read.rows.warnings.extend(locator.note.clone());
        let mut keys = HashSet::new();
        report.repeated_keys += placed.iter().filter(|placed| !keys.insert(placed.row.key.as_str())).count();
        candidates.extend(placed.into_iter().map(|Placed { row, file, stamp }| Candidate { source, row, file, stamp }));
        locators.push(locator);
    }
    for candidate in &candidates {
        let label = if candidate.row.raw_label.is_empty() { "(empty)" } else { &candidate.row.raw_label };
        *report.raw_labels.entry(excerpt(label)).or_default() += 1;
    }
    report.images_present = candidates.iter().filter(|candidate| candidate.stamp.is_some()).count();
    (candidates, locators)
}

/// Drops unknown labels, repeated rows and missing files, in this order.
///
/// A repeated row with another label is not a repetition: both stay, and are dropped as contradicting when their equal
/// bytes are found.
pub(super) fn screen(
    mut candidates: Vec<Candidate>,
    locators: &mut [Locator],
    report: &mut PrepareReport,
    drops: &mut Drops,
) -> Vec<Candidate> {
    candidates.retain(|candidate| {
        let known = candidate.row.class.is_some();
        if !known {
            drops.add(Reason::UnknownLabel, || {
                let Candidate { row, .. } = candidate;
                let label = if row.raw_label.is_empty() { "empty" } else { &row.raw_label };
                format!("{} ({label})", row.path)
            });
        }
        known
    });
    let mut seen = HashSet::new();
    candidates.retain(|candidate| {
        let is_new = seen.insert((candidate.source, candidate.row.key.clone(), candidate.row.class));
        if !is_new {
            drops.add(Reason::RepeatedRow, || candidate.row.path.clone());
        }
        is_new
    });
    candidates.retain(|candidate| {
        if candidate.stamp.is_none() {
            let path = &candidate.row.path;
            let mut near = || locators.get_mut(candidate.source).and_then(|locator| locator.near(path));
            drops.add(Reason::MissingFile, || match near() {
                Some(near) => format!("{path}; there is {near}"),
                None => path.clone(),
            });
        }
        candidate.stamp.is_some()
    });
    let subjects = candidates.iter().any(|candidate| candidate.row.subject.is_some());
    report.subjects = subjects.then_some(0);
    candidates
}

pub(super) fn decodable(
    candidates: Vec<Candidate>,
    inspected: Vec<Result<ContentHash, String>>,
    drops: &mut Drops,
) -> Vec<Usable> {
    let mut usable = Vec::new();
    for (candidate, inspected) in candidates.into_iter().zip(inspected) {
        let Candidate { source, row, .. } = candidate;
        match (inspected, row.class) {
            (Ok(hash), Some(class)) => usable.push(Usable { source, class, hash, row }),
            (Err(reason), _) => drops.add(Reason::Undecodable, || format!("{}: {reason}", row.path)),
            // Rows without a class were dropped before.
            (Ok(_), None) => {}
        }
    }
    usable
}

/// The decisions to record in the report: all that the settings state, or those of the workspace on these images.
pub(super) fn followed(usable: &[Usable], settings: &PrepareSettings, rulings: &DecisionMap) -> Vec<String> {
    let there: HashSet<ContentHash> = match settings.decisions {
        Followed::Workspace => usable.iter().map(|sample| sample.hash).collect(),
        Followed::These(_) => rulings.keys().copied().collect(),
    };
    rulings
        .iter()
        .filter(|(hash, _)| there.contains(hash))
        .map(|(hash, decision)| ruling_text(hash, decision))
        .collect()
}

/// Applies the user's decisions: drops and relabels. Returns a sentence about relabelled images, if there are any.
pub(super) fn decided(
    mut usable: Vec<Usable>,
    settings: &PrepareSettings,
    rulings: &DecisionMap,
    classes: &[String; 2],
    drops: &mut Drops,
) -> Result<(Vec<Usable>, Option<String>)> {
    let mut relabelled = 0;
    for sample in &mut usable {
        if let Some(Decision::Relabel(label)) = rulings.get(&sample.hash) {
            let class = class_of(label, classes).ok_or_else(|| {
                let (place, mend) = match settings.decisions {
                    Followed::Workspace => ("data/decisions.csv relabels", "decide on it again"),
                    Followed::These(_) => ("The set's decisions relabel", "state one of them"),
                };
                Error::failed(format!(
                    "{place} {} as '{}', which is neither {}; {mend}.",
                    excerpt(&sample.row.path),
                    excerpt(label),
                    classes.join(" nor ")
                ))
            })?;
            relabelled += usize::from(class != sample.class);
            sample.class = class;
        }
    }
    usable.retain(|sample| {
        let dropped = rulings.get(&sample.hash) == Some(&Decision::Drop);
        if dropped {
            drops.add(Reason::Decided, || sample.row.path.clone());
        }
        !dropped
    });
    let place = if settings.decisions == Followed::Workspace { " in data/decisions.csv" } else { "" };
    let sentence = (relabelled > 0).then(|| {
        format!("{} images have the label that was decided{place} instead of their own.", thousands(relabelled))
    });
    Ok((usable, sentence))
}

/// Sets the group of images that an audit found to be near-duplicates. Returns a sentence about them, if there are any;
/// a group with only one image left does not count.
pub(super) fn group(usable: &mut [Usable], remembered: &BTreeMap<ContentHash, ContentHash>) -> Option<String> {
    let mut members: BTreeMap<ContentHash, usize> = BTreeMap::new();
    for sample in usable.iter() {
        remembered.get(&sample.hash).into_iter().for_each(|group| *members.entry(*group).or_default() += 1);
    }
    members.retain(|_, count| *count > 1);
    for sample in usable.iter_mut().filter(|sample| sample.row.group.is_none()) {
        let group = remembered.get(&sample.hash).filter(|group| members.contains_key(group));
        sample.row.group = group.map(ToString::to_string);
    }
    let images: usize = members.values().sum();
    (images > 0).then(|| {
        format!(
            "{} images in {} groups of nearly the same picture, which an audit found (data/alike.csv), are kept in one \
             split each.",
            thousands(images),
            thousands(members.len())
        )
    })
}

/// Keeps the first of equal files, and drops all of those whose labels contradict each other. The result is ordered by
/// source and path, independent of the order of the label files.
pub(super) fn without_duplicates(
    mut usable: Vec<Usable>,
    sources: &[Source],
    classes: &[String; 2],
    drops: &mut Drops,
) -> Vec<Usable> {
    usable.sort_by(|a, b| (&sources[a.source].name, &a.row.path).cmp(&(&sources[b.source].name, &b.row.path)));
    let equal: Vec<(ContentHash, usize)> = usable.iter().map(|sample| (sample.hash, sample.class)).collect();
    let verdicts = judge(&equal);
    for (sample, verdict) in usable.iter().zip(&verdicts) {
        let label = |sample: &Usable| format!("{} ({})", sample.row.path, classes[sample.class]);
        match verdict {
            Verdict::Keep => {}
            Verdict::DuplicateOf(first) => {
                drops.add(Reason::DuplicateImage, || format!("{} = {}", sample.row.path, usable[*first].row.path));
            }
            Verdict::Contradicts(other) => {
                drops.add(Reason::ContradictingLabels, || format!("{} = {}", label(sample), label(&usable[*other])));
            }
        }
    }
    let mut verdicts = verdicts.into_iter();
    usable.retain(|_| verdicts.next() == Some(Verdict::Keep));
    usable
}

/// Counts the usable samples by class, age, fold and subject.
pub(super) fn describe(usable: &[Usable], report: &mut PrepareReport) {
    let mut subjects = HashSet::new();
    for Usable { source, row, class, .. } in usable {
        report.usable[*class] += 1;
        if let Some(age) = &row.age {
            report.ages.entry(excerpt(age)).or_default()[*class] += 1;
        }
        if let Some(fold) = row.fold {
            report.folds.entry(fold.to_string()).or_default()[*class] += 1;
        }
        subjects.extend(row.subject.as_ref().map(|subject| (source, subject)));
    }
    report.subjects = report.subjects.map(|_| subjects.len());
}
