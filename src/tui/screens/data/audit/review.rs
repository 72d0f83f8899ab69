//! Going through the findings of an audit: what is listed, what was decided, what is next. Nothing here is drawn or
//! written; what is to be written comes back.

use crate::tui::audits::Found;
use crate::tui::keys::Action;
use crate::tui::shared::moved;
use faceprobe_core::audit::{Audit, Finding, Kind, Subject};
use faceprobe_core::dataset::decisions::{Change, Decision};
use std::collections::{BTreeMap, BTreeSet};

/// What a person says about the image under the cursor, or about the others of its finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Keep,
    KeepAll,
    Drop,
    /// Drops all images of the finding but the one under the cursor.
    DropOthers,
    Relabel,
    /// Takes the decision on this image back.
    Clear,
}

/// The findings of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KindCount {
    pub kind: Kind,
    pub findings: usize,
    /// Those on which there is something left to decide.
    pub open: usize,
}

/// How many images were decided on, by decision.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub keep: usize,
    pub drop: usize,
    pub relabel: usize,
}

impl Counts {
    /// All of them.
    pub fn all(self) -> usize {
        self.keep + self.drop + self.relabel
    }
}

/// What one key changed, to be taken back.
#[derive(Debug)]
struct Step {
    /// The hash and path of each image, and what was decided on it before.
    before: Vec<(String, String, Option<Decision>)>,
    cursor: usize,
    image: usize,
}

/// An audit that somebody goes through.
#[derive(Debug)]
pub struct Review {
    /// With the decisions as they are now.
    pub audit: Audit,
    decided: BTreeMap<String, Decision>,
    /// Only findings of this kind are listed.
    pub kind: Option<Kind>,
    /// Index of the finding under the cursor.
    pub cursor: usize,
    /// Index of the image under the cursor, within its finding.
    pub image: usize,
    steps: Vec<Step>,
}

impl Review {
    /// Begins with the first finding that is undecided.
    pub fn new(found: Found) -> Self {
        let Found { mut audit, decided } = found;
        for image in audit.findings.iter_mut().flat_map(|finding| &mut finding.images) {
            image.decision = decided.get(&image.hash).map(|decision| decision.word().to_owned());
        }
        let mut review = Self { audit, decided, kind: None, cursor: 0, image: 0, steps: Vec::new() };
        if review.finding().is_some_and(|finding| !finding.is_open()) {
            review.next_open(true);
        }
        review
    }

    /// Takes in what was read again, with the cursor where it is.
    pub fn renew(&mut self, found: Found) {
        let same = found.audit.findings.len() == self.audit.findings.len()
            && found.audit.manifest_sha256 == self.audit.manifest_sha256;
        let (kind, cursor, image) = (self.kind, self.cursor, self.image);
        *self = Self::new(found);
        if same {
            (self.kind, self.cursor, self.image) = (kind, cursor, image);
        }
    }

    /// The indices of the findings that are listed.
    pub fn listed(&self) -> Vec<usize> {
        let wanted = |finding: &Finding| self.kind.is_none_or(|kind| finding.kind == kind);
        (0..self.audit.findings.len()).filter(|&at| wanted(&self.audit.findings[at])).collect()
    }

    /// Kinds with findings, in the order of the audit.
    pub fn kinds(&self) -> Vec<KindCount> {
        let mut kinds: Vec<KindCount> = Vec::new();
        for finding in &self.audit.findings {
            let open = usize::from(finding.is_open());
            match kinds.iter_mut().find(|count| count.kind == finding.kind) {
                Some(count) => {
                    count.findings += 1;
                    count.open += open;
                }
                None => kinds.push(KindCount { kind: finding.kind, findings: 1, open }),
            }
        }
        kinds
    }

    /// The finding under the cursor.
    pub fn finding(&self) -> Option<&Finding> {
        self.audit.findings.get(self.cursor)
    }

