//! What is typed, and lines above a bar of progress.

use super::{Place, hostile, session};
use faceprobe_core::text::is_control;
use std::fs;

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
