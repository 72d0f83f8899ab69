//! The form for fine-tuning.

use super::{
    FormKind, arithmetic, arithmetic_field, backbone_field, dropout, model_field, number, optional, optional_number,
};
use crate::tui::snapshot::Snapshot;
use crate::tui::widgets::form::{Field, Form};
use faceprobe_core::features::FeatureSpec;
use faceprobe_core::imaging::VARIATIONS;
use faceprobe_core::imaging::preprocessing::Mode;
use faceprobe_core::model::{FinetuneSettings, Schedule};
use faceprobe_core::run::ModelSpec;

pub(super) fn fields(snapshot: &Snapshot) -> Vec<Field> {
    let settings = FinetuneSettings::default();
    let modes = [Mode::Default, Mode::Keras].map(|mode| mode.to_string()).to_vec();
    vec![
        model_field("finetune"),
        backbone_field(snapshot),
        Field::typed("cut", "", "number of the stage behind which training begins; empty: where it suits the network"),
        Field::chosen("pixels", "default", modes, "how pictures are resized; keras: as the study's code does"),
        Field::typed("dropout", settings.dropout.to_string(), "share of features dropped in training, 0 to below 1"),
        Field::typed("learning rate", settings.learning_rate.to_string(), "highest, of the backbone's stages"),
        Field::typed("head's rate", settings.learning_rate_head.to_string(), "highest, of the new head"),
        Field::typed("weight decay", settings.weight_decay.to_string(), "L2 penalty, 0 for none"),
        Field::typed("warm-up", settings.schedule.warmup.to_string(), "epochs in which the rates rise"),
        Field::typed("variations", settings.variations.to_string(), "ways in which training images are varied, 0 to 8"),
        Field::typed("shift", settings.shift.to_string(), "places by which training images are moved at most"),
        Field::typed("smoothing", settings.smoothing.to_string(), "of labels, 0 for none"),
        Field::typed("mixup", settings.mixup.to_string(), "share of another image mixed in at most, 0 for none"),
        Field::typed("averaging", settings.averaging.to_string(), "share of the mean weights that a step leaves"),
        arithmetic_field("gradients"),
        Field::typed("epochs", settings.epochs.to_string(), "passes over the training split"),
        Field::typed("batch", settings.batch.to_string(), "images a step"),
        Field::typed("patience", optional(settings.patience), "epochs without a better validation; empty: run all"),
        Field::typed("seed", settings.seed.to_string(), "of the head's first weights, order, mirroring and dropout"),
    ]
}

pub(super) fn read(form: &mut Form<FormKind>) -> Option<ModelSpec> {
    let backbone = form.value("backbone").to_owned();
    if backbone.is_empty() {
        form.complain("backbone", "There is no backbone to choose; the Features screen (2) lists them.");
    }
    let cut = if form.value("cut").is_empty() { Some(None) } else { number(form, "cut", 0, 1000).map(Some) };
    let mode = form.value("pixels").parse().ok()?;
    let default = FinetuneSettings::default();
    let (rate, head) = (number(form, "learning rate", 1e-9, 10.0), number(form, "head's rate", 1e-9, 10.0));
    let (dropout, weight_decay) = (dropout(form), number(form, "weight decay", 0.0, 10.0));
    let (warmup, shift) = (number(form, "warm-up", 0, 100_000), number(form, "shift", 0, 16));
    let variations = number(form, "variations", 0, VARIATIONS as u8);
    let (smoothing, averaging) = (number(form, "smoothing", 0.0, 0.99), number(form, "averaging", 0.0, 0.99999));
    let (mixup, epochs) = (number(form, "mixup", 0.0, 0.99), number(form, "epochs", 1, 100_000));
    let (batch, patience) = (number(form, "batch", 1, 65_536), optional_number(form, "patience", 1));
    let seed = number(form, "seed", 0, u64::MAX);
    let arithmetic = arithmetic(form, "gradients");
    let features = FeatureSpec::of_cut(&backbone, cut?, mode).map_err(|error| form.complain("cut", error.to_string()));
    let settings = FinetuneSettings {
        dropout: dropout?,
        learning_rate: rate?,
        learning_rate_head: head?,
        weight_decay: weight_decay?,
        schedule: Schedule { warmup: warmup?, ..default.schedule },
        variations: variations?,
        shift: shift?,
        smoothing: smoothing?,
        mixup: mixup?,
        averaging: averaging?,
        arithmetic: arithmetic?,
        epochs: epochs?,
        batch: batch?,
        patience,
        seed: seed?,
        ..default
    };
    Some(ModelSpec::Finetune { features: features.ok()?, settings })
}
