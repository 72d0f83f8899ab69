//! Parses the markers of a JPEG file (ITU-T T.81, annex B) without decoding.

use std::collections::BTreeMap;

/// The coding process, as the frame's marker states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// Baseline, extended or progressive.
    Huffman,
    Arithmetic,
    Lossless,
    Hierarchical,
    /// JPEG-LS, another standard.
    Ls,
}

impl Coding {
    fn of(marker: u8) -> Option<Self> {
        Some(match marker {
            0xC0..=0xC2 => Self::Huffman,
            0xC3 => Self::Lossless,
            0xC5..=0xC7 => Self::Hierarchical,
            0xC9..=0xCB | 0xCD..=0xCF => Self::Arithmetic,
            0xF7 => Self::Ls,
            _ => return None,
        })
    }

    /// The name in sentences.
    pub fn words(self) -> &'static str {
        match self {
            Self::Huffman => "Huffman coding",
            Self::Arithmetic => "arithmetic coding",
            Self::Lossless => "lossless coding",
            Self::Hierarchical => "hierarchical coding",
            Self::Ls => "the coding of JPEG-LS",
        }
    }
}

/// What the markers of a file state, as far as they are readable.
pub struct Structure {
    /// None if there is no frame.
    pub coding: Option<Coding>,
    /// Whether scans refine one another.
    pub is_progressive: bool,
    /// The components of the frame, each with the number of low bits that its 64 coefficients still lack; none if they
    /// were not in any scan.
    lacking: BTreeMap<u8, [Option<u8>; 64]>,
    /// Offset of the first scan's data.
    data: Option<usize>,
    /// Offset of the end of image.
    end: Option<usize>,
}

const START_OF_SCAN: u8 = 0xDA;
const END_OF_IMAGE: u8 = 0xD9;

impl Structure {
    /// Follows the markers from the start of image to its end. Bytes after that are ignored: cameras append previews
    /// and videos.
    pub fn of(bytes: &[u8]) -> Self {
        let mut found = Self { coding: None, is_progressive: false, lacking: BTreeMap::new(), data: None, end: None };
        let mut at = 2; // behind the start of image
        while let Some((marker, after)) = next_marker(bytes, at) {
            at = after;
            match marker {
                END_OF_IMAGE => {
                    found.end = Some(after - 2);
                    return found;
                }
                // Restart markers, start of image and TEM have no length; all other markers do.
                0xD0..=0xD8 | 0x01 => {}
                _ => {
                    let Some(&[high, low]) = bytes.get(at..at + 2) else { return found };
                    let length = usize::from(u16::from_be_bytes([high, low])).max(2);
                    let segment = bytes.get(at + 2..at + length).unwrap_or_default();
                    at += length;
                    if let Some(coding) = Coding::of(marker) {
                        found.is_progressive = marker == 0xC2;
                        found.frame(coding, segment);
                    } else if marker == START_OF_SCAN {
                        found.scan(segment);
                        found.data.get_or_insert(at);
                    }
                }
            }
        }
        found
    }

    fn frame(&mut self, coding: Coding, segment: &[u8]) {
        self.coding = Some(coding);
        // Precision, height, width and the number of components, then the components, each beginning with its id.
        let components = segment.get(6..).unwrap_or_default().chunks_exact(3);
        self.lacking.extend(components.map(|component| (component[0], [None; 64])));
    }

    fn scan(&mut self, segment: &[u8]) {
        let Some((&count, rest)) = segment.split_first() else { return };
        let Some((components, &[first, last, bits, ..])) = rest.split_at_checked(2 * usize::from(count)) else {
            return;
        };
        for component in components.chunks_exact(2) {
            if let Some(all) = self.lacking.get_mut(&component[0])
                && let Some(band) = all.get_mut(usize::from(first)..=usize::from(last.max(first)))
            {
                band.fill(Some(bits & 0x0F));
            }
        }
    }

    /// Whether at least one scan is followed by an end of image.
    pub fn is_ended(&self) -> bool {
        self.end.is_some() && self.data.is_some()
    }

    /// Whether the scans cover all components completely.
    pub fn is_complete(&self) -> bool {
        !self.lacking.is_empty() && self.lacking.values().flatten().all(|lacking| *lacking == Some(0))
    }

    /// Whether a run of the data is zero. That is possible in an image with large uniform areas.
    pub fn has_zeros(&self, bytes: &[u8]) -> bool {
        /// A run of twice this length is found wherever it begins; a disk block is longer.
        const STRETCH: usize = 32;
        let codes = self.data.and_then(|data| bytes.get(data..self.end.unwrap_or(bytes.len()))).unwrap_or_default();
        codes.chunks_exact(STRETCH).any(|chunk| chunk.iter().all(|byte| *byte == 0))
    }
}

/// The next marker at or after `at`, and the offset after it. Skips entropy-coded data, in which an FF byte is followed
/// by a stuffed 00.
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
