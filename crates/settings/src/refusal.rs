//! Why a setting is refused: one sentence that reads the same from the command line, a form or a file.

use std::error::Error;
use std::fmt;

/// A setting that is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The setting's name.
    pub setting: String,
    /// The text after the name, with other settings in braces: `does not divide the 224 pixels of {input}`.
    predicate: String,
    /// The given value, written after "not".
    value: Option<String>,
    /// A whole sentence without its full stop, instead of name and predicate.
    sentence: Option<String>,
}

impl Refusal {
    /// A refusal whose sentence is the setting's name and `predicate`, with other settings in braces.
    pub fn new(setting: impl Into<String>, predicate: impl Into<String>) -> Self {
        Self { setting: setting.into(), predicate: predicate.into(), value: None, sentence: None }
    }

    /// A refusal with a complete sentence of its own.
    pub fn because(setting: impl Into<String>, sentence: impl Into<String>) -> Self {
        let sentence: String = sentence.into();
        Self { sentence: Some(sentence.trim_end_matches('.').to_owned()), ..Self::new(setting, "") }
    }

    /// The same with ", not VALUE" appended.
    #[must_use]
    pub fn not(self, value: impl Into<String>) -> Self {
        Self { value: Some(value.into()), ..self }
    }

    /// For the command line: `--width must be from 1 to 65,536 units, not 1000000`.
    pub fn for_option(&self) -> String {
        self.told(option)
    }

    /// For a form: `Width must be from 1 to 65,536 units, not 1000000.`
    pub fn for_field(&self) -> String {
        let sentence = self.told(label);
        let mut letters = sentence.chars();
        let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
        format!("{first}{}.", letters.as_str())
    }

    /// For a file whose keys are settings: `learning_rate must be above 0, not -1`.
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

/// The text before the first braces, inside them, and after them.
fn braced(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once('{')?;
    let (name, after) = rest.split_once('}')?;
    Some((before, name, after))
}
