//! A reader of Python pickles that executes nothing.
//!
//! Pickle is a stack machine whose programs can call any Python function. This reader knows the instructions of
//! protocols 2 to 5. It keeps the few functions that create tensors as descriptions, and the result of any other
//! function or class as an opaque value with the name of its maker: training arguments, NumPy scalars and dates are
//! stored next to the tensors and passed over. Reference: CPython `Lib/pickletools.py`.
//!
//! All values live in one arena and are referred to by index. So neither deep nesting nor cycles can overflow the call
//! stack, sharing costs nothing, and memory is bounded by the number of instructions.

use super::pickle_machine::Machine;
use super::{Dtype, shown};

/// Larger numbers of instructions are refused; the largest networks need some sixty thousand.
const MAX_INSTRUCTIONS: usize = 1_000_000;

/// Index of a value in the arena.
pub type Id = u32;

/// The globals that a pickle may use. None of them is ever called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Global {
    OrderedDict,
    /// Dictionaries whose first argument is the default factory.
    DefaultDict,
    RebuildTensor,
    RebuildParameter,
    /// A tensor of a subclass: function, class, arguments, state.
    RebuildTyped,
    /// The type of a storage's values.
    Storage(Dtype),
}

const GLOBALS: [(&str, &str, Global); 20] = [
    ("collections", "OrderedDict", Global::OrderedDict),
    ("collections", "defaultdict", Global::DefaultDict),
    ("torch._utils", "_rebuild_tensor", Global::RebuildTensor),
    ("torch._utils", "_rebuild_tensor_v2", Global::RebuildTensor),
    ("torch._utils", "_rebuild_parameter", Global::RebuildParameter),
    ("torch._utils", "_rebuild_parameter_with_state", Global::RebuildParameter),
    ("torch._tensor", "_rebuild_from_type_v2", Global::RebuildTyped),
    ("torch", "FloatStorage", Global::Storage(Dtype::F32)),
    ("torch", "DoubleStorage", Global::Storage(Dtype::F64)),
    ("torch", "HalfStorage", Global::Storage(Dtype::F16)),
    ("torch", "BFloat16Storage", Global::Storage(Dtype::Bf16)),
    ("torch", "LongStorage", Global::Storage(Dtype::I64)),
    ("torch", "IntStorage", Global::Storage(Dtype::Other(4))),
    ("torch", "ShortStorage", Global::Storage(Dtype::Other(2))),
    ("torch", "CharStorage", Global::Storage(Dtype::Other(1))),
    ("torch", "ByteStorage", Global::Storage(Dtype::Other(1))),
    ("torch", "BoolStorage", Global::Storage(Dtype::Other(1))),
    ("torch", "ComplexFloatStorage", Global::Storage(Dtype::Other(8))),
    ("torch", "ComplexDoubleStorage", Global::Storage(Dtype::Other(16))),
    ("torch.storage", "UntypedStorage", Global::Storage(Dtype::Other(1))),
];

/// One unpickled value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    None,
    Bool(bool),
    Int(i64),
    /// An integer beyond 64 bits, as its little-endian two's complement bytes: the magic number of torch files.
    Long(Vec<u8>),
    Float(f64),
    Text(String),
    /// Bytes, and text that is not UTF-8. Their content is not needed.
    Bytes,
    Tuple(Vec<Id>),
    List(Vec<Id>),
    /// Pairs in file order; also an `OrderedDict`.
    Dict(Vec<(Id, Id)>),
    Global(Global),
    /// A function or class that tensors do not need, by its name.
    Foreign(Box<str>),
    /// The result of that function or class; nothing was called.
    Opaque(Id),
    /// A set, whose items are passed over.
    Set,
    /// A reference to something stored outside the pickle.
    Persistent(Id),
    /// `_rebuild_tensor_v2` and the tuple of its arguments.
    Tensor(Id),
}

/// A decoded pickle: its values, and the index of the result.
#[derive(Debug)]
pub struct Unpickled {
    values: Vec<Value>,
    root: Id,
}

impl Unpickled {
    /// The result of the pickle.
    pub fn root(&self) -> &Value {
        self.get(self.root)
    }

    /// Every value of the pickle, in order of creation.
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// The names of the functions and classes that tensors do not need, without repetitions.
    pub fn foreign(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.values.iter().filter_map(foreign_name).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The name of the foreign function or class that a value is or was made by; none for other values.
    pub fn maker<'a>(&'a self, value: &'a Value) -> Option<&'a str> {
        let maker = if let Value::Opaque(maker) = value { self.get(*maker) } else { value };
        foreign_name(maker)
    }

    /// The value at an index of this pickle.
    pub fn get(&self, id: Id) -> &Value {
        self.values.get(id as usize).unwrap_or(&Value::None)
    }
}

/// Reads one pickle from the front of `bytes` and advances `bytes` past it.
///
/// The error is a reason without the file's name.
pub fn read(bytes: &mut &[u8]) -> Result<Unpickled, String> {
    let mut machine = Machine::default();
    for _ in 0..MAX_INSTRUCTIONS {
        if let Some(root) = machine.step(bytes)? {
            return Ok(Unpickled { values: machine.values, root });
        }
    }
    Err(format!("its pickle has more than {MAX_INSTRUCTIONS} instructions, which no weights need"))
}

/// The global of that name; of a foreign one only the name is kept.
pub(super) fn named(module: &str, name: &str) -> Value {
    let known = GLOBALS.iter().find(|known| (known.0, known.1) == (module, name));
    known.map_or_else(|| Value::Foreign(shown(&format!("{module}.{name}")).into()), |known| Value::Global(known.2))
}

fn foreign_name(value: &Value) -> Option<&str> {
    match value {
        Value::Foreign(name) => Some(name),
        _ => None,
    }
}
