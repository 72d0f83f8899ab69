//! Tensors of foreign files: their types, shapes and values.

use half::{bf16, f16};

/// The element type of a stored tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dtype {
    F16,
    Bf16,
    F32,
    F64,
    I64,
    /// A type that weights do not have, with its bytes per value; listed, but not read.
    Other(u8),
}

impl Dtype {
    /// Bytes per value.
    pub fn width(self) -> usize {
        match self {
            Self::F16 | Self::Bf16 => 2,
            Self::F32 => 4,
            Self::F64 | Self::I64 => 8,
            Self::Other(width) => width.into(),
        }
    }
}

/// An entry of a file's index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorInfo {
    pub shape: Vec<usize>,
    pub dtype: Dtype,
}

impl TensorInfo {
    /// Number of values; none on overflow.
    pub fn count(&self) -> Option<usize> {
        self.shape.iter().try_fold(1_usize, |count, &side| count.checked_mul(side))
    }

    /// Bytes of all values.
    pub fn bytes(&self) -> Option<usize> {
        self.count()?.checked_mul(self.dtype.width())
    }
}

/// The values of a tensor, row-major.
#[derive(Debug, Clone, PartialEq)]
pub enum TensorValues {
    F32(Vec<f32>),
    I64(Vec<i64>),
}

impl TensorValues {
    /// Decodes little-endian values; none for a type that weights do not have.
    pub(super) fn parse(dtype: Dtype, bytes: &[u8]) -> Option<Self> {
        fn map<T, const WIDTH: usize>(bytes: &[u8], read: impl Fn([u8; WIDTH]) -> T) -> Vec<T> {
            bytes.as_chunks::<WIDTH>().0.iter().map(|&chunk| read(chunk)).collect()
        }
        Some(match dtype {
            Dtype::F16 => Self::F32(map(bytes, |chunk| f16::from_le_bytes(chunk).to_f32())),
            Dtype::Bf16 => Self::F32(map(bytes, |chunk| bf16::from_le_bytes(chunk).to_f32())),
            Dtype::F32 => Self::F32(map(bytes, f32::from_le_bytes)),
            Dtype::F64 => Self::F32(map(bytes, |chunk| f64::from_le_bytes(chunk) as f32)),
            Dtype::I64 => Self::I64(map(bytes, i64::from_le_bytes)),
            Dtype::Other(_) => return None,
        })
    }
}

/// A tensor read from a foreign file. `shape` and the number of values agree.
#[derive(Debug, Clone, PartialEq)]
pub struct RawTensor {
    pub shape: Vec<usize>,
    pub numbers: TensorValues,
}
