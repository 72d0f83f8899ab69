//! Exported graphs, computed operator by operator with libtorch, against the engine's own scores: every form of layer,
//! every pooling and every kind of model, with generated weights.

use faceprobe_core::backbone::blueprint::Form;
use faceprobe_core::backbone::weights::{WeightsInfo, record};
use faceprobe_core::backbone::{self, Architecture, BackboneInfo};
use faceprobe_core::evaluation::Calibration;
use faceprobe_core::imaging::Pixels;
use faceprobe_core::imaging::preprocessing::Mode;
use faceprobe_core::monitor::Silent;
use faceprobe_core::onnx::predictor;
use faceprobe_core::onnx::proto::{ModelProto, NodeProto, element};
use faceprobe_engine::backbone::Tail;
use faceprobe_engine::features::{FeatureSpec, RowSource, Rows, StoreIdentity};
use faceprobe_engine::model::kind;
use faceprobe_engine::model::{
    BenchmarkSettings, FORMAT, Kind, KnnSettings, LabelledRows, ModelInfo, Provenance, SavedModel, Scorer, Votes,
    Weights, train_knn,
};
use ndarray::{Array2, ArrayD};
use prost::Message;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use safetensors::{Dtype, tensor::TensorView};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::Path;
use tch::{Device, Tensor};

/// A parameter that keeps activations in bounds.
fn parameter(name: &str, shape: &[usize], draw: &mut ChaCha8Rng) -> ArrayD<f32> {
    let (middle, scale) = match (name.rsplit('.').next(), shape) {
        (Some("weight"), [_, inputs, rows, columns]) => (0.0, (6.0 / (inputs * rows * columns) as f32).sqrt()),
        (Some("weight"), [_, inputs]) => (0.0, (3.0 / *inputs as f32).sqrt()),
        (Some("weight" | "running_var" | "deviation"), _) => (1.0, 0.2),
        _ => (0.0, 0.2),
    };
    ArrayD::from_shape_simple_fn(shape, || middle + scale * draw.random_range(-1.0f32..1.0))
}

fn parameters(shapes: &[(String, Vec<usize>)], seed: u64) -> Weights {
    let mut draw = ChaCha8Rng::seed_from_u64(seed);
    shapes.iter().map(|(name, shape)| (name.clone(), parameter(name, shape, &mut draw))).collect()
}

/// Stores made-up weights of a network as `weights import` would.
fn store(folder: &Path, info: &BackboneInfo) {
    let weights = parameters(&info.parameters(), 1);
    let bytes = |array: &ArrayD<f32>| array.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let tensors: Vec<_> = weights.iter().map(|(name, array)| (name, array.shape().to_vec(), bytes(array))).collect();
    let views =
        tensors.iter().map(|(name, shape, bytes)| (*name, TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap()));
    let file = safetensors::serialize(views, None).unwrap();
    let path = folder.join(format!("{}.safetensors", info.name));
    std::fs::write(&path, &file).unwrap();
    let about = WeightsInfo {
        backbone: info.name.into(),
        sha256: hex::encode(Sha256::digest(&file)),
        bytes: file.len() as u64,
        source: "made up".into(),
        licence: String::new(),
    };
    record(&path, &about).unwrap();
}

/// What a graph gives for pictures, by name.
fn computed(model: &ModelProto, pictures: Tensor) -> BTreeMap<String, Tensor> {
    let graph = model.graph.as_ref().unwrap();
    let mut values = BTreeMap::from([(graph.input[0].name.clone(), pictures)]);
    for tensor in &graph.initializer {
        let kind = if tensor.data_type == element::INT64 { tch::Kind::Int64 } else { tch::Kind::Float };
        let value = Tensor::f_from_data_size(&tensor.raw_data, &tensor.dims, kind).unwrap();
        values.insert(tensor.name.clone(), value);
    }
    for node in &graph.node {
        let inputs: Vec<&Tensor> = node.input.iter().map(|name| &values[name]).collect();
        for (name, value) in node.output.iter().zip(tch::no_grad(|| operator(node, &inputs)).unwrap()) {
            values.insert(name.clone(), value);
        }
    }
    graph.output.iter().map(|output| (output.name.clone(), values[&output.name].shallow_clone())).collect()
}

