//! Fine-tuning: the backbone's last stages trained together with a head.

use crate::backbone::Arithmetic;
use crate::error;
use crate::imaging::VARIATIONS;
use crate::model::kind::{Kind, KindInfo, ModelInput, ModelSettings, refit_epochs};
use crate::model::{Optimizer, RateCourse, SavedModel, Schedule, descent};
use crate::onnx::graph::{Attribute, Graph, Value as Tensor};
use crate::onnx::heads::{Outcome, averaged, linear};
use crate::onnx::network::{Maps, Stages};
use crate::onnx::rows::{cut, own_parameters};
use crate::onnx::tokens::patches;
use faceprobe_settings::{Refusal, Rules, Schema, settings};
use serde_json::{Map, Value};

/// Its registry entry.
pub static KIND: KindInfo = KindInfo {
    name: "finetune",
    title: "Fine-tuned backbone",
    about: "The backbone's stages after a cut, trained together with a linear head on their average",
    listed: "finetune",
    input: ModelInput::Cut,
    settings: Schema::of::<FinetuneSettings>(),
    has_options: true,
    chosen: None,
    refit: refit_epochs,
    graph,
};

settings! {
    /// The stages behind a cut, trained together with a linear head on their average.
    pub struct FinetuneSettings {
        /// Share of the averaged features dropped in training.
        dropout: f64 = 0.5, number(0.0..1.0);
        /// Peak learning rate of the backbone's stages.
        learning_rate: f64 = 1.5e-4, above(0.0).headline();
        /// Peak learning rate of the head, which is trained from scratch.
        learning_rate_head: f64 = 2e-3, above(0.0);
        /// Optimizer.
        optimizer: Optimizer = Optimizer::AdamW, any();
        /// L2 penalty on all trained parameters, decoupled for adamw.
        weight_decay: f64 = 0.01, number(0.0..);
        /// How the learning rates change after the warm-up.
        schedule: RateCourse = RateCourse::Cosine, any().advanced();
        /// Warm-up epochs, in which the learning rates rise to their peaks.
        warmup: usize = usual_warmup(8), whole(0..=1_000_000).unit("epochs").advanced().computed("an eighth of the epochs");
        /// Also train on this many augmented copies of each image: rotated, enlarged, shifted, relit (computed once and cached).
        variations: u8 = 0, whole(0..=VARIATIONS as u64).unit("variations");
        /// Shift training images by up to this many cells of the cut's output, anew in each epoch.
        shift: u8 = 1, whole(0..=16).unit("places").advanced();
        /// Label smoothing: targets are half of this away from 0 and 1.
        smoothing: f64 = 0.0, number(0.0..1.0).advanced();
        /// Mix each training image with up to this share of another, drawn anew in each epoch.
        mixup: f64 = 0.0, number(0.0..1.0);
        /// EMA decay of the parameters, which is what is measured and kept (0 = off).
        averaging: f64 = 0.0, number(0.0..1.0);
        /// Precision of the gradients; everything measured is f32.
        dtype: Arithmetic = Arithmetic::F32, any();
        /// Passes over the training split.
        epochs: usize = 8, whole(1..=1_000_000).unit("epochs").headline();
        /// Images per optimizer step.
        batch: usize = 32, whole(1..=65_536).unit("images");
        /// Stop after this many epochs without a better validation accuracy.
        patience: Option<usize> = None, whole(1..=1_000_000).unit("epochs").advanced();
        /// Seed of the head's initial parameters, batch order, mirroring and dropout.
        seed: u64 = 1, any().seed();
    }
}

/// The default warm-up: an eighth of the epochs. A longer warm-up to a higher rate destroys pretrained weights: in the
/// second epoch on 6,000 FairFace images, accuracy was 0.61 with a quarter and 5e-4, and 0.79 with an eighth and
/// 1.5e-4.
fn usual_warmup(epochs: usize) -> usize {
    epochs / 8
}

impl Rules for FinetuneSettings {
    const EARLIER: &'static [&'static str] = &["arithmetic"];

    fn check_together(&self) -> Result<(), Refusal> {
        self.dtype.check_cpu_as("dtype")
    }

    fn settle(&mut self, given: &dyn Fn(&str) -> bool) {
        if !given("warmup") {
            self.warmup = usual_warmup(self.epochs);
        }
    }

    fn upgrade(object: &mut Map<String, Value>) {
        // The first versions had no shift.
        if descent::upgrade(object, "dtype") {
            object.entry("shift").or_insert(Value::from(0));
        }
    }
}

impl FinetuneSettings {
    /// The learning-rate schedules with their warm-up.
    pub fn rates(&self) -> Schedule {
        Schedule { course: self.schedule, warmup: self.warmup }
    }
}

impl ModelSettings for FinetuneSettings {
    const KIND: Kind = Kind::of(&KIND);
}

/// The stages behind the cut with the head on their global average, applied to image and mirror image; of an ensemble,
/// those of each member. The model's logit is the mean of all logits.
pub(in crate::model) fn graph(graph: &mut Graph, model: &SavedModel) -> error::Result<Outcome> {
    let behind = cut(graph, &model.info.input)?;
    let members = (0..).map(|index| format!("member.{index}."));
    let mut prefixes: Vec<String> =
        members.take_while(|prefix| model.weights.keys().any(|name| name.starts_with(prefix.as_str()))).collect();
    if prefixes.is_empty() {
        prefixes.push(String::new());
    }
    let mut logits = Vec::with_capacity(prefixes.len());
    for prefix in &prefixes {
        let parameters = own_parameters(&model.weights, prefix);
        let mut stages = Stages { graph, parameters: &*parameters, prefix };
        let last = stages.through(&behind.plan, behind.activations.clone())?.pop();
        let last = last.unwrap_or_else(|| behind.activations.clone());
        let Maps { value, .. } = patches(graph, &last);
        let averages = averaged(graph, &value);
        logits.push(linear(graph, &averages, &model.weights, &format!("{prefix}head"))?);
    }
    let each: Vec<&Tensor> = logits.iter().collect();
    let mean = |graph: &mut Graph, name: &str, values: &Tensor, axis: i64| {
        let attributes = vec![Attribute::Ints("axes", vec![axis]), Attribute::Int("keepdims", 0)];
        graph.node("ReduceMean", name, &[values], attributes)
    };
    let together = graph.node("Concat", "logits", &each, vec![Attribute::Int("axis", 1)]);
    let of_members = mean(graph, "logits.mean", &together, 1);
    let pairs = graph.integers("picture_and_mirror_image", &[2, -1]);
    let pairs = graph.node("Reshape", "pairs", &[&of_members, &pairs], Vec::new());
    Ok(Outcome::Logit(mean(graph, "logit", &pairs, 0)))
}
