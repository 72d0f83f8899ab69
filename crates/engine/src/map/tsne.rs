//! t-SNE by bhtsne (Barnes-Hut). The same rows and seed give the same points, bit by bit, on any number of threads.

use bhtsne::{Neighbor, tSNE};
use faceprobe_core::error::{Error, Result};
use faceprobe_core::monitor::{Monitor, Update};
use ndarray::Array2;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// Iterations of the descent, the first 250 with early exaggeration.
const STEPS: usize = 1000;
/// The Barnes-Hut theta.
const THETA: f64 = 0.5;
/// Standard deviation of the initial points.
const BEGIN: f64 = 1e-4;
/// Iterations between checks for a stop.
const TICK: Duration = Duration::from_millis(100);

/// Two-dimensional points of rows (rows x components). The perplexity is reduced if there are too few rows for it.
///
/// # Errors
/// Fewer than ten rows; a stop.
pub fn tsne(rows: &Array2<f64>, perplexity: f64, seed: u64, monitor: &dyn Monitor) -> Result<Array2<f64>> {
    let count = rows.nrows();
    if count < 10 {
        return Err(Error::failed(format!(
            "t-SNE needs ten images or more; there are {count}. Prepare more, or take --method pca."
        )));
    }
    let perplexity = perplexity.min((count - 1) as f64 / 3.0);
    let neighbours = neighbours(rows, ((3.0 * perplexity) as usize).clamp(1, count - 1));
    if monitor.stopped() {
        return Err(Error::stopped());
    }
    let mut draw = ChaCha8Rng::seed_from_u64(seed);
    let begin: Vec<f64> = (0..2 * count).map(|_| draw.random_range(-BEGIN..BEGIN)).collect();
    // Sums over several threads depend on their order; on one thread they are reproducible.
    let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    let alone = alone.map_err(|error| Error::failed(format!("No thread could be started ({error}).")))?;
    let step = Arc::new(AtomicUsize::new(0));
    let (send, outcome) = channel();
    let told = Arc::clone(&step);
    // After a stop, its end is not awaited.
    std::thread::spawn(move || {
        let points = alone.install(|| {
            let places: Vec<usize> = (0..count).collect();
            let mut descent: tSNE<f64, usize> = tSNE::new(&places);
            descent
                .perplexity(perplexity)
                .epochs(STEPS)
                .initial_embedding(begin)
                .epoch_callback(move |epoch, _| told.store(epoch, Ordering::Relaxed))
                .barnes_hut_with_neighbors(THETA, &neighbours);
            descent.embedding()
        });
        drop(send.send(points));
    });
    let begun = Instant::now();
    let points = loop {
        match outcome.recv_timeout(TICK) {
            Ok(points) => break points,
            Err(RecvTimeoutError::Timeout) if monitor.stopped() => return Err(Error::stopped()),
            Err(RecvTimeoutError::Timeout) => monitor.update(progress(step.load(Ordering::Relaxed), begun.elapsed())),
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Error::failed("t-SNE broke down; take fewer images, or --method pca."));
            }
        }
    };
    if points.iter().any(|place| !place.is_finite()) {
        return Err(Error::failed("t-SNE found no places for the images; take another seed, or --method pca."));
    }
    Array2::from_shape_vec((count, 2), points).map_err(|error| Error::failed(error.to_string()))
}

fn progress(step: usize, passed: Duration) -> Update {
    let rate = step as f64 / passed.as_secs_f64().max(1e-3);
    let remaining = (step > 0).then(|| STEPS.saturating_sub(step) as f64 / rate);
    Update::Progress { done: step as u64, total: STEPS as u64, unit: "steps".into(), rate, remaining }
}

/// The `k` nearest rows of each row, the nearest first; ties by index.
fn neighbours(rows: &Array2<f64>, k: usize) -> Vec<Vec<Neighbor<f64>>> {
    let count = rows.nrows();
    (0..count)
        .into_par_iter()
        .map(|row| {
            let own = rows.row(row);
            let far = |other: usize| own.iter().zip(rows.row(other)).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
            let mut all: Vec<(f64, usize)> =
                (0..count).filter(|other| *other != row).map(|other| (far(other), other)).collect();
            let order = |a: &(f64, usize), b: &(f64, usize)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
            if k < all.len() {
                all.select_nth_unstable_by(k, order);
                all.truncate(k);
            }
            all.sort_unstable_by(order);
            all.into_iter().map(|(squared, index)| Neighbor { index, distance: squared.sqrt() }).collect()
        })
        .collect()
}