/// What an operator gives, as onnx's `Operators.md` says it.
fn operator(node: &NodeProto, inputs: &[&Tensor]) -> Result<Vec<Tensor>, tch::TchError> {
    let attribute = |name: &str| node.attribute.iter().find(|attribute| attribute.name == name);
    let ints = |name: &str| attribute(name).map(|attribute| attribute.ints.clone()).unwrap_or_default();
    let int = |name: &str, usual: i64| attribute(name).and_then(|attribute| attribute.i).unwrap_or(usual);
    let numbers = |tensor: &Tensor| Vec::<i64>::try_from(tensor.view(-1)).unwrap();
    let keep = int("keepdims", 1) == 1;
    let [x, ..] = inputs else { panic!("{} has no input", node.name) };
    let padded = |value: f64| {
        let pads = ints("pads");
        let [above, left, below, right] = pads[..] else { return Ok(x.shallow_clone()) };
        x.f_pad([left, right, above, below], "constant", value)
    };
    let one = |result: Result<Tensor, tch::TchError>| Ok(vec![result?]);
    match node.op_type.as_str() {
        "Add" => one(x.f_add(inputs[1])),
        "Sub" => one(x.f_sub(inputs[1])),
        "Mul" => one(x.f_mul(inputs[1])),
        "Div" => one(x.f_div(inputs[1])),
        "Max" => one(x.f_maximum(inputs[1])),
        "Relu" => one(x.f_relu()),
        "Sigmoid" => one(x.f_sigmoid()),
        "Identity" => one(Ok(x.shallow_clone())),
        "Clip" => one(x.f_clamp_tensor(Some(inputs[1]), Some(inputs[2]))),
        "Greater" => one(x.f_gt_tensor(inputs[1])),
        "GreaterOrEqual" => one(x.f_ge_tensor(inputs[1])),
        "Where" => one(inputs[1].f_where_self(x, inputs[2])),
        "MatMul" => one(x.f_matmul(inputs[1])),
        "Cast" => one(x.f_to_kind(match int("to", 0) as i32 {
            element::FLOAT => tch::Kind::Float,
            element::FLOAT16 => tch::Kind::Half,
            element::INT64 => tch::Kind::Int64,
            other => panic!("a cast to {other}"),
        })),
        "Transpose" => one(x.f_permute(ints("perm"))),
        "Flatten" => one(x.f_contiguous()?.f_flatten(int("axis", 1), -1)),
        "Reshape" => {
            // A zero keeps the side.
            let sides = numbers(inputs[1]).into_iter().zip(x.size().into_iter().chain([0; 8]));
            one(x.f_reshape(sides.map(|(side, own)| if side == 0 { own } else { side }).collect::<Vec<_>>()))
        }
        "Erf" => one(x.f_erf()),
        "Softmax" => one(x.f_softmax(int("axis", -1), None)),
        "LayerNormalization" => {
            assert_eq!(int("axis", -1), -1);
            let epsilon = attribute("epsilon").and_then(|attribute| attribute.f).unwrap_or(1e-5);
            one(x.f_layer_norm(inputs[1].size(), Some(inputs[1]), Some(inputs[2]), epsilon.into(), true))
        }
        "Pad" => {
            // From the first axis on: all that come before, then all that come behind.
            let (pads, axes) = (numbers(inputs[1]), x.dim());
            let by_axis = (0..axes).rev().flat_map(|axis| [pads[axis], pads[axes + axis]]);
            one(x.f_constant_pad_nd(by_axis.collect::<Vec<_>>()))
        }
        "Concat" => one(Tensor::f_cat(inputs, int("axis", 0))),
        "Gather" => {
            let axis = int("axis", 0);
            let taken = x.f_index_select(axis, &inputs[1].view(-1))?;
            one(if x.dim() == 1 { taken.f_view_as(inputs[1]) } else { Ok(taken) })
        }
        "Slice" => {
            let [start, end, axis] = [1, 2, 3].map(|input| numbers(inputs[input])[0]);
            if inputs.len() < 5 {
                return one(x.f_slice(axis, Some(start), Some(end), 1));
            }
            assert_eq!((start, numbers(inputs[4])[0]), (-1, -1), "only mirroring is known besides");
            one(x.f_flip([axis]))
        }
        "Gemm" => {
            let other = if int("transB", 0) == 1 { inputs[1].f_tr()? } else { inputs[1].shallow_clone() };
            one(x.f_matmul(&other)?.f_add(inputs[2]))
        }
        "Conv" => {
            let strides = if ints("strides").is_empty() { vec![1, 1] } else { ints("strides") };
            one(padded(0.0)?.f_conv2d(inputs[1], Some(inputs[2]), strides, [0, 0], [1, 1], int("group", 1)))
        }
        "MaxPool" => one(x.f_max_pool2d(ints("kernel_shape"), ints("strides"), [0, 0], [1, 1], false)),
        "AveragePool" => {
            // The margin counts for nothing.
            let sums =
                |x: &Tensor| x.f_avg_pool2d(ints("kernel_shape"), ints("strides"), [0, 0], false, true, None::<i64>);
            let there = Tensor::f_ones_like(x)?;
            let pads = ints("pads");
            let [above, left, below, right] = pads[..] else { return one(sums(x)) };
            let there = there.f_constant_pad_nd([left, right, above, below])?;
            one(sums(&padded(0.0)?)?.f_div(&sums(&there)?))
        }
        "ReduceMean" => one(x.f_mean_dim(ints("axes").as_slice(), keep, None)),
        "ReduceMax" => one(x.f_amax(ints("axes"), keep)),
        "ReduceL2" => one(x.f_square()?.f_sum_dim_intlist(ints("axes").as_slice(), keep, None)?.f_sqrt()),
        "ReduceSum" => one(x.f_sum_dim_intlist(numbers(inputs[1]).as_slice(), keep, None)),
        "TopK" => {
            let (largest, places) = x.f_topk(numbers(inputs[1])[0], -1, true, true)?;
            Ok(vec![largest, places])
        }
        other => panic!("{other} is not known here"),
    }
}

