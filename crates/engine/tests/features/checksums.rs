//! Checksums: damaged rows are detected, set aside and computed again.

use super::*;
use faceprobe_core::monitor::Silent;
use faceprobe_engine::features::{PartWriter, PooledPixels, Store, extract};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

/// Where the data of a file of rows or keys begin.
const HEADER: usize = 128;
const PARTS: usize = 4;
const ROWS: usize = 10;

/// A store with four parts of ten rows, and what it was made of.
struct Filled {
    folder: tempfile::TempDir,
    items: Vec<(ContentHash, PathBuf)>,
}

impl Filled {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let items = pictures(folder.path(), PARTS * ROWS);
        let filled = Self { folder, items };
        assert_eq!(filled.extract(&filled.items).0, PARTS * ROWS);
        filled
    }

    fn all(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    fn at(&self, name: &str) -> PathBuf {
        file(&self.all().join(Fake::default().identity().folder_name()), name)
    }

    fn open(&self) -> Store {
        Store::open(&self.all(), &Fake::default().identity()).unwrap()
    }

    /// Rows computed, rows reused, and what was said.
    fn extract(&self, items: &[(ContentHash, PathBuf)]) -> (usize, usize, Vec<String>) {
        let (source, ear) = (Fake::default(), Ear::default());
        let mut store = self.open();
        let report = extract(&mut store, &source, items, &options(2, 4, ROWS), &ear).unwrap();
        assert_eq!(report.computed, source.computed.load(Ordering::SeqCst));
        for (number, row) in store.rows_f32(&keys(&self.items[..items.len()])).unwrap().rows().into_iter().enumerate() {
            assert_eq!(row.to_vec(), expected(number));
        }
        (report.computed, report.reused, ear.notes())
    }

    fn change(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = fs::read(self.at(name)).unwrap();
        change(&mut bytes);
        fs::write(self.at(name), bytes).unwrap();
    }

    fn without_checksums(&self) {
        (0..PARTS).for_each(|part| fs::remove_file(self.at(&format!("part-{part:05}.sha256"))).unwrap());
    }
}

#[test]
fn a_store_can_be_checked_with_coreutils() {
    let filled = Filled::new();
    for part in 0..PARTS {
        let names = [format!("part-{part:05}.npy"), format!("part-{part:05}.keys.npy")];
        let line = |name: &String| {
            let path = filled.at(name);
            let name = path.file_name().unwrap().to_str().unwrap();
            format!("{}  {name}\n", ContentHash::of_file(&path).unwrap())
        };
        let text = fs::read_to_string(filled.at(&format!("part-{part:05}.sha256"))).unwrap();
        assert_eq!(text, names.iter().map(line).collect::<String>());
    }
    let sums = filled.at("part-00001.sha256");
    let check = || Command::new("sha256sum").arg("-c").arg(&sums).current_dir(filled.at("")).output();
    let Ok(output) = check() else {
        println!("skipped: checking with sha256sum, which is not there");
        return;
    };
    assert!(output.status.success(), "{output:?}");
    filled.change("part-00001.npy", |bytes| bytes[HEADER] ^= 1);
    assert!(!check().unwrap().status.success());
}

