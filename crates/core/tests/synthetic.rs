//! The synthetic sample: reproducible bytes, the layout of Adience, the planned damage, no partial samples.

use faceprobe_core::dataset::synthetic::{Defects, SampleSettings, generate};
use faceprobe_core::error::ErrorKind;
use faceprobe_core::monitor::{Monitor, Silent, Update};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

fn small() -> SampleSettings {
    SampleSettings { images: 60, seed: 5, size: 48 }
}

/// Every file below `folder` with its bytes.
fn tree(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                files.insert(path.strip_prefix(folder).unwrap().to_path_buf(), fs::read(&path).unwrap());
            }
        }
    }
    files
}

fn generate_with_threads(threads: usize, folder: &Path) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| generate(folder, &small(), &Silent)).unwrap();
}

/// Answers "stop" from the `after`-th question on; remembers what it heard.
struct StopAfter {
    asked: AtomicUsize,
    after: usize,
    heard: Mutex<Vec<Update>>,
}

impl StopAfter {
    fn new(after: usize) -> Self {
        Self { asked: AtomicUsize::new(0), after, heard: Mutex::default() }
    }

    fn heard(self) -> Vec<Update> {
        self.heard.into_inner().unwrap()
    }
}

impl Monitor for StopAfter {
    fn update(&self, update: Update) {
        self.heard.lock().unwrap().push(update);
    }

    fn stopped(&self) -> bool {
        self.asked.fetch_add(1, Ordering::Relaxed) >= self.after
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes_on_any_number_of_threads() {
    let place = tempfile::tempdir().unwrap();
    let [one, three, other] = ["one", "three", "other"].map(|name| place.path().join(name));
    generate_with_threads(1, &one);
    generate_with_threads(3, &three);
    assert!(tree(&one) == tree(&three), "one thread and three threads gave different files");

    generate(&other, &SampleSettings { seed: 6, ..small() }, &Silent).unwrap();
    let pictures = |folder: &Path| -> BTreeSet<Vec<u8>> {
        tree(folder).into_values().filter(|bytes| image::load_from_memory(bytes).is_ok()).collect()
    };
    assert!(pictures(&one).is_disjoint(&pictures(&other)), "two seeds share a picture");
}

#[test]
fn layout_and_damage_are_as_promised() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("sample");
    let settings = SampleSettings { images: 200, ..small() };
    generate(&folder, &settings, &Silent).unwrap();
    let defects = Defects::of(settings.images);

    let header =
        "user_id\toriginal_image\tface_id\tage\tgender\tx\ty\tdx\tdy\ttilt_ang\tfiducial_yaw_angle\tfiducial_score";
    let mut rows: Vec<(usize, Vec<String>)> = Vec::new();
    for fold in 0..5 {
        let text = fs::read_to_string(folder.join(format!("fold_{fold}_data.txt"))).unwrap();
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some(header));
        assert!(text.ends_with('\n'));
        rows.extend(lines.map(|line| (fold, line.split('\t').map(String::from).collect())));
    }
    assert!(rows.iter().all(|(_, row)| row.len() == 12));
    for column in [2, 5, 6, 7, 8, 9, 10, 11] {
        assert!(rows.iter().all(|(_, row)| row[column].parse::<i64>().is_ok()), "column {column} is not a number");
    }
    let mut fold_of = BTreeMap::new();
    for (fold, row) in &rows {
        assert_eq!(*fold_of.entry(row[0].clone()).or_insert(*fold), *fold, "user {} is in two folds", row[0]);
    }
    assert_eq!(fold_of.values().collect::<BTreeSet<_>>().len(), 5);

    let with_repeats = rows.len();
    let rows: BTreeSet<Vec<String>> = rows.into_iter().map(|(_, row)| row).collect();
    assert_eq!(with_repeats - rows.len(), defects.repeated);
    let with_gender = |gender: &str| rows.iter().filter(|row| row[4] == gender).count();
    assert_eq!((with_gender("u"), with_gender("")), (defects.unknown, defects.empty));
    let with_age = |age: &str| rows.iter().filter(|row| row[3] == age).count();
    assert_eq!((with_age("None"), with_age("(25, 23)")), (defects.age_none, defects.age_swapped));
    assert_eq!(rows.iter().filter(|row| row[3].parse::<u32>().is_ok()).count(), defects.age_number);

