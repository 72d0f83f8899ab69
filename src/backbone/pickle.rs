//! A reader of the pickles that torch writes, which executes nothing.
//!
//! A pickle is a program for a stack machine that may call any Python function. This machine knows only what a file of
//! weights needs: numbers, strings, containers, and the few names that describe tensors and storages, which become
//! plain data. Whatever else a pickle asks for is refused by name. Memory is bounded by the size of the input: every
//! instruction takes at least a byte and adds at most one small value.

use std::collections::HashMap;
use std::rc::Rc;

/// Element types of a storage that weights come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element {
    F32,
    F64,
    F16,
    BF16,
    I64,
    I32,
}

impl Element {
    /// Bytes per element.
    pub fn size(self) -> usize {
        match self {
            Self::F64 | Self::I64 => 8,
            Self::F32 | Self::I32 => 4,
            Self::F16 | Self::BF16 => 2,
        }
    }
}

/// A part of a storage seen as an array, described but not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorView {
    pub element: Element,
    /// The name of the storage in its file.
    pub storage: Rc<str>,
    /// Elements the storage holds, as the pickle says.
    pub storage_len: usize,
    pub offset: usize,
    pub shape: Vec<usize>,
    pub strides: Vec<usize>,
}

/// What a pickle can leave behind.
#[derive(Debug, Clone)]
pub enum Value {
    None,
    Bool(bool),
    Int(i64),
    /// An integer of more than 64 bits; only torch's magic number is one.
    Long(Rc<[u8]>),
    Float(f64),
    Text(Rc<str>),
    Tuple(Rc<Tuple>),
    /// Index into [`Pickle::lists`].
    List(usize),
    /// Index into [`Pickle::dicts`].
    Dict(usize),
    Global(Global),
    Storage {
        element: Element,
        key: Rc<str>,
        len: usize,
    },
    Tensor(Rc<TensorView>),
}

/// Items and how deep tuples are nested in them.
#[derive(Debug)]
pub struct Tuple {
    pub items: Vec<Value>,
    depth: usize,
}

/// The Python names that are understood, as descriptions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Global {
    OrderedDict,
    RebuildTensor,
    RebuildParameter,
    Storage(Element),
}

/// A pickle that was read.
#[derive(Debug)]
pub struct Pickle {
    pub value: Value,
    pub lists: Vec<Vec<Value>>,
    pub dicts: Vec<Vec<(Value, Value)>>,
    /// Bytes it took.
    pub length: usize,
}

/// Dropping nested tuples uses the call stack, so their depth is bounded; weights nest three deep.
const DEEPEST: usize = 64;

/// Reads one pickle from the beginning of `bytes`; what follows it is left alone.
///
/// # Errors
/// In a few words: what was refused, or that the pickle is damaged.
pub fn read(bytes: &[u8]) -> Result<Pickle, String> {
    let mut machine = Machine { bytes, at: 0, stack: Vec::new(), marks: Vec::new(), memo: HashMap::new(), lists: Vec::new(), dicts: Vec::new() };
    let value = machine.run()?;
    Ok(Pickle { value, lists: machine.lists, dicts: machine.dicts, length: machine.at })
}

struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    stack: Vec<Value>,
    /// Heights of the stack at the open marks.
    marks: Vec<usize>,
    memo: HashMap<u32, Value>,
    lists: Vec<Vec<Value>>,
    dicts: Vec<Vec<(Value, Value)>>,
}

type Step<T> = Result<T, String>;

fn damaged<T>() -> Step<T> {
    Err("is damaged or not a file of weights; fetch it again".into())
}

