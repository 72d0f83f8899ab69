//! A study as a file, through the real binary: run once and nothing twice, killed and gone on with, changed, exported and
//! run again in an empty workspace. MobileNetV2 has weights made here.

#[path = "support/made_up.rs"]
mod made_up;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

/// Two data sets, decisions about images, a cross-validation, four kinds of model, seeds, a sweep, an ensemble, refits, an
/// evaluation elsewhere, a choice that is fitted elsewhere, a report; as small as it can be. `DROPPED` and `RELABELLED` stand
/// for images.
const STUDY: &str = r#"title = "Small"
[sample]
images = 200
size = 48
[data.faces]
source = "adience:data/sample"
train = 60
val = 30
test = 30
decisions = ["drop DROPPED", "relabel RELABELLED male"]
[data.others]
source = "adience:data/sample"
split = "subject"
train = 50
val = 20
test = 20
[data.cross]
source = "adience:data/sample"
split = "folds"
[features.last]
backbone = "mobilenet-v2"
[model.bench]
kind = "benchmark"
data = ["faces", "cross"]
pool = 8
filters = 4
epochs = 2
seeds = [1, 2]
open_test = true
[model.line]
kind = "logistic"
data = "faces"
features = "last"
alphas = [100]
open_test = true
[model.head]
kind = "dense"
data = "faces"
features = "last"
width = 16
epochs = 3
seeds = [1, 2, 3]
[model.tuned]
kind = "finetune"
data = "faces"
backbone = "mobilenet-v2"
cut = 17
epochs = 1
seeds = [1, 2]
[sweep.many]
data = "faces"
features = "last"
width = [8, 16]
epochs = 2
seeds = [1, 2]
open_test = true
[ensemble.both]
of = "tuned"
open_test = true
[refit.more]
of = ["tuned", "both", "bench_alone", "many:1"]
open_test = true
[model.bench_alone]
kind = "benchmark"
data = "faces"
pool = 8
filters = 6
epochs = 1
[evaluate.abroad]
of = ["line", "bench_alone"]
on = "others"
[choose]
of = ["head", "line"]
threshold = "youden"
on = "others"
images = 12
[report]
"#;

/// A folder with weights, a study, and workspaces.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        let weights = place.at("made-up.safetensors");
        made_up::weights("mobilenet-v2", &weights);
        let workspace = place.workspace("first");
        ok(place.command(&workspace, &["weights", "import", "mobilenet-v2", &weights.to_string_lossy()]));
        fs::write(place.at("study.toml"), place.study()).expect("a study");
        place
    }

    /// The study with the images of its sample, which are the same wherever it is drawn.
    fn study(&self) -> String {
        let [sample, data] = ["[sample]", "[data.faces]"].map(|table| STUDY.find(table).expect("a table"));
        let faces = &STUDY[data..STUDY.find("decisions").expect("decisions")];
        fs::write(self.at("drawn.toml"), format!("{}{faces}", &STUDY[sample..data])).expect("a study");
        let drawn = self.workspace("drawn");
        ok(self.command(&drawn, &["--quiet", "study", "run", "drawn.toml"]));
        let manifest = fs::read_to_string(drawn.join("data/prepared/faces/manifest.csv")).expect("a manifest");
        let women = manifest.lines().filter(|line| line.contains(",female,train,"));
        let hashes: Vec<&str> = women.filter_map(|line| line.rsplit(',').next()).collect();
        STUDY.replace("DROPPED", hashes[0]).replace("RELABELLED", hashes[1])
    }

    /// What predict uses, but for when it was chosen and what its runs are called.
    fn chosen(&self, workspace: &Path) -> Value {
        let text = fs::read_to_string(workspace.join("runs/chosen.json")).expect("a choice");
        let mut choice: Value = serde_json::from_str(&text).expect("JSON");
        for name in ["at", "run", "checksum"] {
            choice[name] = Value::Null;
        }
        choice["adapted"]["evaluation"] = Value::Null;
        choice
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn workspace(&self, name: &str) -> PathBuf {
        let path = self.at(name);
        fs::create_dir_all(&path).expect("a workspace");
        path
    }

    fn command(&self, workspace: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_faceprobe"));
        command.env("FACEPROBE_WEIGHTS", self.at("weights")).current_dir(self.folder.path()).stdin(Stdio::null());
        command.arg("--workspace").arg(workspace).args(args);
        command
    }

    fn json(&self, workspace: &Path, args: &[&str]) -> Value {
        let text = ok(self.command(workspace, &[args, &["--json"]].concat()));
        serde_json::from_str(&text).expect("standard output is one JSON value")
    }
}

