//! Work on pieces side by side, each thread with libtorch on one.
//!
//! Two threads that each take their own images through the network beat two that share every operation: they wait for
//! each other once a step instead of twice an operation, which on a busy machine is the difference between slow and
//! hopeless. What a piece gives does not depend on the thread that took it, so results do not depend on how many
//! there are.

use faceprobe_core::error::{Error, Result};
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many threads there are for the work.
pub(super) fn threads() -> usize {
    rayon::current_num_threads().max(1)
}

/// `work` on each of `pieces`, the answers in their order. Each thread owns one of `shares`; a single piece is done here,
/// with all the threads that libtorch has.
///
/// # Errors
/// The first that a piece has; the others may be left undone.
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
    // What a thread sets for itself is what threads made later begin with.
    tch::set_num_threads(before);
    let mut answers: Vec<(usize, T)> = outcome?.into_iter().flatten().collect();
    answers.sort_by_key(|(piece, _)| *piece);
    if answers.len() != pieces {
        return Err(Error::failed("there are no threads for fine-tuning"));
    }
    Ok(answers.into_iter().map(|(_, answer)| answer).collect())
}
