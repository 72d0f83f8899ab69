//! Compaction: joins the small parts of many writers, since shared file systems suffer from many small files.

use super::identity::Dtype;
use super::part::{self, PartName};
use super::rows::Rows;
use super::store::Store;
use super::writer::PartWriter;
use crate::dataset::ContentHash;
use crate::error::{Error, Result};
use crate::monitor::Monitor;
use ndarray::Array2;

/// Parts below this size in bytes are joined.
const SMALL: usize = 16 << 20;

/// Maximum size of a joined part, in bytes.
const JOINED: usize = 64 << 20;

/// Rows copied at a time.
const BLOCK: usize = 1024;

/// The result of a compaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compaction {
    /// Number of parts before and after.
    pub before: usize,
    pub after: usize,
    /// Rows that were copied.
    pub rows: usize,
}

/// Joins the parts of a store that are smaller than 16 MB to parts of up to 64 MB. Their rows are first verified
/// against their checksums, and old parts are removed only when the joined ones exist; so neither a kill nor concurrent
/// readers, writers and compactions lose a row.
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
    // Parts just found to be damaged are no longer among them.
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
        // Converting f16 to f32 and back is exact.
        Dtype::F32 | Dtype::Bf16 | Dtype::F16 => Rows::F32(store.rows_f32(keys)?),
    })
}
