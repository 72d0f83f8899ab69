//! Fetches portraits of the members of the US Congress, which are in the public domain and need no registration.
//!
//! The portraits are collected by unitedstates/images from the Government Publishing Office, the list of members with
//! their genders by unitedstates/congress-legislators (CC0). To spare these servers, there are at most two connections,
//! with pauses, and no portrait is fetched twice.

use super::{settle, under};
use crate::error::{AtPath, Error, ErrorKind, Result};
use crate::imaging;
use crate::monitor::{Monitor, Update};
use crate::net::{Client, Download, Fetched, check_address};
use crate::outputs::Outputs;
use crate::text::printable;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use ureq::http::StatusCode;

/// The list of members who serve now.
pub const LEGISLATORS: &str = "https://unitedstates.github.io/congress-legislators/legislators-current.json";
/// The folder with `225x275/ID.jpg`.
pub const PORTRAITS: &str = "https://raw.githubusercontent.com/unitedstates/images/gh-pages/congress";

/// The size of the portraits, which names their folder.
const SIZE: &str = "225x275";
/// The list has some 2 MB, a portrait some 20 kB.
const LARGEST_LIST: u64 = 64 << 20;
const LARGEST_PORTRAIT: u64 = 8 << 20;
/// There are 541 seats.
const MOST_MEMBERS: usize = 20_000;
const CONNECTIONS: usize = 2;
/// Attempts per portrait.
const ATTEMPTS: u32 = 3;
/// Consecutive failures after which no more requests are sent.
const ENOUGH: usize = 4;

/// The addresses of the list of members and of their portraits: the publishers', or both on a mirror.
///
/// # Errors
/// A mirror that is no address.
pub fn addresses(mirror: Option<&str>) -> Result<(String, String)> {
    Ok(match mirror {
        Some(mirror) => {
            let mirror = check_address(mirror)?.trim_end_matches('/');
            (format!("{mirror}/legislators-current.json"), mirror.to_owned())
        }
        None => (LEGISLATORS.to_owned(), PORTRAITS.to_owned()),
    })
}

/// What to fetch, and from where to where.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// [`LEGISLATORS`], or one of the same form.
    pub legislators: &'a str,
    /// [`PORTRAITS`], or a folder of the same form.
    pub portraits: &'a str,
    pub folder: &'a Path,
    pub client: &'a Client,
    /// Pause between two requests of a connection; ten times as long before a retry.
    pub pause: Duration,
    /// A server that sends nothing for so long is given up.
    pub patience: Duration,
}

/// The report of a download.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FetchReport {
    /// The csv source that was written.
    pub labels: PathBuf,
    /// Members in the list whose gender is known.
    pub members: usize,
    pub fetched: usize,
    pub there_before: usize,
    /// Ids of members without a portrait.
    pub missing: Vec<String>,
    /// Portraits of each gender that exist locally.
    pub female: usize,
    pub male: usize,
}

#[derive(Deserialize)]
struct Legislator {
    id: Ids,
    bio: Bio,
}

#[derive(Deserialize)]
struct Ids {
    bioguide: String,
}

#[derive(Deserialize)]
struct Bio {
    #[serde(default)]
    gender: String,
}

/// A member whose gender is known.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Member {
    id: String,
    male: bool,
}

impl Member {
    fn portrait(&self) -> String {
        format!("{SIZE}/{}.jpg", self.id)
    }
}

