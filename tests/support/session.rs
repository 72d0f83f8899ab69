//! The program in a pseudo-terminal, for end-to-end tests.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The program on a terminal of its own, its output drawn into a screen that can be read.
pub struct Session {
    pub child: Child,
    master: Option<File>,
    screen: Arc<Mutex<vt100::Parser>>,
    enough: Arc<AtomicBool>,
    reader: Option<JoinHandle<()>>,
}

fn size(columns: u16, rows: u16) -> libc::winsize {
    libc::winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }
}

impl Session {
    /// Starts the program on a workspace.
    pub fn start(workspace: &Path, args: &[&str], columns: u16, rows: u16) -> Self {
        Self::start_with(workspace, args, &[], columns, rows)
    }

    /// The same, in this environment.
    pub fn start_with(workspace: &Path, args: &[&str], environment: &[(&str, &Path)], columns: u16, rows: u16) -> Self {
        let (mut master, mut slave) = (0, 0);
        let size = size(columns, rows);
        // SAFETY: both places are valid for a descriptor each, the size is a valid one, the name is not wanted.
        let opened = unsafe {
            libc::openpty(&raw mut master, &raw mut slave, std::ptr::null_mut(), std::ptr::null(), &raw const size)
        };
        assert_eq!(opened, 0, "a pseudo-terminal");
        // SAFETY: openpty has just opened both, and nothing else owns them.
        let (master, slave) = unsafe { (File::from_raw_fd(master), OwnedFd::from_raw_fd(slave)) };
        let mut command = Command::new(env!("CARGO_BIN_EXE_faceprobe"));
        command.arg("--workspace").arg(workspace).args(args);
        command.env("TERM", "xterm-256color").env("LANG", "C.UTF-8").env_remove("NO_COLOR");
        command.envs(environment.iter().copied());
        for hint in ["TERM_PROGRAM", "LC_TERMINAL", "TMUX"] {
            command.env_remove(hint);
        }
        let clone = || Stdio::from(slave.try_clone().expect("a descriptor"));
        command.stdin(clone()).stdout(clone()).stderr(clone());
        let inherited = master.as_raw_fd();
        // SAFETY: only calls that are allowed between fork and exec: the child gets a session whose terminal this is,
        // and does not keep the other end of it open.
        unsafe {
            command.pre_exec(move || {
                libc::close(inherited);
                libc::setsid();
                match libc::ioctl(0, libc::TIOCSCTTY, 0) {
                    0 => Ok(()),
                    _ => Err(std::io::Error::last_os_error()),
                }
            });
        }
        let child = command.spawn().expect("the binary starts");
        drop(slave);
        let screen = Arc::new(Mutex::new(vt100::Parser::new(rows, columns, 0)));
        let enough = Arc::new(AtomicBool::new(false));
        let mut output = master.try_clone().expect("a descriptor");
        let (drawn, end) = (Arc::clone(&screen), Arc::clone(&enough));
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 1 << 16];
            while !end.load(Ordering::Relaxed) {
                let mut poll = libc::pollfd { fd: output.as_raw_fd(), events: libc::POLLIN, revents: 0 };
                // SAFETY: one valid pollfd for the whole call.
                if unsafe { libc::poll(&raw mut poll, 1, 20) } <= 0 {
                    continue;
                }
                let Ok(length @ 1..) = output.read(&mut buffer) else { return };
                drawn.lock().unwrap_or_else(PoisonError::into_inner).process(&buffer[..length]);
            }
        });
        Self { child, master: Some(master), screen, enough, reader: Some(reader) }
    }

    pub fn text(&self) -> String {
        self.screen.lock().unwrap_or_else(PoisonError::into_inner).screen().contents()
    }

    pub fn in_full_screen(&self) -> bool {
        self.screen.lock().unwrap_or_else(PoisonError::into_inner).screen().alternate_screen()
    }

    pub fn pid(&self) -> i32 {
        self.child.id() as i32
    }

    pub fn keys(&mut self, keys: &str) {
        self.master.as_mut().expect("a terminal").write_all(keys.as_bytes()).expect("keys are taken");
    }

    /// Presses a key that the screen names beside `label`.
    pub fn named(&mut self, key: &str, label: &str) {
        self.shows(&format!("{} {label}", if key == "\r" { "Enter" } else { key }));
        self.keys(key);
    }

    /// Pastes as terminals do when they are asked to.
    pub fn paste(&mut self, text: &str) {
        self.keys(&format!("\u{1b}[200~{text}\u{1b}[201~"));
    }

    /// Waits until the screen shows a text; the limit is generous, since other tests use the processors too.
    pub fn shows(&self, text: &str) {
        self.until(text, |screen| screen.contains(text));
    }

    pub fn until(&self, what: &str, so: impl Fn(&str) -> bool) {
        let begun = Instant::now();
        while !so(&self.text()) {
            assert!(begun.elapsed() < Duration::from_secs(120), "no '{what}' on the screen:\n{}", self.text());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn resize(&self, columns: u16, rows: u16) {
        let size = size(columns, rows);
        let terminal = self.master.as_ref().expect("a terminal").as_raw_fd();
        // SAFETY: the descriptor is open and the size is valid for the whole call.
        assert_eq!(unsafe { libc::ioctl(terminal, libc::TIOCSWINSZ, &raw const size) }, 0);
        self.screen.lock().unwrap_or_else(PoisonError::into_inner).screen_mut().set_size(rows, columns);
    }

    pub fn signal(&self, signal: i32) {
        kill(self.pid(), signal);
    }

    /// The line drops: nobody holds the other end of the terminal any more.
    pub fn hang_up(&mut self) {
        self.enough.store(true, Ordering::Relaxed);
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
        self.master = None;
    }

    pub fn ends(&mut self) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("the child can be waited for") {
                return status;
            }
            assert!(begun.elapsed() < Duration::from_secs(20), "it does not end:\n{}", self.text());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends by a signal, or with the code a shell gives for it.
    pub fn ends_by(&mut self, signal: i32) {
        let status = self.ends();
        assert!(status.signal() == Some(signal) || status.code() == Some(128 + signal), "{status:?}");
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.enough.store(true, Ordering::Relaxed);
    }
}

/// Sends a signal to a process.
pub fn kill(pid: i32, signal: i32) {
    // SAFETY: a call without memory.
    assert_eq!(unsafe { libc::kill(pid, signal) }, 0, "signal {signal} to {pid}");
}

/// Waits for something outside the screen.
pub fn eventually(what: &str, so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < Duration::from_secs(60), "not so: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
