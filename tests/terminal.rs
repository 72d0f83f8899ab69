//! The workbench in a real pseudo-terminal.

#[path = "terminal/session.rs"]
mod session;
mod terminal_many;
#[path = "terminal/training.rs"]
mod training;

use session::Session;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

#[test]
fn an_empty_workspace_leads_on_and_q_restores_the_terminal() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut session = Session::start(folder.path(), &[], &[], 80, 24);
    session.shows("No data yet");
    assert!(session.in_full_screen());
    for (key, title) in [
        ("2", "EfficientNet-Lite0"),
        ("3", "Train"),
        ("4", "Results"),
        ("5", "Evaluate"),
        ("6", "Predict"),
        ("7", "Runs"),
        ("?", "quit"),
    ] {
        session.keys(key);
        session.shows(title);
    }
    session.keys("\u{1b}");
    // A key right behind Esc would be one with Alt.
    std::thread::sleep(Duration::from_millis(500));
    session.resize(40, 15);
    // A key in the very moment of a new size can be left lying by crossterm until the next.
    session.shows(" 1○ 2○");
    session.keys("1");
    session.shows("No data yet");
    session.keys("q");
    assert!(session.ends().success());
    let begun = Instant::now();
    while session.in_full_screen() && begun.elapsed() < Duration::from_secs(5) {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(!session.in_full_screen(), "the terminal is given back");
    // So is its title: put aside before another is set, taken back at the end.
    let raw = session.raw.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let place = |text: &str| raw.windows(text.len()).position(|part| part == text.as_bytes());
    let (aside, set, back) = (place("\u{1b}[22;0t"), place("\u{1b}]0;faceprobe"), place("\u{1b}[23;0t"));
    assert!(aside.is_some() && aside < set && set < back, "{aside:?} {set:?} {back:?}");
}

/// What terminals say when they are asked for their graphics, attributes, cells and colours, some of it unasked.
const ANSWERS: [&str; 7] = [
    "\u{1b}_Gi=31;OK\u{1b}\\",
    "\u{1b}[?62;4;22c",
    "\u{1b}[6;20;10t",
    "\u{1b}[0n",
    "\u{1b}]11;rgb:1e1e/1e1e/2e2e\u{1b}\\",
    "\u{1b}]10;rgb:ffff/dddd/aaaa\u{7}",
    "\u{1b}P>|WezTerm 20240203\u{1b}\\",
];

#[test]
fn answers_of_the_terminal_are_never_keys_however_late_and_in_whatever_pieces_they_come() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut session = Session::start(folder.path(), &[], &[], 100, 30);
    session.shows("No data yet");
    // Long after pictures have stopped waiting for them.
    std::thread::sleep(Duration::from_millis(2500));
    let before = session.text();
    session.keys(&ANSWERS.concat());
    // In two pieces, cut at every place behind the Esc, the second one late.
    for answer in ANSWERS {
        for cut in 2..answer.len() {
            session.keys(&answer[..cut]);
            std::thread::sleep(Duration::from_millis(if cut == 2 { 150 } else { 30 }));
            session.keys(&answer[cut..]);
        }
    }
    // Cut behind the Esc itself, which counts as the key then; the rest is no keys all the same.
    for answer in ANSWERS {
        session.keys(&answer[..1]);
        std::thread::sleep(Duration::from_millis(200));
        session.keys(&answer[1..]);
    }
    std::thread::sleep(Duration::from_millis(400));
    assert_eq!(session.text(), before);
    // Half an answer, and the keys that somebody types behind it.
    session.keys("\u{1b}_Gi=31;O");
    std::thread::sleep(Duration::from_millis(1500));
    session.keys("3");
    session.shows("Nothing has been trained yet");
    // Keys, keys with modifiers and the mouse are what they were.
    session.keys("\u{1b}[1;5D\u{1b}[A\u{1b}OB\u{1b}[Z");
    session.shows("Cached features");
    session.keys("\u{1b}[<0;5;3M\u{1b}[<0;5;3m");
    session.shows("No data yet");
    session.keys(":");
    session.shows("Commands");
    session.keys("\u{1b}");
    session.until("no list of commands", |screen| !screen.contains("Commands"));
    session.keys("q");
    assert!(session.ends().success());
}

#[test]
fn on_a_tiny_terminal_only_quitting_and_a_new_size_have_an_effect() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    terminal_many::fabricate(folder.path(), 1);
    let mut session = Session::start(folder.path(), &[], &[], 80, 24);
    session.keys("7");
    session.shows("dense-1");
    session.resize(20, 5);
    session.shows("faceprobe needs");
    session.keys("Dy");
    std::thread::sleep(Duration::from_millis(500));
    assert!(folder.path().join("runs/dense-1/spec.json").is_file());
    session.resize(80, 24);
    session.shows("dense-1");
    assert!(!session.text().contains("Remove dense-1?"));
    // Where it can be seen, the run goes to the trash, and comes back.
    session.keys("D");
    session.shows("Remove dense-1?");
    session.keys("y");
    session.shows("moved to the trash");
    assert!(folder.path().join("runs/.trash/dense-1/result.json").is_file());
    session.keys("u");
    session.shows("dense-1 was restored");
    assert!(folder.path().join("runs/dense-1/result.json").is_file());
    session.keys("q");
    assert!(session.ends().success());
}

