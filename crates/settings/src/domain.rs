//! The domain of a setting: the values that it accepts, and how they are described and refused.

use std::ops::Bound;

/// The values that a setting accepts.
#[derive(Debug, Clone, PartialEq)]
pub enum Domain {
    /// Whole numbers, both ends included; without an upper end, `u64::MAX`.
    Whole { min: u64, max: u64 },
    /// Finite numbers.
    Number { min: Bound<f64>, max: Bound<f64> },
    /// `yes` or `no`.
    YesNo,
    /// One of these names.
    Choice(Vec<&'static str>),
    /// A syntax of its own, which the type parses.
    Syntax {
        /// `constant|cosine|step:EPOCHS:FACTOR`, as help texts show it.
        pattern: &'static str,
        /// The text after "must be".
        told: &'static str,
        /// Some accepted values.
        examples: &'static [&'static str],
    },
    /// Any words without control characters; `hint` is the name of such a value in help texts.
    Text { hint: &'static str },
    /// A value, or none, which has a word of its own. An empty text, as of an empty form field, is none too.
    Optional { none: &'static str, of: Box<Domain> },
    /// At least one value, separated by commas or spaces. With `lines`, values may contain commas and spaces: one per
    /// line, and one option each on the command line.
    List { of: Box<Domain>, lines: bool },
}

/// Why a text is refused.
pub(crate) struct Objection {
    /// The text after the name: `must be from 1 to 16`.
    pub predicate: String,
    /// The part of the text that is wrong, if only a part is.
    pub value: Option<String>,
}

impl Domain {
    /// The text after "must be": `from 1 to 65,536`, `at least 0 and below 1`, `adam, adamw, sgd or rmsprop`.
    pub fn describe(&self) -> String {
        match self {
            Self::Whole { min: 0, max: u64::MAX } => "0 or more".to_owned(),
            Self::Whole { min, max: u64::MAX } => format!("{} or more", grouped(*min)),
            Self::Whole { min, max } => format!("from {} to {}", grouped(*min), grouped(*max)),
            Self::Number { min, max } => describe_bounds(*min, *max),
            Self::YesNo => "yes or no".to_owned(),
            Self::Choice(names) => either(names),
            Self::Syntax { told, .. } => (*told).to_owned(),
            Self::Text { .. } => "words without control characters".to_owned(),
            Self::Optional { none, of } => format!("{}, or {none}", of.describe()),
            Self::List { of, .. } => format!("{} each", of.describe()),
        }
    }

    /// The name of a value in help texts: `N`, `SHARE`, `yes|no`.
    pub fn hint(&self) -> String {
        match self {
            Self::Whole { .. } => "N".to_owned(),
            Self::Number { min: Bound::Included(0.0), max: Bound::Included(1.0) | Bound::Excluded(1.0) } => {
                "SHARE".to_owned()
            }
            Self::Number { .. } => "NUMBER".to_owned(),
            Self::YesNo => "yes|no".to_owned(),
            Self::Choice(names) => names.join("|"),
            Self::Syntax { pattern, .. } => (*pattern).to_owned(),
            Self::Text { hint } => (*hint).to_owned(),
            Self::Optional { none, of } => match &**of {
                Self::YesNo | Self::Choice(_) | Self::Syntax { .. } => format!("{none}|{}", of.hint()),
                of => of.hint(),
            },
            Self::List { of, lines: true } => of.hint(),
            Self::List { of, lines: false } => format!("{0},{0},…", of.hint()),
        }
    }

    /// Whether a sweep can try several values of it: numbers and choices, and syntaxes that need no comma.
    pub fn is_axis(&self) -> bool {
        match self {
            Self::Whole { .. } | Self::Number { .. } | Self::YesNo | Self::Choice(_) => true,
            Self::Syntax { pattern, examples, .. } => {
                !pattern.contains(',') && examples.iter().all(|e| !e.contains(','))
            }
            Self::Text { .. } | Self::List { .. } => false,
            Self::Optional { of, .. } => of.is_axis(),
        }
    }

    /// The names that a form offers, where there is a fixed set.
    pub fn choices(&self) -> Option<Vec<&'static str>> {
        match self {
            Self::YesNo => Some(vec!["yes", "no"]),
            Self::Choice(names) => Some(names.clone()),
            Self::Optional { none, of } => of.choices().map(|names| std::iter::once(*none).chain(names).collect()),
            _ => None,
        }
    }

    /// Accepted texts, the ends of ranges among them.
    pub fn examples(&self) -> Vec<String> {
        match self {
            Self::Whole { min, max } => {
                let mut all = vec![*min, min.saturating_add(1).min(*max), *max];
                all.dedup();
                all.iter().map(u64::to_string).collect()
            }
            Self::Number { min, max } => numbers(*min, *max, true),
            Self::YesNo | Self::Choice(_) => {
                self.choices().unwrap_or_default().into_iter().map(str::to_owned).collect()
            }
            Self::Syntax { examples, .. } => examples.iter().map(|text| (*text).to_owned()).collect(),
            Self::Text { .. } => vec!["some".to_owned(), "some other".to_owned()],
            Self::Optional { none, of } => std::iter::once((*none).to_owned()).chain(of.examples()).collect(),
            Self::List { of, lines } => {
                let mut all = of.examples();
                all.push(all.join(if *lines { "\n" } else { "," }));
                all
            }
        }
    }

    /// Refused texts: values just outside a range, and texts that are no value at all. None for free text, which only
    /// the structure's own rules refuse.
    pub fn counterexamples(&self) -> Vec<String> {
        let mut all = match self {
            Self::Whole { min, max } => {
                let outside = [min.checked_sub(1), max.checked_add(1)];
                let mut all: Vec<String> = outside.into_iter().flatten().map(|value| value.to_string()).collect();
                all.extend(["-1".to_owned(), "1.5".to_owned()]);
                all
            }
            Self::Number { min, max } => {
                let mut all = numbers(*min, *max, false);
                all.extend(["NaN".to_owned(), "inf".to_owned()]);
                all
            }
            Self::Text { .. } => return Vec::new(),
            Self::Optional { of, .. } => return of.counterexamples(),
            Self::List { of, lines } => {
                let separator = if *lines { "\n" } else { "," };
                let good = of.examples().into_iter().next().unwrap_or_default();
                return of.counterexamples().iter().map(|bad| format!("{good}{separator}{bad}")).collect();
            }
            Self::YesNo | Self::Choice(_) | Self::Syntax { .. } => Vec::new(),
        };
        all.push("no such value".to_owned());
        all
    }

    /// What is wrong with a text, in the setting's unit. A [`Domain::Syntax`] is checked by the type that parses it.
    pub(crate) fn objection(&self, text: &str, unit: &str) -> Option<Objection> {
        let objection = |predicate: String| Some(Objection { predicate, value: Some(text.to_owned()) });
        match self {
            Self::Optional { none, .. } if is_none(text, none) => None,
            Self::Optional { of, .. } => of.objection(text, unit),
            Self::List { of, lines } => {
                let mut parts = parts(text, *lines).peekable();
                if parts.peek().is_none() {
                    return Some(Objection { predicate: "must be given".to_owned(), value: None });
                }
                parts.find_map(|part| of.objection(part, unit))
            }
            _ if text.trim().is_empty() => Some(Objection { predicate: "must be given".to_owned(), value: None }),
            Self::Whole { min, max } => match text.trim().parse::<u64>() {
                Ok(value) if (*min..=*max).contains(&value) => None,
                Ok(_) => objection(format!("must be {}{unit}", self.describe())),
                // Digits only: an integer, however long.
                Err(_) if text.trim().bytes().all(|byte| byte.is_ascii_digit()) => {
                    objection(format!("must be {}{unit}", self.describe()))
                }
                Err(_) => objection(format!("must be a whole number, {}{unit}", self.describe())),
            },
            Self::Number { min, max } => match text.trim().parse::<f64>() {
                Ok(value) if value.is_finite() => {
                    let within = (*min, *max);
                    let good = std::ops::RangeBounds::contains(&within, &value);
                    if good { None } else { objection(format!("must be {}{unit}", self.describe())) }
                }
                _ if (*min, *max) == (Bound::Unbounded, Bound::Unbounded) => {
                    objection(format!("must be {}{unit}", self.describe()))
                }
                _ => objection(format!("must be a number, {}{unit}", self.describe())),
            },
            Self::YesNo if yes_or_no(text).is_none() => objection(format!("must be {}", self.describe())),
            Self::Choice(names) if !names.contains(&text.trim()) => objection(format!("must be {}", self.describe())),
            Self::Text { .. } if text.contains(crate::is_control) => {
                Some(Objection { predicate: "must have no control characters".to_owned(), value: None })
            }
            Self::YesNo | Self::Choice(_) | Self::Syntax { .. } | Self::Text { .. } => None,
        }
    }
}

/// Whether a text means none.
pub(crate) fn is_none(text: &str, none: &str) -> bool {
    let text = text.trim();
    text.is_empty() || text == none || text == "none"
}

pub(crate) fn yes_or_no(text: &str) -> Option<bool> {
    match text.trim() {
        "yes" | "true" => Some(true),
        "no" | "false" => Some(false),
        _ => None,
    }
}

/// The values of a list.
pub(crate) fn parts(text: &str, lines: bool) -> impl Iterator<Item = &str> {
    let separates = move |c: char| if lines { c == '\n' } else { c == ',' || c.is_whitespace() };
    text.split(separates).filter(|part| !part.trim().is_empty())
}

/// `a, b or c`.
fn either(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    }
}

