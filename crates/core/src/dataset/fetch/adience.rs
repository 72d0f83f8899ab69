//! Fetches the Adience benchmark from its authors' server, with the name and password from the registration.

use super::unpack::{Limits, unpack};
use super::{md5_of, settle, under};
use crate::error::{AtPath, Error, ErrorKind, Result};
use crate::monitor::{Monitor, Update};
use crate::net::{Client, Download, Fetched};
use serde::Serialize;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use ureq::http::StatusCode;

/// The authors' server; access is given at <https://talhassner.github.io/home/projects/Adience/Adience-data.html>.
pub const OFFICIAL: &str =
    "http://www.cslab.openu.ac.il/download/adiencedb/AdienceBenchmarkOfUnfilteredFacesForGenderAndAgeClassification/";

/// A part of the data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The fold files: identity, gender, age.
    Labels,
    /// The faces aligned by their landmarks, 816 x 816; the default.
    Aligned,
    /// The face crops, of any size.
    Faces,
}

/// What to fetch, and from where to where.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// [`OFFICIAL`] or a mirror.
    pub address: &'a str,
    pub parts: &'a [Part],
    pub folder: &'a Path,
    /// The HTTP client with name and password.
    pub client: &'a Client,
    /// A server that sends nothing for so long is given up.
    pub patience: Duration,
}

/// The report on one file of the data set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FetchReport {
    pub name: String,
    /// Whether it existed before, and nothing was fetched.
    pub there_before: bool,
    /// Of the downloaded file; none if the unpacked folder existed before.
    pub md5: Option<String>,
    /// Of the authors' own file, if it is known.
    pub known_md5: Option<&'static str>,
    /// Number of images in an archive.
    pub images: Option<u64>,
}

/// MD5 of the authors' files, as far as other programs that fetch them publish it.
fn known_md5(name: &str) -> Option<&'static str> {
    Some(match name {
        "aligned.tar.gz" => "bf8336d576433f0143828925eadbe23f",
        "fold_0_data.txt" => "dda2131b5a4934a67f0acfda8b50a65b",
        "fold_1_data.txt" => "bb558fff6aba953b5b05403d74dfd8a8",
        "fold_2_data.txt" => "a156e37bf4292a61ee5e11a06cfc6c5f",
        "fold_3_data.txt" => "7c9f7dab8fb034affe8a08e97da24266",
        "fold_4_data.txt" => "68ebc064a70274551a565fdd5235f0cc",
        _ => return None,
    })
}

/// The archives have 1.9 and 1.2 GB.
const LARGEST_ARCHIVE: u64 = 8 << 30;
/// The label files have some 300 kB each.
const LARGEST_LABELS: u64 = 64 << 20;
/// The benchmark has 26,580 faces.
const LIMITS: Limits = Limits { entries: 200_000, file: 64 << 20, total: 16 << 30 };

/// Fetches the parts into the folder, in the layout that `data prepare --source adience:DIR` reads.
///
/// # Errors
/// Refusals of the server, timeouts, wrong files; a stop. The next call resumes.
pub fn fetch(request: &Request<'_>, monitor: &dyn Monitor) -> Result<Vec<FetchReport>> {
    let _claim = super::claim(request.folder)?;
    let mut reports = Vec::new();
    let mut parts = request.parts.to_vec();
    parts.sort_unstable();
    parts.dedup();
    for part in parts {
        match part {
            Part::Labels => reports.extend(labels(request, monitor)?),
            Part::Aligned => reports.push(images(request, "aligned", monitor)?),
            Part::Faces => reports.push(images(request, "faces", monitor)?),
        }
    }
    Ok(reports)
}

/// The fold files. Those of the frontal faces are not needed here and may be missing on a mirror.
fn labels(request: &Request<'_>, monitor: &dyn Monitor) -> Result<Vec<FetchReport>> {
    let mut reports = Vec::new();
    for (kind, needed) in [("fold", true), ("fold_frontal", false)] {
        for fold in 0..5 {
            let name = format!("{kind}_{fold}_data.txt");
            let path = request.folder.join(&name);
            let there_before = path.is_file();
            if !there_before && !label_file(request, &name, needed, monitor)? {
                monitor.update(Update::Note { text: format!("{name} is not there; nothing here needs it") });
                continue;
            }
            let md5 = md5_of(&path, || !monitor.stopped())?;
            reports.push(report(name, there_before, Some(md5), None, monitor));
        }
    }
    Ok(reports)
}

/// Fetches one fold file; false if the server lacks it and it is not needed.
fn label_file(request: &Request<'_>, name: &str, needed: bool, monitor: &dyn Monitor) -> Result<bool> {
    let partial = request.folder.join(format!(".partial-{name}"));
    loop {
        let Some(resumed) = download(request, name, &partial, LARGEST_LABELS, needed, monitor)? else {
            return Ok(false);
        };
        let as_known = match known_md5(name) {
            Some(known) => known == md5_of(&partial, || !monitor.stopped())?,
            None => false,
        };
        let fault = if as_known { None } else { fault_of(&fs::read(&partial).at(&partial)?) };
        // A partial download may be of another copy; the file is small.
        if resumed && !as_known {
            fs::remove_file(&partial).at(&partial)?;
            continue;
        }
        if let Some(fault) = fault {
            fs::remove_file(&partial).at(&partial)?;
            return Err(Error::failed(format!(
                "{} is no fold file of Adience: {fault}; nothing of it was kept.",
                under(request.address, name)
            )));
        }
        settle(&partial, &request.folder.join(name))?;
        return Ok(true);
    }
}

