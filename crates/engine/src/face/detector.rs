//! The face detector: image in, faces out.

use super::Face;
use super::boxes::{Candidate, Overlap, candidates, suppress};
use super::networks::{Answer, Net, Stage};
use crate::backbone;
use faceprobe_core::error::{Error, Result};
use faceprobe_core::imaging::{Pixels, Region, average};
use std::collections::BTreeMap;
use tch::{Device, TchError, Tensor};

/// Scale factor of the image pyramid.
const FACTOR: f64 = 0.709;
/// Probability thresholds of the three networks.
const THRESHOLDS: [f32; 3] = [0.6, 0.7, 0.7];
/// Crops per forward pass.
const BATCH: usize = 512;
/// The package's default for the smallest face, in pixels.
const SMALLEST: usize = 20;
/// In large images the smallest face is this fraction (1 / N) of the shorter side.
const SHARE: usize = 25;

/// The smallest face that is detected, in pixels: 20, as in the package, and in images whose shorter side exceeds 500 a
/// 25th of that side. So the first network never sees more than 300 rows (or columns), and the results are those of
/// `MTCNN(keep_all=True, min_face_size=...)` with this size.
pub fn smallest_face(width: usize, height: usize) -> usize {
    (width.min(height) / SHARE).max(SMALLEST)
}

/// The three networks of the detector. It can move to another thread; [`Detector::share`] gives each thread its own.
pub struct Detector {
    nets: [Net; 3],
    device: Device,
    weights_sha256: String,
}

impl Detector {
    /// Loads the stored weights (`faceprobe weights fetch mtcnn`).
    ///
    /// # Errors
    /// Weights that were not fetched, or whose checksum differs from the one recorded.
    pub fn load(device: Device) -> Result<Self> {
        let (parameters, sha256) = backbone::detector(device)?;
        Self::build(&parameters, device, sha256)
    }

    /// The detector with parameters that are not stored on disk, by their names in the state dictionary of the
    /// package's `MTCNN`.
    ///
    /// # Errors
    /// A parameter that is missing.
    pub fn from_parameters(parameters: &BTreeMap<String, Tensor>) -> Result<Self> {
        Self::build(parameters, Device::Cpu, String::new())
    }

    fn build(parameters: &BTreeMap<String, Tensor>, device: Device, weights_sha256: String) -> Result<Self> {
        let net = |stage| Net::new(stage, parameters);
        let nets = [net(Stage::Proposal)?, net(Stage::Refine)?, net(Stage::Output)?];
        Ok(Self { nets, device, weights_sha256 })
    }

    /// The same detector for another thread, over the same tensors.
    pub fn share(&self) -> Self {
        Self {
            nets: self.nets.each_ref().map(Net::share),
            device: self.device,
            weights_sha256: self.weights_sha256.clone(),
        }
    }

    /// SHA-256 of the stored weights, in hex.
    pub fn weights_sha256(&self) -> &str {
        &self.weights_sha256
    }

    /// The faces of an upright image, the largest box first; empty where there are none, and for images with fewer than
    /// 20 rows or columns.
    ///
    /// # Errors
    /// A device that fails.
    pub fn detect(&self, picture: &Pixels) -> Result<Vec<Face>> {
        self.detect_from(picture, smallest_face(picture.width(), picture.height()))
    }

    /// [`Detector::detect`] for faces of at least `smallest` pixels (at least 12).
    ///
    /// # Errors
    /// As [`Detector::detect`].
    pub fn detect_from(&self, picture: &Pixels, smallest: usize) -> Result<Vec<Face>> {
        let cascade = || {
            let single = SingleThreaded::begin();
            let proposed = self.propose(picture, smallest.max(12), single.before > 1)?;
            let refined = self.refine(picture, proposed)?;
            self.finish(picture, refined)
        };
        cascade().map_err(|error| {
            let text = error.to_string();
            let first = text.lines().next().unwrap_or_default();
            Error::failed(format!("The face detector could not run on {:?} ({first}); try --device cpu.", self.device))
        })
    }

    /// The first network over the image pyramid. Each scale has half the pixels of the one before, so the first scale
    /// is as much work as all others together: a second thread takes those.
    fn propose(&self, picture: &Pixels, smallest: usize, two: bool) -> Result<Vec<Candidate>, TchError> {
        let scales = scales(picture, smallest);
        let (first, others) = scales.split_at(scales.len().min(1));
        let found = if two && !others.is_empty() {
            let other = self.share();
            let (near, far) = std::thread::scope(|scope| {
                let far = scope.spawn(move || {
                    tch::set_num_threads(1);
                    other.propose_at(picture, others)
                });
                let near = self.propose_at(picture, first);
                let gone = || Err(TchError::Torch("a thread of it gave up".into()));
                (near, far.join().unwrap_or_else(|_| gone()))
            });
            [near?, far?].concat()
        } else {
            self.propose_at(picture, &scales)?
        };
        let found = suppress(found, Overlap::Union, 0.7);
        Ok(found.into_iter().map(|candidate| candidate.moved().squared()).collect())
    }

    /// The candidates of some scales, one scale after another.
    fn propose_at(&self, picture: &Pixels, scales: &[f64]) -> Result<Vec<Candidate>, TchError> {
        let mut found = Vec::new();
        for &scale in scales {
            let side = |side: usize| (side as f64 * scale + 1.0) as usize;
            let (width, height) = (side(picture.width()), side(picture.height()));
            let pixels = average(picture, Region::whole(picture), width, height);
            let answer = self.answer(Stage::Proposal, pixels, 1, width, height)?;
            let here = candidates(&answer.scores, &answer.offsets, answer.width, scale, THRESHOLDS[0]);
            found.extend(suppress(here, Overlap::Union, 0.5));
        }
        Ok(found)
    }

