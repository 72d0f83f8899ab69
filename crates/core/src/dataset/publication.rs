//! A preparation becomes a version: whole, under a name that nothing has, or it is found to be there already.

use super::division::Division;
use super::followed::Followed;
use super::located::located;
use super::manifest::{Manifest, list_prepared};
use super::preparation::{Built, Preparation};
use super::report::PrepareReport;
use super::versions::{self, Version};
use crate::error::{AtPath, Error, Result};
use crate::scratch;
use crate::workspace::Workspace;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// The first part of the names of folders in which versions are written.
const STAGING: &str = ".preparing-";

/// A version takes seconds to write; a folder that is older was left by a process that was killed.
const STALE: Duration = Duration::from_secs(24 * 60 * 60);

/// The version that a preparation made or found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    #[serde(flatten)]
    pub version: Version,
    /// False where it was there already, with the same content.
    pub new: bool,
    /// Where it was there already, but its sources lay in another folder that is gone: it now knows where they are.
    pub moved: bool,
}

impl Published {
    /// What the run of a preparation says of it.
    ///
    /// # Errors
    /// A preparation that came to nothing.
    pub fn load(run: &Path) -> Result<Self> {
        let path = run.join(versions::MADE);
        serde_json::from_slice(&fs::read(&path).at(&path)?).at(&path)
    }

    /// What is to be said behind the counts of the version.
    pub fn words(&self) -> String {
        match self {
            Self { moved: true, .. } => {
                "; identical to the existing version, whose images are now read from the new place"
            }
            Self { new: false, .. } => "; identical to the existing version, nothing changed",
            Self { version, .. } if version.number > 1 => "; the versions before it stay as they are",
            Self { .. } => "",
        }
        .to_owned()
    }
}

/// Makes the next version, or finds the one that is the same. Returns the report under its name.
pub(super) fn publish(
    workspace: &Workspace,
    preparation: &Preparation<'_>,
    divisions: &[Division],
    built: &[Built],
) -> Result<(PrepareReport, Published)> {
    let name = &preparation.settings.name;
    let _lock = versions::publishing(workspace)?;
    remove_stale(&workspace.all_prepared());
    loop {
        for number in versions::numbers(workspace, name) {
            let version = Version::new(name, number);
            if let Some(moved) = same(workspace, &version, preparation, divisions, built) {
                if moved {
                    for (division, built) in divisions.iter().zip(built) {
                        let folder = workspace.prepared(&division.folder(&version.id()));
                        preparation.write_sources(&built.roots, &folder)?;
                    }
                }
                let report = whole(preparation, divisions, built, &version.id());
                return Ok((report, Published { version, new: false, moved }));
            }
        }
        let version = Version::new(name, next(workspace, name, divisions));
        // Where locks are not known, another preparation can have taken the number.
        if write(workspace, &version.id(), preparation, divisions, built)? {
            let report = whole(preparation, divisions, built, &version.id());
            return Ok((report, Published { version, new: true, moved: false }));
        }
    }
}

/// The report of the one set, or of all the folds together.
fn whole(preparation: &Preparation<'_>, divisions: &[Division], built: &[Built], id: &str) -> PrepareReport {
    match (divisions, built) {
        ([one], [only]) if one.fold.is_none() => named(&only.report, one, id),
        _ => preparation.of_folds(divisions, id),
    }
}

/// The report of a part under the name of the version.
fn named(report: &PrepareReport, division: &Division, id: &str) -> PrepareReport {
    let mut report = PrepareReport { name: division.folder(id), ..report.clone() };
    if let Some(fold) = &mut report.fold {
        id.clone_into(&mut fold.of);
    }
    report
}

