//! Limits how often progress is written to the journal, so that its length does not depend on how often a job reports.

use faceprobe_core::monitor::Update;
use std::collections::HashSet;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::time::{Duration, Instant};

/// The minimum time between two progress events of a phase.
const EVERY: Duration = Duration::from_millis(250);

/// Passes a few progress events per second, always including the newest, and reports each skipped input once per
/// reason, however many passes over the images skip it.
#[derive(Debug, Default)]
pub(super) struct Throttle {
    /// When progress was last written, and when the end of a part was.
    told: Option<Instant>,
    over: Option<Instant>,
    /// The newest update, not yet written.
    held: Option<Update>,
    /// Hashes of the inputs reported.
    named: HashSet<u64>,
}

impl Throttle {
    /// The updates to write when `update` arrives at `now`.
    pub(super) fn pass(&mut self, update: Update, now: Instant) -> Vec<Update> {
        match &update {
            Update::Stage { .. } => {
                // The held update belongs to the previous phase.
                (self.told, self.over, self.held) = (None, None, None);
                vec![update]
            }
            Update::Progress { done, total, .. } => {
                let over = done >= total;
                let last = if over { &mut self.over } else { &mut self.told };
                if last.is_some_and(|last| now.saturating_duration_since(last) < EVERY) {
                    self.held = Some(update);
                    return Vec::new();
                }
                *last = Some(now);
                self.held = None;
                vec![update]
            }
            Update::Skipped { path, reason } => {
                let mut hash = DefaultHasher::new();
                (path, reason).hash(&mut hash);
                if self.named.insert(hash.finish()) { vec![update] } else { Vec::new() }
            }
            Update::Epoch(_) | Update::Trial { .. } | Update::Note { .. } => vec![update],
        }
    }

    /// The held update, to be written before the run pauses or ends.
    pub(super) fn rest(&mut self) -> Option<Update> {
        self.held.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(done: u64, total: u64) -> Update {
        Update::Progress { done, total, unit: "images".into(), rate: 1.0, remaining: None }
    }

    #[test]
    fn a_phase_is_told_a_few_times_a_second_and_its_newest_state_is_never_lost() {
        let (mut throttle, begun) = (Throttle::default(), Instant::now());
        let mut written = 0;
        for done in 0..10_000 {
            written += throttle.pass(progress(done, 20_000), begun + Duration::from_millis(done)).len();
        }
        assert_eq!(written, 40, "four a second for ten seconds");
        assert_eq!(throttle.rest(), Some(progress(9_999, 20_000)));
        assert_eq!(throttle.rest(), None);
        // The end of a phase is written at once, but not a thousand ends a second.
        let at = begun + Duration::from_millis(9_999);
        assert_eq!(throttle.pass(progress(20_000, 20_000), at), [progress(20_000, 20_000)]);
        let ends: usize = (1..1_000).map(|part| throttle.pass(progress(part, part), at).len()).sum();
        assert_eq!(ends, 0);
        // A new phase starts at once and drops the held update.
        let stage = Update::Stage { name: "train".into() };
        assert_eq!(throttle.pass(stage.clone(), at), [stage]);
        assert_eq!(throttle.rest(), None);
        assert_eq!(throttle.pass(progress(0, 5), at), [progress(0, 5)]);
    }

    #[test]
    fn an_input_is_named_once_for_each_reason() {
        let mut throttle = Throttle::default();
        let skipped = |path: &str, reason: &str| Update::Skipped { path: path.into(), reason: reason.into() };
        let mut pass = |path, reason| throttle.pass(skipped(path, reason), Instant::now()).len();
        assert_eq!([pass("a.jpg", "torn"), pass("b.jpg", "torn"), pass("a.jpg", "torn")], [1, 1, 0]);
        assert_eq!(pass("a.jpg", "no face"), 1);
    }
}
