//! Pretrained classifiers that come with some networks.

/// A pretrained classifier on the globally averaged last stage: dense layers with ReLU between them. The last one has
/// one output; above zero it predicts the second class.
#[derive(Debug, Clone, Copy)]
pub struct Head {
    /// Name of the parameters, inputs and outputs.
    pub layers: &'static [(&'static str, usize, usize)],
    pub classes: [&'static str; 2],
}

impl Head {
    /// Names and shapes of its parameters.
    pub fn parameters(&self) -> Vec<(String, Vec<usize>)> {
        let of = |&(name, input, output): &(&str, usize, usize)| {
            [(format!("{name}.weight"), vec![output, input]), (format!("{name}.bias"), vec![output])]
        };
        self.layers.iter().flat_map(of).collect()
    }
}
