//! Every file of text that commands leave, in the workspace and where they were told to write.

use super::{FORGED, Place, controlled, harmless, hostile, made_up, trained};
use faceprobe_core::dataset::Manifest;
use faceprobe_core::text::{printable, read_back};
use faceprobe_core::workspace::Workspace;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Endings of files that hold text of outside and are read by people or programs of theirs.
const OF_TEXT: [&str; 14] =
    ["csv", "json", "jsonl", "md", "html", "svg", "tex", "toml", "txt", "yaml", "yml", "log", "sha256", "sh"];

/// The files below a folder, without pictures and other bytes.
fn texts(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(texts(&path));
        } else if path.extension().is_none_or(|ending| OF_TEXT.iter().any(|text| ending == *text)) && path.is_file() {
            found.push(path);
        }
    }
    found
}

/// Looks at every file of text in the workspace; their number by ending comes back.
pub fn all_are_harmless(place: &Place) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    for path in texts(&place.workspace) {
        let bytes = fs::read(&path).expect("a file");
        // TensorBoard's files and locks.
        if std::str::from_utf8(&bytes).is_err() {
            continue;
        }
        let ending = path.extension().map_or_else(String::new, |ending| ending.to_string_lossy().into_owned());
        let check = if path.to_string_lossy().contains("/params/") { controlled } else { harmless };
        check(&format!("{path:?}"), &bytes);
        seen.insert(ending);
    }
    seen
}

#[test]
fn no_file_that_a_command_writes_holds_a_control_character() {
    let place = trained();
    let weights = place.folder.path().join("made-up.safetensors");
    made_up::weights("mobilenet-v2", &weights);
    let on = ["--backbone", "mobilenet-v2", "--data", "s"];
    let raw = place.folder.path().join("raw\u{202e}");
    let picture = raw.join(format!("{}.png", hostile("1"))).to_str().expect("UTF-8").to_owned();
    place.ok(&["weights", "import", "mobilenet-v2", weights.to_str().expect("UTF-8")]);
    place.ok(&[&["train", "knn"][..], &on].concat());
    place.ok(&["data", "audit", "s", "--faces", "no"]);
    place.ok(&["data", "decide", &picture, "drop"]);
    place.ok(&["evaluate", "benchmark-1", "--open-test"]);
    place.ok(&["choose", "benchmark-1"]);
    place.ok(&["runs", "note", "benchmark-1", &hostile("note")]);
    place.ok(&[&["features", "export", "--to", &hostile("features")][..], &on].concat());
    place.ok(&["runs", "export", "benchmark-1", "--mlflow", "store"]);
    place.ok(&["results", "--output", &format!("{}.csv", hostile("table"))]);
    place.ok(&["report", "--output", "report", "--thumbnails"]);
    place.ok(&["study", "export", "study.toml"]);
    let seen = all_are_harmless(&place);
    for ending in ["csv", "json", "jsonl", "md", "html", "toml", "yaml"] {
        assert!(seen.contains(ending), "no .{ending} in {seen:?}");
    }
    // What they say is the name, for whoever reads it back.
    let rows = |path: PathBuf| -> Vec<csv::StringRecord> {
        csv::Reader::from_path(path).expect("a table").records().map(|row| row.expect("a row")).collect()
    };
    let name = format!("{}.png", hostile("1"));
    let reads = |path: PathBuf, column: usize| {
        let rows = rows(path.clone());
        assert!(rows.iter().any(|row| read_back(&row[column]).ends_with(&name)), "{path:?}");
    };
    reads(place.at("data/prepared/s/manifest.csv"), 0);
    reads(place.at("data/prepared/s/attributes.csv"), 1);
    reads(place.at(&hostile("features")).join("labels.csv"), 0);
    let scores = ["val", "test"].map(|split| rows(place.at(&format!("runs/benchmark-1/scores-{split}.csv"))));
    assert!(scores.iter().flatten().all(|row| read_back(&row[1]).contains(FORGED) && !row[1].contains('\n')));
    reads(place.at("data/decisions.csv"), 3);
    let manifest = manifest(&place);
    let sample = manifest.samples.iter().find(|sample| sample.path == name).expect("the sample");
    assert_eq!(sample.subject.as_deref(), Some((hostile("p0") + "\0").as_str()));
    assert_eq!(sample.attributes.values().next().map(|hat| hat.contains(FORGED)), Some(true));
    // Prepared again with the decision on it: it is found by its name and its content.
    let source = format!("csv:{}", raw.join("labels.csv").display());
    place.ok(&["data", "prepare", "--source", &source, "--name", "s"]);
    let text = fs::read_to_string(place.at("data/prepared/s@2/report.json")).expect("a report");
    assert!(text.contains("drop "), "{text}");
}

