//! Files of `torch.save` since version 1.6: a zip archive with `NAME/data.pkl`, the object without storages, and
//! `NAME/data/KEY`, the little-endian values of each storage (torch `serialization.py`, `_save`).

use super::pickle;
use super::torch::StateDict;
use super::{Index, Reader, TensorInfo, limit};
use bytes::Bytes;
use std::borrow::Cow;
use std::io::{Cursor, Read};
use zip::ZipArchive;

/// Maximum size of an unpacked pickle; the largest networks need some hundred kilobytes.
const MAX_PICKLE: u64 = 64 << 20;

struct ZipFile {
    archive: ZipArchive<Cursor<Bytes>>,
    /// Common prefix of all names in the archive.
    folder: String,
    state: StateDict,
    /// Maximum size of a storage, in bytes.
    limit: usize,
}

pub(super) fn open(file: &Bytes) -> Result<(Index, Box<dyn Reader>), String> {
    let archive = ZipArchive::new(Cursor::new(file.clone()))
        .map_err(|error| format!("its zip archive is damaged or truncated ({error})"))?;
    let folder = archive.file_names().filter_map(|name| name.strip_suffix("data.pkl")).next();
    let folder = folder.filter(|folder| folder.is_empty() || folder.ends_with('/')).map(str::to_owned);
    let Some(folder) = folder else {
        return Err("it is a zip archive without the `data.pkl` of torch.save".into());
    };
    if archive.index_for_name(&format!("{folder}constants.pkl")).is_some() {
        return Err("it is a TorchScript program; load it with torch.jit.load and save its state_dict()".into());
    }
    let mut zip = ZipFile { archive, folder, state: StateDict::default(), limit: limit(file) };
    let order = zip.member("byteorder", 16).unwrap_or_else(|_| b"little".to_vec());
    if order != b"little" {
        return Err("it was written on a big-endian machine".into());
    }
    let pickled = zip.member("data.pkl", MAX_PICKLE)?;
    zip.state = StateDict::find(&pickle::read(&mut pickled.as_slice())?)?;
    Ok((zip.state.index(), Box::new(zip)))
}

impl ZipFile {
    /// A member of at most `largest` bytes, its checksum checked.
    fn member(&self, name: &str, largest: u64) -> Result<Vec<u8>, String> {
        // The clone shares the directory; reading needs a cursor of its own.
        let mut archive = self.archive.clone();
        let mut member = archive
            .by_name(&format!("{}{name}", self.folder))
            .map_err(|error| format!("cannot be unpacked: `{name}` ({error})"))?;
        let mut bytes = Vec::new();
        // The claimed size is not reserved: memory grows with the actual data.
        member
            .by_ref()
            .take(largest + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| format!("cannot be unpacked: `{name}` ({error})"))?;
        if bytes.len() as u64 > largest {
            return Err(format!("unpacks `{name}` to more than it may"));
        }
        Ok(bytes)
    }
}

impl Reader for ZipFile {
    fn read(&self, name: &str, _: &TensorInfo) -> Result<Cow<'_, [u8]>, String> {
        let view = self.state.views.get(name).ok_or("is not there")?;
        let storage = self.state.storage(view);
        let bytes = storage.bytes().filter(|&bytes| bytes <= self.limit);
        let bytes = bytes.ok_or("is in a storage that claims more numbers than the file can hold")?;
        let member = self.member(&format!("data/{}", view.key), bytes as u64)?;
        view.gather(storage, Cow::Owned(member))
    }

    fn foreign(&self) -> &[String] {
        &self.state.foreign
    }
}
