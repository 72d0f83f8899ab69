//! Reads lists of paths, as written by people, programs and spreadsheets.

use super::input::{Item, Separator};
use super::listed::{Table, meant, table};
use super::wide::Decoded;
use crate::imaging::sniff::{Content, content};
use std::io::{BufRead, Read};
use std::path::{Path, PathBuf};

/// Longer than any path that a system takes; a line without an end must not fill the memory.
const LONGEST: u64 = 1 << 16;

/// The paths of a list, each as soon as its line is there. A list that cannot be read further, that is none, or that has
/// no paths ends with an item that says so.
pub(super) struct List<R: BufRead> {
    /// For messages.
    name: String,
    separator: Separator,
    /// The folder of the list file, if it is a file.
    beside: Option<PathBuf>,
    state: State<R>,
    /// Number of items so far.
    given: usize,
}

enum State<R: BufRead> {
    /// Before the first read.
    New(R),
    Lines(Decoded<R>),
    /// For a table, the column of the paths.
    Rows(csv::Reader<Decoded<R>>, usize),
    Ended,
}

impl<R: BufRead> List<R> {
    pub(super) fn new(reader: R, name: String, separator: Separator, beside: Option<PathBuf>) -> Self {
        Self { name, separator, beside, state: State::New(reader), given: 0 }
    }

    /// Ends with an error about the list.
    fn hopeless(&mut self, reason: impl Into<String>) -> Option<Item> {
        self.state = State::Ended;
        self.given += 1;
        Some(Item::Hopeless { name: self.name.clone(), reason: reason.into() })
    }

    fn file(&mut self, line: &[u8]) -> Item {
        self.given += 1;
        Item::File(meant(line, self.beside.as_deref()))
    }

    /// Inspects the beginning and finds the first item.
    fn begin(&mut self, mut reader: R) -> Option<Item> {
        if let Some(what) = reader.fill_buf().ok().and_then(no_list) {
            return self.hopeless(what);
        }
        if self.separator == Separator::Nul {
            self.state = State::Lines(Decoded::Plain(reader));
            return self.next();
        }
        let mut reader = Decoded::new(reader);
        let is_table = Path::new(&self.name)
            .extension()
            .is_some_and(|ending| ["csv", "tsv"].iter().any(|table| ending.eq_ignore_ascii_case(table)));
        let mut said = None;
        loop {
            let line = match line_of(&mut reader, self.separator) {
                Ok(Some(line)) if line.trim_ascii().is_empty() => continue,
                Ok(Some(line)) => line,
                Ok(None) => return self.end(),
                Err(reason) => return self.hopeless(reason),
            };
            match table(&line, is_table, said, self.beside.as_deref()) {
                Table::Separator(separator) if said.is_none() => said = Some(separator),
                Table::None | Table::Separator(_) => {
                    self.state = State::Lines(reader);
                    return Some(self.file(&line));
                }
                Table::Headed => {
                    self.state = State::Lines(reader);
                    return self.next();
                }
                Table::Unclear(why) => {
                    return self.hopeless(format!(
                        "is a table, not a list of paths, and {why}; call the column of the images 'path', or pass its lines alone"
                    ));
                }
                Table::Column { separator, column, first } => {
                    let mut rows = csv::ReaderBuilder::new();
                    rows.has_headers(false).flexible(true).delimiter(separator);
                    self.state = State::Rows(rows.from_reader(reader), column);
                    if !first {
                        return self.next();
                    }
                    let mut row = csv::ReaderBuilder::new();
                    row.has_headers(false).flexible(true).delimiter(separator);
                    let row = row.from_reader(line.as_slice()).byte_records().next()?.ok()?;
                    return Some(self.file(row.get(column)?));
                }
            }
        }
    }

    fn end(&mut self) -> Option<Item> {
        match self.given {
            0 => self.hopeless("is a list without any path in it"),
            _ => {
                self.state = State::Ended;
                None
            }
        }
    }
}

impl<R: BufRead> Iterator for List<R> {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Ended => None,
            State::New(reader) => self.begin(reader),
            State::Lines(mut reader) => loop {
                match line_of(&mut reader, self.separator) {
                    Ok(None) => return self.end(),
                    Err(reason) => return self.hopeless(reason),
                    // Between NULs, whitespace alone may be a name.
                    Ok(Some(line)) if line.is_empty() => {}
                    Ok(Some(line)) if self.separator == Separator::Line && line.trim_ascii().is_empty() => {}
                    Ok(Some(line)) => {
                        self.state = State::Lines(reader);
                        if self.separator == Separator::Line {
                            return Some(self.file(&line));
                        }
                        // NUL-separated paths are taken literally.
                        use std::os::unix::ffi::OsStringExt;
                        self.given += 1;
                        return Some(Item::File(std::ffi::OsString::from_vec(line).into()));
                    }
                }
            },
            State::Rows(mut rows, column) => {
                let mut row = csv::ByteRecord::new();
                match rows.read_byte_record(&mut row) {
                    Ok(false) => self.end(),
                    Err(error) => self.hopeless(format!("cannot be read further as a table ({error})")),
                    Ok(true) => {
                        let place = row.position().map_or(0, csv::Position::record) + 2;
                        self.state = State::Rows(rows, column);
                        let cell = row.get(column).filter(|cell| !cell.trim_ascii().is_empty()).map(<[u8]>::to_vec);
                        Some(match cell {
                            Some(cell) => self.file(&cell),
                            None => {
                                self.given += 1;
                                let reason = format!("its row {place} names no image");
                                Item::Hopeless { name: self.name.clone(), reason }
                            }
                        })
                    }
                }
            }
        }
    }
}