fn info(kind: Kind, input: StoreIdentity, calibration: Option<Calibration>, settings: serde_json::Value) -> ModelInfo {
    ModelInfo {
        format: FORMAT,
        kind,
        input,
        alignment: None,
        classes: ["female".into(), "male".into()],
        threshold: 0.4,
        calibration,
        settings,
        provenance: Provenance { run: "made-up-1".into(), ..Provenance::default() },
    }
}

/// Pictures at the size that the model takes, none like another.
fn pictures(side: usize) -> Vec<Pixels> {
    let picture = |seed: u64| {
        let mut draw = ChaCha8Rng::seed_from_u64(seed);
        let tint: [u8; 3] = draw.random();
        let pixel = |place: usize| {
            let noise: u8 = draw.random_range(0..90);
            tint[place % 3] / 2 + noise + (place / 3 % side * 60 / side) as u8 / (1 + seed as u8)
        };
        Pixels::new(side, side, (0..side * side * 3).map(pixel).collect()).unwrap()
    };
    (1..=2).map(picture).collect()
}

/// The graph's answers against the engine's for the same pictures.
fn agree(name: &str, saved: &SavedModel) {
    let source = kind::of(saved.info.kind).unwrap().source_of_saved(&saved.info, Device::Cpu).unwrap();
    assert_eq!(source.identity(), saved.info.input, "{name}");
    let pictures = pictures(source.preprocessing().size);
    let scorer = Scorer::of(saved).unwrap();
    let expected = match source.worker().unwrap().rows(&pictures).unwrap() {
        Rows::F32(rows) => scorer.scores_f32(rows.view()),
        Rows::U16(rows) => scorer.scores_u16(rows.view()),
    };
    let model = ModelProto::decode(predictor(saved).unwrap().as_slice()).unwrap();
    let side = pictures[0].width() as i64;
    let bytes: Vec<u8> = pictures.iter().flat_map(|picture| picture.rgb().iter().copied()).collect();
    let input = Tensor::from_slice(&bytes).view([pictures.len() as i64, side, side, 3]);
    let answers = computed(&model, input);
    let floats = |name: &str| Vec::<f32>::try_from(&answers[name]).unwrap();
    let labels = Vec::<i64>::try_from(&answers["label"]).unwrap();
    let expected = expected.unwrap();
    assert!(expected.windows(2).any(|pair| (pair[0] - pair[1]).abs() > 1e-4), "{name}: {expected:?} are all the same");
    for (at, score) in expected.into_iter().enumerate() {
        let positive = score >= saved.info.threshold;
        let of_class_1 = saved.info.calibration.map_or(score, |calibration| calibration.probability(score));
        let probability = if positive { of_class_1 } else { 1.0 - of_class_1 };
        let found = (labels[at], f64::from(floats("score")[at]), f64::from(floats("probability")[at]));
        let same =
            found.0 == i64::from(positive) && (found.1 - score).abs() < 2e-5 && (found.2 - probability).abs() < 5e-5;
        assert!(same, "{name} {at}: {found:?} instead of {positive} {score} {probability}");
    }
}

