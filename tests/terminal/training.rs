//! A training in the workbench: its chart, the progress in the title, and the notice of its end.

use super::session::Session;
use std::io::Write;
use std::path::Path;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

/// A dense training as a live worker shows it: its lock is held and its journal grows.
struct Training {
    folder: faceprobe_core::run::RunFolder,
    _lock: Box<dyn std::any::Any>,
}

impl Training {
    fn begin(workspace: &Path) -> Self {
        use faceprobe_core::features::FeatureSpec;
        use faceprobe_core::model::DenseSettings;
        use faceprobe_core::run::{JobSpec, ModelSpec, RunFolder, Spec};
        let workspace = faceprobe_core::workspace::Workspace::open(workspace).expect("a workspace");
        let model = ModelSpec::new(FeatureSpec::of_backbone("efficientnet-lite0"), DenseSettings::default());
        let spec = Spec::new(JobSpec::train("sample", model), 1, "cpu");
        let folder = RunFolder::create(&workspace, &spec).expect("a run");
        let lock = Box::new(folder.lock().expect("its lock"));
        let training = Self { folder, _lock: lock };
        training.tell(60, &serde_json::json!({ "event": "started", "pid": 1, "threads": 1 }));
        training
    }

    /// Writes what was told so many seconds ago.
    fn tell(&self, ago: u64, told: &serde_json::Value) {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock");
        let mut told = told.clone();
        told["at"] = (now.as_millis() as u64 - ago * 1000).into();
        let journal = std::fs::OpenOptions::new().create(true).append(true).open(self.folder.events_path());
        writeln!(journal.expect("its journal"), "{told}").expect("a line");
    }

    fn epoch(&self, epoch: usize, accuracy: f64) {
        self.tell(
            1,
            &serde_json::json!({
                "event": "epoch", "epoch": epoch, "epochs": 60, "train_loss": 0.4, "train_accuracy": accuracy,
                "val_loss": 1.0 - accuracy, "val_accuracy": accuracy, "seconds": 6.0,
            }),
        );
    }

    fn fail(self, why: &str) {
        self.tell(0, &serde_json::json!({ "event": "failed", "error": why, "seconds": 60.0 }));
    }
}

fn raw(session: &Session) -> String {
    let raw = session.raw.lock().unwrap_or_else(PoisonError::into_inner).clone();
    String::from_utf8_lossy(&raw).into_owned()
}

#[test]
fn the_large_chart_points_zooms_and_smooths_while_a_training_goes_on() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let training = Training::begin(folder.path());
    for epoch in 1..=20 {
        training.epoch(epoch, if epoch % 2 == 0 { 0.7 } else { 0.6 } + epoch as f64 / 1000.0);
    }
    let mut session = Session::start(folder.path(), &[], &[], 120, 40);
    session.shows("dense-1");
    session.keys("3\r");
    session.shows("epoch 20");
    session.shows("chance");
    // The newest epoch goes on with the training until the cursor is put somewhere.
    training.epoch(21, 0.65);
    session.shows("epoch 21");
    session.keys("\u{1b}[D\u{1b}[D");
    session.shows("epoch 19");
    session.shows("0.619");
    training.epoch(22, 0.66);
    session.shows("36 %");
    session.shows("epoch 19");
    // The whole training at 6 seconds an epoch.
    session.shows("3 m 48 s left");
    session.keys("mmm");
    session.shows("EMA 0.8");
    session.shows("0.619");
    session.keys("+");
    session.shows("epochs 11 to 40");
    session.keys("b");
    session.shows("epoch 20");
    session.keys("0a a");
    session.shows("x: time in training");
    session.keys("t");
    session.shows("By epoch");
    // The wheel over the curves, and a drag from one place to another.
    session.keys("ta");
    // The mouse means what is seen.
    session.until("the curves", |screen| screen.contains("★") && !screen.contains("By epoch"));
    session.keys("\u{1b}[<64;60;10M");
    session.shows("· epochs ");
    session.keys("0");
    session.until("all epochs", |screen| !screen.contains("· epochs "));
    session.keys("\u{1b}[<0;50;10M\u{1b}[<32;70;10M\u{1b}[<0;70;10m");
    session.shows("· epochs ");
    session.keys("\u{1b}");
    session.until("the list of runs", |screen| screen.contains("Runs") && !screen.contains("Esc back"));
    session.keys("q");
    assert!(session.ends().success());
}

#[test]
fn progress_is_in_the_title_and_the_end_of_a_run_gives_a_notice() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let training = Training::begin(folder.path());
    training.epoch(30, 0.7);
    let mut session =
        Session::start(folder.path(), &[], &[("TERM_PROGRAM", ""), ("TMUX", ""), ("VTE_VERSION", "")], 120, 40);
    let says = |session: &Session, text: &str| {
        let begun = Instant::now();
        while !raw(session).contains(text) {
            assert!(begun.elapsed() < Duration::from_secs(60), "no {text:?} in {:?}", raw(session));
            std::thread::sleep(Duration::from_millis(30));
        }
    };
    says(&session, "\u{1b}]0;50 % dense-1, 3 min left · faceprobe\u{7}");
    // The terminal is not looked at.
    session.keys("\u{1b}[O");
    std::thread::sleep(Duration::from_millis(300));
    assert!(!raw(&session).contains("\u{1b}]9;"));
    training.fail("the disk is full");
    let notice = "faceprobe: dense-1 failed: the disk is full";
    says(&session, &format!("\u{1b}]9;{notice}\u{1b}\\\u{1b}]777;notify;faceprobe;{notice}\u{1b}\\\u{7}"));
    says(&session, "\u{1b}]0;faceprobe\u{7}");
    session.shows("dense-1 failed: the disk is full");
    session.keys("q");
    assert!(session.ends().success());
    std::thread::sleep(Duration::from_millis(200));
    let raw = raw(&session);
    let last = raw.rfind("\u{1b}]0;\u{7}").expect("the title is emptied");
    assert!(raw[last..].contains("\u{1b}[23;0t") && raw.contains("\u{1b}[?1004l"), "and taken back");
    assert_eq!(raw.matches("\u{1b}]9;").count(), 1, "once");
}

#[test]
fn a_focused_terminal_gets_no_notice() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let training = Training::begin(folder.path());
    training.epoch(30, 0.7);
    let mut session = Session::start(folder.path(), &[], &[], 120, 40);
    session.shows("dense-1");
    session.keys("\u{1b}[O\u{1b}[I");
    std::thread::sleep(Duration::from_millis(300));
    training.fail("the disk is full");
    session.shows("dense-1 failed: the disk is full");
    assert!(!raw(&session).contains("]9;") && !raw(&session).contains("]777;"));
    session.keys("q");
    assert!(session.ends().success());
}

#[test]
fn notices_are_configured() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("faceprobe.toml"), "[notices]\ntitle = false\ndesktop = false\n")
        .expect("a file");
    let training = Training::begin(folder.path());
    training.epoch(30, 0.7);
    let mut session = Session::start(folder.path(), &[], &[], 120, 40);
    session.shows("dense-1");
    session.keys("\u{1b}[O");
    std::thread::sleep(Duration::from_millis(300));
    training.fail("the disk is full");
    session.shows("dense-1 failed: the disk is full");
    session.keys("q");
    assert!(session.ends().success());
    let raw = raw(&session);
    assert!(!raw.contains("% dense-1, ") && !raw.contains("]9;") && !raw.contains("]777;"));
    // Every title ends with a bell that rings nothing; this one does.
    assert_eq!(raw.matches('\u{7}').count(), raw.matches("\u{1b}]0;").count() + 1);
}
