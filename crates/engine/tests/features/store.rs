//! The files of a store: npy compatibility, round trips, and damage.

use super::*;
use faceprobe_core::monitor::Silent;
use faceprobe_engine::features::{PartWriter, Store, extract, inventory};
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::fs;

fn key(number: usize) -> ContentHash {
    ContentHash::of(&number.to_le_bytes())
}

/// A file of the format's version 1.0: magic, version, length of the header, its text padded with spaces and a line end
/// so that the data begin at a multiple of 64, then the data.
fn npy(descr: &str, rows: usize, columns: usize, data: &[u8]) -> Vec<u8> {
    let text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({rows}, {columns})}}");
    let mut bytes = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    bytes.extend(format!("{text:<117}\n").bytes());
    bytes.extend(data);
    bytes
}

#[test]
fn files_are_npy_files_to_the_byte() {
    let all = tempfile::tempdir().unwrap();
    let values = [1.5f32, -2.0, f32::MIN_POSITIVE, 4.0, 1e30, 6.0];
    let keys: Vec<ContentHash> = (0..3).map(key).collect();

    let mut store = Store::open(all.path(), &identity(Dtype::F32, 2)).unwrap();
    let mut writer = PartWriter::open(&mut store, 100, &Silent).unwrap();
    writer.push(&keys, &Rows::F32(Array2::from_shape_vec((3, 2), values.to_vec()).unwrap())).unwrap();
    writer.flush().unwrap();
    drop(writer);
    let data: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    assert_eq!(fs::read(file(store.folder(), "part-00000.npy")).unwrap(), npy("<f4", 3, 2, &data));
    let data: Vec<u8> = keys.iter().flat_map(|key| key.0).collect();
    assert_eq!(fs::read(file(store.folder(), "part-00000.keys.npy")).unwrap(), npy("|u1", 3, 32, &data));
    let written = serde_json::from_slice(&fs::read(store.folder().join("identity.json")).unwrap()).unwrap();
    assert_eq!(identity(Dtype::F32, 2), written);

    // Half precision: rounded to the nearest, and what is too large to the largest.
    let mut store = Store::open(all.path(), &identity(Dtype::F16, 2)).unwrap();
    let mut writer = PartWriter::open(&mut store, 100, &Silent).unwrap();
    writer.push(&keys[..2], &Rows::F32(ndarray::array![[1.0, -0.1], [1e6, 0.0]])).unwrap();
    writer.flush().unwrap();
    drop(writer);
    assert_eq!(store.rows_f32(&keys[..2]).unwrap(), ndarray::array![[1.0, -0.099_975_586], [65504.0, 0.0]]);
    let data = [0x00, 0x3C, 0x66, 0xAE, 0xFF, 0x7B, 0, 0];
    assert_eq!(fs::read(file(store.folder(), "part-00000.npy")).unwrap(), npy("<f2", 2, 2, &data));

    let mut store = Store::open(all.path(), &identity(Dtype::U16, 1)).unwrap();
    let mut writer = PartWriter::open(&mut store, 100, &Silent).unwrap();
    writer.push(&keys, &Rows::U16(ndarray::array![[1], [0x0203], [65535]])).unwrap();
    writer.flush().unwrap();
    drop(writer);
    let part = file(store.folder(), "part-00000.npy");
    assert_eq!(fs::read(&part).unwrap(), npy("<u2", 3, 1, &[1, 0, 3, 2, 255, 255]));

    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".into());
    let numpy = |script: &str| std::process::Command::new(&python).args(["-c", script]).arg(&part).output();
    if !numpy("import numpy").is_ok_and(|output| output.status.success()) {
        println!("skipped: reading with numpy, because {python} has no numpy (PYTHON names another interpreter)");
        return;
    }
    let script =
        "import numpy, sys; a = numpy.load(sys.argv[1]); print(a.dtype, a.shape, a.tolist(), a.flags.c_contiguous)";
    let output = numpy(script).unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "uint16 (3, 1) [[1], [515], [65535]] True");
}

/// Some number that half precision has, of any size, both zeros included.
fn half(bits: u32) -> f32 {
    let (sign, exponent, fraction) = (bits >> 31, (bits >> 10) % 30 + 1, bits % 1024);
    let value = 2f32.powi(exponent as i32 - 15) * (1.0 + fraction as f32 / 1024.0);
    let value = if fraction == 0 { 0.0 } else { value };
    if sign == 0 { value } else { -value }
}

