//! How the learning rate changes while a model learns.

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// A learning-rate schedule: a warm-up, then a course.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Schedule {
    #[serde(default)]
    pub course: RateCourse,
    /// Epochs in which the rate rises in equal steps, batch by batch, to its full value.
    #[serde(default)]
    pub warmup: usize,
}

/// What the learning rate does after the warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "lowercase")]
pub enum RateCourse {
    #[default]
    Constant,
    /// Half a cosine from the full rate to nothing at the last batch of the last planned epoch (Loshchilov and Hutter,
    /// 2017, without restarts).
    Cosine,
    /// Multiplied by `factor` after every `every` epochs.
    Step { every: usize, factor: f64 },
}

impl Schedule {
    /// The share of the full rate for the batch that comes after `done` batches, of `batches` per epoch.
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

    /// `, cosine, warm-up 3` and the like; nothing for a constant rate.
    pub fn describe(&self) -> String {
        let course = match self.course {
            RateCourse::Constant => String::new(),
            RateCourse::Cosine => ", cosine".to_owned(),
            RateCourse::Step { every, factor } => format!(", step {every} x {factor}"),
        };
        if self.warmup > 0 { format!("{course}, warm-up {}", self.warmup) } else { course }
    }

    /// Refuses values that cannot be trained with, naming the option.
    pub fn check(&self) -> Result<()> {
        if let RateCourse::Step { every, factor } = self.course
            && (every == 0 || !(factor.is_finite() && factor > 0.0 && factor <= 1.0))
        {
            return Err(Error::usage(
                "--schedule step:EPOCHS:FACTOR needs whole epochs and a factor above 0, at most 1",
            ));
        }
        Ok(())
    }
}

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
