//! Decoding of image files of every kind, and resizing against Pillow. Fixtures: `fixtures/imaging_reference.py`.

use faceprobe_core::imaging::{Mode, Pixels, Preprocessing, decode, decode_for_faces, mended, resize};
use image::{DynamicImage, GrayAlphaImage, GrayImage, ImageBuffer, ImageFormat, Luma, RgbImage, Rgba, RgbaImage};
use ndarray::{Array4, Axis};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::{Path, PathBuf};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn encode(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.into().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// 48 x 32 in four flat quarters: red, green / blue, white. Their places survive every codec.
fn quarters() -> RgbImage {
    RgbImage::from_fn(48, 32, |x, y| match (x < 24, y < 16) {
        (true, true) => [250, 10, 10].into(),
        (false, true) => [10, 250, 10].into(),
        (true, false) => [10, 10, 250].into(),
        (false, false) => [250, 250, 250].into(),
    })
}

/// The colours at the middle of the four quarters, row by row, as letters.
fn letters(picture: &Pixels) -> String {
    let (w, h) = (picture.width(), picture.height());
    let places = [(w / 4, h / 4), (3 * w / 4, h / 4), (w / 4, 3 * h / 4), (3 * w / 4, 3 * h / 4)];
    places
        .iter()
        .map(|&(x, y)| match picture.rgb()[(y * w + x) * 3..][..3].iter().map(|&v| v > 128).collect::<Vec<_>>()[..] {
            [true, false, false] => 'r',
            [false, true, false] => 'g',
            [false, false, true] => 'b',
            [true, true, true] => 'w',
            _ => '?',
        })
        .collect()
}

#[test]
fn every_format_is_recognised_by_its_content() {
    use ImageFormat::{Bmp, Gif, Jpeg, Png, Tiff, WebP};
    for format in [Jpeg, Png, WebP, Bmp, Tiff, Gif] {
        let picture = decode(&encode(quarters(), format)).unwrap();
        assert_eq!((picture.width(), picture.height()), (48, 32), "{format:?}");
        assert_eq!(letters(&picture), "rgbw", "{format:?}");
    }
}

#[test]
fn grey_alpha_and_sixteen_bits_become_eight_bit_colour() {
    let grey = decode(&encode(GrayImage::from_pixel(3, 2, Luma([77])), ImageFormat::Png)).unwrap();
    assert_eq!(grey.rgb(), [77; 18]);
    let grey = decode(&encode(GrayImage::from_pixel(8, 8, Luma([77])), ImageFormat::Jpeg)).unwrap();
    assert_eq!(grey.rgb(), [77; 192]);
    let see_through = RgbaImage::from_pixel(1, 1, Rgba([9, 99, 199, 0]));
    assert_eq!(decode(&encode(see_through, ImageFormat::Png)).unwrap().rgb(), [9, 99, 199]);
    let see_through = GrayAlphaImage::from_pixel(1, 1, image::LumaA([50, 3]));
    assert_eq!(decode(&encode(see_through, ImageFormat::Png)).unwrap().rgb(), [50; 3]);
    let deep: ImageBuffer<Luma<u16>, _> = ImageBuffer::from_pixel(1, 1, Luma([200 * 257]));
    assert_eq!(decode(&encode(deep, ImageFormat::Png)).unwrap().rgb(), [200; 3]);
}

/// A JPEG of `quarters` whose EXIF block claims the orientation.
fn oriented(orientation: u8) -> Vec<u8> {
    let jpeg = encode(quarters(), ImageFormat::Jpeg);
    let exif =
        [b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".as_slice(), &[orientation], b"\0\0\0\0\0\0"];
    let exif = exif.concat();
    let length = (exif.len() as u16 + 2).to_be_bytes();
    [&jpeg[..2], &[0xFF, 0xE1], &length, &exif, &jpeg[2..]].concat()
}

#[test]
fn pictures_are_decoded_upright() {
    // EXIF 2.3, tag 0112: which side of the stored picture row 0 and column 0 are.
    for (orientation, expected) in [
        (1, "rgbw"),
        (2, "grwb"),
        (3, "wbgr"),
        (4, "bwrg"),
        (5, "rbgw"),
        (6, "brwg"),
        (7, "wgbr"),
        (8, "gwrb"),
        (9, "rgbw"),
    ] {
        let picture = decode(&oriented(orientation)).unwrap();
        assert_eq!(letters(&picture), expected, "orientation {orientation}");
        let turned = (5..=8).contains(&orientation);
        assert_eq!((picture.width(), picture.height()), if turned { (32, 48) } else { (48, 32) });
    }
}

#[test]
fn jpegs_decode_as_in_pillow() {
    let expected: Array4<u8> = ndarray_npy::read_npy(fixture("imaging_decoded.npy")).unwrap();
    for (name, expected) in ["baseline", "progressive", "cmyk"].iter().zip(expected.axis_iter(Axis(0))) {
        let picture = decode(&std::fs::read(fixture(&format!("imaging_{name}.jpg"))).unwrap()).unwrap();
        assert_eq!((picture.width(), picture.height()), (40, 24));
        let difference = picture.rgb().iter().zip(expected).map(|(a, b)| a.abs_diff(*b)).max();
        println!("{name}: largest difference {difference:?} grey levels");
        assert!(difference <= Some(4), "{name}: {difference:?}");
    }
}

#[test]
fn a_truncated_file_is_an_error_never_half_a_picture() {
    use ImageFormat::{Bmp, Gif, Jpeg, Png, Tiff, WebP};
    for format in [Jpeg, Png, WebP, Bmp, Tiff, Gif] {
        let whole = encode(quarters(), format);
        for length in 1..whole.len() - 1 {
            if let Ok(picture) = decode(&whole[..length]) {
                // Some formats end in bytes that no pixel needs.
                assert_eq!(letters(&picture), "rgbw", "{format:?} cut to {length} of {}", whole.len());
                assert!(format != Jpeg && length + 64 > whole.len(), "{format:?} cut to {length} of {}", whole.len());
            }
        }
    }
    let progressive = std::fs::read(fixture("imaging_progressive.jpg")).unwrap();
    for length in 300..progressive.len() {
        assert!(decode(&progressive[..length]).is_err_and(|reason| reason.contains("truncated JPEG")), "{length}");
    }
    // What cameras append behind the picture is none of our business.
    assert!(decode(&[progressive.as_slice(), b"preview"].concat()).is_ok());
}

/// JPEGs of every kind that is read, whole.
fn jpegs() -> Vec<(&'static str, Vec<u8>)> {
    ["baseline", "progressive", "cmyk", "keras_grey", "even"]
        .map(|name| (name, std::fs::read(fixture(&format!("imaging_{name}.jpg"))).unwrap()))
        .to_vec()
}

#[test]
fn a_jpeg_that_lacks_no_more_than_its_end_marker_is_read_and_said_to() {
    // Whose codes end in zeros cannot be told from one that is cut there.
    for (name, whole) in jpegs().into_iter().filter(|(name, _)| *name != "even") {
        assert_eq!(&whole[whole.len() - 2..], b"\xFF\xD9", "{name}");
        let codes = &whole[..whole.len() - 2];
        let expected = decode(&whole).unwrap();
        assert_eq!(mended(&whole), None);
        for padding in [1, 2, 512, 5000] {
            let padded = [codes, &vec![0; padding]].concat();
            assert_eq!(decode(&padded).unwrap(), expected, "{name} {padding}");
            assert_eq!(decode_for_faces(&padded), decode_for_faces(&whole), "{name} {padding}");
            assert!(mended(&padded).is_some_and(|note| note.contains("end marker")), "{name} {padding}");
        }
        // Nobody knows of a file that ends with its codes whether they were all.
        assert!(decode(codes).is_err_and(|reason| reason.contains("truncated JPEG")), "{name}");
        // With pixels missing, padding makes nothing whole, and every way of decoding says so.
        for missing in [3, 8, 40, 200] {
            let cut = &codes[..codes.len().saturating_sub(missing).max(20)];
            let padded = [cut, &vec![0; missing + 700]].concat();
            let reason = decode(&padded).err().unwrap_or_else(|| panic!("{name} without {missing} was read"));
            assert!(reason.contains("truncated JPEG"), "{name} without {missing}: {reason}");
            assert_eq!(decode_for_faces(&padded), Err(reason));
            assert_eq!(mended(&padded), None);
        }
    }
}

#[test]
fn a_jpeg_partly_overwritten_by_zeros_is_refused_by_every_decoder() {
    let noisy = picture(400, 299);
    let noisy = RgbImage::from_raw(400, 299, noisy.rgb().to_vec()).unwrap();
    let whole = encode(noisy, ImageFormat::Jpeg);
    assert!(decode(&whole).is_ok());
    for (start, length) in [(0.3, 200), (0.5, 512), (0.5, 4096), (0.9, 1024)] {
        let mut zeroed = whole.clone();
        let start = (whole.len() as f64 * start) as usize;
        zeroed[start..start + length].fill(0);
        let reason = decode(&zeroed).unwrap_err();
        assert!(reason.contains("overwritten with zeros"), "{start} {length}: {reason}");
        assert_eq!(decode_for_faces(&zeroed), Err(reason));
    }
    // Codes of an even picture are zero too.
    let even = std::fs::read(fixture("imaging_even.jpg")).unwrap();
    assert!(even.windows(200).any(|window| window.iter().all(|byte| *byte == 0)));
    assert_eq!(decode(&even).unwrap().rgb()[..3], [255; 3]);
}

#[test]
fn unsupported_codings_are_named() {
    let (_, baseline) = jpegs().swap_remove(0);
    let frame = baseline.windows(2).position(|marker| marker == b"\xFF\xC0").unwrap() + 1;
    for (marker, expected) in [
        (0xC9, "arithmetic coding"),
        (0xCA, "arithmetic coding"),
        (0xC3, "lossless coding"),
        (0xC5, "hierarchical coding"),
        (0xF7, "JPEG-LS"),
    ] {
        let mut other = baseline.clone();
        other[frame] = marker;
        let reason = decode(&other).unwrap_err();
        assert!(reason.contains(expected) && reason.contains("convert"), "{marker:x}: {reason}");
    }
}

#[test]
fn a_png_that_lacks_no_more_than_its_end_is_read_and_said_to() {
    for name in ["alpha", "bits", "deep", "deep_grey_alpha", "grey", "palette", "palette_alpha"] {
        let whole = std::fs::read(fixture(&format!("imaging_keras_{name}.png"))).unwrap();
        let expected = decode(&whole).unwrap();
        assert_eq!(mended(&whole), None);
        let end = whole.len() - 12;
        for cut in [&whole[..end], &whole[..end - 2], &whole[..end - 4], &whole[..end + 3]] {
            assert_eq!(decode(cut).unwrap(), expected, "{name} cut to {} of {}", cut.len(), whole.len());
            assert!(mended(cut).is_some_and(|note| note.contains("PNG")), "{name}");
        }
        for length in 8..end - 4 {
            match decode(&whole[..length]) {
                // Nothing but the checksum of the packed data is missing then.
                Ok(picture) => assert!(picture == expected && length + 10 > end - 4, "{name} cut to {length}"),
                Err(reason) => assert!(reason.contains("PNG"), "{name}: {reason}"),
            }
        }
    }
}

#[test]
fn tiff_is_rotated_in_both_modes_as_by_pillow() {
    #[derive(Deserialize)]
    struct Loaded {
        width: usize,
        height: usize,
        rgb: Vec<u8>,
    }
    let loaded: BTreeMap<String, Loaded> =
        serde_json::from_str(&std::fs::read_to_string(fixture("imaging_files.json")).unwrap()).unwrap();
    assert_eq!(loaded.len(), 4);
    for (name, Loaded { width, height, rgb }) in loaded {
        let bytes = std::fs::read(fixture(&name)).unwrap();
        let expected = Pixels::new(width, height, rgb).unwrap();
        for mode in [Mode::Keras, Mode::Default] {
            assert_eq!(Preprocessing::tf(29).with_mode(mode).decode(&bytes).unwrap(), expected, "{name} {mode}");
        }
    }
}

#[test]
fn damage_never_panics() {
    use ImageFormat::{Bmp, Gif, Jpeg, Png, Tiff, WebP};
    let small = RgbImage::from_fn(9, 7, |x, y| [x as u8 * 20, y as u8 * 30, 90].into());
    for format in [Jpeg, Png, WebP, Bmp, Tiff, Gif] {
        let whole = encode(small.clone(), format);
        let mut damaged = whole.clone();
        for place in 0..whole.len() {
            for mask in [0x01, 0x80, 0xFF] {
                damaged[place] ^= mask;
                let _ = decode(&damaged);
                damaged[place] = whole[place];
            }
        }
    }
}

#[test]
fn non_images_are_refused_with_the_reason() {
    let mut bomb = encode(RgbImage::new(1, 1), ImageFormat::Bmp);
    bomb[18..22].copy_from_slice(&50_000_i32.to_le_bytes());
    bomb[22..26].copy_from_slice(&50_000_i32.to_le_bytes());
    for (bytes, expected) in [
        (b"".as_slice(), "empty file"),
        (b"hello, I am a text", "not an image this program reads"),
        (b"%PDF-1.7 and so on", "a PDF document, not an image"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC, which this program does not read"),
        (b"\0\0\0\x1cftypavif\0\0\0\0mif1avif", "AVIF, which this program does not read"),
        (b"\xFF\x0A\xFA\x7F\x00", "JPEG XL, which this program does not read"),
        (b"\xFF\xD8\xFF\xE0", "truncated JPEG"),
        (b"\xFF\xD8\xFF\xD9", "truncated JPEG"),
        (&bomb, "50000 x 50000 pixels is more than the limit of 200 megapixels"),
    ] {
        let reason = decode(bytes).unwrap_err();
        assert!(reason.contains(expected), "{expected}: {reason}");
    }
}

/// `picture` of the fixture script.
fn picture(width: u32, height: u32) -> Pixels {
    let mut rgb = Vec::new();
    for y in 0..height {
        for x in 0..width {
            for c in 0..3_u32 {
                let mut h = x.wrapping_mul(73_856_093) ^ y.wrapping_mul(19_349_663) ^ c.wrapping_mul(83_492_791);
                h ^= h >> 13;
                h = h.wrapping_mul(0x5BD1_E995);
                h ^= h >> 15;
                let wave = (x * 3 + y * 2 + 60 * c) & 255;
                let edge = if 3 * x > 2 * y { 0 } else { 60 };
                rgb.push((wave.min(255 - wave) + edge + (h & 63)) as u8);
            }
        }
    }
    Pixels::new(width as usize, height as usize, rgb).unwrap()
}

#[test]
fn resizing_is_pillows_to_one_grey_level() {
    let expected: Array4<u8> = ndarray_npy::read_npy(fixture("imaging_resized.npy")).unwrap();
    for ((width, height), expected) in [(61, 47), (20, 13), (400, 299)].into_iter().zip(expected.axis_iter(Axis(0))) {
        let resized = resize(&picture(width, height), 32);
        assert_eq!((resized.width(), resized.height()), (32, 32));
        let difference = resized.rgb().iter().zip(expected).map(|(a, b)| a.abs_diff(*b)).max();
        println!("{width} x {height}: largest difference {difference:?}");
        assert!(difference <= Some(1), "{width} x {height}: {difference:?}");
    }
}

#[derive(Deserialize)]
struct KerasReference {
    names: Vec<String>,
    nearest: BTreeMap<usize, u32>,
}

fn keras_reference() -> KerasReference {
    serde_json::from_str(&std::fs::read_to_string(fixture("imaging_keras.json")).unwrap()).unwrap()
}

#[test]
fn the_keras_mode_gives_what_load_img_gives() {
    let expected: Array4<u8> = ndarray_npy::read_npy(fixture("imaging_keras.npy")).unwrap();
    let keras = Preprocessing::tf(29).with_mode(Mode::Keras);
    let names = keras_reference().names;
    assert_eq!(names.len(), expected.len_of(Axis(0)));
    for (name, expected) in names.iter().zip(expected.axis_iter(Axis(0))) {
        let picture = keras.picture(&std::fs::read(fixture(&format!("imaging_keras_{name}"))).unwrap()).unwrap();
        assert_eq!((picture.width(), picture.height()), (29, 29), "{name}");
        let difference = picture.rgb().iter().zip(expected).map(|(a, b)| a.abs_diff(*b)).max();
        println!("{name}: largest difference {difference:?}");
        // Which pixels are taken must be the same everywhere; a JPEG's own values may be rounded otherwise.
        let allowed = if name.ends_with(".jpg") { 4 } else { 0 };
        assert!(difference <= Some(allowed), "{name}: {difference:?}");
    }
}

#[test]
fn the_nearest_pixel_is_pillows_for_every_width() {
    for (target, expected) in keras_reference().nearest {
        let preprocessing = Preprocessing::tf(target).with_mode(Mode::Keras);
        let mut hash = 0x811C_9DC5_u32;
        for source in 1..=2000_usize {
            let row = (0..source).flat_map(|column| [column as u8, (column >> 8) as u8, 0]).collect();
            let resized = preprocessing.resize(&Pixels::new(source, 1, row).unwrap());
            for pixel in resized.rgb()[..target * 3].chunks_exact(3) {
                let column = u32::from(pixel[0]) | u32::from(pixel[1]) << 8;
                hash = (hash ^ column).wrapping_mul(0x0100_0193);
            }
        }
        assert_eq!(hash, expected, "{target}");
    }
}

#[test]
fn preprocessing_names_every_setting_that_changes_values() {
    let preprocessing = Preprocessing::default_mode(224, [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]);
    assert_eq!(preprocessing, Preprocessing::torchvision(224));
    assert_eq!(preprocessing.describe(), "default-v1 224 bilinear mean 123.675,116.28,103.53 std 58.395,57.12,57.375");
    let keras = preprocessing.with_mode(Mode::Keras).describe();
    assert_eq!(keras, "keras-v1 224 nearest mean 123.675,116.28,103.53 std 58.395,57.12,57.375");
    let caffe = Preprocessing::caffe(224).with_mode("keras".parse().unwrap()).describe();
    assert_eq!(caffe, "keras-v1 224 nearest bgr mean 103.939,116.779,123.68 std 1,1,1");
    assert!("nearest".parse::<Mode>().unwrap_err().to_string().contains("default or keras"));
}
