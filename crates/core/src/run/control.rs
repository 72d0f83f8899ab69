//! The control socket of a worker: one request line, one reply line.

use super::folder::RunFolder;
use crate::error::{AtPath, Error, Result};
use crate::slurm::{place, submit};
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// The requests of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    Pause,
    Resume,
    Stop,
}

impl Command {
    /// The word in the protocol and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Stop => "stop",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::Pause, Self::Resume, Self::Stop].into_iter().find(|command| command.word() == word)
    }
}

/// The state requested last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestedState {
    GoOn,
    Pause,
    Stop,
}

/// The requested state, shared between the socket's thread and the working threads.
#[derive(Debug)]
pub struct Switch {
    wish: Mutex<RequestedState>,
    changed: Condvar,
}

impl Default for Switch {
    fn default() -> Self {
        Self { wish: Mutex::new(RequestedState::GoOn), changed: Condvar::new() }
    }
}

impl Switch {
    /// The present request.
    pub fn wish(&self) -> RequestedState {
        *self.wish.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the request; a stop is final. Returns true if it changed.
    pub fn set(&self, wish: RequestedState) -> bool {
        let mut held = self.wish.lock().unwrap_or_else(PoisonError::into_inner);
        if *held == RequestedState::Stop || *held == wish {
            return false;
        }
        *held = wish;
        self.changed.notify_all();
        true
    }

    /// Blocks while paused; then returns true if the work should stop.
    pub fn stopped(&self) -> bool {
        let held = self.wish.lock().unwrap_or_else(PoisonError::into_inner);
        let held = self
            .changed
            .wait_while(held, |wish| *wish == RequestedState::Pause)
            .unwrap_or_else(PoisonError::into_inner);
        *held == RequestedState::Stop
    }
}

/// Timeout of either side.
const PATIENCE: Duration = Duration::from_secs(2);

/// Opens the socket of a run for its worker. Only the owner may connect: its mode is 0600.
pub fn listen(run: &RunFolder) -> Result<UnixListener> {
    let path = run.path().join("control.sock");
    let _ = std::fs::remove_file(&path);
    let (_folder, short) = short_path(run.path())?;
    let before = rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o177));
    let bound = UnixListener::bind(&short);
    rustix::process::umask(before);
    bound.at(&path)
}

/// Serves clients until the process ends. `act` executes a request and is called on this thread.
pub fn serve(listener: &UnixListener, act: impl Fn(Command)) {
    for stream in listener.incoming().flatten() {
        let _ = stream.set_read_timeout(Some(PATIENCE));
        let _ = stream.set_write_timeout(Some(PATIENCE));
        let mut line = String::new();
        let mut limited = BufReader::new(std::io::Read::take(&stream, 64));
        let reply = match limited.read_line(&mut line).ok().and_then(|_| Command::parse(line.trim())) {
            Some(command) => {
                act(command);
                "ok\n"
            }
            None => "what? pause, resume or stop\n",
        };
        let _ = (&stream).write_all(reply.as_bytes());
    }
}

/// Sends a request to the worker of a run.
///
/// # Errors
/// If there is no worker or it does not answer.
pub fn send(run: &RunFolder, command: Command) -> Result<()> {
    if place::is_placed(run) && run.is_alive() {
        return match command {
            Command::Pause => submit::pause(run),
            Command::Resume => submit::resume(run),
            Command::Stop => submit::cancel(run),
        };
    }
    match run.worker() {
        None => {
            return Err(Error::failed(format!(
                "Run {} is not working, so there is nothing to {}.",
                run.id(),
                command.word()
            )));
        }
        Some(worker) if !worker.here => return Err(run.held_by(&worker)),
        Some(_) => {}
    }
    let (_folder, short) = short_path(run.path())?;
    let ask = || -> std::io::Result<String> {
        let mut stream = UnixStream::connect(&short)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.write_all(format!("{}\n", command.word()).as_bytes())?;
        let mut reply = String::new();
        BufReader::new(stream).read_line(&mut reply)?;
        Ok(reply)
    };
    match ask() {
        Ok(reply) if reply.trim() == "ok" => Ok(()),
        Ok(reply) => Err(Error::failed(format!("The worker of run {} answered '{}'.", run.id(), reply.trim()))),
        Err(error) => {
            Err(Error::failed(format!("The worker of run {} does not answer ({error}); try again.", run.id())))
        }
    }
}

/// A path to the socket that fits into the 108 bytes of a socket address, however deep the workspace is: through the
/// open folder in /proc/self/fd. The file must stay open while the path is used.
fn short_path(folder: &Path) -> Result<(File, PathBuf)> {
    let open = File::open(folder).at(folder)?;
    let direct = folder.join("control.sock");
    if direct.as_os_str().len() < 100 {
        return Ok((open, direct));
    }
    let through = PathBuf::from(format!("/proc/self/fd/{}/control.sock", open.as_raw_fd()));
    Ok((open, through))
}
