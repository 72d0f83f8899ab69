//! The result of an audit: `audit.json` next to the manifest, and the text of `data audit`.

use crate::error::{Error, Result};
use crate::own_files;
use crate::text::{line, printable};
use faceprobe_settings::choices;
use serde::{Deserialize, Serialize};
use std::path::Path;

choices! {
    /// Kinds of findings, in the order of the report.
    pub enum Kind {
        ContradictingLabels = "contradicting_labels",
        SubjectLabels = "subject_labels",
        SubjectAcrossSplits = "subject_across_splits",
        ExactDuplicate = "exact_duplicate",
        NearDuplicate = "near_duplicate",
        Alike = "alike",
        LabelError = "label_error",
        TooSmall = "too_small",
        TooDark = "too_dark",
        Flat = "flat",
        NoFace = "no_face",
    }
}

impl Kind {
    /// The description shown to the user.
    pub fn explanation(self) -> &'static str {
        match self {
            Self::ContradictingLabels => "the same picture under both labels",
            Self::SubjectLabels => "the same person under both labels",
            Self::SubjectAcrossSplits => "the same person in more than one split",
            Self::ExactDuplicate => "files with the same bytes; preparation keeps the first",
            Self::NearDuplicate => "nearly the same picture, by perceptual hash",
            Self::Alike => "nearly the same features",
            Self::LabelError => "the models find the other label more probable; the most suspicious first",
            Self::TooSmall => "fewer pixels than the networks look at",
            Self::TooDark => "hardly any light",
            Self::Flat => "hardly any contrast",
            Self::NoFace => "no face was found",
        }
    }
}

/// An image of a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    pub source: String,
    pub path: String,
    /// The file on this machine.
    pub file: String,
    pub label: String,
    /// `train`, `val`, `test`, or none where preparation left it out.
    pub split: Option<String>,
    pub hash: String,
    /// `keep`, `drop` or `relabel`, if a decision was made.
    pub decision: Option<String>,
}

/// A finding to be reviewed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    pub kind: Kind,
    /// The measurement in words.
    pub detail: String,
    /// The measure: bits of difference, cosine, probability of the label, pixels, light.
    pub measure: f64,
    /// Whether its images are in more than one split.
    pub across_splits: bool,
    /// How many images it is about; of many, `images` has a few.
    pub count: usize,
    pub images: Vec<Subject>,
    /// The more probable label, for a likely label error.
    pub suggestion: Option<String>,
}

impl Finding {
    /// Whether the user has something to decide. Exact copies need no decision: preparation keeps the first.
    pub fn is_open(&self) -> bool {
        self.kind != Kind::ExactDuplicate && !self.settled()
    }

    /// Whether nothing is left to decide: at most one of its images is undecided or kept.
    pub fn settled(&self) -> bool {
        let kept = self.images.iter().all(|image| image.decision.is_some());
        let gone = self.images.iter().filter(|image| matches!(image.decision.as_deref(), Some("drop" | "relabel")));
        kept || (self.images.len() > 1 && gone.count() + 1 >= self.images.len())
    }
}

/// Findings of one kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    pub kind: Kind,
    pub explanation: String,
    pub count: usize,
    pub across_splits: usize,
    /// Findings with a decision; they are not listed.
    pub settled: usize,
}

/// Images of the audited set that a run has seen, by the split of its own data set that they are in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenByRun {
    pub run: String,
    /// It was trained on these labels, so it does not judge them.
    pub train: usize,
    /// Its epoch and threshold were chosen on these; a refitted model was trained on them too.
    pub val: usize,
    pub test: usize,
}

/// An audit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Audit {
    pub dataset: String,
    pub manifest_sha256: String,
    /// Labelled images that exist and can be decoded.
    pub images: usize,
    /// How many of them are in no split: not drawn, or left out. None in audits of earlier versions.
    #[serde(default)]
    pub in_no_split: Option<usize>,
    /// The cached features that judged the labels, and the run; empty where there were none.
    pub features: Vec<String>,
    /// Share of the samples whose label the out-of-fold model agrees with.
    pub agreement: Option<f64>,
    /// How many labels confident learning counts as wrong; `label_error` lists these and the less sure ones.
    #[serde(default)]
    pub likely_errors: Option<usize>,
    /// The reference run, and which images of the set it has seen.
    #[serde(default)]
    pub with: Option<SeenByRun>,
    pub tallies: Vec<Tally>,
    /// By kind, sorted by measure, without findings that were decided.
    pub findings: Vec<Finding>,
    /// Checks that were skipped, and why.
    pub notes: Vec<String>,
    pub seconds: f64,
}

impl Audit {
    /// The last audit of the prepared set in `folder`.
    ///
    /// # Errors
    /// If there is none, or the file is damaged.
    pub fn load(folder: &Path) -> Result<Self> {
        let path = folder.join("audit.json");
        let bytes = own_files::read(&path).map_err(|error| {
            Error::file(&path, format!("cannot be read ({error}); make it with faceprobe data audit"))
        })?;
        crate::seal::value(&bytes)
            .map_err(|error| Error::file(&path, format!("is damaged ({error}); make it with faceprobe data audit")))
    }

    /// The text for the user: each kind with its count and the first few findings.
    pub fn to_text(&self, most: usize) -> String {
        let mut text = format!("Audit of {}: {} labelled images", printable(&self.dataset), self.images);
        if let Some(outside) = self.in_no_split.filter(|outside| *outside > 0) {
            text.push_str(&format!(", {outside} of them in no split"));
        }
        match &self.features[..] {
            [] => text.push('\n'),
            features => text.push_str(&format!(", features: {}\n", line(&features.join("; ")))),
        }
        if let Some(agreement) = self.agreement {
            text.push_str(&format!(
                "Models that did not learn a label agree with {:.1} % of the labels{}\n",
                agreement * 100.0,
                self.likely_errors.map_or_else(String::new, |count| format!("; some {count} are likely wrong"))
            ));
        }
        for tally in &self.tallies {
            let across = if tally.across_splits > 0 {
                format!(", {} across splits", tally.across_splits)
            } else {
                String::new()
            };
            let settled = if tally.settled > 0 { format!(", {} settled", tally.settled) } else { String::new() };
            text.push_str(&format!(
                "\n{}: {}{across}{settled} ({})\n",
                tally.kind.name(),
                tally.count,
                line(&tally.explanation)
            ));
            let own = || self.findings.iter().filter(|finding| finding.kind == tally.kind);
            for finding in own().take(most) {
                text.push_str(&format!("  {}\n", line(&finding.detail)));
                for image in &finding.images {
                    let split = line(image.split.as_deref().unwrap_or("-"));
                    let (path, label) = (printable(&image.path), printable(&image.label));
                    text.push_str(&format!("    {path} ({label}, {split})\n"));
                }
            }
            let more = own().count().saturating_sub(most);
            if more > 0 {
                text.push_str(&format!("  and {more} more: --json lists all\n"));
            }
        }
        if self.tallies.is_empty() {
            text.push_str("\nNothing was found.\n");
        }
        for note in &self.notes {
            text.push_str(&format!("\nnote: {}\n", line(note)));
        }
        text
    }
}
