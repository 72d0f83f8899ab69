//! Box arithmetic between the three networks: candidates, non-maximum suppression and box regression. In f32 and in the
//! order of operations of facenet-pytorch 2.6.0, so that the same boxes result.

use faceprobe_core::imaging::Region;

/// A possible face.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// Left, top, right, bottom.
    pub bounds: [f32; 4],
    /// Probability of a face, 0..=1.
    pub score: f32,
    /// The box regression: offsets from these bounds to the face's, as fractions of width and height.
    pub offset: [f32; 4],
}

/// Receptive field of the first network, in pixels of its input.
const WINDOW: usize = 12;
/// Stride of the first network, in pixels of its input.
const STRIDE: usize = 2;

/// Candidates of one scale of the first network: the positions of its output (`width` per row) whose probability
/// reaches `threshold`, in rows from the top. `scores` has one value per position, `offsets` four planes of them.
pub fn candidates(scores: &[f32], offsets: &[f32], width: usize, scale: f64, threshold: f32) -> Vec<Candidate> {
    let plane = scores.len();
    let scale = scale as f32;
    let places = scores.iter().enumerate().filter(|&(_, &score)| score >= threshold);
    places
        .map(|(place, &score)| {
            let (x, y) = (STRIDE * (place % width), STRIDE * (place / width));
            let first = |at: usize| ((at + 1) as f32 / scale).floor();
            let last = |at: usize| ((at + WINDOW) as f32 / scale).floor();
            Candidate {
                bounds: [first(x), first(y), last(x), last(y)],
                score,
                offset: [0, 1, 2, 3].map(|part| offsets[part * plane + place]),
            }
        })
        .collect()
}

/// How the overlap of two boxes is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overlap {
    /// Intersection over union, sides as differences of coordinates (`torchvision.ops.nms`).
    Union,
    /// Intersection over the smaller area, sides counted in pixels, one more than the difference.
    Smaller,
}

/// Non-maximum suppression: keeps the best of each group of boxes that overlap by more than `limit`, the best first.
pub fn suppress(mut all: Vec<Candidate>, overlap: Overlap, limit: f64) -> Vec<Candidate> {
    match overlap {
        // Stable: of equals, the first.
        Overlap::Union => all.sort_by(|a, b| b.score.total_cmp(&a.score)),
        // An ascending sort, read from its end: of equals, the last.
        Overlap::Smaller => {
            all.sort_by(|a, b| a.score.total_cmp(&b.score));
            all.reverse();
        }
    }
    let more = if overlap == Overlap::Smaller { 1.0 } else { 0.0 };
    let area = |[left, top, right, bottom]: [f32; 4]| (right - left + more) * (bottom - top + more);
    let areas: Vec<f32> = all.iter().map(|candidate| area(candidate.bounds)).collect();
    let mut gone = vec![false; all.len()];
    let mut kept = Vec::new();
    for (place, best) in all.iter().enumerate() {
        if gone[place] {
            continue;
        }
        kept.push(*best);
        for other in place + 1..all.len() {
            if gone[other] {
                continue;
            }
            let (a, b) = (best.bounds, all[other].bounds);
            let width = (a[2].min(b[2]) - a[0].max(b[0]) + more).max(0.0);
            let height = (a[3].min(b[3]) - a[1].max(b[1]) + more).max(0.0);
            let common = width * height;
            gone[other] = match overlap {
                Overlap::Union => f64::from(common / (areas[place] + areas[other] - common)) > limit,
                Overlap::Smaller => common / areas[place].min(areas[other]) > limit as f32,
            };
        }
    }
    kept
}

impl Candidate {
    /// Applies the first network's box regression, whose unit is the difference of coordinates.
    pub(super) fn moved(self) -> Self {
        self.moved_by(0.0)
    }

    /// Applies the box regression of the other networks, whose unit is one pixel more.
    pub(super) fn moved_in_pixels(self) -> Self {
        self.moved_by(1.0)
    }

    fn moved_by(mut self, more: f32) -> Self {
        let [left, top, right, bottom] = self.bounds;
        let sides = [right - left + more, bottom - top + more];
        for edge in 0..4 {
            self.bounds[edge] += self.offset[edge] * sides[edge % 2];
        }
        self
    }

    /// Makes the bounds a square around the same centre, with the longer side.
    pub(super) fn squared(mut self) -> Self {
        let [left, top, right, bottom] = self.bounds;
        let (width, height) = (right - left, bottom - top);
        let side = width.max(height);
        let corner = [left + width * 0.5 - side * 0.5, top + height * 0.5 - side * 0.5];
        self.bounds = [corner[0], corner[1], corner[0] + side, corner[1] + side];
        self
    }

    /// The pixels of an image of `width` x `height` that the next network crops; none if the crop is empty. The bounds
    /// count pixels from 1, both ends included, and are truncated towards zero.
    pub(super) fn region(&self, width: usize, height: usize) -> Option<Region> {
        let cut = |first: f32, last: f32, side: usize| {
            // The conversion saturates; non-finite values become empty.
            let (first, last) = ((first.trunc() as i64).max(1), (last.trunc() as i64).min(side as i64));
            (last >= first).then(|| ((first - 1) as usize, (last - first + 1) as usize))
        };
        let (left, columns) = cut(self.bounds[0], self.bounds[2], width)?;
        let (top, rows) = cut(self.bounds[1], self.bounds[3], height)?;
        Some(Region { left, top, width: columns, height: rows })
    }
}