#[test]
fn gathers_exactly_what_was_written_in_any_order_and_grouping() {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    for round in 0..12 {
        let all = tempfile::tempdir().unwrap();
        let (rows, width) = (random.random_range(1..200), random.random_range(1..40));
        let dtype = [Dtype::F32, Dtype::U16, Dtype::F16][round % 3];
        // Every bit pattern of u16, and any f32, infinities and not-a-numbers included.
        let bits: Vec<u32> = (0..rows * width).map(|_| random.random()).collect();
        let value = |row: usize, column: usize| bits[row * width + column];

        let mut store = Store::open(all.path(), &identity(dtype, width)).unwrap();
        let mut writer = PartWriter::open(&mut store, random.random_range(1..70), &Silent).unwrap();
        let mut row = 0;
        while row < rows {
            let end = (row + random.random_range(1..50)).min(rows);
            let keys: Vec<ContentHash> = (row..end).map(key).collect();
            let shape = (end - row, width);
            let batch = match dtype {
                Dtype::F32 | Dtype::Bf16 => {
                    Rows::F32(Array2::from_shape_fn(shape, |(r, c)| f32::from_bits(value(row + r, c))))
                }
                Dtype::F16 => Rows::F32(Array2::from_shape_fn(shape, |(r, c)| half(value(row + r, c)))),
                Dtype::U16 => Rows::U16(Array2::from_shape_fn(shape, |(r, c)| value(row + r, c) as u16)),
            };
            writer.push(&keys, &batch).unwrap();
            row = end;
        }
        writer.flush().unwrap();
        drop(writer);

        let reopened = Store::open(all.path(), &identity(dtype, width)).unwrap();
        for store in [&store, &reopened] {
            assert_eq!(store.len(), rows);
            let numbers: Vec<usize> = (0..rows).collect();
            let asked: Vec<usize> = (0..300).map(|_| *numbers.choose(&mut random).unwrap()).collect();
            let keys: Vec<ContentHash> = asked.iter().map(|&number| key(number)).collect();
            let gathered = store.rows_f32(&keys).unwrap();
            // A block of a larger array, not contiguous.
            let mut larger = Array2::<f32>::zeros((300, width + 3));
            store.gather_into(&keys, &mut larger.slice_mut(ndarray::s![.., 1..=width])).unwrap();
            let mut exact = Array2::<u16>::zeros((300, width));
            assert_eq!(store.gather_u16_into(&keys, &mut exact.view_mut()).is_ok(), dtype == Dtype::U16);
            for (place, &row) in asked.iter().enumerate() {
                for column in 0..width {
                    let written = match dtype {
                        Dtype::F32 | Dtype::Bf16 => value(row, column),
                        Dtype::F16 => half(value(row, column)).to_bits(),
                        Dtype::U16 => f32::from(value(row, column) as u16).to_bits(),
                    };
                    assert_eq!(gathered[(place, column)].to_bits(), written);
                    assert_eq!(larger[(place, column + 1)].to_bits(), written);
                    assert!(dtype != Dtype::U16 || exact[(place, column)] == value(row, column) as u16);
                }
            }
        }
    }
}

#[test]
fn an_image_without_a_row_is_an_error_that_says_what_to_do() {
    let all = tempfile::tempdir().unwrap();
    let store = Store::open(all.path(), &identity(Dtype::F32, 2)).unwrap();
    assert!(store.is_empty() && !store.folder().exists(), "opening must create nothing");
    assert_eq!(store.missing(&[key(1), key(2)]), [0, 1]);
    let error = store.rows_f32(&[key(1)]).unwrap_err().to_string();
    assert!(error.contains("lacks 1 of 1 images") && error.contains("extract"), "{error}");
}

/// Ways in which a part can be damaged, applied to the folder of a store with parts 0 to 3.
type Damage = fn(&Path);

#[test]
fn a_damaged_part_is_set_aside_and_only_its_rows_are_computed_again() {
    let damages: [(&str, Damage); 6] = [
        ("cut short", |folder| cut(&file(folder, "part-00001.npy"), 200)),
        ("empty", |folder| cut(&file(folder, "part-00001.npy"), 0)),
        ("no npy", |folder| fs::write(file(folder, "part-00001.npy"), "nonsense").unwrap()),
        ("other type", |folder| fs::write(file(folder, "part-00001.npy"), npy("<f8", 10, 4, &[0; 320])).unwrap()),
        ("other width", |folder| fs::write(file(folder, "part-00001.npy"), npy("<f4", 10, 3, &[0; 120])).unwrap()),
        ("keys of another part", |folder| {
            fs::write(file(folder, "part-00001.keys.npy"), npy("|u1", 9, 32, &[0; 288])).unwrap();
        }),
    ];
    for (name, damage) in damages {
        let folder = tempfile::tempdir().unwrap();
        let all = folder.path().join("cache");
        let items = pictures(folder.path(), 40);
        let source = Fake::default();
        let mut store = Store::open(&all, &source.identity()).unwrap();
        extract(&mut store, &source, &items, &options(2, 4, 10), &Silent).unwrap();
        damage(store.folder());

        let mut store = Store::open(&all, &source.identity()).unwrap();
        assert_eq!((store.len(), store.damaged().len()), (30, 1), "{name}");
        assert_eq!(inventory(&all)[0].rows, if name.contains("keys") { 40 } else { 30 }, "{name}");
        let (again, ear) = (Fake::default(), Ear::default());
        let report = extract(&mut store, &again, &items, &options(2, 4, 10), &ear).unwrap();
        assert_eq!((report.computed, report.reused, again.computed.load(Ordering::SeqCst)), (10, 30, 10), "{name}");
        let notes = ear.notes();
        assert!(notes.len() == 1 && notes[0].contains("-00001.npy was damaged"), "{name}: {notes:?}");
        assert!(file(store.folder(), "part-00001.npy.damaged").exists(), "{name}");
        let store = Store::open(&all, &source.identity()).unwrap();
        assert!(store.damaged().is_empty(), "{name}");
        for (number, row) in store.rows_f32(&keys(&items)).unwrap().rows().into_iter().enumerate() {
            assert_eq!(row.to_vec(), expected(number), "{name}");
        }
    }
}

