//! Compaction: the small parts of many writers become one, without changing a row.

use super::*;
use faceprobe_core::features::compact;
use faceprobe_core::monitor::Silent;
use faceprobe_engine::features::{PartWriter, Store, extract};
use std::fs;

/// A store with twelve parts of four writers, some rows twice, and a part as it was called before version 0.2.
fn scattered(folder: &Path) -> (PathBuf, Vec<(ContentHash, PathBuf)>) {
    let all = folder.join("cache");
    let items = pictures(folder, 100);
    let open = || Store::open(&all, &Fake::default().identity()).unwrap();
    for first in [0, 25, 50, 75] {
        let mut store = open();
        let mut writer = PartWriter::open(&mut store, 10, &Silent).unwrap();
        let end = (first + 28).min(100);
        let rows = Array2::from_shape_fn((end - first, WIDTH), |(row, column)| expected(first + row)[column]);
        writer.push(&keys(&items[first..end]), &Rows::F32(rows)).unwrap();
        writer.flush().unwrap();
    }
    let place = open().folder().to_owned();
    for ending in ["npy", "keys.npy"] {
        let old = place.join(format!("part-00007.{ending}"));
        fs::rename(file(&place, &format!("part-00001.{ending}")), old).unwrap();
    }
    fs::remove_file(file(&place, "part-00001.sha256")).unwrap();
    (all, items)
}

fn assert_whole(store: &Store, items: &[(ContentHash, PathBuf)]) {
    for (number, row) in store.rows_f32(&keys(items)).unwrap().rows().into_iter().enumerate() {
        assert_eq!(row.to_vec(), expected(number));
    }
}

#[test]
fn small_parts_become_one_while_readers_continue() {
    let folder = tempfile::tempdir().unwrap();
    let (all, items) = scattered(folder.path());
    let open = || Store::open(&all, &Fake::default().identity()).unwrap();
    let reader = open();
    let mut store = open();
    let joined = compact(&mut store, &Silent).unwrap();
    assert_eq!((joined.before, joined.after, joined.rows), (12, 1, 100));
    assert_eq!(names(store.folder(), is_part).len(), 1);
    [&reader, &store, &open()].into_iter().for_each(|store| assert_whole(store, &items));
    let again = compact(&mut open(), &Silent).unwrap();
    assert_eq!((again.before, again.after, again.rows), (1, 1, 0));
    let source = Fake::default();
    assert_eq!(extract(&mut open(), &source, &items, &options(1, 4, 10), &Silent).unwrap().computed, 0);
}

#[test]
fn a_damaged_part_is_not_joined_and_hides_no_sound_row() {
    let folder = tempfile::tempdir().unwrap();
    let (all, items) = scattered(folder.path());
    let open = || Store::open(&all, &Fake::default().identity()).unwrap();
    let damaged = file(open().folder(), "part-00002.npy");
    let mut bytes = fs::read(&damaged).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&damaged, bytes).unwrap();
    compact(&mut open(), &Silent).unwrap();
    let source = Fake::default();
    let report = extract(&mut open(), &source, &items, &options(1, 4, 10), &Silent).unwrap();
    // Of its eight rows three were written by the next writer too.
    assert_eq!(report.computed, 5);
    assert_whole(&open(), &items);
    assert_eq!(names(open().folder(), |name| name.ends_with(".npy.damaged") && !name.contains("keys")).len(), 1);
}

#[test]
fn two_compactions_and_an_extraction_at_once_lose_nothing() {
    for _ in 0..10 {
        let folder = tempfile::tempdir().unwrap();
        let (all, items) = scattered(folder.path());
        std::thread::scope(|scope| {
            let (all, items) = (&all, &items);
            let open = || Store::open(all, &Fake::default().identity()).unwrap();
            let compactions = [(); 2].map(|()| scope.spawn(move || compact(&mut open(), &Silent)));
            let extraction = scope.spawn(move || {
                let source = Fake::default();
                extract(&mut open(), &source, items, &options(1, 4, 10), &Silent).unwrap();
            });
            extraction.join().unwrap();
            compactions.into_iter().for_each(|compaction| assert!(compaction.join().unwrap().unwrap().after >= 1));
        });
        let mut store = Store::open(&all, &Fake::default().identity()).unwrap();
        store.verify(&keys(&items), &Silent).unwrap();
        assert_eq!((store.len(), store.damaged().len()), (100, 0));
        assert_whole(&store, &items);
    }
}
