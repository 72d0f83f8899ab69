//! A picture as a PNG.

use super::Pixels;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};

/// The bytes of a PNG file: nothing of the picture is lost.
///
/// # Errors
/// What the encoder says, without a file's name.
pub fn png(picture: &Pixels) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let side = |side: usize| u32::try_from(side).map_err(|_| "is too large for a PNG".to_owned());
    PngEncoder::new_with_quality(&mut bytes, CompressionType::Fast, FilterType::Adaptive)
        .write_image(picture.rgb(), side(picture.width())?, side(picture.height())?, ExtendedColorType::Rgb8)
        .map_err(|error| error.to_string())?;
    Ok(bytes)
}
