//! File bytes to network input: decode, orient, resize, normalise.

use crate::error::{Error, Result};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer, images::Image, images::ImageRef};

/// What every preprocessing of a feature store states about decoding and resizing.
pub const RESIZE: &str = "default-v1 bilinear";

/// An RGB picture, 8 bits per channel, rows from the top.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pixels {
    pub width: u32,
    pub height: u32,
    /// `height * width * 3` values in the order height, width, channel.
    pub rgb: Vec<u8>,
}

/// Decodes an image file.
///
/// # Errors
/// Bytes that are no picture of a known format.
pub fn decode(bytes: &[u8]) -> Result<Pixels> {
    let picture =
        image::load_from_memory(bytes).map_err(|error| Error::failed(format!("cannot be decoded: {error}")))?;
    let picture = picture.into_rgb8();
    Ok(Pixels { width: picture.width(), height: picture.height(), rgb: picture.into_raw() })
}

/// Resizes to a square of `size` pixels with an antialiased bilinear filter; proportions are not kept.
///
/// # Errors
/// A picture without pixels.
pub fn resize(picture: &Pixels, size: usize) -> Result<Pixels> {
    let fault = |error: &dyn std::fmt::Display| Error::failed(format!("cannot be resized: {error}"));
    let side = u32::try_from(size).map_err(|error| fault(&error))?;
    let from = ImageRef::new(picture.width, picture.height, &picture.rgb, PixelType::U8x3).map_err(|e| fault(&e))?;
    let mut to = Image::new(side, side, PixelType::U8x3);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
    Resizer::new().resize(&from, &mut to, &options).map_err(|error| fault(&error))?;
    Ok(Pixels { width: side, height: side, rgb: to.into_vec() })
}
