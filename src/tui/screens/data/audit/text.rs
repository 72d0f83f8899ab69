//! What the view of an audit says: kinds, findings, decisions, in plain words.

use faceprobe_core::audit::{Finding, Kind};
use faceprobe_core::dataset::decisions::Decision;
use faceprobe_core::dataset::followed::Followed;
use faceprobe_core::dataset::prepare::PrepareSettings;
use faceprobe_core::dataset::{PrepareReport, SplitMethod};
use faceprobe_core::imaging::Alignment;
use faceprobe_settings::to_pairs;

/// A kind in one or two words.
pub fn short(kind: Kind) -> String {
    match kind {
        Kind::ContradictingLabels => "two labels".into(),
        Kind::SubjectLabels => "person label".into(),
        Kind::SubjectAcrossSplits => "person split".into(),
        Kind::ExactDuplicate => "same bytes".into(),
        Kind::NearDuplicate => "near copy".into(),
        Kind::Alike => "alike".into(),
        Kind::LabelError => "wrong label?".into(),
        Kind::TooSmall => "too small".into(),
        Kind::TooDark => "too dark".into(),
        Kind::Flat => "no contrast".into(),
        Kind::NoFace => "no face".into(),
    }
}

/// What is wrong, in a sentence.
pub fn sentence(finding: &Finding) -> String {
    // The measure says it all.
    if finding.kind == Kind::ExactDuplicate {
        return format!("{}.", finding.detail);
    }
    let across = if finding.across_splits { ", across splits" } else { "" };
    let what = finding.kind.explanation().split([';', ',']).next().unwrap_or_default();
    let mut what = what.to_owned();
    if let Some(first) = what.get(..1) {
        what = first.to_uppercase() + &what[1..];
    }
    let suggested = finding.suggestion.as_ref().map(|label| format!("; {label} is more likely")).unwrap_or_default();
    format!("{what}{across}: {}{suggested}.", finding.detail)
}

/// What can be done about it.
pub fn advice(kind: Kind) -> &'static str {
    match kind {
        Kind::ContradictingLabels => {
            "Identical files with contradicting labels are left out until you decide on one label."
        }
        Kind::SubjectLabels => "Rarer label first: relabel errors, drop images of somebody else.",
        Kind::SubjectAcrossSplits => "This person is in more than one split. Split by subject, or drop one side.",
        Kind::ExactDuplicate => "No decision needed: preparation keeps the first copy. Dropping one drops them all.",
        Kind::NearDuplicate | Kind::Alike => {
            "Keep one and drop the others, or keep all if they are different photographs."
        }
        Kind::LabelError => "Suggestions only; check each image, then keep the label, relabel or drop.",
        Kind::TooSmall | Kind::TooDark | Kind::Flat => "Drop it if you cannot tell the label either.",
        Kind::NoFace => "Drop images without a face; keep those where the detector missed it.",
    }
}

/// A decision in a word or two.
pub fn decided(decision: Option<&Decision>) -> String {
    match decision {
        None => "undecided".into(),
        Some(Decision::Relabel(label)) => format!("relabel {label}"),
        Some(decision) => decision.word().into(),
    }
}

/// A sign for the decision with this word.
pub fn sign(word: Option<&str>) -> &'static str {
    match word {
        None => " ",
        Some("keep") => "✓",
        Some("drop") => "✗",
        Some(_) => "→",
    }
}

/// The sign of a finding: none while there is something left to decide; `=` for copies, on which there is nothing.
pub fn sign_of(finding: &Finding) -> &'static str {
    if !finding.settled() {
        if finding.kind == Kind::ExactDuplicate {
            return "=";
        }
        return if finding.images.iter().any(|image| image.decision.is_some()) { "·" } else { " " };
    }
    // What changes the set says more than what was kept.
    let with = |word: &str| finding.images.iter().any(|image| image.decision.as_deref() == Some(word));
    let word = ["drop", "relabel", "keep"].into_iter().find(|word| with(word));
    sign(word)
}

/// The fields of the form that prepares a set as it was prepared before: by the settings of its last preparation, else
/// by its account.
pub fn prepare_fields(
    name: &str,
    made: Option<&PrepareSettings>,
    report: Option<&PrepareReport>,
) -> Vec<(String, String)> {
    let settings = match (made, report) {
        (Some(made), _) => made.clone(),
        (None, Some(report)) => {
            let size = |name: &str| {
                let split = report.splits.iter().find(|split| split.split == name)?;
                Some(split.per_class.iter().sum())
            };
            // The others are of the sizes that the data set gives them.
            let sized = matches!(report.split, SplitMethod::Random | SplitMethod::Subject);
            let [train, val, test] = ["train", "val", "test"].map(|name| size(name).filter(|_| sized));
            PrepareSettings {
                source: report.sources.iter().filter_map(|source| source.parse().ok()).collect(),
                train,
                val,
                test,
                seed: report.seed,
                split: Some(report.split),
                align: report.alignment.map(|alignment| alignment.template),
                align_side: report.alignment.map_or(Alignment::SIDE, |alignment| alignment.side),
                ..PrepareSettings::default()
            }
        }
        (None, None) => PrepareSettings::default(),
    };
    // What is decided here is in the workspace's decisions.
    let settings = PrepareSettings { name: name.to_owned(), decisions: Followed::Workspace, ..settings };
    let mut fields = Vec::new();
    for (setting, text) in to_pairs(&settings) {
        match setting {
            "source" => {
                for (at, source) in text.lines().enumerate() {
                    let field = if at == 0 { "source".to_owned() } else { format!("source_{}", at + 1) };
                    fields.push((field, source.to_owned()));
                }
            }
            _ if text == "none" => fields.push((setting.to_owned(), String::new())),
            _ => fields.push((setting.to_owned(), text)),
        }
    }
    // A crop that is not wanted is a choice of its own.
    if settings.align.is_none() {
        fields.retain(|(field, _)| field != "align");
    }
    fields
}

/// What was measured, as short as it can be: the confidence in a label, a cosine, how many images.
pub fn figure(finding: &Finding) -> String {
    match finding.kind {
        Kind::LabelError | Kind::Alike => format!("{:.3}", finding.measure),
        _ if finding.count > 1 => format!("{:>2}x", finding.count),
        _ => String::new(),
    }
}
