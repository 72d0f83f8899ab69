//! A reader of Python pickles that executes nothing.
//!
//! Pickle is a stack machine whose programs can call any Python function. This machine knows the instructions of
//! protocol 2 that weight files use, keeps the few allowed functions as mere descriptions, and refuses everything
//! else by name. Reference: CPython `Lib/pickletools.py`.
//!
//! Every value lives in one arena and is named by its place there. So neither deep nesting nor cycles can overflow
//! the call stack, sharing costs nothing, and memory is bounded by the number of instructions.

use super::{Dtype, shown};
use std::collections::HashMap;

/// More instructions than this are refused; the largest networks have some sixty thousand.
const MAX_INSTRUCTIONS: usize = 1_000_000;

/// A value's place in the arena.
pub type Id = u32;

/// What a pickle may mention by name. None of it is ever called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Global {
    OrderedDict,
    RebuildTensor,
    RebuildParameter,
    /// The type of a storage's values.
    Storage(Dtype),
}

const GLOBALS: [(&str, &str, Global); 14] = [
    ("collections", "OrderedDict", Global::OrderedDict),
    ("torch._utils", "_rebuild_tensor", Global::RebuildTensor),
    ("torch._utils", "_rebuild_tensor_v2", Global::RebuildTensor),
    ("torch._utils", "_rebuild_parameter", Global::RebuildParameter),
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
    Tuple(Vec<Id>),
    List(Vec<Id>),
    /// Pairs in file order; also an `OrderedDict`.
    Dict(Vec<(Id, Id)>),
    Global(Global),
    /// A reference to something stored outside the pickle.
    Persistent(Id),
    /// `_rebuild_tensor_v2` and the tuple of its arguments.
    Tensor(Id),
}

/// A finished pickle: its values, and which of them is the result.
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

    /// Every value that the pickle made, in that order.
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// The value at a place that came out of this pickle.
    pub fn get(&self, id: Id) -> &Value {
        self.values.get(id as usize).unwrap_or(&Value::None)
    }
}

/// Reads one pickle from the front of `bytes` and moves `bytes` behind it.
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

#[derive(Default)]
struct Machine {
    values: Vec<Value>,
    stack: Vec<Id>,
    /// Heights of the stack at each open mark.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
}

impl Machine {
    /// Runs one instruction; the result when it was STOP.
    fn step(&mut self, bytes: &mut &[u8]) -> Result<Option<Id>, String> {
        let opcode = take::<1>(bytes)?[0];
        match opcode {
            b'.' => return self.pop().map(Some),
            0x80 => {
                let [protocol] = take::<1>(bytes)?;
                if protocol > 2 {
                    return Err(format!("its pickle has protocol {protocol}, but torch writes weights in protocol 2"));
                }
            }
            b'(' => self.marks.push(self.stack.len()),
            b'0' => drop(self.pop()?),
            b'N' => self.push(Value::None),
            0x88 => self.push(Value::Bool(true)),
            0x89 => self.push(Value::Bool(false)),
            b'J' => self.push(Value::Int(i32::from_le_bytes(take(bytes)?).into())),
            b'K' => self.push(Value::Int(take::<1>(bytes)?[0].into())),
            b'M' => self.push(Value::Int(u16::from_le_bytes(take(bytes)?).into())),
            0x8a => self.long(bytes)?,
            b'G' => self.push(Value::Float(f64::from_be_bytes(take(bytes)?))),
            b'X' => {
                let length = u32::from_le_bytes(take(bytes)?);
                self.text(bytes, length)?;
            }
            b'T' => {
                let length = u32::from_le_bytes(take(bytes)?);
                self.text(bytes, length)?;
            }
            b'U' => {
                let [length] = take(bytes)?;
                self.text(bytes, length.into())?;
            }
            b')' => self.push(Value::Tuple(Vec::new())),
            b']' => self.push(Value::List(Vec::new())),
            b'}' => self.push(Value::Dict(Vec::new())),
            0x85..=0x87 => {
                let items = self.pop_many(usize::from(opcode - 0x84))?;
                self.push(Value::Tuple(items));
            }
            b't' => {
                let items = self.pop_to_mark()?;
                self.push(Value::Tuple(items));
            }
            b'a' => {
                let items = self.pop_many(1)?;
                self.append(items)?;
            }
            b'e' => {
                let items = self.pop_to_mark()?;
                self.append(items)?;
            }
            b's' => {
                let items = self.pop_many(2)?;
                self.set_items(&items)?;
            }
            b'u' => {
                let items = self.pop_to_mark()?;
                self.set_items(&items)?;
            }
            b'q' => self.memoize(take::<1>(bytes)?[0].into())?,
            b'r' => self.memoize(u32::from_le_bytes(take(bytes)?))?,
            b'h' => self.recall(take::<1>(bytes)?[0].into())?,
            b'j' => self.recall(u32::from_le_bytes(take(bytes)?))?,
            b'c' => {
                let (module, name) = (line(bytes)?, line(bytes)?);
                self.push(Value::Global(allowed(module, name)?));
            }
            b'Q' => {
                let key = self.pop()?;
                self.push(Value::Persistent(key));
            }
            b'R' => self.reduce()?,
            b'b' => self.build()?,
            other => {
                return Err(format!("its pickle has the instruction 0x{other:02x}, which weights have no need of"));
            }
        }
        Ok(None)
    }

    fn push(&mut self, value: Value) {
        // The number of instructions keeps this far below 32 bits.
        self.stack.push(self.values.len() as Id);
        self.values.push(value);
    }

