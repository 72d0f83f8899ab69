//! The views of the workbench in a pseudo-terminal: a study done step by step, a map of features looked at.

#[allow(dead_code, reason = "other tests use the rest of it")]
#[path = "support/coloured.rs"]
mod coloured;
#[path = "support/made_up.rs"]
mod made_up;
#[allow(dead_code, reason = "other tests use the rest of it")]
#[path = "support/session.rs"]
mod session;

use coloured::{command, ok, pictures};
use session::Session;
use std::fs;

const STUDY: &str = r#"
[data.colours]
source = ["folder:raw"]

[model.benchmark]
pool = 4
epochs = 2
"#;

#[test]
fn a_study_is_done_step_by_step_and_a_version_of_another_terminal_is_taken_by_a_key() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path();
    pictures(&at.join("raw"), 0..40);
    fs::write(at.join("colours.toml"), STUDY).expect("a study");
    fs::write(at.join("Cargo.toml"), "[package]\nname = \"no study\"\n").expect("a file");
    let mut session = Session::start(at, &[], 120, 40);
    session.shows("7 Runs");
    session.keys("Y");
    session.shows("colours.toml · 0 of 2 done");
    // What needs another step first is not started.
    session.keys("j\r");
    session.shows("model benchmark, seed 1 needs data colours first.");
    session.keys("k\r");
    session.shows("1 of 2 done");
    session.keys("j\r");
    session.shows("2 of 2 done");
    session.shows("benchmark-1");
    // The run knows which step it is, here and on the command line.
    assert!(ok(at, &["study", "status", "colours.toml"]).contains("2 of 2 steps are done"));
    session.keys("7");
    session.shows("step of a study: model benchmark, seed 1");

    ok(at, &["--quiet", "data", "prepare", "--source", "folder:raw", "--name", "colours", "--seed", "9"]);
    session.shows("Another terminal has prepared colours@2; U changes to it");
    session.keys("3n");
    session.shows("Train: Dense head");
    // The plain name means the second version now, there and here; the first one is still what is looked at.
    session.shows("colours@1");
    session.keys("\u{1b}");
    session.until("a closed form", |text| !text.contains("Train: Dense head"));
    session.keys("U");
    session.shows("colours@2 is the current version now.");
    assert!(ok(at, &["data", "list"]).contains("colours@2"));
    session.keys("q");
    assert!(session.ends().success());
}

#[test]
fn a_map_is_looked_at_and_images_are_chosen_on_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path();
    pictures(&at.join("raw"), 0..40);
    let file = at.join("made-up.safetensors");
    made_up::weights("efficientnet-lite0", &file);
    let done = |args: &[&str]| {
        let output = command(at).env("FACEPROBE_WEIGHTS", at.join("weights")).arg("--quiet").args(args).output();
        assert!(output.expect("the binary starts").status.success(), "{args:?}");
    };
    done(&["weights", "import", "efficientnet-lite0", &file.to_string_lossy()]);
    done(&["data", "prepare", "--source", "folder:raw", "--name", "colours"]);
    done(&["features", "map", "--method", "pca", "--to", "map.svg"]);
    done(&["train", "knn"]);
    let mut session = Session::start(at, &["--image-protocol", "halfblocks"], 120, 40);
    session.shows("7 Runs");
    session.keys("M");
    session.shows("PCA of efficientnet-lite0, 80 images · colours");
    session.shows("female 40");
    session.keys("c");
    session.shows("train 48");
    // Drawn over the whole plane by the mouse: press, drag, let go.
    session.keys("\u{1b}[<0;24;4M\u{1b}[<32;60;20M\u{1b}[<32;82;34M\u{1b}[<0;82;34m");
    session.shows("images are selected");
    let text = session.text();
    let said = text.split(" images are selected").next().and_then(|before| before.split(' ').next_back());
    let chosen: usize = said.and_then(|count| count.trim().parse().ok()).expect("a count");
    assert!((60..=80).contains(&chosen), "nearly all: {chosen}");
    session.keys("e");
    session.shows("Write the map or the selected images");
    session.keys("\r");
    session.shows("Saved in");
    let list = fs::read_to_string(at.join("chosen.txt")).expect("a list");
    assert!(list.lines().count() == chosen && list.lines().all(|path| fs::metadata(path).is_ok()), "{list}");
    // Decisions about them, which the command line takes.
    session.keys("e\u{15}doubtful.csv\r");
    session.shows("Decision about each selected image");
    session.keys("\r");
    session.shows("'faceprobe data decide --from' takes it");
    let decided: serde_json::Value =
        serde_json::from_str(&ok(at, &["data", "decide", "--from", "doubtful.csv", "--json"])).expect("JSON");
    assert_eq!(decided["decisions"], chosen);
    // The other screens show only these, until a key there says otherwise.
    session.keys("i");
    session.shows(&format!("{chosen} of 80 images of colours · all classes · all splits · selected"));
    session.keys("m");
    session.shows("80 images of colours · all classes · all splits");
    session.keys("5");
    session.until("all mistakes", |text| text.contains("Mistakes ") && !text.contains(" selected"));
    session.keys("m");
    session.until("mistakes of the selection", |text| text.contains("Mistakes ") && text.contains(" selected  worst"));
    session.keys("M");
    session.shows(&format!("{chosen} selected"));
    session.keys("\u{1b}");
    session.shows("Under the cursor");
    for (columns, rows) in [(40, 12), (200, 60), (80, 24)] {
        session.resize(columns, rows);
        session.shows("48");
    }
    session.keys("q");
    assert!(session.ends().success());
}
