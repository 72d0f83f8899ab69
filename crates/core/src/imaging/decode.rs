//! Decodes image files. The format is recognised by the first bytes, never by the name.

use super::room::Room;
use super::sniff::{Content, content};
use super::{Pixels, jpeg, png_ending};
use image::metadata::Orientation;
use image::{ColorType, DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, Rgb, RgbImage};
use std::borrow::Cow;
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Images with more pixels are refused before anything is allocated. The limit is above the 200 megapixels of the
/// largest phone cameras, and below what would exhaust memory.
pub const MAX_PIXELS: u64 = 200_500_000;

/// The largest decoded image in bytes, in the file's own pixel format (16 bit and alpha count).
const MAX_DECODED_BYTES: u64 = 1 << 30;

/// Decodes a JPEG, PNG, WebP, BMP, TIFF or GIF (first frame) to an upright RGB image.
///
/// The EXIF (or TIFF) orientation is applied. Grey becomes three equal channels, 16 bits are rounded to 8, CMYK is
/// converted, and alpha is dropped without compositing, as Pillow's `convert("RGB")` does. Colour profiles are not
/// applied (neither Keras nor torchvision apply them).
///
/// A JPEG or PNG that lacks only its end marker is decoded ([`mended`]). While other threads hold large images, this
/// waits for memory.
///
/// The error is a reason without the file's name: `truncated JPEG ...`.
pub fn decode(bytes: &[u8]) -> Result<Pixels, String> {
    guarded(bytes, |picture, orientation, _| upright(picture, orientation))
}

/// Decodes the same files as Pillow's `open` and `convert("RGB")`, which Keras' `load_img` calls: the image as stored,
/// ignoring the EXIF orientation; only TIFF is rotated on loading. Of 16-bit values, Pillow takes the upper 8 bits of
/// colours and clips grey at 255.
///
/// JPEG values can differ from those of libjpeg, which Pillow uses, since the standard does not specify rounding and
/// chroma upsampling: measured on a noisy image of quality 90, by 0.35 grey levels on average and at most 5 with
/// subsampled chroma, by 0.02 and at most 3 without subsampling.
///
/// # Errors
/// As [`decode`].
pub fn decode_as_pillow(bytes: &[u8]) -> Result<Pixels, String> {
    guarded(bytes, |mut picture, orientation, format| {
        if format == ImageFormat::Tiff {
            picture.apply_orientation(orientation);
        }
        as_pillow(picture)
    })
}

/// The deficiency of a file that is decoded anyway, since all pixels are present; none for most.
pub fn mended(bytes: &[u8]) -> Option<&'static str> {
    match readable(bytes) {
        Ok((ImageFormat::Jpeg, Cow::Owned(_))) => Some("the JPEG lacks its end marker; every pixel is there"),
        Ok((ImageFormat::Png, Cow::Owned(_))) => Some("the PNG lacks its end; every pixel is there"),
        _ => None,
    }
}

/// Decodes the same files to the same upright images as [`decode`], but JPEGs with libjpeg's arithmetic, bit-identical
/// to Pillow and OpenCV. A face detector makes a series of threshold decisions: with the 0.3 grey levels by which
/// decoders differ, MTCNN moves the boxes of one face in five by more than two pixels. It is slower than [`decode`],
/// whose pixels the feature stores are based on. A JPEG that libjpeg does not convert to RGB (CMYK) is decoded as by
/// [`decode`].
///
/// # Errors
/// As [`decode`].
pub fn decode_for_faces(bytes: &[u8]) -> Result<Pixels, String> {
    // All checks, of markers and of size, come first; this reads only the header.
    let Ok((ImageFormat::Jpeg, whole)) = readable(bytes) else { return decode(bytes) };
    let Some((orientation, need)) = catch_unwind(|| jpeg_header(&whole)).ok().flatten() else { return decode(bytes) };
    let room = Room::wait_for(need);
    match catch_unwind(|| jpeg::as_libjpeg(&whole)) {
        Ok(Some(picture)) => {
            let picture = upright(DynamicImage::ImageRgb8(picture), orientation);
            in_room(picture, room, ImageFormat::Jpeg)
        }
        _ => {
            // [`decode`] reserves its memory itself.
            drop(room);
            decode(bytes)
        }
    }
}