    // What a careful reader is left with.
    let (mut missing, mut truncated, mut hollow, mut text) = (0, 0, 0, 0);
    let mut labels_of: BTreeMap<[u8; 32], Vec<&str>> = BTreeMap::new();
    let mut subjects = BTreeSet::new();
    for row in rows.iter().filter(|row| row[4] == "f" || row[4] == "m") {
        let path = folder.join(format!("faces/{}/coarse_tilt_aligned_face.{}.{}", row[0], row[2], row[1]));
        let Ok(bytes) = fs::read(path) else {
            missing += 1;
            continue;
        };
        match image::load_from_memory(&bytes) {
            Ok(picture) => {
                assert_eq!((picture.width(), picture.height()), (settings.size, settings.size));
                labels_of.entry(Sha256::digest(&bytes).into()).or_default().push(&row[4]);
                subjects.insert((&row[0], &row[2]));
            }
            Err(_) if bytes.is_empty() => hollow += 1,
            Err(_) if bytes.starts_with(&[0xff, 0xd8]) => truncated += 1,
            Err(_) => text += 1,
        }
    }
    assert_eq!(missing, defects.missing);
    assert_eq!((truncated, hollow, text), (defects.truncated, defects.hollow, defects.text));
    let (agreeing, contradicting): (Vec<_>, Vec<_>) =
        labels_of.into_values().partition(|labels| labels.iter().all(|label| *label == labels[0]));
    assert_eq!(contradicting.len(), defects.contradictions);
    assert_eq!(agreeing.iter().map(|labels| labels.len() - 1).sum::<usize>(), defects.duplicates);
    let usable = |gender: &str| agreeing.iter().filter(|labels| labels[0] == gender).count();
    assert_eq!((usable("f"), usable("m")), (settings.usable() / 2, settings.usable() / 2));
    assert!(settings.usable() >= settings.images);
    assert!(subjects.len() * 2 < settings.usable(), "fewer than two pictures per subject");

    let notice = fs::read_to_string(folder.join("SYNTHETIC.txt")).unwrap();
    assert!(notice.contains("not photographs of people"));
}

#[test]
fn a_stopped_or_killed_generation_leaves_nothing_partial_and_is_repeated() {
    let place = tempfile::tempdir().unwrap();
    let [whole, again] = ["whole", "again"].map(|name| place.path().join(name));
    generate(&whole, &small(), &Silent).unwrap();

    let error = generate(&again, &small(), &StopAfter::new(20)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Stopped);
    let folders = fs::read_dir(place.path()).unwrap().filter(|entry| entry.as_ref().unwrap().path().is_dir());
    assert_eq!(folders.count(), 1, "a stopped generation left a folder");

    // What a kill in the middle leaves: part of a sample under the temporary name.
    let partial = place.path().join(".again.partial/faces/stale");
    fs::create_dir_all(&partial).unwrap();
    fs::write(partial.join("coarse_tilt_aligned_face.1.stale.jpg"), b"half").unwrap();
    let listener = StopAfter::new(usize::MAX);
    generate(&again, &small(), &listener).unwrap();
    assert!(tree(&again) == tree(&whole));
    let heard = listener.heard();
    assert!(matches!(heard.first(), Some(Update::Stage { .. })));
    assert!(matches!(heard.last(), Some(Update::Progress { done, total, .. }) if done == total));

    // Whole: nothing is done. A file lost since, or other settings: made anew.
    let idle = StopAfter::new(0);
    generate(&again, &small(), &idle).unwrap();
    assert!(idle.heard().is_empty());
    let lost = tree(&again).into_keys().find(|path| path.starts_with("faces")).unwrap();
    fs::remove_file(again.join(lost)).unwrap();
    generate(&again, &small(), &Silent).unwrap();
    assert!(tree(&again) == tree(&whole));
    generate(&again, &SampleSettings { seed: 6, ..small() }, &Silent).unwrap();
    assert!(tree(&again) != tree(&whole));
}

#[test]
fn what_is_not_a_sample_is_never_replaced() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("holiday");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("beach.jpg"), b"dear").unwrap();
    let error = generate(&folder, &small(), &Silent).unwrap_err();
    assert!(error.to_string().contains("not a synthetic sample"), "{error}");
    assert_eq!(fs::read(folder.join("beach.jpg")).unwrap(), b"dear");

    for wrong in [SampleSettings { images: 3, ..small() }, SampleSettings { size: 0, ..small() }] {
        assert_eq!(generate(&place.path().join("x"), &wrong, &Silent).unwrap_err().kind(), ErrorKind::Usage);
    }
}

#[test]
fn user_changes_in_a_sample_survive_another_sample() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("sample");
    let other = |seed: u64| SampleSettings { seed, ..small() };
    let kept = |number: u32| place.path().join(format!("sample-kept-{number}"));
    generate(&folder, &small(), &Silent).unwrap();
    generate(&folder, &other(6), &Silent).unwrap();
    assert!(!kept(1).exists(), "nothing of anybody's was in it");

    fs::write(folder.join("faces/notes.txt"), "mine").unwrap();
    let listener = StopAfter::new(usize::MAX);
    generate(&folder, &other(7), &listener).unwrap();
    assert_eq!(fs::read(kept(1).join("faces/notes.txt")).unwrap(), b"mine");
    let told = |update: &Update| matches!(update, Update::Note { text } if text.contains("sample-kept-1"));
    assert!(listener.heard().iter().any(told));

    // Labels that somebody corrected.
    let fold = fs::OpenOptions::new().append(true).open(folder.join("fold_0_data.txt")).unwrap();
    writeln!(&fold, "corrected").unwrap();
    fold.set_modified(std::time::SystemTime::now() + std::time::Duration::from_secs(5)).unwrap();
    generate(&folder, &other(8), &Silent).unwrap();
    assert!(fs::read_to_string(kept(2).join("fold_0_data.txt")).unwrap().ends_with("corrected\n"));

    // An empty folder is nobody's loss.
    fs::remove_dir_all(&folder).unwrap();
    fs::create_dir(&folder).unwrap();
    generate(&folder, &other(8), &Silent).unwrap();
    assert!(!kept(3).exists() && folder.join("SYNTHETIC.txt").is_file());
}
