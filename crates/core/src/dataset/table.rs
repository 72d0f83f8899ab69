//! Reads tables with a header row and one row per photograph, with any usual separator.

use super::encoding::decode;
use super::report::Tally;
use crate::error::{AtPath, Error, Result};
use crate::text::excerpt;
use csv::{ByteRecord, Reader, ReaderBuilder, StringRecord};
use std::fs;
use std::path::Path;

/// Label files of the largest data sets have tens of megabytes; larger files are something else.
const LARGEST_FILE: u64 = 256 << 20;
/// Maximum length of a field, in bytes.
const LONGEST_FIELD: usize = 4096;

/// The separator of a layout's own files; files converted by spreadsheets are recognised by their header.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Comma separated, with quotes.
    Commas,
    /// Tab separated; quotes are ordinary characters.
    Tabs,
}

impl Dialect {
    /// Separators and whether quotes are used, the layout's own first.
    fn candidates(self) -> [(u8, bool); 4] {
        match self {
            Self::Commas => [(b',', true), (b';', true), (b'\t', true), (b'|', true)],
            Self::Tabs => [(b'\t', false), (b',', true), (b';', true), (b'|', true)],
        }
    }
}

/// One row under its header.
pub struct Row<'a> {
    header: &'a [String],
    record: &'a StringRecord,
    /// The line at which it begins, counted from 1 as in editors.
    pub line: u64,
}

impl<'a> Row<'a> {
    /// The field of a column, trimmed; empty if the file has no such column.
    pub fn get(&self, column: &str) -> &'a str {
        self.header.iter().position(|name| name == column).and_then(|index| self.record.get(index)).unwrap_or("")
    }

    /// Column names with their fields.
    pub fn named(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.header.iter().map(String::as_str).zip(self.record.iter())
    }

    /// The fields as written, in the order of the header.
    pub fn fields(&self) -> impl Iterator<Item = &'a str> {
        self.record.iter().take(self.header.len())
    }
}

/// Problems of rows, and notes about the file.
pub struct Said<'a> {
    pub problems: &'a mut Tally,
    pub warnings: &'a mut Vec<String>,
}

/// Calls `take` with each row of the file and returns the header, in lower case. An error of `take` or a format error
/// of a row becomes a problem with file name and line.
///
/// # Errors
/// If the file cannot be read or its header lacks one of the `required` columns.
pub fn each_row(
    path: &Path,
    dialect: Dialect,
    required: &[&str],
    said: Said<'_>,
    mut take: impl FnMut(&Row) -> Result<(), String>,
) -> Result<Vec<String>> {
    let file = path.file_name().unwrap_or_default().display().to_string();
    let decoded = decode(read_label_file(path)?).map_err(|problem| Error::file(path, problem))?;
    said.warnings.extend(decoded.note.map(|note| format!("{} {note}.", excerpt(&file))));
    let bytes = &decoded.bytes[..];
    let (stated, begin) = stated_separator(bytes);
    let mut lines = Lines { bytes, at: 0, line: 1 };
    let body = &bytes[begin..];
    let Some((separator, quotes, header)) = header_in(body, dialect, stated, required).at(path)? else {
        let begins = excerpt(&String::from_utf8_lossy(&body[..body.len().min(60)]));
        return Err(Error::file(
            path,
            format!("the first line must name the columns {}, but it begins '{begins}'", required.join(", ")),
        ));
    };
    let mut reader = reader(body, separator, quotes);
    let mut record = ByteRecord::new();
    reader.read_byte_record(&mut record).at(path)?;
    while reader.read_byte_record(&mut record).at(path)? {
        let place = record.position().map_or(0, |position| usize::try_from(position.byte()).unwrap_or(usize::MAX));
        let line = lines.of(begin.saturating_add(place));
        let taken = checked(&record, &header).and_then(|record| take(&Row { header: &header, record: &record, line }));
        if let Err(problem) = taken {
            said.problems.add(|| format!("{file} line {line}: {problem}"));
        }
    }
    Ok(header)
}

fn reader(bytes: &[u8], separator: u8, quotes: bool) -> Reader<&[u8]> {
    ReaderBuilder::new().has_headers(false).flexible(true).delimiter(separator).quoting(quotes).from_reader(bytes)
}

/// The separator stated by a first line `sep=;`, as in Excel, and the start of the table.
fn stated_separator(bytes: &[u8]) -> (Option<u8>, usize) {
    let first = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(bytes.len());
    let line = bytes[..first].trim_ascii();
    let line = line.strip_prefix(b"\"").and_then(|line| line.strip_suffix(b"\"")).unwrap_or(line);
    match line.split_at_checked(4) {
        Some((word, [separator])) if word.eq_ignore_ascii_case(b"sep=") => (Some(*separator), first),
        // A trailing tab counts as whitespace too.
        Some((word, [])) if word.eq_ignore_ascii_case(b"sep=") => (Some(b'\t'), first),
        _ => (None, 0),
    }
}

