//! The types that settings can have: their domains, and conversion from and to text.

use crate::domain::{Domain, is_none, parts, yes_or_no};
use std::ops::Bound;

/// A type that settings can have. [`choices!`](crate::choices), [`choice_value!`](crate::choice_value) and
/// [`text_value!`](crate::text_value) implement it.
pub trait SettingValue: Sized {
    /// The domain of this type, where the declaration does not narrow it.
    fn domain() -> Domain;
    /// Parses a text; none if it is no text of this type. Ranges are not checked.
    fn parse(text: &str, domain: &Domain) -> Option<Self>;
    /// The text that parses back to this value.
    fn text(&self, domain: &Domain) -> String;
}

/// An enumeration whose values have names.
pub trait Choice: Copy + 'static {
    /// In the order of help texts.
    const ALL: &'static [Self];
    /// The name in files and on the command line.
    fn name(self) -> &'static str;
}

/// The names of a choice.
pub fn choice_domain<T: Choice>() -> Domain {
    Domain::Choice(T::ALL.iter().map(|choice| choice.name()).collect())
}

/// The value with this name.
pub fn choice_named<T: Choice>(text: &str) -> Option<T> {
    T::ALL.iter().copied().find(|choice| choice.name() == text.trim())
}

macro_rules! whole_numbers {
    ($($type:ty),+) => {$(
        impl SettingValue for $type {
            fn domain() -> Domain {
                // No unsigned type is wider than u64 here.
                Domain::Whole { min: 0, max: <$type>::MAX as u64 }
            }

            fn parse(text: &str, _: &Domain) -> Option<Self> {
                text.trim().parse().ok()
            }

            fn text(&self, _: &Domain) -> String {
                self.to_string()
            }
        }
    )+};
}

macro_rules! numbers {
    ($($type:ty),+) => {$(
        impl SettingValue for $type {
            fn domain() -> Domain {
                Domain::Number { min: Bound::Unbounded, max: Bound::Unbounded }
            }

            fn parse(text: &str, _: &Domain) -> Option<Self> {
                // Adding zero turns -0 into 0, so that there is one zero only.
                text.trim().parse().ok().filter(|value: &Self| value.is_finite()).map(|value| value + 0.0)
            }

            fn text(&self, _: &Domain) -> String {
                number_text(*self)
            }
        }
    )+};
}

whole_numbers!(usize, u8, u16, u32, u64);
numbers!(f32, f64);

/// The shortest text that parses back to the number, with an exponent instead of many zeros.
pub(crate) fn number_text<T>(value: T) -> String
where
    T: Copy + Into<f64> + std::fmt::Display + std::fmt::LowerExp,
{
    let size = value.into().abs();
    if size == 0.0 {
        "0".to_owned()
    } else if (1e-5..1e16).contains(&size) || !size.is_finite() {
        value.to_string()
    } else {
        format!("{value:e}")
    }
}

impl SettingValue for bool {
    fn domain() -> Domain {
        Domain::YesNo
    }

    fn parse(text: &str, _: &Domain) -> Option<Self> {
        yes_or_no(text)
    }

    fn text(&self, _: &Domain) -> String {
        if *self { "yes" } else { "no" }.to_owned()
    }
}

impl SettingValue for String {
    fn domain() -> Domain {
        Domain::Text { hint: "TEXT" }
    }

    fn parse(text: &str, _: &Domain) -> Option<Self> {
        Some(text.to_owned())
    }

    fn text(&self, _: &Domain) -> String {
        self.clone()
    }
}

/// The word for none (and the empty text) is no value, so `Option<String>` cannot hold it.
impl<T: SettingValue> SettingValue for Option<T> {
    fn domain() -> Domain {
        Domain::Optional { none: "none", of: Box::new(T::domain()) }
    }

    fn parse(text: &str, domain: &Domain) -> Option<Self> {
        match domain {
            Domain::Optional { none, .. } if is_none(text, none) => Some(None),
            Domain::Optional { of, .. } => T::parse(text, of).map(Some),
            other => T::parse(text, other).map(Some),
        }
    }

    fn text(&self, domain: &Domain) -> String {
        match (self, domain) {
            (Some(value), Domain::Optional { of, .. }) => value.text(of),
            (Some(value), other) => value.text(other),
            (None, Domain::Optional { none, .. }) => (*none).to_owned(),
            (None, _) => "none".to_owned(),
        }
    }
}

impl<T: SettingValue> SettingValue for Vec<T> {
    fn domain() -> Domain {
        Domain::List { of: Box::new(T::domain()), lines: false }
    }

    fn parse(text: &str, domain: &Domain) -> Option<Self> {
        let (of, lines) = item(domain);
        parts(text, lines).map(|part| T::parse(part, of)).collect()
    }

    fn text(&self, domain: &Domain) -> String {
        let (of, lines) = item(domain);
        let parts: Vec<String> = self.iter().map(|value| value.text(of)).collect();
        parts.join(if lines { "\n" } else { "," })
    }
}

/// The domain of a list's values, and whether each is on its own line.
fn item(domain: &Domain) -> (&Domain, bool) {
    match domain {
        Domain::List { of, lines } => (of, *lines),
        other => (other, false),
    }
}
