//! Finds the file that a row's path refers to.
//!
//! Label files are often written on other systems: with backslashes and drive letters, in another case, without
//! extensions, with other Unicode normalisation. If the exact file does not exist, another one is used if it is the
//! only match and no other row refers to it.

use super::inspect::Stamp;
use super::report_text::thousands;
use super::source::RawRow;
use super::walk::{is_image_name, is_of_others};
use crate::text::excerpt;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use unicode_normalization::UnicodeNormalization;

/// A row with its file.
#[derive(Debug)]
pub struct Placed {
    pub row: RawRow,
    /// The path of the image, which need not exist.
    pub file: PathBuf,
    /// None if the file does not exist.
    pub stamp: Option<Stamp>,
}

/// Finds the files of all rows. Rows whose path differs from their file's get the file's path.
pub fn place(root: &Path, rows: Vec<RawRow>) -> (Vec<Placed>, Locator) {
    let placed = |row: RawRow| {
        let file = root.join(&row.path);
        Placed { stamp: Stamp::of(&file), row, file }
    };
    let mut placed: Vec<Placed> = rows.into_par_iter().map(placed).collect();
    let mut locator = Locator::new(root);
    let found = locator.missing(&placed);
    let mut count = 0;
    let mut example = None;
    for (at, path) in found {
        let Placed { row, file, stamp } = &mut placed[at];
        *file = root.join(&path);
        *stamp = Stamp::of(file);
        count += 1;
        example.get_or_insert_with(|| format!("{} is {}", excerpt(&row.path), excerpt(&path)));
        if row.key == row.path {
            row.key.clone_from(&path);
        }
        row.path = path;
    }
    locator.note = example.map(|example| {
        let rows = if count == 1 { "1 row names its".into() } else { format!("{} rows name their", thousands(count)) };
        format!("{rows} file in another way than it is called, and the only one that matches was used: {example}.")
    });
    (placed, locator)
}

/// The path of a `file://…` URL; other text is unchanged.
pub fn from_uri(text: &str) -> String {
    let Some(rest) = text.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("file://")).map(|_| &text[7..]) else {
        return text.to_owned();
    };
    let path = rest.find('/').map_or(rest, |host| &rest[host..]);
    let decoded = percent_decoded(path).unwrap_or_else(|| path.to_owned());
    // file:///C:/faces
    match decoded.strip_prefix('/').filter(|path| drive(path.split('/').next().unwrap_or_default())) {
        Some(of_drive) => of_drive.to_owned(),
        None => decoded,
    }
}

/// Decodes percent-encoding such as `%20`; none if the result is not text.
fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let digits = || Some((char::from(*tail.first()?).to_digit(16)?, char::from(*tail.get(1)?).to_digit(16)?));
        match (first, digits()) {
            (b'%', Some((high, low))) => {
                bytes.push(u8::try_from(high * 16 + low).ok()?);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

/// `C:`
fn drive(part: &str) -> bool {
    matches!(part.as_bytes(), [letter, b':'] if letter.is_ascii_alphabetic())
}

/// A path split into components, and whether it starts at a root that this machine need not have.
#[derive(Debug, PartialEq, Eq)]
struct WrittenPath {
    parts: Vec<String>,
    absolute: bool,
    /// On a drive or a server.
    elsewhere: bool,
}

/// The components of a path that does not exist; none if it leaves its base folder.
fn meant(written: &str) -> Option<WrittenPath> {
    let slashes = written.replace('\\', "/");
    let elsewhere = slashes.starts_with("//") || slashes.split('/').next().is_some_and(drive);
    let mut parts: Vec<String> = Vec::new();
    for part in slashes.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part.to_owned()),
        }
    }
    (!parts.is_empty()).then_some(WrittenPath { parts, absolute: slashes.starts_with('/') && !elsewhere, elsewhere })
}

/// A name for comparison: NFC-normalised, case-folded.
fn folded(name: &str) -> String {
    if name.is_ascii() {
        name.to_ascii_lowercase()
    } else {
        name.nfc().collect::<String>().to_lowercase().nfc().collect()
    }
}