/// The reason why text with this beginning is no list.
fn no_list(head: &[u8]) -> Option<String> {
    let head = &head[..head.len().min(512)];
    // The first letters of some image formats can begin a path too.
    let text = |&byte: &u8| byte >= b' ' || matches!(byte, b'\n' | b'\r' | b'\t' | 0x1b);
    let utf_16 = matches!(head, [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..]);
    match content(head).filter(|_| !utf_16 && !head.iter().all(text))? {
        Content::Image(_) | Content::Foreign(_) => {
            Some("is an image, not a list of paths; name it without --list".into())
        }
        Content::Other(what) => Some(format!("is {what}, and no list of paths")),
    }
}

/// The next line without its end; none at the end of the list.
fn line_of(reader: &mut impl BufRead, separator: Separator) -> Result<Option<Vec<u8>>, String> {
    let end = if separator == Separator::Nul { 0 } else { b'\n' };
    let mut line = Vec::new();
    let count = reader.by_ref().take(LONGEST).read_until(end, &mut line);
    match count.map_err(|error| format!("the list cannot be read further ({error})"))? {
        0 => return Ok(None),
        _ if line.last() == Some(&end) => drop(line.pop()),
        count if count as u64 == LONGEST => {
            return Err("holds a line longer than any path; it is not a list of paths".into());
        }
        _ => {}
    }
    if separator == Separator::Line && line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(Some(line))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn items(text: &[u8], separator: Separator) -> Vec<Item> {
        List::new(Cursor::new(text.to_vec()), "list".into(), separator, None).collect()
    }

    fn file(path: &str) -> Item {
        Item::File(path.into())
    }

    fn utf_16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(unit).collect()
    }

    #[test]
    fn lists_are_read_as_people_and_find_write_them() {
        assert_eq!(items(b"a.jpg\r\n\n b c.png\nlast", Separator::Line), ["a.jpg", "b c.png", "last"].map(file));
        assert_eq!(items(b"a\nb.jpg\0c\r\0", Separator::Nul), ["a\nb.jpg", "c\r"].map(file));
        let endless = items(&vec![b'x'; 1 << 20], Separator::Line);
        assert!(matches!(&endless[..], [Item::Hopeless { .. }]), "{endless:?}");
    }

    #[test]
    fn every_encoding_of_a_list_gives_the_same_paths() {
        let text = "a.jpg\r\nbilder/K\u{f6}ln \u{1f600}.png\n";
        let expected = ["a.jpg", "bilder/K\u{f6}ln \u{1f600}.png"].map(file);
        let marked = format!("\u{feff}{text}");
        for list in [
            text.as_bytes().to_vec(),
            marked.as_bytes().to_vec(),
            utf_16(&marked, u16::to_le_bytes),
            utf_16(&marked, u16::to_be_bytes),
            utf_16(text, u16::to_le_bytes),
            utf_16(text, u16::to_be_bytes),
        ] {
            assert_eq!(items(&list, Separator::Line), expected, "{}", list.escape_ascii());
            // However the bytes arrive.
            let slow = std::io::BufReader::with_capacity(5, Cursor::new(list.clone()));
            assert_eq!(List::new(slow, "list".into(), Separator::Line, None).collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn what_is_no_list_or_an_empty_one_is_told() {
        for (list, expected) in [
            (b"".as_slice(), "without any path"),
            (b"\xEF\xBB\xBF\r\n  \r\n", "without any path"),
            (b"path\n", "without any path"),
            (b"\xFF\xD8\xFF\xE0\0\x10JFIF", "is an image"),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "is an image"),
            (b"PK\x03\x04\x14\0\x06\0", "is a ZIP archive"),
            (b"sep=;\nname;gender\n", "is a table"),
        ] {
            let found = items(list, Separator::Line);
            let [Item::Hopeless { name, reason }] = &found[..] else { panic!("{found:?}") };
            assert!(name == "list" && reason.contains(expected), "{reason}");
        }
        for list in ["BMW.jpg\nb.jpg", "RIFF.png\nb.jpg", "qoif.jpg\nb.jpg"] {
            assert_eq!(items(list.as_bytes(), Separator::Line).len(), 2, "{list}");
        }
    }

    #[test]
    fn the_column_of_paths_is_taken_out_of_a_table() {
        let table = b"\xEF\xBB\xBFsep=;\r\nlabel;path\r\nfemale;\"a;b.jpg\"\r\nmale;c.jpg\r\nmale;\r\n";
        let found = items(table, Separator::Line);
        assert_eq!(found[..2], ["a;b.jpg", "c.jpg"].map(file));
        assert!(
            matches!(&found[2..], [Item::Hopeless { reason, .. }] if reason.contains("names no image")),
            "{found:?}"
        );
        assert_eq!(items(b"image,score\nx.png,0.5\n", Separator::Line), [file("x.png")]);
        assert_eq!(items(b"Path\nx.png\n", Separator::Line), [file("x.png")]);
    }
}
