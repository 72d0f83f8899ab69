//! Parses TOML files written by users (studies and configurations), with positions for errors.

mod mistakes;

pub use mistakes::{Mistake, Mistakes};

use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Parses the tables of a text.
///
/// # Errors
/// All syntax errors.
pub(crate) fn tables(text: &str) -> Result<Spanned<DeTable<'_>>, Mistakes> {
    let (file, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return Ok(file);
    }
    let mistake = |error: &toml::de::Error| {
        let at = error.span().map_or(0, |span| span.start);
        let duplicate = error.message() == "duplicate key";
        let sentence = if duplicate { "this name is there already; each is stated once" } else { error.message() };
        Mistake::at(text, at, sentence.replace('\n', ", "))
    };
    Err(Mistakes::of(errors.iter().map(mistake).collect()))
}

/// A value as JSON, to be read like JSON; or its type, if no setting can have it.
pub(crate) fn json(value: &DeValue<'_>) -> Result<Value, &'static str> {
    Ok(match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Boolean(yes) => Value::Bool(*yes),
        DeValue::Integer(number) => match i128::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => match (u64::try_from(number), i64::try_from(number)) {
                (Ok(number), _) => Value::from(number),
                (_, Ok(number)) => Value::from(number),
                _ => Value::String(number.to_string()),
            },
            Err(_) => Value::String(number.to_string()),
        },
        // As written: JSON has no non-finite numbers.
        DeValue::Float(number) => Value::String(number.as_str().to_owned()),
        DeValue::Array(array) => {
            Value::Array(array.iter().map(|value| json(value.get_ref())).collect::<Result<_, _>>()?)
        }
        DeValue::Datetime(_) => return Err("a date"),
        DeValue::Table(_) => return Err("a table"),
    })
}

/// A value for a sentence.
pub(crate) fn shown(value: &DeValue<'_>) -> String {
    match value {
        DeValue::Table(_) => "a table".to_owned(),
        DeValue::Datetime(_) => "a date".to_owned(),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Array(array) if array.is_empty() => "an empty list".to_owned(),
        DeValue::Array(_) => "a list".to_owned(),
        other => json(other).map_or_else(str::to_owned, |value| value.to_string()),
    }
}
