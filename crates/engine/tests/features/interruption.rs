//! Stops, kills and second writers.

use super::*;
use faceprobe_core::error::ErrorKind;
use faceprobe_core::monitor::Silent;
use faceprobe_engine::features::{PartWriter, Store, extract};
use std::fs;
use std::process::{Command, Stdio};

const PART: usize = 32;
const IMAGES: usize = 600;

/// Tells the re-executed test where to extract.
const CHILD: &str = "FACEPROBE_TEST_CHILD";

#[test]
fn a_stop_writes_the_finished_rows() {
    let folder = tempfile::tempdir().unwrap();
    let items = pictures(folder.path(), 200);
    let source = Fake { pause: Duration::from_millis(5), ..Fake::default() };
    let ear = Ear { stop_at: Some(50), ..Ear::default() };
    let mut store = Store::open(&folder.path().join("cache"), &source.identity()).unwrap();
    let error = extract(&mut store, &source, &items, &options(2, 4, 64), &ear).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Stopped);
    let finished = source.computed.load(Ordering::SeqCst);
    assert!((50..200).contains(&finished), "{finished}");
    let mut store = Store::open(&folder.path().join("cache"), &source.identity()).unwrap();
    assert_eq!(store.len(), finished);
    let report = extract(&mut store, &source, &items, &options(2, 4, 64), &Silent).unwrap();
    assert_eq!((report.computed, report.reused), (200 - finished, finished));
}

/// Not a test of its own: what [`a_kill_costs_at_most_one_part`] kills. It writes down each batch it computed.
#[test]
fn child_that_is_killed() {
    let Some(folder) = std::env::var_os(CHILD).map(PathBuf::from) else { return };
    let source = Fake { pause: Duration::from_millis(1), ..Fake::default() };
    let items: Vec<(ContentHash, PathBuf)> = (0..IMAGES)
        .map(|number| folder.join(format!("images/{number:04}.png")))
        .map(|path| (ContentHash::of_file(&path).unwrap(), path))
        .collect();
    let mut store = Store::open(&folder.join("cache"), &source.identity()).unwrap();
    let log = CountLog { computed: source.computed.clone(), path: folder.join("computed") };
    extract(&mut store, &source, &items, &options(2, 4, PART), &log).unwrap();
}

/// Writes the number of computed rows to a file whenever it is asked whether to stop: before each batch.
struct CountLog {
    computed: Arc<AtomicUsize>,
    path: PathBuf,
}

impl Monitor for CountLog {
    fn update(&self, _: Update) {}

    fn stopped(&self) -> bool {
        let count = self.computed.load(Ordering::SeqCst).to_string();
        faceprobe_core::workspace::write_whole(&self.path, count.as_bytes()).unwrap();
        false
    }
}

#[test]
fn a_kill_costs_at_most_one_part() {
    let folder = tempfile::tempdir().unwrap();
    let items = pictures(&folder.path().join("images"), IMAGES);
    let source = Fake::default();
    let all = folder.path().join("cache");
    let place = all.join(source.identity().folder_name());
    let mut kept = 0;
    // Killed twice, at different moments, so that a second start on the remains of the first is tried too.
    for parts in [3, 8] {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["interruption::child_that_is_killed", "--exact"])
            .env(CHILD, folder.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        while !place.exists() || names(&place, is_part).len() < parts {
            assert!(child.try_wait().unwrap().is_none(), "the child ended before it could be killed");
            std::thread::sleep(Duration::from_millis(1));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let store = Store::open(&all, &source.identity()).unwrap();
        assert!(store.damaged().is_empty());
        assert!(store.len() >= parts * PART && store.len() < IMAGES);
        assert_eq!(store.len() % PART, 0, "every part is whole");
        let computed: usize = fs::read_to_string(folder.path().join("computed")).unwrap().parse().unwrap();
        // Two streams with a chunk of four in hand and one waiting each.
        let in_work = 2 * 2 * 4;
        let new = store.len() - kept;
        assert!(computed <= new + PART + in_work, "{computed} rows computed, {new} kept");
        kept = store.len();
    }
    let mut store = Store::open(&all, &source.identity()).unwrap();
    let report = extract(&mut store, &source, &items, &options(2, 4, PART), &Silent).unwrap();
    assert_eq!((report.computed, report.reused), (IMAGES - kept, kept));
    for (number, row) in store.rows_f32(&keys(&items)).unwrap().rows().into_iter().enumerate() {
        assert_eq!(row.to_vec(), expected(number));
    }
    assert!(names(&place, |name| name.starts_with(".tmp")).is_empty());
}

#[test]
fn keys_that_a_kill_left_without_a_part_are_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let items = pictures(folder.path(), 5);
    let source = Fake::default();
    let mut store = Store::open(&folder.path().join("cache"), &source.identity()).unwrap();
    fs::create_dir_all(store.folder()).unwrap();
    fs::write(store.folder().join("part-00000.keys.npy"), "half of a").unwrap();
    fs::write(store.folder().join(".tmp-abc"), "half of a").unwrap();
    assert!(Store::open(&folder.path().join("cache"), &source.identity()).unwrap().damaged().is_empty());
    extract(&mut store, &source, &items, &ExtractOptions::default(), &Silent).unwrap();
    assert_eq!(Store::open(&folder.path().join("cache"), &source.identity()).unwrap().len(), 5);
    assert!(!store.folder().join(".tmp-abc").exists());
}

