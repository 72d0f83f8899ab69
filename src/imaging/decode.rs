//! Image files to pixels. What a file is follows from its first bytes, never from its name.

use super::{Pixels, jpeg};
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Pictures with more pixels than this are refused before anything is allocated for them. Above the 200 megapixels
/// of the largest telephone cameras, below what would fill the memory.
pub const MAX_PIXELS: u64 = 200_500_000;

/// The largest decoded picture in bytes, in the file's own pixel format (16 bit and alpha count).
const MAX_DECODED_BYTES: u64 = 1 << 30;

/// Decodes a JPEG, PNG, WebP, BMP, TIFF or GIF (first frame) into an upright RGB picture.
///
/// The EXIF (or TIFF) orientation is applied. Grey becomes three equal channels, 16 bits are rounded to 8, CMYK is
/// converted, and alpha is dropped without compositing, as Pillow's `convert("RGB")` does. Colour profiles are not
/// applied (neither Keras nor torchvision apply them).
///
/// The error is a reason without the file's name, which the caller knows: `truncated JPEG ...`.
pub fn decode(bytes: &[u8]) -> Result<Pixels, String> {
    if bytes.is_empty() {
        return Err("empty file".into());
    }
    let format = sniff(bytes).ok_or("not an image this program reads (JPEG, PNG, WebP, BMP, TIFF, GIF)")?;
    if format == ImageFormat::Jpeg && !jpeg::is_whole(bytes) {
        return Err("truncated JPEG (the file ends before the picture does)".into());
    }
    // The decoders are other people's code on hostile input: a panic in one must cost one picture, not the run.
    catch_unwind(AssertUnwindSafe(|| decode_as(bytes, format)))
        .unwrap_or_else(|_| Err(format!("broken {} (its decoder gave up)", name(format))))
}

fn sniff(bytes: &[u8]) -> Option<ImageFormat> {
    use ImageFormat::{Bmp, Gif, Jpeg, Png, Tiff, WebP};
    image::guess_format(bytes).ok().filter(|format| matches!(format, Bmp | Gif | Jpeg | Png | Tiff | WebP))
}

fn decode_as(bytes: &[u8], format: ImageFormat) -> Result<Pixels, String> {
    let explain = |error| explain(format, error);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.no_limits(); // dimensions are checked below, with a sentence of our own
    let mut decoder = reader.into_decoder().map_err(explain)?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if pixels == 0 {
        return Err(format!("{} with {width} x {height} pixels", name(format)));
    }
    if pixels > MAX_PIXELS || decoder.total_bytes() > MAX_DECODED_BYTES {
        return Err(format!(
            "{width} x {height} pixels is more than the limit of {} megapixels",
            MAX_PIXELS / 1_000_000
        ));
    }
    let mut limits = Limits::default();
    limits.max_alloc = Some(2 * MAX_DECODED_BYTES);
    decoder.set_limits(limits).map_err(explain)?;
    // A file whose metadata is broken still shows its picture.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder).map_err(explain)?;
    picture.apply_orientation(orientation);
    let rgb = picture.into_rgb8();
    let (width, height) = rgb.dimensions();
    Pixels::new(width as usize, height as usize, rgb.into_raw())
        .ok_or_else(|| format!("broken {} (its size and its data do not agree)", name(format)))
}

/// The decoder's complaint as a reason.
fn explain(format: ImageFormat, error: ImageError) -> String {
    let name = name(format);
    match error {
        ImageError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => format!("truncated {name}"),
        ImageError::Limits(_) => format!("{name} that needs more memory to decode than the limit"),
        ImageError::Unsupported(what) => format!("{name} of a kind that is not supported: {what}"),
        other => {
            let text = other.to_string();
            let cut_short = ["unexpected eof", "unexpected end", "end of file", "truncated", "failed to fill"];
            if cut_short.iter().any(|sign| text.to_lowercase().contains(sign)) {
                format!("truncated {name}")
            } else {
                format!("broken {name} ({})", text.lines().next().unwrap_or_default())
            }
        }
    }
}

fn name(format: ImageFormat) -> &'static str {
    match format {
        ImageFormat::Jpeg => "JPEG",
        ImageFormat::Png => "PNG",
        ImageFormat::WebP => "WebP",
        ImageFormat::Bmp => "BMP",
        ImageFormat::Tiff => "TIFF",
        ImageFormat::Gif => "GIF",
        _ => "image",
    }
}
