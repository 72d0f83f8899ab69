//! Journals of any length and state: readers reach the end, only valid summaries are used, a damaged run hides no
//! other, and a series of runs does not repeat its parts' events.

#[path = "support/program.rs"]
mod program;

use faceprobe_core::model::DenseSettings;
use faceprobe_core::run::view::Status;
use faceprobe_core::run::{Facts, History, JobSpec, ModelSpec, RunFolder, RunView, Spec};
use faceprobe_core::workspace::Workspace;
use program::{json, ok, run};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

const PIECE: usize = 4 << 20;

/// A line that a work of many images writes.
fn progress(done: usize) -> String {
    format!(
        "{{\"at\":1767000000000,\"event\":\"progress\",\"done\":{done},\"total\":9999999,\"unit\":\"images\",\"rate\":312.5,\
         \"remaining\":17.25}}\n"
    )
}

/// Lines of progress of exactly so many bytes together, the last one padded.
fn filler(bytes: usize) -> String {
    let mut text = String::with_capacity(bytes);
    while bytes - text.len() > 1000 {
        text += &progress(text.len());
    }
    let last = progress(1);
    let spaces = " ".repeat(bytes - text.len() - last.len());
    text + last.trim_end() + &spaces + "\n"
}

/// Pictures of ten people in five folds, whose classes differ in colour.
fn album(workspace: &Path) -> String {
    let raw = workspace.join("raw");
    fs::create_dir_all(&raw).expect("a folder");
    let mut text = "path,label,subject,fold\n".to_owned();
    for person in 0..20u32 {
        for number in 0..3u32 {
            let picture = image::RgbImage::from_fn(40, 40, |x, y| {
                let texture = ((x * 7 + y * 13 + person * 31 + number * 5) % 60) as u8;
                if person % 2 == 0 { image::Rgb([180, texture, 40]) } else { image::Rgb([40, texture, 180]) }
            });
            picture.save(raw.join(format!("{person}-{number}.png"))).expect("a picture");
            text +=
                &format!("{person}-{number}.png,{},p{person},{}\n", ["f", "m"][person as usize % 2], person / 2 % 5);
        }
    }
    fs::write(raw.join("labels.csv"), text).expect("labels");
    format!("csv:{}", raw.join("labels.csv").display())
}

