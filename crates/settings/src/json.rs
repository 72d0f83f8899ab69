//! Conversion of settings to and from JSON and other typed values.

use crate::domain::{Domain, is_none, parts, yes_or_no};
use crate::operations::{find, given, nearest};
use crate::refusal::Refusal;
use crate::statement::{Info, Settings};
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde::ser::{SerializeStruct, Serializer};
use serde_json::{Map, Value};
use std::fmt;
use std::marker::PhantomData;

/// The JSON value of a text: numbers as numbers, `yes` as `true`, none as `null`, lists as arrays.
pub fn value_of(text: &str, domain: &Domain) -> Value {
    let as_text = || Value::String(text.to_owned());
    match domain {
        Domain::Whole { .. } => text.parse::<u64>().map_or_else(|_| as_text(), Value::from),
        Domain::Number { .. } => text.parse::<f64>().map_or_else(|_| as_text(), Value::from),
        Domain::YesNo => yes_or_no(text).map_or_else(as_text, Value::Bool),
        Domain::Choice(_) | Domain::Syntax { .. } | Domain::Text { .. } => as_text(),
        Domain::Optional { none, .. } if is_none(text, none) => Value::Null,
        Domain::Optional { of, .. } => value_of(text, of),
        Domain::List { of, lines } => parts(text, *lines).map(|part| value_of(part, of)).collect(),
    }
}

/// The text of a typed value: a number, a boolean, a string, or an array for a list. Every value is also accepted as
/// its text.
///
/// # Errors
/// A value of another type than the setting's. Ranges are not checked.
pub fn text_of(value: &Value, info: &Info) -> Result<String, Refusal> {
    let refused = |value: &Value| Refusal::new(info.name, info.must_be()).not(value.to_string());
    let one = match &info.domain {
        Domain::Optional { none, .. } if value.is_null() => return Ok((*none).to_owned()),
        Domain::Optional { of, .. } => of,
        other => other,
    };
    Ok(match (value, one) {
        (Value::Bool(yes), _) => if *yes { "yes" } else { "no" }.to_owned(),
        (Value::Number(number), _) => number.to_string(),
        (Value::String(text), _) => text.clone(),
        (Value::Array(values), Domain::List { lines, .. }) => {
            let texts: Vec<String> = values
                .iter()
                .map(|value| if value.is_array() { Err(refused(value)) } else { text_of(value, info) })
                .collect::<Result<_, _>>()?;
            // Paths may contain bidirectional controls, as file names do, but no line break.
            if *lines && texts.iter().any(|text| text.contains(char::is_control)) {
                return Err(Refusal::new(info.name, "must have no control characters"));
            }
            texts.join(if *lines { "\n" } else { "," })
        }
        (Value::Null | Value::Array(_) | Value::Object(_), _) => return Err(refused(value)),
    })
}

/// Sets one setting from a typed value: a number, a boolean, a string, or an array for a list. Every value is also
/// accepted as its text.
///
/// # Errors
/// An unknown name, a value that the setting does not accept.
pub fn set_value<S: Settings>(settings: &mut S, name: &str, value: &Value) -> Result<(), Refusal> {
    let statement = find::<S>(name)?;
    statement.set(settings, &text_of(value, &statement.info)?)
}

/// The typed values that differ from the defaults. None is written as its word, for file formats without null.
pub fn to_keys<S: Settings>(settings: &S) -> Vec<(&'static str, Value)> {
    let of = |text: String, domain: &Domain| match value_of(&text, domain) {
        Value::Null => Value::String(text),
        value => value,
    };
    given(settings).into_iter().map(|one| (one.info.name, of(one.get(settings), &one.info.domain))).collect()
}

/// The settings of a JSON object, of this or an earlier version. Missing keys have their defaults. Ranges are not
/// checked, so that values written under earlier ranges can still be read; [`check`](crate::check) checks them before a
/// run.
///
/// # Errors
/// Unknown keys, values of another type.
pub fn from_map<S: Settings>(mut object: Map<String, Value>) -> Result<S, Refusal> {
    S::upgrade(&mut object);
    let mut settings = S::default();
    for (name, value) in &object {
        let statement = find::<S>(name)?;
        statement.set_unchecked(&mut settings, &text_of(value, &statement.info)?)?;
    }
    settings.settle(&|name| object.contains_key(name));
    Ok(settings)
}

/// Serialization for [`settings!`](crate::settings).
pub fn serialize<S: Settings, Z: Serializer>(settings: &S, serializer: Z) -> Result<Z::Ok, Z::Error> {
    let mut object = serializer.serialize_struct(S::NAME, S::statements().len())?;
    for statement in S::statements() {
        object.serialize_field(statement.info.name, &value_of(&statement.get(settings), &statement.info.domain))?;
    }
    object.end()
}

/// Deserialization for [`settings!`](crate::settings). Flattened into another structure, it takes its own keys only.
pub fn deserialize<'de, S: Settings, D: Deserializer<'de>>(deserializer: D) -> Result<S, D::Error> {
    deserializer.deserialize_struct(S::NAME, S::known_keys(), Object(PhantomData))
}

struct Object<S>(PhantomData<S>);

impl<'de, S: Settings> Visitor<'de> for Object<S> {
    type Value = S;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with the settings' names")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<S, A::Error> {
        let mut object = Map::new();
        while let Some((name, value)) = access.next_entry::<String, Value>()? {
            if !S::known_keys().contains(&name.as_str()) {
                let near = nearest(&name, S::statements().iter().map(|statement| statement.info.name));
                let near = near.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
                return Err(A::Error::custom(format!("{name} is not known here{near}")));
            }
            object.insert(name, value);
        }
        from_map(object).map_err(|refusal| A::Error::custom(refusal.for_key()))
    }
}
