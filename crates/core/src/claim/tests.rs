//! Claims of threads, of processes that are killed, and of machines that are not there.

use super::*;
use std::sync::atomic::AtomicUsize;

/// The start of a claim of this process, of its machine, of a process that is dead, of one on another machine.
fn owner(machine: Option<&str>, pid: Option<&str>) -> String {
    let this = Owner::this().to_string();
    let parts: Vec<&str> = this.split('-').collect();
    format!("{}-{}-{}-{}-0", machine.unwrap_or(parts[0]), parts[1], pid.unwrap_or(parts[2]), parts[3])
}

fn dead(beat: u64) -> String {
    format!("{} {beat:0DIGITS$} here\n", owner(None, Some("7fffffff")))
}

fn far(beat: u64) -> String {
    format!("{} {beat:0DIGITS$} node7\n", owner(Some("00000007"), None))
}

fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.claim");
    (folder, path)
}

fn files(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(path.parent().unwrap()).unwrap().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

fn taken(path: &Path, patience: Duration) -> Option<Claim> {
    match attempt(path, patience, 0).unwrap() {
        Attempt::Ours(claim) => Some(claim),
        Attempt::Held(..) | Attempt::Busy => None,
    }
}

#[test]
fn a_claim_is_anothers_until_it_is_dropped_and_leaves_nothing() {
    let (_folder, path) = place();
    let Taken::Ours(claim) = Claim::take(&path).unwrap() else { panic!("it is free") };
    let Taken::Held(holder) = Claim::take(&path).unwrap() else { panic!("it is held") };
    assert!(holder.here && holder.place().is_empty());
    assert_eq!(super::holder(&path).unwrap(), Some(holder));
    assert!(claim.check().is_ok() && files(&path) == ["a.claim"]);
    assert_eq!(Claim::wait(&path, || false).unwrap_err(), Error::stopped());
    drop(claim);
    assert!(super::holder(&path).unwrap().is_none() && files(&path).is_empty());
}

#[test]
fn what_a_dead_process_left_is_taken_over_at_once() {
    let (_folder, path) = place();
    fs::write(&path, dead(7)).unwrap();
    assert!(super::holder(&path).unwrap().is_none());
    // Another was killed while it took that over.
    fs::write(with(&path, OVER), dead(0)).unwrap();
    let claim = taken(&path, PATIENCE).unwrap();
    assert_eq!(files(&path), ["a.claim"]);
    drop(claim);
    assert!(files(&path).is_empty());
}

#[test]
fn an_owner_on_another_machine_lives_as_long_as_its_number_is_seen_to_grow() {
    let (_folder, path) = place();
    let patience = Duration::from_millis(300);
    for beat in 0..4 {
        fs::write(&path, far(beat)).unwrap();
        assert!(taken(&path, patience).is_none());
        std::thread::sleep(patience / 2);
    }
    let held = super::holder(&path).unwrap().unwrap();
    assert_eq!((held.here, held.place().as_str()), (false, " on node7"));
    assert!(taken(&path, patience).is_none(), "a look at an unchanged number says nothing yet");
    std::thread::sleep(patience);
    // Its clock does not matter: what the file's time says may be long ago or to come.
    let ahead = std::time::SystemTime::now() + Duration::from_secs(300);
    OpenOptions::new().write(true).open(&path).unwrap().set_modified(ahead).unwrap();
    assert!(taken(&path, patience).is_some());
}

#[test]
fn a_claim_is_refused_as_soon_as_its_far_owner_moves() {
    let (_folder, path) = place();
    fs::write(&path, far(0)).unwrap();
    let other = path.clone();
    let moving = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(700));
        fs::write(other, far(1)).unwrap();
    });
    assert!(matches!(Claim::take(&path).unwrap(), Taken::Held(holder) if !holder.here));
    moving.join().unwrap();
}

#[test]
fn what_is_no_claim_is_left_alone_and_an_empty_one_is_watched_like_one_of_another_machine() {
    let (_folder, path) = place();
    fs::write(&path, "my notes\n").unwrap();
    assert!(Claim::take(&path).unwrap_err().to_string().contains("move it elsewhere"));
    assert_eq!(fs::read_to_string(&path).unwrap(), "my notes\n");
    fs::write(&path, "").unwrap();
    assert_eq!(super::holder(&path).unwrap().unwrap().place(), " on another machine");
    assert!(taken(&path, Duration::ZERO).is_some(), "it does not change");
}

