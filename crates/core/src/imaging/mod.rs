//! Image processing: decoding, orientation, resizing, normalisation.

pub mod alignment;
mod animation;
mod area;
pub mod decode;
mod jpeg;
mod jpeg_structure;
mod png;
mod png_ending;
pub mod preprocessing;
pub mod resize;
mod room;
mod similarity;
pub mod sniff;
mod variation;
mod warp;

pub use alignment::{Alignment, Template};
pub use animation::animated;
pub use area::{Region, average};
pub use decode::{decode, decode_as_pillow, decode_for_faces, mended};
pub use png::png;
pub use preprocessing::{ChannelOrder, Mode, Preprocessing};
pub use resize::bilinear as resize;
pub use similarity::Similarity;
pub use variation::{VARIATIONS, Variation};
pub use warp::warp;

use room::Room;

/// An upright RGB image: 8 bits per channel, rows from top to bottom, `red green blue` per pixel (HWC).
pub struct Pixels {
    width: usize,
    height: usize,
    rgb: Vec<u8>,
    /// The memory that it reserves, if it is large.
    room: Option<Room>,
}

impl Pixels {
    /// An image of `width` x `height` from its bytes; none if a side is zero or needs more than 32 bits, or there are
    /// not exactly `width * height * 3` bytes.
    pub fn new(width: usize, height: usize, rgb: Vec<u8>) -> Option<Self> {
        let bytes = width.checked_mul(height)?.checked_mul(3)?;
        let sides_fit = u32::try_from(width).is_ok() && u32::try_from(height).is_ok();
        (sides_fit && bytes > 0 && bytes == rgb.len()).then_some(Self { width, height, rgb, room: None })
    }

    /// The image with its reservation, reduced to what it needs.
    fn in_room(mut self, mut room: Room) -> Self {
        room.shrink(self.rgb.len() as u64);
        self.room = Some(room);
        self
    }

    /// Pixels per row; at least 1.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Number of rows; at least 1.
    pub fn height(&self) -> usize {
        self.height
    }

    /// `height * width * 3` bytes, row by row.
    pub fn rgb(&self) -> &[u8] {
        &self.rgb
    }

    /// The mirror image: left and right exchanged.
    #[must_use]
    pub fn mirrored(&self) -> Self {
        let rows = self.rgb.chunks_exact(self.width * 3);
        let rgb = rows.flat_map(|row| row.chunks_exact(3).rev().flatten().copied()).collect();
        Self { width: self.width, height: self.height, rgb, room: None }
    }

    /// The bytes themselves.
    pub fn into_rgb(self) -> Vec<u8> {
        self.rgb
    }
}

/// A copy does not wait for memory, since its thread holds an image already.
impl Clone for Pixels {
    fn clone(&self) -> Self {
        Self { width: self.width, height: self.height, rgb: self.rgb.clone(), room: None }
    }
}

impl PartialEq for Pixels {
    fn eq(&self, other: &Self) -> bool {
        (self.width, self.height, &self.rgb) == (other.width, other.height, &other.rgb)
    }
}

impl Eq for Pixels {}

impl std::fmt::Debug for Pixels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pixels({} x {})", self.width, self.height)
    }
}