impl<'a> Machine<'a> {
    fn run(&mut self) -> Step<Value> {
        loop {
            let opcode = self.byte()?;
            match opcode {
                0x80 => {
                    let protocol = self.byte()?;
                    if protocol > 5 {
                        return Err(format!("uses pickle protocol {protocol}, which this program does not know"));
                    }
                }
                0x95 => {
                    self.take(8)?;
                }
                b'.' => return self.pop(),
                b'(' => self.marks.push(self.stack.len()),
                b'0' => {
                    self.pop()?;
                }
                b'N' => self.stack.push(Value::None),
                0x88 => self.stack.push(Value::Bool(true)),
                0x89 => self.stack.push(Value::Bool(false)),
                b'J' => {
                    let value = i32::from_le_bytes(self.array()?);
                    self.stack.push(Value::Int(value.into()));
                }
                b'K' => {
                    let value = self.byte()?;
                    self.stack.push(Value::Int(value.into()));
                }
                b'M' => {
                    let value = u16::from_le_bytes(self.array()?);
                    self.stack.push(Value::Int(value.into()));
                }
                0x8a => self.long()?,
                b'G' => {
                    let value = f64::from_be_bytes(self.array()?);
                    self.stack.push(Value::Float(value));
                }
                b'X' => {
                    let length = u32::from_le_bytes(self.array()?);
                    self.text(length as usize)?;
                }
                0x8c => {
                    let length = self.byte()?;
                    self.text(length.into())?;
                }
                b'q' => {
                    let slot = self.byte()?;
                    self.remember(slot.into())?;
                }
                b'r' => {
                    let slot = u32::from_le_bytes(self.array()?);
                    self.remember(slot)?;
                }
                0x94 => {
                    let slot = u32::try_from(self.memo.len()).unwrap_or(u32::MAX);
                    self.remember(slot)?;
                }
                b'h' => {
                    let slot = self.byte()?;
                    self.recall(slot.into())?;
                }
                b'j' => {
                    let slot = u32::from_le_bytes(self.array()?);
                    self.recall(slot)?;
                }
                b')' => self.tuple(Vec::new())?,
                0x85..=0x87 => {
                    let count = usize::from(opcode - 0x84);
                    let Some(from) = self.stack.len().checked_sub(count).filter(|from| *from >= self.floor()) else {
                        return damaged();
                    };
                    let items = self.stack.split_off(from);
                    self.tuple(items)?;
                }
                b't' => {
                    let items = self.to_mark()?;
                    self.tuple(items)?;
                }
                b']' => {
                    self.lists.push(Vec::new());
                    self.stack.push(Value::List(self.lists.len() - 1));
                }
                b'a' => {
                    let item = self.pop()?;
                    self.list()?.push(item);
                }
                b'e' => {
                    let items = self.to_mark()?;
                    self.list()?.extend(items);
                }
                b'}' => self.empty_dict(),
                b's' => {
                    let value = self.pop()?;
                    let key = self.pop()?;
                    self.dict()?.push((key, value));
                }
                b'u' => {
                    let items = self.to_mark()?;
                    let dict = self.dict()?;
                    let mut items = items.into_iter();
                    while let (Some(key), Some(value)) = (items.next(), items.next()) {
                        dict.push((key, value));
                    }
                }
                b'c' => {
                    let module = self.line()?;
                    let name = self.line()?;
                    self.global(module, name)?;
                }
                0x93 => {
                    let (Value::Text(name), Value::Text(module)) = (self.pop()?, self.pop()?) else { return damaged() };
                    self.global(&module, &name)?;
                }
                b'Q' => self.storage()?,
                b'R' => self.call()?,
                // The state of an OrderedDict is torch's table of versions, which weights do not need.
                b'b' => {
                    self.pop()?;
                    self.dict()?;
                }
                _ => return Err(format!("has the instruction 0x{opcode:02x}, which no file of weights needs; it was not followed")),
            }
        }
    }

