//! Lossless conversion between paths and text.
//!
//! A path is a byte string and need not be UTF-8; answers, tables and errors are text. So bytes that are not UTF-8 are
//! written `\x{ff}`, in two hexadecimal digits. If a path needs such escapes, or could be mistaken for a path with
//! escapes, the backslash of every other `\x{` and `\u{` in it is written `\x{5c}`: two paths never have the same text.
//! All other paths are their own text.
//!
//! Text for a terminal or CSV also goes through [`printable`](crate::text::printable), whose escapes are `\u{1b}`; JSON
//! has its own. [`path_of`] decodes both kinds.

use serde::{Deserialize, Deserializer, Serializer};
use std::borrow::Cow;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

const BYTE: &str = "\\x{";
const CHARACTER: &str = "\\u{";

/// The text of a path, unique for each path.
pub fn text_of(path: &Path) -> Cow<'_, str> {
    if let Some(text) = path.to_str().filter(|text| !text.contains(BYTE)) {
        return text.into();
    }
    let mut text = String::new();
    for chunk in path.as_os_str().as_bytes().utf8_chunks() {
        text += &chunk.valid().replace(BYTE, "\\x{5c}x{").replace(CHARACTER, "\\x{5c}u{");
        text.extend(chunk.invalid().iter().map(|byte| format!("{BYTE}{byte:02x}}}")));
    }
    text.into()
}

/// The path of a text: decodes escapes.
pub fn path_of(text: &str) -> PathBuf {
    let mut path = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (plain, escape) = rest.split_at(at);
        path.extend(plain.as_bytes());
        let length = match read_escape(escape) {
            Some((bytes, length)) => {
                path.extend(bytes);
                length
            }
            None => {
                path.push(b'\\');
                1
            }
        };
        rest = &escape[length..];
    }
    path.extend(rest.as_bytes());
    PathBuf::from(OsString::from_vec(path))
}

/// The bytes of the escape at the start of a text, and the escape's length.
fn read_escape(text: &str) -> Option<(Vec<u8>, usize)> {
    let inside = |begin: &str| text.strip_prefix(begin)?.split_once('}').map(|(digits, _)| digits);
    let hexadecimal = |digits: &&str| !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    if let Some(digits) = inside(BYTE).filter(hexadecimal).filter(|digits| digits.len() == 2) {
        return Some((vec![u8::from_str_radix(digits, 16).ok()?], BYTE.len() + 3));
    }
    let digits = inside(CHARACTER).filter(hexadecimal)?;
    let character = char::from_u32(u32::from_str_radix(digits, 16).ok()?)?;
    Some((character.to_string().into_bytes(), CHARACTER.len() + digits.len() + 1))
}

/// The path that a user means, who may have copied it from an answer: as typed if it exists, else decoded, if that
/// exists.
pub fn meant(path: &Path) -> Cow<'_, Path> {
    let is_there = |path: &Path| path.symlink_metadata().is_ok();
    let text = path.to_str().filter(|text| text.contains(BYTE) || text.contains(CHARACTER));
    match text.filter(|_| !is_there(path)).map(path_of) {
        Some(other) if is_there(&other) => other.into(),
        _ => path.into(),
    }
}

/// For serde: serializes a path as its text.
///
/// # Errors
/// The serializer's.
pub fn serialize<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&text_of(path))
}

/// For serde: deserializes a path from its text.
///
/// # Errors
/// A value that is not a string.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PathBuf, D::Error> {
    Ok(from_text(&String::deserialize(deserializer)?))
}

/// The path that [`text_of`] wrote like this. Other text is the path itself, even if it seems to contain escapes.
pub fn from_text(text: &str) -> PathBuf {
    if text.contains(BYTE) { path_of(text) } else { text.into() }
}

/// For serde: paths by name.
pub mod by_name {
    use super::{Deserialize, Deserializer, PathBuf, Serializer, from_text, text_of};
    use std::collections::BTreeMap;

