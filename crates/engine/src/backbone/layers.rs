//! What the networks are built of besides convolutions, and how it is put together.

use tch::{TchError, Tensor};

/// One stage of a network. Its output is never changed by a later stage, so that features can be taken from it.
pub trait Layer: Send {
    /// `[N, C, H, W]` to `[N, C', H', W']`, without gradients.
    fn forward(&self, input: &Tensor) -> Result<Tensor, TchError>;

    /// The same stage over the same tensors, for another thread.
    fn share(&self) -> Box<dyn Layer>;
}
/// The largest value of each `kernel` x `kernel` places, without padding.
pub struct MaxPool {
    pub kernel: i64,
    pub stride: i64,
}

impl Layer for MaxPool {
    fn forward(&self, input: &Tensor) -> Result<Tensor, TchError> {
        input.f_max_pool2d([self.kernel; 2], [self.stride; 2], [0; 2], [1; 2], false)
    }

    fn share(&self) -> Box<dyn Layer> {
        Box::new(Self { ..*self })
    }
}

/// The average of each `kernel` x `kernel` places (odd) with stride 1. At the edge it is the average of the places that
/// are there, as with TensorFlow's SAME.
pub struct AveragePool {
    pub kernel: i64,
}

impl Layer for AveragePool {
    fn forward(&self, input: &Tensor) -> Result<Tensor, TchError> {
        input.f_avg_pool2d([self.kernel; 2], [1; 2], [self.kernel / 2; 2], false, false, None::<i64>)
    }

    fn share(&self) -> Box<dyn Layer> {
        Box::new(Self { ..*self })
    }
}

/// Layers one after another.
pub struct Chain(pub Vec<Box<dyn Layer>>);

impl Layer for Chain {
    fn forward(&self, input: &Tensor) -> Result<Tensor, TchError> {
        self.0.iter().try_fold(input.shallow_clone(), |x, layer| layer.forward(&x))
    }

    fn share(&self) -> Box<dyn Layer> {
        Box::new(Self(self.0.iter().map(|layer| layer.share()).collect()))
    }
}

/// Layers over the same input, their channels behind each other.
pub struct Concat(pub Vec<Box<dyn Layer>>);

impl Layer for Concat {
    fn forward(&self, input: &Tensor) -> Result<Tensor, TchError> {
        let outputs = self.0.iter().map(|layer| layer.forward(input)).collect::<Result<Vec<_>, _>>()?;
        Tensor::f_cat(&outputs, 1)
    }

    fn share(&self) -> Box<dyn Layer> {
        Box::new(Self(self.0.iter().map(|layer| layer.share()).collect()))
    }
}