    /// The image under the cursor.
    pub fn subject(&self) -> Option<&Subject> {
        self.finding()?.images.get(self.image)
    }

    /// What was decided on an image.
    pub fn decision(&self, image: &Subject) -> Option<&Decision> {
        self.decided.get(&image.hash)
    }

    /// Whether there is something to take back.
    pub fn can_undo(&self) -> bool {
        !self.steps.is_empty()
    }

    /// The decisions on images of the findings, each image once.
    pub fn counts(&self) -> Counts {
        let hashes: BTreeSet<&str> =
            self.audit.findings.iter().flat_map(|finding| &finding.images).map(|image| image.hash.as_str()).collect();
        let mut counts = Counts::default();
        for decision in hashes.into_iter().filter_map(|hash| self.decided.get(hash)) {
            match decision {
                Decision::Keep => counts.keep += 1,
                Decision::Drop => counts.drop += 1,
                Decision::Relabel(_) => counts.relabel += 1,
            }
        }
        counts
    }

    /// Puts the cursor on line `row` of the list.
    pub fn select(&mut self, row: usize) {
        if let Some(&at) = self.listed().get(row) {
            self.go(at);
        }
    }

    /// Moves in the list.
    pub fn travel(&mut self, action: Action) {
        let listed = self.listed();
        let row = listed.iter().position(|&at| at == self.cursor).unwrap_or(0);
        self.select(moved(row, listed.len(), action));
    }

    /// To the next or previous image of the finding.
    pub fn turn(&mut self, forward: bool) {
        let last = self.finding().map_or(0, |finding| finding.images.len().saturating_sub(1));
        self.image = if forward { (self.image + 1).min(last) } else { self.image.saturating_sub(1) };
    }

    /// Lists the next or previous kind, or all of them after the last.
    pub fn turn_kind(&mut self, forward: bool) {
        let choices: Vec<Option<Kind>> =
            std::iter::once(None).chain(self.kinds().into_iter().map(|count| Some(count.kind))).collect();
        let at = choices.iter().position(|kind| *kind == self.kind).unwrap_or(0);
        let step = if forward { 1 } else { choices.len() - 1 };
        self.kind = choices[(at + step) % choices.len()];
        let listed = self.listed();
        if !listed.contains(&self.cursor) {
            let open = listed.iter().find(|&&at| self.audit.findings[at].is_open());
            if let Some(&at) = open.or(listed.first()) {
                self.go(at);
            }
        }
    }

    fn go(&mut self, at: usize) {
        self.cursor = at;
        self.image = self.first_open();
    }

    /// The first image of the finding that is undecided.
    fn first_open(&self) -> usize {
        let open = |finding: &Finding| finding.images.iter().position(|image| image.decision.is_none());
        self.finding().and_then(open).unwrap_or(0)
    }

    /// To the next or previous listed finding on which there is something left to decide, around the ends; false when
    /// there is none.
    pub fn next_open(&mut self, forward: bool) -> bool {
        let listed = self.listed();
        let (after, before): (Vec<usize>, Vec<usize>) =
            listed.into_iter().filter(|&at| at != self.cursor).partition(|&at| at > self.cursor);
        let mut order: Vec<usize> = after.into_iter().chain(before).collect();
        if !forward {
            order.reverse();
        }
        match order.into_iter().find(|&at| self.audit.findings[at].is_open()) {
            Some(at) => {
                self.go(at);
                true
            }
            None => false,
        }
    }

