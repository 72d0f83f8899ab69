//! Decodes label files in UTF-8, UTF-16 or Latin-1.

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// Text in UTF-8, and a note about its decoding.
#[derive(Debug, PartialEq, Eq)]
pub struct Decoded {
    /// Bytes of a damaged UTF-8 file that are not UTF-8 are kept as they are.
    pub bytes: Vec<u8>,
    /// A note for the user: that the encoding was guessed, or that text is damaged.
    pub note: Option<&'static str>,
}

/// Decodes UTF-8 and UTF-16 (with or without a byte order mark) and Latin-1 (Windows-1252).
///
/// # Errors
/// UTF-32, which is not used in practice.
pub fn decode(mut bytes: Vec<u8>) -> Result<Decoded, &'static str> {
    if bytes.starts_with(&[0xff, 0xfe, 0, 0]) || bytes.starts_with(&[0, 0, 0xfe, 0xff]) {
        return Err("is UTF-32 text; save it as UTF-8");
    }
    if bytes.starts_with(b"\xef\xbb\xbf") {
        bytes.drain(..3);
        return Ok(Decoded { bytes, note: None });
    }
    if let Some((encoding, mark)) = utf16(&bytes) {
        let (text, damaged) = encoding.decode_without_bom_handling(bytes.get(mark..).unwrap_or_default());
        let note = damaged.then_some("is UTF-16 text with characters that cannot be read");
        return Ok(Decoded { bytes: text.into_owned().into_bytes(), note });
    }
    if is_latin1(&bytes) {
        let (text, _) = WINDOWS_1252.decode_without_bom_handling(&bytes);
        let note = Some("is not UTF-8 text and was read as Latin-1 (Windows-1252)");
        return Ok(Decoded { bytes: text.into_owned().into_bytes(), note });
    }
    Ok(Decoded { bytes, note: None })
}

/// The byte order of UTF-16 text, and the length of its mark. Without a mark it is recognised by zeros in every other
/// byte of the header.
fn utf16(bytes: &[u8]) -> Option<(&'static Encoding, usize)> {
    /// Approximate length of a header in characters.
    const HEADER: usize = 2 * 24;
    match bytes {
        [0xff, 0xfe, ..] => return Some((UTF_16LE, 2)),
        [0xfe, 0xff, ..] => return Some((UTF_16BE, 2)),
        _ => {}
    }
    let head = bytes.get(..bytes.len().min(HEADER) & !1)?;
    let zeros = |odd: usize| head.iter().skip(odd).step_by(2).filter(|byte| **byte == 0).count();
    // Three quarters of them: a header in English may contain a column in another script.
    let most = |count: usize| head.len() >= 8 && count * 8 >= head.len() * 3;
    match (zeros(0), zeros(1)) {
        (0, odd) if most(odd) => Some((UTF_16LE, 0)),
        (even, 0) if most(even) => Some((UTF_16BE, 0)),
        _ => None,
    }
}

/// Whether bytes that are not UTF-8 can be Latin-1: no line contains non-ASCII UTF-8 (which would mean damaged UTF-8),
/// and there are no control characters.
fn is_latin1(bytes: &[u8]) -> bool {
    if std::str::from_utf8(bytes).is_ok() {
        return false;
    }
    let control = |byte: &u8| matches!(byte, 0..=8 | 0x0e..=0x1f | 0x7f | 0x81 | 0x8d | 0x8f | 0x90 | 0x9d);
    let mut lines = bytes.split(|byte| matches!(byte, b'\n' | b'\r')).filter(|line| !line.is_ascii());
    !bytes.iter().any(control) && !lines.any(|line| std::str::from_utf8(line).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "path,label\nf/Müller.jpg,female\nm/été.jpg,male\n";

    fn utf16_bytes(text: &str, order: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(order).collect()
    }

    fn text(bytes: &[u8]) -> String {
        String::from_utf8(decode(bytes.to_vec()).unwrap().bytes).unwrap()
    }

    #[test]
    fn one_text_is_read_from_all_its_encodings() {
        let latin1: Vec<u8> = TEXT.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
        let le = utf16_bytes(TEXT, u16::to_le_bytes);
        let be = utf16_bytes(TEXT, u16::to_be_bytes);
        let marked = [&[0xff, 0xfe][..], &le].concat();
        let marked_be = [&[0xfe, 0xff][..], &be].concat();
        let bom = [b"\xef\xbb\xbf", TEXT.as_bytes()].concat();
        for bytes in [TEXT.as_bytes(), &bom, &le, &be, &marked, &marked_be, &latin1] {
            assert_eq!(text(bytes), TEXT);
        }
        assert!(decode(latin1).unwrap().note.unwrap().contains("Latin-1"));
        assert!(decode(b"\xff\xfe\0\0p\0\0\0".to_vec()).is_err());
    }

    #[test]
    fn damaged_utf8_is_not_taken_for_latin1() {
        let damaged = [TEXT.as_bytes(), b"f/\xff.jpg,female\n"].concat();
        assert_eq!(decode(damaged.clone()).unwrap(), Decoded { bytes: damaged, note: None });
        let garbage = b"\x00\x01\xfe\xf0,\x81".to_vec();
        assert_eq!(decode(garbage.clone()).unwrap().bytes, garbage);
        assert_eq!(decode(Vec::new()).unwrap().bytes, b"");
    }
}
