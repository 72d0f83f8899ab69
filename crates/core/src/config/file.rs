//! Reads a configuration file and splits it into sections.

use super::section::{Entry, Place, Section};
use super::{SECTIONS, WORKSPACE_FILE};
use crate::error::{AtPath, Error, Result};
use crate::toml_text::{Mistake, Mistakes, json, tables};
use faceprobe_settings::nearest;
use rustix::fs::OFlags;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use toml::de::{DeTable, DeValue};

/// Maximum size; nobody writes more by hand.
const LARGEST: u64 = 1 << 20;

/// The text of a file; none if it does not exist.
pub(super) fn read(path: &Path) -> Result<Option<String>> {
    // Without O_NONBLOCK, opening a named pipe would block.
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
        Err(error) => return Err(Error::at(path, error)),
    };
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes).at(path)?;
    if bytes.len() as u64 > LARGEST {
        return Err(Error::file(path, "has more than 1 MB, so it is no configuration; move it away"));
    }
    String::from_utf8(bytes).map(Some).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let text = String::from_utf8_lossy(&error.as_bytes()[..good]).into_owned();
        let mistake = Mistake::at(&text, good, "the text is not UTF-8 from here on; save the file as UTF-8");
        refused(&path.into(), &mistake)
    })
}

/// The sections of a file's text, in file order.
///
/// # Errors
/// The first error.
pub(super) fn sections(path: &Path, text: &str) -> Result<Vec<Section>> {
    let file: Arc<Path> = path.into();
    let parsed = tables(text).map_err(|Mistakes(mistakes)| match mistakes.first() {
        Some(mistake) => refused(&file, mistake),
        None => Error::file(path, "is no TOML"),
    })?;
    let reader = Reader { file, text };
    let mut tables: Vec<_> = parsed.get_ref().iter().collect();
    tables.sort_by_key(|(name, _)| name.span().start);
    let mut sections = Vec::new();
    for (name, value) in tables {
        let at = reader.place(name.span().start);
        let Some(known) = SECTIONS.into_iter().find(|known| known == name.get_ref()) else {
            return Err(at.refuse(reader.unknown(name.get_ref(), value.get_ref())));
        };
        let DeValue::Table(table) = value.get_ref() else {
            return Err(at.refuse(format!("{known} must be a section, [{known}] on a line of its own")));
        };
        let mut section = Section::new(known);
        section.at = Some(at);
        reader.entries(&mut section, "", table)?;
        sections.push(section);
    }
    Ok(sections)
}

fn refused(file: &Arc<Path>, mistake: &Mistake) -> Error {
    Place { file: file.clone(), line: mistake.line, column: mistake.column }.refuse(&mistake.sentence)
}

struct Reader<'t> {
    file: Arc<Path>,
    text: &'t str,
}

impl Reader<'_> {
    fn place(&self, at: usize) -> Place {
        let Mistake { line, column, .. } = Mistake::at(self.text, at, "");
        Place { file: self.file.clone(), line, column }
    }

    fn unknown(&self, name: &str, value: &DeValue<'_>) -> String {
        let near = nearest(name, SECTIONS.into_iter()).map(|near| format!("; did you mean [{near}]?"));
        let known = near.unwrap_or_else(|| format!("; the sections are {}", bracketed()));
        match value {
            DeValue::Table(_) => {
                let workspace = self.file.ends_with(WORKSPACE_FILE);
                let study = workspace && ["data", "features", "model", "sweep", "sample", "report"].contains(&name);
                let study = if study { " (a study's file needs another name here)" } else { "" };
                format!("there is no section [{name}]{known}{study}")
            }
            _ => format!("{name} stands in no section{known}"),
        }
    }

    /// Adds the keys of a table to a section; keys of nested tables become `table.key`.
    fn entries(&self, section: &mut Section, within: &str, table: &DeTable<'_>) -> Result<()> {
        let mut pairs: Vec<_> = table.iter().collect();
        pairs.sort_by_key(|(key, _)| key.span().start);
        for (name, value) in pairs {
            let key = format!("{within}{}", name.get_ref());
            if let DeValue::Table(table) = value.get_ref() {
                self.entries(section, &format!("{key}."), table)?;
                continue;
            }
            let (key_at, at) = (self.place(name.span().start), self.place(value.span().start));
            let read = json(value.get_ref()).map_err(|what| at.refuse(format!("{key} must not be {what}")))?;
            if section.get(&key).is_some() {
                return Err(key_at.refuse(format!("{key} is there already; each is stated once")));
            }
            section.put_entry(Entry { key, key_at, at, value: read });
        }
        Ok(())
    }
}

/// `[keys], [screen]`.
fn bracketed() -> String {
    SECTIONS.map(|name| format!("[{name}]")).join(", ")
}
