//! Files of `torch.save` before version 1.6 (not a zip archive): five pickles, then the numbers.
//!
//! Layout (torch `serialization.py`, `_legacy_save`): a magic number, the protocol version, facts about the writer's
//! machine, the object itself with storages left out, the sorted keys of the storages; then for each key an 8-byte
//! count and that many little-endian values.

use super::pickle::{self, Global, Unpickled, Value, shown};
use std::collections::{BTreeMap, HashMap};

const MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
const PROTOCOL: i64 = 1001;
const MAX_DIMENSIONS: usize = 8;

/// The numbers of a tensor, row-major.
#[derive(Debug, Clone, PartialEq)]
pub enum Numbers {
    F32(Vec<f32>),
    I64(Vec<i64>),
}

/// A tensor read from a foreign file. `shape` and the count of numbers agree.
#[derive(Debug, Clone, PartialEq)]
pub struct RawTensor {
    pub shape: Vec<usize>,
    pub numbers: Numbers,
}

/// Reads the tensors of a state dictionary by name; entries that are not tensors are passed over.
///
/// Executes nothing, and allocates no more than a small multiple of `bytes`, whatever the file claims. The error is
/// a reason without the file's name.
pub fn read(bytes: &[u8]) -> Result<BTreeMap<String, RawTensor>, String> {
    if bytes.starts_with(b"PK\x03\x04") {
        return Err("it is a zip archive (torch.save since 1.6), and this reader takes the older format".into());
    }
    let mut rest = bytes;
    let foreign = "it is not a file of torch.save (its magic number is missing)";
    let magic = pickle::read(&mut rest).map_err(|reason| if bytes.len() < 64 { reason } else { foreign.into() })?;
    if *magic.root() != Value::Long(MAGIC.to_vec()) {
        return Err(foreign.into());
    }
    if *pickle::read(&mut rest)?.root() != Value::Int(PROTOCOL) {
        return Err("it has an unknown version of torch's format".into());
    }
    check_machine(&pickle::read(&mut rest)?)?;
    let object = pickle::read(&mut rest)?;
    let keys = pickle::read(&mut rest)?;

    let tensors = describe_tensors(&object)?;
    let storages = cut_storages(&keys, &tensors, rest)?;
    let mut budget = 2 * bytes.len();
    tensors
        .into_iter()
        .map(|(name, tensor)| {
            let numbers = tensor
                .read(&storages, &mut budget)
                .map_err(|reason| format!("its tensor `{}` {reason}", shown(&name)))?;
            Ok((name, RawTensor { shape: tensor.shape, numbers }))
        })
        .collect()
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

/// A tensor as the pickle describes it: a view into a storage.
#[derive(Debug)]
struct View<'a> {
    key: &'a str,
    kind: Global,
    /// Values in the whole storage.
    stored: usize,
    offset: usize,
    shape: Vec<usize>,
    strides: Vec<usize>,
}

fn describe_tensors(object: &Unpickled) -> Result<BTreeMap<String, View<'_>>, String> {
    let Value::Dict(pairs) = object.root() else {
        return Err("it does not hold a dictionary of tensors".into());
    };
    let mut tensors = BTreeMap::new();
    for &(key, value) in pairs {
        if let (Value::Text(name), Value::Tensor(arguments)) = (object.get(key), object.get(value)) {
            let view = describe_view(object, *arguments)
                .ok_or_else(|| format!("its tensor `{}` is not described as torch does", shown(name)))?;
            tensors.insert(name.clone(), view);
        }
    }
    if tensors.is_empty() {
        return Err("it holds no tensors at the top of its dictionary".into());
    }
    Ok(tensors)
}

/// `_rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks)`, the storage being
/// `('storage', type, key, device, count, view)`.
fn describe_view(object: &Unpickled, arguments: pickle::Id) -> Option<View<'_>> {
    let tuple = |id| match object.get(id) {
        Value::Tuple(items) => Some(items.as_slice()),
        _ => None,
    };
    let count = |id| match object.get(id) {
        Value::Int(number) => usize::try_from(*number).ok(),
        _ => None,
    };
    let &[storage, offset, shape, strides, _, _] = tuple(arguments)? else { return None };
    let Value::Persistent(storage) = object.get(storage) else { return None };
    let &[tag, kind, key, _, stored, view] = tuple(*storage)? else { return None };
    let (Value::Text(tag), Value::Global(kind), Value::Text(key), Value::None) =
        (object.get(tag), object.get(kind), object.get(key), object.get(view))
    else {
        return None;
    };
    let counts = |id| {
        let items = tuple(id).filter(|items| items.len() <= MAX_DIMENSIONS)?;
        items.iter().map(|&item| count(item)).collect::<Option<Vec<usize>>>()
    };
    let view = View {
        key,
        kind: *kind,
        stored: count(stored)?,
        offset: count(offset)?,
        shape: counts(shape)?,
        strides: counts(strides)?,
    };
    let known = matches!(kind, Global::FloatStorage | Global::LongStorage);
    (tag == "storage" && known && view.shape.len() == view.strides.len()).then_some(view)
}

