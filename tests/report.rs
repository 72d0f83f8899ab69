//! Metrics, comparisons, cross-validation and the report through the real binary, on a small drawn data set.

#[path = "support/program.rs"]
mod program;

use faceprobe_core::dataset::Split;
use faceprobe_core::run::RunFolder;
use faceprobe_core::run::scored::Scored;
use faceprobe_core::workspace::Workspace;
use program::{json, ok, run};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// Pictures of 30 people, three each, in five folds, whose classes differ in colour; one value of a column is markup.
fn album(workspace: &Path) -> String {
    let raw = workspace.join("raw");
    fs::create_dir_all(&raw).expect("a folder");
    let mut text = "path,label,subject,age,fold,hat\n".to_owned();
    for person in 0..30u32 {
        for number in 0..3u32 {
            let picture = image::RgbImage::from_fn(40, 40, |x, y| {
                let texture = ((x * 7 + y * 13 + person * 31 + number * 5) % 60) as u8;
                if person % 2 == 0 { image::Rgb([180, texture, 40]) } else { image::Rgb([40, texture, 180]) }
            });
            picture.save(raw.join(format!("{person}-{number}.png"))).expect("a picture");
            let (gender, hat) = (["f", "m"][person as usize % 2], ["cap", "<b>top & hat</b>"][person as usize / 2 % 2]);
            text += &format!("{person}-{number}.png,{gender},p{person},20-29,{},{hat}\n", person / 2 % 5);
        }
    }
    fs::write(raw.join("labels.csv"), text).expect("labels");
    format!("csv:{}", raw.join("labels.csv").display())
}

const TRAIN: [&str; 8] = ["--quiet", "train", "benchmark", "--pool", "4", "--epochs", "3", "--data"];