/// Whether a version is what was prepared: the same question and byte for byte the same answer. Then, whether its sources
/// lay in another folder that is gone.
fn same(
    workspace: &Workspace,
    version: &Version,
    preparation: &Preparation<'_>,
    divisions: &[Division],
    built: &[Built],
) -> Option<bool> {
    let held = versions::sources(workspace, version)?;
    let mut asked = located(workspace.root(), &held.settings);
    asked.name.clone_from(&version.name);
    let now = located(workspace.root(), preparation.settings);
    // Whose decisions they were is no matter, but which.
    asked.decisions.clone_from(&now.decisions);
    let elsewhere = asked.source != now.source;
    if elsewhere {
        let layouts =
            |settings: &super::PrepareSettings| settings.source.iter().map(|s| s.adapter.name()).collect::<Vec<_>>();
        if held.roots.values().all(|root| root.is_dir()) || layouts(&asked) != layouts(&now) {
            return None;
        }
        asked.source.clone_from(&now.source);
    }
    let parts = divisions.iter().zip(built).all(|(division, built)| {
        let folder = workspace.prepared(&division.folder(&version.id()));
        // One of which a file was changed is made again.
        let report = Manifest::load(&folder).and_then(|_| PrepareReport::load(&folder));
        report.is_ok_and(|report| {
            let followed = match report.rulings() {
                Some(_) => report.followed == built.report.followed,
                None => now.decisions == Followed::Workspace,
            };
            followed
                && report.manifest_sha256 == built.report.manifest_sha256
                && report.attributes_sha256 == built.report.attributes_sha256
                && report.fold.map(|fold| fold.count) == built.report.fold.as_ref().map(|fold| fold.count)
        })
    });
    (asked == now && parts).then_some(elsewhere)
}

/// The number behind all that were ever taken.
fn next(workspace: &Workspace, name: &str, divisions: &[Division]) -> u32 {
    let entries = fs::read_dir(workspace.all_prepared()).into_iter().flatten().flatten();
    let later = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .map(|id| Version::of_folder(&id))
        .filter(|version| version.name == *name && version.number > 1)
        .map(|version| version.number);
    let complete = versions::numbers(workspace, name);
    let last = later.chain(complete).max().unwrap_or(0);
    let sets = list_prepared(workspace);
    let taken = last > 0 || divisions.iter().any(|division| sets.contains(&division.folder(name)));
    if taken { last.max(1) + 1 } else { 1 }
}

/// Writes a version beside the others and gives it its name. False where somebody else has that by now.
fn write(
    workspace: &Workspace,
    id: &str,
    preparation: &Preparation<'_>,
    divisions: &[Division],
    built: &[Built],
) -> Result<bool> {
    let place = workspace.all_prepared();
    let staging = scratch::folder(&place, STAGING)?;
    for (division, built) in divisions.iter().zip(built) {
        let folder = division.folder(id);
        preparation.write(built, &named(&built.report, division, id), &staging.path().join(folder))?;
    }
    let folds = divisions.iter().filter(|division| division.fold.is_some());
    let mut folders: Vec<String> = folds.map(|division| division.folder(id)).collect();
    if let Some(first) = built.first().filter(|_| !folders.is_empty()) {
        // A cross-validation's own folder is the claim of its folds' names.
        preparation.write_sources(&first.roots, &staging.path().join(id))?;
        let report = preparation.of_folds(divisions, id);
        super::preparation::write_json(&staging.path().join(id).join("report.json"), &report)?;
    }
    folders.insert(0, id.to_owned());
    for folder in &folders {
        if !put(&staging.path().join(folder), &place.join(folder))? {
            return Ok(false);
        }
    }
    if let Ok(place) = fs::File::open(&place) {
        // Some file systems refuse this, and then it is their word.
        let _ = place.sync_all();
    }
    Ok(true)
}

/// Gives a folder its name, if nothing has it. What a preparation left that came to nothing is no set, and is written over,
/// the manifest last.
fn put(from: &Path, to: &Path) -> Result<bool> {
    match fs::rename(from, to) {
        Ok(()) => return Ok(true),
        Err(error) if !matches!(error.kind(), ErrorKind::DirectoryNotEmpty | ErrorKind::AlreadyExists) => {
            return Err(Error::at(to, error));
        }
        Err(_)
            if to.join("manifest.csv").exists()
                || to.file_name().is_some_and(|name| name.to_string_lossy().contains('@')) =>
        {
            return Ok(false);
        }
        Err(_) => {}
    }
    let mut files: Vec<_> = fs::read_dir(from).at(from)?.collect::<std::io::Result<_>>().at(from)?;
    files.sort_by_key(|file| file.file_name() == "manifest.csv");
    for file in files {
        let to = to.join(file.file_name());
        fs::rename(file.path(), &to).at(&to)?;
    }
    Ok(true)
}

/// Removes what processes that were killed have left.
fn remove_stale(place: &Path) {
    let entries = fs::read_dir(place).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(STAGING)) {
        let written = entry.metadata().and_then(|metadata| metadata.modified());
        let age = written.ok().and_then(|at| SystemTime::now().duration_since(at).ok());
        if age.is_some_and(|age| age > STALE) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