/// Fetches the list and the portraits, and writes `labels.csv` (path, label, subject).
///
/// # Errors
/// A `labels.csv` that `outputs` must not overwrite, before anything is fetched; a list that is missing or malformed; a
/// server that stops sending portraits; a stop. Downloads are kept, and the next call resumes.
pub fn fetch(request: &Request<'_>, outputs: &mut Outputs, monitor: &dyn Monitor) -> Result<FetchReport> {
    let labels = request.folder.join("labels.csv");
    outputs.check(&labels)?;
    let _claim = super::claim(request.folder)?;
    let members = members(request, monitor)?;
    let folder = request.folder.join(SIZE);
    fs::create_dir_all(&folder).at(&folder)?;
    let work = Work {
        request,
        members: &members,
        next: AtomicUsize::new(0),
        over: AtomicBool::new(false),
        state: Mutex::new(State { done: 0, fetched: 0, missing: Vec::new(), failed: Vec::new(), in_a_row: 0 }),
        began: Instant::now(),
        monitor,
    };
    std::thread::scope(|scope| {
        for _ in 0..CONNECTIONS {
            scope.spawn(|| work.go());
        }
    });
    if monitor.stopped() {
        return Err(Error::stopped());
    }
    let State { fetched, mut missing, failed, .. } = work.state.into_inner().unwrap_or_else(PoisonError::into_inner);
    missing.sort_unstable();
    let here: Vec<&Member> = members.iter().filter(|member| request.folder.join(member.portrait()).is_file()).collect();
    if let Some((_, reason)) = failed.last() {
        return Err(Error::failed(format!(
            "{} of {} portraits are in {}, the others did not come ({reason}); run the same command again to go on.",
            here.len(),
            members.len(),
            folder.display()
        )));
    }
    if here.is_empty() {
        return Err(Error::failed(format!("{} has no portrait of any member.", under(request.portraits, SIZE))));
    }
    outputs.write(&labels, &labels_of(&here).map_err(|error| Error::file(&labels, error))?)?;
    let male = here.iter().filter(|member| member.male).count();
    Ok(FetchReport {
        labels,
        members: members.len(),
        fetched,
        there_before: here.len() - fetched,
        missing,
        female: here.len() - male,
        male,
    })
}

fn labels_of(members: &[&Member]) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record(["path", "label", "subject"])?;
    for member in members {
        let label = if member.male { "male" } else { "female" };
        out.write_record([&*printable(&member.portrait()), label, &printable(&member.id)])?;
    }
    Ok(out.into_inner()?)
}

/// The members by id. An existing list is not fetched again.
fn members(request: &Request<'_>, monitor: &dyn Monitor) -> Result<Vec<Member>> {
    let path = request.folder.join("legislators-current.json");
    if path.is_file() {
        let text = format!("{} is there already; remove it for a newer list", path.display());
        monitor.update(Update::Note { text });
        return parse(&fs::read(&path).at(&path)?).map_err(|what| Error::file(&path, format!("{what}; remove it")));
    }
    monitor.update(Update::Note { text: format!("fetching {}", request.legislators) });
    let partial = request.folder.join(".partial-legislators.json");
    loop {
        let download = Download {
            client: request.client,
            url: request.legislators,
            partial: &partial,
            patience: request.patience,
            most: LARGEST_LIST,
        };
        let resumed = download.run(monitor)?;
        match parse(&fs::read(&partial).at(&partial)?) {
            Ok(members) => {
                settle(&partial, &path)?;
                return Ok(members);
            }
            Err(what) => {
                fs::remove_file(&partial).at(&partial)?;
                // The list may have changed since an earlier attempt.
                if !resumed {
                    return Err(Error::failed(format!("{}: {what}; nothing of it was kept.", request.legislators)));
                }
            }
        }
    }
}

fn parse(json: &[u8]) -> Result<Vec<Member>, String> {
    let list: Vec<Legislator> =
        serde_json::from_slice(json).map_err(|error| format!("is not the list of legislators ({error})"))?;
    // An id is used in a file name and an address.
    let plain = |id: &str| (2..=16).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let member = |legislator: Legislator| {
        let male = match legislator.bio.gender.as_str() {
            "M" => true,
            "F" => false,
            _ => return None,
        };
        plain(&legislator.id.bioguide).then_some(Member { id: legislator.id.bioguide, male })
    };
    let mut members: Vec<Member> = list.into_iter().filter_map(member).collect();
    members.sort_by(|a, b| a.id.cmp(&b.id));
    members.dedup_by(|a, b| a.id == b.id);
    match members.len() {
        0 => Err("names no member whose gender is known".into()),
        1..=MOST_MEMBERS => Ok(members),
        many => Err(format!("names {many} members, more than any Congress has")),
    }
}

/// The state shared by both connections.
struct Work<'a> {
    request: &'a Request<'a>,
    members: &'a [Member],
    next: AtomicUsize,
    /// No more requests are sent.
    over: AtomicBool,
    state: Mutex<State>,
    began: Instant,
    monitor: &'a dyn Monitor,
}

struct State {
    done: usize,
    fetched: usize,
    missing: Vec<String>,
    /// Ids and reasons.
    failed: Vec<(String, String)>,
    /// Consecutive failures.
    in_a_row: usize,
}

