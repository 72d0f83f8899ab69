//! Preprocessing: resizing and normalisation of images for a network.

use super::{Pixels, decode, decode_as_pillow, resize};
use faceprobe_settings::choices;

choices! {
    /// How a file is resized to the network's input. It is the user's choice; normalisation is the network's.
    #[derive(Default)]
    pub enum Mode {
        /// Upright (the EXIF orientation is applied), resized without keeping the aspect ratio by antialiased bilinear
        /// resampling.
        #[default]
        Default = "default",
        /// As `keras.utils.load_img(path, target_size=..., interpolation="nearest")`: the image as stored (the EXIF
        /// orientation is ignored), nearest pixel as in Pillow's `resize`.
        Keras = "keras",
    }
}

/// The channel order of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelOrder {
    Rgb,
    /// Networks trained in Caffe, VGG16 among them.
    Bgr,
}

/// The input of a network: resized to `size` x `size`, then `(x - mean) / std` per channel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Preprocessing {
    /// Side of the square input in pixels.
    pub size: usize,
    pub mode: Mode,
    pub order: ChannelOrder,
    /// Per channel in the network's order; for pixel values 0..=255.
    pub mean: [f32; 3],
    /// Per channel in the network's order; for pixel values 0..=255.
    pub std: [f32; 3],
}

impl Preprocessing {
    /// The `default` mode for a network with RGB input.
    pub const fn default_mode(size: usize, mean: [f32; 3], std: [f32; 3]) -> Self {
        Self { size, mode: Mode::Default, order: ChannelOrder::Rgb, mean, std }
    }

    /// Keras' `preprocess_input` of mode `caffe`: BGR minus the mean of ImageNet.
    pub const fn caffe(size: usize) -> Self {
        let mean = [103.939, 116.779, 123.68];
        Self { size, mode: Mode::Default, order: ChannelOrder::Bgr, mean, std: [1.0; 3] }
    }

    /// Keras' `preprocess_input` of mode `tf`: x / 127.5 - 1.
    pub const fn tf(size: usize) -> Self {
        Self::default_mode(size, [127.5; 3], [127.5; 3])
    }

    /// torchvision's normalisation: mean (0.485, 0.456, 0.406) and standard deviation (0.229, 0.224, 0.225) of
    /// ImageNet.
    pub const fn torchvision(size: usize) -> Self {
        Self::default_mode(size, [123.675, 116.28, 103.53], [58.395, 57.12, 57.375])
    }

    /// The same network's input in another resizing mode.
    #[must_use]
    pub const fn with_mode(self, mode: Mode) -> Self {
        Self { mode, ..self }
    }

    /// Decodes and resizes an image file to the input's size, as RGB pixel values.
    ///
    /// # Errors
    /// A reason without the file's name, as [`super::decode`] gives it.
    pub fn picture(&self, bytes: &[u8]) -> Result<Pixels, String> {
        Ok(self.resize(&self.decode(bytes)?))
    }

    /// Decodes an image file at its own size.
    ///
    /// # Errors
    /// As [`Preprocessing::picture`].
    pub fn decode(&self, bytes: &[u8]) -> Result<Pixels, String> {
        match self.mode {
            Mode::Default => decode(bytes),
            Mode::Keras => decode_as_pillow(bytes),
        }
    }

    /// Resizes an image to the input's size, as RGB pixel values.
    pub fn resize(&self, picture: &Pixels) -> Pixels {
        match self.mode {
            Mode::Default => resize::bilinear(picture, self.size),
            Mode::Keras => resize::nearest(picture, self.size),
        }
    }

    /// All settings that change values, for the identity of a feature store. The version after the mode's name
    /// increases when its arithmetic changes.
    pub fn describe(&self) -> String {
        let list = |values: [f32; 3]| values.map(|value| value.to_string()).join(",");
        let resampling = match self.mode {
            Mode::Default => "bilinear",
            Mode::Keras => "nearest",
        };
        let order = match self.order {
            ChannelOrder::Rgb => "",
            ChannelOrder::Bgr => "bgr ",
        };
        let (mean, std) = (list(self.mean), list(self.std));
        format!("{}-v1 {} {resampling} {order}mean {mean} std {std}", self.mode, self.size)
    }
}