fn output(mut command: Command) -> Output {
    command.output().expect("the binary starts")
}

fn ok(command: Command) -> String {
    let output = output(command);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What must be the same of two tables: all but the names, times and places of runs.
fn table(rows: &Value) -> Vec<String> {
    let fields = [
        "kind",
        "backbone",
        "tap",
        "pool",
        "settings",
        "dataset",
        "manifest_sha256",
        "seed",
        "epochs",
        "best_epoch",
        "train_accuracy",
        "val_accuracy",
        "test_accuracy",
        "threshold",
        "after_test_openings",
        "status",
    ];
    let row = |row: &Value| fields.map(|field| format!("{field}={}", row[field])).join(" ");
    // Members are told by the names of their runs.
    let unnamed = |row: String| match (row.find("members "), row.find("; tap")) {
        (Some(from), Some(to)) => format!("{}{}", &row[..from], &row[to..]),
        _ => row,
    };
    let mut rows: Vec<String> = rows.as_array().expect("rows").iter().map(row).map(unnamed).collect();
    rows.sort();
    rows
}

fn steps(told: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    told["steps"].as_array().expect("steps").iter().map(|step| (text(&step["step"]), text(&step["state"]))).collect()
}

fn runs(workspace: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(workspace.join("runs"))
        .expect("runs")
        .flatten()
        .filter(|entry| entry.path().join("spec.json").is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// The processes that work on runs of a workspace.
fn workers(workspace: &Path) -> Vec<i32> {
    let entries = fs::read_dir("/proc").expect("processes").flatten();
    let named = entries.filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path())));
    let works = |path: &Path| {
        let words = fs::read(path.join("cmdline")).unwrap_or_default();
        let words: Vec<&[u8]> = words.split(|byte| *byte == 0).collect();
        words.get(1) == Some(&&b"run"[..]) && words.get(2) == Some(&workspace.as_os_str().as_encoded_bytes())
    };
    named.filter(|(_, path)| works(path)).map(|(pid, _)| pid).collect()
}

