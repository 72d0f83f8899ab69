//! Files of `torch.save` before version 1.6 (not a zip archive): five pickles, then the values.
//!
//! Layout (torch `serialization.py`, `_legacy_save`): a magic number, the protocol version, properties of the writer's
//! machine, the object itself without storages, the sorted keys of the storages; then for each key an 8-byte count and
//! that many little-endian values.

use super::pickle::{self, Unpickled, Value};
use super::pickle_machine::take;
use super::torch::{StateDict, Storage};
use super::{Index, Reader, TensorInfo, shown};
use bytes::Bytes;
use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

const MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
const PROTOCOL: i64 = 1001;

struct LegacyFile {
    file: Bytes,
    state: StateDict,
    /// The bytes of every storage in the file.
    places: HashMap<String, Range<usize>>,
}

pub(super) fn open(file: &Bytes) -> Result<(Index, Box<dyn Reader>), String> {
    let mut rest: &[u8] = file;
    let foreign = "it is a pickle, but not a file of torch.save (its magic number is missing)";
    let magic = pickle::read(&mut rest).map_err(|reason| if file.len() < 64 { reason } else { foreign.into() })?;
    if *magic.root() != Value::Long(MAGIC.to_vec()) {
        return Err(foreign.into());
    }
    if *pickle::read(&mut rest)?.root() != Value::Int(PROTOCOL) {
        return Err("it has an unknown version of torch's format".into());
    }
    check_machine(&pickle::read(&mut rest)?)?;
    let object = pickle::read(&mut rest)?;
    let keys = pickle::read(&mut rest)?;
    let state = StateDict::find(&object)?;
    let places = cut_storages(&keys, &state.storages, file.len() - rest.len(), file)?;
    Ok((state.index(), Box::new(LegacyFile { file: file.clone(), state, places })))
}

fn check_machine(facts: &Unpickled) -> Result<(), String> {
    let Value::Dict(pairs) = facts.root() else {
        return Err("it does not say on what machine it was written".into());
    };
    let big_endian = pairs.iter().any(|&(key, value)| {
        *facts.get(key) == Value::Text("little_endian".into()) && *facts.get(value) != Value::Bool(true)
    });
    if big_endian { Err("it was written on a big-endian machine".into()) } else { Ok(()) }
}

/// Where the values of every storage are, in the order of the key list, which ends at `at`.
fn cut_storages(
    keys: &Unpickled,
    storages: &HashMap<String, Storage>,
    mut at: usize,
    file: &[u8],
) -> Result<HashMap<String, Range<usize>>, String> {
    let Value::List(listed) = keys.root() else {
        return Err("it does not list its storages".into());
    };
    let mut places = HashMap::new();
    for &key in listed {
        let known = match keys.get(key) {
            Value::Text(key) => storages.get(key).map(|storage| (key, *storage)),
            _ => None,
        };
        let (key, storage) = known.ok_or("it lists a storage that its pickle does not mention")?;
        let mut rest = file.get(at..).unwrap_or_default();
        let count = u64::from_le_bytes(take(&mut rest)?);
        if usize::try_from(count) != Ok(storage.count) {
            return Err(format!("a storage of {} values claims to have {count}", storage.count));
        }
        let bytes = storage.bytes().filter(|&bytes| bytes <= rest.len()).ok_or("it is truncated")?;
        places.insert(key.clone(), at + 8..at + 8 + bytes);
        at += 8 + bytes;
    }
    if let Some(view) = places_lack(&places, storages) {
        return Err(format!("its storage {} has no numbers in the file", shown(view)));
    }
    Ok(places)
}

fn places_lack<'a>(places: &HashMap<String, Range<usize>>, storages: &'a HashMap<String, Storage>) -> Option<&'a str> {
    storages.keys().find(|key| !places.contains_key(*key)).map(String::as_str)
}

impl Reader for LegacyFile {
    fn read(&self, name: &str, _: &TensorInfo) -> Result<Cow<'_, [u8]>, String> {
        let view = self.state.views.get(name).ok_or("is not there")?;
        let place = self.places.get(&view.key).ok_or("has no numbers in the file")?;
        let bytes = self.file.get(place.clone()).ok_or("has no numbers in the file")?;
        view.gather(self.state.storage(view), Cow::Borrowed(bytes))
    }

    fn foreign(&self) -> &[String] {
        &self.state.foreign
    }
}
