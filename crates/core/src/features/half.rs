//! Half-precision floats in `.npy` files, numpy's `<f2`, which ndarray-npy does not support.

use half::f16;
use ndarray_npy::{ViewDataError, ViewElement, WritableElement, WriteDataError};
use py_literal::Value;
use std::io::Write;

/// The bits of an IEEE half-precision number, little-endian as the store's files are.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(transparent)]
pub(super) struct Half(u16);

const DESCRIPTOR: &str = "<f2";

impl Half {
    pub fn of(value: f32) -> Self {
        Self(rounded(value).to_bits())
    }

    /// The value of two bytes of a file.
    pub fn value(bytes: [u8; 2]) -> f32 {
        f16::from_le_bytes(bytes).to_f32()
    }
}

/// Rounds to the nearest half-precision number. Values beyond the range (65,504), which activations of trained networks
/// do not reach, become the largest one; NaN stays NaN.
pub fn rounded(value: f32) -> f16 {
    let largest = f16::MAX.to_f32();
    f16::from_f32(value.clamp(-largest, largest))
}

impl WritableElement for Half {
    fn type_descriptor() -> Value {
        Value::String(DESCRIPTOR.into())
    }

    fn write<W: Write>(&self, mut writer: W) -> Result<(), WriteDataError> {
        Ok(writer.write_all(&self.0.to_le_bytes())?)
    }

    fn write_slice<W: Write>(slice: &[Self], mut writer: W) -> Result<(), WriteDataError> {
        // In chunks: a whole part as bytes would be a copy of it.
        let mut bytes = Vec::new();
        for piece in slice.chunks(1 << 16) {
            bytes.clear();
            bytes.extend(piece.iter().flat_map(|half| half.0.to_le_bytes()));
            writer.write_all(&bytes)?;
        }
        Ok(())
    }
}

impl ViewElement for Half {
    fn bytes_as_slice<'a>(bytes: &'a [u8], type_desc: &Value, len: usize) -> Result<&'a [Self], ViewDataError> {
        match type_desc {
            Value::String(descriptor) if descriptor == DESCRIPTOR => {}
            other => return Err(ViewDataError::WrongDescriptor(other.clone())),
        }
        let wanted = len * size_of::<Self>();
        if bytes.len() < wanted {
            return Err(ViewDataError::MissingBytes(wanted - bytes.len()));
        }
        if bytes.len() > wanted {
            return Err(ViewDataError::ExtraBytes(bytes.len() - wanted));
        }
        // SAFETY: every bit pattern of 16 bits is a `Half`, which has the layout of `u16`.
        match unsafe { bytes.align_to::<Self>() } {
            ([], halves, []) if cfg!(target_endian = "little") => Ok(halves),
            _ => Err(ViewDataError::Misaligned),
        }
    }
}
