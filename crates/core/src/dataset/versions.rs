//! Versions of prepared sets: `fairface`, `fairface@2`, `fairface@3`.
//!
//! A version is a folder in `data/prepared` that is never changed. Version 1 has the plain name, so workspaces from
//! before versions remain valid. The folds of a cross-validation have the version of the whole: `album@2-fold-0`. Runs
//! record the folder's name; a name typed by the user is [resolved](resolve) once, when a job is created.
//!
//! The version that the plain name refers to is in `data/current/NAME`, which only the user changes. Without the file
//! it is the first.

use super::manifest::{Sources, list_prepared};
use super::report::PrepareReport;
use crate::claim::Claim;
use crate::error::{AtPath, Error, Result};
use crate::text::excerpt;
use crate::workspace::{Workspace, write_whole};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::PathBuf;

/// One version of a prepared set, or of one fold of a cross-validation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Version {
    /// The name that all versions share.
    pub name: String,
    /// From 1.
    #[serde(rename = "version")]
    pub number: u32,
    /// The suffix of the folder's name: `-fold-K`, or nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    fold: String,
}

/// The file in which the run of a preparation records the version that it created or found.
pub const MADE: &str = "version.json";

impl Version {
    /// The version `number` of the set or the cross-validation `name`.
    pub fn new(name: impl Into<String>, number: u32) -> Self {
        Self { name: name.into(), number, fold: String::new() }
    }

    /// Parses a folder's name. Whether `album-fold-0` is a fold of `album` is recorded in its report, not in its name.
    pub fn of_folder(id: &str) -> Self {
        let later = id.split_once('@').and_then(|(name, rest)| {
            let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            let (number, fold) = rest.split_at(end);
            let number = number.parse().ok().filter(|number| *number > 0)?;
            let known = fold.is_empty() || fold.strip_prefix("-fold-").is_some_and(|fold| fold.parse::<u32>().is_ok());
            known.then(|| Self { name: name.to_owned(), number, fold: fold.to_owned() })
        });
        later.unwrap_or_else(|| Self::new(id, 1))
    }

    /// The name of its folder, which runs record.
    pub fn id(&self) -> String {
        if self.number == 1 { format!("{}{}", self.name, self.fold) } else { self.full() }
    }

    /// With its number, also for the first.
    pub fn full(&self) -> String {
        format!("{}@{}{}", self.name, self.number, self.fold)
    }

    /// The name without the version, which refers to the current one.
    pub fn plain(&self) -> String {
        format!("{}{}", self.name, self.fold)
    }
}

/// The version that a folder of `data/prepared` is; a fold of a first version is recognised by its report.
pub fn version_of(workspace: &Workspace, id: &str) -> Version {
    let version = Version::of_folder(id);
    if version.number > 1 || !id.contains("-fold-") {
        return version;
    }
    PrepareReport::load(&workspace.prepared(id)).map_or(version.clone(), |report| named_by(&version, &report))
}

/// The same if the report was read already.
pub fn named_by(version: &Version, report: &PrepareReport) -> Version {
    match &report.fold {
        Some(fold) if version.number == 1 => match version.name.strip_prefix(fold.of.as_str()) {
            Some(suffix) => Version { name: fold.of.clone(), number: 1, fold: suffix.to_owned() },
            None => version.clone(),
        },
        _ => version.clone(),
    }
}

/// The cross-validation of a fold.
pub fn fold_of(workspace: &Workspace, id: &str) -> Option<String> {
    let version = version_of(workspace, id);
    (!version.fold.is_empty()).then_some(version.name)
}

/// The versions of every prepared set and cross-validation, by name. A version of a cross-validation counts once all
/// its folds exist.
pub fn all(workspace: &Workspace) -> BTreeMap<String, BTreeSet<u32>> {
    let mut versions: BTreeMap<String, BTreeSet<u32>> = BTreeMap::new();
    let mut folds: BTreeMap<(String, u32), usize> = BTreeMap::new();
    for id in list_prepared(workspace) {
        let version = version_of(workspace, &id);
        if !version.fold.is_empty() {
            let count = PrepareReport::load(&workspace.prepared(&id)).ok().and_then(|report| Some(report.fold?.count));
            let there = folds.entry((version.name.clone(), version.number)).or_default();
            *there += 1;
            if count.is_none_or(|count| *there < count) {
                continue;
            }
        }
        versions.entry(version.name).or_default().insert(version.number);
    }
    versions
}

/// The versions of one name.
pub fn numbers(workspace: &Workspace, name: &str) -> BTreeSet<u32> {
    all(workspace).remove(name).unwrap_or_default()
}

/// `data/current/NAME`.
pub fn current_path(workspace: &Workspace, name: &str) -> PathBuf {
    workspace.root().join("data/current").join(name)
}

/// The version that the plain name refers to.
///
/// # Errors
/// A file that names a missing version (the sentence says how to set it); an unknown name.
pub fn current(workspace: &Workspace, name: &str) -> Result<u32> {
    current_among(workspace, name, &numbers(workspace, name))
}

/// The same if the versions are known.
///
/// # Errors
/// As [`current`].
pub fn current_among(workspace: &Workspace, name: &str, there: &BTreeSet<u32>) -> Result<u32> {
    let (Some(first), Some(last)) = (there.first(), there.last()) else {
        return Err(unknown(workspace, name));
    };
    let path = current_path(workspace, name);
    let mut bytes = Vec::new();
    match File::open(&path).and_then(|file| file.take(64).read_to_end(&mut bytes)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(*first),
        Err(error) => return Err(Error::file(&path, format!("cannot be read ({error}); {}", anew(name, *last)))),
        Ok(_) => {}
    }
    let text = String::from_utf8_lossy(&bytes);
    text.trim().parse().ok().filter(|number| there.contains(number)).ok_or_else(|| {
        let known: Vec<String> = there.iter().map(|number| Version::new(name, *number).full()).collect();
        let text = excerpt(text.trim());
        Error::file(
            &path,
            format!(
                "says '{text}', which is no version of {name}: there are {}; {}",
                known.join(", "),
                anew(name, *last)
            ),
        )
    })
}

