//! Decodes UTF-16 text, as written by PowerShell and spreadsheets, to UTF-8.

use std::io::{BufRead, BufReader, Read, Result};

/// A text reader, with or without decoding.
pub(super) enum Decoded<R> {
    Plain(R),
    Wide(BufReader<Wide<R>>),
}

/// Byte order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Little,
    Big,
}

impl<R: BufRead> Decoded<R> {
    /// By the byte order mark, which is removed; without one, by the zeros in every other byte of mostly Latin text in
    /// UTF-16.
    pub(super) fn new(mut reader: R) -> Self {
        let head = reader.fill_buf().unwrap_or_default();
        let (order, mark) = match head {
            [0xEF, 0xBB, 0xBF, ..] => (None, 3),
            [0xFF, 0xFE, ..] => (Some(Order::Little), 2),
            [0xFE, 0xFF, ..] => (Some(Order::Big), 2),
            [a, 0, b, 0, ..] if *a > 0 && *b > 0 => (Some(Order::Little), 0),
            [0, a, 0, b, ..] if *a > 0 && *b > 0 => (Some(Order::Big), 0),
            _ => (None, 0),
        };
        reader.consume(mark);
        match order {
            None => Self::Plain(reader),
            Some(order) => {
                Self::Wide(BufReader::new(Wide { reader, order, units: Vec::new(), odd: None, text: Vec::new() }))
            }
        }
    }
}

impl<R: BufRead> Read for Decoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        match self {
            Self::Plain(reader) => reader.read(buffer),
            Self::Wide(reader) => reader.read(buffer),
        }
    }
}

impl<R: BufRead> BufRead for Decoded<R> {
    fn fill_buf(&mut self) -> Result<&[u8]> {
        match self {
            Self::Plain(reader) => reader.fill_buf(),
            Self::Wide(reader) => reader.fill_buf(),
        }
    }

    fn consume(&mut self, count: usize) {
        match self {
            Self::Plain(reader) => reader.consume(count),
            Self::Wide(reader) => reader.consume(count),
        }
    }
}

/// A reader that decodes UTF-16 to UTF-8; invalid units become replacement characters.
pub(super) struct Wide<R> {
    reader: R,
    order: Order,
    /// Read, not yet decoded.
    units: Vec<u16>,
    /// Half a unit.
    odd: Option<u8>,
    /// Decoded, not yet returned.
    text: Vec<u8>,
}

impl<R: BufRead> Read for Wide<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        while self.text.is_empty() {
            let chunk = self.reader.fill_buf()?;
            let (length, ended) = (chunk.len(), chunk.is_empty());
            let bytes: Vec<u8> = self.odd.take().into_iter().chain(chunk.iter().copied()).collect();
            self.reader.consume(length);
            let (pairs, rest) = bytes.as_chunks::<2>();
            self.odd = rest.first().copied();
            self.units.extend(pairs.iter().map(|pair| match self.order {
                Order::Little => u16::from_le_bytes(*pair),
                Order::Big => u16::from_be_bytes(*pair),
            }));
            // The second half of a surrogate pair may follow.
            let half = self.units.pop_if(|last| !ended && (0xD800..0xDC00).contains(last));
            let decoded =
                char::decode_utf16(self.units.drain(..)).map(|read| read.unwrap_or(char::REPLACEMENT_CHARACTER));
            self.text = decoded.collect::<String>().into_bytes();
            self.units.extend(half);
            if ended && self.text.is_empty() {
                return Ok(0);
            }
        }
        let count = buffer.len().min(self.text.len());
        buffer[..count].copy_from_slice(&self.text[..count]);
        self.text.drain(..count);
        Ok(count)
    }
}
