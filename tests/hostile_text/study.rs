//! The names of a study that the program prepared itself.

use super::{harmless, holds, hostile, read_back, trained};
use serde_json::Value;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

#[test]
fn no_name_of_a_study_reaches_a_terminal_or_a_file_raw() {
    let place = trained();
    // Names of columns are read in small letters.
    let (a, hat) = (hostile("a"), hostile("hat").to_lowercase());
    for name in ["title", "note"] {
        let command = if name == "title" { "rename" } else { "note" };
        let told = if name == "title" { "a title \u{202e}\u{9b}1m\n".to_owned() } else { hostile(name) };
        place.ok(&["runs", command, "benchmark-1", &told]);
    }
    place.both(&["data", "show", "s"]);
    assert!(holds(&place.both(&["data", "audit", "s"]), &a));
    for args in [
        &["runs", "list"][..],
        &["runs", "show", "benchmark-1"],
        &["runs", "note", "benchmark-1"],
        &["results"],
        &["results", "--by-setting"],
        &["results", "--compare", "benchmark-1", "benchmark-2"],
        &["compare", "benchmark-1", "benchmark-2"],
        &["choose", "benchmark-1"],
        &["doctor"],
    ] {
        place.both(args);
    }
    let figures = place.both(&["evaluate", "benchmark-1", "--by", &hat]);
    assert!(holds(&figures, &a) && holds(&figures, &hat), "{figures}");
    place.ok(&["runs", "attach", "benchmark-1"]);

    // Predictions: JSON has the name, CSV its escapes, text both on one line.
    let raw = place.folder.path().join("raw\u{202e}");
    let raw = raw.to_str().expect("UTF-8");
    let pictures = [hostile("0"), hostile("broken"), hostile("nowhere"), "\\u{1b}".to_owned()];
    let paths = pictures.each_ref().map(|name| format!("{raw}/{name}.png"));
    let args = paths.each_ref().map(String::as_str);
    let predict = |more: &[&str]| {
        let output = place.run(&[more, &["predict"], &args].concat());
        assert_eq!(output.status.code(), Some(1), "three of them are no pictures");
        output.stdout
    };
    let answers: Vec<Value> = serde_json::from_slice(&predict(&["--json"])).expect("JSON");
    assert_eq!(answers.iter().map(|answer| answer["path"].as_str()).collect::<Vec<_>>(), args.map(Some));
    assert!(answers[0]["label"] == a.as_str() || answers[0]["label"] == hostile("b").as_str());
    assert_eq!(String::from_utf8_lossy(&predict(&[])).lines().count(), 2 + args.len());
    let written = place.run(&[&["predict", "--csv"], &args[..]].concat()).stdout;
    let rows: Vec<csv::StringRecord> = csv::Reader::from_reader(&written[..]).records().map(Result::unwrap).collect();
    for (row, answer) in rows.iter().zip(&answers) {
        for (column, field) in [(0, "path"), (1, "label"), (6, "error")] {
            assert_eq!(read_back(&row[column]), answer[field].as_str().unwrap_or_default());
        }
    }
    place.ok(&["predict", args[0], "--explain", &hostile("map"), "--quiet"]);

    // Tables and the report, as files whose names are hostile too.
    let folder = hostile("out");
    for (format, ending) in [("csv", "csv"), ("markdown", "md"), ("latex", "tex")] {
        for more in [&[][..], &["--by-setting"]] {
            let printed = place.ok(&[&["results", "--format", format], more].concat());
            assert!(printed.contains("filters"), "{printed}");
            let path = format!("{folder}/table.{ending}");
            place.ok(&[&["results", "--force", "--output", &path], more].concat());
            harmless(&path, &fs::read(place.at(&path)).expect("the table"));
        }
    }
    place.ok(&["report", "--output", &folder, "--thumbnails"]);
    for name in ["report.html", "report.md"] {
        let report = fs::read(place.at(&folder).join(name)).expect("the report");
        harmless(name, &report);
        assert!(String::from_utf8_lossy(&report).contains("u{9b}31m"), "{name} names the classes");
    }
    // The screens say the same; what they show is in pictures of them.
    place.ok(&["screens", "--to", &hostile("shots"), "--image", args[0]]);
    let shots: Vec<PathBuf> =
        fs::read_dir(place.at(&hostile("shots"))).expect("pictures").map(|shot| shot.expect("one").path()).collect();
    assert!(shots.len() > 5);
    shots.iter().for_each(|shot| harmless(&format!("{shot:?}"), &fs::read(shot).expect("a picture")));

    // What the program keeps as JSON is as harmless, for whoever looks into it.
    let mut seen = 0;
    for folder in ["runs/prepare-1", "runs/benchmark-1", "runs/audit-1", "data/prepared/s"] {
        for file in fs::read_dir(place.at(folder)).expect("a folder").map(|file| file.expect("a file").path()) {
            let ending = file.extension().map(OsStrExt::as_bytes);
            if matches!(ending, Some(b"json" | b"jsonl" | b"log")) && !file.ends_with("sources.json") {
                harmless(&format!("{file:?}"), &fs::read(&file).expect("a file"));
                seen += 1;
            }
        }
    }
    assert!(seen > 10, "{seen}");
}
