//! Learning-rate schedules.

use faceprobe_settings::text_value;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A learning-rate schedule: a linear warm-up, then a course.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Schedule {
    #[serde(default)]
    pub course: RateCourse,
    /// Warm-up epochs, in which the rate rises linearly, batch by batch.
    #[serde(default)]
    pub warmup: usize,
}

/// The learning rate after the warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "lowercase")]
pub enum RateCourse {
    #[default]
    Constant,
    /// Cosine decay from the full rate to zero at the last batch of the last planned epoch (Loshchilov and Hutter,
    /// 2017, without restarts).
    Cosine,
    /// Multiplied by `factor` every `every` epochs.
    Step { every: usize, factor: f64 },
}

impl Schedule {
    /// The fraction of the full rate for the batch after `done` batches, with `batches` per epoch.
    pub fn share(&self, done: usize, batches: usize, epochs: usize) -> f64 {
        let warmup = self.warmup * batches;
        if done < warmup {
            return (done + 1) as f64 / warmup as f64;
        }
        match self.course {
            RateCourse::Constant => 1.0,
            RateCourse::Cosine => {
                let all = (epochs * batches).saturating_sub(warmup).max(1);
                0.5 * (1.0 + (std::f64::consts::PI * (done - warmup) as f64 / all as f64).cos())
            }
            RateCourse::Step { every, factor } => {
                let times = done / batches.max(1) / every.max(1);
                factor.powi(i32::try_from(times).unwrap_or(i32::MAX))
            }
        }
    }
}

impl fmt::Display for RateCourse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant => f.write_str("constant"),
            Self::Cosine => f.write_str("cosine"),
            Self::Step { every, factor } => write!(f, "step:{every}:{factor}"),
        }
    }
}

impl FromStr for RateCourse {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("'{text}' is no schedule; take constant, cosine, or step:EPOCHS:FACTOR such as step:20:0.5");
        match text.split(':').collect::<Vec<_>>().as_slice() {
            ["constant"] => Ok(Self::Constant),
            ["cosine"] => Ok(Self::Cosine),
            ["step", every, factor] => {
                let every = every.parse().ok().filter(|every| (1..=1_000_000).contains(every)).ok_or_else(wrong)?;
                let factor = factor.parse().ok().filter(|factor| *factor > 0.0 && *factor <= 1.0).ok_or_else(wrong)?;
                Ok(Self::Step { every, factor })
            }
            _ => Err(wrong()),
        }
    }
}

text_value!(
    RateCourse,
    "constant|cosine|step:EPOCHS:FACTOR",
    "constant, cosine, or step:EPOCHS:FACTOR such as step:20:0.5",
    ["constant", "cosine", "step:20:0.5"]
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_follows_its_course() {
        let share = |schedule: Schedule, done| schedule.share(done, 10, 20);
        assert_eq!(share(Schedule::default(), 57), 1.0);
        let cosine = Schedule { course: RateCourse::Cosine, warmup: 2 };
        assert_eq!((share(cosine, 0), share(cosine, 19), share(cosine, 20)), (0.05, 1.0, 1.0));
        assert!((share(cosine, 110) - 0.5).abs() < 1e-12);
        assert!(share(cosine, 199) < 1e-4);
        let step = Schedule { course: RateCourse::Step { every: 5, factor: 0.1 }, warmup: 0 };
        assert_eq!((share(step, 49), share(step, 50)), (1.0, 0.1));
    }
}
