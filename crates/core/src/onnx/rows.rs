//! The first part of an exported graph, from images to the model's rows: preprocessing, network, pooling.

use super::graph::{Attribute, Graph, Side, Value};
use super::network::{Maps, Parameters, Stages, pooled};
use super::proto::element;
use crate::backbone::blueprint::StagePlan;
use crate::backbone::weights::StoredWeights;
use crate::backbone::{self, Architecture, BackboneInfo, Pool};
use crate::error::{Error, Result};
use crate::features::{FeatureSpec, StoreIdentity};
use crate::imaging::Preprocessing;
use crate::imaging::preprocessing::ChannelOrder;
use crate::model::Weights;
use ndarray::ArrayD;

/// The name of the graph's input.
pub const PICTURES: &str = "pictures";

/// The largest half-precision number.
const LARGEST_HALF: f32 = 65_504.0;

/// The graph's input, `[N, side, side, 3]`: RGB pixel values.
pub fn pictures(graph: &mut Graph, side: usize) -> Value {
    let shape = [Side::Pictures, Side::Known(side), Side::Known(side), Side::Known(3)];
    let about = "Pictures at this size: rows, columns, red green blue; see the metadata 'preprocessing'";
    let bytes = graph.input(PICTURES, element::UINT8, &shape, about);
    graph.node("Cast", "levels", &[&bytes], vec![Attribute::Int("to", i64::from(element::FLOAT))])
}

/// Transposes rows, columns, channels to channels, rows, columns.
pub fn channels_first(graph: &mut Graph, pictures: &Value) -> Value {
    graph.node("Transpose", "channels_first", &[pictures], vec![Attribute::Ints("perm", vec![0, 3, 1, 2])])
}

/// The frozen features of an identity, `[N, width]`, several stages side by side.
///
/// # Errors
/// A network without a plan, or other weights than the identity's.
pub fn features(graph: &mut Graph, identity: &StoreIdentity) -> Result<Value> {
    let spec = FeatureSpec::of_identity(identity)?;
    let network = Frozen::read(identity, spec.mode_preprocessing()?)?;
    let taps = spec.taps(network.info);
    let stages = network.stages(graph, taps.iter().max().copied().unwrap_or(0), None)?;
    let rows: Vec<Value> =
        taps.iter().filter_map(|&tap| stages.get(tap)).map(|stage| pooled(graph, spec.pool, stage)).collect();
    Ok(match &rows[..] {
        [row] => row.clone(),
        several => {
            let several: Vec<&Value> = several.iter().collect();
            graph.node("Concat", "features", &several, vec![Attribute::Int("axis", 1)])
        }
    })
}

/// The stages behind a cut, and their input.
pub struct Cut {
    /// The images' activations, followed along the first axis by those of their mirror images.
    pub activations: Maps,
    /// The stages behind the cut.
    pub plan: Vec<StagePlan>,
}

/// The activations at the cut of an identity, of images and mirror images, rounded to half precision as in the store.
///
/// # Errors
/// As [`features`].
pub fn cut(graph: &mut Graph, identity: &StoreIdentity) -> Result<Cut> {
    let spec = FeatureSpec { pool: Pool::Flatten, ..FeatureSpec::of_identity(identity)? };
    let network = Frozen::read(identity, spec.mode_preprocessing()?)?;
    let at = spec.taps(network.info).first().copied().unwrap_or(0);
    let (_, plan) = network.info.behind(at)?;
    let turn = |graph: &mut Graph, pictures: &Value| {
        let bounds = [("last", -1), ("before_first", i64::MIN), ("columns", 3), ("backwards", -1)];
        let [start, end, axis, step] = bounds.map(|(name, value)| graph.integers(&format!("mirror.{name}"), &[value]));
        let mirrored = graph.node("Slice", "mirrored", &[pictures, &start, &end, &axis, &step], Vec::new());
        graph.node("Concat", "both", &[pictures, &mirrored], vec![Attribute::Int("axis", 0)])
    };
    let stages = network.stages(graph, at, Some(&turn))?;
    let last = stages.last().cloned().ok_or_else(|| Error::failed("The network has no stage to be cut after."))?;
    let (low, high) = (graph.float("half.lowest", -LARGEST_HALF), graph.float("half.largest", LARGEST_HALF));
    let within = graph.node("Clip", "half.range", &[&last.value, &low, &high], Vec::new());
    let to = |elements: i32| vec![Attribute::Int("to", i64::from(elements))];
    let half = graph.node("Cast", "half", &[&within], to(element::FLOAT16));
    let value = graph.node("Cast", "cut", &[&half], to(element::FLOAT));
    Ok(Cut { activations: Maps { value, ..last }, plan })
}

