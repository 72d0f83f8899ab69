//! Prepares an image for the network: reading, decoding, face detection and cropping.

use super::crop::{Crop, of_face};
use super::input::Item;
use super::read;
use super::thread::PredictionThread;
use super::told;
use super::{Detect, Options, Placement};
use super::{Face, Prediction};
use crate::face;
use faceprobe_core::error::{Error, Result};
use faceprobe_core::imaging::{self, Pixels};
use faceprobe_core::path_text::text_of;
use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The part of an image that the network gets.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Region {
    Whole,
    WholeForLack,
    Detected,
    Aligned,
}

impl Region {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Whole => "whole picture",
            Self::WholeForLack => "whole picture, no face found",
            Self::Detected => "detected face",
            Self::Aligned => "aligned face",
        }
    }
}

/// One image, prepared for the network.
pub(super) struct NetworkInput {
    pub faces: Vec<Face>,
    /// The faces that the inputs show; empty where they show the whole image.
    chosen: Vec<usize>,
    pub shown: Region,
    /// Resized to the network's input: one per answer.
    pub inputs: Vec<Pixels>,
    pub placements: Vec<Placement>,
    note: Option<String>,
    /// The full-size image before cropping; only kept for explanations.
    pub picture: Option<Pixels>,
}

impl PredictionThread<'_> {
    /// Prepares an item. Third-party decoders run on untrusted files: a panic costs one image only.
    pub(super) fn guarded(&mut self, item: &Item, options: &Options, keep: bool) -> Result<NetworkInput> {
        catch_unwind(AssertUnwindSafe(|| self.see(item, options, keep)))
            .unwrap_or_else(|_| Err(Error::failed(format!("{}: the decoder broke down on it", name(item)))))
    }

    fn see(&mut self, item: &Item, options: &Options, keep: bool) -> Result<NetworkInput> {
        let bytes = match item {
            Item::File(path) => Cow::Owned(read(path)?),
            Item::Bytes { bytes, .. } => Cow::Borrowed(bytes.as_slice()),
            Item::Hopeless { name, reason } => return Err(Error::failed(format!("{name}: {reason}"))),
        };
        let wrong = |reason: String| Error::failed(format!("{}: {reason}", name(item)));
        let preprocessing = self.predictor.source.preprocessing();
        let detect = self.predictor.detect(options);
        if detect == Detect::None {
            let picture = preprocessing.decode(&bytes).map_err(wrong)?;
            return Ok(NetworkInput {
                faces: Vec::new(),
                chosen: Vec::new(),
                shown: Region::Whole,
                placements: vec![Placement::WHOLE],
                inputs: vec![preprocessing.resize(&picture)],
                note: note(&bytes),
                picture: keep.then_some(picture),
            });
        }
        // Decoded and selected as in `data prepare --align`, so that training and prediction use the same crop.
        let picture = imaging::decode_for_faces(&bytes).map_err(wrong)?;
        let faces = self.faces(&picture)?;
        let alignment = self.predictor.alignment(options);
        let chosen: Vec<usize> = if options.every_face {
            (0..faces.len()).collect()
        } else {
            let subject = face::subject(&faces, &picture);
            subject.and_then(|face| faces.iter().position(|other| std::ptr::eq(other, face))).into_iter().collect()
        };
        let crops: Vec<Crop> = chosen.iter().map(|&face| of_face(&picture, &faces[face], detect, alignment)).collect();
        let shown = match (crops.is_empty(), detect) {
            (true, _) => Region::WholeForLack,
            (false, Detect::Align) => Region::Aligned,
            (false, _) => Region::Detected,
        };
        let (mut placements, mut inputs): (Vec<_>, Vec<_>) =
            crops.iter().map(|crop| (crop.placement, preprocessing.resize(&crop.pixels))).unzip();
        if inputs.is_empty() {
            placements.push(Placement::WHOLE);
            inputs.push(preprocessing.picture(&bytes).map_err(wrong)?);
        }
        Ok(NetworkInput {
            faces: faces.iter().map(told).collect(),
            chosen,
            shown,
            placements,
            inputs,
            note: note(&bytes),
            picture: keep.then_some(picture),
        })
    }

    fn faces(&mut self, picture: &Pixels) -> Result<Vec<face::Face>> {
        if self.detector.is_none() {
            self.detector = Some(self.predictor.detector()?);
        }
        match &self.detector {
            Some(detector) => detector.detect(picture),
            None => Ok(Vec::new()),
        }
    }
}

/// The name of an item in answers.
pub(super) fn name(item: &Item) -> String {
    match item {
        Item::File(path) => text_of(path).into_owned(),
        Item::Bytes { name, .. } | Item::Hopeless { name, .. } => name.clone(),
    }
}

fn note(bytes: &[u8]) -> Option<String> {
    let animated = imaging::animated(bytes).map(|format| format!("animated {format}; its first picture was taken"));
    animated.or_else(|| imaging::mended(bytes).map(str::to_owned))
}

/// The answers for an item, before they have scores.
pub(super) fn answers(seen: &NetworkInput, blank: &Prediction) -> Vec<Prediction> {
    (0..seen.inputs.len())
        .map(|answer| Prediction {
            faces: seen.faces.clone(),
            input: seen.shown.words().into(),
            face: seen.chosen.get(answer).copied(),
            note: seen.note.clone(),
            ..blank.clone()
        })
        .collect()
}
