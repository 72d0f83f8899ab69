//! The common part of both `torch.save` formats: a pickled dictionary of tensors, each a view of a storage.

use super::pickle::{Global, Id, Unpickled, Value};
use super::{Dtype, Index, MAX_DIMENSIONS, TensorInfo, shown};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

/// Keys under which training programs store the state dictionary in a larger checkpoint, in the order tried.
const NESTS: [&str; 9] =
    ["state_dict", "model_state_dict", "model", "net", "network", "module", "weights", "params", "model_ema"];

/// A tensor as the pickle describes it: a view of a storage.
#[derive(Debug)]
pub(super) struct View {
    /// Key of the storage.
    pub(super) key: String,
    offset: usize,
    shape: Vec<usize>,
    strides: Vec<usize>,
}

/// A storage as the pickle describes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Storage {
    pub(super) dtype: Dtype,
    /// Values in the whole storage.
    pub(super) count: usize,
}

impl Storage {
    pub(super) fn bytes(self) -> Option<usize> {
        self.count.checked_mul(self.dtype.width())
    }
}

/// A state dictionary: its tensors by name, and all storages of the pickle by key.
#[derive(Debug, Default)]
pub(super) struct StateDict {
    pub(super) views: BTreeMap<String, View>,
    pub(super) storages: HashMap<String, Storage>,
    /// Names of functions and classes whose results are stored next to the tensors.
    pub(super) foreign: Vec<String>,
}

impl StateDict {
    /// Finds the tensors in an unpickled object: at the top, or under one of the usual keys. Other entries are passed
    /// over.
    pub(super) fn find(object: &Unpickled) -> Result<Self, String> {
        let storages = storages(object)?;
        let pairs = dictionary(object, object.root(), 2)?;
        let foreign = object.foreign().into_iter().map(str::to_owned).collect();
        let mut views = BTreeMap::new();
        for (name, arguments) in pairs {
            let view = describe(object, arguments, &storages)
                .ok_or_else(|| format!("its tensor `{}` is not described as torch does", shown(name)))?;
            views.insert(name.to_owned(), view);
        }
        Ok(Self { views, storages, foreign })
    }

    /// The index of tensors.
    pub(super) fn index(&self) -> Index {
        let info = |view: &View| TensorInfo { shape: view.shape.clone(), dtype: self.storage(view).dtype };
        self.views.iter().map(|(name, view)| (name.clone(), info(view))).collect()
    }

    pub(super) fn storage(&self, view: &View) -> Storage {
        // `describe` accepts no view of an unknown storage.
        self.storages.get(&view.key).copied().unwrap_or(Storage { dtype: Dtype::Other(1), count: 0 })
    }
}

/// The tensors of a dictionary, or of the first nested dictionary that has tensors.
fn dictionary<'a>(object: &'a Unpickled, value: &'a Value, depth: usize) -> Result<Vec<(&'a str, Id)>, String> {
    let Value::Dict(pairs) = value else {
        return Err(match object.maker(value) {
            Some(maker) => format!(
                "it holds `{maker}`, not a dictionary of tensors; nothing was executed (if you trust it, load it in Python \
                 and save its state_dict() alone)"
            ),
            None => "it does not hold a dictionary of tensors".into(),
        });
    };
    let named = |&(key, value): &(Id, Id)| match object.get(key) {
        Value::Text(name) => Some((name.as_str(), object.get(value))),
        _ => None,
    };
    let tensors: Vec<(&str, Id)> = pairs
        .iter()
        .filter_map(named)
        .filter_map(|(name, value)| match value {
            Value::Tensor(arguments) => Some((name, *arguments)),
            _ => None,
        })
        .collect();
    if !tensors.is_empty() {
        return Ok(tensors);
    }
    let inner = |nest: &str| pairs.iter().filter_map(named).find(|(name, _)| *name == nest).map(|(_, value)| value);
    let nested = NESTS.iter().filter(|_| depth > 0).filter_map(|nest| inner(nest));
    nested
        .filter_map(|value| dictionary(object, value, depth - 1).ok())
        .next()
        .ok_or_else(|| "it holds no tensors at the top of its dictionary nor in its `state_dict`".into())
}

/// Every storage that the pickle mentions, used by the state dictionary or not. A reference is `('storage', type, key,
/// device, count)`, in older files with None as a sixth item.
fn storages(object: &Unpickled) -> Result<HashMap<String, Storage>, String> {
    let mut found = HashMap::new();
    for value in object.values() {
        let Value::Persistent(reference) = value else { continue };
        let tag = tuple(object, *reference).and_then(|items| items.first()).map(|&tag| object.get(tag));
        if tag != Some(&Value::Text("storage".into())) {
            return Err("it refers to something that is not a storage of torch".into());
        }
        // A type that weights do not have: a tensor with it is reported when it is described.
        let Some((key, storage)) = storage(object, *reference) else { continue };
        if found.insert(key.to_owned(), storage).is_some_and(|before| before != storage) {
            return Err(format!("its storage {} is described in two ways", shown(key)));
        }
    }
    Ok(found)
}

