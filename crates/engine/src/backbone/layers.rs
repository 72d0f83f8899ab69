//! Layers other than convolutions, and containers of layers.

use super::{Activation, Padding};
use tch::{TchError, Tensor};

/// One stage of a network. Later stages never modify its output, so features can be taken from it.
pub trait Layer: Send {
    /// `[N, C, H, W]` to `[N, C', H', W']`, without gradients.
    fn forward(&self, input: &Tensor) -> Result<Tensor, TchError>;

    /// The same stage over the same tensors, for another thread.
    fn share(&self) -> Box<dyn Layer>;
}
/// Applies an activation.
pub fn activate(activation: Activation, sums: Tensor) -> Result<Tensor, TchError> {
    match activation {
        Activation::None => Ok(sums),
        Activation::Relu => sums.f_relu(),
        Activation::Relu6 => sums.f_relu6(),
    }
}

/// max(x, 0).
pub struct Relu;

impl Layer for Relu {
    fn forward(&self, input: &Tensor) -> Result<Tensor, TchError> {
        input.f_relu()
    }

    fn share(&self) -> Box<dyn Layer> {
        Box::new(Self)
    }
}

/// Max pooling over `kernel` x `kernel` windows.
pub struct MaxPool {
    pub kernel: i64,
    pub stride: i64,
    pub padding: Padding,
}

impl MaxPool {
    /// The same, differentiable.
    pub fn apply(&self, input: &Tensor) -> Result<Tensor, TchError> {
        let [kernel, stride] = [self.kernel, self.stride];
        // TensorFlow's SAME pads the odd row and column at the end, where windows may reach beyond the edge.
        let (before, beyond) = match self.padding {
            Padding::Fixed(padding) => (padding, false),
            Padding::Same => {
                let before = |axis: usize| {
                    let side = input.size()[2 + axis];
                    (((side + stride - 1) / stride - 1) * stride + kernel - side).max(0) / 2
                };
                ([before(0), before(1)], true)
            }
        };
        input.f_max_pool2d([kernel; 2], [stride; 2], before, [1; 2], beyond)
    }
}

impl Layer for MaxPool {
    fn forward(&self, input: &Tensor) -> Result<Tensor, TchError> {
        self.apply(input)
    }

    fn share(&self) -> Box<dyn Layer> {
        Box::new(Self { ..*self })
    }
}

/// Average pooling over `kernel` x `kernel` windows (odd) with stride 1. Padding is not counted, as in TensorFlow's
/// SAME.
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

/// Layers in sequence.
pub struct Chain(pub Vec<Box<dyn Layer>>);

impl Layer for Chain {
    fn forward(&self, input: &Tensor) -> Result<Tensor, TchError> {
        self.0.iter().try_fold(input.shallow_clone(), |x, layer| layer.forward(&x))
    }

    fn share(&self) -> Box<dyn Layer> {
        Box::new(Self(self.0.iter().map(|layer| layer.share()).collect()))
    }
}

/// Layers over the same input, their channels concatenated.
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
