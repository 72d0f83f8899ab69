//! Label files with a header row and one row per photograph, in commas or tabs.

use crate::dataset::report::Tally;
use crate::error::{AtPath, Error, Result};
use crate::text::excerpt;
use csv::{ByteRecord, ReaderBuilder, StringRecord};
use std::fs;
use std::path::Path;

/// Label files of the largest data sets have tens of megabytes; anything beyond is another kind of file.
const LARGEST_FILE: u64 = 256 << 20;
/// No label, path or name is longer than this many bytes.
const LONGEST_FIELD: usize = 4096;

/// How fields are set apart.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Comma separated, with quotes.
    Commas,
    /// Tab separated; quotes are ordinary characters.
    Tabs,
}

/// One row under its header.
pub struct Row<'a> {
    header: &'a [String],
    record: &'a StringRecord,
}

impl<'a> Row<'a> {
    /// The field of a column without surrounding blanks; empty where the file has no such column.
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

/// Calls `take` with each row of the file and returns the header. What `take` or the format has against a row becomes
/// a problem with file name and line.
///
/// # Errors
/// When the file cannot be read or its header lacks one of the `required` columns.
pub fn each_row(
    path: &Path,
    dialect: Dialect,
    required: &[&str],
    problems: &mut Tally,
    mut take: impl FnMut(&Row) -> Result<(), String>,
) -> Result<Vec<String>> {
    let bytes = read_label_file(path)?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(if dialect == Dialect::Tabs { b'\t' } else { b',' })
        .quoting(dialect == Dialect::Commas)
        .from_reader(bytes);
    let mut record = ByteRecord::new();
    reader.read_byte_record(&mut record).at(path)?;
    let header = header_of(&record).filter(|header| required.iter().all(|name| header.iter().any(|held| held == name)));
    let Some(header) = header else {
        let begins = excerpt(&String::from_utf8_lossy(&bytes[..bytes.len().min(60)]));
        return Err(Error::file(
            path,
            format!("the first line must name the columns {}, but it begins '{begins}'", required.join(", ")),
        ));
    };
    let file = path.file_name().unwrap_or_default().display().to_string();
    while reader.read_byte_record(&mut record).at(path)? {
        let line = record.position().map_or(0, csv::Position::line);
        if let Err(problem) =
            checked(&record, &header).and_then(|record| take(&Row { header: &header, record: &record }))
        {
            problems.add(|| format!("{file} line {line}: {problem}"));
        }
    }
    Ok(header)
}

fn header_of(record: &ByteRecord) -> Option<Vec<String>> {
    let text = StringRecord::from_byte_record(record.clone()).ok()?;
    Some(text.iter().map(|name| name.trim().to_lowercase()).collect())
}

/// The record as text, if it has as many fields as the header (empty ones at the end aside) and none is absurd.
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

fn read_label_file(path: &Path) -> Result<Vec<u8>> {
    let metadata = fs::metadata(path).at(path)?;
    if !metadata.is_file() {
        return Err(Error::file(path, "is not a regular file"));
    }
    if metadata.len() > LARGEST_FILE {
        return Err(Error::file(path, format!("has {} MiB; this is no label file", metadata.len() >> 20)));
    }
    fs::read(path).at(path)
}
