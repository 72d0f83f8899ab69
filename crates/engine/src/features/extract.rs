//! Extraction: fills feature stores from image files.
//!
//! Each of `threads` streams takes the next chunk of images, reads, checks, decodes and resizes them, and runs the
//! network on them, with libtorch on one thread. On a machine with few cores this is faster than all threads working on
//! one batch, and one stream's decoding overlaps another's network without a pipeline. The calling thread writes the
//! chunks in order, so the same images give the same parts.
//!
//! Other processes may fill the same stores at the same time. None waits for another: each goes through the images in
//! an order of its own and skips rows that the others have written by then. A row that two compute anyway is written
//! twice, which does no harm.

use super::chunk_queue::ChunkQueue;
use super::progress::Progress;
use super::source::{RowExtractor, RowSource};
use faceprobe_core::dataset::ContentHash;
use faceprobe_core::error::{Error, Result};
use faceprobe_core::features::{PartWriter, Rows, Store};
use faceprobe_core::imaging::Pixels;
use faceprobe_core::monitor::{Monitor, Update};
use faceprobe_core::slurm::ImageCopies;
use rand::seq::SliceRandom;
use std::collections::{BTreeMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

/// Chunks per stream that may be finished and wait for an older one.
const AHEAD: usize = 2;

/// Calls of the network per stream that a small extraction is cut into, so that all streams end at about the same time.
const CALLS: usize = 4;

/// How often an extraction checks for rows written by other processes.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How to extract. The default suits most machines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtractOptions {
    /// Streams, each with one thread of libtorch; at least 1.
    pub threads: usize,
    /// Images per call of the network, at least 1; none: as many as suit the source ([`RowSource::batch`]), and fewer
    /// where there would be too few calls to keep every stream at work.
    pub batch: Option<usize>,
    /// Rows per part: the most that a kill loses, apart from the few chunks in work. Parts of wide rows end at 16 MB.
    pub part_rows: usize,
    /// Whether nobody else computes any of these images, whoever else writes to the same store: then nobody is looked for,
    /// and parts are as large as they may be.
    pub alone: bool,
    /// The folder of copies of images on this machine's own disk, if there is one.
    pub copies: Option<PathBuf>,
}

impl Default for ExtractOptions {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Self { threads, batch: None, part_rows: 512, alone: false, copies: None }
    }
}

/// The result of one extraction.
#[derive(Debug, Clone, PartialEq)]
pub struct ExtractReport {
    /// Rows computed and written.
    pub computed: usize,
    /// Items whose row existed already, or that repeat an earlier item.
    pub reused: usize,
    /// Items without a row, each with the reason in one sentence, in the order of the items.
    pub skipped: Vec<(PathBuf, String)>,
    /// Wall time in seconds, including waiting and the loading of weights.
    pub seconds: f64,
    /// Computed rows per second.
    pub rate: f64,
}

/// [`extract_all`] for a source whose rows belong to one store.
///
/// # Errors
/// As [`extract_all`].
pub fn extract(
    store: &mut Store,
    source: &dyn RowSource,
    items: &[(ContentHash, PathBuf)],
    options: &ExtractOptions,
    monitor: &dyn Monitor,
) -> Result<ExtractReport> {
    extract_all(std::slice::from_mut(store), source, items, options, monitor)
}

