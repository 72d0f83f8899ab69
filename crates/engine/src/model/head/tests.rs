//! Gradients and steps against libtorch's autograd and optimizers.

use super::*;
use crate::model::data::{Examples, LabelledRows};
use crate::model::kinds::dense::training::Dense;
use crate::model::network::{Network, to_array};
use crate::model::scaling::Standardisation;
use faceprobe_core::monitor::Silent;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tch::nn::{self, OptimizerConfig};
use tch::{Device, Tensor};

fn rows(count: usize, width: usize) -> LabelledRows {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let x = Array2::from_shape_simple_fn((count, width), || rng.random_range(-2.0f32..3.0));
    let y = (0..count).map(|_| rng.random()).collect();
    LabelledRows::new(x, y).unwrap()
}

/// Trains the head for some epochs, and with libtorch for the same steps; the losses must be close.
fn both(settings: &DenseSettings, samples: usize, inputs: usize, epochs: usize, near: f64) -> (Weights, Weights) {
    let split = rows(samples, inputs);
    let scaling = Standardisation::of_split(&Examples::from(&split), "test", &Silent).unwrap();
    let mut head = Head::new(inputs, settings);
    let first = head.weights().unwrap();
    let mut loader = Loader::new(&split, &scaling, settings.products);

    let store = nn::VarStore::new(Device::Cpu);
    for (name, array) in &first {
        let (part, kind) = name.split_once('.').unwrap();
        let _ = (store.root() / part).var_copy(kind, &crate::model::network::to_tensor(array).unwrap());
    }
    // Variables with the names of the head's weights; the scorer's network uses them.
    let mut network = Dense::from_weights(&first, inputs).unwrap();
    network.share(&store);
    let (rate, wd) = (settings.learning_rate, settings.weight_decay);
    let mut torch = match settings.optimizer {
        Optimizer::Adam => nn::Adam { wd, ..Default::default() }.build(&store, rate),
        Optimizer::AdamW => nn::AdamW { wd, ..Default::default() }.build(&store, rate),
        Optimizer::Sgd => nn::Sgd { momentum: 0.9, wd, ..Default::default() }.build(&store, rate),
        Optimizer::RmsProp => nn::RmsProp { wd, ..Default::default() }.build(&store, rate),
    }
    .unwrap();

    let mut step = 0;
    for epoch in 1..=epochs {
        let (mut own_masks, mut torch_masks) =
            (Dropout::for_epoch(settings.dropout, 3, epoch), Dropout::for_epoch(settings.dropout, 3, epoch));
        for batch in (0..samples).collect::<Vec<_>>().chunks(settings.batch) {
            step += 1;
            let positive: Vec<bool> = batch.iter().map(|&row| split.y()[row]).collect();
            let x = loader.batch(batch).unwrap();
            let input = Tensor::from_slice(&x.tiles.to_rows()).view([batch.len() as i64, inputs as i64]);
            let figures = head.train_step(x, &positive, &mut own_masks, step, rate);
            let targets: Vec<f32> = positive.iter().map(|&positive| f32::from(u8::from(positive))).collect();
            let logits = network.logits(&input, &mut torch_masks).unwrap();
            let loss = logits.binary_cross_entropy_with_logits::<Tensor>(
                &Tensor::from_slice(&targets),
                None,
                None,
                tch::Reduction::Mean,
            );
            torch.backward_step(&loss);
            let torch_loss = loss.double_value(&[]);
            assert!(
                (figures.loss - torch_loss).abs() < near * torch_loss,
                "step {step}: {} {torch_loss}",
                figures.loss
            );
        }
    }
    let expected = store.variables().iter().map(|(name, tensor)| (name.clone(), to_array(tensor).unwrap())).collect();
    (head.weights().unwrap(), expected)
}