    /// Where the current mark stands: values below it belong to an outer instruction.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn pop(&mut self) -> Result<Id, String> {
        if self.stack.len() <= self.floor() {
            return Err(UNDERFLOW.into());
        }
        self.stack.pop().ok_or_else(|| UNDERFLOW.into())
    }

    fn pop_many(&mut self, count: usize) -> Result<Vec<Id>, String> {
        let start = self.stack.len().checked_sub(count).filter(|&start| start >= self.floor());
        Ok(self.stack.split_off(start.ok_or(UNDERFLOW)?))
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Id>, String> {
        let mark = self.marks.pop().ok_or(UNDERFLOW)?;
        Ok(self.stack.split_off(mark))
    }

    fn top(&mut self) -> Result<&mut Value, String> {
        let id = *self.stack.last().ok_or(UNDERFLOW)?;
        self.values.get_mut(id as usize).ok_or_else(|| UNDERFLOW.into())
    }

    fn value(&self, id: Id) -> &Value {
        self.values.get(id as usize).unwrap_or(&Value::None)
    }

    fn long(&mut self, bytes: &mut &[u8]) -> Result<(), String> {
        let [length] = take(bytes)?;
        let digits = take_slice(bytes, length.into())?;
        let value = if digits.len() <= 8 {
            let negative = digits.last().is_some_and(|&byte| byte >= 0x80);
            let mut wide = [if negative { 0xFF } else { 0 }; 8];
            wide[..digits.len()].copy_from_slice(digits);
            Value::Int(i64::from_le_bytes(wide))
        } else {
            Value::Long(digits.to_vec())
        };
        self.push(value);
        Ok(())
    }

    fn text(&mut self, bytes: &mut &[u8], length: u32) -> Result<(), String> {
        let text = take_slice(bytes, length as usize)?;
        let text = std::str::from_utf8(text).map_err(|_| "its pickle has a text that is not UTF-8")?;
        self.push(Value::Text(text.into()));
        Ok(())
    }

    fn append(&mut self, items: Vec<Id>) -> Result<(), String> {
        match self.top()? {
            Value::List(list) => list.extend(items),
            _ => return Err("its pickle appends to something that is not a list".into()),
        }
        Ok(())
    }

    fn set_items(&mut self, items: &[Id]) -> Result<(), String> {
        let (pairs, rest) = items.as_chunks::<2>();
        match self.top()? {
            Value::Dict(dict) if rest.is_empty() => dict.extend(pairs.iter().map(|&[key, value]| (key, value))),
            _ => return Err("its pickle sets items of something that is not a dictionary".into()),
        }
        Ok(())
    }

    fn memoize(&mut self, slot: u32) -> Result<(), String> {
        let id = *self.stack.last().ok_or(UNDERFLOW)?;
        self.memo.insert(slot, id);
        Ok(())
    }

    fn recall(&mut self, slot: u32) -> Result<(), String> {
        let id = *self.memo.get(&slot).ok_or_else(|| format!("its pickle recalls memo {slot}, which was never set"))?;
        self.stack.push(id);
        Ok(())
    }

    /// REDUCE calls a function in Python; here it only notes what would be made.
    fn reduce(&mut self) -> Result<(), String> {
        let arguments = self.pop()?;
        let function = self.pop()?;
        let Value::Tuple(items) = self.value(arguments) else {
            return Err("its pickle calls something without a tuple of arguments".into());
        };
        let made = match (self.value(function), items.as_slice()) {
            (Value::Global(Global::OrderedDict), []) => Value::Dict(Vec::new()),
            (Value::Global(Global::RebuildTensor), _) => Value::Tensor(arguments),
            (Value::Global(Global::RebuildParameter), &[tensor, ..]) => match self.value(tensor) {
                Value::Tensor(arguments) => Value::Tensor(*arguments),
                _ => return Err("its pickle makes a parameter of something that is not a tensor".into()),
            },
            (Value::Global(known), _) => {
                return Err(format!("its pickle calls {known:?} in a way that torch does not"));
            }
            _ => return Err("its pickle calls something that is not a function".into()),
        };
        self.push(made);
        Ok(())
    }

    /// BUILD sets attributes in Python; state dictionaries carry `_metadata` that way, which is not needed.
    fn build(&mut self) -> Result<(), String> {
        let state = self.pop()?;
        if !matches!(self.value(state), Value::Dict(_)) || !matches!(self.top()?, Value::Dict(_)) {
            return Err("its pickle sets the state of something that is not a dictionary".into());
        }
        Ok(())
    }
}

const UNDERFLOW: &str = "its pickle takes more values than it made";

/// The global of that name, if weights may mention it.
fn allowed(module: &str, name: &str) -> Result<Global, String> {
    GLOBALS.iter().find(|known| (known.0, known.1) == (module, name)).map(|known| known.2).ok_or_else(|| {
        format!(
            "it asks for `{}`, which is neither a tensor nor a container of tensors; nothing was executed (if you trust \
             it, load it in Python and save its state_dict() alone)",
            shown(&format!("{module}.{name}"))
        )
    })
}

fn take_slice<'a>(bytes: &mut &'a [u8], count: usize) -> Result<&'a [u8], String> {
    let (taken, rest) = bytes.split_at_checked(count).ok_or("it is truncated")?;
    *bytes = rest;
    Ok(taken)
}

/// Takes a fixed number of bytes from the front.
pub fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], String> {
    let (taken, rest) = bytes.split_first_chunk::<N>().ok_or("it is truncated")?;
    *bytes = rest;
    Ok(*taken)
}

fn line<'a>(bytes: &mut &'a [u8]) -> Result<&'a str, String> {
    let length = bytes.iter().position(|&byte| byte == b'\n').ok_or("it is truncated")?;
    let text = take_slice(bytes, length + 1)?;
    std::str::from_utf8(&text[..length]).map_err(|_| "its pickle has a name that is not UTF-8".into())
}
