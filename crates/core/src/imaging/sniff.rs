//! Recognises file types by their first bytes; names and extensions are ignored.

use image::ImageFormat;

/// The number of bytes needed to recognise a file; TIFF-based RAW files can need all of them.
pub const HEAD: usize = 4096;

/// The type of a file's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// An image of a format that this program decodes: JPEG, PNG, WebP, BMP, TIFF or GIF.
    Image(ImageFormat),
    /// An image of another format, by its name.
    Foreign(&'static str),
    /// A known file type that is not an image, in words with an article.
    Other(&'static str),
}

impl Content {
    /// Why it is not decoded; none for supported images.
    pub fn refusal(self) -> Option<String> {
        match self {
            Self::Image(_) => None,
            Self::Foreign(name) => Some(format!("{name}, which this program does not read; convert it to JPEG or PNG")),
            Self::Other(what) => Some(format!("{what}, not an image")),
        }
    }
}

/// The type of a file with these first bytes; none if it is unknown. An image may still be damaged later.
pub fn content(bytes: &[u8]) -> Option<Content> {
    use Content::{Foreign, Image, Other};
    if let Some(name) = raw(bytes).or_else(|| boxed(bytes)) {
        return Some(name);
    }
    if let Some(format) = image::guess_format(bytes).ok().filter(|format| READ.contains(format)) {
        return Some(Image(format));
    }
    // Some programs write data before a PDF header.
    let near = &bytes[..bytes.len().min(1024)];
    if near.windows(5).any(|window| window == b"%PDF-") {
        return Some(Other("a PDF document"));
    }
    let known = STARTS.iter().find(|(start, _)| bytes.starts_with(start)).map(|(_, what)| *what);
    known.or_else(|| match page(near) {
        Some("svg") => Some(Foreign("SVG")),
        Some("html") => Some(Other("an HTML page, as a server answers in place of a file")),
        _ => None,
    })
}

const READ: [ImageFormat; 6] =
    [ImageFormat::Bmp, ImageFormat::Gif, ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::Tiff, ImageFormat::WebP];

/// Signatures that identify a type completely.
const STARTS: [(&[u8], Content); 17] = [
    (b"\xFF\x0A", Content::Foreign("JPEG XL")),
    (b"\0\0\0\x0CJXL \r\n\x87\n", Content::Foreign("JPEG XL")),
    (b"\0\0\0\x0CjP  \r\n\x87\n", Content::Foreign("JPEG 2000")),
    (b"\xFF\x4F\xFF\x51", Content::Foreign("JPEG 2000")),
    (b"8BPS", Content::Foreign("Photoshop (PSD)")),
    (b"II+\0", Content::Foreign("BigTIFF")),
    (b"MM\0+", Content::Foreign("BigTIFF")),
    (b"II\xBC\x01", Content::Foreign("JPEG XR")),
    (b"qoif", Content::Foreign("QOI")),
    (b"\0\0\x01\0", Content::Foreign("ICO")),
    (b"gimp xcf", Content::Foreign("GIMP (XCF)")),
    (b"%!PS", Content::Other("a PostScript document")),
    (b"PK\x03\x04", Content::Other("a ZIP archive")),
    (b"\x1F\x8B", Content::Other("a gzip archive")),
    (b"\0\x05\x16\x07", Content::Other("what macOS keeps beside a file (AppleDouble)")),
    (b"version https://git-lfs", Content::Other("a pointer of Git LFS ('git lfs pull' brings the file)")),
    (b"\x1A\x45\xDF\xA3", Content::Other("a video")),
];

/// Camera RAW, whose embedded preview a TIFF or JPEG decoder would decode instead of the image.
fn raw(bytes: &[u8]) -> Option<Content> {
    const MAKERS: [(&[u8], &str); 8] = [
        (b"FUJIFILMCCD-RAW", "RAW (RAF)"),
        (b"IIRO", "RAW (ORF)"),
        (b"IIRS", "RAW (ORF)"),
        (b"MMOR", "RAW (ORF)"),
        (b"IIU\0", "RAW (RW2)"),
        (b"FOVb", "RAW (X3F)"),
        (b"\0MRM", "RAW (MRW)"),
        (b"II\x1A\0\0\0HEAPCCDR", "RAW (CRW)"),
    ];
    if let Some((_, name)) = MAKERS.iter().find(|(start, _)| bytes.starts_with(start)) {
        return Some(Content::Foreign(name));
    }
    Tiff::new(bytes)?.raw().map(Content::Foreign)
}

/// ISO base media files (ISO 14496-12): the brands in the first box state the content.
fn boxed(bytes: &[u8]) -> Option<Content> {
    if bytes.get(4..8)? != b"ftyp" {
        return None;
    }
    let length = u32::from_be_bytes(bytes.get(..4)?.try_into().ok()?) as usize;
    let inside = bytes.get(8..length.clamp(12, bytes.len().max(12)))?;
    let (major, compatible) = inside.split_at_checked(4)?;
    // The major brand is followed by a version.
    let brands = || std::iter::once(major).chain(compatible.get(4..).unwrap_or_default().chunks_exact(4));
    let any = |names: &[&[u8; 4]]| brands().any(|brand| names.iter().any(|name| brand == *name));
    Some(if major == b"crx " {
        Content::Foreign("RAW (CR3)")
    } else if any(&[b"avif", b"avis"]) {
        Content::Foreign("AVIF")
    } else if any(&[b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"]) {
        Content::Foreign("HEIC")
    } else {
        Content::Other("a video")
    })
}

/// Whether text is HTML or SVG.
fn page(near: &[u8]) -> Option<&'static str> {
    let text = String::from_utf8_lossy(near.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(near)).trim_start().to_lowercase();
    if !text.starts_with('<') {
        return None;
    }
    let has = |sign: &str| text.contains(sign);
    if has("<svg") && !has("<html") {
        Some("svg")
    } else {
        (has("<!doctype html") || has("<html") || has("<head")).then_some("html")
    }
}

/// The directories of a TIFF, as far as the bytes reach.
struct Tiff<'a> {
    bytes: &'a [u8],
    little: bool,
}