fn anew(name: &str, number: u32) -> String {
    format!("'faceprobe data use {}' sets it anew", Version::new(name, number).full())
}

/// Makes the plain name refer to this version.
///
/// # Errors
/// A file that cannot be written.
pub fn make_current(workspace: &Workspace, name: &str, number: u32) -> Result<()> {
    write_whole(&current_path(workspace, name), format!("{number}\n").as_bytes())
}

/// The folder's name for a user's name of a prepared set: `NAME` for the current version, `NAME@2` for that one; of a
/// fold `NAME-fold-0` and `NAME-fold-0@2`.
///
/// # Errors
/// As wrong usage if there is no such set or version; if the current version is not known.
pub fn resolve(workspace: &Workspace, typed: &str) -> Result<String> {
    let asked = Version::of_folder(typed);
    let of = as_fold(workspace, &asked);
    let there = numbers(workspace, &of.name);
    let number = match typed.contains('@') {
        true => asked.number,
        false => current_among(workspace, &of.name, &there)?,
    };
    let meant = Version { number, ..of };
    if meant.fold.is_empty() && there.contains(&number)
        || workspace.prepared(&meant.id()).join("manifest.csv").is_file()
    {
        return Ok(meant.id());
    }
    if there.is_empty() {
        return Err(unknown(workspace, typed));
    }
    let known: Vec<String> = there.iter().map(|number| Version { number: *number, ..meant.clone() }.full()).collect();
    Err(Error::usage(format!(
        "There is no {} in {}; there are the versions {}.",
        excerpt(&meant.full()),
        workspace.root().display(),
        known.join(", ")
    )))
}

/// Parses a request, and distinguishes a fold from a set that merely has such a name.
fn as_fold(workspace: &Workspace, asked: &Version) -> Version {
    let by_report = version_of(workspace, &Version::new(&asked.name, 1).id());
    let cut = asked.name.rfind("-fold-").map(|at| asked.name.split_at(at));
    match cut {
        _ if !asked.fold.is_empty() => asked.clone(),
        _ if !by_report.fold.is_empty() => by_report,
        // The first version need not have folds.
        Some((name, fold)) if numbers(workspace, &asked.name).is_empty() && !numbers(workspace, name).is_empty() => {
            Version { name: name.to_owned(), number: asked.number, fold: fold.to_owned() }
        }
        _ => asked.clone(),
    }
}

/// The names that can be typed for prepared sets, without versions.
pub fn plain_names(workspace: &Workspace) -> Vec<String> {
    let names: BTreeSet<String> = list_prepared(workspace).iter().map(|id| version_of(workspace, id).plain()).collect();
    names.into_iter().collect()
}

fn unknown(workspace: &Workspace, name: &str) -> Error {
    let there = plain_names(workspace);
    let hint = if there.is_empty() {
        "make one with 'faceprobe data prepare --source …'".to_owned()
    } else {
        format!("there are {}", there.join(", "))
    };
    Error::usage(format!(
        "There is no prepared data set '{}' in {}; {hint}.",
        excerpt(name),
        workspace.root().display()
    ))
}

/// The names of prepared sets and their current versions, for tables.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// By name, the versions and the current one; none if the file that names it is damaged.
    known: BTreeMap<String, (BTreeSet<u32>, Option<u32>)>,
    /// The versions of folds of first versions, by folder.
    folds: BTreeMap<String, Version>,
}

impl Names {
    /// Reads them from the workspace.
    pub fn read(workspace: &Workspace) -> Self {
        let known = all(workspace).into_iter().map(|(name, there)| {
            let current = current_among(workspace, &name, &there).ok();
            (name, (there, current))
        });
        let folds = list_prepared(workspace).into_iter().filter(|id| id.contains("-fold-"));
        let folds = folds.map(|id| (id.clone(), version_of(workspace, &id)));
        Self { known: known.collect(), folds: folds.collect() }
    }

    /// The version of a folder.
    pub fn version(&self, id: &str) -> Version {
        self.folds.get(id).cloned().unwrap_or_else(|| Version::of_folder(id))
    }

    /// A set's name, with its version if there are several.
    pub fn label(&self, id: &str) -> String {
        let version = self.version(id);
        let several = self.known.get(&version.name).is_some_and(|(there, _)| there.len() > 1);
        if several { version.full() } else { id.to_owned() }
    }

    /// Whether the plain name refers to another version.
    pub fn is_earlier(&self, id: &str) -> bool {
        let version = self.version(id);
        let current = self.known.get(&version.name).and_then(|(_, current)| *current);
        current.is_some_and(|current| current != version.number)
    }
}

/// The settings of a version's preparation, with its source paths; none if they cannot be read.
pub(super) fn sources(workspace: &Workspace, version: &Version) -> Option<Sources> {
    let read = |id: &str| crate::seal::value(&fs::read(workspace.prepared(id).join("sources.json")).ok()?).ok();
    read(&version.id())
        .or_else(|| super::manifest::folds_of(workspace, &version.id()).first().and_then(|fold| read(fold)))
}

/// Keeps other preparations of this workspace waiting while a version is published.
pub(super) fn publishing(workspace: &Workspace) -> Result<Claim> {
    let folder = workspace.all_prepared();
    fs::create_dir_all(&folder).at(&folder)?;
    Claim::wait(&folder.join(".publishing.claim"), || true)
}
