//! `predict` and `evaluate --on` through the real binary: all kinds of inputs, bad files, and a run on another data
//! set.

#[path = "support/coloured.rs"]
mod coloured;
#[path = "predict/maps.rs"]
mod maps;

use coloured::{command, ok, pictures, run, trained};
use serde_json::Value;
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// What `predict` answers, with `code` as its exit code.
fn answers<S: AsRef<OsStr>>(workspace: &Path, args: &[S], code: i32) -> Vec<Value> {
    let output = command(workspace).args(["--json", "predict"]).args(args).output().expect("the binary starts");
    assert_eq!(output.status.code(), Some(code), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("an array")
}

fn texts<'a>(answers: &'a [Value], field: &str) -> Vec<&'a str> {
    answers.iter().map(|answer| answer[field].as_str().unwrap_or("null")).collect()
}

fn png(picture: image::RgbImage) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut bytes, image::ImageFormat::Png).expect("a PNG");
    bytes.into_inner()
}

/// The beginning of a PNG that claims `side` x `side` pixels.
fn huge_png(side: u32) -> Vec<u8> {
    let mut bytes = png(image::RgbImage::new(1, 1));
    bytes[16..20].copy_from_slice(&side.to_be_bytes());
    bytes[20..24].copy_from_slice(&side.to_be_bytes());
    // The checksum of a chunk is over its name and its content: IHDR and 13 bytes.
    let mut crc = u32::MAX;
    for byte in &bytes[12..29] {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 };
        }
    }
    bytes[29..33].copy_from_slice(&(!crc).to_be_bytes());
    bytes
}

