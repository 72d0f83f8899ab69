//! Untrusted text that would move the cursor, set the window's title, reorder text or forge a line: names of folders,
//! files, classes, columns and people, notes, titles, journals, specs, results, weights. No command prints such a
//! character raw in any format, and JSON and CSV preserve the values.

#[path = "support/session.rs"]
#[allow(dead_code, reason = "each test uses a part of it")]
mod session;

use faceprobe_core::text::{is_control, json as without_controls};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// What would begin a line if an end of line in a name were one.
const FORGED: &str = "FORGED";

/// Every control character but NUL, with sequences that terminals obey, and the bidirectional controls, in a name that a
/// file can have (at most 255 bytes).
fn hostile(name: &str) -> String {
    let controls = (1..=0x1f).chain(0x7f..=0x9f).chain([0x61c, 0x200e, 0x200f]);
    let all: String = controls.chain(0x2028..=0x202e).chain(0x2066..=0x2069).filter_map(char::from_u32).collect();
    format!("{name}\u{1b}[2J\u{1b}]0;x\u{7}\u{9b}31m\n{FORGED}\r{FORGED}{all}z")
}

/// A folder that such a name leads to, with a workspace and a folder of weights in it.
struct Place {
    folder: tempfile::TempDir,
    workspace: PathBuf,
    weights: PathBuf,
}

impl Place {
    fn new() -> Self {
        let root = tempfile::tempdir().expect("a temporary folder");
        let [workspace, weights] = ["w", "v"].map(|name| root.path().join(hostile(name)));
        fs::create_dir_all(&workspace).expect("a folder");
        fs::create_dir_all(&weights).expect("a folder");
        Self { folder: root, workspace, weights }
    }

    /// Runs a command and looks at every byte that it says.
    fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_faceprobe"));
        command.arg("--workspace").arg(&self.workspace).args(args);
        command.env("FACEPROBE_WEIGHTS", &self.weights).current_dir(&self.workspace).stdin(Stdio::null());
        let output = command.output().expect("the binary starts");
        for bytes in [&output.stdout, &output.stderr] {
            // A note has lines of its own, and nothing else is printed with it.
            let check = if args.contains(&"note") { controlled } else { harmless };
            check(&format!("{args:?}"), bytes);
        }
        output
    }

    fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{args:?}: {said}");
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// The command in text and, with the same values, in JSON, which is returned.
    fn both(&self, args: &[&str]) -> Value {
        self.ok(args);
        serde_json::from_str(&self.ok(&[&["--json"], args].concat())).expect("JSON")
    }

    fn fails(&self, code: i32, args: &[&str]) -> String {
        let output = self.run(args);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {error}");
        error
    }

    fn at(&self, path: &str) -> PathBuf {
        self.workspace.join(path)
    }
}

/// Asserts that bytes do nothing to a terminal but end lines.
fn controlled(what: &str, bytes: &[u8]) {
    let text = std::str::from_utf8(bytes).unwrap_or_else(|error| panic!("{what}: {error}"));
    let raw = text.char_indices().find(|(_, character)| *character != '\n' && is_control(*character));
    if let Some((at, character)) = raw {
        let before: String = text[..at].chars().rev().take(60).collect::<Vec<_>>().into_iter().rev().collect();
        panic!("{what}: a raw {character:?} behind {before:?}");
    }
}

/// The same, and that no name began a line.
fn harmless(what: &str, bytes: &[u8]) {
    controlled(what, bytes);
    let text = String::from_utf8_lossy(bytes);
    let forged = text.lines().find(|line| line.trim_start().starts_with(FORGED));
    assert_eq!(forged, None, "{what}");
}

/// Whether a value holds a text somewhere.
fn holds(value: &Value, text: &str) -> bool {
    match value {
        Value::String(held) => held.contains(text),
        Value::Array(items) => items.iter().any(|item| holds(item, text)),
        Value::Object(fields) => fields.iter().any(|(key, item)| key == text || holds(item, text)),
        _ => false,
    }
}

/// Puts characters in the place of their escapes.
fn read_back(shown: &str) -> String {
    let mut pieces = shown.split("\\u{");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |text, piece| {
        let (digits, rest) = piece.split_once('}').expect("the end of an escape");
        let code = u32::from_str_radix(digits, 16).expect("hexadecimal digits");
        text + &char::from_u32(code).expect("a character").to_string() + rest
    })
}

