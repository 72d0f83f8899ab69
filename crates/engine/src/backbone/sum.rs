//! The sum of branches over the same input.

use super::Activation;
use super::convolution::Conv;
use super::layers::{Layer, activate};
use tch::{TchError, Tensor};

/// `activation(sum of branches)`.
pub struct Sum {
    branches: Vec<Box<dyn Layer>>,
    /// A further branch, whose last convolution adds the others to its output and applies the activation.
    adding: Option<(Box<dyn Layer>, Conv)>,
    /// The activation where there is no such branch.
    activation: Activation,
}

impl Sum {
    /// From at least one branch.
    pub fn new(branches: Vec<Box<dyn Layer>>, adding: Option<(Box<dyn Layer>, Conv)>, activation: Activation) -> Self {
        Self { branches, adding, activation }
    }
}

impl Layer for Sum {
    fn forward(&self, input: &Tensor) -> Result<Tensor, TchError> {
        let mut sum: Option<Tensor> = None;
        for branch in &self.branches {
            let output = branch.forward(input)?;
            sum = Some(match sum {
                Some(sum) => sum.f_add(&output)?,
                None => output,
            });
        }
        match (&self.adding, sum) {
            (Some((before, last)), Some(sum)) => last.forward_add(&before.forward(input)?, &sum),
            (Some((before, last)), None) => last.forward(&before.forward(input)?),
            (None, Some(sum)) => activate(self.activation, sum),
            (None, None) => Err(TchError::Shape("a sum has no branches".into())),
        }
    }

    fn share(&self) -> Box<dyn Layer> {
        Box::new(Self {
            branches: self.branches.iter().map(|branch| branch.share()).collect(),
            adding: self.adding.as_ref().map(|(before, last)| (before.share(), last.share())),
            activation: self.activation,
        })
    }
}
