//! Detects animated images. Only the first frame is decoded, which the user should know.

use image::ImageFormat;
use image::codecs::{gif::GifDecoder, png::PngDecoder, webp::WebPDecoder};
use image::{AnimationDecoder, ImageDecoder, Limits};
use std::io::Cursor;
use std::panic::catch_unwind;

/// Memory limit for decoding the second frame of a GIF, in bytes.
const MOST_MEMORY: u64 = 1 << 30;

/// The format's name if the file contains more than one frame: an animated GIF, PNG or WebP. Only of GIFs are frames
/// decoded, the first two. A broken file is not animated.
pub fn animated(bytes: &[u8]) -> Option<&'static str> {
    // As in `decode`: a panic on a malicious file must cost no more than an answer.
    catch_unwind(|| look(bytes)).unwrap_or(None)
}

fn look(bytes: &[u8]) -> Option<&'static str> {
    match image::guess_format(bytes).ok()? {
        ImageFormat::Gif => {
            let mut decoder = GifDecoder::new(Cursor::new(bytes)).ok()?;
            let mut limits = Limits::default();
            limits.max_alloc = Some(MOST_MEMORY);
            decoder.set_limits(limits).ok()?;
            (decoder.into_frames().take(2).filter_map(Result::ok).count() > 1).then_some("GIF")
        }
        ImageFormat::Png => PngDecoder::new(Cursor::new(bytes)).ok()?.is_apng().ok()?.then_some("PNG"),
        ImageFormat::WebP => WebPDecoder::new(Cursor::new(bytes)).ok()?.has_animation().then_some("WebP"),
        _ => None,
    }
}
