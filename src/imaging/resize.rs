//! Antialiased bilinear resampling.

use super::Pixels;
use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

/// Squashes a picture to `size` x `size` without keeping its aspect ratio, as Keras' `load_img(target_size=...)`,
/// which the study used, does.
///
/// The filter is a triangle widened by the scale when shrinking, computed in fixed point: Pillow's
/// `resize((size, size), BILINEAR)` to within one grey level. `size` must not be zero.
pub fn resize(picture: &Pixels, size: usize) -> Pixels {
    if picture.width == size && picture.height == size {
        return picture.clone();
    }
    squash(picture, size)
        .expect("the bytes of a Pixels fit its sides, which fit 32 bits, and size is a network's input")
}

fn squash(picture: &Pixels, size: usize) -> Option<Pixels> {
    let (width, height) = (u32::try_from(picture.width).ok()?, u32::try_from(picture.height).ok()?);
    let side = u32::try_from(size).ok()?;
    let source = ImageRef::new(width, height, &picture.rgb, PixelType::U8x3).ok()?;
    let mut target = Image::new(side, side, PixelType::U8x3);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
    Resizer::new().resize(&source, &mut target, &options).ok()?;
    Pixels::new(size, size, target.into_vec())
}
