//! Resumable downloads over HTTP(S).
//!
//! A separate thread reads from the server, so that the caller can stop at any moment and notices a server that has
//! gone silent, whatever the socket waits for. An abandoned thread ends with its connection.

use super::client::{CONNECT, Client};
use crate::claim::{Claim, Taken};
use crate::error::{AtPath, Error, Result};
use crate::monitor::{Monitor, Update};
use crate::own_files;
use crate::workspace::is_at;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};
use ureq::http::{HeaderMap, StatusCode};

/// Maximum number of reconnects.
const MAX_RESUMES: usize = 20;
/// A kept-alive connection that fails sooner than this was closed before the request.
const AT_ONCE: Duration = Duration::from_secs(1);
/// Maximum delay until a timeout is noticed.
const TICK: Duration = Duration::from_millis(50);
const CHUNK: usize = 256 << 10;

/// A download.
#[derive(Debug, Clone, Copy)]
pub struct Download<'a> {
    pub client: &'a Client,
    pub url: &'a str,
    /// Path of the partial file. Existing content is taken to be the beginning of the file.
    pub partial: &'a Path,
    /// A server that sends nothing for so long is given up.
    pub patience: Duration,
    /// In bytes; a server that states or sends more has the wrong file.
    pub most: u64,
}

/// The outcome of a download.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fetched {
    /// The file is complete; `resumed` if the partial file was continued.
    Whole { resumed: bool },
    /// The server answered with this status (404, 500 and similar) instead of the file.
    Refused(StatusCode),
}

/// The outcome of one connection.
enum Ended {
    Complete,
    Refused(StatusCode),
    /// Lost during the transfer; retried if any data arrived.
    Lost(String),
    /// Lost before any answer: a kept-alive connection may have been closed in the meantime.
    Stale(String),
    /// The partial file is not the beginning of this file.
    Mismatch,
}

