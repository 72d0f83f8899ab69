//! Progress of an extraction: rate and remaining time, reported a few times per second.

use faceprobe_core::monitor::{Monitor, Update};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

const EVERY: Duration = Duration::from_millis(200);
/// The rate is that of the last seconds: a mean since the start would hide changes for long.
const WINDOW: Duration = Duration::from_secs(5);

/// Counts what is done and reports it to the monitor.
pub(super) struct Progress<'a> {
    monitor: &'a dyn Monitor,
    unit: &'static str,
    done: u64,
    total: u64,
    told: Option<Instant>,
    /// When each count was reached; the first entry is at least [`WINDOW`] old once the work is.
    marks: VecDeque<(Instant, u64)>,
}

impl<'a> Progress<'a> {
    /// Starts with `done` of `total` and reports it.
    pub fn new(monitor: &'a dyn Monitor, unit: &'static str, done: usize, total: usize) -> Self {
        let (done, total) = (done as u64, total as u64);
        let mut progress = Self { monitor, unit, done, total, told: None, marks: VecDeque::new() };
        let now = Instant::now();
        progress.marks.push_back((now, done));
        progress.tell(now);
        progress
    }

    /// Counts further items. The last one is always reported.
    pub fn add(&mut self, more: usize) {
        self.done += more as u64;
        let now = Instant::now();
        if self.done >= self.total || self.told.is_none_or(|told| now - told >= EVERY) {
            self.tell(now);
        }
    }

    fn tell(&mut self, now: Instant) {
        self.told = Some(now);
        self.marks.push_back((now, self.done));
        while self.marks.len() > 2 && now - self.marks[1].0 >= WINDOW {
            self.marks.pop_front();
        }
        let (since, before) = self.marks[0];
        let rate = (self.done - before) as f64 / (now - since).as_secs_f64().max(1e-3);
        let remaining = (rate > 0.0).then(|| self.total.saturating_sub(self.done) as f64 / rate);
        let (done, total, unit) = (self.done, self.total, self.unit.to_owned());
        self.monitor.update(Update::Progress { done, total, unit, rate, remaining });
    }
}
