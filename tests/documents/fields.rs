//! `docs/formats.md` names every file of a used workspace, and every field in it.

use crate::coloured;
use crate::root;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Objects whose keys are data, not fields.
const MAPS: [&str; 5] = ["raw_labels", "roots", "ages", "folds", "__metadata__"];

/// Locks say nothing but that they are there.
fn is_told(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    !name.ends_with(".lock") && !path.components().any(|part| part.as_os_str() == "report")
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, found);
        } else if is_told(&path) {
            found.push(path);
        }
    }
}

fn keys(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                found.insert(key.clone());
                if !MAPS.contains(&key.as_str()) {
                    keys(value, found);
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| keys(value, found)),
        _ => {}
    }
}

/// The fields of a file: keys of JSON, columns of CSV, what a model says of itself.
fn fields(path: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut add = |text: &str| {
        let value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        keys(&value, &mut found);
    };
    let text = || fs::read_to_string(path).expect("text");
    match path.extension().and_then(|extension| extension.to_str()) {
        // What the workbench remembers, and what a journal comes to, is the program's own business.
        Some("json") if path.ends_with("workbench.json") || path.ends_with("summary.json") => {}
        Some("json") => add(&text()),
        Some("jsonl") => text().lines().filter(|line| !line.is_empty()).for_each(&mut add),
        Some("csv") => {
            let columns = csv::Reader::from_path(path).expect("a table").headers().expect("columns").clone();
            found.extend(columns.iter().map(|column| column.split(' ').next().unwrap_or_default().to_owned()));
        }
        Some("safetensors") if !path.ends_with("checkpoint.safetensors") => {
            let bytes = fs::read(path).expect("a model");
            let length = u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes")) as usize;
            let header: Value = serde_json::from_slice(&bytes[8..8 + length]).expect("a header");
            add(header["__metadata__"]["faceprobe"].as_str().expect("what the model says of itself"));
        }
        _ => {}
    }
    found
}

/// How the page names a file.
fn name_on_page(path: &Path) -> String {
    let name = path.file_name().expect("a name").to_string_lossy().into_owned();
    match name.strip_prefix("part-") {
        Some(rest) => format!("part-WRITER-N.{}", rest.split_once('.').expect("an ending").1),
        None if path.parent().is_some_and(|folder| folder.ends_with("data/current")) => "data/current/NAME".to_owned(),
        None => name,
    }
}

#[test]
fn every_file_and_field_is_on_the_page_of_formats() {
    let workspace = coloured::trained();
    let at = workspace.path();
    coloured::pictures(&at.join("raw-others"), 100..120);
    for args in [
        &["--quiet", "evaluate", "benchmark-1", "--open-test"][..],
        &["choose", "benchmark-1"],
        &["runs", "note", "benchmark-1", "a note"],
        &["--quiet", "data", "audit", "colours", "--faces", "no"],
        &["data", "decide", "female/001.png", "keep"],
        &["--quiet", "data", "prepare", "--source", "folder:raw-others", "--name", "others"],
        &["--quiet", "evaluate", "benchmark-1", "--on", "others"],
        &["results", "--output", "table.csv"],
    ] {
        coloured::ok(at, args);
    }
    let page = fs::read_to_string(root().join("docs/formats.md")).expect("the page");
    let settings = fs::read_to_string(root().join("docs/settings.md")).expect("the settings");
    let mut all = Vec::new();
    ["data", "cache", "runs"].iter().for_each(|folder| files(&at.join(folder), &mut all));
    let mut problems = BTreeSet::new();
    for path in &all {
        let name = name_on_page(path);
        if !page.contains(&format!("{name}`")) {
            problems.insert(format!("formats.md does not name the file {name} ({})", path.display()));
        }
        for field in fields(path) {
            let option = format!("`--{} ", field.replace('_', "-"));
            if !page.contains(&format!("`{field}`")) && !settings.contains(&option) {
                problems.insert(format!("formats.md does not name the field {field} of {name}"));
            }
        }
    }
    assert!(all.len() > 20, "a workspace in which something was done");
    crate::assert_none(&problems.into_iter().collect::<Vec<_>>());
}