/// Computes the rows of `items` (hash and path of each image) that are missing in at least one of the stores, which
/// belong to [`RowSource::identities`].
///
/// Existing rows are first verified against their checksums ([`Store::verify`]) and recomputed where they are damaged.
/// A file that cannot be read or decoded, or whose bytes no longer match its hash, is reported as [`Update::Skipped`]
/// and left out. If nothing is missing, the source is not loaded.
///
/// [`Error::stopped`] after a stop, with every finished row written; weights or a disk that fail, likewise; none of the
/// images could be read.
pub fn extract_all(
    stores: &mut [Store],
    source: &dyn RowSource,
    items: &[(ContentHash, PathBuf)],
    options: &ExtractOptions,
    monitor: &dyn Monitor,
) -> Result<ExtractReport> {
    let start = Instant::now();
    let identities = source.identities();
    if stores.len() != identities.len() {
        return Err(Error::failed(format!("{} stores came for {} kinds of rows.", stores.len(), identities.len())));
    }
    for (store, identity) in stores.iter().zip(&identities) {
        if store.identity() != identity {
            let what = format!("is for other features than those of {}", identity.folder_name());
            return Err(Error::file(store.folder(), what));
        }
    }
    let keys: Vec<ContentHash> = items.iter().map(|(key, _)| *key).collect();
    stores.iter_mut().try_for_each(|store| store.verify(&keys, monitor))?;
    let mut done = Done::default();
    let mut reused = items.len();
    if !missing(&stores.iter().collect::<Vec<_>>(), items).is_empty() {
        let part_rows = if options.alone { usize::MAX } else { options.part_rows };
        let open = |store| PartWriter::open(store, part_rows, monitor);
        let mut writers = stores.iter_mut().map(open).collect::<Result<Vec<_>>>()?;
        if options.alone {
            writers.iter_mut().for_each(PartWriter::set_alone);
        }
        // Another process may have written rows since the stores were opened, possibly all of them.
        writers.iter_mut().try_for_each(|writer| writer.verify(&keys, monitor))?;
        let mut todo = missing(&writers.iter().map(PartWriter::store).collect::<Vec<_>>(), items);
        reused -= todo.len();
        if writers.iter().any(PartWriter::is_shared) {
            let text =
                "Another extraction fills the same store; each leaves out what the other has written.".to_owned();
            monitor.update(Update::Note { text });
            // The first process goes in order. Each other one needs an order of its own: in a shared order, two would
            // compute the same rows at the same time.
            todo.shuffle(&mut rand::rng());
        }
        let threads = options.threads.max(1);
        let batch = options.batch.unwrap_or_else(|| batch(source.batch(), todo.len(), threads)).max(1);
        let copies = options.copies.clone().map(ImageCopies::new);
        let by_others = RwLock::default();
        let work = Work { source, items, todo: &todo, batch, monitor, alone: options.alone, copies, by_others };
        if !todo.is_empty() {
            done = work.run(threads, reused, &mut writers)?;
            reused += done.by_others;
        }
        if let Some(copies) = &work.copies {
            monitor.update(Update::Note { text: copies.words() });
        }
    }
    if let (0, 0, Some((path, reason))) = (done.computed, reused, done.skipped.first()) {
        let count = done.skipped.len();
        return Err(Error::failed(format!(
            "None of {count} images could be used; the first, {}: {reason}",
            path.display()
        )));
    }
    let seconds = start.elapsed().as_secs_f64();
    let rate = done.computed as f64 / seconds.max(1e-9);
    Ok(ExtractReport { computed: done.computed, reused, skipped: done.skipped, seconds, rate })
}

/// Images per forward pass for the images in `todo`, at most as many as suit the source.
fn batch(suitable: usize, todo: usize, threads: usize) -> usize {
    let most = suitable.min(todo.div_ceil(CALLS * threads)).max(1);
    // The same number of passes for every stream.
    let calls = todo.div_ceil(most).next_multiple_of(threads);
    todo.div_ceil(calls.max(1))
}

/// Indices of the items to compute: without a row in one of the stores, each content once.
fn missing(stores: &[&Store], items: &[(ContentHash, PathBuf)]) -> Vec<usize> {
    let mut seen = HashSet::new();
    let lacking = |key: &ContentHash| stores.iter().any(|store| !store.contains(key));
    (0..items.len()).filter(|&index| lacking(&items[index].0) && seen.insert(items[index].0)).collect()
}

#[derive(Default)]
struct Done {
    computed: usize,
    /// Items whose rows other processes wrote during this extraction.
    by_others: usize,
    skipped: Vec<(PathBuf, String)>,
    /// When the stores were last checked for other processes' rows.
    looked: Option<Instant>,
}

/// The result of a stream for one chunk of items.
struct Chunk {
    keys: Vec<ContentHash>,
    /// For each store one row per key; none when no image of the chunk could be used.
    rows: Vec<Rows>,
    /// Index of the item, and the reason why it was left out.
    skipped: Vec<(usize, String)>,
    /// Items that other processes have written.
    by_others: usize,
}

struct Work<'a> {
    source: &'a dyn RowSource,
    items: &'a [(ContentHash, PathBuf)],
    todo: &'a [usize],
    batch: usize,
    monitor: &'a dyn Monitor,
    alone: bool,
    copies: Option<ImageCopies>,
    /// Images of `todo` whose rows other processes have written meanwhile.
    by_others: RwLock<HashSet<ContentHash>>,
}

