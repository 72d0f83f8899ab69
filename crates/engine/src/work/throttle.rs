//! What of the work's reports goes into the journal: its length must not depend on how often the work speaks.

use faceprobe_core::monitor::Update;
use std::collections::HashSet;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::time::{Duration, Instant};

/// Between two words on how far a phase is, at least.
const EVERY: Duration = Duration::from_millis(250);

/// Lets a few words a second pass on how far a phase is, the newest last, and names each input that is left out once,
/// however many passes over the images meet it.
#[derive(Debug, Default)]
pub(super) struct Thinning {
    /// When it was last told how far the phase is, and when that a part of it is over.
    told: Option<Instant>,
    over: Option<Instant>,
    /// Newer than what was told.
    held: Option<Update>,
    /// Hashes of the inputs named.
    named: HashSet<u64>,
}

impl Thinning {
    /// What is to be written now that `update` has come at `now`.
    pub(super) fn pass(&mut self, update: Update, now: Instant) -> Vec<Update> {
        match &update {
            Update::Stage { .. } => {
                // What is held is of the phase before.
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

    /// What was held back, before the run pauses or ends.
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
        let (mut thinning, begun) = (Thinning::default(), Instant::now());
        let mut written = 0;
        for done in 0..10_000 {
            written += thinning.pass(progress(done, 20_000), begun + Duration::from_millis(done)).len();
        }
        assert_eq!(written, 40, "four a second for ten seconds");
        assert_eq!(thinning.rest(), Some(progress(9_999, 20_000)));
        assert_eq!(thinning.rest(), None);
        // The end of a phase is told at once, but not a thousand ends a second.
        let at = begun + Duration::from_millis(9_999);
        assert_eq!(thinning.pass(progress(20_000, 20_000), at), [progress(20_000, 20_000)]);
        let ends: usize = (1..1_000).map(|part| thinning.pass(progress(part, part), at).len()).sum();
        assert_eq!(ends, 0);
        // A new phase begins at once, without what was left of the one before.
        let stage = Update::Stage { name: "train".into() };
        assert_eq!(thinning.pass(stage.clone(), at), [stage]);
        assert_eq!(thinning.rest(), None);
        assert_eq!(thinning.pass(progress(0, 5), at), [progress(0, 5)]);
    }

    #[test]
    fn an_input_is_named_once_for_each_reason() {
        let mut thinning = Thinning::default();
        let skipped = |path: &str, reason: &str| Update::Skipped { path: path.into(), reason: reason.into() };
        let mut pass = |path, reason| thinning.pass(skipped(path, reason), Instant::now()).len();
        assert_eq!([pass("a.jpg", "torn"), pass("b.jpg", "torn"), pass("a.jpg", "torn")], [1, 1, 0]);
        assert_eq!(pass("a.jpg", "no face"), 1);
    }
}
