//! Class-activation maps against PyTorch's autograd. Fixture: `fixtures/explain_reference.py`.

use faceprobe_core::imaging::Pixels;
use faceprobe_engine::backbone::Pool;
use faceprobe_engine::features::{Dtype, StoreIdentity, Tapped};
use faceprobe_engine::model::{Kind, Weights, kind};
use faceprobe_engine::predict::explain::heat_map;
use faceprobe_engine::predict::overlay::overlay;
use faceprobe_engine::predict::{HeatMap, Method, Placement};
use ndarray::ArrayD;
use serde::Deserialize;
use std::collections::BTreeMap;
use tch::Tensor;

#[derive(Deserialize)]
struct Array {
    shape: Vec<usize>,
    values: Vec<f32>,
}

impl Array {
    fn tensor(&self) -> Tensor {
        let shape: Vec<i64> = self.shape.iter().map(|&side| side as i64).collect();
        Tensor::from_slice(&self.values).view(shape.as_slice())
    }
}

#[derive(Deserialize)]
struct Case {
    kind: String,
    pool: String,
    positive: bool,
    exact: bool,
    activations: Vec<Array>,
    weights: BTreeMap<String, Array>,
    logit: f64,
    map: Array,
}

fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("fixtures/explain_reference.json")).unwrap()
}

#[test]
fn maps_are_those_of_pytorch() {
    for case in cases() {
        let name = format!("{} {} {}", case.kind, case.pool, case.activations.len());
        let weights: Weights = case
            .weights
            .iter()
            .map(|(name, array)| {
                (name.clone(), ArrayD::from_shape_vec(array.shape.clone(), array.values.clone()).unwrap())
            })
            .collect();
        let kind = if case.kind == "logistic" { Kind::LOGISTIC } else { Kind::DENSE };
        let input = StoreIdentity {
            backbone: "made up".into(),
            weights: String::new(),
            preprocessing: String::new(),
            tap: "last".into(),
            pool: case.pool.clone(),
            dtype: Dtype::F32,
            width: weights["input.mean"].len(),
        };
        let scorer = kind::of(kind).unwrap().scorer(&weights, &input).unwrap();
        let activations: Vec<Tensor> = case.activations.iter().map(Array::tensor).collect();
        let pool: Pool = case.pool.parse().unwrap();
        let tapped = Tapped { activations, pool };
        let logit = |stages: &[Tensor]| scorer.logits_of_rows(&tapped.pooled(stages)?);
        let whole = logit(&tapped.activations).unwrap().double_value(&[0]);
        assert!((whole - case.logit).abs() < 1e-4, "{name}: {whole} {}", case.logit);

        let method = if case.exact { Method::Cam } else { Method::GradCam };
        let map = heat_map(&tapped.activations, &logit, case.positive, method).unwrap();
        assert_eq!(vec![map.rows, map.columns], case.map.shape, "{name}");
        // The paper's weights of a single stage are means where ours are sums.
        let scale = match (case.exact, case.activations.len()) {
            (false, 1) => (map.rows * map.columns) as f32,
            _ => 1.0,
        };
        let scale = |value: f32| value * scale;
        let largest = case.map.values.iter().map(|value| scale(*value).abs()).fold(1e-3, f32::max);
        for (ours, theirs) in map.values.iter().zip(&case.map.values) {
            assert!((ours - scale(*theirs)).abs() < 1e-5 * largest, "{name}: {ours} {}", scale(*theirs));
        }
        if case.exact {
            // The mean of the map is what the picture adds to the logit.
            let nothing: Vec<Tensor> = tapped.activations.iter().map(Tensor::zeros_like).collect();
            let added = whole - logit(&nothing).unwrap().double_value(&[0]);
            let mean = f64::from(map.values.iter().sum::<f32>()) / map.values.len() as f64;
            let mean = if case.positive { mean } else { -mean };
            assert!((mean - added).abs() < 1e-4, "{name}: {mean} {added}");
        }
    }
}

#[test]
fn an_overlay_colours_the_place_and_nothing_else() {
    let picture = Pixels::new(40, 20, vec![100; 40 * 20 * 3]).unwrap();
    let mut values = vec![-1.0; 16];
    values[3] = 2.0; // first row, last column
    let map = HeatMap { method: Method::Cam, rows: 4, columns: 4, values };
    let at = |picture: &Pixels, x: usize, y: usize| -> [u8; 3] {
        picture.rgb()[(y * 40 + x) * 3..][..3].try_into().unwrap()
    };
    let drawn = overlay(&picture, &[(&map, Placement::WHOLE)]);
    assert_eq!((drawn.width(), drawn.height()), (40, 20));
    assert_eq!(at(&drawn, 3, 17), [100; 3], "what speaks for the other class is left as it is");
    let [red, green, blue] = at(&drawn, 37, 2);
    assert!(red > 190 && green > 190 && blue < 190, "the peak is bright yellow: {red} {green} {blue}");

    // The right half only: the crop's last column is still the picture's last, its first begins in the middle.
    let right = Placement([[2.0, 0.0, -1.0], [0.0, 1.0, 0.0]]);
    let drawn = overlay(&picture, &[(&map, right)]);
    assert_eq!(at(&drawn, 10, 2), [100; 3]);
    assert_ne!(at(&drawn, 38, 2), [100; 3]);
}
