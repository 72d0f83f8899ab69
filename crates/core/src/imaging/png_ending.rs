//! Repairs PNG files whose end is missing.

use std::borrow::Cow;

const SIGNATURE: usize = 8;
/// Length and type before the content of a chunk, a checksum after it.
const BEFORE: usize = 8;
const AFTER: usize = 4;
const END: &[u8] = b"\0\0\0\0IEND\xAE\x42\x60\x82";

/// The bytes with an end chunk appended if there is none; the rest of the last chunk with image data becomes a chunk of
/// its own. The decoder checks whether all pixels are there.
pub fn ended(bytes: &[u8]) -> Cow<'_, [u8]> {
    let mut at = SIGNATURE;
    while let Some((name, length)) = chunk(bytes, at) {
        let next = at.saturating_add(BEFORE).saturating_add(length).saturating_add(AFTER);
        if name == b"IEND" {
            return Cow::Borrowed(bytes);
        }
        if next > bytes.len() {
            let Some(content) = bytes.get(at + BEFORE..).filter(|_| name == b"IDAT") else { break };
            let content = &content[..content.len().min(length)];
            let mut mended = bytes[..at].to_vec();
            mended.extend((content.len() as u32).to_be_bytes());
            mended.extend(name);
            mended.extend(content);
            let checksum = checksum(&mended[at + 4..]);
            mended.extend(checksum.to_be_bytes());
            mended.extend(END);
            return Cow::Owned(mended);
        }
        at = next;
    }
    match bytes.get(..at) {
        Some(chunks) => Cow::Owned([chunks, END].concat()),
        None => Cow::Borrowed(bytes),
    }
}

/// The type of the chunk at `at`, and the stated length of its content.
fn chunk(bytes: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let head = bytes.get(at..at.checked_add(BEFORE)?)?;
    let (length, name) = head.split_first_chunk::<4>()?;
    Some((name, u32::from_be_bytes(*length) as usize))
}

/// CRC-32 of ISO 3309, which PNG computes over type and content.
fn checksum(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}