/// With the mean and the spread of the pictures' own rows, so that scores are not all 0 or 1.
fn standardised(mut weights: Weights, info: &ModelInfo) -> Weights {
    let source = kind::of(info.kind).unwrap().source_of_saved(info, Device::Cpu).unwrap();
    let pictures = pictures(source.preprocessing().size);
    let Rows::F32(rows) = source.worker().unwrap().rows(&pictures).unwrap() else { panic!("rows of features") };
    let spread = rows.std(0.0);
    weights.insert("input.mean".into(), rows.mean_axis(ndarray::Axis(0)).unwrap().into_dyn());
    weights.get_mut("input.deviation").unwrap().mapv_inplace(|value| value * spread);
    weights
}

fn head(width: usize, layers: &[(&str, usize)]) -> Vec<(String, Vec<usize>)> {
    let mut shapes = vec![("input.mean".to_owned(), vec![width]), ("input.deviation".to_owned(), vec![width])];
    let mut inputs = width;
    for (name, outputs) in layers {
        let named = |part: &str| if name.is_empty() { part.to_owned() } else { format!("{name}.{part}") };
        shapes.extend([(named("weight"), vec![*outputs, inputs]), (named("bias"), vec![*outputs])]);
        inputs = *outputs;
    }
    shapes
}

fn spec(backbone: &str, tap: &str, pool: &str, mode: Mode) -> FeatureSpec {
    FeatureSpec { tap: tap.parse().unwrap(), pool: pool.parse().unwrap(), mode, ..FeatureSpec::of_backbone(backbone) }
}

