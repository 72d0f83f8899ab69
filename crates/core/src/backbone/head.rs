//! The classifier that some networks bring.

/// A classifier that came with a network's weights, on the averaged last stage: dense layers with ReLU between them. The
/// last has one output, and above zero it answers the second class.
#[derive(Debug, Clone, Copy)]
pub struct Head {
    /// Name of the parameters, values in and out.
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
