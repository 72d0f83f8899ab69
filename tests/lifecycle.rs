//! The terminal and the work when the workbench, a worker or the connection ends, and a first session by the keys that
//! the screen names.

#[path = "support/session.rs"]
mod session;

use faceprobe_core::dataset::synthetic::{SampleSettings, generate};
use faceprobe_core::monitor::Silent;
use faceprobe_core::run::{RunFolder, RunView, Status};
use faceprobe_core::workspace::Workspace;
use session::{Session, eventually, kill};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// A folder with photographs drawn by the program, in the layout of Adience.
fn drawings(folder: &Path) {
    let settings = SampleSettings { images: 240, ..SampleSettings::default() };
    generate(folder, &settings, &Silent).expect("the sample is drawn");
}

/// A workspace with a prepared set called `study`.
fn prepared() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let source = folder.path().join("photos");
    drawings(&source);
    let made = Command::new(env!("CARGO_BIN_EXE_faceprobe"))
        .arg("--workspace")
        .arg(folder.path())
        .args(["--quiet", "data", "prepare", "--name", "study", "--source"])
        .arg(format!("adience:{}", source.display()))
        .status()
        .expect("the binary starts");
    assert!(made.success());
    folder
}

fn view(workspace: &Path, run: &str) -> Option<RunView> {
    let workspace = Workspace::open(workspace).ok()?;
    RunView::open(RunFolder::find(&workspace, run).ok()?).ok()
}

fn status(workspace: &Path, run: &str) -> Option<Status> {
    view(workspace, run).map(|view| view.status)
}

/// The process that works on a run, as its journal tells.
fn worker(workspace: &Path, run: &str) -> i32 {
    let journal = std::fs::read_to_string(workspace.join("runs").join(run).join("events.jsonl")).expect("a journal");
    let pid = journal.lines().rev().find_map(|line| {
        let at = line.find("\"pid\":")? + 6;
        line[at..].split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    });
    pid.expect("a worker")
}

/// Fills the training form with a benchmark of so many epochs and starts it.
fn train_benchmark(session: &mut Session, epochs: &str) {
    session.named("n", "new run");
    session.shows("Train: Dense head");
    // The kind of model before is the benchmark.
    session.keys("\u{1b}[D");
    session.shows("filters");
    session.keys("\t\t\t\t\t\t\t\t\t\u{15}");
    session.keys(epochs);
    session.keys("\t\u{15}64");
    session.named("\r", "start");
}

#[test]
fn a_newcomer_goes_through_the_study_by_the_keys_on_the_screen() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let source = folder.path().join("Прекрасные фото (1) vom Köln 人物").join("adience, a long way down the tree");
    drawings(&source);
    let mut session = Session::start(folder.path(), &[], 120, 40);
    session.shows("No data yet");
    // Data: the welcome names the key, the form's foot the others.
    session.shows("Press n to prepare your own photographs");
    session.keys("n");
    session.shows("Prepare a data set");
    session.paste(&format!("adience:{}\n", source.display()));
    session.keys("\u{1b}[B\u{1b}[Bstudy");
    session.named("\r", "start");
    session.shows("is done. study:");
    // Features can wait: the benchmark needs none. Train.
    session.keys("3");
    session.shows("to train a model on study");
    train_benchmark(&mut session, "2");
    session.shows("benchmark-1 is done");
    // Results: open the test set, use the model.
    session.keys("4");
    session.named("t", "open test");
    session.shows("only if you stop choosing now");
    session.keys("y");
    session.shows("test-1 is done");
    session.named("c", "choose");
    session.shows("Predict now uses benchmark-1");
    session.keys("5");
    session.shows("benchmark-1");
    // Predict: a pasted path, then the arrows.
    session.keys("6");
    session.named("/", "type a path");
    session.shows("Path of an image or folder");
    let image = image_in(&source);
    session.paste(&image.display().to_string());
    session.keys("\r");
    session.until("an answer", |screen| screen.contains("the threshold") && screen.contains(" %"));
    session.shows("▀");
    session.keys("\u{1b}[B");
    session.named("w", "save");
    session.shows("Saved in");
    session.named("q", "quit");
    assert!(session.ends().success());
    let saved = std::fs::read_to_string(folder.path().join("predictions-1.csv")).expect("the saved predictions");
    assert!(saved.contains("人物"), "{saved}");
}

/// Any drawing under `folder`.
fn image_in(folder: &Path) -> std::path::PathBuf {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            let found = image_in(&path);
            if found.as_os_str().is_empty() {
                continue;
            }
            return found;
        }
        let whole = std::fs::read(&path).ok().filter(|bytes| faceprobe_core::imaging::decode(bytes).is_ok());
        if path.extension().is_some_and(|ending| ending == "jpg") && whole.is_some() {
            return path;
        }
    }
    std::path::PathBuf::new()
}

