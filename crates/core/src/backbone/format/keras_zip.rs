//! `.keras` files of Keras 3: a zip archive with `model.weights.h5` next to the model's description.
//!
//! Keras stores that member uncompressed; a compressed one is unpacked into memory.

use super::{Index, Reader, keras_hdf5, limit};
use bytes::Bytes;
use std::io::{Cursor, Read};
use zip::{CompressionMethod, ZipArchive};

/// The member with the weights.
const WEIGHTS: &str = "model.weights.h5";

pub(super) fn recognise(file: &Bytes) -> bool {
    ZipArchive::new(Cursor::new(file.clone())).is_ok_and(|archive| archive.index_for_name(WEIGHTS).is_some())
}

pub(super) fn open(file: &Bytes) -> Result<(Index, Box<dyn Reader>), String> {
    let broken = |error: &dyn std::fmt::Display| format!("its `{WEIGHTS}` cannot be unpacked ({error})");
    let mut archive = ZipArchive::new(Cursor::new(file.clone()))
        .map_err(|error| format!("its zip archive is damaged or truncated ({error})"))?;
    let mut member = archive.by_name(WEIGHTS).map_err(|error| broken(&error))?;
    let most = limit(file);
    let weights = if member.compression() == CompressionMethod::Stored && !member.encrypted() {
        let start = member.data_start().and_then(|start| usize::try_from(start).ok());
        let range = start
            .zip(usize::try_from(member.size()).ok())
            .and_then(|(start, size)| start.checked_add(size).filter(|end| *end <= file.len()).map(|end| start..end));
        file.slice(range.ok_or_else(|| format!("its `{WEIGHTS}` reaches beyond its end"))?)
    } else {
        let mut bytes = Vec::new();
        member.by_ref().take(most as u64 + 1).read_to_end(&mut bytes).map_err(|error| broken(&error))?;
        if bytes.len() > most {
            return Err(format!("it unpacks `{WEIGHTS}` to more than it may"));
        }
        Bytes::from(bytes)
    };
    if !keras_hdf5::recognise(&weights) {
        return Err(format!("its `{WEIGHTS}` is not HDF5"));
    }
    keras_hdf5::open(&weights)
}
