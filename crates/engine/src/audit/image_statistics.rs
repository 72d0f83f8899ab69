//! Statistics of an image that are cheap to compare: its perceptual hash, size and light.
//!
//! Cached in `cache/looks.csv` by the hash of the file, so that a second audit decodes nothing.

use super::by_content::Cache;
use faceprobe_core::dataset::ContentHash;
use faceprobe_core::error::Result;
use faceprobe_core::imaging::{self, Pixels};
use faceprobe_core::monitor::Monitor;
use image::{GrayImage, imageops};
use image_hasher::{HashAlg, Hasher, HasherConfig};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Bits of a perceptual hash.
pub const BITS: usize = 256;
/// Side of the hash; each bit says whether brightness increases from one cell to the next.
const SIDE: u32 = 16;
/// Side of the grey image that the hash is computed from.
const GREY: usize = 64;

/// A perceptual hash as four words.
pub type Hash = [u64; BITS / 64];

/// The statistics of one image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ImageStatistics {
    pub hash: Hash,
    /// Hash of the mirror image.
    pub mirrored: Hash,
    /// In pixels, upright.
    pub width: u32,
    pub height: u32,
    /// Mean and standard deviation of the luma (0.299 R + 0.587 G + 0.114 B), 0 to 255.
    pub light: f32,
    pub contrast: f32,
}

/// Bits in which two hashes differ.
pub fn distance(a: &Hash, b: &Hash) -> u32 {
    a.iter().zip(b).map(|(a, b)| (a ^ b).count_ones()).sum()
}

/// The statistics of files, by the hash of their content; files that cannot be decoded are left out.
///
/// # Errors
/// A stop; statistics computed until then are kept.
pub fn statistics_of(
    files: &[(ContentHash, PathBuf)],
    cache: &Path,
    monitor: &dyn Monitor,
) -> Result<BTreeMap<ContentHash, ImageStatistics>> {
    let cache = Cache { path: cache, what: "looks", load: &|| load(cache), to_csv: &to_csv };
    let decoded = |path: &Path| measure(&imaging::decode(&std::fs::read(path).ok()?).ok()?);
    cache.completed(files, 100, decoded, monitor)
}

/// The statistics of an image.
pub fn measure(picture: &Pixels) -> Option<ImageStatistics> {
    let small = imaging::resize(picture, GREY);
    let luma = |rgb: &[u8]| 0.299 * f32::from(rgb[0]) + 0.587 * f32::from(rgb[1]) + 0.114 * f32::from(rgb[2]);
    let values: Vec<f32> = small.rgb().chunks_exact(3).map(luma).collect();
    let light = values.iter().sum::<f32>() / values.len() as f32;
    let spread = values.iter().map(|value| (value - light).powi(2)).sum::<f32>() / values.len() as f32;
    let bytes = values.iter().map(|value| value.round() as u8).collect();
    let grey = GrayImage::from_raw(GREY as u32, GREY as u32, bytes)?;
    let hasher = hasher();
    Some(ImageStatistics {
        hash: words(&hasher, &grey),
        mirrored: words(&hasher, &imageops::flip_horizontal(&grey)),
        width: u32::try_from(picture.width()).ok()?,
        height: u32::try_from(picture.height()).ok()?,
        light,
        contrast: spread.sqrt(),
    })
}

fn hasher() -> Hasher<[u8; BITS / 8]> {
    HasherConfig::with_bytes_type::<[u8; BITS / 8]>().hash_alg(HashAlg::Gradient).hash_size(SIDE, SIDE).to_hasher()
}

fn words(hasher: &Hasher<[u8; BITS / 8]>, grey: &GrayImage) -> Hash {
    let mut hash = [0; BITS / 64];
    for (word, bytes) in hash.iter_mut().zip(hasher.hash_image(grey).as_bytes().chunks(8)) {
        *word = bytes.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
    }
    hash
}

const HEADER: [&str; 7] = ["hash", "looks (version 1)", "mirrored", "width", "height", "light", "contrast"];

fn hex(hash: &Hash) -> String {
    hash.iter().map(|word| format!("{word:016x}")).collect()
}

fn unhex(text: &str) -> Option<Hash> {
    let mut hash = [0; BITS / 64];
    for (at, word) in hash.iter_mut().enumerate() {
        *word = u64::from_str_radix(text.get(at * 16..at * 16 + 16)?, 16).ok()?;
    }
    (text.len() == BITS / 4).then_some(hash)
}

fn to_csv(known: &BTreeMap<ContentHash, ImageStatistics>) -> Result<Vec<u8>, csv::Error> {
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record(HEADER)?;
    for (hash, statistics) in known {
        out.write_record([
            hash.to_string(),
            hex(&statistics.hash),
            hex(&statistics.mirrored),
            statistics.width.to_string(),
            statistics.height.to_string(),
            statistics.light.to_string(),
            statistics.contrast.to_string(),
        ])?;
    }
    out.into_inner().map_err(|error| csv::Error::from(error.into_error()))
}

/// The cached statistics; empty where the cache is absent, damaged or of another version.
fn load(cache: &Path) -> BTreeMap<ContentHash, ImageStatistics> {
    let parse = || {
        let mut reader = csv::Reader::from_path(cache).ok()?;
        if *reader.headers().ok()? != HEADER[..] {
            return None;
        }
        reader
            .records()
            .map(|row| {
                let row = row.ok()?;
                let statistics = ImageStatistics {
                    hash: unhex(row.get(1)?)?,
                    mirrored: unhex(row.get(2)?)?,
                    width: row.get(3)?.parse().ok()?,
                    height: row.get(4)?.parse().ok()?,
                    light: row.get(5)?.parse().ok()?,
                    contrast: row.get(6)?.parse().ok()?,
                };
                Some((row.get(0)?.parse().ok()?, statistics))
            })
            .collect()
    };
    parse().unwrap_or_default()
}