/// Why these bytes are not a fold file; the content is checked when the data is prepared.
fn fault_of(bytes: &[u8]) -> Option<&'static str> {
    let first = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if !first.starts_with(b"user_id\t") {
        Some("its first line does not name user_id")
    } else if !bytes.ends_with(b"\n") {
        Some("it ends in the middle of a line")
    } else {
        None
    }
}

/// An archive of images, unpacked into the folder of its name.
fn images(request: &Request<'_>, what: &str, monitor: &dyn Monitor) -> Result<FetchReport> {
    let name = format!("{what}.tar.gz");
    let target = request.folder.join(what);
    if target.is_dir() {
        monitor.update(Update::Note { text: format!("{} is there already", target.display()) });
        return Ok(FetchReport { there_before: true, md5: None, images: None, known_md5: known_md5(&name), name });
    }
    let archive = request.folder.join(&name);
    let temporary = request.folder.join(format!(".unpacking-{what}"));
    let ours = !archive.is_file();
    loop {
        let resumed = if ours { archive_file(request, &name, monitor)? } else { false };
        monitor.update(Update::Note { text: format!("checking {name}") });
        let md5 = md5_of(&archive, || !monitor.stopped())?;
        let report = report(name.clone(), !ours, Some(md5), None, monitor);
        monitor.update(Update::Note { text: format!("unpacking {name}") });
        match unpack(&archive, &temporary, &LIMITS, monitor) {
            Ok(images) => {
                place(&temporary, what, &target)?;
                if ours {
                    fs::remove_file(&archive).at(&archive)?;
                } else {
                    let text = format!("{} is not needed any more", archive.display());
                    monitor.update(Update::Note { text });
                }
                return Ok(FetchReport { images: Some(images), ..report });
            }
            Err(error) if error.kind() == ErrorKind::Stopped || !ours => return Err(error),
            Err(error) => {
                fs::remove_file(&archive).at(&archive)?;
                if !resumed {
                    return Err(Error::failed(format!("{error}; it was removed, and nothing was unpacked")));
                }
                monitor.update(Update::Note { text: format!("{error}; fetching all of it once more") });
            }
        }
    }
}

/// Fetches an archive; true if an earlier attempt was resumed.
fn archive_file(request: &Request<'_>, name: &str, monitor: &dyn Monitor) -> Result<bool> {
    let partial = request.folder.join(format!(".partial-{name}"));
    let resumed = download(request, name, &partial, LARGEST_ARCHIVE, true, monitor)?.unwrap_or_default();
    settle(&partial, &request.folder.join(name))?;
    Ok(resumed)
}

/// Fetches a file; none if the server lacks it and it is not needed.
fn download(
    request: &Request<'_>,
    name: &str,
    partial: &Path,
    most: u64,
    needed: bool,
    monitor: &dyn Monitor,
) -> Result<Option<bool>> {
    monitor.update(Update::Note { text: format!("fetching {name}") });
    let url = under(request.address, name);
    let download = Download { client: request.client, url: &url, partial, patience: request.patience, most };
    match download.fetch(monitor)? {
        Fetched::Whole { resumed } => Ok(Some(resumed)),
        Fetched::Refused(status) => {
            // An empty partial file is useless.
            if fs::metadata(partial).is_ok_and(|data| data.len() == 0) {
                let _ = fs::remove_file(partial);
            }
            if status == StatusCode::NOT_FOUND && !needed {
                return Ok(None);
            }
            let why = request.client.refusal(status);
            let hint = match status {
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                    "; give those that the authors of Adience sent you with --user and when asked for the password"
                }
                _ => "",
            };
            Err(Error::failed(format!("{url}: {why}{hint}.")))
        }
    }
}

/// A report, with a warning if the file differs from the authors' own.
fn report(
    name: String,
    there_before: bool,
    md5: Option<String>,
    images: Option<u64>,
    monitor: &dyn Monitor,
) -> FetchReport {
    let known_md5 = known_md5(&name);
    if let (Some(md5), Some(known)) = (&md5, known_md5)
        && md5 != known
    {
        let text = format!(
            "warning: {name} has MD5 {md5}, the authors' file has {known}: it is another copy, or damaged; figures may \
             differ from published ones"
        );
        monitor.update(Update::Note { text });
    }
    FetchReport { name, there_before, md5, known_md5, images }
}

/// Renames the unpacked folder, whether or not the archive contained the folder `what` itself.
fn place(temporary: &Path, what: &str, target: &Path) -> Result<()> {
    let inner: PathBuf = temporary.join(what);
    if inner.is_dir() {
        fs::rename(&inner, target).at(target)?;
        // Files next to the folder are not needed.
        let _ = fs::remove_dir_all(temporary);
        return Ok(());
    }
    fs::rename(temporary, target).at(target)
}
