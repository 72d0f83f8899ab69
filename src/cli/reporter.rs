//! Progress of work done by this process.

use super::bar::Bar;
use super::output::{bytes, duration};
use faceprobe_core::error::{Error, Result};
use faceprobe_core::monitor::{Monitor, Update};
use faceprobe_core::text::line;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Without a terminal, the minimum interval of progress lines.
const QUIET_FOR: Duration = Duration::from_secs(5);

/// Reports on standard error; Ctrl-C stops at the next safe point.
pub(crate) struct Reporter {
    bar: Bar,
    spoke: Mutex<Instant>,
    interrupted: Arc<AtomicBool>,
}

impl Reporter {
    pub(crate) fn new(quiet: bool) -> Result<Self> {
        let interrupted = Arc::new(AtomicBool::new(false));
        for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
            signal_hook::flag::register(signal, Arc::clone(&interrupted))
                .map_err(|error| Error::failed(format!("Signals cannot be handled ({error}).")))?;
        }
        let bar = Bar::new("{wide_bar} {msg}", quiet);
        Ok(Self { bar, spoke: Mutex::new(Instant::now()), interrupted })
    }

    /// Prints a line between progress lines.
    pub(crate) fn say(&self, text: &str) {
        self.bar.say(text);
    }

    fn tell(&self, done: u64, total: u64, unit: &str, rate: f64, remaining: Option<f64>) {
        let left = remaining.map(|seconds| format!(", {} left", duration(seconds))).unwrap_or_default();
        let line = if unit == "bytes" {
            let of = if total > 0 { format!(" of {}", bytes(total)) } else { String::new() };
            format!("{}{of}, {}/s{left}", bytes(done), bytes(rate as u64))
        } else {
            format!("{done} of {total} {unit}{left}")
        };
        if self.bar.show((done, total), &line, "") {
            return;
        }
        let mut spoke = self.spoke.lock().unwrap_or_else(PoisonError::into_inner);
        if spoke.elapsed() >= QUIET_FOR {
            *spoke = Instant::now();
            self.say(&format!("  {line}"));
        }
    }
}

impl Monitor for Reporter {
    fn update(&self, update: Update) {
        match update {
            Update::Note { text } => self.say(&line(&text)),
            Update::Progress { done, total, unit, rate, remaining } => self.tell(done, total, &unit, rate, remaining),
            _ => {}
        }
    }

    fn stopped(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }
}

impl Drop for Reporter {
    fn drop(&mut self) {
        self.bar.finish();
    }
}
