//! Resampling to the square input of a network.

use super::Pixels;
use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8x3;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};

/// Resizes an image to `size` x `size` without keeping its aspect ratio, as Keras' `load_img(target_size=...)`.
///
/// The filter is a triangle widened by the scale when shrinking, computed in fixed point: Pillow's
/// `resize((size, size), BILINEAR)` to within one grey level. `size` must not be zero.
pub fn bilinear(picture: &Pixels, size: usize) -> Pixels {
    if picture.width == size && picture.height == size {
        return picture.clone();
    }
    squash(picture, size)
        .expect("the bytes of a Pixels fit its sides, which fit 32 bits, and size is a network's input")
}

fn squash(picture: &Pixels, size: usize) -> Option<Pixels> {
    let (width, height) = (u32::try_from(picture.width).ok()?, u32::try_from(picture.height).ok()?);
    let side = u32::try_from(size).ok()?;
    let source = TypedImageRef::<U8x3>::from_buffer(width, height, &picture.rgb).ok()?;
    let mut rgb = vec![0; size.checked_mul(size)?.checked_mul(3)?];
    let mut target = TypedImage::<U8x3>::from_buffer(side, side, &mut rgb).ok()?;
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
    // `resize` would dispatch over thirteen pixel types at run time, and compiling them all takes longer than the rest
    // of this program.
    Resizer::new().resize_typed(&source, &mut target, &options).ok()?;
    Pixels::new(size, size, rgb)
}

/// Resizes an image to `size` x `size` with nearest-neighbour sampling: exactly Pillow's `resize((size, size),
/// NEAREST)`, the default of Keras' `load_img`. `size` must not be zero.
pub fn nearest(picture: &Pixels, size: usize) -> Pixels {
    if picture.width == size && picture.height == size {
        return picture.clone();
    }
    let columns = centres(picture.width, size);
    let mut rgb = Vec::with_capacity(size * size * 3);
    for y in centres(picture.height, size) {
        let row = &picture.rgb[y * picture.width * 3..][..picture.width * 3];
        for x in &columns {
            rgb.extend_from_slice(&row[x * 3..x * 3 + 3]);
        }
    }
    Pixels { width: size, height: size, rgb, room: None }
}

/// The source pixel of each target pixel along a side. Pillow (`ImagingScaleAffine`) accumulates the step in f64,
/// starting in the middle of the first pixel; the sums must be identical to be on the same side of a pixel's edge.
fn centres(source: usize, target: usize) -> Vec<usize> {
    let step = source as f64 / target as f64;
    let mut at = step * 0.5;
    let mut list = Vec::with_capacity(target);
    for _ in 0..target {
        // The last sum is half a step before the end, far more than the rounding errors; the limit is for safety only.
        list.push((at as usize).min(source - 1));
        at += step;
    }
    list
}
