//! Joining the small parts that many writers leave: file systems that many machines share suffer from many small files.

use super::identity::Dtype;
use super::part::{self, PartName};
use super::rows::Rows;
use super::store::Store;
use super::writer::PartWriter;
use crate::dataset::ContentHash;
use crate::error::{Error, Result};
use crate::monitor::Monitor;
use ndarray::Array2;

/// Parts below this size are joined, bytes.
const SMALL: usize = 16 << 20;

/// Parts end at this size, bytes.
const JOINED: usize = 64 << 20;

/// Rows that are copied at a time.
const BLOCK: usize = 1024;

/// What was joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compaction {
    /// Parts before and after.
    pub before: usize,
    pub after: usize,
    /// Rows that were copied.
    pub rows: usize,
}

/// Joins the parts of a store that are smaller than 16 MB to parts of up to 64 MB. Their rows are held against their
/// checksums first, and parts are removed only once the joined ones are there; so neither a kill nor readers, writers and
/// other compactions at the same time lose a row.
///
/// # Errors
/// [`Error::stopped`] after a stop; a folder that cannot be written.
pub fn compact(store: &mut Store, monitor: &dyn Monitor) -> Result<Compaction> {
    let row_bytes = store.identity().width.max(1) * store.identity().dtype.bytes();
    let before = store.parts();
    let unchanged = Compaction { before, after: before, rows: 0 };
    let small = store.parts_below(SMALL / row_bytes);
    if small.len() < 2 {
        return Ok(unchanged);
    }
    store.verify(&store.keys_in(&small), monitor)?;
    // What was found damaged just now is not among them any more.
    let keys = store.keys_in(&small);
    let mut writer = PartWriter::open(store, usize::MAX, monitor)?;
    writer.end_parts_at(JOINED);
    for block in keys.chunks(BLOCK) {
        if monitor.stopped() {
            return Err(Error::stopped());
        }
        writer.push(block, &rows(writer.store(), block)?)?;
    }
    writer.flush()?;
    let written = writer.parts_written() as usize;
    drop(writer);
    let damaged: Vec<PartName> = store.damaged().iter().map(|damaged| damaged.name.clone()).collect();
    let names: Vec<&PartName> = small.iter().filter(|name| !damaged.contains(name)).collect();
    names.iter().try_for_each(|name| part::remove(store.folder(), name))?;
    Ok(Compaction { before, after: before + written - names.len(), rows: keys.len() })
}

fn rows(store: &Store, keys: &[ContentHash]) -> Result<Rows> {
    Ok(match store.identity().dtype {
        Dtype::U16 => {
            let mut rows = Array2::zeros((keys.len(), store.identity().width));
            store.gather_u16_into(keys, &mut rows.view_mut())?;
            Rows::U16(rows)
        }
        // Half precision to 32 bits and back is exact.
        Dtype::F32 | Dtype::Bf16 | Dtype::F16 => Rows::F32(store.rows_f32(keys)?),
    })
}
