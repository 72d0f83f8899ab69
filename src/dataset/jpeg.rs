//! Whether a JPEG file is all there. Decoders fill what a broken download lacks with grey and call it an image.

/// True if the bytes reach the end-of-image marker of the main image (ITU-T T.81, annex B).
///
/// Segments are walked by their lengths: an embedded preview has an end marker of its own, which proves nothing.
pub fn reaches_its_end(bytes: &[u8]) -> bool {
    const TEMPORARY: u8 = 0x01;
    const RESTARTS_AND_START: std::ops::RangeInclusive<u8> = 0xd0..=0xd8;
    const END: u8 = 0xd9;
    let mut at = 0;
    loop {
        // Also passes over the compressed data behind a start of scan, where 0xff 0x00 stands for a plain 0xff.
        let Some(marker) = bytes.get(at..).and_then(next_marker) else { return false };
        at += marker + 1;
        match bytes[at] {
            END => return true,
            TEMPORARY => {}
            code if RESTARTS_AND_START.contains(&code) => {}
            _ => match bytes.get(at + 1..at + 3) {
                Some(length) => at += 1 + usize::from(u16::from_be_bytes([length[0], length[1]])).max(2),
                None => return false,
            },
        }
    }
}

/// The index of a 0xff that a marker code follows.
fn next_marker(bytes: &[u8]) -> Option<usize> {
    bytes.windows(2).position(|pair| pair[0] == 0xff && !matches!(pair[1], 0x00 | 0xff))
}
