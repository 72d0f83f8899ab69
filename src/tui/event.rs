//! What reaches the screen from outside, and the threads that listen for it.

use super::graphics::Query;
use super::jobs::JobReply;
use super::pictures::Picture;
use super::predictor::PredictorReply;
use super::snapshot::Snapshot;
use super::terminal;
use crossterm::event::{self, KeyEvent, KeyEventKind, MouseEvent};
use ratatui_image::picker::Picker;
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGWINCH};
use signal_hook::iterator::Signals;
use std::io::Read;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
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

/// Reads keys, pastes and the mouse until the terminal or the other end of `events` is gone; before that, what the
/// terminal answers to `query`.
///
/// The terminal is asked first whether it is still there: crossterm 0.29 turns in circles on one that vanished.
pub fn listen(events: &Sender<Event>, query: Option<Query>) {
    let Ok(mut resizes) = resizes() else {
        let _ = events.send(Event::Lost);
        return;
    };
    if let Some(query) = query {
        let picker = query.listen(events);
        if events.send(Event::Graphics(Box::new(picker))).is_err() {
            return;
        }
    }
    loop {
        match wait_for_input(&mut resizes) {
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

/// A stream that has a byte to read whenever the terminal has got another size.
fn resizes() -> std::io::Result<UnixStream> {
    let (told, teller) = UnixStream::pair()?;
    told.set_nonblocking(true)?;
    signal_hook::low_level::pipe::register(SIGWINCH, teller)?;
    Ok(told)
}

/// Waits until standard input has something to read or the terminal has got another size; false when standard input
/// was hung up.
///
/// A new size must be waited for as well: when crossterm finds a key and a new size at once, it answers with the size
/// and leaves the key lying until the next one is pressed.
fn wait_for_input(resizes: &mut UnixStream) -> std::io::Result<bool> {
    let watched = |fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
    let mut polls = [watched(libc::STDIN_FILENO), watched(resizes.as_raw_fd())];
    loop {
        // SAFETY: `polls` is two valid pollfds for the whole call, and the count given is 2.
        let ready = unsafe { libc::poll(polls.as_mut_ptr(), 2, -1) };
        if ready > 0 {
            // Empty after this; an error is the same as nothing to read.
            let _ = resizes.read(&mut [0; 64]);
            return Ok(polls[0].revents & (libc::POLLHUP | libc::POLLERR | libc::POLLNVAL) == 0);
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
