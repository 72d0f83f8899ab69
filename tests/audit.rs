//! An audit of a bad data set through the command line, with decisions that the next preparation applies.

#[path = "support/made_up.rs"]
mod made_up;
#[path = "../crates/engine/tests/support/waves.rs"]
mod waves;

use image::{ImageFormat, RgbImage, imageops};
use serde_json::Value;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use waves::picture;

fn faceprobe(workspace: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_faceprobe"))
        .env("FACEPROBE_WEIGHTS", workspace.join("weights"))
        .arg("--workspace")
        .arg(workspace)
        .args(args)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn json(workspace: &Path, args: &[&str]) -> Value {
    let output = faceprobe(workspace, &[args, &["--json"]].concat());
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A data set with everything that can be wrong with it, and 40 good pictures.
fn bad_data(folder: &Path) -> String {
    let mut rows = vec!["path,label,subject,split".to_owned()];
    let mut add = |name: &str, picture: &RgbImage, label: &str, subject: &str, split: &str| {
        let format = if name.ends_with("png") { ImageFormat::Png } else { ImageFormat::Jpeg };
        picture.save_with_format(folder.join(name), format).unwrap();
        rows.push(format!("{name},{label},{subject},{split}"));
    };
    for number in 0..40 {
        let label = if number % 2 == 0 { "female" } else { "male" };
        let split = ["train", "val", "test"][number % 3];
        add(&format!("good{number}.png"), &picture(number as u64, 128), label, &format!("s{number}"), split);
    }
    add("copy.png", &picture(4, 128), "female", "s4", "val");
    add("contra.png", &picture(7, 128), "female", "x1", "train");
    add("near.jpg", &picture(6, 100), "female", "x2", "train");
    add("mirror.png", &imageops::flip_horizontal(&picture(9, 128)), "female", "x3", "train");
    add("person.png", &picture(50, 128), "female", "s2", "train");
    add("small.png", &picture(51, 30), "male", "x4", "train");
    add("dark.png", &RgbImage::from_fn(128, 128, |x, _| image::Rgb([(x / 10) as u8; 3])), "male", "x5", "train");
    let file = folder.join("labels.csv");
    fs::write(&file, rows.join("\n") + "\n").unwrap();
    format!("csv:{}", file.display())
}

/// The paths of the findings of a kind.
fn paths(audit: &Value, kind: &str) -> Vec<Vec<String>> {
    let of = |finding: &Value| {
        let images = finding["images"].as_array().unwrap().iter();
        images.map(|image| image["path"].as_str().unwrap().to_owned()).collect()
    };
    audit["findings"].as_array().unwrap().iter().filter(|finding| finding["kind"] == kind).map(of).collect()
}

#[test]
fn every_problem_is_found_decided_and_applied() {
    let folder = tempfile::tempdir().unwrap();
    let source = bad_data(folder.path());
    let work = folder.path().join("work");
    fs::create_dir(&work).unwrap();
    let prepare = || json(&work, &["data", "prepare", "--source", &source, "--name", "bad"]);
    prepare();
    let manifest = || current(&work, "bad").join("manifest.csv");
    let untouched = fs::read(manifest()).unwrap();
    let audit = json(&work, &["data", "audit"]);
    assert_eq!(audit["images"], 47);
    assert_eq!(paths(&audit, "exact_duplicate"), [["copy.png", "good4.png"]]);
    let contradicting = paths(&audit, "contradicting_labels");
    assert!(contradicting.contains(&vec!["contra.png".into(), "good7.png".into()]), "{contradicting:?}");
    assert!(contradicting.contains(&vec!["good9.png".into(), "mirror.png".into()]), "{contradicting:?}");
    assert_eq!(paths(&audit, "near_duplicate"), [["good6.png", "near.jpg"]]);
    let people = paths(&audit, "subject_across_splits");
    assert!(people.len() == 1 && people[0].contains(&"person.png".into()), "{people:?}");
    assert_eq!(paths(&audit, "too_small"), [["small.png"]]);
    assert_eq!(paths(&audit, "too_dark"), [["dark.png"]]);
    assert!(audit["notes"][0].as_str().unwrap().contains("faceprobe extract"));
    assert_eq!(json(&work, &["data", "audit"])["findings"], audit["findings"], "twice the same");

    // Decisions, by path in the set, by file, by hash and from a table.
    json(&work, &["data", "decide", "dark.png", "drop"]);
    json(&work, &["data", "decide", folder.path().join("good9.png").to_str().unwrap(), "relabel", "female"]);
    let small = audit["findings"].as_array().unwrap().iter().find(|f| f["kind"] == "too_small").unwrap();
    json(&work, &["data", "decide", small["images"][0]["hash"].as_str().unwrap(), "keep"]);
    let table = folder.path().join("table.csv");
    fs::write(&table, "image,decision,label\ncontra.png,relabel,male\nnear.jpg,drop,\n").unwrap();
    let told = json(&work, &["data", "decide", "--from", table.to_str().unwrap()]);
    assert_eq!(told["decisions"], 5);
    for (args, code) in [
        (vec!["nowhere.png", "drop"], 1),
        (vec!["good1.png", "burn"], 2),
        (vec!["good1.png", "relabel", "cat"], 2),
        (vec!["good1.png", "relabel"], 2),
        (vec!["good1.png", "keep", "male"], 2),
        (vec!["good1.png"], 2),
    ] {
        let output = faceprobe(&work, &[&["data", "decide"], &args[..]].concat());
        assert_eq!(output.status.code(), Some(code), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    // A table with one bad line changes nothing.
    fs::write(&table, "image,decision,label\ngood1.png,drop,\ngood3.png,burn,\n").unwrap();
    assert!(!faceprobe(&work, &["data", "decide", "--from", table.to_str().unwrap()]).status.success());

    let report = prepare();
    let decided = report["dropped"].as_array().unwrap().iter().find(|dropped| dropped["reason"] == "decided").unwrap();
    assert_eq!(decided["count"], 2);
    assert!(report["warnings"].to_string().contains("2 images have the label that was decided"), "{report}");
    let text = fs::read_to_string(manifest()).unwrap();
    assert!(!text.contains("dark.png") && !text.contains("near.jpg"));
    assert!(text.contains("good9.png,female") && text.contains("contra.png,male") && !text.contains("\ngood7.png"));
    let audit = json(&work, &["data", "audit"]);
    assert!(paths(&audit, "too_small").is_empty() && paths(&audit, "too_dark").is_empty());

    // Without decisions everything is as it was; a damaged file is said and not passed over.
    fs::write(work.join("data/decisions.csv"), "hash,decision,label,path,decided\nabc,drop,,,\n").unwrap();
    let output = faceprobe(&work, &["data", "prepare", "--source", &source, "--name", "bad"]);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(1) && error.contains("decisions.csv: line 2"), "{error}");
    fs::remove_file(work.join("data/decisions.csv")).unwrap();
    prepare();
    assert!(fs::read(manifest()).unwrap() == untouched);
}

/// The folder of the current version of a set.
fn current(workspace: &Path, name: &str) -> PathBuf {
    let number = fs::read_to_string(workspace.join("data/current").join(name)).unwrap_or_default();
    let folder = match number.trim() {
        "" | "1" => name.to_owned(),
        later => format!("{name}@{later}"),
    };
    workspace.join("data/prepared").join(folder)
}

/// The split of each image of a prepared set, by its path.
fn splits(workspace: &Path, name: &str) -> HashMap<String, String> {
    let text = fs::read_to_string(current(workspace, name).join("manifest.csv")).unwrap();
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().unwrap().clone();
    let column = |name: &str| header.iter().position(|held| held == name).unwrap();
    let (path, split) = (column("path"), column("split"));
    reader.records().map(|row| row.unwrap()).map(|row| (row[path].to_owned(), row[split].to_owned())).collect()
}

#[test]
fn the_next_preparation_keeps_near_duplicates_in_one_split() {
    let folder = tempfile::tempdir().unwrap();
    let raw = folder.path().join("raw");
    for number in 0..60u64 {
        let class = raw.join(if number % 2 == 0 { "female" } else { "male" });
        fs::create_dir_all(&class).unwrap();
        let one = picture(number, 128);
        one.save(class.join(format!("{number}a.png"))).unwrap();
        // Every third picture has a smaller copy.
        if number % 3 == 0 {
            let smaller = imageops::resize(&one, 116, 116, imageops::FilterType::Triangle);
            smaller.save(class.join(format!("{number}b.png"))).unwrap();
        }
    }
    let work = folder.path().join("work");
    fs::create_dir(&work).unwrap();
    let source = format!("folder:{}", raw.display());
    let sizes = ["--train", "40", "--val", "16", "--test", "16"];
    let prepare = |split: &str| {
        let args = ["data", "prepare", "--source", &source, "--name", "pairs", "--split", split];
        json(&work, &[&args[..], &sizes[..]].concat())
    };
    let parted = || {
        let splits = splits(&work, "pairs");
        let of = |number: u64, ending: &str| {
            splits.iter().find(|(path, _)| path.ends_with(&format!("/{number}{ending}"))).map(|(_, split)| split)
        };
        (0..60).step_by(3).filter(|&n| matches!((of(n, "a.png"), of(n, "b.png")), (Some(a), Some(b)) if a != b)).count()
    };
    prepare("random");
    let manifest = || current(&work, "pairs").join("manifest.csv");
    let untouched = fs::read(manifest()).unwrap();
    assert!(parted() > 3, "without an audit, copies are in two splits");
    let audit = json(&work, &["data", "audit"]);
    let groups = [paths(&audit, "near_duplicate"), paths(&audit, "contradicting_labels")].concat();
    let together = |number: u64| {
        let names = ["a", "b"].map(|which| format!("/{number}{which}.png"));
        groups.iter().any(|group| names.iter().all(|name| group.iter().any(|path| path.ends_with(name))))
    };
    assert!((0..60).step_by(3).all(together), "{groups:?}");
    for split in ["random", "subject"] {
        let report = prepare(split);
        assert_eq!(parted(), 0, "{split}");
        assert!(report["warnings"].to_string().contains("groups of nearly the same picture"), "{report}");
        assert_eq!(splits(&work, "pairs").len(), 72, "{split}: as many as were asked for");
    }
    // A second audit changes nothing; without the file everything is as it was.
    let alike = work.join("data/alike.csv");
    let remembered = fs::read(&alike).unwrap();
    let again = json(&work, &["data", "audit"]);
    assert!(again["findings"].as_array().unwrap().iter().all(|finding| finding["across_splits"] == false));
    assert_eq!(fs::read(&alike).unwrap(), remembered);
    fs::remove_file(&alike).unwrap();
    prepare("random");
    assert!(fs::read(manifest()).unwrap() == untouched);
    fs::write(&alike, "dataset,hash,group\nx,abc,def\n").unwrap();
    let args = ["data", "prepare", "--source", &source, "--name", "pairs"];
    let error = String::from_utf8_lossy(&faceprobe(&work, &args).stderr).into_owned();
    assert!(error.contains("alike.csv") && error.contains("audit again"), "{error}");
}

#[test]
fn an_audit_is_a_detachable_run() {
    let folder = tempfile::tempdir().unwrap();
    let source = bad_data(folder.path());
    let work = folder.path().join("work");
    fs::create_dir(&work).unwrap();
    json(&work, &["data", "prepare", "--source", &source, "--name", "bad"]);
    assert_eq!(json(&work, &["data", "audit", "--detach"])["run"], "audit-1");
    assert!(faceprobe(&work, &["runs", "attach", "audit-1"]).status.success());
    let audit: Value = serde_json::from_slice(&fs::read(work.join("data/prepared/bad/audit.json")).unwrap()).unwrap();
    assert_eq!(audit["images"], 47);
    let shown = json(&work, &["runs", "show", "audit-1"]);
    assert_eq!(shown["run"]["status"], "done", "{shown}");
    for (args, code) in [
        (&["data", "audit", "--with", "nobody"][..], 1),
        (&["data", "audit", "--faces", "yes"], 1),
        (&["data", "audit", "x"], 2),
    ] {
        let output = faceprobe(&work, args);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(code) && !error.contains("panic"), "{args:?}: {error}");
    }
}

#[test]
fn a_set_of_pictures_that_are_all_alike_is_audited_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let raw = at.join("raw");
    fs::create_dir(&raw).unwrap();
    let mut rows = String::from("path,label,subject,split\n");
    for number in 0..36u8 {
        let mut picture = picture(3, 64);
        // Another content, not another picture.
        picture.put_pixel(u32::from(number), 1, image::Rgb([number, 7, 200]));
        picture.save(raw.join(format!("{number}.png"))).unwrap();
        let label = ["female", "male"][usize::from(number) % 2];
        rows += &format!("{number}.png,{label},s{number},{}\n", ["train", "val", "test"][usize::from(number) / 2 % 3]);
    }
    fs::write(raw.join("labels.csv"), rows).unwrap();
    made_up::weights("mobilenet-v2", &at.join("made-up.safetensors"));
    let ok = |args: &[&str]| {
        let output = faceprobe(at, args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    ok(&["weights", "import", "mobilenet-v2", &at.join("made-up.safetensors").to_string_lossy()]);
    let source = format!("csv:{}", raw.join("labels.csv").display());
    ok(&["data", "prepare", "--source", &source, "--name", "same", "--split", "official"]);
    ok(&["extract", "--backbone", "mobilenet-v2", "--data", "same"]);
    let audit = json(at, &["data", "audit", "same", "--faces", "no"]);
    assert!(audit["notes"].to_string().contains("Labels were not judged"), "{}", audit["notes"]);
    assert!(audit["agreement"].is_null() && audit["likely_errors"].is_null(), "{audit}");
    let near = paths(&audit, "contradicting_labels");
    assert!(near.len() == 1 && audit["findings"][0]["count"] == 36, "{audit}");
}