/// The orientation of a JPEG within the size limit, and the memory that libjpeg needs for it; none if it is too large
/// or its header is invalid.
fn jpeg_header(bytes: &[u8]) -> Option<(Orientation, u64)> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), ImageFormat::Jpeg);
    reader.no_limits();
    let mut decoder = reader.into_decoder().ok()?;
    let (width, height) = decoder.dimensions();
    let fits = u64::from(width) * u64::from(height) <= MAX_PIXELS && decoder.total_bytes() <= MAX_DECODED_BYTES;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    fits.then(|| (orientation, needed(&decoder, orientation, ImageFormat::Jpeg, bytes)))
}

/// An upper bound on the memory for decoding, in bytes, as far as the header tells.
fn needed(decoder: &impl ImageDecoder, orientation: Orientation, format: ImageFormat, bytes: &[u8]) -> u64 {
    let (width, height) = decoder.dimensions();
    let (stored, rgb) = (decoder.total_bytes(), 3 * u64::from(width) * u64::from(height));
    let working = match format {
        // All coefficients, 16 bits each, until the last scan is read.
        ImageFormat::Jpeg if jpeg::is_progressive(bytes) => 2 * rgb,
        ImageFormat::Jpeg => 0,
        ImageFormat::Gif | ImageFormat::WebP => stored,
        _ => 0,
    };
    let converted = if decoder.color_type() == ColorType::Rgb8 { 0 } else { 2 * rgb };
    let turned = if orientation == Orientation::NoTransforms { 0 } else { rgb };
    stored + working.max(converted).max(turned)
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

/// Converts a decoded image to RGB.
type Convert = fn(DynamicImage, Orientation, ImageFormat) -> RgbImage;

/// Decodes the file and converts it to RGB with `convert`.
fn guarded(bytes: &[u8], convert: Convert) -> Result<Pixels, String> {
    let (format, whole) = readable(bytes)?;
    // The decoders are third-party code on untrusted input: a panic must cost one image, not the run.
    let decoded = catch_unwind(AssertUnwindSafe(|| decode_with(&whole, format, convert)))
        .unwrap_or_else(|_| Err(format!("broken {} (its decoder gave up)", name(format))));
    match (format, &whole) {
        (ImageFormat::Png, Cow::Owned(_)) => decoded.map_err(|_| "truncated PNG".into()),
        _ => decoded,
    }
}

/// The format of an image, and the bytes to decode.
///
/// # Errors
/// A file that is no image, unsupported, or incomplete; a reason without the file's name.
fn readable(bytes: &[u8]) -> Result<(ImageFormat, Cow<'_, [u8]>), String> {
    if bytes.is_empty() {
        return Err("empty file".into());
    }
    match content(bytes) {
        Some(Content::Image(ImageFormat::Jpeg)) => Ok((ImageFormat::Jpeg, jpeg::readable(bytes)?)),
        Some(Content::Image(ImageFormat::Png)) => Ok((ImageFormat::Png, png_ending::ended(bytes))),
        Some(Content::Image(format)) => Ok((format, Cow::Borrowed(bytes))),
        other => {
            let refusal = other.and_then(Content::refusal);
            Err(refusal.unwrap_or_else(|| "not an image this program reads (JPEG, PNG, WebP, BMP, TIFF, GIF)".into()))
        }
    }
}

fn decode_with(bytes: &[u8], format: ImageFormat, convert: Convert) -> Result<Pixels, String> {
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
    // A file with broken metadata is still decoded.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let room = Room::wait_for(needed(&decoder, orientation, format, bytes));
    let picture = DynamicImage::from_decoder(decoder).map_err(explain)?;
    in_room(convert(picture, orientation, format), room, format)
}

/// The image, with the memory that it reserves while it lives.
fn in_room(rgb: RgbImage, room: Option<Room>, format: ImageFormat) -> Result<Pixels, String> {
    let (width, height) = rgb.dimensions();
    let pixels = Pixels::new(width as usize, height as usize, rgb.into_raw())
        .ok_or_else(|| format!("broken {} (its size and its data do not agree)", name(format)))?;
    Ok(match room {
        Some(room) => pixels.in_room(room),
        None => pixels,
    })
}

/// The decoder's error as a reason.
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
