//! Files written to user-chosen paths, through the real binary: foreign files are overwritten only with --force, and
//! inputs never.

#[path = "support/coloured.rs"]
mod coloured;

use coloured::{command, ok, run, trained};
use serde_json::Value;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Stdio;

/// The exit code and the one sentence of a command that is refused.
fn refused(at: &Path, args: &[&str]) -> (i32, String) {
    let output = run(at, args);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && output.stdout.is_empty(), "{args:?}: {error}");
    assert!(error.starts_with("faceprobe: ") && error.trim_end().lines().count() == 1, "{args:?}: {error}");
    (output.status.code().unwrap_or(-1), error)
}

/// The answers of `predict --json` with this on its standard input, and its exit code.
fn predicted(at: &Path, args: &[&str], input: &str) -> (Vec<Value>, i32) {
    let mut child = command(at)
        .args(["--quiet", "--json", "predict"])
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    child.stdin.take().expect("its input").write_all(input.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    (serde_json::from_slice(&output.stdout).expect("an array"), output.status.code().unwrap_or(-1))
}

fn maps(answers: &[Value]) -> Vec<&str> {
    answers.iter().map(|answer| answer["explanation"].as_str().unwrap_or("none")).collect()
}

#[test]
fn a_map_never_overwrites_an_input_however_it_is_named() {
    let folder = trained();
    let at = folder.path();
    let read = |name: &str| fs::read(at.join(name)).expect("a file");
    fs::create_dir(at.join("album")).expect("a folder");
    fs::create_dir(at.join("links")).expect("a folder");
    for name in ["album/000.png", "album/001.png", "photo.png"] {
        fs::copy(at.join("raw/male/002.png"), at.join(name)).expect("a picture");
    }
    symlink("../album/001.png", at.join("links/001.png")).expect("a link");
    fs::write(at.join("list.txt"), "raw/female/000.png\nalbum/000.png\n").expect("a list");
    let photograph = read("photo.png");
    let whole = || ["album/000.png", "album/001.png", "photo.png"].iter().all(|name| read(name) == photograph);

    // A picture of a list that comes only later; one that a link in a folder leads to; one that is named on a pipe.
    let (listed, code) = predicted(at, &["--list", "list.txt", "--explain", "album/", "--force"], "");
    assert_eq!((maps(&listed), code, whole()), (vec!["album/000-2.png", "album/000-3.png"], 0, true));
    let (linked, _) = predicted(at, &["links", "--explain", "album", "--force"], "");
    assert_eq!((maps(&linked), whole()), (vec!["album/001-2.png"], true));
    let (piped, code) = predicted(at, &["-", "--explain", "photo.png", "--force"], "photo.png\n");
    assert_eq!((maps(&piped), code, whole()), (vec!["none"], 1, true));
    assert!(piped[0]["error"].as_str().is_some_and(|error| error.contains("is what is read")), "{piped:?}");
    let input = File::open(at.join("photo.png")).expect("a picture");
    let output = command(at).args(["predict", "-", "--explain", "./photo.png", "--force"]).stdin(input).output();
    assert_eq!((output.expect("the binary starts").status.code(), whole()), (Some(2), true));

    // The list itself, the model, and standard output, where the answers are.
    let model = "runs/benchmark-1/model.safetensors";
    let before = (read("list.txt"), read(model));
    fs::write(at.join("one.txt"), "photo.png\n").expect("a list");
    let (code, error) = refused(at, &["predict", "photo.png", "--explain", model, "--force"]);
    assert!(code == 2 && error.contains("needs"), "{error}");
    assert_eq!(refused(at, &["predict", "photo.png", "--explain", "/dev/stdout"]).0, 2);
    assert_eq!(refused(at, &["predict", "--list", "list.txt", "--explain", "list.txt", "--force"]).0, 2);
    assert!((read("list.txt"), read(model)) == before);

    // Of two pictures that come by one pipe, the first has the one file.
    let (two, code) = predicted(at, &["-", "--explain", "one.png"], "photo.png\nraw/female/000.png\n");
    assert_eq!((maps(&two), code), (vec!["one.png", "none"], 1));
    let first = read("one.png");
    let (one, _) = predicted(at, &["photo.png", "--explain", "one.png"], "");
    assert_eq!((maps(&one), read("one.png") == first), (vec!["one.png"], true));
}

#[test]
fn own_maps_in_a_folder_are_replaced_and_foreign_files_kept() {
    let folder = trained();
    let at = folder.path();
    fs::create_dir(at.join("maps")).expect("a folder");
    fs::create_dir(at.join("maps/002.png")).expect("a folder");
    fs::write(at.join("maps/001.png"), "a drawing of mine").expect("a file");
    symlink("nowhere", at.join("maps/003.png")).expect("a link");
    let pictures = ["raw/female/000.png", "raw/female/001.png", "raw/female/002.png", "raw/female/003.png"];
    let explain = |more: &[&str]| {
        let args = [&pictures[..], &["raw/male/000.png", "--explain", "maps/"], more].concat();
        let (answers, code) = predicted(at, &args, "");
        assert_eq!(code, 0, "{answers:?}");
        maps(&answers).join(" ")
    };
    let names = "maps/000.png maps/001-2.png maps/002-2.png maps/003-2.png maps/000-2.png";
    for more in [&[][..], &[], &["--force"]] {
        assert_eq!(explain(more), names);
    }
    assert_eq!(fs::read(at.join("maps/001.png")).expect("a file"), b"a drawing of mine");
    // A map that was drawn on since is the user's.
    fs::write(at.join("maps/000-2.png"), "with arrows").expect("a file");
    assert_eq!(explain(&[]), names.replace("maps/000-2", "maps/000-3"));
    assert_eq!(fs::read(at.join("maps/000-2.png")).expect("a file"), b"with arrows");

    // What no map can be written to is said at once, in a sentence.
    for (out, code, part) in [
        ("maps/003.png", 2, "link"),
        ("notes.txt/why.png", 1, "notes.txt"),
        ("/proc/why.png", 1, "no file can be made there"),
        ("/proc/maps/", 1, "no file can be made there"),
    ] {
        fs::write(at.join("notes.txt"), "notes").expect("a file");
        let (found, error) = refused(at, &["predict", "raw/female/000.png", "--explain", out]);
        assert!(found == code && error.contains(part), "{out}: {error}");
    }
}

#[test]
fn a_table_overwrites_only_own_tables() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path().join("study");
    fs::create_dir(&at).expect("a folder");
    let path = |name: &str| at.join(name);
    let to = |name: &str| ok(&at, &["results", "--output", name]);
    let refusal = |args: &[&str]| refused(&at, &[&["results", "--output"], args].concat());
    fs::write(path("foreign.csv"), "my,own\n").expect("a file");
    let (code, error) = refusal(&["foreign.csv"]);
    assert!(code == 2 && error.contains("was not made here") && error.contains("--force"), "{error}");
    assert_eq!(fs::read(path("foreign.csv")).expect("a file"), b"my,own\n");
    ok(&at, &["results", "--output", "foreign.csv", "--force"]);
    to("foreign.csv");

    // Its own again and again: through a link, in a workspace that was moved, under a name that is no text.
    to("tables/own.csv");
    let table = fs::read(path("tables/own.csv")).expect("a table");
    symlink("tables/own.csv", path("latest.csv")).expect("a link");
    to("latest.csv");
    assert!(path("latest.csv").is_symlink() && path("tables/own.csv").is_file());
    let odd = std::os::unix::ffi::OsStringExt::from_vec(b"\xff \x1b[2J.csv".to_vec());
    let odd: std::ffi::OsString = odd;
    for _ in 0..2 {
        let args = ["results".as_ref(), "--output".as_ref(), odd.as_os_str()];
        assert!(run(&at, &args).status.success());
    }
    let moved = folder.path().join("moved");
    fs::rename(&at, &moved).expect("it is moved");
    ok(&moved, &["results", "--output", "tables/own.csv"]);
    fs::rename(&moved, &at).expect("it is moved back");
    // A killed program left half a line in the ledger.
    let mut ledger = fs::OpenOptions::new().append(true).open(path("cache/written.jsonl")).expect("the ledger");
    ledger.write_all(b"\xff{\"path\":\"ta").expect("half a line");
    to("after.csv");
    to("after.csv");

    // Changed since, or protected: the user's.
    fs::write(path("tables/own.csv"), [&table[..], b"a note\n"].concat()).expect("a file");
    let (_, error) = refusal(&["tables/own.csv"]);
    assert!(error.contains("was changed since"), "{error}");
    let mut rights = fs::metadata(path("after.csv")).expect("a table").permissions();
    rights.set_readonly(true);
    fs::set_permissions(path("after.csv"), rights).expect("it is protected");
    assert!(refusal(&["after.csv"]).1.contains("protected"));

    // Never: folders, links to nothing, what the workspace needs.
    symlink("nowhere.csv", path("dangling.csv")).expect("a link");
    fs::create_dir(path("folder.csv")).expect("a folder");
    for name in ["folder.csv", "new/", "dangling.csv", "cache/written.jsonl", "notes.txt/x.csv", "/proc/x.csv"] {
        fs::write(path("notes.txt"), "notes").expect("a file");
        let (code, error) = refusal(&[name, "--format", "csv", "--force"]);
        assert!((1..=2).contains(&code) && error.contains(name.trim_end_matches("/x.csv")), "{name}: {error}");
    }
    assert!(!path("nowhere.csv").exists() && !path("new").exists());

    // Where no ledger can be written, tables can.
    fs::remove_dir_all(path("cache")).expect("it is removed");
    fs::write(path("cache"), "in the way").expect("a file");
    to("without.csv");
}

