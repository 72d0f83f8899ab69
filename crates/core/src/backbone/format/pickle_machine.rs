//! The stack machine of Python pickles. It executes instructions one by one and never calls a function.
//!
//! Reference: CPython `Lib/pickletools.py`.

use super::pickle::{Global, Id, Value, named};
use std::collections::HashMap;

#[derive(Default)]
pub(super) struct Machine {
    /// The arena.
    pub(super) values: Vec<Value>,
    stack: Vec<Id>,
    /// Heights of the stack at each open mark.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
}

impl Machine {
    /// Executes one instruction; returns the result at STOP.
    pub(super) fn step(&mut self, bytes: &mut &[u8]) -> Result<Option<Id>, String> {
        let opcode = take::<1>(bytes)?[0];
        match opcode {
            b'.' => return self.pop().map(Some),
            0x80 => {
                let [protocol] = take::<1>(bytes)?;
                if protocol > 5 {
                    return Err(format!("its pickle has protocol {protocol}, and the last one known here is 5"));
                }
            }
            b'(' => self.marks.push(self.stack.len()),
            b'0' => drop(self.pop()?),
            b'1' => drop(self.pop_to_mark()?),
            b'2' => {
                let top = *self.stack.last().ok_or(UNDERFLOW)?;
                self.stack.push(top);
            }
            // The length of a frame, for readers that prefetch.
            0x95 => drop(take::<8>(bytes)?),
            b'N' => self.push(Value::None),
            0x88 => self.push(Value::Bool(true)),
            0x89 => self.push(Value::Bool(false)),
            b'J' => self.push(Value::Int(i32::from_le_bytes(take(bytes)?).into())),
            b'K' => self.push(Value::Int(take::<1>(bytes)?[0].into())),
            b'M' => self.push(Value::Int(u16::from_le_bytes(take(bytes)?).into())),
            0x8a => {
                let [length] = take(bytes)?;
                self.long(bytes, length.into())?;
            }
            0x8b => {
                let length = u32::from_le_bytes(take(bytes)?);
                self.long(bytes, length as usize)?;
            }
            b'G' => self.push(Value::Float(f64::from_be_bytes(take(bytes)?))),
            b'X' => {
                let length = u32::from_le_bytes(take(bytes)?);
                self.text(bytes, length.into())?;
            }
            b'T' => {
                let length = u32::from_le_bytes(take(bytes)?);
                self.text(bytes, length.into())?;
            }
            b'U' => {
                let [length] = take(bytes)?;
                self.text(bytes, length.into())?;
            }
            0x8c => {
                let [length] = take(bytes)?;
                self.text(bytes, length.into())?;
            }
            0x8d => {
                let length = u64::from_le_bytes(take(bytes)?);
                self.text(bytes, length)?;
            }
            b'C' => {
                let [length] = take(bytes)?;
                self.bytes(bytes, length.into())?;
            }
            b'B' => {
                let length = u32::from_le_bytes(take(bytes)?);
                self.bytes(bytes, length.into())?;
            }
            0x8e | 0x96 => {
                let length = u64::from_le_bytes(take(bytes)?);
                self.bytes(bytes, length)?;
            }
            0x8f => self.push(Value::Set),
            0x90 => {
                self.pop_to_mark()?;
                self.top()?;
            }
            0x91 => {
                self.pop_to_mark()?;
                self.push(Value::Set);
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
            0x94 => self.memoize(u32::try_from(self.memo.len()).map_err(|_| UNDERFLOW)?)?,
            b'q' => self.memoize(take::<1>(bytes)?[0].into())?,
            b'r' => self.memoize(u32::from_le_bytes(take(bytes)?))?,
            b'h' => self.recall(take::<1>(bytes)?[0].into())?,
            b'j' => self.recall(u32::from_le_bytes(take(bytes)?))?,
            b'c' => {
                let (module, name) = (line(bytes)?, line(bytes)?);
                self.push(named(module, name));
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let (Value::Text(module), Value::Text(name)) = (self.value(module), self.value(name)) else {
                    return Err("its pickle asks for something by a name that is no text".into());
                };
                let value = named(module, name);
                self.push(value);
            }
            b'i' => {
                let (module, name) = (line(bytes)?, line(bytes)?);
                self.pop_to_mark()?;
                self.push(named(module, name));
                let class = self.pop()?;
                self.push(Value::Opaque(class));
            }
            b'o' => {
                let items = self.pop_to_mark()?;
                let class = *items.first().ok_or(UNDERFLOW)?;
                let made = self.opaque(class)?;
                self.push(made);
            }
            // An object of a class: its arguments are on the stack, for 0x92 keyword arguments too.
            0x81 | 0x92 => {
                let items = self.pop_many(if opcode == 0x81 { 2 } else { 3 })?;
                let class = *items.first().ok_or(UNDERFLOW)?;
                let made = match self.value(class) {
                    Value::Global(Global::OrderedDict | Global::DefaultDict) => Value::Dict(Vec::new()),
                    _ => self.opaque(class)?,
                };
                self.push(made);
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

    /// The height of the stack at the current mark: values below it belong to an outer instruction.
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

    fn long(&mut self, bytes: &mut &[u8], length: usize) -> Result<(), String> {
        let digits = take_slice(bytes, length)?;
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

    fn text(&mut self, bytes: &mut &[u8], length: u64) -> Result<(), String> {
        let length = usize::try_from(length).map_err(|_| "it is truncated")?;
        let text = std::str::from_utf8(take_slice(bytes, length)?);
        self.push(text.map_or(Value::Bytes, |text| Value::Text(text.into())));
        Ok(())
    }

    fn bytes(&mut self, bytes: &mut &[u8], length: u64) -> Result<(), String> {
        take_slice(bytes, usize::try_from(length).map_err(|_| "it is truncated")?)?;
        self.push(Value::Bytes);
        Ok(())
    }

    /// The opaque value for the result of a function or class that tensors do not need.
    fn opaque(&self, maker: Id) -> Result<Value, String> {
        match self.value(maker) {
            Value::Foreign(_) => Ok(Value::Opaque(maker)),
            // The result of an opaque call is called in turn, or its class requested.
            Value::Opaque(first) => Ok(Value::Opaque(*first)),
            Value::Global(_) => Ok(Value::Opaque(maker)),
            _ => Err("its pickle calls something that is not a function".into()),
        }
    }

    fn append(&mut self, items: Vec<Id>) -> Result<(), String> {
        match self.top()? {
            Value::List(list) => list.extend(items),
            Value::Opaque(_) => {}
            _ => return Err("its pickle appends to something that is not a list".into()),
        }
        Ok(())
    }

    fn set_items(&mut self, items: &[Id]) -> Result<(), String> {
        let (pairs, rest) = items.as_chunks::<2>();
        match self.top()? {
            Value::Dict(dict) if rest.is_empty() => dict.extend(pairs.iter().map(|&[key, value]| (key, value))),
            Value::Opaque(_) => {}
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

    /// REDUCE calls a function in Python; here it only records what would be created.
    fn reduce(&mut self) -> Result<(), String> {
        let arguments = self.pop()?;
        let function = self.pop()?;
        let Value::Tuple(items) = self.value(arguments) else {
            return Err("its pickle calls something without a tuple of arguments".into());
        };
        let made = match (self.value(function), items.as_slice()) {
            (Value::Global(Global::OrderedDict), []) | (Value::Global(Global::DefaultDict), [_] | []) => {
                Value::Dict(Vec::new())
            }
            (Value::Global(Global::OrderedDict), &[pairs]) => Value::Dict(self.pairs(pairs)),
            (Value::Global(Global::RebuildTensor), _) => Value::Tensor(arguments),
            (Value::Global(Global::RebuildParameter), &[tensor, ..]) => match self.value(tensor) {
                Value::Tensor(arguments) => Value::Tensor(*arguments),
                _ => return Err("its pickle makes a parameter of something that is not a tensor".into()),
            },
            (Value::Global(Global::RebuildTyped), &[function, _, arguments, ..])
                if *self.value(function) == Value::Global(Global::RebuildTensor) =>
            {
                Value::Tensor(arguments)
            }
            _ => self.opaque(function)?,
        };
        self.push(made);
        Ok(())
    }

    /// The items of a list of pairs, the form in which older pickles fill dictionaries.
    fn pairs(&self, list: Id) -> Vec<(Id, Id)> {
        let Value::List(list) = self.value(list) else { return Vec::new() };
        let pair = |&item: &Id| match self.value(item) {
            Value::Tuple(pair) | Value::List(pair) => {
                pair.as_slice().try_into().ok().map(|[key, value]: [Id; 2]| (key, value))
            }
            _ => None,
        };
        list.iter().filter_map(pair).collect()
    }

    /// BUILD sets attributes in Python; state dictionaries use it for `_metadata`, which is not needed.
    fn build(&mut self) -> Result<(), String> {
        self.pop()?;
        if matches!(self.top()?, Value::Dict(_) | Value::Opaque(_) | Value::Tensor(_)) {
            Ok(())
        } else {
            Err("its pickle sets the state of something that has none".into())
        }
    }
}

const UNDERFLOW: &str = "its pickle takes more values than it made";

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