#[test]
fn the_report_says_what_was_done_and_opens_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path();
    let refused = run(at, &["report"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("nothing to report"));

    let source = album(at);
    for (name, split) in [("random", "random"), ("apart", "subject"), ("cv", "folds")] {
        ok(at, &["data", "prepare", "--source", &source, "--name", name, "--split", split]);
        ok(at, &[&TRAIN[..], &[name]].concat());
    }
    // The same setting under both splits, and over the folds.
    let settings = json(at, &["results", "--by-setting", "--json"]);
    let of = |name: &str| {
        settings.as_array().and_then(|rows| rows.iter().find(|row| row["dataset"] == name)).expect("a setting").clone()
    };
    let (random, cv) = (of("random"), of("cv"));
    assert_eq!(
        (random["leak"]["dataset"].as_str(), random["leak"]["split"].as_str()),
        (Some("apart"), Some("subject"))
    );
    assert!(random["leak"]["val_leak"].is_number() && random["leak"]["test_leak"].is_null(), "{random}");
    assert_eq!((cv["folds"].as_u64(), cv["val_accuracy"]["count"].as_u64()), (Some(5), Some(5)));
    assert!(of("apart")["leak"].is_null());

    // Figures, by a column of the data set's own.
    let run_of = |row: &Value| row["runs"][0].as_str().expect("a run").to_owned();
    let (first, second) = (run_of(&random), run_of(&of("apart")));
    let evaluated = json(at, &["evaluate", &first, "--by", "hat", "--json"]);
    assert_eq!(evaluated["figures"].as_array().map(Vec::len), Some(1), "the test split is not open");
    let figures = &evaluated["figures"][0];
    assert_eq!(figures["groups"][0]["groups"].as_array().map(Vec::len), Some(2));
    assert!(figures["interval_by_subject"]["low"].is_number(), "{figures}");
    let unknown = run(at, &["evaluate", &first, "--by", "shoes"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("there are: fold, hat"));
    let compared = json(at, &["compare", &first, &first, "--json"]);
    assert_eq!(compared["comparisons"][0]["p_value"], 1.0);

    // Nothing is asked of a server, nothing from the data is markup, and the test split stays shut.
    ok(at, &["report"]);
    let page = fs::read_to_string(at.join("report/report.html")).expect("the page");
    let words = fs::read_to_string(at.join("report/report.md")).expect("the words");
    for outside in ["<script", "<link", "src=\"http", "url(", "@import", "<b>top", "<img"] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert!(page.contains("&lt;b&gt;top &amp; hat&lt;/b&gt;") && page.len() < 2_000_000);
    assert!(!page.contains("#01"), "a stand-in for a colour was left");
    assert_eq!(page.matches("<svg").count(), page.matches("</svg>").count());
    assert!(page.matches("<svg").count() > 10);
    for said in [
        "No test split has been opened.",
        "What a gender label is, and what it is not",
        "[model.benchmark]",
        "On any machine: ",
    ] {
        assert!(page.contains(said) && words.contains(said), "{said}");
    }
    assert!(!at.join("runs/test-openings.jsonl").exists());
    // The study's file is in it, and asks for what is here and nothing else.
    let begin = words.find("[data.apart]").expect("the study's file");
    let end = words[begin..].find("```").expect("its end");
    fs::write(at.join("study.toml"), &words[begin..begin + end]).expect("a file");
    let status = json(at, &["study", "status", &at.join("study.toml").to_string_lossy(), "--json"]);
    let steps = status["steps"].as_array().expect("steps");
    assert!(steps.len() == 7 && steps.iter().all(|step| step["state"] == "done"), "{status}");
    assert!(status["others"].as_array().is_some_and(Vec::is_empty), "{status}");

    // Once opened, it is there; thumbnails come when asked for; the card is of the run that is named.
    ok(at, &["evaluate", "folds-1", "--open-test"]);
    let settings = json(at, &["results", "--by-setting", "--json"]);
    let cv = settings.as_array().and_then(|rows| rows.iter().find(|row| row["dataset"] == "cv")).expect("the folds");
    assert_eq!(cv["test_accuracy"]["count"], 5);
    let written = json(
        at,
        &[
            "report",
            "--output",
            &at.join("out.html").display().to_string(),
            "--model",
            &second,
            "--thumbnails",
            "--json",
        ],
    );
    let page = fs::read_to_string(written["html"].as_str().expect("a path")).expect("the page");
    assert!(page.contains(&format!("Model card: {second}")) && !page.contains("No test split has been opened."));
}

#[test]
fn ages_and_pictures_are_those_of_the_prepared_set_that_the_run_was_trained_on() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path();
    let source = album(at);
    let prepare = |seed: &str| {
        ok(at, &["data", "prepare", "--source", &source, "--name", "album", "--seed", seed]);
    };
    prepare("1");
    ok(at, &[&TRAIN[..], &["album"]].concat());
    let workspace = Workspace::open(at).expect("a workspace");
    let run = RunFolder::find(&workspace, "benchmark-1").expect("the run");
    let read = || Scored::require(&workspace, &run, Split::Val).expect("its scores");
    let before = read();
    assert!(before.images.iter().all(|image| image.age.as_deref() == Some("20-29")));
    assert!(before.images.iter().all(|image| before.file(image).is_some_and(|file| file.is_file())));
    assert_eq!(before.columns(), ["fold", "hat"]);

    // The same name and the same pictures, divided anew and a year older: another version, which the run has not seen.
    let labels = at.join("raw/labels.csv");
    let text = fs::read_to_string(&labels).expect("labels").replace("20-29", "30-39");
    fs::write(&labels, text).expect("labels");
    prepare("2");
    let after = read();
    assert_eq!(after.images, before.images);
    // Without its own version there is nothing that says what the images are.
    let version = at.join("data/prepared/album");
    fs::rename(&version, at.join("elsewhere")).expect("a rename");
    let after = read();
    assert_eq!((&after.scores, &after.positive), (&before.scores, &before.positive));
    assert!(after.images.iter().all(|image| image.age.is_none() && after.file(image).is_none()));
    assert!(after.samples.is_none() && after.columns().is_empty());
    let refused = program::run(at, &["evaluate", "benchmark-1", "--by", "age"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("is gone or was prepared anew"));

    // Prepared as it was, it is the same set again.
    let text = fs::read_to_string(&labels).expect("labels").replace("30-39", "20-29");
    fs::write(&labels, text).expect("labels");
    prepare("1");
    assert_eq!(read(), before);
}