#[test]
fn a_pipe_and_standard_output_are_written_to_and_not_replaced() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path();
    let plain = ok(at, &["results", "--format", "csv"]);
    for device in ["/dev/stdout", "/dev/fd/1"] {
        let args = ["results", "--format", "csv", "--output", device];
        assert_eq!(ok(at, &args), plain);
        let file = File::create(at.join("redirected.csv")).expect("a file");
        assert!(command(at).args(args).stdout(file).status().expect("it starts").success());
        assert_eq!(fs::read_to_string(at.join("redirected.csv")).expect("a table"), plain);
    }
    ok(at, &["results", "--format", "csv", "--output", "/dev/null"]);
    assert!(std::process::Command::new("mkfifo").arg(at.join("pipe.csv")).status().expect("mkfifo runs").success());
    let pipe = at.join("pipe.csv");
    let reader = std::thread::spawn(move || fs::read_to_string(pipe));
    ok(at, &["results", "--output", "pipe.csv"]);
    assert_eq!(reader.join().expect("it reads").expect("a table"), plain);
    assert!(fs::symlink_metadata("/dev/stdout").expect("a link").is_symlink());
}

#[test]
fn a_report_replaces_no_file_of_the_users_and_both_or_none_are_written() {
    let folder = trained();
    let at = folder.path();
    let write = |name: &str, text: &str| fs::write(at.join(name), text).expect("a file");
    let read = |name: &str| fs::read_to_string(at.join(name)).expect("a file");
    fs::create_dir(at.join("report")).expect("a folder");
    write("report/report.md", "my own report");
    let (code, error) = refused(at, &["report"]);
    assert!(code == 2 && error.contains("report.md") && error.contains("--force"), "{error}");
    assert!(!at.join("report/report.html").exists() && read("report/report.md") == "my own report");
    ok(at, &["report", "--force"]);
    ok(at, &["report"]);
    let page = read("report/report.html");
    write("report/report.md", "with my notes");
    assert_eq!(refused(at, &["report"]).0, 2);
    assert!(read("report/report.html") == page && read("report/report.md") == "with my notes");
    write("study.md", "a chapter");
    assert_eq!(refused(at, &["report", "--output", "study.html"]).0, 2);
    assert!(!at.join("study.html").exists() && read("study.md") == "a chapter");
    // Pictures of the screens are asked about before they are drawn.
    fs::create_dir(at.join("screens")).expect("a folder");
    write("screens/train.svg", "a drawing");
    assert_eq!(refused(at, &["screens", "--to", "screens"]).0, 2);
    assert_eq!(read("screens/train.svg"), "a drawing");
}
