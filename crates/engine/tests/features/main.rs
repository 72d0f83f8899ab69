//! The feature store and extraction through their public interface, with a row source that needs no network.

mod checksums;
mod compaction;
mod extraction;
mod interruption;
mod pooled;
mod store;

use faceprobe_core::dataset::ContentHash;
use faceprobe_core::error::{Error, Result};
use faceprobe_core::imaging::{Pixels, Preprocessing};
use faceprobe_core::monitor::{Monitor, Update};
use faceprobe_engine::features::{Dtype, ExtractOptions, RowExtractor, RowSource, Rows, StoreIdentity};
use ndarray::Array2;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Values per row of [`Fake`].
const WIDTH: usize = 4;

/// Side of the input of [`Fake`].
const SIDE: usize = 8;

fn identity(dtype: Dtype, width: usize) -> StoreIdentity {
    StoreIdentity {
        backbone: "fake".into(),
        weights: "none".into(),
        preprocessing: "none".into(),
        tap: "last".into(),
        pool: "avg".into(),
        dtype,
        width,
    }
}

/// A source whose rows tell which picture they are of: mean red, green and blue, and 7.
#[derive(Clone, Default)]
struct Fake {
    /// Rows computed.
    computed: Arc<AtomicUsize>,
    /// Workers made.
    workers: Arc<AtomicUsize>,
    /// Time per picture.
    pause: Duration,
    /// Rows after which the worker fails, or panics.
    fails_after: Option<usize>,
    panics: bool,
    /// The red value that gives no number.
    nan_for_red: Option<u8>,
}

impl RowSource for Fake {
    fn identity(&self) -> StoreIdentity {
        identity(Dtype::F32, WIDTH)
    }

    fn preprocessing(&self) -> Preprocessing {
        Preprocessing::default_mode(SIDE, [0.0; 3], [1.0; 3])
    }

    fn worker(&self) -> Result<Box<dyn RowExtractor + Send>> {
        self.workers.fetch_add(1, Ordering::SeqCst);
        Ok(Box::new(self.clone()))
    }
}

impl RowExtractor for Fake {
    fn rows(&mut self, batch: &[Pixels]) -> Result<Rows> {
        std::thread::sleep(self.pause * batch.len() as u32);
        let before = self.computed.fetch_add(batch.len(), Ordering::SeqCst);
        if self.fails_after.is_some_and(|limit| before >= limit) {
            assert!(!self.panics, "the network fell over");
            return Err(Error::failed("the network ran out of memory"));
        }
        Ok(Rows::F32(Array2::from_shape_fn((batch.len(), WIDTH), |(row, column)| {
            let pixels = batch[row].rgb();
            assert_eq!(pixels.len(), SIDE * SIDE * 3);
            match column {
                0 if self.nan_for_red == Some(pixels[0]) => f32::NAN,
                3 => 7.0,
                _ => pixels.iter().skip(column).step_by(3).map(|&value| f32::from(value)).sum::<f32>() / 64.0,
            }
        })))
    }
}

/// The row that [`Fake`] gives for picture `number`.
fn expected(number: usize) -> [f32; WIDTH] {
    let [red, green, blue] = colour(number).map(f32::from);
    [red, green, blue, 7.0]
}

fn colour(number: usize) -> [u8; 3] {
    [(number % 251) as u8, (number / 251) as u8, (number * 7 % 256) as u8]
}

/// `count` plain pictures in `folder`, and what extraction is given for them.
fn pictures(folder: &Path, count: usize) -> Vec<(ContentHash, PathBuf)> {
    std::fs::create_dir_all(folder).unwrap();
    let one = |number: usize| {
        let path = folder.join(format!("{number:04}.png"));
        image::RgbImage::from_pixel(9, 5, image::Rgb(colour(number))).save(&path).unwrap();
        (ContentHash::of_file(&path).unwrap(), path)
    };
    (0..count).map(one).collect()
}

fn options(threads: usize, batch: usize, part_rows: usize) -> ExtractOptions {
    ExtractOptions { threads, batch: Some(batch), part_rows, ..ExtractOptions::default() }
}

fn keys(items: &[(ContentHash, PathBuf)]) -> Vec<ContentHash> {
    items.iter().map(|(key, _)| *key).collect()
}

/// The names in a folder that match, sorted.
fn names(folder: &Path, matches: impl Fn(&str) -> bool) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| matches(name));
    names.sort();
    names
}

/// The file of a store that ends as `name` does: `part-00001.npy` is the second part of its first writer.
fn file(store: &Path, name: &str) -> PathBuf {
    let Some(ending) = name.strip_prefix("part") else { return store.join(name) };
    let of = |found: &str| found.starts_with("part-") && found.ends_with(ending);
    names(store, of).first().map_or_else(|| store.join(name), |name| store.join(name))
}

fn is_part(name: &str) -> bool {
    name.starts_with("part-") && name.ends_with(".npy") && !name.ends_with(".keys.npy")
}

/// Remembers what it hears; stops when told, or at a number of images done.
#[derive(Default)]
struct Ear {
    heard: Mutex<Vec<Update>>,
    stop: AtomicBool,
    stop_at: Option<u64>,
}

impl Monitor for Ear {
    fn update(&self, update: Update) {
        if let (Some(limit), Update::Progress { done, .. }) = (self.stop_at, &update) {
            self.stop.fetch_or(*done >= limit, Ordering::SeqCst);
        }
        self.heard.lock().unwrap().push(update);
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }
}

impl Ear {
    fn notes(&self) -> Vec<String> {
        let heard = self.heard.lock().unwrap();
        let note = |update: &Update| match update {
            Update::Note { text } => Some(text.clone()),
            _ => None,
        };
        heard.iter().filter_map(note).collect()
    }
}
