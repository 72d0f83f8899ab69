//! The heartbeat of a task. Clocks of other machines may be minutes apart, so a beat is no time but a number that grows:
//! whoever looks twice and sees it grow knows that the task lives.

use super::plan::Plan;
use crate::error::{AtPath, Result};
use crate::own_files;
use crate::workspace::write_whole;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Interval of the heartbeat.
pub const EVERY: Duration = Duration::from_secs(5);

/// A heartbeat that has not changed for so long is considered dead.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// The last heartbeat of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beat {
    /// Identifies this attempt at the task.
    pub attempt: String,
    pub beat: u64,
    /// The machine's name.
    pub node: String,
    /// The number of restarts by the scheduler.
    pub restarts: u32,
    /// The scheduler's id of the task, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
}

impl Beat {
    /// Reads the last heartbeat.
    pub fn load(plan: &Plan, task: usize) -> Option<Self> {
        serde_json::from_slice(&own_files::read(&path(plan, task)).ok()?).ok()
    }

    /// Writes a heartbeat.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn save(&self, plan: &Plan, task: usize) -> Result<()> {
        let path = path(plan, task);
        write_whole(&path, &serde_json::to_vec(self).at(&path)?)
    }
}

fn path(plan: &Plan, task: usize) -> PathBuf {
    plan.folder().join("beats").join(format!("{task}.json"))
}

/// Observes the heartbeat of a task over time.
#[derive(Debug, Default)]
pub struct Watch {
    last: Option<(Beat, Instant)>,
}

impl Watch {
    /// Whether a task of which nobody else tells may still live, by what was seen of it. A beat that does not change any more,
    /// by the clock of this machine, speaks against it; that there is none does not, for the task may be waiting.
    pub fn lives(&mut self, beat: Option<Beat>, now: Instant) -> bool {
        let Some(beat) = beat else { return true };
        match &self.last {
            Some((known, since)) if *known == beat => now.saturating_duration_since(*since) < PATIENCE,
            _ => {
                self.last = Some((beat, now));
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_lives_as_long_as_its_beat_is_seen_to_change() {
        let beat = |attempt: &str, beat| {
            Some(Beat { attempt: attempt.into(), beat, node: "n1".into(), restarts: 0, job: None })
        };
        let (mut watch, start) = (Watch::default(), Instant::now());
        let mut at = |seconds, beat| watch.lives(beat, start + Duration::from_secs(seconds));
        assert!(at(0, None), "it may wait");
        assert!(at(0, beat("a", 7)), "one look tells nothing");
        assert!(at(89, beat("a", 7)) && !at(90, beat("a", 7)));
        assert!(
            at(91, beat("a", 8)) && at(100, beat("b", 8)) && at(189, beat("b", 8)),
            "another attempt is a sign too"
        );
        assert!(!at(190, beat("b", 8)));
    }
}
