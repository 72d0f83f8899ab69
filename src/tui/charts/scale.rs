//! Positions of values on an axis, and the ticks written along it.

/// An axis from `low` to `high`, plain or logarithmic.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    low: f64,
    high: f64,
    log: bool,
}

/// The smallest value that a logarithmic axis shows.
const LEAST: f64 = 1e-6;

impl Scale {
    /// From `low` to `high`, which are set apart where they are equal; a logarithmic one begins above 0.
    pub fn new(low: f64, high: f64, log: bool) -> Self {
        let low = if log { low.max(LEAST) } else { low };
        let high = if high > low { high } else { low + 1.0 };
        Self { low, high, log }
    }

    /// Around all that is finite of `values`, with some air; shares stay within 0..=1.
    pub fn around(values: impl Iterator<Item = f64>, share: bool, log: bool) -> Self {
        let usable = values.filter(|value| value.is_finite() && (!log || *value > 0.0));
        let (low, high) =
            usable.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        if low > high {
            return Self::new(if log { 0.01 } else { 0.0 }, 1.0, log);
        }
        let (low, high) = if log {
            let air = (high / low).powf(0.08).max(1.02);
            (low / air, high * air)
        } else {
            let air = ((high - low) * 0.08).max(0.002);
            (low - air, high + air)
        };
        let (low, high) = if share { (low.max(0.0), high.min(1.0)) } else { (low, high) };
        Self::new(low, high, log)
    }

    /// The two ends.
    pub fn ends(&self) -> (f64, f64) {
        (self.low, self.high)
    }

    /// The position of `value`: 0 at the low end, 1 at the high one; none outside of the axis or for NaN.
    pub fn place(&self, value: f64) -> Option<f64> {
        let place = match self.log {
            true if value.is_nan() => return None,
            true => (value.max(LEAST) / self.low).ln() / (self.high / self.low).ln(),
            false => (value - self.low) / (self.high - self.low),
        };
        (-1e-9..=1.0 + 1e-9).contains(&place).then(|| place.clamp(0.0, 1.0))
    }

    /// The value at a position.
    pub fn value(&self, place: f64) -> f64 {
        match self.log {
            true => self.low * (self.high / self.low).powf(place),
            false => self.low + (self.high - self.low) * place,
        }
    }

    /// At most `most` round values within the axis, rising; with `whole`, none between whole numbers.
    pub fn ticks(&self, most: usize, whole: bool) -> Vec<f64> {
        let most = most.max(1);
        if self.log && self.high / self.low >= 3.0 {
            for steps in [&[1.0, 2.0, 5.0][..], &[1.0, 3.0], &[1.0]] {
                let ticks = self.powers(steps, 1, whole);
                if ticks.len() <= most {
                    return ticks;
                }
            }
            // Only every second, third … power of ten, until they are few enough.
            let sparse = (2..100).map(|every| self.powers(&[1.0], every, whole));
            return sparse.into_iter().find(|ticks| ticks.len() <= most).unwrap_or_default();
        }
        let raw = (self.high - self.low) / most as f64;
        let ten = 10f64.powf(raw.max(1e-12).log10().floor());
        // The first of the round steps that makes few enough.
        let step = [1.0, 2.0, 2.5, 5.0, 10.0, 20.0, 25.0, 50.0]
            .into_iter()
            .map(|times| times * ten)
            .filter(|step| !whole || (*step >= 1.0 && step.fract() == 0.0))
            .find(|step| self.multiples(*step).len() <= most);
        self.multiples(step.unwrap_or(if whole { raw.ceil().max(1.0) } else { raw }))
    }

    fn multiples(&self, step: f64) -> Vec<f64> {
        let first = (self.low / step - 1e-9).ceil() as i64;
        let last = (self.high / step + 1e-9).floor() as i64;
        // Nobody asks for more than a line has columns.
        (first..=last.min(first + 1000)).map(|at| at as f64 * step).collect()
    }

    fn powers(&self, steps: &[f64], every: i32, whole: bool) -> Vec<f64> {
        let (first, last) = (self.low.log10().floor() as i32, self.high.log10().ceil() as i32);
        (first..=last)
            .filter(|decade| decade.rem_euclid(every) == 0)
            .flat_map(|decade| steps.iter().map(move |step| step * 10f64.powi(decade)))
            .filter(|value| *value >= self.low * (1.0 - 1e-9) && *value <= self.high * (1.0 + 1e-9))
            .filter(|value| !whole || *value >= 1.0)
            .collect()
    }
}

/// As many decimals as it takes to tell `ticks` apart.
pub fn places(ticks: &[f64]) -> usize {
    let gap = ticks.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(f64::INFINITY, f64::min);
    let exact = |places: usize| {
        let unit = 10f64.powi(places as i32);
        ticks.iter().all(|tick| ((tick * unit).round() / unit - tick).abs() < gap.min(1.0) * 0.01)
    };
    (0..6).find(|places| exact(*places)).unwrap_or(6)
}

#[cfg(test)]
mod tests {
    use super::{Scale, places};

    #[test]
    fn shares_end_at_one_and_round_values_are_written() {
        let scale = Scale::around([0.62, 0.999].into_iter(), true, false);
        assert_eq!(scale.ends().1, 1.0);
        assert_eq!(scale.ticks(5, false), [0.6, 0.7, 0.8, 0.9, 1.0].map(|at| (at * 10.0f64).round() * 0.1));
        assert_eq!(places(&scale.ticks(5, false)), 1);
        assert_eq!(places(&[0.25, 0.5]), 2);
        // An axis without values is still an axis.
        assert_eq!(Scale::around([f64::NAN].into_iter(), true, false).ends(), (0.0, 1.0));
    }

    #[test]
    fn a_place_and_its_value_are_each_others_inverse() {
        for scale in [Scale::new(1.0, 60.0, false), Scale::new(1.0, 60.0, true), Scale::new(0.0, 7.0, true)] {
            for at in 0..=20 {
                let place = f64::from(at) / 20.0;
                assert!((scale.place(scale.value(place)).unwrap() - place).abs() < 1e-9);
            }
            assert_eq!(scale.place(scale.ends().1 * 1.5), None);
            assert_eq!(scale.place(f64::NAN), None);
        }
    }

    #[test]
    fn ticks_are_few_round_rising_and_inside() {
        for (low, high) in [(1.0, 100.0), (1.0, 3.0), (0.0, 1.0), (17.0, 17.2), (0.003, 4500.0), (1.0, 1e6)] {
            for log in [false, true] {
                for most in 1..9 {
                    let scale = Scale::new(low, high, log);
                    let ticks = scale.ticks(most, false);
                    assert!(ticks.len() <= most.max(1), "{low} {high} {log} {most}: {ticks:?}");
                    assert!(ticks.windows(2).all(|pair| pair[0] < pair[1]), "{ticks:?}");
                    assert!(ticks.iter().all(|tick| scale.place(*tick).is_some()), "{low} {high} {ticks:?}");
                }
            }
        }
        assert_eq!(Scale::new(1.0, 100.0, false).ticks(5, true), [20.0, 40.0, 60.0, 80.0, 100.0]);
        assert_eq!(Scale::new(1.0, 3.0, false).ticks(9, true), [1.0, 2.0, 3.0]);
        assert_eq!(Scale::new(1.0, 120.0, true).ticks(9, true), [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0]);
    }
}