#[test]
fn a_study_is_run_killed_changed_exported_and_run_again_to_the_same_table() {
    let place = Place::new();
    let first = place.workspace("first");
    let todo = steps(&place.json(&first, &["study", "status", "study.toml"]));
    assert!(todo.len() > 30 && todo.iter().all(|(_, state)| state == "to-do"), "{todo:?}");
    assert!(!first.join("runs").exists(), "a look makes nothing");
    let told = place.json(&first, &["study", "run", "study.toml"]);
    assert!(steps(&told).iter().all(|(_, state)| state == "done"), "{told}");
    let rows = told["results"].as_array().expect("rows");
    // 2 + 10 benchmarks, one more, a regression, 3 heads, 2 tuned, 4 heads, an ensemble, 5 refits.
    assert_eq!(rows.len(), 2 + 10 + 1 + 1 + 3 + 2 + 4 + 1 + 5, "{}", table(&told["results"]).join("\n"));
    assert!(rows.iter().all(|row| row["after_test_openings"] == 0), "test splits are opened when all is trained");
    let opened = |kind: &str| rows.iter().filter(|row| row["kind"] == kind && row["test_accuracy"].is_f64()).count();
    // Of four heads of the sweep the two of the best setting, and the refit of one of them.
    assert_eq!((opened("dense"), opened("finetune")), (3, 4), "{}", table(&told["results"]).join("\n"));
    let report = fs::read_to_string(first.join("report/report.md")).expect("a report");
    assert!(
        report.contains("[choose]")
            && report.contains("\"relabel ")
            && report.contains("fitted on 12 images of others")
    );
    let choice = place.chosen(&first);
    assert!(choice["criterion"] == "youden" && choice["adapted"]["images"] == 12, "{choice}");
    assert_eq!(choice["after_test_openings"], 0, "the model is chosen before any test split is opened");
    let account: Value =
        serde_json::from_str(&ok(place.command(&first, &["data", "show", "faces", "--json"]))).expect("JSON");
    assert_eq!(account["followed"].as_array().map(Vec::len), Some(2), "{account}");
    assert!(!first.join("data/decisions.csv").exists(), "the workspace's own decisions are the person's");

    // Again: nothing.
    let made = runs(&first);
    assert_eq!(place.json(&first, &["study", "run", "study.toml"]), told);
    assert_eq!(runs(&first), made);
    let text = ok(place.command(&first, &["study", "run", "study.toml"]));
    assert!(text.contains("benchmark-1") && text.contains("Accuracies are at the threshold"), "{text}");

    // Killed: `study run`, its worker, both; and the table is the same.
    let killed = place.workspace("killed").canonicalize().expect("a folder");
    for (number, wait) in [150, 900, 400, 1500, 700, 2500].into_iter().enumerate() {
        let mut command = place.command(&killed, &["--quiet", "study", "run", "study.toml"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the binary starts");
        std::thread::sleep(Duration::from_millis(wait));
        if number % 3 != 0 {
            for pid in workers(&killed) {
                // It may have ended by itself.
                let _ = Pid::from_raw(pid).map(|pid| kill_process(pid, Signal::KILL));
            }
        }
        child.kill().expect("it is killed");
        child.wait().expect("it has ended");
    }
    let again = place.json(&killed, &["study", "run", "study.toml"]);
    assert_eq!(table(&again["results"]), table(&told["results"]));
    assert_eq!(steps(&again), steps(&told));
    assert_eq!(place.chosen(&killed), choice);
    let all = place.json(&killed, &["results"]);
    assert_eq!(all.as_array().map(Vec::len), Some(rows.len()), "nothing was trained twice");

    // What a workspace holds, in an empty one.
    ok(place.command(&first, &["study", "export", "exported.toml"]));
    let exported = place.json(&first, &["study", "status", "exported.toml"]);
    assert!(steps(&exported).iter().all(|(_, state)| state == "done"), "{exported}");
    assert_eq!(exported["others"], serde_json::json!([]));
    let second = place.workspace("second");
    let again = place.json(&second, &["study", "run", "exported.toml", "--jobs", "3"]);
    assert_eq!(table(&again["results"]), table(&told["results"]));
    assert_eq!(place.chosen(&second), choice);

    // What a person decides in the workspace is for what is prepared by hand, and in the file of what there is.
    let hash = fs::read_to_string(second.join("data/prepared/faces/manifest.csv")).expect("a manifest");
    let hash = hash.lines().last().and_then(|line| line.rsplit(',').next()).expect("a hash");
    ok(place.command(&second, &["data", "decide", hash, "drop"]));
    let source = format!("adience:{}", second.join("data/sample").display());
    let sizes = ["--train", "60", "--val", "30", "--test", "30"];
    ok(place.command(&second, &[&["data", "prepare", "--source", &source, "--name", "faces"], &sizes[..]].concat()));
    let status = place.json(&second, &["study", "status", "exported.toml"]);
    assert!(steps(&status).iter().all(|(_, state)| state == "done"), "{status}");
    let file = ok(place.command(&second, &["study", "export"]));
    assert!(file.contains("[data.faces-2]") && file.contains(&format!("\"drop {hash}\"")), "{file}");
    // Another choice by hand is to be made anew.
    ok(place.command(&second, &["choose", "logistic-1", "--threshold", "0.5"]));
    let status = place.json(&second, &["study", "status", "exported.toml"]);
    let left: Vec<_> = steps(&status).into_iter().filter(|(_, state)| state != "done").collect();
    assert!(left.iter().any(|(step, _)| step == "choose") && left.len() <= 2, "{left:?}");
    ok(place.command(&second, &["study", "run", "exported.toml"]));
    assert_eq!(place.chosen(&second)["criterion"], "youden");

    // Changed: what is asked for otherwise is to do, the rest is done, and what was there stays and is said.
    let study = fs::read_to_string(place.at("study.toml")).expect("the study");
    let changed = study.replace("filters = 6", "filters = 5").replace("width = [8, 16]", "width = [8, 16, 24]");
    fs::write(place.at("study.toml"), changed).expect("a study");
    let status = place.json(&first, &["study", "status", "study.toml"]);
    let left: Vec<String> =
        steps(&status).into_iter().filter(|(_, state)| state != "done").map(|(step, _)| step).collect();
    assert!(
        left.contains(&"model bench_alone, seed 1".to_owned()) && left.contains(&"sweep many".to_owned()),
        "{left:?}"
    );
    let state = |name: &str| steps(&status).into_iter().find(|(step, _)| step == name).map(|(_, state)| state);
    assert_eq!(state("model bench_alone, seed 1").as_deref(), Some("changed"));
    assert_eq!(state("model tuned, seed 2").as_deref(), Some("done"));
    let run = output(place.command(&first, &["study", "run", "study.toml"]));
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success() && said.contains("The file does not ask for benchmark-"), "{said}");
    let more = runs(&first);
    assert!(made.iter().all(|run| more.contains(run)), "what was there stays");
    // One benchmark with its refit, two heads, tests of what is new, evaluations; no sweep of its own.
    assert!(!more.contains(&"sweep-2".to_owned()) && more.iter().filter(|run| run.starts_with("dense")).count() >= 10);
}

#[test]
fn a_broken_file_is_refused_before_anything_runs() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("s.toml");
    let hashes = [("DROPPED", "0".repeat(64)), ("RELABELLED", "1".repeat(64))];
    let study = hashes.iter().fold(STUDY.to_owned(), |text, (name, hash)| text.replace(name, hash));
    let broken = study.replace("filters = 4", "fliters = 4").replace("cut = 17", "cut = 99");
    fs::write(&file, broken).expect("a study");
    for verb in ["run", "status"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_faceprobe"));
        command.arg("--workspace").arg(folder.path()).args(["study", verb]).arg(&file).stdin(Stdio::null());
        let refused = output(command);
        let said = String::from_utf8_lossy(&refused.stderr);
        assert_eq!(refused.status.code(), Some(2), "{said}");
        assert!(said.contains("s.toml:26:1: fliters is not known in [model.bench]; did you mean filters?"), "{said}");
        assert!(said.contains("s.toml:47:7: "), "{said}");
    }
    assert!(!folder.path().join("runs").exists());
}

