//! Filter expressions over the columns of a table: `kind=dense val>0.8 backbone=vgg`.
//!
//! Conditions are separated by spaces, and all of them must hold. A condition is a column, one of `=` (contains, or
//! equals the number), `==` (equals), `!=` (does not contain, or differs from the number), `<`, `<=`, `>`, `>=`, and a
//! value; a single word must occur in one of the text columns. Values with spaces are in double quotes. Case is
//! ignored. If a row has no value in a column (a test accuracy before the opening), only `!=` holds.

use std::cmp::Ordering;

/// The value of a row in a column.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    Text(String),
    /// None if there is no value (yet).
    Number(Option<f64>),
}

impl Cell {
    /// A text, empty if there is none.
    pub fn text(text: Option<&str>) -> Self {
        Self::Text(text.unwrap_or_default().to_owned())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Contains,
    Is,
    Not,
    Less,
    AtMost,
    More,
    AtLeast,
}

/// The longest first, so that `<=` is not parsed as `<`.
const OPERATORS: [(&str, Operator); 7] = [
    ("==", Operator::Is),
    ("!=", Operator::Not),
    ("<=", Operator::AtMost),
    (">=", Operator::AtLeast),
    ("=", Operator::Contains),
    ("<", Operator::Less),
    (">", Operator::More),
];

#[derive(Debug, Clone, PartialEq)]
enum Condition {
    Word(String),
    Column { name: &'static str, operator: Operator, value: String },
}

/// A parsed filter.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Filter {
    conditions: Vec<Condition>,
}

/// A row that a filter can be applied to.
pub trait Row {
    /// The column names, as typed.
    const COLUMNS: &'static [&'static str];

    /// The value in one of [`Row::COLUMNS`].
    fn cell(&self, column: &str) -> Cell;
}

impl Filter {
    /// Parses a filter on rows of type `R`. The error is a sentence about what was not understood.
    pub fn parse<R: Row>(line: &str) -> Result<Self, String> {
        let mut rest = line.trim_start();
        let mut conditions = Vec::new();
        while !rest.is_empty() {
            let (word, after) = token(rest)?;
            let operator = |text: &str| {
                OPERATORS.iter().find(|(sign, _)| text.starts_with(sign)).map(|(sign, found)| (*found, sign.len()))
            };
            let Some((operator, width)) = operator(after.trim_start()).filter(|_| !word.is_empty()) else {
                if word.is_empty() {
                    return Err(format!("'{rest}' begins with no column; there are {}.", R::COLUMNS.join(", ")));
                }
                conditions.push(Condition::Word(word.to_lowercase()));
                rest = after.trim_start();
                continue;
            };
            let name = R::COLUMNS
                .iter()
                .find(|column| **column == word.to_lowercase())
                .ok_or_else(|| format!("'{word}' is not a column; there are {}.", R::COLUMNS.join(", ")))?;
            let (value, after) = token(after.trim_start()[width..].trim_start())?;
            if value.is_empty() {
                return Err(format!(
                    "{name} is compared with nothing; type a value, such as {name}={}.",
                    example(name)
                ));
            }
            conditions.push(Condition::Column { name, operator, value: value.to_lowercase() });
            rest = after.trim_start();
        }
        Ok(Self { conditions })
    }

    /// Whether there is no condition.
    pub fn is_empty(&self) -> bool {
        self.conditions.is_empty()
    }

    /// Whether a row fulfils all conditions.
    pub fn matches<R: Row>(&self, row: &R) -> bool {
        self.conditions.iter().all(|condition| match condition {
            Condition::Word(word) => R::COLUMNS.iter().any(|column| match row.cell(column) {
                Cell::Text(text) => text.to_lowercase().contains(word),
                Cell::Number(_) => false,
            }),
            Condition::Column { name, operator, value } => holds(&row.cell(name), *operator, value),
        })
    }
}

/// An example value for a message.
fn example(column: &str) -> &'static str {
    if matches!(column, "kind") { "dense" } else { "…" }
}

/// The next word, up to a space or an operator, or a quoted text; and the rest.
fn token(text: &str) -> Result<(&str, &str), String> {
    if let Some(quoted) = text.strip_prefix('"') {
        let end = quoted.find('"').ok_or_else(|| "A quote is open; close it with \".".to_owned())?;
        return Ok((&quoted[..end], &quoted[end + 1..]));
    }
    let end = text.find(|c: char| c.is_whitespace() || matches!(c, '=' | '<' | '>' | '!')).unwrap_or(text.len());
    Ok(text.split_at(end))
}

fn holds(cell: &Cell, operator: Operator, value: &str) -> bool {
    match cell {
        Cell::Number(None) => operator == Operator::Not,
        Cell::Number(Some(number)) => match value.trim_end_matches('%').trim_start_matches('+').parse::<f64>() {
            // Values typed from the screen are rounded, so only as many digits as were typed are compared.
            Ok(wanted) => {
                let places = value.split_once('.').map_or(0, |(_, places)| places.len());
                let same = format!("{number:.places$}") == format!("{wanted:.places$}");
                compared(number.total_cmp(&wanted), operator, same)
            }
            Err(_) => operator == Operator::Not,
        },
        Cell::Text(text) => {
            let text = text.to_lowercase();
            match operator {
                Operator::Contains => text.contains(value),
                Operator::Not => !text.contains(value),
                Operator::Is => text == value,
                _ => compared(text.as_str().cmp(value), operator, text == value),
            }
        }
    }
}

fn compared(ordering: Ordering, operator: Operator, same: bool) -> bool {
    match operator {
        Operator::Contains | Operator::Is => same,
        Operator::Not => !same,
        Operator::Less => ordering.is_lt(),
        Operator::AtMost => ordering.is_le() || same,
        Operator::More => ordering.is_gt(),
        Operator::AtLeast => ordering.is_ge() || same,
    }
}

impl Row for super::results::ResultRow {
    const COLUMNS: &'static [&'static str] = &[
        "run",
        "kind",
        "backbone",
        "pool",
        "tap",
        "params",
        "epochs",
        "train",
        "val",
        "test",
        "threshold",
        "seconds",
        "status",
        "seed",
        "data",
        "settings",
        "auc",
    ];

    fn cell(&self, column: &str) -> Cell {
        let auc = || self.validation.as_ref().and_then(|figures| figures.of_scores.roc_auc);
        match column {
            "run" => Cell::text(Some(&self.run)),
            "kind" => Cell::text(Some(self.kind.name())),
            "backbone" => Cell::text(self.backbone.as_deref()),
            "pool" => Cell::text(self.pool.as_deref()),
            "tap" => Cell::text(self.tap.as_deref()),
            "status" => Cell::text(Some(self.status.name())),
            "data" => Cell::text(Some(self.data())),
            "settings" => Cell::text(Some(&self.settings)),
            "params" => Cell::Number(Some(self.params as f64)),
            "epochs" => Cell::Number(Some(self.epochs as f64)),
            "train" => Cell::Number(self.train_accuracy),
            "val" => Cell::Number(self.val_accuracy),
            "test" => Cell::Number(self.test_accuracy),
            "threshold" => Cell::Number(Some(self.threshold)),
            "seconds" => Cell::Number(Some(self.seconds)),
            "seed" => Cell::Number(Some(self.seed as f64)),
            "auc" => Cell::Number(auc()),
            _ => Cell::Number(None),
        }
    }
}
