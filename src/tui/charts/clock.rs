//! The x axis of curves: epochs, optimizer steps, or training time.

use serde::{Deserialize, Serialize};

/// The unit along x.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum XAxis {
    #[default]
    Epochs,
    Steps,
    Time,
}

impl XAxis {
    /// The next unit, around the end.
    pub fn next(self) -> Self {
        match self {
            Self::Epochs => Self::Steps,
            Self::Steps => Self::Time,
            Self::Time => Self::Epochs,
        }
    }

    /// The title of the axis.
    pub fn name(self) -> &'static str {
        match self {
            Self::Epochs => "epoch",
            Self::Steps => "step",
            Self::Time => "time",
        }
    }

    /// Whether only whole numbers occur.
    pub fn whole(self) -> bool {
        self != Self::Time
    }

    /// A value as the axis writes it.
    pub fn text(self, value: f64) -> String {
        match self {
            Self::Epochs | Self::Steps if value >= 1e6 => format!("{:.1}M", value / 1e6),
            Self::Steps if value >= 1e4 => format!("{:.0}k", value / 1e3),
            Self::Epochs | Self::Steps => format!("{value:.0}"),
            Self::Time => match value {
                _ if value < 10.0 && value.fract() != 0.0 => format!("{value:.1}s"),
                _ if value < 60.0 => format!("{value:.0}s"),
                _ if value < 3600.0 => format!("{}m{:02}", value as u64 / 60, value as u64 % 60),
                _ => format!("{}h{:02}", value as u64 / 3600, value as u64 % 3600 / 60),
            },
        }
    }
}

/// Positions of one run's epochs along x.
#[derive(Debug, Clone, PartialEq)]
pub struct Clock {
    /// Epoch and the x where it ends, rising.
    ends: Vec<(usize, f64)>,
    /// The width of an epoch that was not trained yet.
    each: f64,
}

impl Clock {
    /// Of a run whose epochs took so many `seconds`; `steps` is how many an epoch has, where that is known. None where
    /// it is not and is asked for.
    pub fn of(along: XAxis, seconds: &[(usize, f64)], steps: Option<usize>) -> Option<Self> {
        let each = match along {
            XAxis::Epochs => 1.0,
            XAxis::Steps => steps? as f64,
            XAxis::Time => {
                let recent = &seconds[seconds.len().saturating_sub(5)..];
                recent.iter().map(|(_, seconds)| seconds).sum::<f64>() / recent.len().max(1) as f64
            }
        };
        let mut total = 0.0;
        let end = |&(epoch, seconds): &(usize, f64)| {
            total += seconds.max(0.0);
            (epoch, if along == XAxis::Time { total } else { epoch as f64 * each })
        };
        Some(Self { ends: seconds.iter().map(end).collect(), each })
    }

    /// The x where an epoch ends; of one that was not trained yet, an estimate from the pace so far.
    pub fn x(&self, epoch: usize) -> f64 {
        let at = self.ends.partition_point(|(known, _)| *known < epoch);
        match (self.ends.get(at), self.ends.last()) {
            (Some((_, x)), _) => *x,
            (None, Some((last, x))) => x + (epoch - last) as f64 * self.each,
            (None, None) => epoch as f64 * self.each,
        }
    }

    /// The epoch that ends closest to `x`.
    pub fn epoch(&self, x: f64) -> usize {
        match self.ends.last() {
            Some((last, end)) if x > *end && self.each > 0.0 => last + ((x - end) / self.each).round() as usize,
            Some(_) => {
                let closest = self.ends.iter().min_by(|a, b| (a.1 - x).abs().total_cmp(&(b.1 - x).abs()));
                closest.map_or(1, |(epoch, _)| *epoch)
            }
            None => (x / self.each.max(1e-9)).round().max(1.0) as usize,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Clock, XAxis};

    #[test]
    fn epochs_lie_where_steps_and_time_say_and_back() {
        let seconds: Vec<(usize, f64)> = (1..=6).map(|epoch| (epoch, if epoch == 1 { 5.0 } else { 2.0 })).collect();
        let time = Clock::of(XAxis::Time, &seconds, None).unwrap();
        assert_eq!((time.x(1), time.x(3), time.x(6)), (5.0, 9.0, 15.0));
        // Epochs to come are taken to last as long as the latest ones.
        assert_eq!((time.x(10), time.epoch(23.0)), (23.0, 10));
        assert_eq!(Clock::of(XAxis::Steps, &seconds, None), None);
        let steps = Clock::of(XAxis::Steps, &seconds, Some(47)).unwrap();
        assert_eq!((steps.x(2), steps.epoch(95.0)), (94.0, 2));
        for along in [XAxis::Epochs, XAxis::Steps, XAxis::Time] {
            let clock = Clock::of(along, &seconds, Some(9)).unwrap();
            assert!((1..20).all(|epoch| clock.epoch(clock.x(epoch)) == epoch), "{along:?}");
        }
    }

    #[test]
    fn values_along_x_are_short() {
        let texts = [(XAxis::Steps, 47.0), (XAxis::Steps, 12_400.0), (XAxis::Time, 0.5), (XAxis::Time, 75.0)];
        let texts: Vec<String> = texts.into_iter().map(|(along, value)| along.text(value)).collect();
        assert_eq!(texts, ["47", "12k", "0.5s", "1m15"]);
    }
}
