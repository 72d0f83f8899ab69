//! Why a setting is refused, in one sentence for all ways in.

use std::error::Error;
use std::fmt;

/// A setting that is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The setting's name.
    pub setting: String,
    /// What goes behind the name; other settings stand in braces: `does not divide the 224 pixels of {input}`.
    predicate: String,
    /// What it was instead, which goes behind "not".
    value: Option<String>,
    /// A whole sentence without its full stop, in place of name and predicate.
    sentence: Option<String>,
}

impl Refusal {
    /// A refusal whose sentence is the setting's name and `predicate`, in which other settings stand in braces.
    pub fn new(setting: impl Into<String>, predicate: impl Into<String>) -> Self {
        Self { setting: setting.into(), predicate: predicate.into(), value: None, sentence: None }
    }

    /// A refusal for which something else has a sentence of its own, which is told as it is.
    pub fn because(setting: impl Into<String>, sentence: impl Into<String>) -> Self {
        let sentence: String = sentence.into();
        Self { sentence: Some(sentence.trim_end_matches('.').to_owned()), ..Self::new(setting, "") }
    }

    /// The same with ", not VALUE" behind it.
    #[must_use]
    pub fn not(self, value: impl Into<String>) -> Self {
        Self { value: Some(value.into()), ..self }
    }

    /// As the command line says it: `--width must be from 1 to 65,536 units, not 1000000`.
    pub fn for_option(&self) -> String {
        self.told(option)
    }

    /// As a form says it: `Width must be from 1 to 65,536 units, not 1000000.`
    pub fn for_field(&self) -> String {
        let sentence = self.told(label);
        let mut letters = sentence.chars();
        let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
        format!("{first}{}.", letters.as_str())
    }

    /// As it is said of a file whose keys are settings: `learning_rate must be above 0, not -1`.
    pub fn for_key(&self) -> String {
        self.told(str::to_owned)
    }

    fn told(&self, named: fn(&str) -> String) -> String {
        if let Some(sentence) = &self.sentence {
            return sentence.clone();
        }
        let mut sentence = format!("{} ", named(&self.setting));
        let mut rest = self.predicate.as_str();
        while let Some((before, name, after)) = braced(rest) {
            sentence.push_str(before);
            sentence.push_str(&named(name));
            rest = after;
        }
        sentence.push_str(rest);
        if let Some(value) = &self.value {
            let plain =
                !value.is_empty() && !value.contains(|c: char| c.is_whitespace() || crate::is_control(c) || c == '\'');
            sentence.push_str(&if plain { format!(", not {value}") } else { format!(", not {value:?}") });
        }
        sentence
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.for_option())
    }
}

impl Error for Refusal {}

/// `--learning-rate` for `learning_rate`.
pub fn option(name: &str) -> String {
    format!("--{}", name.replace('_', "-"))
}

/// `learning rate` for `learning_rate`.
pub fn label(name: &str) -> String {
    name.replace('_', " ")
}

/// What comes before the first braces, what is in them, and what comes after.
fn braced(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once('{')?;
    let (name, after) = rest.split_once('}')?;
    Some((before, name, after))
}