    /// Decides, and goes on to what is undecided. What is to be written down comes back, or why nothing is.
    pub fn decide(&mut self, verdict: Verdict, classes: &[String]) -> Result<Vec<Change>, String> {
        let finding = self.finding().ok_or("There is no finding to decide on.")?;
        let subject = finding.images.get(self.image).ok_or("There is no image to decide on.")?;
        let others = || finding.images.iter().filter(|image| image.hash != subject.hash);
        let wanted: Vec<(&Subject, Option<Decision>)> = match verdict {
            Verdict::Keep => vec![(subject, Some(Decision::Keep))],
            Verdict::Drop => vec![(subject, Some(Decision::Drop))],
            Verdict::Clear if subject.decision.is_none() => return Err("There is no decision on this image.".into()),
            Verdict::Clear => vec![(subject, None)],
            Verdict::Relabel => vec![(subject, Some(Decision::Relabel(other_label(finding, subject, classes)?)))],
            Verdict::KeepAll => {
                let open = finding.images.iter().filter(|image| image.decision.is_none());
                open.map(|image| (image, Some(Decision::Keep))).collect()
            }
            Verdict::DropOthers if others().next().is_none() => {
                return Err("All images of this finding have the same bytes, so a decision holds for each of them; \
                            preparation keeps the first."
                    .into());
            }
            Verdict::DropOthers => others().map(|image| (image, Some(Decision::Drop))).collect(),
        };
        let mut changes = Vec::new();
        for (image, decision) in wanted {
            let hash = image.hash.parse().map_err(|problem: String| format!("{problem}; audit the set again."))?;
            let change = Change { image: hash, decision, path: image.path.clone() };
            // Images with the same bytes are one.
            if !changes.iter().any(|known: &Change| known.image == change.image) {
                changes.push(change);
            }
        }
        if changes.is_empty() {
            return Err("All images of this finding are decided.".into());
        }
        let (cursor, image) = (self.cursor, self.image);
        let before = self.apply(&changes);
        self.steps.push(Step { before, cursor, image });
        if verdict != Verdict::Clear {
            if self.finding().is_some_and(|finding| !finding.is_open()) {
                self.next_open(true);
            } else {
                self.image = self.next_image();
            }
        }
        Ok(changes)
    }

    /// The image after this one that is undecided, around the end.
    fn next_image(&self) -> usize {
        let images = self.finding().map_or(&[][..], |finding| &finding.images);
        let order = (self.image + 1..images.len()).chain(0..=self.image);
        order.into_iter().find(|&at| images.get(at).is_some_and(|image| image.decision.is_none())).unwrap_or(self.image)
    }

    /// Takes the last decision back and goes where it was made.
    pub fn undo(&mut self) -> Option<Vec<Change>> {
        let step = self.steps.pop()?;
        let restore = |(hash, path, decision): (String, String, Option<Decision>)| {
            Some(Change { image: hash.parse().ok()?, decision, path })
        };
        let changes: Vec<Change> = step.before.into_iter().filter_map(restore).collect();
        self.apply(&changes);
        (self.cursor, self.image) = (step.cursor, step.image);
        if !self.listed().contains(&self.cursor) {
            self.kind = None;
        }
        Some(changes)
    }

    /// Puts changes in force; what was decided before comes back.
    fn apply(&mut self, changes: &[Change]) -> Vec<(String, String, Option<Decision>)> {
        let mut before = Vec::new();
        for change in changes {
            let hash = change.image.to_string();
            let was = match &change.decision {
                Some(decision) => self.decided.insert(hash.clone(), decision.clone()),
                None => self.decided.remove(&hash),
            };
            for image in self.audit.findings.iter_mut().flat_map(|finding| &mut finding.images) {
                if image.hash == hash {
                    image.decision = change.decision.as_ref().map(|decision| decision.word().to_owned());
                }
            }
            before.push((hash, change.path.clone(), was));
        }
        before
    }
}

/// The label that an image gets when its own is wrong: the one that the audit suggests, else the other of the two.
fn other_label(finding: &Finding, image: &Subject, classes: &[String]) -> Result<String, String> {
    let suggested = finding.suggestion.clone().filter(|label| *label != image.label);
    suggested
        .or_else(|| classes.iter().find(|class| **class != image.label).cloned())
        .ok_or_else(|| "The other label is not known; use faceprobe data decide PATH relabel LABEL.".into())
}
