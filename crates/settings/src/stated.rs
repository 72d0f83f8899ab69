//! The words in which [`settings!`](crate::settings) states what a setting may be and how it is treated.

use crate::domain::Domain;
use crate::statement::Role;
use std::ops::{Bound, RangeBounds};

/// What a field of [`settings!`](crate::settings) says behind its default.
#[derive(Debug, Clone, PartialEq)]
pub struct Stated {
    /// Of one value; the type says whether there may be none or several.
    domain: Option<Domain>,
    none: Option<&'static str>,
    lines: bool,
    pub(crate) unit: Option<&'static str>,
    pub(crate) role: Role,
    pub(crate) advanced: bool,
    pub(crate) headline: bool,
    pub(crate) computed: Option<&'static str>,
}

/// Whatever the type can be.
pub fn any() -> Stated {
    Stated {
        domain: None,
        none: None,
        lines: false,
        unit: None,
        role: Role::Setting,
        advanced: false,
        headline: false,
        computed: None,
    }
}

/// Whole numbers in a range; of an option, or of each value of a list.
pub fn whole(range: impl RangeBounds<u64>) -> Stated {
    let min = match range.start_bound() {
        Bound::Included(min) => *min,
        Bound::Excluded(min) => min.saturating_add(1),
        Bound::Unbounded => 0,
    };
    let max = match range.end_bound() {
        Bound::Included(max) => *max,
        Bound::Excluded(max) => max.saturating_sub(1),
        Bound::Unbounded => u64::MAX,
    };
    within(Domain::Whole { min, max })
}

/// Numbers in a range; of an option, or of each value of a list.
pub fn number(range: impl RangeBounds<f64>) -> Stated {
    within(Domain::Number { min: range.start_bound().cloned(), max: range.end_bound().cloned() })
}

/// Numbers above one.
pub fn above(low: f64) -> Stated {
    number((Bound::Excluded(low), Bound::Unbounded))
}

/// Some of the words that the type has.
pub fn only(names: &[&'static str]) -> Stated {
    within(Domain::Choice(names.to_vec()))
}

/// Words, which help texts call `hint`.
pub fn text(hint: &'static str) -> Stated {
    within(Domain::Text { hint })
}

/// Values of a domain.
pub fn within(domain: Domain) -> Stated {
    Stated { domain: Some(domain), ..any() }
}

impl Stated {
    /// What one is counted in.
    #[must_use]
    pub fn unit(self, unit: &'static str) -> Self {
        Self { unit: Some(unit), ..self }
    }

    /// The word for no value, where that is not `none`.
    #[must_use]
    pub fn or(self, none: &'static str) -> Self {
        Self { none: Some(none), ..self }
    }

    /// The values of a list may hold commas and spaces: each has an option, or a line, of its own.
    #[must_use]
    pub fn lines(self) -> Self {
        Self { lines: true, ..self }
    }

    /// Runs in which only this differs are seeds of one setting.
    #[must_use]
    pub fn seed(self) -> Self {
        Self { role: Role::Seed, ..self }
    }

    /// Forms fold it away.
    #[must_use]
    pub fn advanced(self) -> Self {
        Self { advanced: true, ..self }
    }

    /// Tables always tell it.
    #[must_use]
    pub fn headline(self) -> Self {
        Self { headline: true, ..self }
    }

    /// How the default follows from other settings, which [`Rules::settle`](crate::Rules::settle) does.
    #[must_use]
    pub fn computed(self, sentence: &'static str) -> Self {
        Self { computed: Some(sentence), ..self }
    }

    /// The domain of a setting whose type has the domain `natural`.
    pub(crate) fn domain(self, natural: Domain) -> Domain {
        match natural {
            Domain::Optional { of, none } => {
                let none = self.none.unwrap_or(none);
                Domain::Optional { none, of: Box::new(self.domain(*of)) }
            }
            Domain::List { of, .. } => Domain::List { of: self.domain.map_or(of, Box::new), lines: self.lines },
            natural => self.domain.unwrap_or(natural),
        }
    }
}
