//! Run folders and weights that came from elsewhere.

use super::{FORGED, harmless, holds, hostile, trained};
use faceprobe_core::text::json as without_controls;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// The strings of some fields, wherever they are, made hostile; NUL, which JSON can say, is among them.
fn poisoned(value: &mut Value, fields: &[&str]) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| poisoned(item, fields)),
        Value::Object(held) => {
            for (key, item) in held {
                if fields.contains(&key.as_str()) && !item.is_object() {
                    *item = if item.is_array() { json!([hostile("x")]) } else { (hostile(key) + "\0").into() };
                } else {
                    poisoned(item, fields);
                }
            }
        }
        _ => {}
    }
}

/// Writes JSON as another program may: with everything raw that JSON lets stand.
fn poison(path: &Path, fields: &[&str]) {
    let mut value: Value = serde_json::from_slice(&fs::read(path).expect("a file")).expect("JSON");
    poisoned(&mut value, fields);
    // Other programs know of no checksum.
    value.as_object_mut().expect("an object").remove("checksum");
    assert!(holds(&value, FORGED), "{path:?} has none of {fields:?}");
    fs::write(path, serde_json::to_vec(&value).expect("JSON")).expect("a file");
}

#[test]
fn a_run_folder_and_weights_from_elsewhere_say_nothing_to_a_terminal() {
    let place = trained();
    let copy = |to: &str| {
        fs::create_dir(place.at(to)).expect("a folder");
        for name in ["spec.json", "result.json", "events.jsonl", "scores-val.csv", "model.safetensors"] {
            fs::copy(place.at("runs/benchmark-2").join(name), place.at(to).join(name)).expect("a file");
        }
        place.at(to)
    };
    let run = copy("runs/hostile-1");
    poison(&run.join("spec.json"), &["dataset", "created", "device"]);
    let fields =
        ["dataset", "settings", "backbone", "pool", "tap", "manifest_sha256", "sources", "created", "asked", "key"];
    poison(&run.join("result.json"), &fields);
    let text = hostile("told");
    let label = json!({ "title": text, "note": hostile("note"), "pinned": true });
    fs::write(run.join("label.json"), label.to_string()).expect("a label");
    fs::write(run.join("worker.log"), hostile("log")).expect("a log");
    let events = [
        json!({ "at": 1, "event": "started", "pid": 1, "threads": 1 }),
        json!({ "at": 2, "event": "stage", "name": text }),
        json!({ "at": 3, "event": "note", "text": text }),
        json!({ "at": 4, "event": "skipped", "path": text, "reason": text }),
        json!({ "at": 5, "event": "trial", "index": 0, "of": 1, "setting": text, "val_accuracy": 0.5, "val_loss": 1.0 }),
        json!({ "at": 6, "event": "progress", "done": 1, "total": 2, "unit": text, "rate": 1.0, "remaining": 1.0 }),
        json!({ "at": 7, "event": "finished", "summary": text, "seconds": 1.0 }),
    ];
    let lines = |last: &Value| {
        let all = events[..6].iter().chain([last]).map(|event| format!("{event}\n"));
        all.collect::<String>() + &hostile("no event") + "\n"
    };
    fs::write(run.join("events.jsonl"), lines(&events[6])).expect("a journal");
    let shown = place.both(&["runs", "show", "hostile-1"]);
    assert!(holds(&shown["notes"], &text) && holds(&shown["run"]["title"], &text), "{shown}");
    place.ok(&["runs", "attach", "hostile-1"]);
    for args in [&["runs", "list"][..], &["results"], &["results", "--by-setting"], &["runs", "note", "hostile-1"]] {
        assert!(holds(&place.both(args), FORGED), "{args:?}");
    }
    for format in ["csv", "markdown", "latex"] {
        place.ok(&["results", "--format", format]);
    }
    for args in [
        &["evaluate", "hostile-1"][..],
        &["compare", "hostile-1", "benchmark-1"],
        &["results", "--compare", "hostile-1", "benchmark-1"],
        &["choose", "hostile-1"],
        &["predict", "nowhere.png", "--model", "hostile-1"],
        &["train", "refit", "hostile-1"],
    ] {
        place.run(args);
        place.run(&[&["--json"], args].concat());
    }
    // One that failed, one whose files are no JSON, and one that is of no kind that there is.
    fs::write(run.join("events.jsonl"), lines(&json!({ "at": 7, "event": "failed", "error": text, "seconds": 1.0 })))
        .expect("a journal");
    place.fails(1, &["runs", "attach", "hostile-1"]);
    for (name, file, content) in [
        ("runs/hostile-2", "spec.json", hostile("{")),
        ("runs/hostile-3", "spec.json", json!({ "job": { "job": hostile("job") } }).to_string()),
        ("runs/hostile-4", "result.json", json!({ "run": hostile("run"), "kind": hostile("kind") }).to_string()),
        ("runs/hostile-5", "label.json", json!({ "title": [hostile("title")], hostile("x"): 1 }).to_string()),
    ] {
        let run = copy(name);
        fs::write(run.join(file), content).expect("a file");
        let name = name.trim_start_matches("runs/");
        for args in [&["runs", "show", name][..], &["evaluate", name], &["runs", "note", name]] {
            place.run(args);
        }
    }
    place.both(&["runs", "list"]);
    place.both(&["results"]);
    place.ok(&["report", "--output", "out"]);
    for name in ["report.html", "report.md"] {
        harmless(name, &fs::read(place.at("out").join(name)).expect("the report"));
    }

    // Weights that came with words of their own.
    let quoted = |name: &str| without_controls(serde_json::to_string(&hostile(name)).expect("a string"));
    let described = format!(
        "name = \"evil\"\nfile = \"evil.pt\"\ninput = 32\ntitle = {}\nlicence = {}\nreference = {}\nmean = [0.5, 0.5, 0.5]\nstd = [0.5, 0.5, 0.5]\n\
         [output]\nchannels = 8\nside = 1\n",
        quoted("title"),
        quoted("licence"),
        quoted("reference")
    );
    fs::write(place.weights.join("evil.toml"), described).expect("a description");
    fs::write(place.weights.join("mobilenet-v2.safetensors"), "x").expect("a file");
    let record = json!({ "backbone": "mobilenet-v2", "sha256": hostile("sha"), "bytes": 1, "source": hostile("from"),
                         "licence": hostile("licence") });
    fs::write(place.weights.join("mobilenet-v2.json"), record.to_string()).expect("a record");
    let listed = place.both(&["weights", "list"]);
    assert!(holds(&listed, &hostile("licence")) && holds(&listed, &hostile("from")), "{listed}");
    place.both(&["doctor"]);
    fs::write(place.weights.join("evil.toml"), format!("name = \"{}", hostile("x"))).expect("a description");
    place.run(&["doctor"]);
    place.run(&["extract", "--backbone", "evil", "--data", "s"]);
    place.run(&["extract", "--backbone", "mobilenet-v2", "--data", "s"]);
}
