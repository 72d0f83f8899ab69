//! Data parallelism: pieces of a batch on several threads, each with libtorch on one thread.
//!
//! Two threads that each take their own images through the network are faster than two that share every operation: they
//! synchronise once per step instead of twice per operation, which matters most on a busy machine. A piece's result
//! does not depend on its thread, so results do not depend on the number of threads.

use faceprobe_core::error::{Error, Result};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The number of threads.
pub(super) fn threads() -> usize {
    rayon::current_num_threads().max(1)
}

/// Runs `work` on each of `pieces`; the results are in their order. Each thread owns one of `shares`; a single piece
/// runs on the calling thread, with all of libtorch's threads.
///
/// # Errors
/// The first error of a piece; other pieces may be left undone.
pub(super) fn in_parallel<S: Send, T: Send>(
    mut shares: Vec<S>,
    pieces: usize,
    work: impl Fn(&mut S, usize) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    if let (1, Some(share)) = (pieces, shares.first_mut()) {
        return Ok(vec![work(share, 0)?]);
    }
    shares.truncate(pieces);
    let before = tch::get_num_threads();
    let next = AtomicUsize::new(0);
    let outcome = std::thread::scope(|scope| {
        let (next, work) = (&next, &work);
        let lane = |mut share: S| {
            move || {
                tch::set_num_threads(1);
                let mut answers = Vec::new();
                loop {
                    let piece = next.fetch_add(1, Ordering::Relaxed);
                    if piece >= pieces {
                        return Ok(answers);
                    }
                    let answer = work(&mut share, piece).inspect_err(|_| next.store(pieces, Ordering::Relaxed))?;
                    answers.push((piece, answer));
                }
            }
        };
        let threads: Vec<_> = shares.into_iter().map(|share| scope.spawn(lane(share))).collect();
        let mut answers = Vec::with_capacity(pieces);
        for thread in threads {
            match thread.join() {
                Ok(own) => answers.push(own),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        answers.into_iter().collect::<Result<Vec<Vec<(usize, T)>>>>()
    });
    // A thread's setting becomes the default of threads created later.
    tch::set_num_threads(before);
    let mut answers: Vec<(usize, T)> = outcome?.into_iter().flatten().collect();
    answers.sort_by_key(|(piece, _)| *piece);
    if answers.len() != pieces {
        return Err(Error::failed("there are no threads for fine-tuning"));
    }
    Ok(answers.into_iter().map(|(_, answer)| answer).collect())
}
