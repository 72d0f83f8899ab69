//! Interprets a line of a list: a file, or the header of a table.

use crate::path_text;
use std::borrow::Cow;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// The file named by a line: the first interpretation that exists. Literally, relative to the current folder and then
/// to the list's; then trimmed, unquoted, as a file URL, as a [text of a path](path_text), with backslashes as slashes.
/// If none exists, the trimmed and unquoted line.
pub(super) fn meant(line: &[u8], beside: Option<&Path>) -> PathBuf {
    let path = |bytes: &[u8]| PathBuf::from(OsString::from_vec(bytes.to_vec()));
    let plain = unquoted(line);
    let mut readings = vec![path(line), path(line.trim_ascii()), path(&plain)];
    if let Ok(text) = std::str::from_utf8(&plain) {
        readings.push(text.trim().into());
        readings.extend(address(text));
        readings.push(path_text::path_of(text));
        readings.push(text.replace('\\', "/").into());
    }
    let found = readings.iter().find_map(|reading| {
        let from_list = beside.map(|folder| folder.join(reading));
        [Some(reading.clone()), from_list].into_iter().flatten().find(|path| is_file(path))
    });
    found.unwrap_or_else(|| path(&plain))
}

fn is_file(path: &Path) -> bool {
    !path.as_os_str().is_empty() && path.symlink_metadata().is_ok()
}

/// A line without surrounding whitespace and quotes.
fn unquoted(line: &[u8]) -> Cow<'_, [u8]> {
    let line = line.trim_ascii();
    match line {
        // In CSV a quote inside is doubled.
        [b'"', inside @ .., b'"'] => {
            let text = String::from_utf8_lossy(inside);
            if matches!(text, Cow::Borrowed(_)) {
                text.replace("\"\"", "\"").into_bytes().into()
            } else {
                inside.into()
            }
        }
        [b'\'', inside @ .., b'\''] | [b'`', inside @ .., b'`'] => inside.into(),
        _ => {
            let typographic = std::str::from_utf8(line).ok().and_then(|text| {
                [('“', '”'), ('„', '“'), ('«', '»'), ('‘', '’')]
                    .iter()
                    .find_map(|(open, close)| text.strip_prefix(*open)?.strip_suffix(*close))
            });
            typographic.map_or(line, str::as_bytes).into()
        }
    }
}

/// The path of a `file://` URL, with percent-encoding.
fn address(text: &str) -> Option<PathBuf> {
    let rest = text.strip_prefix("file://")?;
    let escaped = rest.strip_prefix("localhost").unwrap_or(rest).as_bytes();
    let mut path = Vec::new();
    let mut at = 0;
    while let Some(&byte) = escaped.get(at) {
        let digits = escaped.get(at + 1..at + 3).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.filter(|_| byte == b'%').and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                path.push(byte);
                at += 3;
            }
            None => {
                path.push(byte);
                at += 1;
            }
        }
    }
    Some(OsString::from_vec(path).into())
}

/// The kind of list, by its first line.
#[derive(Debug, PartialEq)]
pub(super) enum Table {
    /// Paths, one per line.
    None,
    /// Paths, one per line, under a header.
    Headed,
    /// A table with its paths in one column; `first` if the first line is a row already.
    Column { separator: u8, column: usize, first: bool },
    /// A table without an obvious path column, and why.
    Unclear(String),
    /// `sep=;`, which spreadsheets write before a table.
    Separator(u8),
}

/// Usual names of path columns.
const PATHS: [&str; 17] = [
    "path",
    "paths",
    "file",
    "files",
    "filename",
    "file_name",
    "filepath",
    "file_path",
    "image",
    "images",
    "image_path",
    "image_file",
    "image_name",
    "image_id",
    "img",
    "img_path",
    "photo",
];