    /// The second network over the candidates.
    fn refine(&self, picture: &Pixels, proposed: Vec<Candidate>) -> Result<Vec<Candidate>, TchError> {
        let mut found = Vec::new();
        self.look(Stage::Refine, picture, proposed, |candidate, answer, place| {
            if answer.scores[place] > THRESHOLDS[1] {
                found.push(judged(candidate, answer, place));
            }
        })?;
        let found = suppress(found, Overlap::Union, 0.7);
        Ok(found.into_iter().map(|candidate| candidate.moved_in_pixels().squared()).collect())
    }

    /// The last network over the remaining candidates, the largest face first.
    fn finish(&self, picture: &Pixels, refined: Vec<Candidate>) -> Result<Vec<Face>, TchError> {
        let mut found: Vec<(Candidate, [[f32; 2]; 5])> = Vec::new();
        self.look(Stage::Output, picture, refined, |candidate, answer, place| {
            if answer.scores[place] > THRESHOLDS[2] {
                let [left, top, right, bottom] = candidate.bounds;
                let (width, height) = (right - left + 1.0, bottom - top + 1.0);
                let points = &answer.landmarks[place * 10..place * 10 + 10];
                let landmarks = [0, 1, 2, 3, 4]
                    .map(|point| [width * points[point] + left - 1.0, height * points[point + 5] + top - 1.0]);
                found.push((judged(candidate, answer, place).moved_in_pixels(), landmarks));
            }
        })?;
        let boxes = found.iter().map(|(candidate, _)| *candidate).collect();
        let kept = suppress(boxes, Overlap::Smaller, 0.7);
        let mut faces: Vec<Face> = kept
            .iter()
            .filter_map(|kept| found.iter().find(|(candidate, _)| candidate == kept))
            .map(|(candidate, landmarks)| Face {
                bbox: candidate.bounds,
                score: candidate.score,
                landmarks: *landmarks,
            })
            .collect();
        // The package sorts ascending and reads from the end.
        faces.sort_by(|a, b| a.area().total_cmp(&b.area()));
        faces.reverse();
        Ok(faces)
    }

    /// Runs a network on the crop of each candidate and passes its output to `take`. Candidates outside the image are
    /// dropped.
    fn look(
        &self,
        stage: Stage,
        picture: &Pixels,
        all: Vec<Candidate>,
        mut take: impl FnMut(&Candidate, &Answer, usize),
    ) -> Result<(), TchError> {
        let side = stage.side();
        let region = |candidate: Candidate| {
            candidate.region(picture.width(), picture.height()).map(|region| (candidate, region))
        };
        let seen: Vec<(Candidate, Region)> = all.into_iter().filter_map(region).collect();
        for batch in seen.chunks(BATCH) {
            let mut pixels = Vec::with_capacity(batch.len() * side * side * 3);
            for (_, region) in batch {
                pixels.extend(average(picture, *region, side, side));
            }
            let answer = self.answer(stage, pixels, batch.len(), side, side)?;
            batch.iter().enumerate().for_each(|(place, (candidate, _))| take(candidate, &answer, place));
        }
        Ok(())
    }

    /// Runs a network on `count` images of raw pixel values, `height` x `width` x 3 each.
    fn answer(
        &self,
        stage: Stage,
        mut pixels: Vec<f32>,
        count: usize,
        width: usize,
        height: usize,
    ) -> Result<Answer, TchError> {
        pixels.iter_mut().for_each(|value| *value = (*value - 127.5) * 0.007_812_5);
        let shape = [count as i64, height as i64, width as i64, 3];
        let input = Tensor::f_from_slice(&pixels)?.f_view(shape)?.f_permute([0, 3, 1, 2])?.f_to_device(self.device)?;
        let net = match stage {
            Stage::Proposal => &self.nets[0],
            Stage::Refine => &self.nets[1],
            Stage::Output => &self.nets[2],
        };
        net.forward(&input)
    }
}

/// While this value lives, libtorch computes on the calling thread alone. The layers are so small that threads spend
/// more time on synchronisation than on computing: ten times as much on a busy machine.
struct SingleThreaded {
    before: i32,
}

impl SingleThreaded {
    fn begin() -> Self {
        let before = tch::get_num_threads();
        tch::set_num_threads(1);
        Self { before }
    }
}

impl Drop for SingleThreaded {
    fn drop(&mut self) {
        tch::set_num_threads(self.before);
    }
}

fn judged(candidate: &Candidate, answer: &Answer, place: usize) -> Candidate {
    let offset = [0, 1, 2, 3].map(|part| answer.offsets[place * 4 + part]);
    Candidate { bounds: candidate.bounds, score: answer.scores[place], offset }
}

/// The scales of the pyramid, from the one at which a face of `smallest` pixels has 12, the receptive field of the
/// first network.
fn scales(picture: &Pixels, smallest: usize) -> Vec<f64> {
    let mut scale = 12.0 / smallest as f64;
    let mut shorter = picture.width().min(picture.height()) as f64 * scale;
    let mut scales = Vec::new();
    while shorter >= 12.0 {
        scales.push(scale);
        scale *= FACTOR;
        shorter *= FACTOR;
    }
    scales
}
