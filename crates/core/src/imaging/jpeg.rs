//! Checks and decoding of JPEG files beyond the main decoder.
//!
//! The main decoder fills missing data with grey without an error, which suits a viewer but not a study, so
//! completeness is checked here. For face detection, files are decoded with libjpeg.

use super::jpeg_structure::{Coding, Structure};
use image::RgbImage;
use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Decodes an image with libjpeg in its default settings (exact integer transform, triangle chroma upsampling), which
/// are Pillow's too. None where it refuses. libjpeg reports damage by unwinding, which the caller must catch.
pub fn as_libjpeg(bytes: &[u8]) -> Option<RgbImage> {
    let mut started = mozjpeg::Decompress::new_mem(bytes).ok()?.rgb().ok()?;
    let (width, height) = (u32::try_from(started.width()).ok()?, u32::try_from(started.height()).ok()?);
    let rgb: Vec<u8> = started.read_scanlines().ok()?;
    started.finish().ok()?;
    RgbImage::from_raw(width, height, rgb)
}

/// The bytes to decode: the file's, or, if only the end marker is missing, those with an end marker appended.
///
/// A file that lacks only its marker is distinguished from a truncated one by trailing data after the image: padding,
/// as in recovered and preallocated files, which cannot contain pixels.
///
/// # Errors
/// A file with missing pixels or a part overwritten by zeros, or an unsupported coding; a reason without the file's
/// name.
pub fn readable(bytes: &[u8]) -> Result<Cow<'_, [u8]>, String> {
    const TRUNCATED: &str = "truncated JPEG (the file ends before the picture does)";
    let structure = Structure::of(bytes);
    match structure.coding {
        Some(Coding::Huffman) | None => {}
        Some(other) => {
            let what = other.words();
            return Err(format!(
                "JPEG with {what}, which this program does not read; convert it to a usual JPEG or PNG"
            ));
        }
    }
    if structure.is_ended() {
        // Zeros are valid codes of the table, so a decoder need not notice.
        return if structure.has_zeros(bytes) && !is_sound(bytes) {
            Err("damaged JPEG (a part of its data is overwritten with zeros)".into())
        } else {
            Ok(Cow::Borrowed(bytes))
        };
    }
    if !structure.is_complete() {
        return Err(TRUNCATED.into());
    }
    let codes = bytes.len() - bytes.iter().rev().take_while(|byte| **byte == 0).count();
    // Zeros at the end of the codes cannot be distinguished from padding, except for a stuffed FF.
    let end = codes + usize::from(bytes.get(codes.saturating_sub(1)) == Some(&0xFF));
    let Some(codes) = bytes.get(..end).filter(|_| end < bytes.len()) else { return Err(TRUNCATED.into()) };
    let whole = [codes, &[0xFF, 0xD9]].concat();
    if is_sound(&whole) { Ok(Cow::Owned(whole)) } else { Err(TRUNCATED.into()) }
}

/// Whether the file has several scans that refine one another (progressive).
pub fn is_progressive(bytes: &[u8]) -> bool {
    Structure::of(bytes).is_progressive
}

/// Whether libjpeg decodes the file without a warning: every block has its code, and nothing is left over.
fn is_sound(bytes: &[u8]) -> bool {
    let all = || {
        let mut header = mozjpeg::Decompress::with_err(complaining()).from_mem(bytes).ok()?;
        // Decoding at an eighth of the size also reads all codes, and needs little memory.
        header.scale(1);
        let mut started = match header.image().ok()? {
            mozjpeg::Format::RGB(started) | mozjpeg::Format::Gray(started) | mozjpeg::Format::CMYK(started) => started,
        };
        let _: Vec<u8> = started.read_scanlines().ok()?;
        started.finish().ok()
    };
    catch_unwind(AssertUnwindSafe(all)).is_ok_and(|done| done.is_some())
}

/// Error handlers with which libjpeg fails silently at the first warning.
fn complaining() -> mozjpeg_sys::jpeg_error_mgr {
    use mozjpeg_sys::{jpeg_common_struct, jpeg_error_mgr, jpeg_std_error};
    extern "C-unwind" fn fail(_: &mut jpeg_common_struct) {
        // Unwinds without the panic hook: this is an expected result.
        std::panic::resume_unwind(Box::new(()));
    }
    extern "C-unwind" fn message(info: &mut jpeg_common_struct, level: std::ffi::c_int) {
        // Negative levels are warnings, others are traces.
        if level < 0 {
            fail(info);
        }
    }
    // SAFETY: the struct consists of numbers, pointers and optional functions, all of which may be zero, and
    // `jpeg_std_error` initialises it.
    let mut errors = unsafe {
        let mut errors: jpeg_error_mgr = std::mem::zeroed();
        jpeg_std_error(&mut errors);
        errors
    };
    errors.error_exit = Some(fail);
    errors.emit_message = Some(message);
    errors
}