#[test]
fn an_idle_workbench_writes_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let session = Session::start(folder.path(), &[], &[], 80, 24);
    session.shows("No data yet");
    std::thread::sleep(Duration::from_millis(2500));
    let before = *session.bytes.lock().unwrap_or_else(PoisonError::into_inner);
    std::thread::sleep(Duration::from_secs(2));
    let after = *session.bytes.lock().unwrap_or_else(PoisonError::into_inner);
    assert_eq!(before, after, "bytes were written while nothing happened");
}

#[test]
fn a_termination_signal_restores_the_terminal() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut session = Session::start(folder.path(), &[], &[], 80, 24);
    session.shows("No data yet");
    let pid = session.child.process_id().expect("a running child").to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &pid]).status().is_ok_and(|status| status.success()));
    assert!(!session.ends().success(), "the shell is told of the signal");
    let begun = Instant::now();
    while session.in_full_screen() && begun.elapsed() < Duration::from_secs(5) {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(!session.in_full_screen());
}

#[test]
fn a_dumb_terminal_gets_a_sentence() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut session = Session::start(folder.path(), &[], &[("TERM", "dumb")], 80, 24);
    session.shows("subcommands");
    assert_eq!(session.ends().exit_code(), 2);
}

#[test]
fn the_demo_runs_on_the_screen_survives_its_viewer_and_ends_with_a_prediction() {
    let weights = std::process::Command::new(env!("CARGO_BIN_EXE_faceprobe"))
        .args(["--json", "weights", "list"])
        .output()
        .expect("the binary starts");
    if !String::from_utf8_lossy(&weights.stdout).contains("\"present\": true") {
        eprintln!("skipped: the weights of efficientnet-lite0 are not here; 'make test' fetches them");
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut session = Session::start(folder.path(), &["demo", "--images", "200"], &[], 120, 40);
    session.shows("SYNTHETIC");
    session.shows("benchmark-1");
    // The line drops in the middle of the training: the viewer is killed, the run goes on, and the next viewer shows it.
    session.child.kill().expect("the viewer is killed");
    session.ends();
    drop(session);
    let mut session = Session::start(folder.path(), &[], &[], 120, 40);
    session.keys("4");
    session.until("a finished table", |screen| {
        ["benchmark-1", "logistic-1", "dense-1"].iter().all(|run| screen.contains(run))
            && !screen.contains("not opened")
            && !screen.contains("running")
    });
    // c on a row makes it the model for predictions; a pasted path is predicted with it.
    session.keys("c");
    session.keys("6");
    session.shows("Prediction");
    let picture = folder.path().join("ein Bild mit Umlaut äöü.png");
    image::RgbImage::from_pixel(64, 64, image::Rgb([120, 90, 80])).save(&picture).expect("a picture");
    session.keys(&format!("\u{1b}[200~{}\u{1b}[201~\r", picture.display()));
    session.until("a prediction", |screen| screen.contains("threshold") && screen.contains('%'));
    session.keys("q");
    assert!(session.ends().success());
}

#[test]
fn keys_of_a_configuration_hold_in_footer_help_and_palette_and_a_click_is_a_key() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("mine.toml");
    let text = "[keys]\nglobal.help = 'F2'\nglobal.quit = ['Q', 'ctrl-q']\ndata.demo = 'x'\n[screen]\ntheme = 'mono'\n";
    std::fs::write(&file, text).expect("a file");
    let named = file.to_string_lossy().into_owned();
    let environment = [("FACEPROBE_CONFIG", named.as_str())];
    let mut session = Session::start(folder.path(), &[], &environment, 100, 30);
    session.until("the bound keys in the footer", |screen| screen.contains("F2 help") && screen.contains("Q quit"));
    // The keys that were given up do nothing any more.
    session.keys("q?d");
    session.keys("\u{1b}OQ");
    session.shows("Type to search");
    session.keys("quit");
    session.shows("Q Ctrl-Q");
    session.keys("\u{1b}");
    session.until("the whole help", |screen| screen.contains("Type to search"));
    std::thread::sleep(Duration::from_millis(500));
    session.keys("\u{1b}");
    session.until("the screen", |screen| !screen.contains("Type to search"));
    session.keys(":drawn");
    session.until("the demo under its key", |screen| {
        screen.lines().any(|line| line.contains("demo:") && line.contains(" x "))
    });
    std::thread::sleep(Duration::from_millis(500));
    session.keys("\u{1b}");
    session.until("the screen", |screen| !screen.contains("demo: Runs"));
    let screen = session.text();
    let (row, line) = screen.lines().enumerate().find(|(_, line)| line.contains("Q quit")).expect("the footer");
    let column = line[..line.find("Q quit").expect("the key")].chars().count();
    session.keys(&format!("\u{1b}[<0;{};{}M\u{1b}[<0;{};{}m", column + 1, row + 1, column + 1, row + 1));
    assert!(session.ends().success(), "a click on quit quits");
    let raw = session.raw.lock().unwrap_or_else(PoisonError::into_inner).clone();
    assert!(!String::from_utf8_lossy(&raw).contains("\u{1b}[38;2"), "the theme is the configured one");
    // A configuration that is wrong is told before anything is drawn.
    std::fs::write(&file, "[keys]\nruns.stop = 'D'\n").expect("a file");
    let mut session = Session::start(folder.path(), &[], &environment, 100, 30);
    assert_eq!(session.ends().exit_code(), 2);
    session.until("the sentence", |screen| screen.contains("mine.toml:2:13: runs.stop: D is runs.remove"));
}