#[test]
fn a_finished_run_is_finished_however_long_its_journal_is_and_whatever_is_in_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path();
    ok(at, &["data", "prepare", "--source", &album(at), "--name", "album"]);
    ok(at, &["--quiet", "train", "benchmark", "--pool", "4", "--epochs", "2"]);
    let run_folder = at.join("runs/benchmark-1");
    let journal = run_folder.join("events.jsonl");
    let summary = run_folder.join("summary.json");
    assert!(summary.is_file(), "the worker leaves one when it ends");
    let original = fs::read_to_string(&journal).expect("the journal");
    let (before, last) = original.trim_end().rsplit_once('\n').expect("more than one line");
    let (before, last) = (format!("{before}\n"), format!("{last}\n"));
    assert!(last.contains("\"finished\""), "{last}");
    let with = |middle: &[u8]| [before.as_bytes(), middle, last.as_bytes()].concat();
    let shapes: Vec<(&str, Vec<u8>)> = vec![
        ("over one piece", with(filler(5 << 20).as_bytes())),
        ("over three pieces", with(filler(13 << 20).as_bytes())),
        ("a line end where a piece ends", with(filler(PIECE - before.len()).as_bytes())),
        ("an end where a piece ends", with(filler(PIECE - before.len() - last.len()).as_bytes())),
        ("a torn last line", [with(filler(5 << 20).as_bytes()), progress(7)[..30].into()].concat()),
        ("garbage", with(&[filler(PIECE).as_bytes(), b"\xff\xfe{]\n{\"at\":}\n[[[[\n\n\x1b[2J\n".as_slice()].concat())),
        ("zeros before the last word", with(&[filler(PIECE).as_bytes(), &vec![0; 5 << 20]].concat())),
        ("a line longer than a piece", with(&[&vec![b'x'; 9 << 20], b"\n".as_slice()].concat())),
    ];
    for (name, bytes) in shapes {
        fs::write(&journal, &bytes).expect("the journal is written");
        for left in ["without a summary", "with the one that a reader left"] {
            let table = json(at, &["results", "--json"]);
            assert_eq!(table[0]["status"], "done", "{name}, {left}");
            let listed = json(at, &["runs", "list", "--json"]);
            assert_eq!(
                (&listed[1]["run"], &listed[1]["status"]),
                (&"benchmark-1".into(), &"done".into()),
                "{name}, {left}"
            );
            assert!(listed[1]["outcome"].as_str().is_some_and(|text| text.contains("val@")), "{listed}");
            assert!(summary.is_file(), "{name}: a reader of a long journal leaves a summary");
        }
        let shown = json(at, &["runs", "show", "benchmark-1", "--json"]);
        assert_eq!(shown["epochs"].as_array().map(Vec::len), Some(2), "{name}");
        let resumed = run(at, &["runs", "resume", "benchmark-1"]);
        assert_eq!(resumed.status.code(), Some(1), "{name}");
        assert!(String::from_utf8_lossy(&resumed.stderr).contains("is done"), "{name}");
        fs::remove_file(&summary).expect("it goes");
        let image = at.join("raw/0-0.png").display().to_string();
        assert_eq!(json(at, &["predict", &image, "--json"])[0]["error"], Value::Null, "{name}");
        let _ = fs::remove_file(&summary);
    }
    let found = RunFolder::find(&Workspace::open(at).expect("a workspace"), "benchmark-1").expect("a run");
    // A journal that was lost, all of it or its end: the result says what the run came to, as before.
    fs::write(&journal, &original).expect("the journal is written");
    let whole = json(at, &["results", "--json"]);
    for lost in ["", &before] {
        let _ = fs::remove_file(&summary);
        fs::write(&journal, lost).expect("the journal is written");
        assert_eq!(json(at, &["results", "--json"]), whole, "{lost:?}");
        // Who follows it hears of no change where there is none.
        let mut view = RunView::open(found.clone()).expect("a run");
        let looks: Vec<bool> = (0..3).map(|_| view.refresh().expect("it can be read")).collect();
        assert_eq!((view.status, looks), (Status::Done, vec![false; 3]), "{lost:?}");
    }
}

/// A dense training with a journal of about 600 kB.
fn long(workspace: &Workspace, outcome: &str) -> RunFolder {
    let features = faceprobe_core::features::FeatureSpec::of_backbone("efficientnet-lite0");
    let job = JobSpec::train("album", ModelSpec::new(features, DenseSettings::default()));
    let made = RunFolder::create(workspace, &Spec::new(job, 1, "cpu")).expect("a run");
    let at = 1_767_000_000_000i64 + outcome.len() as i64;
    let mut text = format!("{{\"at\":{at},\"event\":\"started\",\"pid\":1,\"threads\":1}}\n");
    for epoch in 1..=20 {
        text += &filler(30_000);
        text += &format!(
            "{{\"at\":{at},\"event\":\"epoch\",\"epoch\":{epoch},\"epochs\":20,\"train_loss\":0.5,\"train_accuracy\":0.75,\
             \"val_loss\":0.5,\"val_accuracy\":0.{epoch:02},\"seconds\":1.5}}\n"
        );
    }
    text += &format!("{{\"at\":{at},\"event\":\"finished\",\"summary\":\"{outcome}\",\"seconds\":9.0}}\n");
    fs::write(made.events_path(), text).expect("a journal");
    made
}

fn view(run: &RunFolder) -> (Status, Facts) {
    let view = RunView::open(run.clone()).expect("a run");
    (view.status, view.facts().clone())
}

