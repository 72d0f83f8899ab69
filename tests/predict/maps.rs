//! Formats of answers, and maps: their pixels, paths, and files that they must not overwrite.

use super::coloured::{ok, run, trained};
use super::{answers, texts};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

#[test]
fn output_formats_uncertainty_and_maps() {
    let folder = trained();
    let at = folder.path();
    // Half red, half blue: whatever is said of it is said with less conviction than of the others.
    let both = image::RgbImage::from_fn(60, 90, |x, _| image::Rgb(if x < 30 { [180, 20, 40] } else { [40, 20, 180] }));
    both.save(at.join("both, halves.png")).expect("a picture");
    let sure = &answers(at, &["raw/female/000.png"], 0)[0];
    let unsure = &answers(at, &["both, halves.png"], 0)[0];
    let (sure, unsure) = (sure["probability"].as_f64().unwrap_or(0.0), unsure["probability"].as_f64().unwrap_or(1.0));
    assert!(unsure < sure, "{unsure} {sure}");
    let between = ((sure + unsure) / 2.0).to_string();
    let doubted = answers(at, &["raw/female/000.png", "both, halves.png", "--uncertain-below", &between], 0);
    assert_eq!(texts(&doubted, "label"), ["female", "uncertain"]);
    assert_eq!(doubted[1]["probability"].as_f64(), Some(unsure));

    let csv = ok(at, &["predict", "--csv", "both, halves.png", "raw/male/000.png"]);
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let head = reader.headers().expect("a head").clone();
    for field in ["path", "label", "probability", "score", "threshold", "faces", "error"] {
        assert!(head.iter().any(|name| name == field), "{head:?} lacks {field}");
    }
    let rows: Vec<csv::StringRecord> = reader.records().map(|row| row.expect("a row")).collect();
    assert_eq!((rows.len(), &rows[0][0], &rows[1][1]), (2, "both, halves.png", "male"));

    // The map of the benchmark is of the places its convolution fires at; the picture keeps its size.
    let explained = answers(at, &["raw/female/000.png", "--explain", "why.png"], 0);
    assert_eq!(explained[0]["explanation"], "why.png");
    let why = image::open(at.join("why.png")).expect("a picture").into_rgb8();
    let plain = image::open(at.join("raw/female/000.png")).expect("a picture").into_rgb8();
    assert_eq!(why.dimensions(), (40, 40));
    assert_ne!(why, plain);
    assert_eq!(run(at, &["predict", "raw/female", "--explain", "why.png"]).status.code(), Some(2));
    let many = answers(at, &["raw/female/001.png", "raw/male/001.png", "nowhere.png", "--explain", "maps/"], 1);
    assert_eq!(texts(&many, "explanation"), ["maps/001.png", "maps/001-2.png", "null"]);
    assert!(at.join("maps/001-2.png").is_file());
}

#[test]
fn the_resident_predictor_answers_with_maps() {
    let folder = trained();
    let at = folder.path();
    let mut child = Command::new(faceprobe_core::worker::program().expect("the worker is built"));
    child.arg("answer").arg(at).args(["cpu", "2"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = child.spawn().expect("the binary starts");
    let (mut input, mut output) =
        (child.stdin.take().expect("input"), BufReader::new(child.stdout.take().expect("output")));
    let mut next = |question: &str| -> Value {
        if !question.is_empty() {
            writeln!(input, "{question}").expect("it listens");
        }
        let mut line = String::new();
        output.read_line(&mut line).expect("it answers");
        serde_json::from_str(&line).expect("a reply")
    };
    assert_eq!(next("")["answer"], "ready");
    let path = at.join("raw/male/000.png").to_string_lossy().into_owned();
    let plain = next(&format!(r#"{{"path":"{path}"}}"#));
    assert_eq!((&plain["answer"], &plain["label"]), (&"prediction".into(), &"male".into()));
    let why = next(&format!(r#"{{"path":"{path}","explain":true}}"#));
    assert_eq!(why["answer"], "explanation");
    let one = &why["answers"][0];
    assert_eq!(one["prediction"]["score"], plain["score"]);
    let (rows, columns) = (one["map"]["rows"].as_u64(), one["map"]["columns"].as_u64());
    let cells = rows.zip(columns).map(|(rows, columns)| rows * columns).unwrap_or(0);
    assert!(cells > 1 && one["map"]["values"].as_array().is_some_and(|values| values.len() as u64 == cells), "{why}");
    assert_eq!(one["placement"], serde_json::json!([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]));
    let missing = next(r#"{"path":"/nowhere.png","explain":true}"#);
    assert_eq!(missing["answer"], "prediction");
    assert!(missing["error"].as_str().is_some_and(|error| error.contains("no such file")), "{missing}");
    drop(input);
    let ended = (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        child.try_wait().is_ok_and(|status| status.is_some())
    });
    assert!(ended, "it ends with its input");
}

/// A map goes where a user says, and over nothing that the program did not make.
#[test]
fn maps_overwrite_no_photograph_and_no_foreign_file() {
    let folder = trained();
    let at = folder.path();
    let photo = at.join("raw/female/000.png");
    let before = std::fs::read(&photo).expect("a photograph");
    std::os::unix::fs::symlink(&photo, at.join("link.png")).expect("a link");
    std::fs::hard_link(&photo, at.join("hard.png")).expect("a link");
    std::fs::write(at.join("notes.txt"), "my notes").expect("a file");
    let explain = |out: &str, more: &[&str]| {
        let args = [&["predict", "raw/female/000.png", "--explain", out], more].concat();
        let output = run(at, &args);
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for out in ["raw/female/000.png", "./raw/../raw/female/000.png", "link.png", "hard.png"] {
        let (code, error) = explain(out, &["--force"]);
        assert!(code == Some(2) && error.contains("is what is read"), "{out}: {error}");
    }
    assert_eq!(std::fs::read(&photo).expect("a photograph"), before);
    let (code, error) = explain("notes.txt", &[]);
    assert!(code == Some(2) && error.contains("--force"), "{error}");
    assert_eq!(std::fs::read(at.join("notes.txt")).expect("a file"), b"my notes");
    // Its own map it makes anew; the folder of the photographs gets no map over one of them.
    for _ in 0..2 {
        assert_eq!(explain("own.png", &[]).0, Some(0));
    }
    assert_eq!(explain("notes.txt", &["--force"]).0, Some(0));
    let many = answers(at, &["raw/female", "--explain", "raw/female", "--force"], 0);
    assert!(texts(&many, "explanation").iter().all(|map| map.contains("-2.png")), "{many:?}");
    assert_eq!(std::fs::read(&photo).expect("a photograph"), before);
}
