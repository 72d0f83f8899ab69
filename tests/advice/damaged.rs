//! Files that were changed since they were written.

use super::coloured::{ok, pictures, trained};
use super::{PREPARE, TRAIN, advised, damage, in_run, named, said, until};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn a_prepared_set_that_was_changed_is_prepared_again() {
    let folder = trained();
    let at = folder.path();
    for name in ["manifest.csv", "report.json", "sources.json"] {
        // Each time it becomes the next version.
        let current = fs::read_to_string(at.join("data/current/colours")).unwrap_or_else(|_| "1".to_owned());
        let version = if current.trim() == "1" { String::new() } else { format!("@{}", current.trim()) };
        damage(&at.join(format!("data/prepared/colours{version}")).join(name));
        advised(at, &TRAIN, "run data prepare again", |_| drop(ok(at, &PREPARE)));
    }
    // Pictures: what is trained on says which were left out, and the next version has them.
    for number in 0..10 {
        let picture = image::RgbImage::from_pixel(40, 40, image::Rgb([180, 3, 20 * number]));
        picture.save(at.join(format!("raw/female/00{number}.png"))).expect("a picture");
    }
    let epochs = ["train", "benchmark", "--pool", "8", "--epochs", "1", "--data=colours"];
    advised(at, &epochs, "run data prepare again", |_| drop(ok(at, &PREPARE)));
}

#[test]
fn a_run_whose_files_were_changed_is_trained_again_to_the_same_numbers() {
    let folder = trained();
    let at = folder.path();
    let figures = || {
        let rows: Value = serde_json::from_str(&ok(at, &["results", "--json"])).expect("JSON");
        ["val_accuracy", "threshold", "validation"].map(|name| rows[0][name].clone())
    };
    let before = figures();
    let again = |sentence: &str| {
        named(at, sentence);
        until(at, "benchmark-1", "done");
    };
    for (name, args) in [
        ("result.json", &["evaluate", "benchmark-1"][..]),
        ("scores-val.csv", &["evaluate", "benchmark-1"]),
        ("model.safetensors", &["predict", "raw/male/001.png", "--model", "benchmark-1"]),
    ] {
        damage(&in_run(at, name));
        advised(at, args, "'faceprobe runs resume benchmark-1' trains it again", again);
        assert_eq!(figures(), before, "{name}");
    }
    // Its spec or journal: nobody knows what it was.
    damage(&in_run(at, "spec.json"));
    let remove = |_: &str| fs::remove_dir_all(at.join("runs/benchmark-1")).expect("a folder");
    let sentence = said(at, &["runs", "show", "benchmark-1"]);
    assert!(sentence.contains("remove the folder"), "{sentence}");
    remove(&sentence);
    assert_eq!(ok(at, &["runs", "list"]).lines().count(), 3, "the preparation is left");
}

#[test]
fn files_are_removed_or_rewritten_as_advised() {
    let folder = trained();
    let at = folder.path();
    let picture = ["predict", "raw/male/001.png"];
    ok(at, &["choose", "benchmark-1"]);
    damage(&at.join("runs/chosen.json"));
    advised(at, &picture, "run 'faceprobe choose RUN' again", |sentence| named(at, sentence));

    fs::write(in_run(at, "label.json"), "{").expect("a file");
    let note = ["runs", "note", "benchmark-1"];
    advised(at, &note, "remove the file", |_| fs::remove_file(in_run(at, "label.json")).expect("a file"));

    fs::write(at.join("data/decisions.csv"), "hash,decision,label,path,decided\nx,drop,,,\n").expect("a file");
    let decisions = at.join("data/decisions.csv");
    advised(at, &PREPARE, "mend or remove this line", |sentence| {
        assert!(sentence.contains("line 2"), "{sentence}");
        let text = fs::read_to_string(&decisions).expect("the decisions");
        fs::write(&decisions, text.lines().next().expect("a head").to_owned() + "\n").expect("a file");
    });

    ok(at, &["evaluate", "benchmark-1", "--open-test"]);
    let record = at.join("runs/test-openings.jsonl");
    let opened = fs::read_to_string(&record).expect("the record");
    fs::write(&record, format!("{opened}what is this\n")).expect("a file");
    advised(at, &["results"], "remove what was no opening", |sentence| {
        assert!(sentence.contains("line 2"), "{sentence}");
        fs::write(&record, &opened).expect("a file");
    });
    fs::remove_file(&record).expect("the record");
    advised(at, &["results"], "put the record back from a copy", |_| fs::write(&record, &opened).expect("a file"));

    ok(at, &["data", "audit"]);
    let audit = at.join("data/prepared/colours/audit.json");
    damage(&audit);
    let refused = said(at, &["report"]);
    assert!(refused.is_empty() || refused.contains("faceprobe data audit"), "{refused}");
    ok(at, &["data", "audit"]);
    ok(at, &["report"]);

    let stores = fs::read_dir(at.join("cache/features")).expect("stores").flatten();
    let store = stores.map(|store| store.path()).next().expect("a store");
    let identity = fs::read_to_string(store.join("identity.json")).expect("a file");
    fs::write(store.join("identity.json"), identity.replace("sum", "avg")).expect("a file");
    advised(at, &TRAIN, "rename or remove this folder", |_| fs::remove_dir_all(&store).expect("a folder"));

    let moved = at.join("elsewhere");
    fs::rename(in_run(at, "result.json"), &moved).expect("a file");
    std::os::unix::fs::symlink(&moved, in_run(at, "result.json")).expect("a link");
    advised(at, &["evaluate", "benchmark-1"], "put the file itself in its place, or remove the link", |_| {
        fs::rename(&moved, in_run(at, "result.json")).expect("the file itself");
    });
}