impl<'a> Tiff<'a> {
    fn new(bytes: &'a [u8]) -> Option<Self> {
        let little = bytes.starts_with(b"II*\0");
        (little || bytes.starts_with(b"MM\0*")).then_some(Self { bytes, little })
    }

    fn number(&self, at: usize, length: usize) -> Option<usize> {
        let digits = self.bytes.get(at..at.checked_add(length)?)?;
        let add = |value: usize, digit: &u8| (value << 8) | usize::from(*digit);
        Some(if self.little { digits.iter().rev().fold(0, add) } else { digits.iter().fold(0, add) })
    }

    /// Tag, count and first value of the entries of the directory at `at`; offsets for values that do not fit.
    fn directory(&self, at: usize) -> impl Iterator<Item = (usize, usize, usize)> {
        let count = self.number(at, 2).unwrap_or(0);
        (0..count).map_while(move |entry| {
            let at = at.checked_add(2 + 12 * entry)?;
            // A short is stored in the first of the four bytes.
            let short = self.number(at + 2, 2)? == 3 && self.number(at + 4, 4)? == 1;
            Some((self.number(at, 2)?, self.number(at + 4, 4)?, self.number(at + 8, if short { 2 } else { 4 })?))
        })
    }

    fn raw(&self) -> Option<&'static str> {
        const SUB_DIRECTORIES: usize = 330;
        if self.bytes.get(8..10) == Some(b"CR") {
            return Some("RAW (CR2)");
        }
        let first = self.number(4, 4)?;
        let mut directories = vec![first];
        for (tag, count, value) in self.directory(first) {
            match tag {
                50706 => return Some("RAW (DNG)"),
                SUB_DIRECTORIES if count == 1 => directories.push(value),
                // Cameras write three or four.
                SUB_DIRECTORIES => directories.extend((0..count.min(8)).filter_map(|n| self.number(value + 4 * n, 4))),
                _ => {}
            }
        }
        let sensor = |(tag, _, value): (usize, usize, usize)| match tag {
            // Photometric interpretation: a colour filter array, or linear RAW.
            262 => matches!(value, 32803 | 34892),
            // Compression of Nikon, Sony, Samsung and Pentax.
            259 => matches!(value, 34713 | 32767 | 32769 | 32770 | 65535),
            _ => false,
        };
        let of_camera = directories.into_iter().any(|at| self.directory(at).any(sensor));
        of_camera.then_some("RAW (NEF, ARW or the like)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ftyp(brands: &[&str]) -> Vec<u8> {
        let length = 8 + 4 * (brands.len() + 1);
        let mut bytes = (length as u32).to_be_bytes().to_vec();
        bytes.extend(b"ftyp");
        bytes.extend(brands[0].bytes());
        bytes.extend([0; 4]);
        brands[1..].iter().for_each(|brand| bytes.extend(brand.bytes()));
        bytes.extend(b"\0\0\0\x08mdat");
        bytes
    }