/// Preprocessing inside the graph, before the network's first stage.
type Turn<'a> = &'a dyn Fn(&mut Graph, &Value) -> Value;

/// A network with the weights of an identity.
struct Frozen {
    info: &'static BackboneInfo,
    preprocessing: Preprocessing,
    stored: StoredWeights,
}

impl Frozen {
    fn read(identity: &StoreIdentity, preprocessing: Preprocessing) -> Result<Self> {
        let info = backbone::find(&identity.backbone)?;
        if info.is_module() {
            return Err(Error::failed(format!(
                "{} is {}, of which no ONNX can be made here; export it with torch.onnx where it was made, \
                 and the head with 'faceprobe features export' and scikit-learn.",
                info.title,
                info.file_kind()
            )));
        }
        let stored = StoredWeights::read(info)?;
        let described = preprocessing.describe();
        // The rows behind a cut are of images and their mirror images.
        let known = [described.clone(), format!("{described} and mirrored")];
        let same = stored.sha256 == identity.weights && known.contains(&identity.preprocessing);
        if !same {
            return Err(Error::failed(format!(
                "The model was trained on {} with other weights or preprocessing than those here; fetch the same weights or \
                 train it again.",
                info.title
            )));
        }
        Ok(Self { info, preprocessing, stored })
    }

    /// The stages up to `last`.
    fn stages(&self, graph: &mut Graph, last: usize, turn: Option<Turn<'_>>) -> Result<Vec<Maps>> {
        let Architecture::Plan(plan) = &self.info.architecture else {
            return Err(Error::failed(format!("{} is no backbone: it gives no features.", self.info.title)));
        };
        let mut plan = plan();
        plan.truncate(last + 1);
        let tensors = self.stored.tensors()?;
        let parameters = |name: &str| -> Result<Vec<f32>> {
            let view =
                tensors.tensor(name).map_err(|error| Error::failed(format!("The weights lack `{name}`: {error}")))?;
            let (values, _) = view.data().as_chunks::<4>();
            Ok(values.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
        };
        let mut value = self.input(graph);
        if let Some(turn) = turn {
            value = turn(graph, &value);
        }
        let input = Maps { value, channels: 3, side: self.preprocessing.size, class_token: false };
        Stages { graph, parameters: &parameters, prefix: "" }.through(&plan, input)
    }

    /// The normalised input, `[N, 3, side, side]`.
    fn input(&self, graph: &mut Graph) -> Value {
        let Preprocessing { size, order, mean, std, .. } = self.preprocessing;
        let mut levels = pictures(graph, size);
        if order == ChannelOrder::Bgr {
            let order = graph.integers("blue_green_red", &[2, 1, 0]);
            levels = graph.node("Gather", "bgr", &[&levels, &order], vec![Attribute::Int("axis", 3)]);
        }
        let (mean, std) = (graph.floats("pixel.mean", &[3], mean), graph.floats("pixel.std", &[3], std));
        let centred = graph.node("Sub", "centred", &[&levels, &mean], Vec::new());
        let normalised = graph.node("Div", "normalised", &[&centred, &std], Vec::new());
        channels_first(graph, &normalised)
    }
}

impl FeatureSpec {
    /// The preprocessing of its network.
    fn mode_preprocessing(&self) -> Result<Preprocessing> {
        Ok(backbone::find(&self.backbone)?.preprocessing.with_mode(self.mode))
    }
}

/// Parameters among a model's own tensors, with `prefix` before their names.
pub fn own_parameters<'a>(weights: &'a Weights, prefix: &'a str) -> Box<Parameters<'a>> {
    Box::new(move |name| Ok(tensor(weights, &format!("{prefix}{name}"))?.iter().copied().collect()))
}

/// A tensor of the model.
///
/// # Errors
/// A missing tensor.
pub fn tensor<'a>(weights: &'a Weights, name: &str) -> Result<&'a ArrayD<f32>> {
    weights.get(name).ok_or_else(|| Error::failed(format!("The model lacks its tensor '{name}'; train it again.")))
}
