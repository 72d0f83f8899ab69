//! What reaches the screen from outside, and the threads that listen for it.

use super::jobs::JobReply;
use super::predictor::PredictorReply;
use super::snapshot::Snapshot;
use super::terminal;
use crossterm::event::{self, KeyEvent, KeyEventKind, MouseEvent};
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGWINCH};
use signal_hook::iterator::Signals;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

/// One thing that happened.
#[derive(Debug)]
pub enum Event {
    Key(KeyEvent),
    Paste(String),
    Mouse(MouseEvent),
    /// The terminal has another size, or must be drawn anew for another reason.
    Resize,
    /// The workspace changed.
    Snapshot(Arc<Snapshot>),
    Job(JobReply),
    Predictor(PredictorReply),
    /// The process is to end for this signal.
    Ending(i32),
    /// The process is to be put aside (SIGTSTP).
    Suspend,
    /// The process goes on (SIGCONT).
    Continue,
    /// The terminal is gone.
    Lost,
}

/// Reads keys, pastes and the mouse until the terminal or the other end of `events` is gone.
///
/// The terminal is asked first whether it is still there: crossterm 0.29 turns in circles on one that vanished.
pub fn listen(events: &Sender<Event>) {
    loop {
        match wait_for_input() {
            Ok(true) => {}
            Ok(false) | Err(_) => {
                let _ = events.send(Event::Lost);
                return;
            }
        }
        // Not zero: where crossterm holds a piece of an escape sequence and the rest is not there yet, this waits.
        while let Ok(true) = event::poll(Duration::from_millis(20)) {
            let Ok(read) = event::read() else {
                let _ = events.send(Event::Lost);
                return;
            };
            let event = match read {
                event::Event::Key(key) if key.kind != KeyEventKind::Release => Event::Key(key),
                event::Event::Paste(text) => Event::Paste(text),
                event::Event::Mouse(mouse) => Event::Mouse(mouse),
                event::Event::Resize(..) => Event::Resize,
                _ => continue,
            };
            if events.send(event).is_err() {
                return;
            }
        }
    }
}

/// Waits until standard input has something to read; false when it was hung up.
fn wait_for_input() -> std::io::Result<bool> {
    let mut poll = libc::pollfd { fd: libc::STDIN_FILENO, events: libc::POLLIN, revents: 0 };
    loop {
        // SAFETY: `poll` is one valid pollfd for the whole call, and the count given is 1.
        let ready = unsafe { libc::poll(&raw mut poll, 1, -1) };
        if ready > 0 {
            return Ok(poll.revents & (libc::POLLHUP | libc::POLLERR | libc::POLLNVAL) == 0);
        }
        let error = std::io::Error::last_os_error();
        if ready < 0 && error.kind() != std::io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

/// How long the screen may take to end by itself after a signal.
const GRACE: Duration = Duration::from_millis(700);

/// Passes signals on, on a thread of their own. A hang-up ends the process here: there is no terminal left to wait
/// for, and runs are processes of their own.
pub fn listen_for_signals(events: Sender<Event>) -> crate::error::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGTSTP, SIGCONT, SIGWINCH])
        .map_err(|error| crate::error::Error::failed(format!("Signals cannot be handled ({error}).")))?;
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