#[test]
fn two_writers_exclude_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let all = folder.path().join("cache");
    let items = pictures(folder.path(), 20);
    let source = Fake::default();
    let mut first = Store::open(&all, &source.identity()).unwrap();
    let mut writer = PartWriter::open(&mut first, 10, &Silent).unwrap();

    // A stop is obeyed while waiting.
    let ear = Ear { stop: AtomicBool::new(true), ..Ear::default() };
    let mut second = Store::open(&all, &source.identity()).unwrap();
    let error = extract(&mut second, &source, &items, &options(1, 4, 10), &ear).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Stopped);
    assert!(ear.notes()[0].contains("another extraction"), "{:?}", ear.notes());

    // The second writer takes over what the first wrote while it waited.
    let ear = Ear::default();
    std::thread::scope(|scope| {
        let extraction = scope.spawn(|| extract(&mut second, &source, &items, &options(1, 4, 10), &ear).unwrap());
        while ear.notes().is_empty() {
            std::thread::yield_now();
        }
        let rows = Array2::from_shape_fn((12, WIDTH), |(row, column)| expected(row)[column]);
        writer.push(&keys(&items[..12]), &Rows::F32(rows)).unwrap();
        writer.flush().unwrap();
        assert_eq!(source.computed.load(Ordering::SeqCst), 0);
        drop(writer);
        let report = extraction.join().unwrap();
        assert_eq!((report.computed, report.reused), (8, 12));
    });
    for (number, row) in second.rows_f32(&keys(&items)).unwrap().rows().into_iter().enumerate() {
        assert_eq!(row.to_vec(), expected(number));
    }
}

#[test]
fn of_two_extractions_at_once_one_computes_and_the_other_finds_everything_there() {
    for batch in [None, Some(4)] {
        let folder = tempfile::tempdir().unwrap();
        let all = folder.path().join("cache");
        let items = pictures(folder.path(), 20);
        let options = ExtractOptions { threads: 2, batch, part_rows: 10 };
        let mut own = Store::open(&all, &Fake::default().identity()).unwrap();
        let held = PartWriter::open(&mut own, 10, &Silent).unwrap();
        let (sources, ears) = ([Fake::default(), Fake::default()], [Ear::default(), Ear::default()]);
        let one = |source: &Fake, ear: &Ear| {
            let mut store = Store::open(&all, &source.identity()).unwrap();
            let report = extract(&mut store, source, &items, &options, ear).unwrap();
            assert_eq!(store.rows_f32(&keys(&items)).unwrap().row(19).to_vec(), expected(19));
            (report.computed, report.reused, report.skipped.len())
        };
        let mut reports = std::thread::scope(|scope| {
            let both = [0, 1].map(|which| {
                let (one, source, ear) = (&one, &sources[which], &ears[which]);
                scope.spawn(move || one(source, ear))
            });
            while ears.iter().any(|ear| ear.notes().is_empty()) {
                std::thread::yield_now();
            }
            drop(held);
            both.map(|one| one.join().unwrap())
        });
        reports.sort_unstable();
        assert_eq!(reports, [(0, 20, 0), (20, 0, 0)]);
        let worked = sources.map(|source| source.workers.load(Ordering::SeqCst) > 0);
        assert!(worked[0] != worked[1], "one does not even make a worker");
    }
}