#[test]
fn what_cannot_be_done_is_said_and_the_rest_is_done() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let study = r#"[sample]
images = 100
size = 32
[data.faces]
source = "adience:data/sample"
train = 40
val = 20
test = 20
[data.more]
source = "adience:data/sample"
train = 4000
val = 20
test = 20
[model.bench]
kind = "benchmark"
data = ["more", "faces"]
pool = 16
filters = 2
epochs = 1
open_test = true
"#;
    let file = folder.path().join("s.toml");
    let command = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_faceprobe"));
        command.arg("--workspace").arg(folder.path()).args(args).stdin(Stdio::null());
        command
    };
    fs::write(&file, study).expect("a study");
    let path = file.to_string_lossy().into_owned();
    for _ in 0..2 {
        let run = output(command(&["--quiet", "study", "run", &path]));
        let said = String::from_utf8_lossy(&run.stderr);
        assert_eq!(run.status.code(), Some(1), "{said}");
        assert!(said.contains("data more: ") && said.contains("4 steps of the study are left to do"), "{said}");
        assert!(String::from_utf8_lossy(&run.stdout).contains("benchmark-1"), "the table has what was done");
    }
    assert!(!folder.path().join("runs/benchmark-2").exists() && !folder.path().join("runs/test-1").exists());
    // A set of that name with other options is not replaced: there is another version.
    let before = fs::read(folder.path().join("data/prepared/faces/manifest.csv")).expect("a manifest");
    fs::write(&file, study.replace("[data.faces]", "[data.faces]\nseed = 2").replace("4000", "40")).expect("a study");
    let run = output(command(&["--quiet", "study", "run", &path]));
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{said}");
    assert!(folder.path().join("data/prepared/faces@2/manifest.csv").exists());
    assert_eq!(fs::read(folder.path().join("data/prepared/faces/manifest.csv")).expect("a manifest"), before);
}