    /// Serializes paths as their texts.
    ///
    /// # Errors
    /// The serializer's.
    pub fn serialize<S: Serializer>(paths: &BTreeMap<String, PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(paths.iter().map(|(name, path)| (name, text_of(path))))
    }

    /// Deserializes paths from their texts.
    ///
    /// # Errors
    /// A value that is not a map of strings.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, PathBuf>, D::Error> {
        let texts = BTreeMap::<String, String>::deserialize(deserializer)?;
        Ok(texts.into_iter().map(|(name, text)| (name, from_text(&text))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{is_control, printable};
    use std::collections::HashSet;

    fn path(bytes: &[u8]) -> PathBuf {
        OsString::from_vec(bytes.to_vec()).into()
    }

    #[test]
    fn every_path_has_its_own_text_which_leads_back_to_it() {
        let names: [&[u8]; 16] = [
            b"face_\xff.jpg",
            b"face_\xfe.jpg",
            b"face_\\x{ff}.jpg",
            b"face_\\x{5c}x{ff}.jpg",
            b"\xff\\x{fe}\\u{41}",
            b"\\x{ff",
            b"\\\xff",
            b"\\x\xff{41}",
            b"C:\\users\\x.jpg",
            b"caf\xe9.jpg",
            "café.jpg".as_bytes(),
            "cafe\u{301}.jpg".as_bytes(),
            b"\xed\xa0\x80",
            b"a\x1b[2J\xffb\n",
            "\u{202e}gpj.\\u{202e}".as_bytes(),
            b"\\u{41}",
        ];
        let texts: Vec<String> = names.iter().map(|name| text_of(&path(name)).into_owned()).collect();
        assert_eq!(texts.iter().collect::<HashSet<_>>().len(), names.len(), "{texts:?}");
        assert_eq!(texts[0], "face_\\x{ff}.jpg");
        assert_eq!(texts[2], "face_\\x{5c}x{ff}.jpg");
        assert_eq!(texts[8], "C:\\users\\x.jpg");
        for (name, text) in names.iter().zip(&texts) {
            // As a terminal and CSV show it.
            let shown = printable(text);
            assert!(!shown.contains(is_control));
            assert_eq!(path_of(&shown), path(name), "{shown}");
            // As JSON has it.
            #[derive(serde::Serialize, serde::Deserialize)]
            struct Holder(#[serde(with = "super")] PathBuf);
            let json = serde_json::to_string(&Holder(path(name))).unwrap();
            assert_eq!(serde_json::from_str::<Holder>(&json).unwrap().0, path(name), "{json}");
            #[derive(serde::Serialize, serde::Deserialize, PartialEq, Debug)]
            struct Named(#[serde(with = "super::by_name")] std::collections::BTreeMap<String, PathBuf>);
            let named = Named([("one".to_owned(), path(name))].into());
            let json = serde_json::to_string(&named).unwrap();
            assert_eq!(serde_json::from_str::<Named>(&json).unwrap(), named, "{json}");
        }
    }

    #[test]
    fn a_path_that_is_there_is_meant_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &[u8]| folder.path().join(path(name));
        for name in [b"face_\xff.jpg".as_slice(), b"\\u{41}.jpg", b"A.jpg", b"two\nlines"] {
            std::fs::write(at(name), name).unwrap();
        }
        for (given, found) in [
            (b"face_\\x{ff}.jpg".as_slice(), b"face_\xff.jpg".as_slice()),
            (b"\\u{41}.jpg", b"\\u{41}.jpg"),
            (b"\\u{5c}u{41}.jpg", b"\\u{41}.jpg"),
            (b"two\\u{a}lines", b"two\nlines"),
            (b"face_\\x{fe}.jpg", b"face_\\x{fe}.jpg"),
            (b"face_\xff.jpg", b"face_\xff.jpg"),
        ] {
            assert_eq!(meant(&at(given)), at(found), "{}", given.escape_ascii());
        }
    }
}
