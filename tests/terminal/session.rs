//! The program in a pseudo-terminal, its output drawn into a screen that tests read.

use portable_pty::{Child, CommandBuilder, PtyPair, PtySize, native_pty_system};
use std::io::{Read, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The program on a terminal of its own, its output drawn into a screen that can be read.
pub struct Session {
    pair: PtyPair,
    pub child: Box<dyn Child + Send + Sync>,
    input: Box<dyn Write + Send>,
    screen: Arc<Mutex<vt100::Parser>>,
    /// How many bytes were written.
    pub bytes: Arc<Mutex<usize>>,
    /// All that was written, as it came.
    pub raw: Arc<Mutex<Vec<u8>>>,
}

impl Session {
    pub fn start(workspace: &Path, args: &[&str], environment: &[(&str, &str)], columns: u16, rows: u16) -> Self {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a pseudo-terminal");
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_faceprobe"));
        command.arg("--workspace");
        command.arg(workspace);
        command.args(args);
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        command.env_remove("NO_COLOR");
        for (name, value) in environment {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).expect("the binary starts");
        let mut output = pair.master.try_clone_reader().expect("its output");
        let input = pair.master.take_writer().expect("its input");
        let screen = Arc::new(Mutex::new(vt100::Parser::new(rows, columns, 0)));
        let bytes = Arc::new(Mutex::new(0));
        let raw = Arc::new(Mutex::new(Vec::new()));
        let written = Arc::clone(&raw);
        let (drawn, count) = (Arc::clone(&screen), Arc::clone(&bytes));
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = output.read(&mut buffer) {
                drawn.lock().unwrap_or_else(PoisonError::into_inner).process(&buffer[..length]);
                *count.lock().unwrap_or_else(PoisonError::into_inner) += length;
                written.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&buffer[..length]);
            }
        });
        Self { pair, child, input, screen, bytes, raw }
    }

    pub fn text(&self) -> String {
        self.screen.lock().unwrap_or_else(PoisonError::into_inner).screen().contents()
    }

    pub fn in_full_screen(&self) -> bool {
        self.screen.lock().unwrap_or_else(PoisonError::into_inner).screen().alternate_screen()
    }

    pub fn keys(&mut self, keys: &str) {
        self.input.write_all(keys.as_bytes()).and_then(|()| self.input.flush()).expect("keys are taken");
    }

    /// Waits until the screen shows a text; the limit is generous, since other tests use the processors too.
    pub fn shows(&self, text: &str) {
        self.until(text, |screen| screen.contains(text));
    }

    pub fn until(&self, what: &str, so: impl Fn(&str) -> bool) {
        let begun = Instant::now();
        while !so(&self.text()) {
            assert!(begun.elapsed() < Duration::from_secs(120), "no '{what}' on the screen:\n{}", self.text());
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    pub fn resize(&self, columns: u16, rows: u16) {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        self.pair.master.resize(size).expect("the terminal takes a size");
        self.screen.lock().unwrap_or_else(PoisonError::into_inner).screen_mut().set_size(rows, columns);
    }

    pub fn ends(&mut self) -> portable_pty::ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("the child can be waited for") {
                return status;
            }
            assert!(begun.elapsed() < Duration::from_secs(20), "it does not end:\n{}", self.text());
            std::thread::sleep(Duration::from_millis(30));
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}