    /// A TIFF with one directory, and one below it if there are entries for it.
    fn tiff(little: bool, entries: &[(u16, u32)], below: &[(u16, u32)]) -> Vec<u8> {
        let short = |value: u16| if little { value.to_le_bytes() } else { value.to_be_bytes() };
        let long = |value: u32| if little { value.to_le_bytes() } else { value.to_be_bytes() };
        let mut entries = entries.to_vec();
        let second = 8 + 2 + 12 * (entries.len() + 1) + 4;
        entries.push((330, second as u32));
        let mut bytes = if little { b"II*\0".to_vec() } else { b"MM\0*".to_vec() };
        bytes.extend(long(8));
        for directory in [entries.as_slice(), below] {
            bytes.extend(short(directory.len() as u16));
            for &(tag, value) in directory {
                bytes.extend(short(tag));
                bytes.extend(short(4));
                bytes.extend(long(1));
                bytes.extend(long(value));
            }
            bytes.extend(long(0));
        }
        bytes
    }

    #[test]
    fn other_formats_are_called_by_their_names() {
        let foreign = |bytes: &[u8]| match content(bytes) {
            Some(Content::Foreign(name)) => name,
            other => panic!("{other:?}"),
        };
        assert_eq!(foreign(&ftyp(&["heic", "mif1", "heic"])), "HEIC");
        assert_eq!(foreign(&ftyp(&["mif1", "mif1", "heic"])), "HEIC");
        assert_eq!(foreign(&ftyp(&["mif1", "mif1", "avif"])), "AVIF");
        assert_eq!(foreign(&ftyp(&["avis", "msf1"])), "AVIF");
        assert_eq!(foreign(&ftyp(&["crx ", "isom"])), "RAW (CR3)");
        assert_eq!(foreign(b"\xFF\x0A\xFA\x7F"), "JPEG XL");
        assert_eq!(foreign(b"\0\0\0\x0CJXL \r\n\x87\n\0\0\0\x14ftypjxl "), "JPEG XL");
        assert_eq!(foreign(b"FUJIFILMCCD-RAW 0201"), "RAW (RAF)");
        assert_eq!(foreign(b"II*\0\x10\0\0\0CR\x02\0"), "RAW (CR2)");
        assert_eq!(foreign(b"\n<?xml version='1.0'?><svg xmlns='x'/>"), "SVG");
        assert_eq!(content(b"\r\n%PDF-1.7"), Some(Content::Other("a PDF document")));
        assert_eq!(content(&ftyp(&["isom", "mp42"])), Some(Content::Other("a video")));
        assert!(matches!(content(b" <!DOCTYPE HTML><title>404"), Some(Content::Other(what)) if what.contains("HTML")));
        assert_eq!(content(b"hello"), None);
        assert_eq!(content(b""), None);
    }

    #[test]
    fn raw_that_is_laid_out_as_tiff_is_told_from_tiff() {
        for little in [true, false] {
            let is_raw = |entries: &[(u16, u32)], below: &[(u16, u32)]| matches!(content(&tiff(little, entries, below)), Some(Content::Foreign(name)) if name.starts_with("RAW"));
            assert!(is_raw(&[(50706, 0x0401_0000)], &[]));
            assert!(is_raw(&[(262, 2)], &[(262, 32803)]));
            assert!(is_raw(&[(262, 2)], &[(259, 34713)]));
            let plain = tiff(little, &[(259, 1), (262, 2)], &[(262, 2)]);
            assert_eq!(content(&plain), Some(Content::Image(ImageFormat::Tiff)));
            // Truncated anywhere, it must not panic.
            assert!((4..plain.len()).all(|end| content(&plain[..end]).is_some()));
        }
    }
}