#[test]
fn a_link_is_refused_and_its_target_stays() {
    let (folder, path) = place();
    let target = folder.path().join("precious");
    fs::write(&target, dead(1)).unwrap();
    std::os::unix::fs::symlink(&target, &path).unwrap();
    assert!(Claim::take(&path).unwrap_err().to_string().contains("is a link"));
    assert!(super::holder(&path).is_err());
    assert_eq!(fs::read_to_string(&target).unwrap(), dead(1));
}

#[test]
fn an_owner_whose_claim_was_taken_over_is_told_and_leaves_the_others_alone() {
    let (_folder, path) = place();
    static TOLD: AtomicUsize = AtomicUsize::new(0);
    let claim = taken(&path, PATIENCE).unwrap();
    let claim = claim.on_loss(|| {
        TOLD.fetch_add(1, Ordering::Relaxed);
    });
    let before = fs::read(&path).unwrap();
    claim.held.beat();
    let after = fs::read(&path).unwrap();
    assert!(before != after && before.len() == after.len() && claim.check().is_ok());
    // By one that saw it stand still.
    let other = path.with_extension("other");
    fs::write(&other, far(3)).unwrap();
    fs::rename(&other, &path).unwrap();
    claim.held.beat();
    claim.held.beat();
    assert_eq!(TOLD.load(Ordering::Relaxed), 1);
    assert!(claim.check().unwrap_err().to_string().contains("taken over"));
    drop(claim);
    assert_eq!(fs::read_to_string(&path).unwrap(), far(3));
}

#[test]
fn of_many_that_take_over_and_take_again_one_at_a_time_has_it() {
    let (_folder, path) = place();
    fs::write(&path, dead(7)).unwrap();
    let (inside, times) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..25 {
                    let claim = Claim::wait(&path, || true).unwrap();
                    assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                    times.fetch_add(1, Ordering::SeqCst);
                    std::thread::yield_now();
                    inside.fetch_sub(1, Ordering::SeqCst);
                    if times.load(Ordering::SeqCst) % 3 == 0 {
                        // As if this process were killed.
                        fs::write(&path, dead(8)).unwrap();
                    }
                    drop(claim);
                }
            });
        }
    });
    assert_eq!(times.load(Ordering::SeqCst), 200);
}

/// Names the folder for the processes of the next test.
const PLACE: &str = "FACEPROBE_TEST_CLAIMS";

/// Not a test of its own: what each process of the next one does. It counts in a file, as slowly as it can.
#[test]
fn count_in_turns() {
    let Some(folder) = std::env::var_os(PLACE).map(PathBuf::from) else { return };
    let (count, own) = (folder.join("count"), folder.join(format!("own-{}", std::process::id())));
    let next = folder.join(format!("next-{}", std::process::id()));
    let write = |path: &Path, number: u32| {
        fs::write(&next, number.to_string()).unwrap();
        fs::rename(&next, path).unwrap();
    };
    for done in 1..=40_u32 {
        let claim = Claim::wait(&folder.join("a.claim"), || true).unwrap();
        let before: u32 = fs::read_to_string(&count).map_or(0, |text| text.parse().unwrap());
        std::thread::sleep(Duration::from_millis(1));
        write(&count, before + 1);
        write(&own, done);
        drop(claim);
    }
}

#[test]
fn processes_that_are_killed_keep_no_other_from_its_turn() {
    let folder = tempfile::tempdir().unwrap();
    let start = || {
        let mut command = std::process::Command::new(std::env::current_exe().unwrap());
        command.args(["claim::tests::count_in_turns", "--exact"]).env(PLACE, folder.path());
        command.stdout(std::process::Stdio::null()).spawn().unwrap()
    };
    let counted = || -> Vec<u32> {
        let entries = fs::read_dir(folder.path()).unwrap().flatten();
        let own = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("own-"));
        own.filter_map(|entry| fs::read_to_string(entry.path()).ok()?.parse().ok()).collect()
    };
    let mut victims: Vec<_> = (0..3).map(|_| start()).collect();
    let others: Vec<_> = (0..3).map(|_| start()).collect();
    while counted().len() < 6 {
        std::thread::sleep(Duration::from_millis(5));
    }
    // In whatever they are doing, taking over included; some hold the claim.
    for victim in &mut victims {
        victim.kill().unwrap();
        std::thread::sleep(Duration::from_millis(7));
    }
    for mut process in victims.into_iter().chain(others) {
        process.wait().unwrap();
    }
    let counted = counted();
    assert!(counted.iter().filter(|done| **done == 40).count() >= 3, "{counted:?}");
    let sum: u32 = counted.iter().sum();
    let count: u32 = fs::read_to_string(folder.path().join("count")).unwrap().parse().unwrap();
    // Those that were killed between the two files have not told of one.
    assert!((sum..=sum + 3).contains(&count), "{count} of {counted:?}");
}
