//! Area averaging: downscales an image without leaving out pixels and without aliasing.

use super::Pixels;
use rayon::prelude::*;

/// A rectangle of whole pixels in an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    pub left: usize,
    pub top: usize,
    /// At least 1, as `height`.
    pub width: usize,
    pub height: usize,
}

impl Region {
    /// The whole image.
    pub fn whole(picture: &Pixels) -> Self {
        Self { left: 0, top: 0, width: picture.width, height: picture.height }
    }

    /// Whether it is not empty and inside the image.
    fn is_within(&self, picture: &Pixels) -> bool {
        self.width > 0
            && self.height > 0
            && self.left.checked_add(self.width).is_some_and(|right| right <= picture.width)
            && self.top.checked_add(self.height).is_some_and(|bottom| bottom <= picture.height)
    }
}

/// Below this number of source pixels, threads cost more than they gain.
const ALONE: usize = 1 << 18;

/// The region resized to `width` x `height`: each value is the average of the pixels between the floor and the ceiling
/// of its edges, as in PyTorch's `adaptive_avg_pool2d` (and so `interpolate(mode="area")`), also for enlarging. Rows
/// from top to bottom, `red green blue` per pixel, 0 to 255. Empty if the region is not inside the image.
pub fn average(picture: &Pixels, region: Region, width: usize, height: usize) -> Vec<f32> {
    if !region.is_within(picture) || width == 0 || height == 0 {
        return Vec::new();
    }
    let columns: Vec<(usize, usize)> = (0..width).map(|x| span(x, width, region.width)).collect();
    let mut values = vec![0_f32; width * height * 3];
    let fill = |sums: &mut Sums, (y, out): (usize, &mut [f32])| {
        let (first, last) = span(y, height, region.height);
        let rows = (region.top + first..region.top + last).map(|row| {
            let start = (row * picture.width + region.left) * 3;
            &picture.rgb[start..start + region.width * 3]
        });
        let count = (last - first) as f32;
        if last - first <= NARROW {
            add(&mut sums.narrow, rows);
            average_columns(&sums.narrow, &columns, count, out);
        } else {
            add(&mut sums.wide, rows);
            average_columns(&sums.wide, &columns, count, out);
        }
    };
    if region.width * region.height < ALONE {
        let mut sums = Sums::default();
        values.chunks_exact_mut(width * 3).enumerate().for_each(|row| fill(&mut sums, row));
    } else {
        values.par_chunks_exact_mut(width * 3).enumerate().for_each_init(Sums::default, fill);
    }
    values
}

/// The number of bytes whose sum fits 16 bits, which doubles the values per vector.
const NARROW: usize = 257;

/// Sums of the source rows for one output row.
#[derive(Default)]
struct Sums {
    narrow: Vec<u16>,
    wide: Vec<u32>,
}

/// Adds rows element by element.
fn add<'a, T: Copy + Default + From<u8> + std::ops::AddAssign>(
    sums: &mut Vec<T>,
    rows: impl Iterator<Item = &'a [u8]>,
) {
    sums.clear();
    for row in rows {
        sums.resize(row.len(), T::default());
        sums.iter_mut().zip(row).for_each(|(sum, &value)| *sum += T::from(value));
    }
}

/// Averages the pixels of each span of columns, which are sums of `rows` rows already.
fn average_columns<T: Copy + Into<u64>>(sums: &[T], columns: &[(usize, usize)], rows: f32, out: &mut [f32]) {
    for (&(from, to), out) in columns.iter().zip(out.chunks_exact_mut(3)) {
        let mut sum = [0_u64; 3];
        for pixel in sums[from * 3..to * 3].chunks_exact(3) {
            (0..3).for_each(|channel| sum[channel] += pixel[channel].into());
        }
        // Two divisions, as in PyTorch, for the same rounding.
        (0..3).for_each(|channel| out[channel] = sum[channel] as f32 / rows / (to - from) as f32);
    }
}

/// The source pixels from, and up to, which target pixel `place` of `target` averages.
fn span(place: usize, target: usize, source: usize) -> (usize, usize) {
    let from = (place as u128 * source as u128 / target as u128) as usize;
    let to = ((place as u128 + 1) * source as u128).div_ceil(target as u128) as usize;
    (from, to)
}
