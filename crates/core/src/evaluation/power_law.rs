//! Power-law fit of a learning curve: `error = floor + scale * images ^ -exponent`, the form that learning curves are
//! found to have (Hestness et al., 2017; Rosenfeld et al., 2020), with its uncertainty.

use super::bootstrap::quantile;
use super::interval::Interval;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// Minimum number of sizes to fit three parameters.
pub const FEWEST_SIZES: usize = 3;

/// Number of resamples for the band.
const DRAWS: usize = 1000;

/// The exponents of the grid search: 0.02 to 2.
const EXPONENTS: std::ops::RangeInclusive<u32> = 1..=100;
const STEP: f64 = 0.02;

/// The errors at one number of training images.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    pub images: usize,
    /// One per seed, in 0..=1, all evaluated on the same images.
    pub errors: Vec<f64>,
}

/// A fitted curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PowerLaw {
    /// The asymptotic error; not below 0.
    pub floor: f64,
    /// Not below 0.
    pub scale: f64,
    pub exponent: f64,
}

/// The prediction of a fitted curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Expected {
    pub images: usize,
    pub accuracy: f64,
    /// 95 % of the curves fitted to resampled errors.
    pub interval: Interval,
}

impl PowerLaw {
    /// The weighted least-squares fit; the weights are the precisions of the means, from their seeds and from the
    /// number of `validated` images. None with fewer than [`FEWEST_SIZES`] different sizes.
    pub fn fit(measured: &[Measured], validated: usize) -> Option<Self> {
        let points: Vec<Point> = measured.iter().filter_map(|at| Point::of(at, validated)).collect();
        let mut sizes: Vec<usize> = measured.iter().map(|at| at.images).collect();
        sizes.sort_unstable();
        sizes.dedup();
        (sizes.len() >= FEWEST_SIZES && points.len() == measured.len()).then(|| fitted(&points))
    }

    /// The predicted error at a number of images.
    pub fn error(&self, images: usize) -> f64 {
        self.floor + self.scale * (images as f64).powf(-self.exponent)
    }

    /// The predicted accuracy at a number of images, with a band from curves fitted to resampled errors: seeds are
    /// resampled, and validation noise is added. The band cannot account for a change in the shape of the curve.
    pub fn expected(measured: &[Measured], validated: usize, images: usize) -> Option<Expected> {
        let law = Self::fit(measured, validated)?;
        let mut draw = ChaCha8Rng::seed_from_u64(1);
        let mut accuracies: Vec<f64> = (0..DRAWS)
            .map(|_| {
                let again = measured.iter().filter_map(|at| {
                    Some(Point { error: redrawn(at, validated, &mut draw), ..Point::of(at, validated)? })
                });
                (1.0 - fitted(&again.collect::<Vec<_>>()).error(images)).clamp(0.0, 1.0)
            })
            .collect();
        accuracies.sort_unstable_by(f64::total_cmp);
        let interval = Interval { low: quantile(&accuracies, 0.025)?, high: quantile(&accuracies, 0.975)? };
        Some(Expected { images, accuracy: (1.0 - law.error(images)).clamp(0.0, 1.0), interval })
    }
}

/// The mean error at a size.
#[derive(Debug, Clone, Copy)]
struct Point {
    images: f64,
    error: f64,
    weight: f64,
}

impl Point {
    fn of(measured: &Measured, validated: usize) -> Option<Self> {
        let count = measured.errors.len() as f64;
        if measured.errors.is_empty() || validated == 0 || measured.images == 0 {
            return None;
        }
        let error = measured.errors.iter().sum::<f64>() / count;
        let squares: f64 = measured.errors.iter().map(|own| (own - error).powi(2)).sum();
        let of_seeds = if count > 1.0 { squares / (count - 1.0) / count } else { 0.0 };
        Some(Self { images: measured.images as f64, error, weight: 1.0 / (of_seeds + chance(error, validated)) })
    }
}

/// The sampling variance of an error on the validation images; never 0, as if half an image were wrong.
fn chance(error: f64, validated: usize) -> f64 {
    let validated = validated as f64;
    let share = error.clamp(0.5 / validated, 1.0 - 0.5 / validated);
    share * (1.0 - share) / validated
}

/// A resampled mean error.
fn redrawn(measured: &Measured, validated: usize, draw: &mut ChaCha8Rng) -> f64 {
    let count = measured.errors.len();
    let seeds: f64 = (0..count).map(|_| measured.errors[draw.random_range(0..count)]).sum();
    let mean = seeds / count as f64;
    // Box and Muller (1958).
    let (one, other): (f64, f64) = (1.0 - draw.random::<f64>(), draw.random());
    let normal = (-2.0 * one.ln()).sqrt() * (std::f64::consts::TAU * other).cos();
    mean + normal * chance(mean, validated).sqrt()
}

fn fitted(points: &[Point]) -> PowerLaw {
    let mut best = (f64::INFINITY, PowerLaw { floor: 0.0, scale: 0.0, exponent: STEP });
    for exponent in EXPONENTS {
        let exponent = f64::from(exponent) * STEP;
        let law = with_exponent(points, exponent);
        let error = |point: &Point| law.floor + law.scale * point.images.powf(-exponent);
        let squares: f64 = points.iter().map(|point| point.weight * (point.error - error(point)).powi(2)).sum();
        if squares < best.0 {
            best = (squares, law);
        }
    }
    best.1
}

/// Least squares for floor and scale, both at least 0.
fn with_exponent(points: &[Point], exponent: f64) -> PowerLaw {
    let sum = |of: &dyn Fn(&Point, f64) -> f64| -> f64 {
        points.iter().map(|point| point.weight * of(point, point.images.powf(-exponent))).sum()
    };
    let (w, wx, wxx) = (sum(&|_, _| 1.0), sum(&|_, x| x), sum(&|_, x| x * x));
    let (wy, wxy) = (sum(&|point, _| point.error), sum(&|point, x| x * point.error));
    let determinant = w * wxx - wx * wx;
    let (floor, scale) = ((wxx * wy - wx * wxy) / determinant, (w * wxy - wx * wy) / determinant);
    match (floor >= 0.0, scale >= 0.0) {
        (true, true) => PowerLaw { floor, scale, exponent },
        // The solution with the other one at 0. A rising curve becomes flat.
        (false, _) => PowerLaw { floor: 0.0, scale: (wxy / wxx).max(0.0), exponent },
        _ => PowerLaw { floor: (wy / w).max(0.0), scale: 0.0, exponent },
    }
}
