//! Maps of features, and the neighbours of knn predictions, through the real binary.

#[allow(dead_code, reason = "other tests use the rest of it")]
#[path = "support/coloured.rs"]
mod coloured;
#[path = "support/made_up.rs"]
mod made_up;

use coloured::{command, pictures};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Output;

/// A workspace with EfficientNet-Lite0 on weights made here, and a set of red and blue pictures.
fn study() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path();
    pictures(&at.join("raw"), 0..40);
    let file = at.join("made-up.safetensors");
    made_up::weights("efficientnet-lite0", &file);
    ok(at, &["weights", "import", "efficientnet-lite0", &file.to_string_lossy()]);
    ok(at, &["data", "prepare", "--source", "folder:raw", "--name", "colours"]);
    folder
}

fn run(at: &Path, args: &[&str]) -> Output {
    command(at)
        .env("FACEPROBE_WEIGHTS", at.join("weights"))
        .arg("--quiet")
        .args(args)
        .output()
        .expect("the binary starts")
}

fn ok(at: &Path, args: &[&str]) -> String {
    let output = run(at, args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn json(at: &Path, args: &[&str]) -> Value {
    serde_json::from_str(&ok(at, &[args, &["--json"]].concat())).expect("standard output is one JSON value")
}

fn refused(at: &Path, args: &[&str], part: &str) {
    let output = run(at, args);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && error.contains(part), "{args:?}: {error}");
}

fn runs(at: &Path) -> usize {
    fs::read_dir(at.join("runs")).map_or(0, Iterator::count)
}

#[test]
fn a_map_is_computed_once_and_drawn_in_any_colours() {
    let folder = study();
    let at = folder.path();
    let map = |method: &str, more: &[&str]| {
        json(at, &[&["features", "map", "--method", method, "--to", "map.svg"], more].concat())
    };
    let pca = map("pca", &[]);
    let points = pca["map"]["points"].as_array().expect("points");
    assert_eq!(
        (points.len(), &pca["map"]["settings"]["method"], &pca["groups"]),
        (80, &"pca".into(), &serde_json::json!(["female", "male"]))
    );
    // The two colours lie apart: by the first component alone nearly every picture is told.
    let right = |positive: bool| {
        let told = |point: &&Value| (point["x"].as_f64() > Some(0.0)) == (point["class"] == u64::from(positive));
        points.iter().filter(told).count()
    };
    assert!(right(true).max(right(false)) > 70, "{} {}", right(true), right(false));
    let drawing = fs::read_to_string(at.join("map.svg")).expect("a drawing");
    assert_eq!(drawing.matches("<circle").count(), 80 + 2, "points, and the names of the two classes");

    let before = runs(at);
    let tsne = map("tsne", &["--seed", "3"]);
    assert_eq!(runs(at), before + 1);
    assert_eq!(map("tsne", &["--seed", "3", "--colour", "split"])["map"], tsne["map"]);
    assert_eq!(runs(at), before + 1, "the points were there");
    // Made again, it is the same to the last bit; by another seed it is another.
    fs::remove_dir_all(at.join("cache/maps")).expect("a cache");
    assert_eq!(map("tsne", &["--seed", "3"])["map"], tsne["map"]);
    assert_ne!(map("tsne", &["--seed", "4"])["map"]["points"], tsne["map"]["points"]);
    let few = map("pca", &["--images", "20"]);
    assert_eq!(few["map"]["points"].as_array().map(Vec::len), Some(20));

    let text = ok(at, &["features", "map", "--method", "pca", "--to", "map.png"]);
    assert!(text.contains("female blue (40), male orange (40)"), "{text}");
    assert!(image::open(at.join("map.png")).is_ok());
    ok(at, &["train", "knn"]);
    let judged = map("pca", &["--colour", "correct"]);
    assert_eq!(judged["groups"], serde_json::json!(["right", "wrong", "not scored"]));
    let scored = judged["group"].as_array().into_iter().flatten().filter(|group| **group != 2).count();
    assert_eq!(scored, 16, "validation, and no test split that was not opened");
    ok(at, &["report", "--output", "report"]);
    let page = fs::read_to_string(at.join("report/report.html")).expect("a page");
    assert!(page.contains("Maps of features") && page.contains("colours are classes"));

    for (args, part) in [
        (&["--to", "map.pdf"][..], "take .svg or .png"),
        (&["--to", "m.svg", "--colour", "mood"], "--colour is one of class, split, correct, age"),
        (&["--to", "m.svg", "--images", "5"], "--images"),
        (&["--to", "m.svg", "--method", "umap"], "--method"),
        (&["--to", "m.svg", "--model", "knn-1"], "add --colour correct"),
        (&["--to", "m.svg", "--data", "faces"], "no prepared data set 'faces'"),
    ] {
        refused(at, &[&["features", "map"], args].concat(), part);
    }
    fs::write(at.join("own.svg"), "mine").expect("a file");
    let kept = run(at, &["features", "map", "--to", "own.svg"]);
    assert!(!kept.status.success() && fs::read_to_string(at.join("own.svg")).expect("a file") == "mine");
}

#[test]
fn selected_images_are_listed_decided_about_and_followed_by_the_next_preparation() {
    let folder = study();
    let at = folder.path();
    let map = |more: &[&str]| json(at, &[&["features", "map", "--method", "pca"], more].concat());
    let whole = map(&["--to", "map.svg"]);
    assert_eq!((&whole["selected"], &whole["selected_file"]), (&Value::Null, &Value::Null));
    let points = whole["map"]["points"].as_array().expect("points").clone();
    let of = |point: &Value, axis: &str| point[axis].as_f64().expect("a number");
    let path = |point: &Value| point["path"].as_str().expect("a path").to_owned();
    // A rectangle around the ten at the far left, its corners in any order.
    let mut left = points.clone();
    left.sort_by(|a, b| of(a, "x").total_cmp(&of(b, "x")));
    let edge = f64::midpoint(of(&left[9], "x"), of(&left[10], "x"));
    let select = format!("{edge},1e9,-1e9,-1e9");
    let expected: Vec<&Value> = points.iter().filter(|point| of(point, "x") < edge).collect();
    let told = map(&["--select", &select, "--selected", "chosen.csv"]);
    assert_eq!((&told["selected"], &told["file"]), (&serde_json::json!(expected), &Value::Null));
    assert_eq!(told["selected_file"], "chosen.csv");
    let rows = |file: &str| -> Vec<Vec<String>> {
        let mut reader = csv::Reader::from_path(at.join(file)).expect("a CSV file");
        assert_eq!(reader.headers().expect("names"), &["image", "decision", "label", "path", "class", "split"][..]);
        reader.records().map(|row| row.expect("a row").iter().map(str::to_owned).collect()).collect()
    };
    let dropped = rows("chosen.csv");
    assert_eq!(
        dropped.iter().map(|row| row[3].clone()).collect::<Vec<_>>(),
        expected.iter().map(|one| path(one)).collect::<Vec<_>>()
    );
    assert!(dropped.iter().all(|row| row[1] == "drop" && row[2].is_empty()));

    // The same as a list of files, and what people read.
    let text = ok(at, &["features", "map", "--method", "pca", "--select", &select, "--selected", "chosen.txt"]);
    assert!(text.contains("10 of 80 images are selected: ") && text.contains("predict --list chosen.txt"), "{text}");
    let list = fs::read_to_string(at.join("chosen.txt")).expect("a list");
    assert!(list.lines().count() == 10 && list.lines().all(|file| Path::new(file).is_file()), "{list}");

    // One group only, and a label for those of it that have another.
    let right = format!("{edge},1e9,1e9,-1e9");
    let female = points.iter().filter(|point| of(point, "x") > edge && point["class"] == 0).count();
    let more = ["--select", &right, "--selected", "other.csv", "--decision"];
    map(&[&more[..], &["relabel", "--only", "female"]].concat());
    assert!(rows("other.csv").iter().all(|row| row[1] == "relabel" && row[2] == "male" && row[4] == "female"));
    assert_eq!(rows("other.csv").len(), female);
    map(&[&more[..], &["relabel male"]].concat());
    assert_eq!(rows("other.csv").len(), female, "male ones need no such decision");
    let two = ["--only", "female", "--selected", "two.csv", "--decision", "relabel Men"];
    map(&two);
    let all: Vec<Vec<String>> = rows("two.csv");
    assert!(all.len() == 40 && all.iter().all(|row| row[2] == "male"), "a usual spelling is the label");

    // What was decided is left out of the next version, or has the other label there.
    let kept: Vec<Vec<String>> =
        all.into_iter().filter(|row| !dropped.iter().any(|other| other[0] == row[0])).take(3).collect();
    let mut few = csv::Writer::from_path(at.join("few.csv")).expect("a file");
    few.write_record(["image", "decision", "label", "path"]).expect("names");
    kept.iter().for_each(|row| few.write_record(&row[..4]).expect("a row"));
    few.flush().expect("a file");
    ok(at, &["data", "decide", "--from", "chosen.csv"]);
    ok(at, &["data", "decide", "--from", "few.csv"]);
    let decisions = fs::read_to_string(at.join("data/decisions.csv")).expect("decisions");
    for row in dropped.iter().chain(&kept) {
        assert!(decisions.lines().any(|line| line.starts_with(&row[0]) && line.contains(&row[3])), "{decisions}");
    }
    ok(at, &["data", "prepare", "--source", "folder:raw", "--name", "colours"]);
    let workspace = faceprobe_core::workspace::Workspace::open(at).expect("a workspace");
    let again = faceprobe_core::dataset::Manifest::load_named(&workspace, "colours@2").expect("a set");
    let found = |row: &[String]| again.samples.iter().find(|sample| sample.hash.to_string() == row[0]);
    assert!(dropped.iter().all(|row| found(row).is_none()));
    for sample in kept.iter().filter_map(|row| found(row)) {
        assert_eq!(again.classes[sample.class], "male", "{}", sample.path);
    }
    assert!(kept.iter().any(|row| found(row).is_some()));

    let set = ["--data", "colours@1", "--to", "m.svg"];
    for (args, part) in [
        (&["--select", "1,2,3"][..], "--select: '1,2,3' is no rectangle; name two corners as X,Y,X,Y"),
        (&["--only", "neither"], "--only is one of the groups female, male, not 'neither'"),
        (&["--selected", "s.csv"], "add --select X,Y,X,Y or --only GROUP"),
        (&["--only", "male", "--selected", "s.json"], "take .txt for a list of their files, .csv for decisions"),
        (
            &["--only", "male", "--selected", "s.csv", "--decision", "remove"],
            "--decision: 'remove' is none of keep, drop",
        ),
        (
            &["--only", "male", "--selected", "s.csv", "--decision", "relabel cat"],
            "has no label 'cat'; its labels are female and male",
        ),
        (&["--only", "male", "--selected", "s.csv", "--decision", "relabel male"], "have that label already"),
        (&["--select", "1e8,1e8,1e9,1e9", "--selected", "s.csv"], "No images are selected"),
    ] {
        refused(at, &[&["features", "map", "--method", "pca"], &set[..], args].concat(), part);
        assert!(!at.join("m.svg").exists() && !at.join("s.csv").exists(), "{args:?}");
    }
    refused(at, &["features", "map"], "--to");
}

#[test]
fn an_answer_of_knn_names_the_training_images_that_voted() {
    let folder = study();
    let at = folder.path();
    let trained = |more: &[&str]| ok(at, &[&["train", "knn", "--k", "5"], more].concat()).trim().to_owned();
    let whole = trained(&[]);
    let part = trained(&["--train-images", "12", "--seed", "2"]);
    let refit = ok(at, &["train", "refit", &whole]).trim().to_owned();
    let manifest = faceprobe_core::dataset::Manifest::load(&at.join("data/prepared/colours")).expect("a set");
    for run in [&whole, &part, &refit] {
        let answer = json(at, &["predict", "raw/female/003.png", "--model", run]);
        let neighbours = answer[0]["neighbours"].as_array().expect("neighbours").clone();
        assert_eq!(neighbours.len(), 5, "{run}");
        let similarity = |one: &Value| one["similarity"].as_f64().expect("a number");
        assert!(neighbours.windows(2).all(|pair| similarity(&pair[0]) >= similarity(&pair[1])), "the nearest first");
        for neighbour in &neighbours {
            let sample = manifest
                .samples
                .iter()
                .find(|sample| manifest.path_of(sample).to_str() == neighbour["path"].as_str())
                .expect("an image of the set");
            assert_eq!(neighbour["label"], manifest.classes[sample.class].as_str());
            let learnt = sample.split.name() == "train" || *run == refit && sample.split.name() == "val";
            assert!(learnt, "{run}: {} is of {}", sample.path, sample.split.name());
        }
        // The share of their votes is the score.
        let male = neighbours.iter().filter(|one| one["label"] == "male").count();
        assert_eq!(answer[0]["score"].as_f64(), Some(male as f64 / 5.0));
    }
    // A picture that was learnt is its own nearest.
    let own = manifest.samples.iter().find(|sample| sample.split.name() == "train").expect("a training image");
    let path = manifest.path_of(own).to_string_lossy().into_owned();
    let answer = json(at, &["predict", &path, "--model", &whole]);
    assert_eq!(answer[0]["neighbours"][0]["path"], path.as_str());
    assert!(answer[0]["neighbours"][0]["similarity"].as_f64() > Some(0.9999));
    let text = ok(at, &["predict", &path, "--model", &whole]);
    assert_eq!(text.matches("nearest: ").count(), 3, "{text}");

    // Other kinds have no such field, and without the data set the answer is the same without names.
    let other = ok(at, &["train", "logistic"]).trim().to_owned();
    assert!(json(at, &["predict", &path, "--model", &other])[0].get("neighbours").is_none());
    fs::rename(at.join("data/prepared/colours"), at.join("elsewhere")).expect("moved");
    let alone = json(at, &["predict", &path, "--model", &whole]);
    assert_eq!((alone[0].get("neighbours"), &alone[0]["score"]), (None, &answer[0]["score"]));
}
