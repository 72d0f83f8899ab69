//! Every network against its reference implementation, with generated weights and, if they are installed, with the real
//! ones. Fixtures: `fixtures/parity_reference.py` and `fixtures/backbone_reference.py`.

mod formula;
#[path = "../support/patterns.rs"]
mod patterns;
mod pooling;
mod real;
mod stages;

use std::path::{Path, PathBuf};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// The largest difference relative to the reference's own value. Values nearer to zero than `floor` are measured
/// against that: what sums of positive and negative terms cancel to is no more exact than the terms.
fn largest_relative_difference(got: &[f64], expected: &[f64], floor: f64) -> f64 {
    assert_eq!(got.len(), expected.len());
    got.iter().zip(expected).map(|(a, b)| (a - b).abs() / b.abs().max(floor)).fold(0.0, f64::max)
}