#[test]
fn only_a_summary_of_this_journal_is_used() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let workspace = Workspace::open(folder.path()).expect("a workspace");
    let made = long(&workspace, "well");
    let (journal, summary) = (made.events_path(), made.path().join("summary.json"));
    let (status, facts) = view(&made);
    assert_eq!((status, facts.outcome.as_deref()), (Status::Done, Some("well")));
    assert_eq!(facts.best.map(|best| (best.epoch, best.accuracy)), Some((20, 0.2)));
    assert!(summary.is_file());
    let text = fs::read(&journal).expect("the journal");

    // It is believed: what lies in the middle of the journal is not read again.
    let mut middle = text.clone();
    middle[1000..500_000].fill(b'x');
    fs::write(&journal, &middle).expect("a file");
    assert_eq!(view(&made), (Status::Done, facts.clone()));
    fs::write(&journal, &text).expect("a file");

    // An older one: what came since is taken in.
    let more =
        b"{\"at\":1767000000999,\"event\":\"started\",\"pid\":1,\"threads\":1}\n{\"at\":1767000001999,\"event\":\
                 \"stopped\",\"seconds\":1.0}\n";
    fs::write(&journal, [text.as_slice(), more].concat()).expect("a file");
    let (status, later) = view(&made);
    assert_eq!((status, later.last_epoch, later.outcome), (Status::Stopped, facts.last_epoch, None));
    fs::write(&journal, &text).expect("a file");

    // A garbled one, wherever a byte of it is another.
    let good = fs::read(&summary).expect("the summary");
    for at in (0..good.len()).step_by(7) {
        let mut bad = good.clone();
        bad[at] = if bad[at] == b'1' { b'2' } else { b'1' };
        fs::write(&summary, &bad).expect("a file");
        assert_eq!(view(&made), (Status::Done, facts.clone()), "byte {at}");
    }
    for bad in [&b""[..], b"{}", b"null", b"\xff\xff", &good[..good.len() - 1], &good[..100]] {
        fs::write(&summary, bad).expect("a file");
        assert_eq!(view(&made), (Status::Done, facts.clone()));
    }

    // A journal that was cut, and one that has grown as long again with other words.
    let cut = text.len() - text.rsplit(|&byte| byte == b'\n').nth(1).map_or(0, |line| line.len() + 1);
    let as_long = "x".repeat(text.len() - cut - 1) + "\n";
    for rest in [String::new(), as_long, filler(2000)] {
        fs::write(&summary, &good).expect("a file");
        fs::write(&journal, [&text[..cut], rest.as_bytes()].concat()).expect("a file");
        assert_eq!(view(&made).0, Status::Interrupted, "{} bytes more", rest.len());
    }
    // Another journal in its place.
    let other = long(&workspace, "quite well");
    fs::write(&summary, &good).expect("a file");
    fs::copy(other.events_path(), &journal).expect("a copy");
    assert_eq!(view(&made), view(&other));
    // The summary of another run.
    fs::write(&journal, &text).expect("a file");
    fs::copy(other.path().join("summary.json"), &summary).expect("a copy");
    assert_eq!(view(&made), (Status::Done, facts.clone()));

    // One that cannot be written or read is no loss.
    fs::remove_file(&summary).expect("it goes");
    fs::create_dir(&summary).expect("a folder");
    assert_eq!(view(&made), (Status::Done, facts));
    assert_eq!(History::read(&made).expect("the history").epochs.len(), 20);
}

#[test]
fn a_follower_notices_that_a_longer_journal_was_replaced() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let workspace = Workspace::open(folder.path()).expect("a workspace");
    let made = long(&workspace, "well");
    let mut view = RunView::open(made.clone()).expect("a run");
    assert!(!view.refresh().expect("it can be read"), "nothing is new");
    fs::write(made.events_path(), "{\"at\":5,\"event\":\"started\",\"pid\":1,\"threads\":1}\n").expect("a file");
    assert!(view.refresh().expect("it can be read"));
    assert_eq!((view.status, view.facts().last_epoch, view.facts().started), (Status::Interrupted, None, Some(5)));
    assert_eq!(view.seconds(), Some(0.0), "the time of a run whose worker is gone stands still");
}