/// A name without its last extension.
fn stem(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// The names in a folder by their form for comparison, and image names by stem.
#[derive(Debug, Default)]
struct Listing {
    names: HashMap<String, Vec<String>>,
    stems: HashMap<String, Vec<String>>,
}

/// Finds files by similar names; every folder is listed once.
#[derive(Debug)]
pub struct Locator {
    root: PathBuf,
    folders: HashMap<PathBuf, Option<Listing>>,
    /// Every file below the root by its name, if it was needed.
    everywhere: Option<HashMap<String, Vec<String>>>,
    /// The note about rows whose file was found under another name.
    pub note: Option<String>,
}

/// A matching file, and what was dropped from the start of the path to find it.
struct Match {
    path: String,
    without: Option<String>,
}

impl Locator {
    fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), folders: HashMap::new(), everywhere: None, note: None }
    }

    /// The paths of rows whose missing file was found, by row index.
    fn missing(&mut self, placed: &[Placed]) -> Vec<(usize, String)> {
        let mut found: Vec<(usize, Match)> = Vec::new();
        for (at, row) in placed.iter().enumerate().filter(|(_, row)| row.stamp.is_none()) {
            found.extend(self.find(&row.row.path).map(|found| (at, found)));
        }
        // Two folders of another machine may contain files of the same name.
        let beginnings: BTreeSet<&String> = found.iter().filter_map(|(_, found)| found.without.as_ref()).collect();
        let one_beginning = beginnings.len() < 2;
        let named: HashSet<&str> =
            placed.iter().filter(|row| row.stamp.is_some()).map(|row| row.row.path.as_str()).collect();
        let mut wanted: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for (at, found) in &found {
            let written = meant(&placed[*at].row.path).map(|meant| meant.parts.join("/")).unwrap_or_default();
            wanted.entry(&found.path).or_default().insert(written);
        }
        let only = |found: &Match| {
            (found.without.is_none() || one_beginning)
                && !named.contains(found.path.as_str())
                && wanted.get(found.path.as_str()).is_some_and(|written| written.len() == 1)
        };
        let kept: Vec<(usize, String)> =
            found.iter().filter(|(_, found)| only(found)).map(|(at, found)| (*at, found.path.clone())).collect();
        kept
    }

    /// The only file that a path can refer to.
    fn find(&mut self, written: &str) -> Option<Match> {
        let WrittenPath { parts, absolute, elsewhere } = meant(written)?;
        if !elsewhere {
            let base = if absolute { PathBuf::from("/") } else { self.root.clone() };
            if let Some(names) = self.walk(&base, &parts) {
                let path = if absolute { format!("/{}", names.join("/")) } else { names.join("/") };
                return Some(Match { path: self.relative(path), without: None });
            }
        }
        if !absolute && !elsewhere {
            return None;
        }
        let root = self.root.clone();
        (1..parts.len()).find_map(|from| {
            let names = self.walk(&root, &parts[from..])?;
            Some(Match { path: names.join("/"), without: Some(folded(&parts[..from].join("/"))) })
        })
    }

    /// An absolute path inside the root, relative to it.
    fn relative(&self, path: String) -> String {
        match Path::new(&path).strip_prefix(&self.root).ok().and_then(Path::to_str) {
            Some(relative) if path.starts_with('/') && !relative.is_empty() => relative.to_owned(),
            _ => path,
        }
    }

    /// The actual names along a path; none if a component is missing or ambiguous.
    fn walk(&mut self, base: &Path, parts: &[String]) -> Option<Vec<String>> {
        let mut names: Vec<String> = Vec::with_capacity(parts.len());
        let mut folder = base.to_owned();
        for (at, part) in parts.iter().enumerate() {
            let is_last = at + 1 == parts.len();
            // A folder may be accessible but not listable; then its names are used as written.
            let name = match self.listing(&folder) {
                Some(listing) => listing.name(part, is_last)?,
                None if folder.join(part).exists() => part.clone(),
                None => return None,
            };
            folder.push(&name);
            names.push(name);
        }
        folder.is_file().then_some(names)
    }

    fn listing(&mut self, folder: &Path) -> Option<&Listing> {
        if !self.folders.contains_key(folder) {
            let listing = fs::read_dir(folder).ok().map(|entries| {
                let mut listing = Listing::default();
                for name in entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()) {
                    if is_image_name(&name) && !is_of_others(&name) {
                        listing.stems.entry(folded(stem(&name))).or_default().push(name.clone());
                    }
                    listing.names.entry(folded(&name)).or_default().push(name);
                }
                listing
            });
            self.folders.insert(folder.to_owned(), listing);
        }
        self.folders.get(folder)?.as_ref()
    }

    /// A similar file to suggest to the user: the same name in another folder, with another extension, or with a letter
    /// or two different.
    pub fn near(&mut self, written: &str) -> Option<String> {
        /// Maximum number of different letters.
        const FARTHEST: usize = 2;
        let WrittenPath { parts, .. } = meant(written)?;
        let name = folded(parts.last()?);
        let root = self.root.clone();
        let everywhere = self.everywhere.get_or_insert_with(|| everywhere(&root));
        if let Some(same) = everywhere.get(&name).and_then(|paths| paths.first()) {
            return Some(same.clone());
        }
        let folder: PathBuf = parts[..parts.len() - 1].iter().fold(self.root.clone(), |folder, part| folder.join(part));
        let prefix = parts[..parts.len() - 1].iter().map(|part| format!("{part}/")).collect::<String>();
        let listing = self.listing(&folder)?;
        if let Some(other) = listing.stems.get(stem(&name)).and_then(|names| names.iter().min()) {
            return Some(format!("{prefix}{other}"));
        }
        let close = |other: &String| Some((distance(&name, other, FARTHEST)?, other.clone()));
        let (_, nearest) = listing.names.keys().filter_map(close).min()?;
        let called = listing.names.get(&nearest)?.iter().min()?;
        Some(format!("{prefix}{called}"))
    }
}