fn manifest(place: &Place) -> Manifest {
    let workspace = Workspace::open(&place.workspace).expect("a workspace");
    Manifest::load_named(&workspace, "s").expect("a set")
}

/// A set that an earlier version prepared holds raw names; they are the same names.
#[test]
fn a_manifest_of_an_earlier_version_is_read_as_it_is() {
    let place = trained();
    let before = manifest(&place);
    let folder = place.at("data/prepared/s");
    let report = fs::read_to_string(folder.join("report.json")).expect("a report");
    let mut told: serde_json::Value = serde_json::from_str(&report).expect("JSON");
    told.as_object_mut().expect("an object").remove("checksum");
    for (file, field) in [("manifest.csv", "manifest_sha256"), ("attributes.csv", "attributes_sha256")] {
        let mut raw = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
        for row in csv::ReaderBuilder::new().has_headers(false).from_path(folder.join(file)).expect("a table").records()
        {
            let row = row.expect("a row");
            raw.write_record(row.iter().map(|cell| read_back(cell).into_owned())).expect("a row");
        }
        let raw = raw.into_inner().expect("a table");
        assert!(controls(&raw), "{file} has raw names");
        told[field] = faceprobe_core::dataset::ContentHash::of(&raw).to_string().into();
        fs::write(folder.join(file), raw).expect("a file");
    }
    fs::write(folder.join("report.json"), told.to_string()).expect("a file");
    let after = manifest(&place);
    assert_eq!((after.samples, after.classes), (before.samples, before.classes));
    place.ok(&["data", "show", "s"]);
    place.ok(&["train", "benchmark", "--pool", "8", "--epochs", "1", "--data", "s"]);
}

fn controls(bytes: &[u8]) -> bool {
    String::from_utf8_lossy(bytes).contains(|c| c != '\n' && faceprobe_core::text::is_control(c))
}

/// Names that need no escape are written as they were before there were any.
#[test]
fn a_manifest_of_plain_names_is_what_it_always_was() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let raw = folder.path().join("raw");
    fs::create_dir(&raw).expect("a folder");
    let mut table = String::from("path,label,subject\n");
    let names = ["été, 1", "C:\\users", "\"quoted\"", "人物", "\\x{zz}", "a  b", "100%", "'x'"];
    for (number, name) in names.iter().chain(&names).enumerate() {
        let path = format!("{name} {number}.png");
        let picture =
            image::RgbImage::from_fn(16, 16, |x, y| image::Rgb([(x * 9) as u8, (y * 7) as u8, number as u8 * 9]));
        picture.save_with_format(raw.join(&path), image::ImageFormat::Png).expect("a picture");
        let class = if number % 2 == 0 { "a" } else { "b" };
        table += &format!("\"{}\",{class},\"{}\"\n", path.replace('"', "\"\""), name.replace('"', "\"\""));
    }
    fs::write(raw.join("labels.csv"), table).expect("a file");
    let place = Place { workspace: folder.path().join("w"), weights: folder.path().join("v"), folder };
    fs::create_dir_all(&place.workspace).expect("a folder");
    place.ok(&["data", "prepare", "--source", &format!("csv:{}", raw.join("labels.csv").display()), "--name", "s"]);
    let mut plain = csv::Writer::from_writer(Vec::new());
    plain.write_record(["path", "label", "split", "subject", "age", "fold", "source", "hash"]).expect("a head");
    let manifest = manifest(&place);
    assert_eq!(manifest.samples.len(), names.len() * 2);
    for sample in &manifest.samples {
        assert_eq!(printable(&sample.path), sample.path);
        let (class, hash) = (&manifest.classes[sample.class], sample.hash.to_string());
        let subject = sample.subject.as_deref().unwrap_or_default();
        plain
            .write_record([&sample.path, class, sample.split.name(), subject, "", "", &sample.source, &hash])
            .expect("a row");
    }
    let written = fs::read(place.at("data/prepared/s/manifest.csv")).expect("a manifest");
    assert_eq!(
        String::from_utf8_lossy(&written),
        String::from_utf8(plain.into_inner().expect("bytes")).expect("UTF-8")
    );
}
