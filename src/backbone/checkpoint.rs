//! The file that `torch.save` wrote before PyTorch 1.6: five pickles, then the storages one after the other.

use super::pickle::{self, Element, Pickle, TensorView, Value};
use std::collections::{BTreeMap, HashMap};

/// A tensor of weights, row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct Weight {
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

/// Tensors by name.
pub type Weights = BTreeMap<String, Weight>;

/// torch's magic number 0x1950a86a20f9469cfc6c, as its pickle holds it.
const MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

/// What legacy files call themselves.
const PROTOCOL: i64 = 1001;

/// Reads the floating-point tensors of a legacy file whose top value is a state dict. Integer tensors (counters of
/// batches) are left out.
///
/// # Errors
/// In a few words, to be put after the file's path: what was refused or is damaged.
pub fn read_legacy(bytes: &[u8]) -> Result<Weights, String> {
    let mut rest = bytes;
    let mut next = || -> Result<Pickle, String> {
        let pickle = pickle::read(rest)?;
        rest = &rest[pickle.length..];
        Ok(pickle)
    };
    match next()?.value {
        Value::Long(magic) if magic.as_ref() == MAGIC => {}
        _ => return Err("is not a file that torch saved in its older format".into()),
    }
    match next()?.value {
        Value::Int(PROTOCOL) => {}
        _ => return Err("has another version of torch's older format than 1001".into()),
    }
    check_system(&next()?)?;
    let object = next()?;
    let keys = next()?;
    let storages = storages(&object, &keys, rest)?;
    let Value::Dict(top) = object.value else {
        return Err("holds no state dict; save it again with torch.save(model.state_dict())".into());
    };
    let entries = object.dicts.get(top).map(Vec::as_slice).unwrap_or_default();
    // However many tensors share a storage, the whole may not outgrow the file by much.
    let mut room = bytes.len();
    let mut weights = Weights::new();
    for (name, value) in entries {
        let (Value::Text(name), Value::Tensor(view)) = (name, value) else {
            return Err("holds other things than named tensors; save it again with torch.save(model.state_dict())".into());
        };
        if matches!(view.element, Element::I64 | Element::I32) {
            continue;
        }
        let storage = storages.get(view.storage.as_ref()).copied().ok_or("lacks the data of a tensor; fetch it again")?;
        let values = gather(view, storage, &mut room).ok_or_else(|| format!("describes {name} wrongly; fetch it again"))?;
        weights.insert(name.to_string(), Weight { shape: view.shape.clone(), values });
    }
    Ok(weights)
}

/// The third pickle says how the numbers lie.
fn check_system(pickle: &Pickle) -> Result<(), String> {
    let Value::Dict(index) = pickle.value else { return Err("is damaged; fetch it again".into()) };
    let big = pickle.dicts.get(index).into_iter().flatten().any(|(key, value)| {
        matches!((key, value), (Value::Text(key), Value::Bool(false)) if key.as_ref() == "little_endian")
    });
    if big { Err("was saved on a big-endian machine; save it again on another".into()) } else { Ok(()) }
}

/// The bytes of each storage: in the order of the fifth pickle, each behind its number of elements.
fn storages<'a>(object: &Pickle, keys: &Pickle, mut rest: &'a [u8]) -> Result<HashMap<String, &'a [u8]>, String> {
    let mut described: HashMap<&str, (Element, usize)> = HashMap::new();
    for (_, value) in object.dicts.iter().flatten() {
        if let Value::Tensor(view) = value {
            described.insert(view.storage.as_ref(), (view.element, view.storage_len));
        }
    }
    let Value::List(list) = keys.value else { return Err("is damaged; fetch it again".into()) };
    let mut storages = HashMap::new();
    for key in keys.lists.get(list).into_iter().flatten() {
        let Value::Text(key) = key else { return Err("is damaged; fetch it again".into()) };
        let Some((element, described_len)) = described.get(key.as_ref()).copied() else {
            return Err("holds data that no tensor uses; save it again with torch.save(model.state_dict())".into());
        };
        let short = || "ends in the middle; it was cut short, fetch it again".to_owned();
        let (count, after) = rest.split_first_chunk::<8>().ok_or_else(short)?;
        let count = usize::try_from(u64::from_le_bytes(*count)).map_err(|_| short())?;
        if count != described_len {
            return Err("contradicts itself about the size of a tensor; fetch it again".into());
        }
        let length = count.checked_mul(element.size()).filter(|length| *length <= after.len()).ok_or_else(short)?;
        let (data, after) = after.split_at(length);
        storages.insert(key.to_string(), data);
        rest = after;
    }
    Ok(storages)
}

/// The elements of a view in row-major order; none if any of them lies outside the storage or there is no room.
fn gather(view: &TensorView, storage: &[u8], room: &mut usize) -> Option<Vec<f32>> {
    let size = view.element.size();
    let count = view.shape.iter().try_fold(1usize, |product, size| product.checked_mul(*size))?;
    *room = room.checked_sub(count)?;
    if count == 0 {
        return Some(Vec::new());
    }
    let last = view
        .shape
        .iter()
        .zip(&view.strides)
        .try_fold(view.offset, |sum, (size, stride)| sum.checked_add((size - 1).checked_mul(*stride)?))?;
    if last >= storage.len() / size {
        return None;
    }
    let mut values = Vec::with_capacity(count);
    let mut index = vec![0usize; view.shape.len()];
    for _ in 0..count {
        let place: usize = view.offset + index.iter().zip(&view.strides).map(|(i, stride)| i * stride).sum::<usize>();
        values.push(number(view.element, &storage[place * size..place * size + size]));
        for (i, size) in index.iter_mut().zip(&view.shape).rev() {
            *i += 1;
            if *i < *size {
                break;
            }
            *i = 0;
        }
    }
    Some(values)
}

/// One little-endian number as f32.
fn number(element: Element, bytes: &[u8]) -> f32 {
    match (element, bytes) {
        (Element::F32, &[a, b, c, d]) => f32::from_le_bytes([a, b, c, d]),
        (Element::F64, &[a, b, c, d, e, f, g, h]) => f64::from_le_bytes([a, b, c, d, e, f, g, h]) as f32,
        (Element::F16, &[a, b]) => half::f16::from_le_bytes([a, b]).to_f32(),
        (Element::BF16, &[a, b]) => half::bf16::from_le_bytes([a, b]).to_f32(),
        // Integers are left out before this; a wrong length cannot come here.
        _ => f32::NAN,
    }
}
