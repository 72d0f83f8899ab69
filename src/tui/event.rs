//! What reaches the screen from outside, and the threads that listen for it.

use super::graphics::{Answers, Query};
use super::input::{Piece, Stream};
use super::jobs::JobReply;
use super::pictures::Picture;
use super::predictor::PredictorReply;
use super::snapshot::Snapshot;
use super::studies;
use super::terminal;
use crossterm::event::{KeyEvent, MouseEvent};
use ratatui_image::picker::Picker;
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGWINCH};
use signal_hook::iterator::Signals;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

/// One thing that happened.
#[derive(Debug)]
pub enum Event {
    Key(KeyEvent),
    Paste(String),
    Mouse(MouseEvent),
    /// Whether the terminal is looked at, where it tells.
    Focus(bool),
    /// The terminal has another size, or must be drawn anew for another reason.
    Resize,
    /// The workspace changed.
    Snapshot(Arc<Snapshot>),
    Job(JobReply),
    /// Something came into this folder or left it.
    FolderChanged(PathBuf),
    Predictor(PredictorReply),
    /// The steps of a study.
    Study(studies::Reply),
    /// How pictures can be shown on this terminal.
    Graphics(Box<Picker>),
    /// A picture that the screen missed.
    Picture(Box<Picture>),
    /// The process is to end for this signal.
    Ending(i32),
    /// The process is to be put aside (SIGTSTP).
    Suspend,
    /// The process goes on (SIGCONT).
    Continue,
    /// The terminal is gone.
    Lost,
}

/// Reads keys, pastes, the mouse and what the terminal answers to `query`, until the terminal or the other end of
/// `events` is gone.
pub fn listen(events: &Sender<Event>, query: Option<Query>) {
    let mut answers = query.map(Answers::new);
    let mut stream = Stream::default();
    let mut buffer = [0; 4096];
    loop {
        let left = answers.as_ref().and_then(Answers::patience);
        let pieces = match readable(stream.patience().into_iter().chain(left).min()) {
            None => {
                let _ = events.send(Event::Lost);
                return;
            }
            // Nothing more came: what looked like the beginning of a sequence was a key.
            Some(false) => stream.rest(),
            Some(true) => match rustix::io::read(rustix::stdio::stdin(), &mut buffer) {
                Ok(0) => {
                    let _ = events.send(Event::Lost);
                    return;
                }
                Ok(length) => stream.push(&buffer[..length]),
                // Interrupted, or taken by somebody else meanwhile.
                Err(_) => Vec::new(),
            },
        };
        let mut pickers: Vec<Picker> = answers.as_mut().and_then(Answers::overdue).into_iter().collect();
        for piece in pieces {
            let event = match piece {
                Piece::Typed(event) => event,
                Piece::Answer(text) => {
                    pickers.extend(answers.as_mut().and_then(|answers| answers.take(&text)));
                    continue;
                }
            };
            if events.send(event).is_err() {
                return;
            }
        }
        for picker in pickers {
            if events.send(Event::Graphics(Box::new(picker))).is_err() {
                return;
            }
        }
    }
}

/// Whether standard input has something to read within `wait`, or ever; none when it was hung up.
fn readable(wait: Option<Duration>) -> Option<bool> {
    let mut poll = libc::pollfd { fd: libc::STDIN_FILENO, events: libc::POLLIN, revents: 0 };
    let wait = wait.map_or(-1, |wait| wait.as_millis() as i32 + 1);
    let ready = loop {
        // SAFETY: `poll` is one valid pollfd for the whole call, and the count given is 1.
        let ready = unsafe { libc::poll(&raw mut poll, 1, wait) };
        // A signal in between says nothing about the terminal.
        if ready >= 0 || std::io::Error::last_os_error().kind() != std::io::ErrorKind::Interrupted {
            break ready;
        }
    };
    if ready < 0 || poll.revents & (libc::POLLHUP | libc::POLLERR | libc::POLLNVAL) != 0 {
        return None;
    }
    Some(ready > 0)
}

/// How long the screen may take to end by itself after a signal.
const GRACE: Duration = Duration::from_millis(700);

/// Passes signals on, on a thread of their own. A hang-up ends the process here: there is no terminal left to wait
/// for, and runs are processes of their own.
pub fn listen_for_signals(events: Sender<Event>) -> faceprobe_core::error::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGTSTP, SIGCONT, SIGWINCH])
        .map_err(|error| faceprobe_core::error::Error::failed(format!("Signals cannot be handled ({error}).")))?;
    std::thread::spawn(move || {
        for signal in signals.forever() {
            let event = match signal {
                SIGWINCH => Event::Resize,
                SIGTSTP => Event::Suspend,
                SIGCONT => Event::Continue,
                SIGHUP => terminal::end_by(SIGHUP),
                other => {
                    std::thread::spawn(move || {
                        std::thread::sleep(GRACE);
                        terminal::end_by(other);
                    });
                    Event::Ending(other)
                }
            };
            if events.send(event).is_err() {
                return;
            }
        }
    });
    Ok(())
}