/// Bytes per value.
fn width(kind: Global) -> usize {
    if kind == Global::LongStorage { 8 } else { 4 }
}

/// The bytes of every storage, in the order of the key list.
fn cut_storages<'a>(
    keys: &Unpickled,
    tensors: &BTreeMap<String, View<'_>>,
    mut rest: &'a [u8],
) -> Result<HashMap<String, &'a [u8]>, String> {
    let described: HashMap<&str, (Global, usize)> =
        tensors.values().map(|view| (view.key, (view.kind, view.stored))).collect();
    if let Some(view) = tensors.values().find(|view| described.get(view.key) != Some(&(view.kind, view.stored))) {
        return Err(format!("its storage {} is described in two ways", shown(view.key)));
    }
    let Value::List(keys_listed) = keys.root() else {
        return Err("it does not list its storages".into());
    };
    let mut storages = HashMap::new();
    for &key in keys_listed {
        let known = match keys.get(key) {
            Value::Text(key) => described.get(key.as_str()).map(|&(kind, stored)| (key, kind, stored)),
            _ => None,
        };
        let (key, kind, stored) = known.ok_or("it lists a storage that no tensor of its dictionary uses")?;
        let count = u64::from_le_bytes(pickle::take(&mut rest)?);
        if usize::try_from(count) != Ok(stored) {
            return Err(format!("a storage of {stored} values claims to have {count}"));
        }
        let bytes = stored.checked_mul(width(kind)).and_then(|length| rest.split_at_checked(length));
        let (numbers, behind) = bytes.ok_or("it is truncated")?;
        rest = behind;
        storages.insert(key.clone(), numbers);
    }
    Ok(storages)
}

impl View<'_> {
    /// Copies the viewed numbers out of their storage in row-major order, taking their bytes from the budget.
    fn read(&self, storages: &HashMap<String, &[u8]>, budget: &mut usize) -> Result<Numbers, String> {
        let storage = *storages.get(self.key).ok_or("has no numbers in the file")?;
        let outside = "reaches outside its storage";
        let mut count = 1_usize;
        let mut last = self.offset;
        for (&length, &stride) in self.shape.iter().zip(&self.strides) {
            count = count.checked_mul(length).ok_or(outside)?;
            let reach = length.saturating_sub(1).checked_mul(stride).ok_or(outside)?;
            last = last.checked_add(reach).ok_or(outside)?;
        }
        if count > 0 && last >= self.stored {
            return Err(outside.into());
        }
        let cost = count.checked_mul(width(self.kind)).ok_or(outside)?;
        *budget = budget.checked_sub(cost).ok_or("claims more numbers than the file can hold")?;
        Ok(if self.kind == Global::LongStorage {
            Numbers::I64(self.gather(storage, count, i64::from_le_bytes))
        } else {
            Numbers::F32(self.gather(storage, count, f32::from_le_bytes))
        })
    }

    /// Walks the view like an odometer. Every place read was checked to lie inside the storage; between two readings
    /// the place may leave it, and wrap, because the stride of an axis of length 1 was never bounded.
    fn gather<T, const WIDTH: usize>(&self, storage: &[u8], count: usize, read: fn([u8; WIDTH]) -> T) -> Vec<T> {
        let (values, _) = storage.as_chunks::<WIDTH>();
        let mut index = vec![0; self.shape.len()];
        let mut place = self.offset;
        let mut numbers = Vec::with_capacity(count);
        for _ in 0..count {
            numbers.push(read(values[place]));
            for axis in (0..self.shape.len()).rev() {
                index[axis] += 1;
                place = place.wrapping_add(self.strides[axis]);
                if index[axis] < self.shape[axis] {
                    break;
                }
                place = place.wrapping_sub(self.strides[axis].wrapping_mul(self.shape[axis]));
                index[axis] = 0;
            }
        }
        numbers
    }
}