fn cut(path: &Path, bytes: u64) {
    fs::OpenOptions::new().write(true).open(path).unwrap().set_len(bytes).unwrap();
}

#[test]
fn no_changed_byte_of_a_header_breaks_the_reader() {
    let folder = tempfile::tempdir().unwrap();
    let items = pictures(folder.path(), 3);
    let source = Fake::default();
    let mut store = Store::open(folder.path(), &source.identity()).unwrap();
    extract(&mut store, &source, &items, &options(1, 4, 10), &Silent).unwrap();
    for name in ["part-00000.npy", "part-00000.keys.npy"] {
        let path = file(store.folder(), name);
        let whole = fs::read(&path).unwrap();
        for place in 0..128 {
            for value in [0, b' ', b'9', whole[place] ^ 1, 255] {
                let mut bytes = whole.clone();
                bytes[place] = value;
                fs::write(&path, bytes).unwrap();
                let opened = Store::open(folder.path(), &source.identity()).unwrap();
                assert!(opened.len() == 3 || opened.damaged().len() == 1, "byte {place} of {name} as {value}");
            }
        }
        fs::write(&path, whole).unwrap();
    }
}

#[test]
fn the_inventory_lists_each_store_and_ignores_what_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let all = folder.path().join("cache");
    assert!(inventory(&all).is_empty());
    let items = pictures(folder.path(), 25);
    let source = Fake::default();
    let mut store = Store::open(&all, &source.identity()).unwrap();
    extract(&mut store, &source, &items, &options(1, 4, 10), &Silent).unwrap();
    fs::create_dir(all.join("something else")).unwrap();
    fs::write(all.join("a file"), "x").unwrap();
    let found = inventory(&all);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].identity.clone(), found[0].parts, found[0].rows), (source.identity(), 3, 25));
    assert_eq!(found[0].folder, store.folder());
    assert!(found[0].bytes > 25 * (16 + 32));

    // A folder renamed by hand to the name of other features must not give them its rows.
    let other = identity(Dtype::F32, 9);
    fs::rename(store.folder(), all.join(other.folder_name())).unwrap();
    let error = Store::open(&all, &other).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(error.contains("holds other features"), "{error}");
}

#[test]
fn rows_without_keys_are_no_part_and_are_computed_again() {
    for version in ["now", "before 0.2"] {
        let folder = tempfile::tempdir().unwrap();
        let all = folder.path().join("cache");
        let items = pictures(folder.path(), 40);
        let source = Fake::default();
        let mut store = Store::open(&all, &source.identity()).unwrap();
        extract(&mut store, &source, &items, &options(2, 4, 10), &Silent).unwrap();
        let part = |ending: &str| file(store.folder(), &format!("part-00001.{ending}"));
        fs::remove_file(part("keys.npy")).unwrap();
        if version == "before 0.2" {
            fs::rename(part("npy"), store.folder().join("part-00001.npy")).unwrap();
        }
        let (again, ear) = (Fake::default(), Ear::default());
        let mut store = Store::open(&all, &source.identity()).unwrap();
        let report = extract(&mut store, &again, &items, &options(2, 4, 10), &ear).unwrap();
        assert_eq!((report.computed, report.reused), (10, 30), "{version}");
        // Then the keys came first, so that rows without them are damage.
        assert_eq!(ear.notes().len(), usize::from(version == "before 0.2"), "{:?}", ear.notes());
        for (number, row) in store.rows_f32(&keys(&items)).unwrap().rows().into_iter().enumerate() {
            assert_eq!(row.to_vec(), expected(number), "{version}");
        }
    }
}