fn storage(object: &Unpickled, reference: Id) -> Option<(&str, Storage)> {
    let &[tag, kind, key, _, count, ref rest @ ..] = tuple(object, reference)? else { return None };
    let (Value::Text(tag), Value::Global(Global::Storage(dtype)), Value::Text(key)) =
        (object.get(tag), object.get(kind), object.get(key))
    else {
        return None;
    };
    let whole = rest.iter().all(|&view| *object.get(view) == Value::None);
    (tag == "storage" && whole).then_some(())?;
    Some((key, Storage { dtype: *dtype, count: number(object, count)? }))
}

/// `_rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks)`; older files have `_rebuild_tensor` with
/// the first four.
fn describe(object: &Unpickled, arguments: Id, storages: &HashMap<String, Storage>) -> Option<View> {
    let &[reference, offset, shape, strides, ..] = tuple(object, arguments)? else { return None };
    let Value::Persistent(reference) = object.get(reference) else { return None };
    let (key, _) = storage(object, *reference)?;
    let numbers = |id| {
        let items = tuple(object, id).filter(|items| items.len() <= MAX_DIMENSIONS)?;
        items.iter().map(|&item| number(object, item)).collect::<Option<Vec<usize>>>()
    };
    let (shape, strides) = (numbers(shape)?, numbers(strides)?);
    let view = View { key: key.to_owned(), offset: number(object, offset)?, shape, strides };
    (storages.contains_key(key) && view.shape.len() == view.strides.len()).then_some(view)
}

fn tuple(object: &Unpickled, id: Id) -> Option<&[Id]> {
    match object.get(id) {
        Value::Tuple(items) => Some(items),
        _ => None,
    }
}

fn number(object: &Unpickled, id: Id) -> Option<usize> {
    match object.get(id) {
        Value::Int(number) => usize::try_from(*number).ok(),
        _ => None,
    }
}

impl View {
    /// The viewed values in row-major order, from the bytes of the whole storage.
    pub(super) fn gather<'a>(&self, storage: Storage, bytes: Cow<'a, [u8]>) -> Result<Cow<'a, [u8]>, String> {
        let outside = || "reaches outside its storage".to_owned();
        let width = storage.dtype.width();
        let mut count = 1_usize;
        let mut last = self.offset;
        for (&length, &stride) in self.shape.iter().zip(&self.strides) {
            count = count.checked_mul(length).ok_or_else(outside)?;
            let reach = length.saturating_sub(1).checked_mul(stride).ok_or_else(outside)?;
            last = last.checked_add(reach).ok_or_else(outside)?;
        }
        if count == 0 {
            return Ok(Cow::Borrowed(&[]));
        }
        if last >= storage.count || storage.bytes() != Some(bytes.len()) {
            return Err(outside());
        }
        // Both products are within the storage.
        let size = count.checked_mul(width).ok_or_else(outside)?;
        if self.is_contiguous() {
            let start = self.offset * width;
            let cut = |bytes: &'a [u8]| bytes.get(start..start + size);
            return match bytes {
                Cow::Borrowed(bytes) => cut(bytes).map(Cow::Borrowed).ok_or_else(outside),
                Cow::Owned(bytes) if start == 0 && bytes.len() == size => Ok(Cow::Owned(bytes)),
                Cow::Owned(bytes) => {
                    bytes.get(start..start + size).map(|cut| Cow::Owned(cut.to_vec())).ok_or_else(outside)
                }
            };
        }
        let mut gathered = Vec::with_capacity(size);
        self.walk(count, |place| gathered.extend_from_slice(&bytes[place * width..(place + 1) * width]));
        Ok(Cow::Owned(gathered))
    }

    fn is_contiguous(&self) -> bool {
        let mut expected = 1;
        for (&length, &stride) in self.shape.iter().zip(&self.strides).rev() {
            if length != 1 && stride != expected {
                return false;
            }
            expected *= length;
        }
        true
    }

    /// Iterates over the view like an odometer. Every offset visited was checked to be inside the storage; between two
    /// visits the offset may leave it, and wrap, because the stride of an axis of length 1 is not bounded.
    fn walk(&self, count: usize, mut visit: impl FnMut(usize)) {
        let mut index = vec![0; self.shape.len()];
        let mut place = self.offset;
        for _ in 0..count {
            visit(place);
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
    }
}