fn describe_bounds(min: Bound<f64>, max: Bound<f64>) -> String {
    let low = match min {
        Bound::Included(min) => Some(format!("at least {min}")),
        Bound::Excluded(min) => Some(format!("above {min}")),
        Bound::Unbounded => None,
    };
    let high = match max {
        Bound::Included(max) => Some(format!("at most {max}")),
        Bound::Excluded(max) => Some(format!("below {max}")),
        Bound::Unbounded => None,
    };
    match (min, max, low, high) {
        (Bound::Included(min), Bound::Included(max), ..) => format!("from {min} to {max}"),
        (_, _, Some(low), Some(high)) => format!("{low} and {high}"),
        (_, _, Some(one), None) | (_, _, None, Some(one)) => one,
        (_, _, None, None) => "a number".to_owned(),
    }
}

/// Numbers at the ends of a range and between them, or just outside of it.
fn numbers(min: Bound<f64>, max: Bound<f64>, inside: bool) -> Vec<String> {
    let ends = |value: f64| [value.next_down(), value, value.next_up()];
    let mut all = Vec::new();
    for bound in [min, max] {
        if let Bound::Included(end) | Bound::Excluded(end) = bound {
            all.extend(ends(end));
        }
    }
    all.extend([0.5, 0.1 + 0.2, 1e-300, 2.0, 1e300]);
    all.retain(|value| std::ops::RangeBounds::contains(&(min, max), value) == inside);
    all.iter().map(|value| crate::value::number_text(*value)).collect()
}

/// 65536 as `65,536`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
