//! JPEG files beyond what the decoder does.
//!
//! Is a file all there? The decoder paints what is missing grey and says nothing, which is right for a viewer and wrong
//! for a study. And what does libjpeg make of it?

use image::RgbImage;

/// The picture as libjpeg decodes it with its usual settings (exact integer transform, colour planes enlarged by a
/// triangle), which are Pillow's too. None where it refuses. It reports damage by unwinding, which the caller must catch.
pub fn as_libjpeg(bytes: &[u8]) -> Option<RgbImage> {
    let mut started = mozjpeg::Decompress::new_mem(bytes).ok()?.rgb().ok()?;
    let (width, height) = (u32::try_from(started.width()).ok()?, u32::try_from(started.height()).ok()?);
    let rgb: Vec<u8> = started.read_scanlines().ok()?;
    started.finish().ok()?;
    RgbImage::from_raw(width, height, rgb)
}

/// True if the marker structure (ITU-T T.81, annex B) leads from the start of image over at least one scan to an
/// end of image. Bytes after that are not looked at: cameras append previews and videos.
pub fn is_whole(bytes: &[u8]) -> bool {
    const START_OF_SCAN: u8 = 0xDA;
    const END_OF_IMAGE: u8 = 0xD9;
    let mut scans = 0;
    let mut at = 2; // behind the start of image
    while let Some((marker, after)) = next_marker(bytes, at) {
        at = after;
        match marker {
            END_OF_IMAGE => return scans > 0,
            // Restart markers, the start of image and TEM stand alone; everything else carries its length.
            0xD0..=0xD8 | 0x01 => {}
            _ => {
                let Some(&[high, low]) = bytes.get(at..at + 2) else { return false };
                at += usize::from(u16::from_be_bytes([high, low])).max(2);
                scans += usize::from(marker == START_OF_SCAN);
            }
        }
    }
    false
}

/// The next marker at or after `at`, and the place behind it. Skips entropy-coded data: there an FF byte is
/// followed by a stuffed 00.
fn next_marker(bytes: &[u8], mut at: usize) -> Option<(u8, usize)> {
    loop {
        at += bytes.get(at..)?.iter().position(|&byte| byte == 0xFF)? + 1;
        match *bytes.get(at)? {
            0x00 => at += 1,
            0xFF => {}
            marker => return Some((marker, at + 1)),
        }
    }
}