/// A way in which a part is no longer what was written, without a look at its shape telling it.
type Damage = (&'static str, fn(&Filled));

const DAMAGES: [Damage; 12] = [
    ("one bit of one value", |filled| filled.change("part-00001.npy", |bytes| bytes[HEADER + 77] ^= 4)),
    ("all values", |filled| filled.change("part-00001.npy", |bytes| bytes[HEADER..].fill(0))),
    ("huge values", |filled| {
        filled.change("part-00001.npy", |bytes| {
            bytes[HEADER..].chunks_exact_mut(52).for_each(|some| some[..4].copy_from_slice(&1e30f32.to_le_bytes()));
        });
    }),
    ("not a number", |filled| {
        filled.change("part-00001.npy", |bytes| bytes[HEADER..HEADER + 4].copy_from_slice(&f32::NAN.to_le_bytes()));
    }),
    ("rows of another part", |filled| {
        fs::copy(filled.at("part-00002.npy"), filled.at("part-00001.npy")).unwrap();
    }),
    ("a space of the header", |filled| filled.change("part-00001.npy", |bytes| bytes[HEADER - 2] = b'\t')),
    ("keys in reverse", |filled| {
        filled.change("part-00001.keys.npy", |bytes| {
            let keys: Vec<u8> = bytes[HEADER..].chunks_exact(32).rev().flatten().copied().collect();
            bytes[HEADER..].copy_from_slice(&keys);
        });
    }),
    ("keys of another part", |filled| {
        fs::copy(filled.at("part-00002.keys.npy"), filled.at("part-00001.keys.npy")).unwrap();
    }),
    ("checksums that are none", |filled| fs::write(filled.at("part-00001.sha256"), [0xff; 40]).unwrap()),
    ("no checksums in their file", |filled| fs::write(filled.at("part-00001.sha256"), "").unwrap()),
    ("checksums of another part", |filled| {
        fs::copy(filled.at("part-00002.sha256"), filled.at("part-00001.sha256")).unwrap();
    }),
    ("rows cut short", |filled| filled.change("part-00001.npy", |bytes| bytes.truncate(HEADER + 33))),
];

#[test]
fn damaged_parts_are_set_aside_and_computed_again() {
    for (name, damage) in DAMAGES {
        let filled = Filled::new();
        damage(&filled);
        let files = ["part-00001.npy", "part-00001.keys.npy", "part-00001.sha256"];
        let damaged = files.map(|file| fs::read(filled.at(file)).unwrap());
        let (computed, reused, notes) = filled.extract(&filled.items);
        assert_eq!((computed, reused), (ROWS, 3 * ROWS), "{name}");
        assert!(notes.len() == 1 && notes[0].contains("-00001.npy was damaged"), "{name}: {notes:?}");
        for (file, damaged) in files.iter().zip(damaged) {
            assert!(fs::read(filled.at(&format!("{file}.damaged"))).unwrap() == damaged, "{name}: {file}");
        }
        assert_eq!(filled.extract(&filled.items), (0, 4 * ROWS, Vec::new()), "{name}: the second time");
    }
}

#[test]
fn whatever_happens_to_a_file_no_other_row_is_given_for_an_image() {
    let filled = Filled::new();
    let files = ["part-00002.npy", "part-00002.keys.npy", "part-00002.sha256"];
    let whole = files.map(|file| fs::read(filled.at(file)).unwrap());
    let mut random = ChaCha8Rng::seed_from_u64(3);
    for round in 0..600 {
        let which = round % files.len();
        let mut bytes = whole[which].clone();
        let place = random.random_range(0..bytes.len());
        match random.random_range(0..5) {
            0 => bytes[place] ^= 1 << random.random_range(0..8),
            1 => bytes.truncate(place),
            2 => bytes.insert(place, random.random()),
            3 => bytes[place..].fill(0),
            _ => bytes[place..].reverse(),
        }
        fs::write(filled.at(files[which]), &bytes).unwrap();
        let mut store = filled.open();
        store.verify(&keys(&filled.items), &Silent).unwrap();
        let lost = if bytes == whole[which] { 0 } else { ROWS };
        assert_eq!(store.len(), 4 * ROWS - lost, "round {round}: {}", files[which]);
        for (number, (key, _)) in filled.items.iter().enumerate().filter(|(_, (key, _))| store.contains(key)) {
            assert_eq!(store.rows_f32(&[*key]).unwrap().row(0).to_vec(), expected(number), "round {round}");
        }
        fs::write(filled.at(files[which]), &whole[which]).unwrap();
    }
}

#[test]
fn unneeded_parts_are_not_verified() {
    let filled = Filled::new();
    filled.change("part-00003.npy", |bytes| bytes[HEADER] ^= 1);
    assert_eq!(filled.extract(&filled.items[..25]), (0, 25, Vec::new()));
    assert_eq!(filled.extract(&filled.items).0, ROWS);
}

#[test]
fn parts_set_aside_are_not_overwritten() {
    let filled = Filled::new();
    for round in 0..3 {
        filled.change("part-00000.npy", |bytes| bytes[HEADER + round] ^= 1);
        assert_eq!(filled.extract(&filled.items).0, ROWS);
    }
    assert_eq!(names(&filled.at(""), |name| name.ends_with(".npy.damaged") && !name.contains("keys")).len(), 3);
}

#[test]
fn a_damaged_part_does_not_hide_sound_rows_of_the_same_images() {
    let filled = Filled::new();
    // As if two programs had computed the same rows.
    for ending in ["npy", "keys.npy"] {
        // A part as it was called before version 0.2.
        let second = filled.at("").join(format!("part-00009.{ending}"));
        fs::copy(filled.at(&format!("part-00001.{ending}")), second).unwrap();
    }
    filled.change("part-00001.npy", |bytes| bytes[HEADER..].fill(0));
    assert_eq!(filled.extract(&filled.items), (0, 4 * ROWS, Vec::new()));
    // What is wrong twice is computed.
    filled.change("part-00009.npy", |bytes| bytes[HEADER..].fill(0));
    assert_eq!(filled.extract(&filled.items).0, ROWS);
}

#[test]
fn parts_of_earlier_versions_get_checksums() {
    let filled = Filled::new();
    let written = fs::read(filled.at("part-00001.sha256")).unwrap();
    filled.without_checksums();
    assert_eq!(filled.extract(&filled.items[..25]), (0, 25, Vec::new()));
    assert!(fs::read(filled.at("part-00001.sha256")).unwrap() == written);
    assert!(!filled.at("part-00003.sha256").exists(), "nobody has read it");
    filled.change("part-00001.npy", |bytes| bytes[HEADER..].fill(0));
    assert_eq!(filled.extract(&filled.items).0, ROWS);
}

#[test]
fn non_finite_values_in_parts_of_earlier_versions_are_computed_again() {
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let filled = Filled::new();
        filled.without_checksums();
        let at = HEADER + 7 * WIDTH * 4 + 8;
        filled.change("part-00002.npy", |bytes| bytes[at..at + 4].copy_from_slice(&value.to_le_bytes()));
        let (computed, reused, notes) = filled.extract(&filled.items);
        assert_eq!((computed, reused), (ROWS, 3 * ROWS));
        assert!(notes[0].contains("row 7 holds a value that is not a finite number"), "{notes:?}");
        assert_eq!(filled.extract(&filled.items), (0, 4 * ROWS, Vec::new()));
    }
}