#[test]
fn every_bad_file_has_its_sentence_and_none_stops_the_rest() {
    let folder = trained();
    let at = folder.path();
    let red = png(image::RgbImage::from_pixel(30, 30, image::Rgb([180, 20, 40])));
    let file = |name: &str, bytes: &[u8]| fs::write(at.join(name), bytes).expect("a file");
    file("good.png", &red);
    file("empty.jpg", b"");
    file("cut.png", &red[..red.len() / 2]);
    file("text.jpg", b"these are words");
    file("png inside.jpg", &red);
    file("huge.png", &huge_png(50_000));
    file("two\nlines.png", b"no");
    let mut gif = Vec::new();
    {
        let mut encoder = image::codecs::gif::GifEncoder::new(&mut gif);
        for blue in [0, 250] {
            let frame = image::RgbaImage::from_pixel(30, 30, image::Rgba([180, 20, blue, 255]));
            encoder.encode_frame(image::Frame::new(frame)).expect("a frame");
        }
    }
    file("moving.gif", &gif);
    fs::create_dir(at.join("nothing")).expect("a folder");
    fs::write(at.join("nothing/readme.txt"), "no image").expect("a file");
    let _socket = std::os::unix::net::UnixListener::bind(at.join("socket.jpg")).expect("a socket");
    let made = Command::new("mkfifo").arg(at.join("pipe.jpg")).status().expect("mkfifo runs");
    assert!(made.success());
    std::os::unix::fs::symlink("loop.jpg", at.join("loop.jpg")).expect("a link");

    let expected = [
        ("good.png", None),
        ("empty.jpg", Some("empty file")),
        ("cut.png", Some("truncated PNG")),
        ("text.jpg", Some("not an image this program reads")),
        ("png inside.jpg", None),
        ("huge.png", Some("50000 x 50000 pixels is more than the limit")),
        ("two\nlines.png", Some("not an image this program reads")),
        ("moving.gif", None),
        ("nothing", Some("is a folder without images (JPEG, PNG, WebP, BMP, TIFF, GIF); there are 1 other files")),
        ("socket.jpg", Some("is a socket")),
        ("pipe.jpg", Some("is a named pipe")),
        ("/dev/zero", Some("is a device")),
        ("loop.jpg", Some("is a link that leads back to itself")),
        ("good.png/below.png", Some("leads through a file")),
        ("missing.jpg", Some("there is no such file")),
        ("good.png", None),
    ];
    let names: Vec<&str> = expected.iter().map(|(name, _)| *name).collect();
    let found = answers(at, &names, 1);
    assert_eq!(texts(&found, "path"), names);
    for (answer, (name, error)) in found.iter().zip(&expected) {
        match error {
            None => {
                assert_eq!((&answer["error"], &answer["label"]), (&Value::Null, &Value::from("female")), "{name}");
                assert_eq!(answer["input"], "whole picture");
            }
            Some(part) => {
                let sentence = answer["error"].as_str().expect("a sentence");
                assert!(sentence.contains(part) && sentence.contains(name), "{name}: {sentence}");
                assert!(answer["label"].is_null() && answer["score"].is_null(), "{answer}");
            }
        }
    }
    assert_eq!(found[7]["note"], "animated GIF; its first picture was taken");
    assert_eq!(found[0]["score"], found[15]["score"], "an image has the same score in any company");

    // On a terminal or in a log, a name stays on its line; a folder's bad image is as good as a named one.
    let output = run(at, &["predict", "two\nlines.png"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("two\\u{a}lines.png") && text.lines().count() == 3, "{text}");
    let all = answers(at, &["."], 1);
    assert_eq!(all.len(), 11, "hidden files, folders and other files are no images: {:?}", texts(&all, "path"));
    fs::write(at.join(".hidden.png"), &red).expect("a file");
    for (input, parts) in [
        (".", ["hidden, or of other programs: 1 (.hidden.png)", "folders, which --recursive looks into: "]),
        ("nothing", ["not an image: 1 (readme.txt)", ""]),
    ] {
        let output = run(at, &["predict", input, "good.png", "--json", "--quiet"]);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        let passed = told.lines().find(|line| line.starts_with("passed over: ")).unwrap_or_else(|| panic!("{told}"));
        assert!(parts.iter().all(|part| passed.contains(part)), "{passed}");
    }
    assert_eq!(run(at, &["predict"]).status.code(), Some(2));
    assert_eq!(run(at, &["predict", "good.png", "--uncertain-below", "2"]).status.code(), Some(2));
    assert_eq!(run(at, &["predict", "good.png", "--detect", "maybe"]).status.code(), Some(2));
    assert_eq!(run(at, &["predict", "good.png", "--every-face"]).status.code(), Some(2));
}

#[test]
fn images_are_named_in_every_way_and_answered_in_order() {
    let folder = trained();
    let at = folder.path();
    // Folders: the images in them by name; the folders in them when asked for.
    let of_folder = answers(at, &["raw/female", "raw/male/000.png"], 0);
    assert_eq!(of_folder.len(), 41);
    assert!(texts(&of_folder, "path").is_sorted());
    assert!(answers(at, &["raw"], 1)[0]["error"].as_str().is_some_and(|error| error.contains("--recursive")));
    let all = answers(at, &["raw", "--recursive"], 0);
    assert_eq!(all.len(), 80);
    assert_eq!(
        all[..40],
        of_folder[..40]
            .iter()
            .zip(&all)
            .map(|(answer, timed)| {
                let mut answer = answer.clone();
                answer["milliseconds"] = timed["milliseconds"].clone();
                answer
            })
            .collect::<Vec<_>>()[..]
    );
    assert_eq!(texts(&all[..40], "label"), ["female"; 40]);
    assert_eq!(texts(&all[40..], "label"), ["male"; 40]);

    // Lists: a file, and standard input with NUL between.
    fs::write(at.join("list.txt"), "raw/male/001.png\r\n\nraw/female/001.png").expect("a list");
    let listed = answers(at, &["raw/male/005.png", "--list", "list.txt"], 0);
    assert_eq!(texts(&listed, "path"), ["raw/male/005.png", "raw/male/001.png", "raw/female/001.png"]);
    assert_eq!(run(at, &["predict", "--list", "no such list"]).status.code(), Some(1));
    let piped = |args: &[&str], input: &[u8]| -> Value {
        let mut child = command(at);
        child.args(["--json", "predict"]).args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = child.spawn().expect("the binary starts");
        child.stdin.take().expect("its input").write_all(input).expect("it reads");
        let output = child.wait_with_output().expect("it ends");
        serde_json::from_slice(&output.stdout).expect("an array")
    };
    let nul = piped(&["--stdin", "-0"], b"raw/male/001.png\0raw/female\0");
    assert_eq!(nul.as_array().map(Vec::len), Some(41));
    let bytes = piped(&["-"], &fs::read(at.join("raw/female/003.png")).expect("a picture"));
    assert_eq!((&bytes[0]["path"], &bytes[0]["score"]), (&"standard input".into(), &all[3]["score"]));

    // An answer comes before the next question is asked.
    let mut child = command(at);
    child.args(["predict", "-", "--quiet"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = child.spawn().expect("the binary starts");
    let (mut input, mut output) =
        (child.stdin.take().expect("input"), BufReader::new(child.stdout.take().expect("output")));
    for name in ["raw/male/002.png", "raw/female/002.png"] {
        writeln!(input, "{name}").expect("it listens");
        let mut line = String::new();
        output.read_line(&mut line).expect("it answers");
        assert!(line.contains(name), "{line}");
    }
    drop(input);
    let mut rest = String::new();
    output.read_to_string(&mut rest).expect("it ends");
    assert!(rest.is_empty() && child.wait().expect("it ends").success());
}

#[test]
fn every_name_has_its_own_text_in_every_form_and_is_found_by_it() {
    let folder = trained();
    let at = folder.path();
    let picture = fs::read(at.join("raw/female/000.png")).expect("a picture");
    fs::create_dir(at.join("names")).expect("a folder");
    let names: [&[u8]; 6] = [
        b"-",
        b"face_\\x{ff}.jpg",
        b"face_\xfe.jpg",
        b"face_\xff.jpg",
        b"two\nlines.jpg",
        "\u{202e}gpj.x.png".as_bytes(),
    ];
    for name in names {
        fs::write(at.join("names").join(OsStr::from_bytes(name)), &picture).expect("a file");
    }
    let json = answers(at, &["names"], 0);
    let expected = [
        "names/-",
        "names/face_\\x{5c}x{ff}.jpg",
        "names/face_\\x{fe}.jpg",
        "names/face_\\x{ff}.jpg",
        "names/two\nlines.jpg",
        "names/\u{202e}gpj.x.png",
    ];
    assert_eq!(texts(&json, "path"), expected);
    let csv = ok(at, &["predict", "--csv", "names"]);
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let shown: Vec<String> = reader.records().map(|row| row.expect("a row")[0].to_owned()).collect();
    assert_eq!(shown[4..], ["names/two\\u{a}lines.jpg", "names/\\u{202e}gpj.x.png"]);
    let text = ok(at, &["predict", "names"]);
    assert!(shown.iter().all(|name| text.contains(name)) && !text.contains('\u{202e}'), "{text}");
    // As they are told, they are found; and what was told as CSV is a list.
    // (A file that is called like another's text is what that text names, as long as it is there.)
    fs::remove_file(at.join("names/face_\\x{ff}.jpg")).expect("a file");
    let without = |at: usize| (0..expected.len()).filter(move |&place| place != at);
    let [shown, expected] = [
        without(1).map(|place| shown[place].clone()).collect::<Vec<_>>(),
        without(1).map(|place| expected[place].to_owned()).collect(),
    ];
    assert_eq!(texts(&answers(at, &shown, 0), "path"), expected);
    fs::write(at.join("answers.csv"), ok(at, &["predict", "--csv", "names"])).expect("a table");
    assert_eq!(texts(&answers(at, &["--list", "answers.csv"], 0), "path"), expected);
    // Nothing is found by a text that is nobody's, and the answer says which.
    let missing = answers(at, &["names/face_\\x{fd}.jpg"], 1);
    assert!(missing[0]["error"].as_str().is_some_and(|error| error.contains("there is no such file")));
}

#[test]
fn lists_are_read_in_every_usual_form_or_refused_by_name() {
    let folder = trained();
    let at = folder.path();
    let wide: Vec<u8> =
        "\u{feff}raw/male/001.png\r\nraw/female/001.png\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for list in [
        b"\xEF\xBB\xBFraw/male/001.png\nraw/female/001.png\n".as_slice(),
        &wide,
        b"raw/male/001.png  \n\"raw/female/001.png\"\t\n",
        b"label;path\nmale;raw/male/001.png\nfemale;raw/female/001.png\n",
        b"raw\\male\\001.png\n'raw/female/001.png'\n",
    ] {
        fs::write(at.join("list.txt"), list).expect("a list");
        let found = answers(at, &["--list", "list.txt"], 0);
        assert_eq!(texts(&found, "path").len(), 2, "{}", list.escape_ascii());
        assert_eq!(texts(&found, "label"), ["male", "female"], "{}", list.escape_ascii());
    }
    // A list of another folder names what lies beside it.
    fs::write(at.join("raw/male/list.txt"), "002.png\n003.png\n").expect("a list");
    assert_eq!(texts(&answers(at, &["--list", "raw/male/list.txt"], 0), "label"), ["male"; 2]);
    for (list, expected) in [("", "without any path"), ("name,gender\na,b\n", "is a table")] {
        fs::write(at.join("list.csv"), list).expect("a list");
        let found = answers(at, &["--list", "list.csv"], 1);
        assert!(
            found.len() == 1 && found[0]["error"].as_str().is_some_and(|error| error.contains(expected)),
            "{found:?}"
        );
    }
    assert!(texts(&answers(at, &["--list", "raw/male/002.png"], 1), "error")[0].contains("is an image"));
}

#[test]
fn a_run_is_scored_on_another_data_set_without_its_own_images() {
    let folder = trained();
    let at = folder.path();
    let evaluate = |on: &str| -> Value {
        serde_json::from_str(&ok(at, &["--quiet", "--json", "evaluate", "benchmark-1", "--on", on])).expect("an object")
    };
    // Ten images of each class that the run has met, and twenty that it has not, in a set of another name.
    pictures(&at.join("other"), 30..60);
    ok(at, &["data", "prepare", "--source", "folder:other", "--name", "more"]);
    let figures = evaluate("more");
    assert_eq!(figures["images"], 40, "{figures}");
    let left: u64 = ["train", "val", "test"].iter().filter_map(|split| figures["left_out"][split].as_u64()).sum();
    assert_eq!(left, 20, "{figures}");
    assert_eq!((&figures["dataset"], &figures["trained_on"]), (&"more".into(), &"colours".into()));
    let number = |field: &str| figures[field].as_f64().unwrap_or(f64::NAN);
    assert!(number("accuracy") > 0.9 && number("roc_auc") > 0.9 && number("balanced_accuracy") > 0.9, "{figures}");
    assert!(number("log_loss").is_finite() && figures["interval"]["low"].is_f64());
    assert_eq!(figures["classes"][1]["images"], 20);
    let text = ok(at, &["--quiet", "evaluate", "benchmark-1", "--on", "data/prepared/more/manifest.csv"]);
    assert!(text.contains("balanced accuracy") && text.contains("20 images are left out"), "{text}");

    // Its own data set this way would show its test split: refused, and nothing is recorded.
    let own = run(at, &["evaluate", "benchmark-1", "--on", "colours"]);
    assert_eq!(own.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&own.stderr).contains("--open-test"), "{}", String::from_utf8_lossy(&own.stderr));
    assert!(!at.join("runs/test-openings.jsonl").exists());

    // Other classes are told in a sentence.
    fs::rename(at.join("other/female"), at.join("other/cats")).expect("a rename");
    fs::rename(at.join("other/male"), at.join("other/dogs")).expect("a rename");
    ok(at, &["data", "prepare", "--source", "folder:other", "--name", "pets"]);
    let pets = run(at, &["evaluate", "benchmark-1", "--on", "pets"]);
    let error = String::from_utf8_lossy(&pets.stderr).into_owned();
    assert!(error.contains("tells female from male, but the classes of pets are cats and dogs"), "{error}");
    assert_eq!(run(at, &["evaluate", "benchmark-1", "--on", "nothing"]).status.code(), Some(2));
}

#[test]
fn a_picture_without_a_face_is_shown_whole_and_said_to_be() {
    let folder = trained();
    let at = folder.path();
    let weights: Vec<Value> = serde_json::from_str(&ok(at, &["weights", "list", "--json"])).expect("a list");
    let there = |one: &Value| {
        one.as_object().is_some_and(|one| one.values().any(|value| value == "mtcnn")) && one["present"] == true
    };
    if !weights.iter().any(there) {
        eprintln!("skipped: the weights of mtcnn are not here; 'faceprobe weights fetch mtcnn' fetches them");
        return;
    }
    for detect in ["detect", "align"] {
        let found = answers(at, &["raw/female/000.png", "--detect", detect, "--every-face"], 0);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0]["input"], "whole picture, no face found");
        assert_eq!((&found[0]["faces"], &found[0]["face"]), (&serde_json::json!([]), &Value::Null));
    }
    let whole = answers(at, &["raw/female/000.png"], 0);
    assert_eq!(answers(at, &["raw/female/000.png", "--detect", "align"], 0)[0]["score"], whole[0]["score"]);
    // A model of aligned faces would look for them by itself; this one is of whole pictures.
    assert_eq!(whole[0]["input"], "whole picture");
}