/// Classifies a list by its first line. `is_table`: its file name says that it is a table; `separator`: stated by a
/// previous line.
pub(super) fn table(line: &[u8], is_table: bool, separator: Option<u8>, beside: Option<&Path>) -> Table {
    let is_there = |cell: &[u8]| is_file(&meant(cell, beside));
    if separator.is_none() && is_there(line) {
        return Table::None;
    }
    if let [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', separator] = line.trim_ascii() {
        return Table::Separator(*separator);
    }
    let named = |cell: &[u8]| {
        let name = String::from_utf8_lossy(cell).trim().to_lowercase().replace([' ', '-'], "_");
        PATHS.contains(&name.as_str())
    };
    if named(&unquoted(line)) {
        return Table::Headed;
    }
    let candidates = separator.map_or_else(|| b",;\t|".to_vec(), |separator| vec![separator]);
    for separator in candidates {
        let cells = cells(line, separator);
        if cells.len() < 2 {
            continue;
        }
        let those = |wanted: &dyn Fn(&[u8]) -> bool| {
            let found = cells.iter().enumerate().filter(|(_, cell)| wanted(cell)).map(|(column, _)| column);
            found.collect::<Vec<usize>>()
        };
        let (headed, there) = (those(&named), those(&is_there));
        match (headed.as_slice(), there.as_slice()) {
            (&[column], []) => return Table::Column { separator, column, first: false },
            ([], &[column]) => return Table::Column { separator, column, first: true },
            ([], []) => {}
            _ => return Table::Unclear("several of its columns could be the images'".into()),
        }
    }
    if is_table || separator.is_some() {
        Table::Unclear(format!(
            "none of its columns is called path, file or image, and its first line names no file: {}",
            crate::text::excerpt(&String::from_utf8_lossy(line))
        ))
    } else {
        Table::None
    }
}

/// A line of a table.
fn cells(line: &[u8], separator: u8) -> Vec<Vec<u8>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(separator).from_reader(line);
    let row = reader.byte_records().next().and_then(Result::ok);
    row.map(|row| row.iter().map(<[u8]>::to_vec).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStrExt;

    #[test]
    fn a_line_means_the_file_that_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["a b.jpg", "'q'.jpg", " blank.jpg ", "sub/c.jpg", "x\"y.jpg"] {
            std::fs::create_dir_all(at("sub")).unwrap();
            std::fs::write(at(name), name).unwrap();
        }
        let beside = Some(folder.path());
        let absolute = at("a b.jpg").display().to_string();
        for (line, file) in [
            ("a b.jpg", "a b.jpg"),
            ("a b.jpg \t", "a b.jpg"),
            ("\"a b.jpg\"", "a b.jpg"),
            (" 'a b.jpg'  ", "a b.jpg"),
            ("“a b.jpg”", "a b.jpg"),
            ("\u{a0}a b.jpg\u{a0}", "a b.jpg"),
            (&format!("file://{}", absolute.replace(' ', "%20")), "a b.jpg"),
            (&absolute, "a b.jpg"),
            ("'q'.jpg", "'q'.jpg"),
            (" blank.jpg ", " blank.jpg "),
            ("sub\\c.jpg", "sub/c.jpg"),
            ("\"x\"\"y.jpg\"", "x\"y.jpg"),
            ("a\\u{20}b.jpg", "a b.jpg"),
        ] {
            assert_eq!(meant(line.as_bytes(), beside), at(file), "{line}");
        }
        assert_eq!(meant(b" 'nowhere.jpg' ", beside), Path::new("nowhere.jpg"));
        assert_eq!(meant(b"b\xff.jpg", beside).as_os_str().as_bytes(), b"b\xff.jpg");
    }

    #[test]
    fn a_table_is_told_from_a_list_and_its_column_found_where_that_is_clear() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["1.jpg", "2.jpg", "one, two.jpg"] {
            std::fs::write(folder.path().join(name), name).unwrap();
        }
        let look = |line: &str, is_table| table(line.as_bytes(), is_table, None, Some(folder.path()));
        let column = |separator, column, first| Table::Column { separator, column, first };
        assert_eq!(look("1.jpg", false), Table::None);
        assert_eq!(look("one, two.jpg", false), Table::None);
        assert_eq!(look("nowhere, far.jpg", false), Table::None);
        assert_eq!(look("label,path", false), column(b',', 1, false));
        assert_eq!(look("\"Image Path\";label", false), column(b';', 0, false));
        assert_eq!(look("female\t1.jpg", false), column(b'\t', 1, true));
        assert_eq!(look("path", false), Table::Headed);
        assert_eq!(look("sep=;", true), Table::Separator(b';'));
        assert!(matches!(look("path,image", true), Table::Unclear(why) if why.contains("several")));
        assert!(matches!(look("1.jpg,2.jpg", true), Table::Unclear(_)));
        assert!(matches!(look("name,gender", true), Table::Unclear(why) if why.contains("name,gender")));
    }
}