impl Listing {
    /// The only name that a path component can refer to: exact, up to case and normalisation, or, for a file, with an
    /// extension added.
    fn name(&self, part: &str, is_file: bool) -> Option<String> {
        let like = folded(part);
        match self.names.get(&like).map(Vec::as_slice) {
            Some(names) if names.iter().any(|name| name == part) => return Some(part.to_owned()),
            Some([name]) => return Some(name.clone()),
            Some(_) => return None,
            None => {}
        }
        match self.stems.get(&like).map(Vec::as_slice) {
            Some([name]) if is_file => Some(name.clone()),
            _ => None,
        }
    }
}

/// Files below a folder by name, up to the size of a personal collection.
fn everywhere(root: &Path) -> HashMap<String, Vec<String>> {
    const MOST: usize = 100_000;
    let mut found: HashMap<String, Vec<String>> = HashMap::new();
    let mut left = vec![String::new()];
    let mut count = 0;
    while let Some(prefix) = left.pop() {
        let Ok(entries) = fs::read_dir(root.join(&prefix)) else { continue };
        for entry in entries.flatten() {
            let Ok(name) = entry.file_name().into_string() else { continue };
            let Ok(kind) = entry.file_type() else { continue };
            count += 1;
            if count > MOST {
                return found;
            }
            if is_of_others(&name) {
                continue;
            }
            let path = format!("{prefix}{name}");
            if kind.is_dir() {
                left.push(path + "/");
            } else {
                found.entry(folded(&name)).or_default().push(path);
            }
        }
    }
    found.values_mut().for_each(|paths| paths.sort_unstable());
    found
}

/// The number of different letters of two names; none above `most`.
fn distance(a: &str, b: &str, most: usize) -> Option<usize> {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > most {
        return None;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (at, left) in a.iter().enumerate() {
        let mut before = row[0];
        row[0] = at + 1;
        for (place, right) in b.iter().enumerate() {
            let changed = before + usize::from(left != right);
            before = row[place + 1];
            row[place + 1] = changed.min(before + 1).min(row[place] + 1);
        }
    }
    row.last().copied().filter(|distance| *distance <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_and_paths_of_other_systems_are_understood() {
        for (uri, path) in [
            ("file:///data/f/0.jpg", "/data/f/0.jpg"),
            ("FILE://localhost/data/a%20b/%C3%A9.jpg", "/data/a b/é.jpg"),
            ("file:///C:/faces/0.jpg", "C:/faces/0.jpg"),
            ("f/100%.jpg", "f/100%.jpg"),
            ("file:///data/100%.jpg", "/data/100%.jpg"),
            ("é", "é"),
        ] {
            assert_eq!(from_uri(uri), path);
        }
        let parts = |path: &str| meant(path).map(|meant| (meant.parts.join("|"), meant.absolute, meant.elsewhere));
        assert_eq!(parts("f\\.\\a\\..\\0.jpg"), Some(("f|0.jpg".into(), false, false)));
        assert_eq!(parts("C:\\faces\\0.jpg"), Some(("C:|faces|0.jpg".into(), false, true)));
        assert_eq!(parts("\\\\server\\faces\\0.jpg"), Some(("server|faces|0.jpg".into(), false, true)));
        assert_eq!(parts("/data/0.jpg"), Some(("data|0.jpg".into(), true, false)));
        assert_eq!(parts("..\\..\\etc\\passwd"), None);
        assert_eq!(folded("Zoe\u{308}.JPG"), folded("zoë.jpg"));
    }

    #[test]
    fn letters_that_differ_are_counted() {
        assert_eq!(distance("a_01.jpg", "a-01.jpg", 2), Some(1));
        assert_eq!(distance("a1.jpg", "a01.jpg", 2), Some(1));
        assert_eq!(distance("anna.jpg", "bert.jpg", 2), None);
    }
}