/// A prepared set `s` of pictures that differ in colour and whose every name is hostile, and a model of it.
fn trained() -> Place {
    let place = Place::new();
    // Settings refuse control characters, so the path of a source has none; the names in it have.
    let raw = place.folder.path().join("raw\u{202e}");
    fs::create_dir_all(&raw).expect("a folder");
    let mut table = csv::Writer::from_path(raw.join("labels.csv")).expect("a file");
    let (hat, classes) = (hostile("hat").to_lowercase(), ["a", "b"].map(hostile));
    table.write_record(["path", "label", "subject", "age", "fold", &hat]).expect("a head");
    for number in 0..40u32 {
        let picture = image::RgbImage::from_fn(40, 40, |x, y| {
            let texture = ((x * 7 + y * 13 + number * 31) % 60) as u8;
            if number % 2 == 0 { image::Rgb([180, texture, 40]) } else { image::Rgb([40, texture, 180]) }
        });
        let name = format!("{}.png", hostile(&number.to_string()));
        picture.save_with_format(raw.join(&name), image::ImageFormat::Png).expect("a picture");
        let class = &classes[number as usize % 2];
        let (person, age) = (hostile(&format!("p{}", number / 2)), hostile("20"));
        let hat = hostile(["cap", "top"][number as usize / 2 % 2]);
        table.write_record([&name, class, &person, &age, &(number / 2 % 5).to_string(), &hat]).expect("a row");
    }
    for (name, label) in [("missing", "a"), ("broken", "b")] {
        let (name, label) = (format!("{}.png", hostile(name)), hostile(label));
        if !name.starts_with("missing") {
            fs::write(raw.join(&name), "no picture").expect("a file");
        }
        table.write_record([&name, &label, "", "", "0", ""]).expect("a row");
    }
    table.flush().expect("a file");
    let source = format!("csv:{}", raw.join("labels.csv").display());
    let report = place.both(&["data", "prepare", "--source", &source, "--name", "s"]);
    assert!(holds(&report, FORGED), "{report}");
    place.ok(&["train", "benchmark", "--pool", "4", "--epochs", "2", "--data", "s"]);
    place.ok(&["train", "benchmark", "--pool", "4", "--epochs", "2", "--seed", "2", "--data", "s"]);
    place
}

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

#[test]
fn typed_text_is_quoted_in_errors_without_control_characters() {
    let place = Place::new();
    let typed = hostile("x");
    for args in [
        &[typed.as_str()][..],
        &["--threads", &typed],
        &["--device", &typed, "doctor"],
        &["--workspace", &typed, "data", "show", &typed],
        &["data", "prepare", "--source", &typed],
        &["data", "prepare", "--source", &format!("csv:{typed}")],
        &["data", "prepare", "--source", &format!("folder:{typed}"), "--name", &typed],
        &["data", "decide", &typed, "drop"],
        &["data", "decide", &typed, &typed],
        &["runs", "show", &typed],
        &["evaluate", &typed],
        &["results", "--format", &typed],
        &["results", "--sort", &typed],
        &["train", "dense", "--learning-rate", &typed],
        &["train", &typed],
        &["extract", "--backbone", &typed],
        &["predict", &typed, "--model", &typed],
        &["weights", "fetch", &typed],
        &["weights", "fetch", "vgg16", "--from", &typed],
        &["weights", "import", &typed, &typed],
    ] {
        let code = place.run(args).status.code();
        assert!(matches!(code, Some(1 | 2)), "{args:?}: {code:?}");
    }
    // clap's own sentence names what it does not know.
    assert!(place.fails(2, &[&format!("--{typed}")]).contains("\\u{9b}31m"));
}

#[test]
fn lines_above_the_bar_of_progress_are_as_harmless_on_a_terminal() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path();
    let broken = ["\u{1b}[31mred.png", "\u{202e}gnp.back.png", "\u{9b}2Jcleared.png", "{msg}\rover.png"];
    for (number, name) in ["female", "male"].iter().flat_map(|class| (0..8).map(move |number| (number, class))) {
        fs::create_dir_all(at.join("raw").join(name)).expect("a folder");
        let picture = image::RgbImage::from_pixel(9, 9, image::Rgb([number * 30, name.len() as u8 * 20, 7]));
        picture.save(at.join(format!("raw/{name}/{number}.png"))).expect("a picture");
    }
    for name in broken {
        fs::write(at.join("raw/male").join(name), b"\x89PNG\r\n\x1a\n no").expect("a file");
    }
    let source = format!("folder:{}", at.join("raw").display());
    let session = session::Session::start(at, &["data", "prepare", "--source", &source, "--name", "s"], 200, 60);
    for shown in ["\\u{1b}[31mred.png", "\\u{202e}gnp.back.png", "\\u{9b}2Jcleared.png", "{msg}\\u{d}over.png"] {
        session.shows(shown);
    }
    let text = session.text();
    assert!(!text.contains(|character| character != '\n' && is_control(character)), "{text}");
}