#[test]
fn exported_graphs_score_as_the_engine_does() {
    let folder = tempfile::tempdir().unwrap();
    // SAFETY: this file has one test, and nothing else runs yet.
    unsafe { std::env::set_var("FACEPROBE_WEIGHTS", folder.path()) };
    let networks = [
        "mobilenet-v2",
        "efficientnet-lite0",
        "vgg16",
        "inception-resnet-v2",
        "convnext-tiny",
        "vit-small-14",
        "vit-b-32",
    ];
    for name in networks {
        store(folder.path(), backbone::find(name).unwrap());
    }
    let temperature =
        Calibration { slope: 0.7, ..Calibration::platt(&[0.2, 0.6, 0.4, 0.9], &[false, true, false, true]).unwrap() };

    // Through the first stage of each form that a network has.
    let inception = backbone::find("inception-resnet-v2").unwrap();
    let Architecture::Plan(plan) = &inception.architecture else { panic!("a plan") };
    let forms: Vec<Form> = plan().into_iter().map(|stage| stage.form).collect();
    let residual = forms.iter().position(|form| matches!(form, Form::Residual(..))).unwrap();
    assert!(forms[..residual].iter().any(|form| matches!(form, Form::Mixed(_))));
    let pooled = backbone::find("vgg16").unwrap().stages().iter().position(|stage| stage.side == 56).unwrap();
    let cases = [
        ("mobilenet-v2", "2,4".to_owned(), "grid3", Mode::Keras),
        ("efficientnet-lite0", "3".to_owned(), "grid16", Mode::Default),
        ("vgg16", pooled.to_string(), "max", Mode::Default),
        ("mobilenet-v2", "last".to_owned(), "flatten", Mode::Default),
        ("inception-resnet-v2", residual.to_string(), "avg", Mode::Default),
        ("convnext-tiny", "1,4".to_owned(), "avg", Mode::Default),
        ("vit-small-14", "1".to_owned(), "cls+avg", Mode::Default),
        ("vit-small-14", "0,2".to_owned(), "grid3", Mode::Default),
        ("vit-b-32", "2".to_owned(), "cls", Mode::Default),
    ];
    for (at, (network, tap, pool, mode)) in cases.iter().enumerate() {
        let identity = spec(network, tap, pool, *mode).identity().unwrap();
        let width = identity.width;
        let about = info(Kind::LOGISTIC, identity.clone(), Some(temperature), Default::default());
        let weights = standardised(parameters(&head(width, &[("", 1)]), 2), &about);
        let saved = SavedModel { info: about, weights };
        agree(&format!("logistic {network} {tap} {pool}"), &saved);
        if at == 0 {
            let weights = parameters(&head(width, &[("hidden", 12), ("hidden2", 12), ("out", 1)]), 3);
            agree("dense", &SavedModel { info: info(Kind::DENSE, identity, None, Default::default()), weights });
        }
    }

    let identity = |network: &str, cut: usize| {
        let spec = FeatureSpec::of_cut(network, Some(cut), Mode::Default).unwrap();
        faceprobe_engine::features::CutSource::new(&spec, Device::Cpu).unwrap().identity()
    };
    let tuned = |network: &str, cut: usize, seed: u64| {
        let tail = Tail::new(backbone::find(network).unwrap(), cut).unwrap();
        let own = [("head.weight".to_owned(), vec![1, tail.features()]), ("head.bias".to_owned(), vec![1])];
        parameters(&[tail.parameters(), own.to_vec()].concat(), seed)
    };
    let about =
        |network: &str, cut: usize| info(Kind::FINETUNE, identity(network, cut), Some(temperature), Default::default());
    // Cut before the last blocks; between stages of other widths in ConvNeXt.
    for (network, cut) in [("mobilenet-v2", 12), ("convnext-tiny", 17), ("vit-small-14", 11)] {
        let saved = SavedModel { info: about(network, cut), weights: tuned(network, cut, 4) };
        agree(&format!("finetune {network}"), &saved);
    }
    let member = |(index, weights): (usize, Weights)| -> Weights {
        weights.into_iter().map(|(name, array)| (format!("member.{index}.{name}"), array)).collect()
    };
    let members = [5, 6, 7].map(|seed| tuned("mobilenet-v2", 12, seed));
    let weights = members.into_iter().enumerate().flat_map(member).collect();
    agree("ensemble", &SavedModel { info: about("mobilenet-v2", 12), weights });

    let settings = BenchmarkSettings { input: 40, pool: 4, filters: 5, dense: 6, kernel: 3, ..Default::default() };
    let shapes = [("conv", vec![5, 3, 3, 3]), ("dense", vec![6, 5]), ("out", vec![1, 6])];
    let shapes = shapes
        .into_iter()
        .flat_map(|(name, shape)| [(format!("{name}.bias"), vec![shape[0]]), (format!("{name}.weight"), shape)]);
    let mut weights = parameters(&shapes.collect::<Vec<_>>(), 8);
    weights.insert("input.scale".into(), ndarray::arr1(&[1.0 / (16.0 * 255.0)]).into_dyn());
    let identity = faceprobe_engine::features::PooledPixels::new(40, 4).unwrap().identity();
    let settings = serde_json::to_value(settings).unwrap();
    agree("benchmark", &SavedModel { info: info(Kind::BENCHMARK, identity, Some(temperature), settings), weights });

    let identity = spec("mobilenet-v2", "1", "grid2", Mode::Default).identity().unwrap();
    let mut draw = ChaCha8Rng::seed_from_u64(9);
    let rows = Array2::from_shape_simple_fn((40, identity.width), || draw.random_range(0.0f32..1.0));
    let rows = LabelledRows::new(rows, (0..40).map(|row| row % 3 == 0).collect()).unwrap();
    for votes in [Votes::Equal, Votes::Similarity] {
        let settings = KnnSettings { k: vec![7], votes, ..KnnSettings::default() };
        let trained = train_knn(&rows, &rows, &settings, &Silent).unwrap();
        let about = info(Kind::KNN, identity.clone(), None, trained.settings.clone());
        agree(&format!("knn {votes}"), &SavedModel { info: about, weights: trained.weights });
    }
}
