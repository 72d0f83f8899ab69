//! Extraction: what is computed, reused and skipped.

use super::*;
use faceprobe_core::monitor::Silent;
use faceprobe_engine::features::{Store, extract};
use std::fs;

#[test]
fn only_missing_rows_are_computed_wherever_the_files_lie() {
    let folder = tempfile::tempdir().unwrap();
    let all = folder.path().join("cache");
    let before = folder.path().join("before");
    let items = pictures(&before, 30);
    let source = Fake::default();
    let mut store = Store::open(&all, &source.identity()).unwrap();
    extract(&mut store, &source, &items[..10], &options(2, 4, 8), &Silent).unwrap();
    let report = extract(&mut store, &source, &items, &options(2, 4, 8), &Silent).unwrap();
    assert_eq!((report.computed, report.reused, source.computed.load(Ordering::SeqCst)), (20, 10, 30));

    // Another split: another order, a renamed folder, a file twice; nothing is computed, not even a worker is made.
    let after = folder.path().join("after");
    fs::rename(&before, &after).unwrap();
    let mut moved: Vec<(ContentHash, PathBuf)> =
        items.iter().rev().map(|(key, path)| (*key, after.join(path.file_name().unwrap()))).collect();
    moved.push(moved[0].clone());
    let mut store = Store::open(&all, &source.identity()).unwrap();
    let unused = Fake::default();
    let report = extract(&mut store, &unused, &moved, &options(2, 4, 8), &Silent).unwrap();
    assert_eq!((report.computed, report.reused, unused.workers.load(Ordering::SeqCst)), (0, 31, 0));
    for (row, number) in store.rows_f32(&keys(&moved)).unwrap().rows().into_iter().zip((0..30).rev()) {
        assert_eq!(row.to_vec(), expected(number));
    }
}

#[test]
fn the_parts_do_not_depend_on_the_number_of_streams() {
    let folder = tempfile::tempdir().unwrap();
    let items = pictures(&folder.path().join("images"), 90);
    let parts = |threads: usize| -> Vec<Vec<u8>> {
        let all = folder.path().join(format!("cache{threads}"));
        let source = Fake { pause: Duration::from_micros(300), ..Fake::default() };
        let mut store = Store::open(&all, &source.identity()).unwrap();
        extract(&mut store, &source, &items, &options(threads, 7, 32), &Silent).unwrap();
        let names = names(store.folder(), |name| name.ends_with(".npy"));
        names.iter().map(|name| fs::read(store.folder().join(name)).unwrap()).collect()
    };
    let single = parts(1);
    assert_eq!(single.len(), 6, "three parts and their keys");
    assert!(single == parts(5));
}

#[test]
fn unusable_images_are_skipped_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut items = pictures(folder.path(), 20);
    fs::write(&items[3].1, fs::read(&items[4].1).unwrap()).unwrap();
    fs::write(&items[7].1, "no picture").unwrap();
    items[7].0 = ContentHash::of(b"no picture");
    fs::remove_file(&items[11].1).unwrap();
    let source = Fake { nan_for_red: Some(15), ..Fake::default() };
    let ear = Ear::default();
    let mut store = Store::open(&folder.path().join("cache"), &source.identity()).unwrap();
    let report = extract(&mut store, &source, &items, &options(2, 6, 100), &ear).unwrap();

    let paths: Vec<&PathBuf> = report.skipped.iter().map(|(path, _)| path).collect();
    assert_eq!(paths, [&items[3].1, &items[7].1, &items[11].1, &items[15].1]);
    assert_eq!(report.skipped[0].1, "changed since it was prepared; run data prepare again");
    assert!(report.skipped[3].1.contains("not a number"));
    let heard = ear.heard.lock().unwrap();
    assert_eq!(heard.iter().filter(|update| matches!(update, Update::Skipped { .. })).count(), 4);
    let Some(Update::Progress { done, total, .. }) = heard.last() else { panic!("no progress at the end") };
    assert_eq!((report.computed, *done, *total), (16, 20, 20));
    let gathered = [0, 4, 6, 8, 19].map(|number| (number, store.rows_f32(&[items[number].0]).unwrap()));
    for (number, row) in gathered {
        assert_eq!(row.row(0).to_vec(), expected(number));
    }
}

#[test]
fn nothing_readable_at_all_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let items = pictures(folder.path(), 3);
    items.iter().for_each(|(_, path)| fs::remove_file(path).unwrap());
    let mut store = Store::open(&folder.path().join("cache"), &Fake::default().identity()).unwrap();
    let error = extract(&mut store, &Fake::default(), &items, &ExtractOptions::default(), &Silent).unwrap_err();
    assert!(error.to_string().contains("None of 3 images could be used"), "{error}");
}

#[test]
fn a_failing_network_ends_in_a_sentence_and_keeps_what_was_finished() {
    for panics in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let items = pictures(folder.path(), 60);
        let source = Fake { fails_after: Some(24), panics, ..Fake::default() };
        let mut store = Store::open(&folder.path().join("cache"), &source.identity()).unwrap();
        let error = extract(&mut store, &source, &items, &options(3, 4, 10), &Silent).unwrap_err();
        let sentence = if panics { "the network fell over" } else { "ran out of memory" };
        assert!(error.to_string().contains(sentence), "{error}");
        assert_eq!(Store::open(&folder.path().join("cache"), &source.identity()).unwrap().len(), 24);
    }
}
