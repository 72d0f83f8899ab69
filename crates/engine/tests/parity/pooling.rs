//! Pooling against torch and Keras.

use crate::{fixture, largest_relative_difference, patterns};
use faceprobe_engine::backbone::{Pool, pooling};
use std::collections::BTreeMap;
use tch::{Kind, Tensor};

#[test]
fn every_pooling_gives_the_row_of_torch_or_keras() {
    let text = std::fs::read_to_string(fixture("parity_pooling.json")).unwrap();
    let reference: BTreeMap<String, Vec<f64>> = serde_json::from_str(&text).unwrap();
    let (count, channels, side) = (2, 3, 7);
    let values: Vec<f32> = patterns::uniform("pooling", count * channels * side * side).map(|u| u as f32).collect();
    let plain = Tensor::from_slice(&values).view([count as i64, channels as i64, side as i64, side as i64]);
    for (name, expected) in &reference {
        let pool: Pool = name.parse().unwrap();
        assert_eq!(pool.to_string(), *name);
        // A network's outputs have the channels last in memory.
        for output in [plain.shallow_clone(), plain.permute([0, 2, 3, 1]).contiguous().permute([0, 3, 1, 2])] {
            let rows = pooling::apply(pool, &output).unwrap();
            assert_eq!(rows.size(), [count as i64, pool.width(channels, side) as i64], "{name}");
            assert!(rows.is_contiguous(), "{name}");
            let rows = Vec::<f64>::try_from(rows.to_kind(Kind::Double).view([-1])).unwrap();
            let difference = largest_relative_difference(&rows, expected, 1e-2);
            assert!(difference < 1e-5, "{name}: {difference:.2e}");
        }
    }
    assert_eq!(reference.len(), 7);
}

#[test]
fn what_is_no_pooling_is_refused() {
    for text in ["", "average", "grid", "grid1", "grid17", "grid-2", "grid2.0", "AVG"] {
        let error = text.parse::<Pool>().unwrap_err().to_string();
        assert!(error.contains("avg, max, grid2 to grid16, or flatten"), "{text}: {error}");
    }
}