#[test]
fn a_read_only_store_is_read() {
    let filled = Filled::new();
    filled.without_checksums();
    let place = filled.at("");
    let writable = |writable: bool| {
        let mode = if writable { 0o755 } else { 0o555 };
        fs::set_permissions(&place, fs::Permissions::from_mode(mode)).unwrap();
    };
    writable(false);
    if fs::write(place.join("probe"), "").is_ok() {
        println!("skipped: a store that nobody can write, because root writes anywhere");
        return;
    }
    let before = names(&place, |_| true);
    assert_eq!(filled.extract(&filled.items), (0, 4 * ROWS, Vec::new()));
    assert_eq!(names(&place, |_| true), before);
    // What has to be computed cannot be kept there, and the error says so.
    filled.change("part-00002.npy", |bytes| bytes[HEADER..HEADER + 4].copy_from_slice(&f32::NAN.to_le_bytes()));
    let error = extract(&mut filled.open(), &Fake::default(), &filled.items, &options(1, 4, 10), &Silent).unwrap_err();
    assert!(error.to_string().contains("make the folder writable"), "{error}");
    writable(true);
}

#[test]
fn every_number_format_is_checked() {
    let folder = tempfile::tempdir().unwrap();
    let items = pictures(folder.path(), 10);
    let source = PooledPixels::new(SIDE, 4).unwrap();
    let open = || Store::open(folder.path(), &source.identity()).unwrap();
    extract(&mut open(), &source, &items, &options(1, 4, 100), &Silent).unwrap();
    let path = file(open().folder(), "part-00000.npy");
    let whole = fs::read(&path).unwrap();
    let mut bytes = whole.clone();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&path, bytes).unwrap();
    let report = extract(&mut open(), &source, &items, &options(1, 4, 100), &Silent).unwrap();
    assert_eq!(report.computed, 10);
    assert!(fs::read(file(open().folder(), "part-00000.npy")).unwrap() == whole);

    // Half precision: what is no number there, too.
    let keys = keys(&items);
    let mut store = Store::open(folder.path(), &identity(Dtype::F16, 3)).unwrap();
    let mut writer = PartWriter::open(&mut store, 100, &Silent).unwrap();
    writer.push(&keys, &Rows::F32(Array2::from_elem((10, 3), 0.5))).unwrap();
    writer.flush().unwrap();
    drop(writer);
    let path = file(store.folder(), "part-00000.npy");
    fs::remove_file(file(store.folder(), "part-00000.sha256")).unwrap();
    let whole = fs::read(&path).unwrap();
    for (bits, lost) in [(0x7BFFu16, 0), (0x7C00, 10), (0xFC00, 10), (0x7E01, 10)] {
        let mut bytes = whole.clone();
        bytes[HEADER + 14..HEADER + 16].copy_from_slice(&bits.to_le_bytes());
        fs::write(&path, bytes).unwrap();
        let mut store = Store::open(folder.path(), &identity(Dtype::F16, 3)).unwrap();
        store.verify(&keys, &Silent).unwrap();
        assert_eq!(store.missing(&keys).len(), lost, "{bits:04x}");
        let _ = fs::remove_file(file(store.folder(), "part-00000.sha256"));
    }
}