/// The only file with this name below a folder.
fn found(folder: &Path, name: &str) -> PathBuf {
    let entries: Vec<PathBuf> = fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path()).collect();
    entries.into_iter().find(|path| path.to_string_lossy().ends_with(name)).unwrap_or_else(|| panic!("no {name}"))
}

#[test]
fn what_was_computed_of_models_and_sets_is_computed_again() {
    let folder = trained();
    let at = folder.path();
    ok(at, &["evaluate", "benchmark-1", "--open-test"]);
    damage(&in_run(at, "scores-test.csv"));
    ok(at, &[&TRAIN[..], &["--seed", "2"]].concat());
    ok(at, &["evaluate", "benchmark-2", "--open-test"]);
    let compare = ["compare", "benchmark-1", "benchmark-2", "--split", "test"];
    let sentence = said(at, &compare);
    if sentence.contains("scores the test split again") {
        advised(at, &compare, "'faceprobe evaluate benchmark-1 --open-test' scores the test split again", |sentence| {
            named(at, sentence);
        });
    }

    // A learning curve and an evaluation on another set are made again by the same command.
    let curve = ["--quiet", "learning-curve", "benchmark", "--pool", "8", "--epochs", "1", "--sizes", "8,16"];
    ok(at, &curve);
    damage(&at.join("runs/curve-1/learning-curve.json"));
    let shown = said(at, &["runs", "show", "curve-1"]) + &said(at, &["report"]);
    assert!(shown.is_empty() || shown.contains("make it again"), "{shown}");
    ok(at, &curve);
    pictures(&at.join("others"), 100..130);
    ok(at, &["data", "prepare", "--source", "folder:others", "--name=other"]);
    ok(at, &["evaluate", "benchmark-1", "--on", "other"]);
    let evaluation = found(&at.join("runs"), "evaluate-1").join("evaluation.json");
    damage(&evaluation);
    let shown = said(at, &["report"]);
    assert!(shown.is_empty() || shown.contains("evaluate again"), "{shown}");
    ok(at, &["evaluate", "benchmark-1", "--on", "other"]);
    ok(at, &["report"]);

    // Groups of images that an audit found.
    ok(at, &["data", "audit", "colours", "--faces", "no"]);
    let alike = at.join("data/alike.csv");
    if alike.is_file() {
        let whole = fs::read_to_string(&alike).expect("groups");
        fs::write(&alike, whole + "colours,x,y\n").expect("a file");
        advised(at, &["data", "audit", "colours", "--faces", "no"], "remove it and audit again", |_| {
            fs::remove_file(&alike).expect("the groups");
        });
    }
}

#[test]
fn weights_that_were_changed_are_imported_again_and_so_is_a_map_made() {
    let folder = trained();
    let at = folder.path();
    super::made_up::weights("mobilenet-v2", &at.join("made-up.safetensors"));
    let import = ["weights", "import", "mobilenet-v2", "made-up.safetensors"];
    let with = |args: &[&str]| {
        let output = super::coloured::command(at).env("FACEPROBE_WEIGHTS", at.join("w")).args(args).output();
        let output = output.expect("the binary starts");
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    assert!(with(&import).0);
    let weights = at.join("w/mobilenet-v2.safetensors");
    let mut bytes = fs::read(&weights).expect("weights");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&weights, bytes).expect("weights");
    let extract = ["--quiet", "extract", "--backbone", "mobilenet-v2", "--data=colours"];
    let (done, sentence) = with(&extract);
    assert!(!done && sentence.contains("remove the file and"), "{sentence}");
    fs::remove_file(&weights).expect("the file");
    assert!(with(&import).0);
    let (done, sentence) = with(&extract);
    assert!(done, "{sentence}");

    let map = [
        "--quiet",
        "features",
        "map",
        "--backbone",
        "mobilenet-v2",
        "--data=colours",
        "--method",
        "pca",
        "--to",
        "map.svg",
    ];
    assert!(with(&map).0);
    let points = found(&at.join("cache/maps"), ".json");
    damage(&points);
    let (done, sentence) = with(&map);
    if !done {
        assert!(sentence.contains("remove it and make the map again"), "{sentence}");
        fs::remove_file(&points).expect("the points");
        let (done, sentence) = with(&map);
        assert!(done, "{sentence}");
    }
}

#[test]
fn what_is_no_checkpoint_is_removed_as_advised() {
    let folder = trained();
    let at = folder.path();
    fs::remove_file(in_run(at, "model.safetensors")).expect("a model");
    fs::create_dir(in_run(at, "checkpoint.safetensors")).expect("a folder");
    ok(at, &["runs", "resume", "benchmark-1"]);
    advised(at, &["runs", "attach", "benchmark-1"], "remove it to train from the beginning", |_| {
        fs::remove_dir(in_run(at, "checkpoint.safetensors")).expect("the folder");
        ok(at, &["runs", "resume", "benchmark-1"]);
    });
}
