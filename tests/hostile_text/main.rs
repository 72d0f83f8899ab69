//! Untrusted text that would move the cursor, set the window's title, reorder text or forge a line: names of folders,
//! files, classes, columns and people, notes, titles, journals, specs, results, weights. No command prints such a
//! character raw in any format, and JSON and CSV preserve the values.

mod commands;
mod files;
mod foreign;
#[path = "../support/made_up.rs"]
mod made_up;
#[path = "../support/session.rs"]
#[allow(dead_code, reason = "each test uses a part of it")]
mod session;
mod study;
mod typed;

use faceprobe_core::text::is_control;
use serde_json::Value;
use std::fs;
use std::path::PathBuf;
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
        // A file's name holds no NUL; what a table says may.
        let (person, age) = (hostile(&format!("p{}", number / 2)) + "\0", hostile("20") + "\0");
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
