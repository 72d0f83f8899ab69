//! Parallel prediction of many images: each stream takes the next few and does everything for them on one thread; the
//! caller gets the answers in input order, each as soon as all earlier ones are there.

use super::input::{Inputs, Item, Next};
use super::thread::BATCH;
use super::{BatchSummary, Prediction};
use super::{Options, Predictor};
use faceprobe_core::error::{Error, Result};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Chunks per stream that may be finished and wait for an older one.
const AHEAD: usize = 2;

/// Time between checks whether to go on waiting for an input list that another program writes.
const LOOK: Duration = Duration::from_millis(100);

/// Predicts all of `inputs` and passes each answer to `take` in order.
///
/// # Errors
/// Weights that cannot be loaded, and any error of `take`, which ends it. An image that cannot be predicted gives an
/// answer with an error.
pub fn predict_all(
    predictor: &Predictor,
    inputs: Inputs,
    options: &Options,
    threads: usize,
    take: &mut dyn FnMut(Prediction) -> Result<()>,
) -> Result<BatchSummary> {
    predictor.prepare(options)?;
    let threads = if inputs.is_single() { 1 } else { threads.max(1) };
    let feed = Feed::new(inputs, threads);
    let (sender, receiver) = channel();
    let before = tch::get_num_threads();
    let summary = std::thread::scope(|scope| {
        for _ in 0..threads {
            let (sender, feed) = (sender.clone(), &feed);
            scope.spawn(move || stream(predictor, options, feed, threads, &sender));
        }
        drop(sender);
        let summary = collect(&feed, &receiver, take);
        feed.close();
        summary
    });
    // A stream that sets one thread for itself sets it for every thread created later.
    tch::set_num_threads(before);
    summary
}

type Chunk = (usize, Vec<Prediction>);

fn stream(predictor: &Predictor, options: &Options, feed: &Feed, threads: usize, sender: &Sender<Result<Chunk>>) {
    let work = || -> Result<()> {
        // By default every stream would start a team of threads for all cores.
        if threads > 1 {
            tch::set_num_threads(1);
        }
        let mut worker = predictor.worker()?;
        while let Some((number, items)) = feed.take() {
            if sender.send(Ok((number, worker.predict(&items, options)))).is_err() {
                break;
            }
        }
        Ok(())
    };
    let ended = catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(Error::failed("The prediction broke off; the lines above say where.")));
    if let Err(error) = ended {
        feed.close();
        // The receiver is closed only if it has an error of its own to report.
        let _ = sender.send(Err(error));
    }
}

fn collect(
    feed: &Feed,
    receiver: &Receiver<Result<Chunk>>,
    take: &mut dyn FnMut(Prediction) -> Result<()>,
) -> Result<BatchSummary> {
    let mut summary = BatchSummary::default();
    let mut waiting = BTreeMap::new();
    let mut next = 0;
    for message in receiver {
        let (number, chunk) = message?;
        waiting.insert(number, chunk);
        while let Some(chunk) = waiting.remove(&next) {
            for prediction in chunk {
                summary.add(&prediction);
                take(prediction)?;
            }
            next += 1;
            feed.handed_on();
        }
    }
    summary.passed = feed.inputs.lock().unwrap_or_else(PoisonError::into_inner).0.passed_over();
    Ok(summary)
}

/// Hands out chunks of items in order, with a limit on how far they may be ahead of the output.
struct Feed {
    /// The inputs and the number of the next chunk. A stream that waits for an item holds the lock: no other could get
    /// one earlier.
    inputs: Mutex<(Inputs, usize)>,
    state: Mutex<State>,
    room: Condvar,
    threads: usize,
}

#[derive(Default)]
struct State {
    handed_on: usize,
    closed: bool,
}

impl Feed {
    fn new(inputs: Inputs, threads: usize) -> Self {
        Self { inputs: Mutex::new((inputs, 0)), state: Mutex::default(), room: Condvar::new(), threads }
    }

    /// The next chunk and its number. The first ones are small, so that the first answers come soon; of a growing list,
    /// a chunk is what is available.
    fn take(&self) -> Option<(usize, Vec<Item>)> {
        let mut inputs = self.inputs.lock().unwrap_or_else(PoisonError::into_inner);
        let number = inputs.1;
        let mut state = self.state();
        while !state.closed && number >= state.handed_on + self.threads * AHEAD {
            state = self.room.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        drop(state);
        let size = BATCH.min(1 << (number / self.threads).min(16));
        let mut items = Vec::with_capacity(size);
        while items.len() < size {
            if self.state().closed {
                return None;
            }
            let patience = if items.is_empty() { LOOK } else { Duration::ZERO };
            match inputs.0.next(patience) {
                Next::Item(item) => items.push(item),
                Next::NotYet if items.is_empty() => {}
                Next::NotYet | Next::End => break,
            }
        }
        if items.is_empty() {
            return None;
        }
        inputs.1 += 1;
        Some((number, items))
    }

    /// Marks one more chunk as delivered.
    fn handed_on(&self) {
        self.state().handed_on += 1;
        self.room.notify_all();
    }

    fn close(&self) {
        self.state().closed = true;
        self.room.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
