//! The content decides whether a file is an image; files of other programs are skipped and counted.

use crate::{Place, counted, dropped, examples, number, picture, usable, used};
use image::ImageFormat;
use std::fs;
use std::os::unix::ffi::OsStringExt;

fn box_of(brand: &str) -> Vec<u8> {
    [b"\0\0\0\x18ftyp", brand.as_bytes(), b"\0\0\0\0mif1miaf\0\0\0\x08mdat"].concat()
}

fn place() -> Place {
    let place = Place::new();
    place.pictures("tree/female", 5, 0);
    place.pictures("tree/male", 5, 100);
    place
}

#[test]
fn images_are_found_whatever_they_are_called() {
    let place = place();
    let names = [
        "a.jfif",
        "b.jpe",
        "c.pjpeg",
        "d.jpg.1",
        "e",
        "f.JPEG",
        "g.Jpg",
        "h.HEIC",
        "i.dat",
        "j.png",
        "k.jpg~",
        "l.jpg.crdownload",
    ];
    for (tint, name) in (200..).zip(names) {
        place.put(&format!("tree/female/{name}"), picture(tint, ImageFormat::Jpeg));
    }
    let report = place.report("folder:tree", &[]);
    assert_eq!((usable(&report), number(&report["rows"])), ([5 + names.len() as u64, 5], 10 + names.len() as u64));
}

#[test]
fn non_images_are_counted_and_named() {
    let place = place();
    for (name, bytes) in [
        ("a.heic", box_of("heic")),
        ("b", box_of("avif")),
        ("c.jpg", box_of("heic")),
        ("d.jxl", b"\xff\x0a\0\0\0\0\0\0\0\0\0\0".to_vec()),
        ("e.raf", b"FUJIFILMCCD-RAW 0201FF383101".to_vec()),
        ("f.pdf", b"%PDF-1.7\n".to_vec()),
        ("g.txt", b"notes".to_vec()),
        ("h", Vec::new()),
        ("i.jpg", b"<html>404</html>".to_vec()),
        ("j.zip", b"PK\x03\x04\0\0\0\0".to_vec()),
    ] {
        place.put(&format!("tree/male/{name}"), bytes);
    }
    let report = place.report("folder:tree", &[]);
    assert_eq!((usable(&report), number(&report["rows"])), ([5, 5], 20));
    assert_eq!((dropped(&report, "undecodable"), dropped(&report, "not_an_image")), (6, 4), "{report:#}");
    let named = examples(&report, "not_an_image");
    assert!(
        ["f.pdf: a PDF document", "g.txt: not an image", "h: an empty file", "ZIP"]
            .iter()
            .all(|part| named.contains(part)),
        "{named}"
    );
}

#[test]
fn folders_of_other_programs_are_passed_over_and_counted() {
    let place = place();
    let others = [
        "tree/__MACOSX/female/._0.jpg",
        "tree/.ipynb_checkpoints/0-checkpoint.jpg",
        "tree/female/.ipynb_checkpoints/1-checkpoint.jpg",
        "tree/male/@eaDir/0.jpg/SYNOPHOTO_THUMB_M.jpg",
        "tree/.thumbnails/normal/a.png",
        "tree/female/.hidden.jpg",
        "tree/Thumbs.db",
        "tree/male/desktop.ini",
        "tree/#recycle/x.jpg",
    ];
    others.iter().zip(500..).for_each(|(path, tint)| place.put(path, picture(tint, ImageFormat::Jpeg)));
    fs::create_dir_all(place.at("tree/empty/in/it")).expect("folders");
    let report = place.report("folder:tree", &[]);
    assert_eq!((usable(&report), dropped(&report, "passed_over")), ([5, 5], others.len() as u64), "{report:#}");
    assert!(crate::warned(&report, "passed over: empty (0 files)"), "{report:#}");
}

#[test]
fn special_files_links_and_names_that_are_no_text_are_counted() {
    let place = place();
    let male = place.at("tree/male");
    std::os::unix::net::UnixListener::bind(male.join("socket")).expect("a socket");
    std::os::unix::fs::symlink("nowhere", male.join("dangling")).expect("a link");
    std::os::unix::fs::symlink("..", male.join("parent")).expect("a link");
    for name in [b"face_\xff.jpg".to_vec(), b"face_\xfe.jpg".to_vec()] {
        fs::write(male.join(std::ffi::OsString::from_vec(name)), picture(900, ImageFormat::Jpeg)).expect("a file");
    }
    let report = place.report("folder:tree", &[]);
    assert_eq!((usable(&report), dropped(&report, "not_an_image"), dropped(&report, "malformed_row")), ([5, 5], 2, 2));
    let named = examples(&report, "malformed_row");
    assert!(named.contains("xff.jpg") && named.contains("xfe.jpg"), "{named}");
    assert_eq!(used(&report) + counted(&report), 14);
}

#[test]
fn predict_takes_the_same_files_of_a_folder() {
    use faceprobe_core::predict::input::{Inputs, Item};
    let place = Place::new();
    for (tint, name) in (0..).zip(["a.jfif", "b", "c.jpg", "__MACOSX/d.jpg", ".e.jpg", "@eaDir/f.jpg"]) {
        place.put(&format!("mixed/{name}"), picture(tint, ImageFormat::Jpeg));
    }
    place.put("mixed/g.heic", box_of("heic"));
    place.put("mixed/h.txt", "notes");
    let mut inputs = Inputs::new(true);
    inputs.path(&place.at("mixed"));
    let found: Vec<String> = std::iter::from_fn(|| inputs.wait())
        .map(|item| match item {
            Item::File(path) => path.file_name().expect("a name").to_string_lossy().into_owned(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(found, ["a.jfif", "b", "c.jpg", "g.heic"]);
}
