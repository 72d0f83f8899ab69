//! A convolution by whichever kernel computes it fastest.

use super::{Direct, Line, Panels, Pictures, Winograd};
use std::sync::Arc;

/// A convolution of one group. Clones share the weights.
#[derive(Debug, Clone)]
pub enum Convolution {
    Direct(Arc<Direct>),
    Line(Arc<Line>),
    Winograd(Arc<Winograd>),
}

impl Convolution {
    /// From a kernel `[out, in, rows, columns]`, row-major, and one offset per output.
    pub fn new(kernel: &[f32], shape: [usize; 4], stride: usize, offsets: &[f32]) -> Self {
        let winograd = || Winograd::new(kernel, shape, offsets).map(|conv| Self::Winograd(Arc::new(conv)));
        let line = || Line::new(kernel, shape, offsets).map(|conv| Self::Line(Arc::new(conv)));
        let fewer = if stride == 1 { winograd().or_else(line) } else { None };
        fewer.unwrap_or_else(|| Self::Direct(Arc::new(Direct::new(kernel, shape, offsets))))
    }

    /// The packed weights of a 1 x 1 convolution; none for any other.
    pub fn pointwise(&self) -> Option<Arc<Panels>> {
        match self {
            Self::Direct(conv) => conv.pointwise(),
            Self::Line(_) | Self::Winograd(_) => None,
        }
    }

    /// Output channels.
    pub fn outputs(&self) -> usize {
        match self {
            Self::Direct(conv) => conv.outputs(),
            Self::Line(conv) => conv.outputs(),
            Self::Winograd(conv) => conv.outputs(),
        }
    }

    /// `output = clamp(conv(input) + offset (+ residual))`.
    pub fn apply(&self, pictures: Pictures<'_>) {
        match self {
            Self::Direct(conv) => conv.apply(pictures),
            Self::Line(conv) => conv.apply(pictures),
            Self::Winograd(conv) => conv.apply(pictures),
        }
    }
}
