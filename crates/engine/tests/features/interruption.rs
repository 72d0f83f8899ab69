//! Extraction interrupted by stops and kills, and concurrent writers.

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
        while !place.exists() || names(&place, |name| name.ends_with(".keys.npy")).len() < parts {
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

/// A name such as writers have: of this process, or of one that is gone.
fn writer(dead: bool) -> String {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let start: u64 = stat.rsplit_once(')').unwrap().1.split_whitespace().nth(19).unwrap().parse().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path(), &identity(Dtype::F32, 1)).unwrap();
    let mut writer = PartWriter::open(&mut store, 1, &Silent).unwrap();
    writer.push(&[ContentHash::of(b"x")], &Rows::F32(Array2::zeros((1, 1)))).unwrap();
    let part = names(writer.store().folder(), is_part).remove(0);
    let fields: Vec<&str> = part.strip_prefix("part-").unwrap().split('-').collect();
    assert_eq!(fields[3], format!("{start:x}"));
    let start = if dead { start - 1 } else { start };
    format!("{}-{}-{}-{start:x}-ff", fields[0], fields[1], fields[2])
}

#[test]
fn remains_of_a_kill_are_removed_and_files_of_live_writers_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let items = pictures(folder.path(), 5);
    let source = Fake::default();
    let mut store = Store::open(&folder.path().join("cache"), &source.identity()).unwrap();
    fs::create_dir_all(store.folder()).unwrap();
    let (dead, alive) = (writer(true), writer(false));
    // A process of another machine, of which nothing is known.
    let foreign = format!("00000000-{}", dead.split_once('-').unwrap().1);
    let remains = [
        format!(".tmp-{dead}-Ab3"),
        format!("part-{dead}-00000.npy"),
        format!("part-{dead}-00000.sha256"),
        // Before version 0.2, by the one who held the lock.
        ".tmp-abc".to_owned(),
    ];
    let kept = [
        format!(".tmp-{alive}-Ab3"),
        format!("part-{alive}-00000.npy"),
        format!(".tmp-{foreign}-Ab3"),
        format!("part-{foreign}-00000.npy"),
        "part-00000.keys.npy".to_owned(),
    ];
    for name in remains.iter().chain(&kept) {
        fs::write(store.folder().join(name), "half of a").unwrap();
    }
    assert!(Store::open(&folder.path().join("cache"), &source.identity()).unwrap().damaged().is_empty());
    extract(&mut store, &source, &items, &ExtractOptions::default(), &Silent).unwrap();
    let store = Store::open(&folder.path().join("cache"), &source.identity()).unwrap();
    assert_eq!((store.len(), store.damaged().len()), (5, 0));
    remains.iter().for_each(|name| assert!(!store.folder().join(name).exists(), "{name}"));
    kept.iter().for_each(|name| assert!(store.folder().join(name).exists(), "{name}"));
}

#[test]
fn two_writers_fill_one_store_and_neither_waits() {
    let folder = tempfile::tempdir().unwrap();
    let all = folder.path().join("cache");
    let items = pictures(folder.path(), 400);
    let sources = [(); 2].map(|()| Fake { pause: Duration::from_millis(2), ..Fake::default() });
    let ears = [Ear::default(), Ear::default()];
    std::thread::scope(|scope| {
        for (source, ear) in sources.iter().zip(&ears) {
            let (all, items) = (&all, &items);
            scope.spawn(move || {
                let mut store = Store::open(all, &source.identity()).unwrap();
                let report = extract(&mut store, source, items, &options(1, 4, 20), ear).unwrap();
                assert_eq!(report.computed, source.computed.load(Ordering::SeqCst));
                assert_eq!(report.computed + report.reused, 400);
                assert!(store.missing(&keys(items)).is_empty());
            });
        }
    });
    let counts = sources.map(|source| source.computed.load(Ordering::SeqCst));
    // Neither did all of it, and what both did is little: what each had in hand when they met.
    assert!(counts.iter().all(|&count| count < 380) && counts.iter().sum::<usize>() < 520, "{counts:?}");
    assert!(ears.iter().any(|ear| ear.notes().iter().any(|note| note.contains("Another extraction"))));
    let store = Store::open(&all, &Fake::default().identity()).unwrap();
    assert_eq!((store.len(), store.damaged().len()), (400, 0));
    for (number, row) in store.rows_f32(&keys(&items)).unwrap().rows().into_iter().enumerate() {
        assert_eq!(row.to_vec(), expected(number));
    }
}