#[test]
fn every_optimizer_takes_the_steps_of_libtorch() {
    for (optimizer, learning_rate) in
        [(Optimizer::Adam, 3e-3), (Optimizer::AdamW, 3e-3), (Optimizer::Sgd, 2e-2), (Optimizer::RmsProp, 1e-3)]
    {
        for (depth, dropout, weight_decay) in [(1, 0.8, 0.0), (1, 0.0, 0.02), (2, 0.5, 0.01)] {
            let settings = DenseSettings {
                width: 77,
                depth,
                dropout,
                weight_decay,
                learning_rate,
                optimizer,
                batch: 32,
                ..Default::default()
            };
            let (own, torch) = both(&settings, 70, 83, 4, 1e-4);
            assert_alike(&own, &torch, &format!("{optimizer:?} {depth} {dropout}"));
        }
    }
}

/// More tiles, groups and samples than one pass handles.
#[test]
fn large_heads_take_the_steps_of_libtorch() {
    for (depth, dropout) in [(1, 0.8), (2, 0.5)] {
        let settings =
            DenseSettings { width: 530, depth, dropout, learning_rate: 1e-3, batch: 128, ..Default::default() };
        let (own, torch) = both(&settings, 300, 700, 2, 1e-4);
        assert_alike(&own, &torch, &format!("{depth} {dropout}"));
    }
}

fn assert_alike(own: &Weights, torch: &Weights, what: &str) {
    assert_eq!(own.keys().collect::<Vec<_>>(), torch.keys().collect::<Vec<_>>());
    for (name, own) in own {
        let torch = &torch[name];
        let largest = torch.iter().fold(0f32, |largest, value| largest.max(value.abs()));
        let worst = own.iter().zip(torch).fold(0f32, |worst, (own, torch)| worst.max((own - torch).abs()));
        // Adam and RMSprop divide by the magnitude of the gradient, so a weight with almost no gradient may diverge.
        assert!(worst <= 2e-3 * largest.max(0.05), "{what} {name}: {worst} of {largest}");
    }
}

#[test]
fn scores_are_those_of_the_scorer() {
    let settings = DenseSettings { width: 100, depth: 2, ..Default::default() };
    let split = rows(70, 45);
    let head = Head::new(45, &settings);
    let scaling = Standardisation::identity(45);
    let all: Vec<usize> = (0..70).collect();
    let own = head.score(Loader::new(&split, &scaling, Arithmetic::F32).batch(&all).unwrap());
    let input = Tensor::from_slice(&split.x().iter().copied().collect::<Vec<_>>()).view([70, 45]);
    let dense = Dense::from_weights(&head.weights().unwrap(), 45).unwrap();
    let torch = to_array(&dense.logits(&input, &mut Dropout::off()).unwrap()).unwrap();
    assert!(own.iter().zip(&torch).all(|(own, torch)| (own - torch).abs() < 1e-4));
}

/// The gradients are those of the rounded products, so a training ends close to the one in f32 but not equal.
#[test]
fn products_in_bf16_lead_to_nearly_the_same_head() {
    if !faceprobe_kernel::half::available() {
        eprintln!("skipped: this processor has no arithmetic in bf16");
        return;
    }
    for (depth, inputs) in [(1, 700), (2, 83)] {
        let single =
            DenseSettings { width: 130, depth, dropout: 0.5, learning_rate: 1e-3, batch: 64, ..Default::default() };
        let half = DenseSettings { products: Arithmetic::Bf16, ..single.clone() };
        let (own, torch) = both(&half, 200, inputs, 3, 2e-2);
        for (name, own) in &own {
            let torch = &torch[name];
            let moved = torch.iter().map(|value| value * value).sum::<f32>().sqrt();
            let apart = own.iter().zip(torch).map(|(own, torch)| (own - torch).powi(2)).sum::<f32>().sqrt();
            // Biases start at zero, and Adam's step is as large for a small gradient as for a large one.
            let near = if name.ends_with("bias") { 0.2 } else { 0.05 };
            assert!(apart <= near * moved.max(0.05), "{depth} {name}: {apart} of {moved}");
        }
        assert_ne!(own, both(&single, 200, inputs, 3, 1e-4).0);
    }
}
