//! t-SNE by linfa-tsne (Barnes-Hut, on one thread): the same rows and seed give the same points, bit by bit.

use faceprobe_core::error::{Error, Result};
use faceprobe_core::monitor::Monitor;
use linfa::traits::Transformer;
use linfa_tsne::TSneParams;
use ndarray::Array2;
use rand_08::rngs::StdRng;
use rand_08::{Rng, SeedableRng};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// Steps of the descent, of which the first 250 exaggerate who is near.
const STEPS: usize = 1000;
/// How coarsely what is far away is taken together.
const THETA: f64 = 0.5;
/// The tree of neighbours is built at random, and of rows that are equally far apart it finds either one first. This share
/// of the largest value, drawn by the seed, is added, so that no two are equally far apart.
const NUDGE: f64 = 1e-9;
/// How often a stop is looked for.
const TICK: Duration = Duration::from_millis(100);

/// Points of rows (rows x components) in the plane. The perplexity is lowered to what so few rows allow.
///
/// # Errors
/// Fewer than ten rows, or of one component; a stop.
pub fn tsne(rows: &Array2<f64>, perplexity: f64, seed: u64, monitor: &dyn Monitor) -> Result<Array2<f64>> {
    let (count, width) = rows.dim();
    if count < 10 || width < 2 {
        return Err(Error::failed(format!(
            "t-SNE needs ten images or more with two features or more; there are {count} with {width}. Take --method pca."
        )));
    }
    let perplexity = perplexity.min((count - 1) as f64 / 3.0);
    let mut rng = StdRng::seed_from_u64(seed);
    let largest = rows.iter().fold(0f64, |largest, value| largest.max(value.abs()));
    let nudged = rows.mapv(|value| value + largest * NUDGE * rng.gen_range(-1.0..1.0));
    let (send, outcome) = channel();
    // It says nothing while it works; who has no more use for it does not wait.
    std::thread::spawn(move || {
        let points = TSneParams::embedding_size_with_rng(2, rng)
            .perplexity(perplexity)
            .approx_threshold(THETA)
            .max_iter(STEPS)
            .transform(nudged);
        drop(send.send(points.map_err(|error| error.to_string())));
    });
    loop {
        match outcome.recv_timeout(TICK) {
            Ok(points) => return points.map_err(|error| Error::failed(format!("t-SNE failed ({error})."))),
            Err(RecvTimeoutError::Timeout) if monitor.stopped() => return Err(Error::stopped()),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Error::failed("t-SNE broke down; take fewer images, or --method pca."));
            }
        }
    }
}