/// The outcome of one request for a portrait.
enum PortraitOutcome {
    Here,
    Fetched,
    Missing,
    Failed(String),
}

/// Forwards stop requests and drops progress.
struct Quiet<'a>(&'a dyn Monitor);

impl Monitor for Quiet<'_> {
    fn update(&self, _: Update) {}

    fn stopped(&self) -> bool {
        self.0.stopped()
    }
}

impl Work<'_> {
    /// One connection: portrait after portrait until there are no more.
    fn go(&self) {
        while !self.over.load(Ordering::SeqCst) && !self.monitor.stopped() {
            let Some(member) = self.members.get(self.next.fetch_add(1, Ordering::SeqCst)) else { return };
            let Some(came) = self.bring(member) else { return };
            let asked = !matches!(came, PortraitOutcome::Here);
            self.note(member, came);
            if asked && !self.rest(self.request.pause) {
                return;
            }
        }
    }

    /// None after a stop.
    fn bring(&self, member: &Member) -> Option<PortraitOutcome> {
        let path = self.request.folder.join(member.portrait());
        if path.is_file() {
            return Some(PortraitOutcome::Here);
        }
        let mut reason = String::new();
        for attempt in 0..ATTEMPTS {
            if attempt > 0 && !self.rest(self.request.pause * 10 * attempt) {
                return None;
            }
            match self.ask(member, &path) {
                Ok(PortraitOutcome::Failed(why)) => reason = why,
                Ok(came) => return Some(came),
                Err(error) if error.kind() == ErrorKind::Stopped => return None,
                Err(error) => reason = error.to_string(),
            }
        }
        Some(PortraitOutcome::Failed(reason))
    }

    fn ask(&self, member: &Member, path: &Path) -> Result<PortraitOutcome> {
        let Request { client, portraits, patience, .. } = *self.request;
        let url = under(portraits, &member.portrait());
        let partial = path.with_file_name(format!(".partial-{}.jpg", member.id));
        let download = Download { client, url: &url, partial: &partial, patience, most: LARGEST_PORTRAIT };
        match download.fetch(&Quiet(self.monitor))? {
            Fetched::Whole { .. } => {
                let bytes = fs::read(&partial).at(&partial)?;
                if let Err(what) = imaging::decode(&bytes) {
                    fs::remove_file(&partial).at(&partial)?;
                    return Ok(PortraitOutcome::Failed(format!("{url}: {what}")));
                }
                settle(&partial, path)?;
                Ok(PortraitOutcome::Fetched)
            }
            Fetched::Refused(status) => {
                // A partial file of a missing portrait is useless.
                let _ = fs::remove_file(&partial);
                if matches!(status, StatusCode::NOT_FOUND | StatusCode::GONE) {
                    return Ok(PortraitOutcome::Missing);
                }
                Ok(PortraitOutcome::Failed(format!("{url}: {}", client.refusal(status))))
            }
        }
    }

    fn note(&self, member: &Member, came: PortraitOutcome) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.done += 1;
        match came {
            PortraitOutcome::Here => {}
            PortraitOutcome::Fetched => {
                state.fetched += 1;
                state.in_a_row = 0;
            }
            PortraitOutcome::Missing => {
                state.missing.push(member.id.clone());
                state.in_a_row = 0;
            }
            PortraitOutcome::Failed(reason) => {
                let text = format!("{reason}; going on without it");
                self.monitor.update(Update::Note { text });
                state.failed.push((member.id.clone(), reason));
                state.in_a_row += 1;
                if state.in_a_row >= ENOUGH {
                    self.over.store(true, Ordering::SeqCst);
                }
            }
        }
        let (done, total) = (state.done as u64, self.members.len() as u64);
        let rate = done as f64 / self.began.elapsed().as_secs_f64().max(1e-3);
        let remaining = Some((total - done) as f64 / rate);
        // Sent under the lock, so that progress never goes backwards.
        self.monitor.update(Update::Progress { done, total, unit: "portraits".into(), rate, remaining });
    }

    /// Waits; false if the work is over.
    fn rest(&self, pause: Duration) -> bool {
        let until = Instant::now() + pause;
        while let Some(left) = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
            if self.monitor.stopped() {
                return false;
            }
            std::thread::sleep(left.min(Duration::from_millis(20)));
        }
        !self.monitor.stopped() && !self.over.load(Ordering::SeqCst)
    }
}
