//! Progress within an epoch of fine-tuning, since epochs are long.

use faceprobe_core::monitor::{Monitor, Update};
use std::time::{Duration, Instant};

const EVERY: Duration = Duration::from_millis(500);

/// Counts training images over all epochs and reports progress now and then.
pub(super) struct Progress<'a> {
    monitor: &'a dyn Monitor,
    samples: usize,
    epochs: usize,
    done: u64,
    /// When this process started, and the number of images done before.
    begun: Option<(Instant, u64)>,
    told: Instant,
}

impl<'a> Progress<'a> {
    pub(super) fn new(monitor: &'a dyn Monitor, samples: usize) -> Self {
        Self { monitor, samples, epochs: 0, done: 0, begun: None, told: Instant::now() }
    }

    pub(super) fn monitor(&self) -> &'a dyn Monitor {
        self.monitor
    }

    /// Starts epoch `epoch`, counted from 1, of `of`.
    pub(super) fn epoch(&mut self, epoch: usize, of: usize) {
        self.epochs = of;
        self.done = ((epoch - 1) * self.samples) as u64;
        self.begun.get_or_insert_with(|| (Instant::now(), self.done));
    }

    /// Counts further training images.
    pub(super) fn images(&mut self, more: usize) {
        self.done += more as u64;
        let Some((begun, before)) = self.begun else { return };
        if self.told.elapsed() < EVERY {
            return;
        }
        self.told = Instant::now();
        let total = (self.epochs * self.samples) as u64;
        let rate = (self.done - before) as f64 / begun.elapsed().as_secs_f64().max(1e-3);
        let remaining = (rate > 0.0).then(|| total.saturating_sub(self.done) as f64 / rate);
        self.monitor.update(Update::Progress { done: self.done, total, unit: "images".into(), rate, remaining });
    }
}