    /// Nothing below the last open mark may be taken.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn pop(&mut self) -> Step<Value> {
        if self.stack.len() <= self.floor() {
            return damaged();
        }
        self.stack.pop().map_or_else(damaged, Ok)
    }

    fn to_mark(&mut self) -> Step<Vec<Value>> {
        let mark = self.marks.pop().map_or_else(damaged, Ok)?;
        if mark > self.stack.len() {
            return damaged();
        }
        Ok(self.stack.split_off(mark))
    }

    fn take(&mut self, count: usize) -> Step<&'a [u8]> {
        let end = self.at.checked_add(count).filter(|end| *end <= self.bytes.len());
        let Some(end) = end else { return Err("ends in the middle; it was cut short, fetch it again".into()) };
        let piece = &self.bytes[self.at..end];
        self.at = end;
        Ok(piece)
    }

    fn byte(&mut self) -> Step<u8> {
        Ok(self.take(1)?[0])
    }

    fn array<const N: usize>(&mut self) -> Step<[u8; N]> {
        self.take(N)?.try_into().or_else(|_| damaged())
    }

    fn line(&mut self) -> Step<&'a str> {
        let rest = &self.bytes[self.at..];
        let Some(length) = rest.iter().take(256).position(|&byte| byte == b'\n') else { return damaged() };
        self.at += length + 1;
        std::str::from_utf8(&rest[..length]).or_else(|_| damaged())
    }

    fn text(&mut self, length: usize) -> Step<()> {
        let text = std::str::from_utf8(self.take(length)?).or_else(|_| damaged())?;
        self.stack.push(Value::Text(text.into()));
        Ok(())
    }

    /// A little-endian two's complement integer of any length.
    fn long(&mut self) -> Step<()> {
        let length = usize::from(self.byte()?);
        let bytes = self.take(length)?;
        self.stack.push(if length <= 8 {
            let fill = if bytes.last().is_some_and(|last| last & 0x80 != 0) { 0xff } else { 0 };
            let mut whole = [fill; 8];
            whole[..length].copy_from_slice(bytes);
            Value::Int(i64::from_le_bytes(whole))
        } else {
            Value::Long(bytes.into())
        });
        Ok(())
    }

    fn remember(&mut self, slot: u32) -> Step<()> {
        let value = self.stack.last().cloned().map_or_else(damaged, Ok)?;
        self.memo.insert(slot, value);
        Ok(())
    }

    fn recall(&mut self, slot: u32) -> Step<()> {
        let value = self.memo.get(&slot).cloned().map_or_else(damaged, Ok)?;
        self.stack.push(value);
        Ok(())
    }

    fn tuple(&mut self, items: Vec<Value>) -> Step<()> {
        let below = items.iter().map(|item| if let Value::Tuple(tuple) = item { tuple.depth } else { 0 }).max();
        let depth = below.unwrap_or(0) + 1;
        if depth > DEEPEST {
            return Err("nests its values deeper than any file of weights; it was not read".into());
        }
        self.stack.push(Value::Tuple(Rc::new(Tuple { items, depth })));
        Ok(())
    }

    fn empty_dict(&mut self) {
        self.dicts.push(Vec::new());
        self.stack.push(Value::Dict(self.dicts.len() - 1));
    }

    fn list(&mut self) -> Step<&mut Vec<Value>> {
        match self.stack.last() {
            Some(Value::List(index)) => self.lists.get_mut(*index).map_or_else(damaged, Ok),
            _ => damaged(),
        }
    }

    fn dict(&mut self) -> Step<&mut Vec<(Value, Value)>> {
        match self.stack.last() {
            Some(Value::Dict(index)) => self.dicts.get_mut(*index).map_or_else(damaged, Ok),
            _ => damaged(),
        }
    }

    fn global(&mut self, module: &str, name: &str) -> Step<()> {
        let global = match (module, name) {
            ("collections", "OrderedDict") => Global::OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2") => Global::RebuildTensor,
            ("torch._utils", "_rebuild_parameter") => Global::RebuildParameter,
            ("torch", "FloatStorage") => Global::Storage(Element::F32),
            ("torch", "DoubleStorage") => Global::Storage(Element::F64),
            ("torch", "HalfStorage") => Global::Storage(Element::F16),
            ("torch", "BFloat16Storage") => Global::Storage(Element::BF16),
            ("torch", "LongStorage") => Global::Storage(Element::I64),
            ("torch", "IntStorage") => Global::Storage(Element::I32),
            _ => {
                let name: String = format!("{module}.{name}").chars().filter(|c| !c.is_control()).take(80).collect();
                return Err(format!("asks for {name}, which is neither a tensor nor a container; nothing was executed"));
            }
        };
        self.stack.push(Value::Global(global));
        Ok(())
    }

    /// `('storage', type, key, location, length[, view])`.
    fn storage(&mut self) -> Step<()> {
        let Value::Tuple(tuple) = self.pop()? else { return damaged() };
        let [Value::Text(kind), Value::Global(Global::Storage(element)), Value::Text(key), _, Value::Int(len), rest @ ..] =
            tuple.items.as_slice()
        else {
            return damaged();
        };
        let views = rest.iter().any(|value| !matches!(value, Value::None));
        let (Ok(len), "storage", false) = (usize::try_from(*len), kind.as_ref(), views) else { return damaged() };
        self.stack.push(Value::Storage { element: *element, key: Rc::clone(key), len });
        Ok(())
    }

    fn call(&mut self) -> Step<()> {
        let Value::Tuple(arguments) = self.pop()? else { return damaged() };
        let Value::Global(global) = self.pop()? else { return damaged() };
        match (global, arguments.items.as_slice()) {
            (Global::OrderedDict, []) => {
                self.empty_dict();
                Ok(())
            }
            (Global::RebuildTensor, [Value::Storage { element, key, len }, Value::Int(offset), shape, strides, ..]) => {
                let (Ok(offset), Some(shape), Some(strides)) = (usize::try_from(*offset), sizes(shape), sizes(strides)) else {
                    return damaged();
                };
                if shape.len() != strides.len() {
                    return damaged();
                }
                let view = TensorView { element: *element, storage: Rc::clone(key), storage_len: *len, offset, shape, strides };
                self.stack.push(Value::Tensor(Rc::new(view)));
                Ok(())
            }
            (Global::RebuildParameter, [tensor @ Value::Tensor(_), ..]) => {
                self.stack.push(tensor.clone());
                Ok(())
            }
            _ => damaged(),
        }
    }
}

fn sizes(value: &Value) -> Option<Vec<usize>> {
    let Value::Tuple(tuple) = value else { return None };
    // No tensor has more dimensions.
    if tuple.items.len() > 8 {
        return None;
    }
    let size = |item: &Value| if let Value::Int(size) = item { usize::try_from(*size).ok() } else { None };
    tuple.items.iter().map(size).collect()
}
