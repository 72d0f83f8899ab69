//! Versions of prepared sets: `fairface`, `fairface@2`, `fairface@3`.
//!
//! A version is a folder of `data/prepared` that is never changed again. Version 1 has the plain name, so that a workspace
//! of before opens as it is. The folds of a cross-validation carry the version of the whole: `album@2-fold-0`. The name of
//! the folder is what runs remember; what a person types is [resolved](resolve) once, when a job is asked for.
//!
//! Which version is meant by the plain name is in `data/current/NAME`, which changes by the user's act alone. Without the
//! file it is the first.

use super::manifest::{Sources, list_prepared};
use super::report::PrepareReport;
use crate::error::{AtPath, Error, Result};
use crate::own_files;
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
    /// Behind the number in the folder's name: `-fold-K`, or nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    fold: String,
}

/// The file in which the run of a preparation says what version it made or found.
pub const MADE: &str = "version.json";

impl Version {
    /// The version `number` of the set or the cross-validation `name`.
    pub fn new(name: impl Into<String>, number: u32) -> Self {
        Self { name: name.into(), number, fold: String::new() }
    }

    /// What a folder's name says. That `album-fold-0` is a fold of `album` is not in the name, but in its report.
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

    /// The name of its folder, which runs remember.
    pub fn id(&self) -> String {
        if self.number == 1 { format!("{}{}", self.name, self.fold) } else { self.full() }
    }

    /// With its number, the first too.
    pub fn full(&self) -> String {
        format!("{}@{}{}", self.name, self.number, self.fold)
    }

    /// The name without the version, as a person types it for the current one.
    pub fn plain(&self) -> String {
        format!("{}{}", self.name, self.fold)
    }
}

/// The version that a folder of `data/prepared` is; a fold of a first version is told by its report.
pub fn version_of(workspace: &Workspace, id: &str) -> Version {
    let version = Version::of_folder(id);
    if version.number > 1 || !id.contains("-fold-") {
        return version;
    }
    PrepareReport::load(&workspace.prepared(id)).map_or(version.clone(), |report| named_by(&version, &report))
}

/// The same where the report was read already.
pub fn named_by(version: &Version, report: &PrepareReport) -> Version {
    match &report.fold {
        Some(fold) if version.number == 1 => match version.name.strip_prefix(fold.of.as_str()) {
            Some(suffix) => Version { name: fold.of.clone(), number: 1, fold: suffix.to_owned() },
            None => version.clone(),
        },
        _ => version.clone(),
    }
}

/// The cross-validation that a set is a fold of.
pub fn fold_of(workspace: &Workspace, id: &str) -> Option<String> {
    let version = version_of(workspace, id);
    (!version.fold.is_empty()).then_some(version.name)
}

/// The versions of every prepared set and cross-validation, by name. Of a cross-validation a version counts once all of its
/// folds are there.
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

/// Which version the plain name means.
///
/// # Errors
/// A file that names no version that is there; the sentence says how to set it anew. A name of which there is none.
pub fn current(workspace: &Workspace, name: &str) -> Result<u32> {
    current_among(workspace, name, &numbers(workspace, name))
}

/// The same where the versions are known.
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

/// Lets the plain name mean this version from now on.
///
/// # Errors
/// A file that cannot be written.
pub fn make_current(workspace: &Workspace, name: &str, number: u32) -> Result<()> {
    write_whole(&current_path(workspace, name), format!("{number}\n").as_bytes())
}

/// The folder's name of what a person calls a prepared set: `NAME` for the current version, `NAME@2` for that one; of a
/// fold `NAME-fold-0` and `NAME-fold-0@2`.
///
/// # Errors
/// As wrong usage when there is no such set or version; when it is not known which version is the current one.
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

/// What is asked for, a fold told from a set that only has such a name.
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

/// The names that can be typed for a prepared set, without versions.
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

/// How prepared sets are called and which of their versions are current: what tables need to know.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// By name, the versions and the current one; none where the file that says so is damaged.
    known: BTreeMap<String, (BTreeSet<u32>, Option<u32>)>,
    /// The versions that folds of first versions belong to, by folder.
    folds: BTreeMap<String, Version>,
}

impl Names {
    /// As the workspace is now.
    pub fn read(workspace: &Workspace) -> Self {
        let known = all(workspace).into_iter().map(|(name, there)| {
            let current = current_among(workspace, &name, &there).ok();
            (name, (there, current))
        });
        let folds = list_prepared(workspace).into_iter().filter(|id| id.contains("-fold-"));
        let folds = folds.map(|id| (id.clone(), version_of(workspace, &id)));
        Self { known: known.collect(), folds: folds.collect() }
    }

    /// The version that a folder is.
    pub fn version(&self, id: &str) -> Version {
        self.folds.get(id).cloned().unwrap_or_else(|| Version::of_folder(id))
    }

    /// A set's name, with its version where there are several.
    pub fn label(&self, id: &str) -> String {
        let version = self.version(id);
        let several = self.known.get(&version.name).is_some_and(|(there, _)| there.len() > 1);
        if several { version.full() } else { id.to_owned() }
    }

    /// Whether the plain name means another version.
    pub fn is_earlier(&self, id: &str) -> bool {
        let version = self.version(id);
        let current = self.known.get(&version.name).and_then(|(_, current)| *current);
        current.is_some_and(|current| current != version.number)
    }
}

/// What was asked for to make a version, and where its sources lie; none where that cannot be read.
pub(super) fn sources(workspace: &Workspace, version: &Version) -> Option<Sources> {
    let read = |id: &str| crate::seal::value(&fs::read(workspace.prepared(id).join("sources.json")).ok()?).ok();
    read(&version.id())
        .or_else(|| super::manifest::folds_of(workspace, &version.id()).first().and_then(|fold| read(fold)))
}

/// Holds other preparations of this workspace back while a version is published. On a file system without locks it is the
/// claim of a folder's name that keeps them apart.
pub(super) fn publishing(workspace: &Workspace) -> Result<Option<File>> {
    let folder = workspace.all_prepared();
    fs::create_dir_all(&folder).at(&folder)?;
    let path = folder.join(".lock");
    let file = own_files::lock(&path).at(&path)?;
    Ok(file.lock().is_ok().then_some(file))
}
