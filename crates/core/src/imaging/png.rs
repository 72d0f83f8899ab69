//! Encodes images as PNG.

use super::Pixels;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};

/// The bytes of a PNG file, lossless.
///
/// # Errors
/// The encoder's error, without a file name.
pub fn png(picture: &Pixels) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let side = |side: usize| u32::try_from(side).map_err(|_| "is too large for a PNG".to_owned());
    PngEncoder::new_with_quality(&mut bytes, CompressionType::Fast, FilterType::Adaptive)
        .write_image(picture.rgb(), side(picture.width())?, side(picture.height())?, ExtendedColorType::Rgb8)
        .map_err(|error| error.to_string())?;
    Ok(bytes)
}
