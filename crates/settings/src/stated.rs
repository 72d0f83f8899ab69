//! The vocabulary of [`settings!`](crate::settings): domains, units and roles of a setting.

use crate::domain::Domain;
use crate::statement::Role;
use std::ops::{Bound, RangeBounds};

/// The part of a [`settings!`](crate::settings) field after its default.
#[derive(Debug, Clone, PartialEq)]
pub struct Stated {
    /// The domain of one value; the type adds option or list.
    domain: Option<Domain>,
    none: Option<&'static str>,
    lines: bool,
    pub(crate) unit: Option<&'static str>,
    pub(crate) role: Role,
    pub(crate) advanced: bool,
    pub(crate) headline: bool,
    pub(crate) computed: Option<&'static str>,
}

/// Every value of the type.
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

/// Integers in a range; for an option or a list, of each value.
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

/// Numbers in a range; for an option or a list, of each value.
pub fn number(range: impl RangeBounds<f64>) -> Stated {
    within(Domain::Number { min: range.start_bound().cloned(), max: range.end_bound().cloned() })
}

/// Numbers above a limit.
pub fn above(low: f64) -> Stated {
    number((Bound::Excluded(low), Bound::Unbounded))
}

/// A subset of the type's names.
pub fn only(names: &[&'static str]) -> Stated {
    within(Domain::Choice(names.to_vec()))
}

/// Free text, called `hint` in help texts.
pub fn text(hint: &'static str) -> Stated {
    within(Domain::Text { hint })
}

/// Values of a domain.
pub fn within(domain: Domain) -> Stated {
    Stated { domain: Some(domain), ..any() }
}

impl Stated {
    /// The unit in which the setting is counted.
    #[must_use]
    pub fn unit(self, unit: &'static str) -> Self {
        Self { unit: Some(unit), ..self }
    }

    /// The word for none, where it is not `none`.
    #[must_use]
    pub fn or(self, none: &'static str) -> Self {
        Self { none: Some(none), ..self }
    }

    /// List values may contain commas and spaces: each has its own option, or line.
    #[must_use]
    pub fn lines(self) -> Self {
        Self { lines: true, ..self }
    }

    /// Runs that differ only in this setting are seeds of one setting.
    #[must_use]
    pub fn seed(self) -> Self {
        Self { role: Role::Seed, ..self }
    }

    /// Hidden in forms until unfolded.
    #[must_use]
    pub fn advanced(self) -> Self {
        Self { advanced: true, ..self }
    }

    /// Always shown in tables.
    #[must_use]
    pub fn headline(self) -> Self {
        Self { headline: true, ..self }
    }

    /// Describes how the default depends on other settings; [`Rules::settle`](crate::Rules::settle) computes it.
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
