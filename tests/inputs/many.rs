//! A thousand random files: the numbers of used and of counted files add up.

use crate::{Place, counted, dropped, number, picture, usable, used};
use image::ImageFormat;
use rand::Rng;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;

const FOLDERS: [&str; 9] = [
    "female",
    "male",
    "female/deep/er",
    "male/2019",
    "",
    "__MACOSX/male",
    "female/.ipynb_checkpoints",
    "male/@eaDir",
    ".thumbnails",
];
const STEMS: [&[u8]; 8] =
    [b"face", b"Zo\xc3\xab", b"Zoe\xcc\x88", b"a b, c", b"x\xff", b"\xe2\x80\xae", b"line\nend", b"-"];
const ENDINGS: [&str; 14] =
    [".jpg", ".JPG", ".jfif", ".png", "", ".jpg.1", ".heic", ".txt", ".bmp", ".tif", ".pdf", ".webp", ".gif", "."];

#[test]
fn used_and_counted_are_all() {
    let mut random = ChaCha8Rng::seed_from_u64(19);
    let place = Place::new();
    let (mut good, mut passed, mut unnamed, mut loose) = ([0, 0], 0, 0, 0);
    for n in 0..1000u32 {
        let folder = FOLDERS[random.random_range(0..FOLDERS.len())];
        let stem = STEMS[random.random_range(0..STEMS.len())];
        let ending = ENDINGS[random.random_range(0..ENDINGS.len())];
        let hidden = random.random_range(0..20) == 0;
        let (is_picture, bytes) = match random.random_range(0..8) {
            0 => (true, picture(n, ImageFormat::Png)),
            1 => (true, picture(n, ImageFormat::Bmp)),
            2 => (false, b"\0\0\0\x18ftypheic\0\0\0\0mif1heic".to_vec()),
            3 => (false, format!("text {n}").into_bytes()),
            4 => (false, Vec::new()),
            _ => (true, picture(n, ImageFormat::Jpeg)),
        };
        let mut name = if hidden { b".".to_vec() } else { Vec::new() };
        name.extend([stem, format!("{n}{ending}").as_bytes()].concat());
        let at = place.at("tree").join(folder);
        fs::create_dir_all(&at).expect("a folder");
        let is_text = std::str::from_utf8(&name).is_ok();
        fs::write(at.join(OsString::from_vec(name)), bytes).expect("a file");
        // What is right for it, told by how it was made.
        let of_others = folder.contains(['@', '.']) || folder.starts_with("__");
        if of_others || (hidden && is_text) {
            passed += 1;
        } else if !is_text {
            unnamed += 1;
        } else if is_picture && folder.is_empty() {
            loose += 1;
        } else if is_picture {
            good[usize::from(folder.starts_with("male"))] += 1;
        }
    }
    let report = place.report("folder:tree", &[]);
    assert_eq!(number(&report["rows"]), 1000, "{report:#}");
    assert_eq!(used(&report) + counted(&report), 1000);
    assert_eq!((usable(&report), dropped(&report, "passed_over")), (good, passed), "{report:#}");
    assert_eq!(dropped(&report, "malformed_row"), unnamed, "names that are no text");
    assert!(dropped(&report, "no_class") >= loose, "{report:#}");
}
