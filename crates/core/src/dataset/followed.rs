//! Which decisions about images a preparation follows: those of the workspace, or these and no others.

use super::decisions::{Decision, Decisions};
use super::sample::ContentHash;
use crate::error::Result;
use crate::text::excerpt;
use crate::workspace::Workspace;
use faceprobe_settings::text_value;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// What is dropped and what is relabelled, by content. Nothing follows from a decision to keep.
pub type DecisionMap = BTreeMap<ContentHash, Decision>;

/// The decisions of a preparation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Followed {
    /// Those in `data/decisions.csv`.
    #[default]
    Workspace,
    These(DecisionMap),
}

impl Followed {
    /// The decisions in force in a workspace.
    ///
    /// # Errors
    /// As [`Decisions::load`].
    pub fn in_force(&self, workspace: &Workspace) -> Result<DecisionMap> {
        Ok(match self {
            Self::These(rulings) => rulings.clone(),
            Self::Workspace => {
                let all = Decisions::load(workspace)?;
                let rules = all.iter().filter(|(_, decided)| decided.decision != Decision::Keep);
                rules.map(|(hash, decided)| (*hash, decided.decision.clone())).collect()
            }
        })
    }

    /// The decisions that are stated.
    pub fn stated(&self) -> DecisionMap {
        match self {
            Self::These(rulings) => rulings.clone(),
            Self::Workspace => DecisionMap::new(),
        }
    }
}

/// One of them: `drop HASH` or `relabel HASH LABEL`.
///
/// # Errors
/// What is wrong with it, as a sentence without a full stop.
pub fn ruling(text: &str) -> Result<(ContentHash, Decision), String> {
    let (word, rest) = text.trim().split_once(char::is_whitespace).unwrap_or((text.trim(), ""));
    let (hash, label) = rest.trim().split_once(char::is_whitespace).unwrap_or((rest.trim(), ""));
    let decision = match word {
        "drop" | "relabel" => Decision::parse(word, Some(label))?,
        _ => {
            let what = "is no decision; write \"drop HASH\" or \"relabel HASH LABEL\"";
            return Err(format!("{:?} {what}, HASH being the SHA-256 of the image file", excerpt(text)));
        }
    };
    Ok((hash.parse().map_err(|problem: String| excerpt(&problem))?, decision))
}

/// As [`ruling`] reads it.
pub fn ruling_text(hash: &ContentHash, decision: &Decision) -> String {
    format!("{} {hash} {}", decision.word(), decision.label()).trim_end().to_owned()
}

impl fmt::Display for Followed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Workspace => f.write_str("workspace"),
            Self::These(rulings) if rulings.is_empty() => f.write_str("none"),
            Self::These(rulings) => {
                let texts: Vec<String> = rulings.iter().map(|(hash, decision)| ruling_text(hash, decision)).collect();
                f.write_str(&texts.join(","))
            }
        }
    }
}

impl FromStr for Followed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim() {
            "workspace" => return Ok(Self::Workspace),
            "none" => return Ok(Self::These(DecisionMap::new())),
            _ => {}
        }
        // A label may hold commas; what begins as a decision does is one.
        let mut parts: Vec<String> = Vec::new();
        for part in text.split(',') {
            match parts.last_mut() {
                Some(last) if ruling(part).is_err() => *last += &format!(",{part}"),
                _ => parts.push(part.to_owned()),
            }
        }
        let mut rulings = DecisionMap::new();
        for part in parts {
            let (hash, decision) = ruling(&part)?;
            if rulings.insert(hash, decision).is_some() {
                return Err(format!("{hash} is decided on twice"));
            }
        }
        Ok(Self::These(rulings))
    }
}

/// The ways to write it, for refusals.
const FORMS: &str = "workspace (its data/decisions.csv), none, or decisions such as 'drop HASH' and 'relabel HASH LABEL' with \
                     commas between them, HASH being the SHA-256 of the image file";

text_value!(
    Followed,
    "workspace|none|drop HASH,relabel HASH LABEL,…",
    FORMS,
    [
        "workspace",
        "none",
        "drop 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "relabel 2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae no, not him,drop \
         fcde2b2edba56bf408601fb721fe9b5c338d10ee429ea04fae5511b68fbf8fb9"
    ]
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::PrepareReport;
    use crate::dataset::report::Dropped;

    #[test]
    fn decisions_lead_to_a_text_and_back_whatever_the_label() {
        let hash = |byte: u8| ContentHash([byte; 32]);
        let label = |text: &str| Decision::Relabel(text.to_owned());
        let rulings: DecisionMap = [
            (hash(1), Decision::Drop),
            (hash(2), label("a, b,drop c")),
            (hash(3), label("no \"one\", relabel x")),
            (hash(4), label("drop")),
        ]
        .into();
        for followed in [Followed::These(rulings), Followed::These(DecisionMap::new()), Followed::Workspace] {
            assert_eq!(followed.to_string().parse::<Followed>().unwrap(), followed);
        }
        let twice = format!("drop {0},relabel {0} male", hash(1));
        for wrong in ["", "drop", "keep", &twice, &format!("drop {} male", hash(1)), &format!("relabel {}", hash(1))] {
            assert!(wrong.parse::<Followed>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_an_account_of_before_followed_is_known_only_where_nothing_was_decided() {
        let mut report = PrepareReport::default();
        assert_eq!(report.rulings(), Some(DecisionMap::new()));
        report.dropped.push(Dropped {
            reason: "decided".into(),
            explanation: String::new(),
            count: 1,
            examples: Vec::new(),
        });
        assert_eq!(report.rulings(), None);
        report.followed.push(format!("drop {}", ContentHash([7; 32])));
        assert_eq!(report.rulings().map(|rulings| rulings.len()), Some(1));
        report.followed.push("drop 7".into());
        assert_eq!(report.rulings(), None);
    }
}