#[test]
fn work_outlives_the_workbench_and_the_queue_outlives_a_worker() {
    let folder = prepared();
    let workspace = folder.path();
    let mut session = Session::start(workspace, &[], 120, 40);
    session.keys("3");
    session.shows("to train a model on study");
    // More than this test can take, however slow the machine is; the other long enough to be seen.
    train_benchmark(&mut session, "9000");
    session.shows("of 9000 · ");
    train_benchmark(&mut session, "30");
    session.shows("is queued; it starts when no other training is running");
    assert_eq!(status(workspace, "benchmark-2"), Some(Status::Queued));

    // The workbench is killed; the next one shows the run live.
    let trained =
        || view(workspace, "benchmark-1").and_then(|view| view.facts().last_epoch).map_or(0, |last| last.epoch);
    let before = trained();
    session.signal(libc::SIGKILL);
    session.ends();
    drop(session);
    let mut session = Session::start(workspace, &[], 120, 40);
    session.shows("● benchmark-1");
    session.keys("3");
    session.until("the live run", |screen| screen.contains("of 9000") || screen.contains("queued"));
    eventually("it goes on", || trained() > before + 2);

    // Quit and return.
    session.keys("q");
    assert!(session.ends().success());
    drop(session);
    let mut session = Session::start(workspace, &[], 120, 40);
    session.shows("benchmark-1");

    // The worker is killed: the screen says so, and who waited is next.
    kill(worker(workspace, "benchmark-1"), libc::SIGKILL);
    session.shows("benchmark-1 was killed or crashed");
    session.shows("benchmark-2 is done");
    assert_eq!(status(workspace, "benchmark-2"), Some(Status::Done));

    // The dead run goes on from its checkpoint, is paused, and is stopped.
    session.keys("3\u{1b}[F");
    session.shows("resumes from the last checkpoint");
    session.keys("p");
    eventually("it works again", || status(workspace, "benchmark-1") == Some(Status::Running));
    session.until("it on the screen", |screen| screen.contains("benchmark-1  running"));
    session.keys("p");
    eventually("it is paused", || status(workspace, "benchmark-1") == Some(Status::Paused));
    session.shows("benchmark-1  paused");
    session.keys("s");
    session.shows("Stop benchmark-1 and keep");
    session.keys("y");
    eventually("it is stopped", || status(workspace, "benchmark-1") == Some(Status::Stopped));
}

#[test]
fn a_lost_connection_leaves_no_busy_process() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut session = Session::start(folder.path(), &[], 80, 24);
    session.shows("No data yet");
    session.hang_up();
    session.ends();
}

#[test]
fn signals_end_it_as_a_shell_expects_and_the_terminal_is_given_back() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for signal in [libc::SIGTERM, libc::SIGHUP, libc::SIGINT, libc::SIGQUIT] {
        let mut session = Session::start(folder.path(), &[], 80, 24);
        session.shows("No data yet");
        assert!(session.in_full_screen());
        session.signal(signal);
        session.ends_by(signal);
        eventually("the terminal is given back", || !session.in_full_screen());
    }
}

#[test]
fn it_is_suspended_and_resumed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut session = Session::start(folder.path(), &[], 80, 24);
    session.shows("No data yet");
    let state = |pid: i32| {
        let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        text.rsplit(')').next().and_then(|rest| rest.trim().chars().next())
    };
    let pid = session.pid();
    for by_key in [false, true] {
        if by_key {
            session.keys("\u{1a}")
        } else {
            session.signal(libc::SIGTSTP)
        }
        eventually("it is stopped", || state(pid) == Some('T'));
        eventually("the terminal is the shell's", || !session.in_full_screen());
        session.signal(libc::SIGCONT);
        eventually("it is back", || session.in_full_screen());
        session.shows("No data yet");
        session.keys("3");
        session.shows("Nothing has been trained yet");
        session.keys("1");
        session.shows("No data yet");
    }
    session.keys("q");
    assert!(session.ends().success());
}

#[test]
fn a_storm_of_sizes_leaves_a_whole_screen() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut session = Session::start(folder.path(), &[], 80, 24);
    session.shows("No data yet");
    let mut seed = 7_u32;
    for step in 0..150 {
        // Marsaglia's xorshift: sizes from nothing to large ones, always the same.
        seed ^= seed << 13;
        seed ^= seed >> 17;
        seed ^= seed << 5;
        session.resize((seed % 200 + 1) as u16, (seed / 256 % 70 + 1) as u16);
        if step % 10 == 0 {
            session.keys(["1", "2", "3", "4", "5", "6", "7", ":", "\u{1b}", "?", "\u{1b}"][step / 10 % 11]);
        }
        std::thread::sleep(Duration::from_millis(4));
    }
    session.resize(30, 8);
    session.shows("needs 40 columns");
    session.resize(100, 30);
    session.until("a screen that takes keys again", |screen| !screen.contains("needs 40 columns"));
    session.keys("\u{1b}");
    std::thread::sleep(Duration::from_millis(300));
    session.keys("1");
    session.shows("No data yet");
    session.shows("1-7 screens");
    session.keys("q");
    assert!(session.ends().success());
}
