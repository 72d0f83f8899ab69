//! JSON files and lines with a checksum of themselves.
//!
//! The first field of the object is `checksum`, the SHA-256 of all text after it. So a later change (by a disk, a
//! truncated copy, an edit) is detected. Text without the field, of an earlier version or another program, is accepted
//! as it is.

use crate::dataset::ContentHash;
use crate::text::json_value;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The JSON around the checksum.
const BEFORE: &str = "{\n  \"checksum\": \"";
const AFTER: &str = "\",";

/// A value as indented JSON with its checksum; a non-object or an empty object gets none.
///
/// # Errors
/// A value that JSON cannot represent.
pub fn text<T: Serialize + ?Sized>(value: &T) -> serde_json::Result<String> {
    let text = json_value(value)?;
    Ok(match text.strip_prefix('{').filter(|rest| rest.starts_with('\n')) {
        Some(rest) => format!("{BEFORE}{}{AFTER}{rest}", ContentHash::of(rest.as_bytes())),
        None => text,
    })
}

/// Parses and verifies such JSON.
///
/// # Errors
/// What is wrong with it.
pub fn value<T: DeserializeOwned>(text: &[u8]) -> Result<T, String> {
    // A trailing line end is not covered.
    if let Some(stated) = text.trim_ascii_end().strip_prefix(BEFORE.as_bytes()) {
        let fits = stated.split_at_checked(64).is_some_and(|(checksum, rest)| {
            let rest = rest.strip_prefix(AFTER.as_bytes());
            rest.is_some_and(|rest| ContentHash::of(rest).to_string().as_bytes() == checksum)
        });
        if !fits {
            return Err("it does not fit its checksum, so it was changed since it was written".to_owned());
        }
    }
    serde_json::from_slice(text).map_err(|error| error.to_string())
}

/// [`value`] of text that must have its checksum.
///
/// # Errors
/// What is wrong with it.
pub fn sealed<T: DeserializeOwned>(text: &[u8]) -> Result<T, String> {
    if !text.starts_with(BEFORE.as_bytes()) {
        return Err("its checksum is missing".to_owned());
    }
    value(text)
}

/// The start of a line's checksum.
const LINE: &str = ",\"sum\":\"";

/// A line of JSON, a non-empty object, with a short checksum as its last field.
pub fn line(json: &str) -> String {
    match json.strip_suffix('}') {
        Some(open) => format!("{open}{LINE}{}\"}}", short(open.as_bytes())),
        None => json.to_owned(),
    }
}

/// Whether such a line is unchanged; one without a checksum is accepted.
pub fn is_whole(line: &[u8]) -> bool {
    let stated = line.strip_suffix(b"\"}").and_then(|line| line.split_at_checked(line.len().checked_sub(8)?));
    match stated.and_then(|(open, sum)| Some((open.strip_suffix(LINE.as_bytes())?, sum))) {
        Some((open, sum)) => short(open).as_bytes() == sum,
        None => true,
    }
}

/// The first eight digits of a SHA-256.
fn short(bytes: &[u8]) -> String {
    ContentHash::of(bytes).to_string().chars().take(8).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn whatever_is_changed_behind_the_checksum_is_noticed() {
        let held = json!({ "accuracy": 0.875, "name": "été \u{202e}", "more": [1, 2, { "x": null }] });
        let sealed = text(&held).unwrap();
        let mut read: Value = value(sealed.as_bytes()).unwrap();
        assert!(read.as_object_mut().and_then(|read| read.remove("checksum")).is_some());
        assert_eq!(read, held);
        for at in 0..sealed.len() {
            for change in [1, 3, 0x20] {
                let mut bytes = sealed.clone().into_bytes();
                bytes[at] ^= change;
                let mut read = value::<Value>(&bytes).unwrap_or_default();
                // If the field is missing or has another name, the rest is unchanged.
                read.as_object_mut().into_iter().for_each(|read| read.retain(|name, _| held.get(name).is_some()));
                assert!(read == held || read.is_null(), "{at}: {read}");
            }
            assert!(value::<Value>(&sealed.as_bytes()[..at]).is_err());
        }
        assert_eq!(value::<Value>(held.to_string().as_bytes()).unwrap(), held, "of an earlier version");
        assert!(super::sealed::<Value>(sealed.as_bytes()).is_ok());
        assert!(super::sealed::<Value>(held.to_string().as_bytes()).is_err(), "without a checksum");
        assert_eq!(text(&json!({})).unwrap(), "{}");
    }

    #[test]
    fn a_line_says_whether_it_is_whole() {
        let sealed = line(r#"{"at":1,"event":"note","text":"x"}"#);
        assert!(is_whole(sealed.as_bytes()) && serde_json::from_str::<Value>(&sealed).is_ok());
        assert!(!is_whole(sealed.replace("\"x\"", "\"y\"").as_bytes()));
        assert!(is_whole(br#"{"at":1}"#) && is_whole(b"") && is_whole(b"\"}"));
    }
}
