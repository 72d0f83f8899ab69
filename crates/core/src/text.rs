//! Sanitises text from outside (file names, class names, notes, journals, errors) for display.
//!
//! A terminal interprets control characters, and bidirectional controls reorder text. They are shown in Rust's
//! notation, `\u{1b}`, which can be decoded again.
//!
//! | function | for | lets pass | `\u{` that was there |
//! |---|---|---|---|
//! | [`printable`] | one name or value, once, also in CSV; [`read_back`] reverses it | nothing | is written `\u{5c}u{` |
//! | [`line`] | a sentence that may hold such names | nothing | stays |
//! | [`lines`] | a finished page, at the very end | ends of lines | stays |
//! | [`json`], [`json_value`] | JSON | its own line ends | stays; escapes are JSON's |
//!
//! All but the first are idempotent.

pub use faceprobe_settings::is_control;

use serde::Serialize;
use std::borrow::Cow;
use std::fmt::Write;

/// A name or value from outside on one line, decodable.
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(is_control) && !text.contains(BEGIN) {
        return text.into();
    }
    // Text that merely looks like an escape gets an escaped backslash.
    escaped(&text.replace(BEGIN, "\\u{5c}u{"), is_control).into_owned().into()
}

/// How an escape begins.
const BEGIN: &str = "\\u{";

/// The name that [`printable`] wrote like this. Text that it cannot have written, such as that of an earlier version, is
/// the name itself.
pub fn read_back(written: &str) -> Cow<'_, str> {
    if !written.contains(BEGIN) {
        return written.into();
    }
    let mut pieces = written.split(BEGIN);
    let mut name = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let escape = piece
            .split_once('}')
            .and_then(|(digits, rest)| Some((u32::from_str_radix(digits, 16).ok().and_then(char::from_u32)?, rest)));
        let Some((character, rest)) = escape else { return written.into() };
        name.push(character);
        name.push_str(rest);
    }
    if printable(&name) == written { name.into() } else { written.into() }
}

/// A sentence on one line. Names in it that went through [`printable`] are unchanged.
pub fn line(text: &str) -> Cow<'_, str> {
    escaped(text, is_control)
}

/// Lines laid out by the program.
pub fn lines(text: &str) -> Cow<'_, str> {
    escaped(text, |character| character != '\n' && is_control(character))
}

fn escaped(text: &str, unfit: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&unfit) {
        return text.into();
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if unfit(character) {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    shown.into()
}

/// Maximum number of characters of a name in the report of a data set.
const LONGEST: usize = 400;

/// [`printable`], truncated if it is too long.
pub fn excerpt(text: &str) -> String {
    shortened(text, printable)
}

/// [`line`], truncated if it is too long.
pub fn brief(text: &str) -> String {
    shortened(text, line)
}

fn shortened(text: &str, shown: impl Fn(&str) -> Cow<'_, str>) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => shown(text.get(..end).unwrap_or(text)).into_owned() + "...",
        None => shown(text).into_owned(),
    }
}

/// The JSON text with every control character that JSON allows unescaped (DEL, C1, bidirectional controls, separators)
/// written as `\uXXXX`. C0 is escaped in any JSON.
pub fn json(text: String) -> String {
    let unfit = |character: char| character > '~' && is_control(character);
    if !text.contains(unfit) {
        return text;
    }
    let mut written = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if unfit(character) {
            // All of them have four digits, and occur in strings only. Writing to a string does not fail.
            let _ = write!(written, "\\u{:04x}", u32::from(character));
        } else {
            written.push(character);
        }
    }
    written
}

/// A value as such JSON, indented.
///
/// # Errors
/// A value that JSON cannot represent, such as a map with non-string keys or a path that is not UTF-8.
pub fn json_value<T: Serialize + ?Sized>(value: &T) -> serde_json::Result<String> {
    serde_json::to_string_pretty(value).map(json)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every character that a terminal may obey, between letters.
    fn hostile() -> String {
        let controls = (0..=0x1f).chain(0x7f..=0x9f).chain([0x61c, 0x200e, 0x200f]);
        let all = controls.chain(0x2028..=0x202e).chain(0x2066..=0x2069);
        all.filter_map(char::from_u32).flat_map(|control| ['a', control]).chain("é😀\u{200d}ن".chars()).collect()
    }

    #[test]
    fn a_name_is_shown_without_controls_and_can_be_read_back() {
        for name in [hostile().as_str(), "\\u{1b}[31m\u{1b}", "\\\\u{5c}u{", "C:\\users\\new", "été.png", ""] {
            let shown = printable(name);
            assert!(!shown.contains(is_control), "{shown}");
            assert_eq!(read_back(&shown), name);
            assert_eq!((line(&shown), lines(&shown)), (shown.clone(), shown.clone()));
        }
        // What was never escaped stays as it is.
        for name in [
            "\\u{41}.png",
            "a\u{1b}",
            "\\u{",
            "\\u{zz}",
            "\\u{1b",
            "\\u{5c}u{",
            "\\u{+1b}",
            "\\u{01b}",
            "\u{9b}\\u{1b}",
        ] {
            let written = "\\u{5c}u{" == name;
            assert_eq!(read_back(name), if written { "\\u{" } else { name });
        }
        assert_eq!(printable("C:\\users"), "C:\\users");
        assert_eq!(printable("a\nb\u{9b}31m"), "a\\u{a}b\\u{9b}31m");
        assert_eq!(lines("a\nb\rc\t"), "a\nb\\u{d}c\\u{9}");
        assert_eq!(printable(&"é".repeat(400)), "é".repeat(400));
        assert_eq!(excerpt(&"é".repeat(401)), "é".repeat(400) + "...");
    }

    #[test]
    fn json_has_the_same_values() {
        let value = serde_json::json!({ "name": hostile(), hostile(): ["\\u{9b}", "\\", 1.5] });
        let text = json_value(&value).unwrap();
        assert!(!text.contains(|c| c != '\n' && is_control(c)), "{text}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }
}
