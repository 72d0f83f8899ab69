//! Image files to pixels. What a file is follows from its first bytes, never from its name.

use super::{Pixels, jpeg};
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, Rgb, RgbImage};
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
    guarded(bytes, upright)
}

/// Decodes the same files into what Pillow's `open` and `convert("RGB")` give, which is what Keras' `load_img` calls: the
/// picture as it is stored, whatever the EXIF orientation says. With 16 bits, Pillow cuts colours down to their upper
/// 8 bits, and grey off at 255.
///
/// A JPEG's values may part from those of libjpeg, which Pillow uses, since the standard leaves the rounding and the
/// enlarging of the colour planes open: measured on a noisy picture of quality 90, by 0.35 grey levels on average and 5
/// at most with halved colour planes, by 0.02 and 3 with whole ones.
///
/// # Errors
/// As [`decode`].
pub fn decode_as_pillow(bytes: &[u8]) -> Result<Pixels, String> {
    guarded(bytes, |picture, _| as_pillow(picture))
}

/// Decodes the same files to the same upright pictures as [`decode`], but JPEGs with libjpeg's arithmetic, to the last bit
/// what Pillow and OpenCV give. A face detector decides by thresholds again and again: fed with the 0.3 grey levels by
/// which decoders may differ in rounding, MTCNN moves the boxes of one face in five by more than two pixels. It is slower
/// than [`decode`], whose pixels the feature stores hold. A JPEG that libjpeg does not turn into RGB (CMYK) is decoded as there.
///
/// # Errors
/// As [`decode`].
pub fn decode_for_faces(bytes: &[u8]) -> Result<Pixels, String> {
    // All checks, of markers and of size, come first; this reads no more than the header.
    if sniff(bytes) != Some(ImageFormat::Jpeg) || !jpeg::is_whole(bytes) {
        return decode(bytes);
    }
    let Some(orientation) = catch_unwind(|| jpeg_orientation(bytes)).ok().flatten() else { return decode(bytes) };
    match catch_unwind(|| jpeg::as_libjpeg(bytes)) {
        Ok(Some(picture)) => {
            let mut picture = DynamicImage::ImageRgb8(picture);
            picture.apply_orientation(orientation);
            let rgb = picture.into_rgb8();
            let (width, height) = rgb.dimensions();
            Pixels::new(width as usize, height as usize, rgb.into_raw())
                .ok_or_else(|| "broken JPEG (its size and its data do not agree)".into())
        }
        _ => decode(bytes),
    }
}

/// The orientation of a JPEG that is not too large to be decoded; none if it is, or has no sound header.
fn jpeg_orientation(bytes: &[u8]) -> Option<Orientation> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), ImageFormat::Jpeg);
    reader.no_limits();
    let mut decoder = reader.into_decoder().ok()?;
    let (width, height) = decoder.dimensions();
    let fits = u64::from(width) * u64::from(height) <= MAX_PIXELS && decoder.total_bytes() <= MAX_DECODED_BYTES;
    fits.then(|| decoder.orientation().unwrap_or(Orientation::NoTransforms))
}

fn upright(mut picture: DynamicImage, orientation: Orientation) -> RgbImage {
    picture.apply_orientation(orientation);
    picture.into_rgb8()
}

fn as_pillow(picture: DynamicImage) -> RgbImage {
    let upper = |value: u16| (value >> 8) as u8;
    match picture {
        DynamicImage::ImageLuma16(grey) => {
            let cut = |at: (u32, u32)| grey.get_pixel(at.0, at.1).0[0].min(255) as u8;
            RgbImage::from_fn(grey.width(), grey.height(), |x, y| Rgb([cut((x, y)); 3]))
        }
        DynamicImage::ImageLumaA16(_) | DynamicImage::ImageRgb16(_) | DynamicImage::ImageRgba16(_) => {
            let deep = picture.into_rgb16();
            RgbImage::from_fn(deep.width(), deep.height(), |x, y| Rgb(deep.get_pixel(x, y).0.map(upper)))
        }
        other => other.into_rgb8(),
    }
}

/// Decodes the file and makes it RGB in its own way.
fn guarded(bytes: &[u8], convert: fn(DynamicImage, Orientation) -> RgbImage) -> Result<Pixels, String> {
    if bytes.is_empty() {
        return Err("empty file".into());
    }
    let format = sniff(bytes).ok_or("not an image this program reads (JPEG, PNG, WebP, BMP, TIFF, GIF)")?;
    if format == ImageFormat::Jpeg && !jpeg::is_whole(bytes) {
        return Err("truncated JPEG (the file ends before the picture does)".into());
    }
    // The decoders are other people's code on hostile input: a panic in one must cost one picture, not the run.
    catch_unwind(AssertUnwindSafe(|| decode_with(bytes, format, convert)))
        .unwrap_or_else(|_| Err(format!("broken {} (its decoder gave up)", name(format))))
}

fn sniff(bytes: &[u8]) -> Option<ImageFormat> {
    use ImageFormat::{Bmp, Gif, Jpeg, Png, Tiff, WebP};
    image::guess_format(bytes).ok().filter(|format| matches!(format, Bmp | Gif | Jpeg | Png | Tiff | WebP))
}

fn decode_with(
    bytes: &[u8],
    format: ImageFormat,
    convert: fn(DynamicImage, Orientation) -> RgbImage,
) -> Result<Pixels, String> {
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
    let picture = DynamicImage::from_decoder(decoder).map_err(explain)?;
    let rgb = convert(picture, orientation);
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