#[test]
fn a_damaged_run_is_listed_as_damaged_and_the_rest_goes_on() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path();
    ok(at, &["data", "prepare", "--source", &album(at), "--name", "album"]);
    for _ in 0..6 {
        ok(at, &["--quiet", "train", "benchmark", "--pool", "8", "--epochs", "1"]);
    }
    let file = |run: usize, name: &str| -> PathBuf { at.join(format!("runs/benchmark-{run}/{name}")) };
    fs::write(file(2, "spec.json"), "{\"job\": {").expect("a file");
    fs::write(file(3, "result.json"), "\0\0\0").expect("a file");
    fs::remove_file(file(4, "events.jsonl")).expect("it goes");
    fs::create_dir(file(4, "events.jsonl")).expect("a folder");
    fs::write(file(5, "scores-val.csv"), "source,path,label,score\ncsv,1.png,nobody,0.5\n").expect("a file");
    // Made by whom nobody knows.
    fs::create_dir(at.join("runs/extract-1")).expect("a folder");
    fs::write(at.join("runs/extract-1/spec.json"), "").expect("a file");

    let by_run = |rows: &Value, field: &str| -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut found: Vec<_> =
            rows.as_array().expect("an array").iter().map(|row| (text(&row["run"]), text(&row[field]))).collect();
        found.sort();
        found
    };
    let expected = |all: bool| -> Vec<(String, String)> {
        let status = |run: usize| if (2..5).contains(&run) { "damaged" } else { "done" };
        let runs = (1..=6).map(|run| (format!("benchmark-{run}"), status(run).to_owned()));
        let others = [("extract-1".into(), "damaged".into()), ("prepare-1".into(), "done".into())];
        runs.chain(others.into_iter().filter(|_| all)).collect()
    };
    let listed = json(at, &["runs", "list", "--json"]);
    assert_eq!(by_run(&listed, "status"), expected(true));
    for (run, outcome) in by_run(&listed, "outcome") {
        let named = ["spec.json", "result.json", "events.jsonl"].iter().any(|name| outcome.contains(name));
        let damaged = expected(true).contains(&(run.clone(), "damaged".into()));
        assert_eq!(named, damaged, "{run}: {outcome}");
    }
    let plain = ok(at, &["runs", "list"]);
    assert!(plain.contains("damaged") && plain.contains("benchmark-6"), "{plain}");
    let output = run(at, &["results", "--json"]);
    assert!(output.status.success());
    let rows: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(by_run(&rows, "status"), expected(false));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    for run in ["benchmark-2", "benchmark-3", "benchmark-4", "extract-1"] {
        assert!(said.contains(&format!("{run} is damaged: ")), "{said}");
    }
    ok(at, &["results"]);
    ok(at, &["results", "--by-setting"]);
    // Predict chooses among the others.
    ok(at, &["predict", &at.join("raw/0-0.png").display().to_string()]);
    ok(at, &["report"]);
    let report = fs::read_to_string(at.join("report/report.md")).expect("the report");
    for run in 1..=6 {
        assert!(report.contains(&format!("benchmark-{run}")), "benchmark-{run}");
    }
    assert_eq!(report.matches("is damaged: ").count(), 5, "{report}");
}

#[test]
fn a_series_of_runs_does_not_repeat_its_parts_but_followers_see_them() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path();
    ok(at, &["data", "prepare", "--source", &album(at), "--name", "cv", "--split", "folds"]);
    let output = run(at, &["train", "benchmark", "--data", "cv", "--pool", "8", "--epochs", "2"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    let journal = fs::read_to_string(at.join("runs/folds-1/events.jsonl")).expect("the journal");
    let events: Vec<String> = journal
        .lines()
        .map(|line| {
            serde_json::from_str::<Value>(line).expect("an event")["event"].as_str().expect("a name").to_owned()
        })
        .collect();
    let count = |event: &str| events.iter().filter(|name| *name == event).count();
    assert_eq!([count("stage"), count("note"), count("trial"), count("epoch"), count("progress")], [5, 5, 5, 0, 0]);
    assert_eq!(events.len(), 2 + 15, "{journal}");
    // In the order in which it happened.
    let place = |text: &str| said.find(text).unwrap_or_else(|| panic!("'{text}' is not in: {said}"));
    assert_eq!(said.matches("epoch   2/2").count(), 5, "{said}");
    for fold in 1..=4 {
        let (own, next) = (place(&format!("benchmark-{fold}\n")), place(&format!("benchmark-{}\n", fold + 1)));
        let epochs = said[own..].find("epoch   1/2").map(|at| own + at).expect("its epochs");
        assert!(own < epochs && epochs < next, "{said}");
    }
}