impl Download<'_> {
    /// Downloads the file. Lost connections are reopened and resumed, as long as each transfers some data. Returns true
    /// if the partial file was continued.
    ///
    /// # Errors
    /// Refusals of the server, timeouts, a full disk; [`crate::error::ErrorKind::Stopped`] after a stop. Received data
    /// stays in the partial file.
    pub fn run(&self, monitor: &dyn Monitor) -> Result<bool> {
        match self.fetch(monitor)? {
            Fetched::Whole { resumed } => Ok(resumed),
            Fetched::Refused(status) => Err(self.failed(&self.client.refusal(status))),
        }
    }

    /// [`Download::run`] for callers that handle an error status themselves.
    ///
    /// # Errors
    /// As [`Download::run`], except error statuses.
    pub fn fetch(&self, monitor: &dyn Monitor) -> Result<Fetched> {
        let claim = self.claim()?;
        let mut file = own_files::open_with(OpenOptions::new().create(true).truncate(false).write(true), self.partial)
            .at(self.partial)?;
        // Otherwise the finished file would be continued or restarted.
        if !is_at(&file, self.partial) {
            let what = "another faceprobe has just finished this download; run the same command again";
            return Err(Error::file(self.partial, what));
        }
        let mut have = file.seek(SeekFrom::End(0)).at(self.partial)?;
        let mut resumed = have > 0;
        let mut stale_before = false;
        for _ in 0..=MAX_RESUMES {
            let before = have;
            match self.connect(&mut file, &mut have, &claim, monitor)? {
                Ended::Complete => {
                    file.sync_all().at(self.partial)?;
                    return Ok(Fetched::Whole { resumed: resumed && before > 0 });
                }
                Ended::Refused(status) => return Ok(Fetched::Refused(status)),
                Ended::Mismatch if before > 0 => {
                    resumed = false;
                    have = 0;
                    self.restart(&mut file)?;
                }
                Ended::Mismatch => {
                    return Err(self.failed("it answers about another part of the file than was asked for"));
                }
                Ended::Stale(_) if !stale_before => stale_before = true,
                Ended::Stale(reason) => return Err(self.failed(&reason)),
                Ended::Lost(reason) if have == before => return Err(self.failed(&reason)),
                Ended::Lost(reason) => {
                    monitor.update(Update::Note { text: format!("{reason}; going on at {have} bytes") });
                }
            }
        }
        Err(self.failed("it keeps losing the connection"))
    }

    /// Keeps other programs from the partial file.
    fn claim(&self) -> Result<Claim> {
        let mut name = self.partial.as_os_str().to_owned();
        name.push(".claim");
        match Claim::take(Path::new(&name))? {
            Taken::Ours(claim) => Ok(claim),
            Taken::Held(holder) => {
                let what = format!("another faceprobe is downloading this file{}; wait for it", holder.place());
                Err(Error::file(self.partial, what))
            }
        }
    }

    fn restart(&self, file: &mut File) -> Result<()> {
        file.set_len(0).at(self.partial)?;
        file.rewind().at(self.partial)
    }

    fn failed(&self, reason: &str) -> Error {
        Error::failed(format!("{}: {reason}", self.url))
    }

    /// One connection: requests the missing part and appends it.
    fn connect(&self, file: &mut File, have: &mut u64, claim: &Claim, monitor: &dyn Monitor) -> Result<Ended> {
        let (sender, events) = sync_channel(4);
        let (client, url, from) = (self.client.clone(), self.url.to_owned(), *have);
        std::thread::spawn(move || {
            // The receiver has stopped.
            let _ = talk(&client, &url, from, &sender);
        });
        let mut total = None;
        let mut answered = false;
        let began = Instant::now();
        let mut pace = Pace::new(from);
        loop {
            let event = match self.next(&events, monitor)? {
                Ok(event) => event,
                Err(lost) => return Ok(Ended::Lost(lost)),
            };
            answered |= matches!(event, Event::Answer(_));
            match event {
                Event::Answer(answer) => match self.judge(&answer, from)? {
                    Verdict::Append => total = answer.total,
                    Verdict::Restart => {
                        total = answer.total;
                        *have = 0;
                        pace = Pace::new(0);
                        self.restart(file)?;
                    }
                    Verdict::Complete => return Ok(Ended::Complete),
                    Verdict::Mismatch => return Ok(Ended::Mismatch),
                    Verdict::Refused => return Ok(Ended::Refused(answer.status)),
                },
                Event::Data(data) => {
                    claim.check()?;
                    file.write_all(&data).at(self.partial)?;
                    *have += data.len() as u64;
                    if *have > total.unwrap_or(self.most) {
                        return Err(self.failed("it sends more than it said"));
                    }
                    pace.tell(*have, total, monitor);
                }
                Event::End => {
                    return Ok(match total {
                        Some(total) if *have < total => {
                            Ended::Lost(format!("the connection ended at {have} of {total} bytes"))
                        }
                        _ => Ended::Complete,
                    });
                }
                Event::Failed(reason) if !answered && began.elapsed() < AT_ONCE => return Ok(Ended::Stale(reason)),
                Event::Failed(reason) => return Ok(Ended::Lost(reason)),
            }
        }
    }

    /// The next event, or why there will be none.
    fn next(&self, events: &Receiver<Event>, monitor: &dyn Monitor) -> Result<Result<Event, String>> {
        let since = Instant::now();
        loop {
            if monitor.stopped() {
                return Err(Error::stopped());
            }
            match events.recv_timeout(TICK) {
                Ok(event) => return Ok(Ok(event)),
                Err(RecvTimeoutError::Disconnected) => return Ok(Err("the connection was lost".into())),
                Err(RecvTimeoutError::Timeout) if since.elapsed() >= self.patience => {
                    return Ok(Err(format!("the server sent nothing for {} s", self.patience.as_secs_f32())));
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// Interprets the response to a request for everything after offset `from`.
    fn judge(&self, answer: &Answer, from: u64) -> Result<Verdict> {
        if let Some(total) = answer.total.filter(|total| *total > self.most) {
            return Err(self.failed(&format!("it claims to have {total} bytes, more than such a file can have")));
        }
        match answer.status {
            StatusCode::OK => Ok(Verdict::Restart),
            StatusCode::PARTIAL_CONTENT if from > 0 && answer.start == Some(from) => Ok(Verdict::Append),
            StatusCode::PARTIAL_CONTENT => Ok(Verdict::Mismatch),
            // Nothing follows the present data: it is complete, or too long.
            StatusCode::RANGE_NOT_SATISFIABLE if from > 0 && answer.total == Some(from) => Ok(Verdict::Complete),
            StatusCode::RANGE_NOT_SATISFIABLE => Ok(Verdict::Mismatch),
            _ => Ok(Verdict::Refused),
        }
    }
}

enum Verdict {
    Append,
    Restart,
    Complete,
    Mismatch,
    Refused,
}

enum Event {
    Answer(Answer),
    Data(Vec<u8>),
    End,
    Failed(String),
}

struct Answer {
    status: StatusCode,
    /// Offset of the received part.
    start: Option<u64>,
    /// Size of the whole file.
    total: Option<u64>,
}

impl Answer {
    fn new(status: StatusCode, headers: &HeaderMap) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        if status == StatusCode::OK {
            return Self {
                status,
                start: None,
                total: text("content-length").and_then(|length| length.trim().parse().ok()),
            };
        }
        // `bytes 100-199/1000`, or `bytes */1000` with 416.
        let range = text("content-range").and_then(|range| range.trim().strip_prefix("bytes ")).unwrap_or_default();
        let (part, total) = range.split_once('/').unwrap_or_default();
        let start = part.split_once('-').and_then(|(start, _)| start.trim().parse().ok());
        Self { status, start, total: total.trim().parse().ok() }
    }
}

/// The thread's side: sends the request and forwards the data. Ends when the receiver is gone.
fn talk(
    client: &Client,
    url: &str,
    from: u64,
    events: &SyncSender<Event>,
) -> Result<(), std::sync::mpsc::SendError<Event>> {
    let mut request = client.get(url);
    if from > 0 {
        request = request.header("range", format!("bytes={from}-"));
    }
    let response = match request.call() {
        Ok(response) => response,
        Err(error) => return events.send(Event::Failed(explain(&error))),
    };
    let answer = Answer::new(response.status(), response.headers());
    let wanted = response.status().is_success();
    events.send(Event::Answer(answer))?;
    if !wanted {
        return Ok(());
    }
    let mut body = response.into_body().into_reader();
    loop {
        let mut data = vec![0; CHUNK];
        match body.read(&mut data) {
            Ok(0) => return events.send(Event::End),
            Ok(count) => {
                data.truncate(count);
                events.send(Event::Data(data))?;
            }
            Err(error) => return events.send(Event::Failed(format!("the connection was lost ({error})"))),
        }
    }
}

/// A phrase for the reason why no answer came.
fn explain(error: &ureq::Error) -> String {
    match error {
        ureq::Error::HostNotFound => "the host was not found".into(),
        // The resolver's error has no kind of its own.
        ureq::Error::Io(error) if error.to_string().contains("lookup") => "the host was not found".into(),
        ureq::Error::Timeout(_) => format!("no connection within {} s", CONNECT.as_secs()),
        ureq::Error::ConnectionFailed => "the connection was refused".into(),
        other => {
            let text: String = other.to_string().chars().filter(|c| !c.is_control()).take(200).collect();
            format!("no connection ({text})")
        }
    }
}

/// Reports progress a few times a second, with the rate of the last seconds.
struct Pace {
    /// Times and amounts of the last seconds.
    marks: std::collections::VecDeque<(Instant, u64)>,
}

const TELL_EVERY: Duration = Duration::from_millis(200);
const RATE_OVER: usize = 25;

impl Pace {
    fn new(have: u64) -> Self {
        Self { marks: std::iter::once((Instant::now(), have)).collect() }
    }

    fn tell(&mut self, have: u64, total: Option<u64>, monitor: &dyn Monitor) {
        let now = Instant::now();
        let done = total == Some(have);
        if !done && self.marks.back().is_some_and(|(last, _)| now - *last < TELL_EVERY) {
            return;
        }
        self.marks.push_back((now, have));
        if self.marks.len() > RATE_OVER {
            self.marks.pop_front();
        }
        let Some(&(first, before)) = self.marks.front() else { return };
        let rate = have.saturating_sub(before) as f64 / (now - first).as_secs_f64().max(1e-3);
        let remaining = total.filter(|_| rate > 0.0).map(|total| total.saturating_sub(have) as f64 / rate);
        let total = total.unwrap_or(0);
        monitor.update(Update::Progress { done: have, total, unit: "bytes".into(), rate, remaining });
    }
}