/// Separator, quotes and header, for the first separator that gives a header with all required columns.
fn header_in(
    bytes: &[u8],
    dialect: Dialect,
    stated: Option<u8>,
    required: &[&str],
) -> csv::Result<Option<(u8, bool, Vec<String>)>> {
    let stated = stated.map(|separator| (separator, true));
    for (separator, quotes) in stated.into_iter().chain(dialect.candidates()) {
        let mut record = ByteRecord::new();
        reader(bytes, separator, quotes).read_byte_record(&mut record)?;
        let header = header_of(&record);
        if let Some(header) = header.filter(|header| required.iter().all(|name| header.iter().any(|held| held == name)))
        {
            return Ok(Some((separator, quotes, header)));
        }
    }
    Ok(None)
}

fn header_of(record: &ByteRecord) -> Option<Vec<String>> {
    let text = StringRecord::from_byte_record(record.clone()).ok()?;
    Some(text.iter().map(|name| name.trim().to_lowercase()).collect())
}

/// Counts lines as editors do: LF, CRLF and CR each end one.
struct Lines<'a> {
    bytes: &'a [u8],
    /// The offset up to which lines were counted, and the line there.
    at: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line of a record that the reader reports at `place`, which may be before empty lines.
    fn of(&mut self, place: usize) -> u64 {
        let is_end = |byte: &u8| matches!(byte, b'\n' | b'\r');
        let empty = self.bytes.iter().skip(place).take_while(|byte| is_end(byte)).count();
        let begin = (place + empty).min(self.bytes.len());
        for at in self.at..begin {
            let follows = self.bytes.get(at + 1);
            let ends = self.bytes[at] == b'\n' || (self.bytes[at] == b'\r' && follows != Some(&b'\n'));
            self.line += u64::from(ends);
        }
        self.at = self.at.max(begin);
        self.line
    }
}

/// The record as text, if it has as many fields as the header (apart from trailing empty ones) and none is too long.
fn checked(record: &ByteRecord, header: &[String]) -> Result<StringRecord, String> {
    let fields = record.iter().rposition(|field| !field.is_empty()).map_or(0, |last| last + 1);
    if record.len() < header.len() || fields > header.len() {
        return Err(format!("{} fields where the header names {}", record.len(), header.len()));
    }
    if let Some(long) = record.iter().find(|field| field.len() > LONGEST_FIELD) {
        return Err(format!("a field of {} bytes", long.len()));
    }
    let mut text = StringRecord::from_byte_record(record.clone()).map_err(|_| "is not UTF-8 text".to_owned())?;
    text.trim();
    Ok(text)
}

/// The bytes of a label file, unless it is some other kind of file.
pub fn read_label_file(path: &Path) -> Result<Vec<u8>> {
    let metadata = fs::metadata(path).at(path)?;
    if !metadata.is_file() {
        return Err(Error::file(path, "is not a regular file"));
    }
    if metadata.len() > LARGEST_FILE {
        return Err(Error::file(path, format!("has {} MiB; this is no label file", metadata.len() >> 20)));
    }
    fs::read(path).at(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_as_editors_count_them() {
        for end in ["\n", "\r\n", "\r"] {
            let text = ["sep=,", "path,label", "", "\"a", "b\",x", "c,y"].join(end);
            let mut lines = Lines { bytes: text.as_bytes(), at: 0, line: 1 };
            let mut reader = reader(&text.as_bytes()[5..], b',', true);
            let mut record = ByteRecord::new();
            let mut found = Vec::new();
            while reader.read_byte_record(&mut record).unwrap() {
                found.push(lines.of(5 + record.position().unwrap().byte() as usize));
            }
            assert_eq!(found, [2, 4, 6], "{end:?}");
        }
    }

    #[test]
    fn a_stated_separator_is_heard() {
        assert_eq!(stated_separator(b"sep=;\r\npath;label"), (Some(b';'), 5));
        assert_eq!(stated_separator(b"\"sep=|\"\npath"), (Some(b'|'), 7));
        assert_eq!(stated_separator(b"SEP=\t\npath"), (Some(b'\t'), 5));
        assert_eq!(stated_separator(b"path,label\n"), (None, 0));
        assert_eq!(stated_separator(b""), (None, 0));
    }
}
