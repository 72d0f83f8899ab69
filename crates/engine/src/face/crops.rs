//! The aligned crops of a data set.

use super::{Detector, Face, align};
use faceprobe_core::dataset::crops::{CropThread, Cropper};
use faceprobe_core::error::Result;
use faceprobe_core::imaging::{Alignment, Pixels, decode_for_faces, png};
use std::sync::{Mutex, PoisonError};
use tch::Device;

/// Increase when the same image gives another crop than before.
const VERSION: u32 = 1;

/// The main face of an image: large and near the middle, by the package's `center_weighted_size`, the box's area less
/// twice the squared distance between the centres.
pub fn subject<'a>(faces: &'a [Face], picture: &Pixels) -> Option<&'a Face> {
    let middle = [picture.width(), picture.height()].map(|side| side as f32 / 2.0);
    let weight = |face: &Face| {
        let away = [0, 1].map(|axis| (face.bbox[axis] + face.bbox[axis + 2]) / 2.0 - middle[axis]);
        face.area() - 2.0 * (away[0] * away[0] + away[1] * away[1])
    };
    faces.iter().max_by(|a, b| weight(a).total_cmp(&weight(b)))
}

/// Crops images to their main face.
pub struct FaceCropper {
    detector: Mutex<Detector>,
    alignment: Alignment,
    identity: String,
}

impl FaceCropper {
    /// # Errors
    /// The detector's weights were not fetched.
    pub fn load(alignment: Alignment, device: Device) -> Result<Self> {
        let detector = Detector::load(device)?;
        let identity = format!("faces v{VERSION}, mtcnn {}, {alignment}", detector.weights_sha256());
        Ok(Self { detector: Mutex::new(detector), alignment, identity })
    }
}

impl Cropper for FaceCropper {
    fn identity(&self) -> String {
        self.identity.clone()
    }

    fn worker(&self) -> Box<dyn CropThread + '_> {
        // The images are already spread over threads.
        tch::set_num_threads(1);
        let detector = self.detector.lock().unwrap_or_else(PoisonError::into_inner).share();
        Box::new(DetectorThread { detector, alignment: self.alignment })
    }
}

struct DetectorThread {
    detector: Detector,
    alignment: Alignment,
}

impl CropThread for DetectorThread {
    fn crop(&mut self, bytes: &[u8]) -> Result<Option<Vec<u8>>, String> {
        let picture = decode_for_faces(bytes)?;
        let faces = self.detector.detect(&picture).map_err(|error| error.to_string())?;
        // PNG is lossless, so training sees exactly the crop that a prediction does.
        let Alignment { template, side } = self.alignment;
        subject(&faces, &picture).map(|face| png(&align(&picture, face, template, side))).transpose()
    }
}