impl Work<'_> {
    fn run(&self, threads: usize, reused: usize, writers: &mut [PartWriter<'_>]) -> Result<Done> {
        let chunks = self.todo.len().div_ceil(self.batch);
        let threads = threads.min(chunks);
        let queue = ChunkQueue::new(chunks, threads * AHEAD);
        let stopped = AtomicBool::new(false);
        let (sender, receiver) = channel();
        let _threads = TorchThreads::remember();
        let done = std::thread::scope(|scope| {
            for _ in 0..threads {
                let (sender, queue, stopped) = (sender.clone(), &queue, &stopped);
                scope.spawn(move || self.stream(queue, stopped, &sender));
            }
            drop(sender);
            let done = self.collect(&queue, &receiver, reused, writers);
            queue.close();
            done
        })?;
        // A stop that arrives after the last chunk has nothing left to stop.
        if stopped.into_inner() && done.computed + done.by_others + done.skipped.len() < self.todo.len() {
            return Err(Error::stopped());
        }
        Ok(done)
    }

    /// One stream: chunk after chunk until there is none, a stop, or an error.
    fn stream(&self, queue: &ChunkQueue, stopped: &AtomicBool, sender: &Sender<Result<(usize, Chunk)>>) {
        let work = || -> Result<()> {
            // OpenMP keeps this setting per thread. By default every stream would start a team of threads for all
            // cores.
            tch::set_num_threads(1);
            let mut worker = self.source.worker()?;
            loop {
                if self.monitor.stopped() {
                    stopped.store(true, Ordering::Relaxed);
                    return Ok(());
                }
                let Some(number) = queue.take() else { return Ok(()) };
                let chunk = self.chunk(number, worker.as_mut())?;
                if sender.send(Ok((number, chunk))).is_err() {
                    return Ok(());
                }
            }
        };
        // tch turns some errors of libtorch into panics; neither may end the program without a message.
        let ended = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
            let words = panic.downcast_ref::<String>().map(String::as_str);
            let words = words.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
            Err(Error::failed(format!("The computation of features broke off: {words}")))
        });
        if let Err(error) = ended {
            queue.close();
            // The receiver is closed only if the writer has an error of its own to report.
            let _ = sender.send(Err(error));
        }
    }

    /// Reads the images of a chunk and computes their rows.
    fn chunk(&self, number: usize, worker: &mut dyn RowExtractor) -> Result<Chunk> {
        let first = number * self.batch;
        let indices = &self.todo[first..(first + self.batch).min(self.todo.len())];
        let by_others = self.by_others.read().unwrap_or_else(PoisonError::into_inner);
        let (there, indices): (Vec<usize>, Vec<usize>) =
            indices.iter().copied().partition(|&index| by_others.contains(&self.items[index].0));
        drop(by_others);
        let keys = Vec::with_capacity(indices.len());
        let mut chunk = Chunk { keys, rows: Vec::new(), skipped: Vec::new(), by_others: there.len() };
        let mut used = Vec::with_capacity(indices.len());
        let mut pictures = Vec::with_capacity(indices.len());
        for index in indices {
            match self.picture(index) {
                Ok(picture) => {
                    used.push(index);
                    pictures.push(picture);
                }
                Err(reason) => chunk.skipped.push((index, reason)),
            }
        }
        if pictures.is_empty() {
            return Ok(chunk);
        }
        let parts = worker.parts(&pictures)?;
        if let Some(odd) = parts.iter().find(|rows| rows.dim().0 != pictures.len()) {
            let found = odd.dim().0;
            return Err(Error::failed(format!("The network gave {found} rows for {} images.", pictures.len())));
        }
        let finite = |&row: &usize| parts.iter().all(|rows| rows.is_finite(row));
        let (finite, broken): (Vec<usize>, Vec<usize>) = (0..used.len()).partition(finite);
        let reason = "the network's answer is not a number";
        chunk.skipped.extend(broken.iter().map(|&row| (used[row], reason.to_owned())));
        chunk.skipped.sort_by_key(|(index, _)| *index);
        chunk.keys.extend(finite.iter().map(|&row| self.items[used[row]].0));
        if !finite.is_empty() {
            let kept = |rows: Rows| if broken.is_empty() { rows } else { rows.select(&finite) };
            chunk.rows = parts.into_iter().map(kept).collect();
        }
        Ok(chunk)
    }

    /// The image of an item, resized for the network, or the reason why there is none.
    fn picture(&self, index: usize) -> Result<Pixels, String> {
        let (key, path) = &self.items[index];
        let read = self.copies.as_ref().map_or_else(|| std::fs::read(path), |copies| copies.read(key, path));
        let bytes = read.map_err(|error| error.to_string())?;
        if ContentHash::of(&bytes) != *key {
            return Err("changed since it was prepared; run data prepare again".into());
        }
        let preprocessing = self.source.preprocessing();
        catch_unwind(|| preprocessing.picture(&bytes)).unwrap_or_else(|_| Err("the decoder broke down on it".into()))
    }

    /// The writer: chunks in order into parts, with progress. Finished rows are written in any case.
    fn collect(
        &self,
        queue: &ChunkQueue,
        receiver: &Receiver<Result<(usize, Chunk)>>,
        reused: usize,
        writers: &mut [PartWriter<'_>],
    ) -> Result<Done> {
        let mut done = Done::default();
        let mut progress = Progress::new(self.monitor, "images", reused, self.items.len());
        let mut waiting = BTreeMap::new();
        let mut next = 0;
        let mut failed = None;
        for message in receiver {
            match message {
                Ok((number, chunk)) => waiting.insert(number, chunk),
                Err(error) => {
                    failed.get_or_insert(error);
                    continue;
                }
            };
            while let Some(chunk) = waiting.remove(&next) {
                self.take(chunk, writers, &mut done, &mut progress)?;
                queue.written();
                next += 1;
            }
        }
        // Chunks are left here only after a chunk that failed.
        for chunk in waiting.into_values() {
            self.take(chunk, writers, &mut done, &mut progress)?;
        }
        writers.iter_mut().try_for_each(PartWriter::flush)?;
        failed.map_or(Ok(done), Err)
    }

    fn take(
        &self,
        chunk: Chunk,
        writers: &mut [PartWriter<'_>],
        done: &mut Done,
        progress: &mut Progress<'_>,
    ) -> Result<()> {
        for (index, reason) in chunk.skipped.iter() {
            let path = &self.items[*index].1;
            self.monitor.update(Update::Skipped { path: path.display().to_string(), reason: reason.clone() });
            done.skipped.push((path.clone(), reason.clone()));
        }
        let before: u32 = writers.iter().map(PartWriter::parts_written).sum();
        for (writer, rows) in writers.iter_mut().zip(&chunk.rows) {
            writer.push_new(&chunk.keys, rows)?;
        }
        done.computed += chunk.keys.len();
        done.by_others += chunk.by_others;
        progress.add(chunk.keys.len() + chunk.by_others + chunk.skipped.len());
        let wrote = writers.iter().map(PartWriter::parts_written).sum::<u32>() > before;
        if self.alone {
            return Ok(());
        }
        if wrote || done.looked.is_none_or(|looked| looked.elapsed() >= LOOK_EVERY) {
            self.look_around(writers)?;
            done.looked = Some(Instant::now());
        }
        Ok(())
    }

    /// Reads which rows other processes have written to all of the stores.
    fn look_around(&self, writers: &mut [PartWriter<'_>]) -> Result<()> {
        let mut new = false;
        for writer in writers.iter_mut() {
            new |= writer.refresh()?;
        }
        if new {
            let whole = |key: &ContentHash| writers.iter().all(|writer| writer.store().contains(key));
            let keys = self.todo.iter().map(|&index| self.items[index].0).filter(whole).collect();
            // These include this process' own rows, whose chunks are done.
            *self.by_others.write().unwrap_or_else(PoisonError::into_inner) = keys;
        }
        Ok(())
    }
}

/// Restores libtorch's number of threads: a stream that sets one thread for itself sets it for every thread created
/// later, and training would run on one.
struct TorchThreads(i32);

impl TorchThreads {
    fn remember() -> Self {
        Self(tch::get_num_threads())
    }
}

impl Drop for TorchThreads {
    fn drop(&mut self) {
        tch::set_num_threads(self.0);
    }
}
