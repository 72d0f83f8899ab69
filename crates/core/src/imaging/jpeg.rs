//! JPEG files beyond what the decoder does.
//!
//! Is a file all there? The decoder paints what is missing grey and says nothing, which is right for a viewer and wrong
//! for a study. And what does libjpeg make of it?

use super::jpeg_structure::{Coding, Structure};
use image::RgbImage;
use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The picture as libjpeg decodes it with its usual settings (exact integer transform, colour planes enlarged by a
/// triangle), which are Pillow's too. None where it refuses. It reports damage by unwinding, which the caller must catch.
pub fn as_libjpeg(bytes: &[u8]) -> Option<RgbImage> {
    let mut started = mozjpeg::Decompress::new_mem(bytes).ok()?.rgb().ok()?;
    let (width, height) = (u32::try_from(started.width()).ok()?, u32::try_from(started.height()).ok()?);
    let rgb: Vec<u8> = started.read_scanlines().ok()?;
    started.finish().ok()?;
    RgbImage::from_raw(width, height, rgb)
}

/// The bytes to decode: those of the file, or, where only the end marker is missing, the picture's with an end marker.
///
/// What tells a file that lacks its marker from one that was cut short is that it goes on behind the picture: padding, as
/// recovered files and preallocated ones have it, in which no pixel can be.
///
/// # Errors
/// A file with pixels missing or with a part overwritten by zeros, or of a coding that is not read; a reason without the
/// file's name.
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
        // Zeros are sound codes of the table, so that no decoder need notice.
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
    // Zeros at the end of the codes cannot be told from padding, except that of a stuffed FF.
    let end = codes + usize::from(bytes.get(codes.saturating_sub(1)) == Some(&0xFF));
    let Some(codes) = bytes.get(..end).filter(|_| end < bytes.len()) else { return Err(TRUNCATED.into()) };
    let whole = [codes, &[0xFF, 0xD9]].concat();
    if is_sound(&whole) { Ok(Cow::Owned(whole)) } else { Err(TRUNCATED.into()) }
}

/// Whether the file holds several scans that refine one another.
pub fn is_progressive(bytes: &[u8]) -> bool {
    Structure::of(bytes).is_progressive
}

/// Whether libjpeg decodes the file without a complaint: every block has its code, and nothing is left over.
fn is_sound(bytes: &[u8]) -> bool {
    let all = || {
        let mut header = mozjpeg::Decompress::with_err(complaining()).from_mem(bytes).ok()?;
        // All codes are read for an eighth of the side too, and that needs little memory.
        header.scale(1);
        let mut started = match header.image().ok()? {
            mozjpeg::Format::RGB(started) | mozjpeg::Format::Gray(started) | mozjpeg::Format::CMYK(started) => started,
        };
        let _: Vec<u8> = started.read_scanlines().ok()?;
        started.finish().ok()
    };
    catch_unwind(AssertUnwindSafe(all)).is_ok_and(|done| done.is_some())
}

/// Handlers with which libjpeg gives up at the first warning, and says nothing.
fn complaining() -> mozjpeg_sys::jpeg_error_mgr {
    use mozjpeg_sys::{jpeg_common_struct, jpeg_error_mgr, jpeg_std_error};
    extern "C-unwind" fn fail(_: &mut jpeg_common_struct) {
        // Past the panic hook: it is an answer.
        std::panic::resume_unwind(Box::new(()));
    }
    extern "C-unwind" fn message(info: &mut jpeg_common_struct, level: std::ffi::c_int) {
        // Below zero are warnings, above are traces.
        if level < 0 {
            fail(info);
        }
    }
    // SAFETY: the struct is of numbers, pointers and optional functions, all of which may be zero, and `jpeg_std_error`
    // fills it in.
    let mut errors = unsafe {
        let mut errors: jpeg_error_mgr = std::mem::zeroed();
        jpeg_std_error(&mut errors);
        errors
    };
    errors.error_exit = Some(fail);
    errors.emit_message = Some(message);
    errors
}
