//! A first session: everything from the screen, with few keys, each named on the screen before it is pressed.

#[path = "support/made_up.rs"]
mod made_up;
#[path = "support/server.rs"]
mod server;
// Not all of it is used here.
#[path = "support/session.rs"]
#[allow(dead_code, reason = "each test uses a part of it")]
mod session;

use faceprobe_core::dataset::SourceSpec;
use faceprobe_core::dataset::locate::{Placed, place};
use faceprobe_core::dataset::synthetic::{SampleSettings, generate};
use faceprobe_core::imaging::decode;
use faceprobe_core::monitor::Silent;
use serde_json::json;
use server::{Page, Server};
use session::Session;
use std::fs;
use std::path::{Path, PathBuf};

const NETWORK: &str = "efficientnet-lite0";

/// Somebody at the keyboard.
struct Newcomer {
    session: Session,
    keys: usize,
}

impl Newcomer {
    /// In an empty folder, where no weights are installed yet.
    fn at(workspace: &Path, weights: &Path) -> Self {
        let session = Session::start_with(workspace, &[], &[("FACEPROBE_WEIGHTS", weights)], 120, 40);
        Self { session, keys: 0 }
    }

    /// Presses a key once the screen says `named`.
    fn press(&mut self, key: &str, named: &str) {
        self.sees(named);
        self.session.keys(key);
        self.keys += 1;
    }

    /// Types text, which is not counted.
    fn types(&mut self, text: &str) {
        self.session.keys(text);
    }

    /// Waits until the screen says so, wherever its lines end.
    fn sees(&self, text: &str) {
        let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        self.session.until(text, |screen| flat(screen).contains(&flat(text)));
    }
}

const ENTER: &str = "\r";
const DOWN: &str = "\u{1b}[B";
const LEFT: &str = "\u{1b}[D";
const RIGHT: &str = "\u{1b}[C";

/// Photographs as somebody might have them, a folder for each class; the program draws them.
fn photographs(folder: &Path) -> PathBuf {
    let drawn = folder.join("drawn");
    let settings = SampleSettings { images: 240, ..SampleSettings::default() };
    generate(&drawn, &settings, &Silent).expect("the sample is drawn");
    let source: SourceSpec = format!("adience:{}", drawn.display()).parse().expect("a source");
    let rows = source.read().expect("its rows");
    let to = folder.join("photographs");
    for (number, Placed { row, file, stamp }) in place(&rows.root, rows.rows).0.into_iter().enumerate() {
        // The drawings have broken files among them, as data sets do.
        let whole = fs::read(&file).is_ok_and(|bytes| decode(&bytes).is_ok());
        if let (Some(class), Some(_), true) = (row.class, stamp, whole) {
            let class = to.join(["female", "male"][class]);
            fs::create_dir_all(&class).expect("a folder");
            fs::copy(file, class.join(format!("{number:03}.jpg"))).expect("a copy");
        }
    }
    to
}

#[test]
fn the_whole_study_takes_sixty_keys_all_of_them_named_on_the_screen() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let photographs = photographs(folder.path());
    let weights = folder.path().join("weights.safetensors");
    made_up::weights(NETWORK, &weights);
    let workspace = folder.path().join("study");
    fs::create_dir(&workspace).expect("a folder");
    let mut newcomer = Newcomer::at(&workspace, &folder.path().join("installed"));
    // Prepare: a folder per class, completed as far as it goes.
    newcomer.sees("Press n to prepare your own photographs");
    newcomer.press("n", "Next: n prepares your photographs");
    newcomer.sees("Prepare a data set");
    newcomer.types(&format!("folder:{}/photo", folder.path().display()));
    newcomer.press("\t", "Tab complete");
    newcomer.sees("photographs/");
    newcomer.press(ENTER, "Enter start");
    newcomer.sees("is done.");
    // Extract; the weights are a file that somebody has.
    newcomer.press("2", "Next: press 2 for Features, where e extracts");
    newcomer.press("e", "e extract");
    newcomer.sees("are not installed yet; Enter fetches them");
    newcomer.press(DOWN, "↓ next");
    newcomer.types(&weights.display().to_string());
    newcomer.press(ENTER, "Enter start");
    newcomer.sees("The weights of efficientnet-lite0 are imported.");
    newcomer.sees("✓ EfficientNet-Lite0");
    newcomer.press("e", "e extract");
    newcomer.sees("extract-1 is done.");
    // Train three kinds of models.
    newcomer.press("3", "Next: press 3 for Train, where n trains a model on folder");
    newcomer.press("n", "n new run");
    newcomer.sees("← dense →");
    newcomer.press(ENTER, "Enter start");
    newcomer.sees("dense-1 is done.");
    newcomer.press("n", "n new run");
    newcomer.press(LEFT, "← dense →");
    newcomer.sees("← benchmark →");
    newcomer.press(ENTER, "Enter start");
    newcomer.sees("benchmark-1 is done.");
    newcomer.press("n", "n new run");
    newcomer.press(RIGHT, "← dense →");
    newcomer.sees("← logistic →");
    newcomer.press(ENTER, "Enter start");
    newcomer.sees("logistic-1 is done.");
    // Open the test split, choose.
    newcomer.press("4", "Next: press 4 for Results, where t opens the test split of a model");
    newcomer.press("t", "t open test");
    newcomer.press("y", "only if you stop choosing now");
    newcomer.sees("test-1 is done");
    newcomer.press("c", "c choose");
    newcomer.sees("Predict now uses");
    // Predict an image.
    newcomer.press("6", "Press 6 for Predict.");
    newcomer.press("/", "/ type a path");
    newcomer.types(&format!("{}/female/", photographs.display()));
    newcomer.press(ENTER, "Enter open");
    newcomer.sees(".jpg");
    newcomer.press(ENTER, "Enter predict/open");
    newcomer.session.until("an answer", |screen| screen.contains("the threshold") && screen.contains(" %"));
    assert!(newcomer.keys <= 60, "{} keys", newcomer.keys);
    // Beside the study: in another folder, no answer stands for a picture that was not asked about.
    let model = |screen: &str| screen.contains("Prediction by ") && screen.contains("the threshold");
    assert!(model(&newcomer.session.text()));
    newcomer.press("/", "/ type a path");
    newcomer.types(&format!("{}/male/", photographs.display()));
    newcomer.press(ENTER, "Enter open");
    // The cursor's picture is predicted there too, and until its answer is there, no other stands in its place.
    let pictured = |screen: &str| {
        let titles = screen.split("╭ ").filter_map(|part| part.split_once(".jpg "));
        titles.map(|(name, _)| name.to_owned()).find(|name| name.len() == 3)
    };
    let newest = |screen: &str| {
        // Right of the list of files.
        let line = screen.split("This session").nth(1)?.lines().nth(1)?.rsplit("││").next()?;
        line.split_whitespace().find_map(|word| word.strip_suffix(".jpg")).map(str::to_owned)
    };
    newcomer.session.until("the answer for the first picture of the other folder", |screen| {
        screen.contains("/male") && model(screen) && pictured(screen).is_some() && pictured(screen) == newest(screen)
    });
    // A threshold that is kept on Evaluate is the one that Results tell.
    newcomer.press("5", "1-7 screens");
    newcomer.press(LEFT, "← threshold");
    newcomer.press(ENTER, "Enter keep");
    newcomer.sees("Predict now uses");
    newcomer.press("4", "Evaluate");
    newcomer.sees("kept on Evaluate; τ was");
    // A picture that two models disagree on is predicted with one that was compared.
    newcomer.types("g ");
    newcomer.sees("1 marked");
    newcomer.types(" ");
    newcomer.sees("2 marked");
    newcomer.press(ENTER, "2 marked");
    newcomer.sees("They disagree on");
    newcomer.press("o", "o predict");
    newcomer.session.until("the model that was looked at", |screen| {
        ["dense-1", "benchmark-1", "logistic-1"].iter().any(|run| screen.contains(&format!("Prediction by {run}")))
    });
    // The images of a set are listed, and listed again once it was prepared again.
    newcomer.press("1", "1-7 screens");
    newcomer.press("i", "i images");
    newcomer.sees(" images of folder");
    newcomer.press("\u{1b}", "Esc back");
    newcomer.press("n", "n prepare");
    newcomer.sees("Prepare a data set");
    newcomer.press(ENTER, "Enter start");
    newcomer.sees("prepare-2 is done.");
    newcomer.press("i", "i images");
    newcomer.sees(" images of folder");
    newcomer.press("q", "q quit");
    assert!(newcomer.session.ends().success());
    let opened = fs::read_to_string(workspace.join("runs/test-openings.jsonl")).expect("a record of openings");
    assert_eq!(opened.lines().count(), 1);
}

/// A server with the portraits of members of a small congress.
fn congress(members: usize) -> Server {
    let list: Vec<_> = (0..members)
        .map(|number| {
            json!({ "id": { "bioguide": format!("M{number:06}") }, "bio": { "gender": if number % 2 == 0 { "F" } else { "M" } } })
        })
        .collect();
    let portrait = |number: usize| {
        let picture = image::RgbImage::from_fn(45, 55, |x, y| {
            image::Rgb([number as u8 * 9, (x * 5) as u8, (y * 4 + number as u32) as u8])
        });
        let mut bytes = std::io::Cursor::new(Vec::new());
        picture.write_to(&mut bytes, image::ImageFormat::Jpeg).expect("a picture");
        bytes.into_inner()
    };
    let paths: Vec<String> = (0..members).map(|number| format!("/225x275/M{number:06}.jpg")).collect();
    let mut pages = vec![("/legislators-current.json", Page::of(serde_json::to_vec(&list).expect("JSON")))];
    pages.extend(paths.iter().enumerate().map(|(number, path)| (path.as_str(), Page::of(portrait(number)))));
    Server::site(pages, None)
}

#[test]
fn fetching_and_exporting_are_forms_that_tell_how_far_they_are_and_can_be_stopped() {
    let server = congress(24);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let workspace = folder.path();
    let mut newcomer = Newcomer::at(workspace, &workspace.join("installed"));
    newcomer.press("f", "f fetch");
    newcomer.sees("Fetch a data set");
    // The mirror is among the settings that are rarely changed.
    for _ in 0..4 {
        newcomer.types(DOWN);
    }
    newcomer.press(" ", "more settings");
    newcomer.types(DOWN);
    newcomer.types(&server.base());
    newcomer.press(ENTER, "Enter start");
    newcomer.sees("24 portraits downloaded, 12 female and 12 male.");
    // What was fetched is what the next form prepares.
    newcomer.sees("Prepare a data set");
    newcomer.sees("data/congress/labels.csv");
    newcomer.press(ENTER, "Enter start");
    newcomer.sees("congress: ");
    newcomer.sees("is done.");
    // A report, and where a stranger's file is in its place, a question.
    fs::create_dir(workspace.join("report")).expect("a folder");
    fs::write(workspace.join("report/report.html"), "mine").expect("a file");
    newcomer.types("W");
    newcomer.sees("Write the report");
    newcomer.press(ENTER, "Enter start");
    newcomer.sees("Replace the file?");
    newcomer.press("y", "y yes");
    newcomer.sees("Report written to");
    assert!(fs::read_to_string(workspace.join("report/report.html")).expect("the report").contains("congress"));
    newcomer.press("q", "q quit");
    assert!(newcomer.session.ends().success());
    let remembered = fs::read_to_string(workspace.join("cache/workbench.json")).unwrap_or_default();
    assert!(!remembered.contains("password"), "{remembered}");
}

#[test]
fn a_fetch_that_takes_long_shows_how_far_it_is_and_stops_at_once() {
    let server = Server::site(
        vec![
            (
                "/legislators-current.json",
                Page::of(json!([{ "id": { "bioguide": "M000000" }, "bio": { "gender": "F" } }]).to_string()),
            ),
            ("/225x275/M000000.jpg", Page::new(vec![0; 4000], vec![Server::stall_after(10)])),
        ],
        None,
    );
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut newcomer = Newcomer::at(folder.path(), folder.path());
    newcomer.press("f", "f fetch");
    newcomer.sees("Fetch a data set");
    for _ in 0..4 {
        newcomer.types(DOWN);
    }
    newcomer.press(" ", "more settings");
    newcomer.types(DOWN);
    newcomer.types(&server.base());
    newcomer.press(ENTER, "Enter start");
    // The screen answers while it waits for the server.
    newcomer.press("2", "fetching congress");
    newcomer.sees("EfficientNet-Lite0");
    newcomer.press("K", "(K stops it)");
    newcomer.sees("Stopped fetching congress");
}

/// What the browser of Predict lists, without its frame.
fn listed(screen: &str, name: &str) -> bool {
    screen
        .lines()
        .any(|line| line.split('│').any(|cell| cell.trim() == name || cell.trim().starts_with(&format!("{name} "))))
}

#[test]
fn predict_lists_what_is_an_image_and_what_is_gone_leaves_the_list() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let photos = folder.path().join("photos");
    fs::create_dir(&photos).expect("a folder");
    let picture = image::RgbImage::from_pixel(20, 20, image::Rgb([9, 99, 199]));
    for (name, format) in [("holiday", image::ImageFormat::Png), ("second.txt", image::ImageFormat::Jpeg)] {
        picture.save_with_format(photos.join(name), format).expect("a picture");
    }
    fs::write(photos.join("page.jpg"), "<!DOCTYPE html><title>404</title>").expect("a file");
    fs::write(photos.join(".hidden.png"), "").expect("a file");
    let mut newcomer = Newcomer::at(folder.path(), folder.path());
    newcomer.press("6", "1-7 screens");
    newcomer.press("/", "/ type a path");
    newcomer.types("pho");
    newcomer.press("\t", "Tab complete");
    // In the list behind the line, and in the line.
    newcomer.session.until("the whole name", |screen| screen.matches("photos/").count() == 2);
    newcomer.press(ENTER, "Enter open");
    newcomer.session.until("the images", |screen| listed(screen, "holiday") && listed(screen, "second.txt"));
    let screen = newcomer.session.text();
    // What is called an image is listed, so that predicting it says what is wrong with it.
    assert!(listed(&screen, "page.jpg") && !screen.contains(".hidden"), "{screen}");
    // What comes and goes is seen without a key.
    fs::remove_file(photos.join("second.txt")).expect("it goes");
    newcomer.session.until("no removed file", |screen| !listed(screen, "second.txt"));
    picture.save_with_format(photos.join("third"), image::ImageFormat::Bmp).expect("a picture");
    newcomer.session.until("the new file", |screen| listed(screen, "third"));
}

#[test]
fn tab_completes_what_names_have_in_common_then_lists_them() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for name in ["faces-2015", "faces-2024", ".faces-hidden", "other place"] {
        fs::create_dir(folder.path().join(name)).expect("a folder");
    }
    fs::write(folder.path().join("faces-2015/labels.csv"), "").expect("a file");
    let mut newcomer = Newcomer::at(folder.path(), folder.path());
    newcomer.press("n", "n prepare");
    // Layouts first.
    newcomer.press("\t", "Tab complete");
    newcomer.sees("fairface:");
    newcomer.types("cs");
    newcomer.press("\t", "csv:");
    newcomer.types(&format!("{}/fa", folder.path().display()));
    newcomer.press("\t", "Tab complete");
    newcomer.session.until("the list", |screen| screen.contains(" faces-2015/") && screen.contains(" faces-2024/"));
    let screen = newcomer.session.text();
    assert!(
        screen.contains("/faces-20") && !screen.contains(".faces-hidden") && !screen.contains("other place"),
        "{screen}"
    );
    newcomer.press("\t", " faces-2015/");
    newcomer.press(ENTER, " faces-2015/");
    newcomer.sees("/faces-2015/");
    newcomer.press("\t", "Tab complete");
    newcomer.sees("/faces-2015/labels.csv");
    newcomer.types("x");
    newcomer.press("\t", "labels.csvx");
    newcomer.sees("No match.");
    // Esc closes the list before it closes the form.
    newcomer.types("\u{15}");
    newcomer.press("\t", "Tab complete");
    newcomer.sees("utkface:");
    newcomer.types("\u{1b}");
    newcomer.session.until("no list", |screen| !screen.contains("utkface:"));
    newcomer.sees("Prepare a data set");
}

#[test]
fn a_folder_with_many_files_does_not_block() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let many = folder.path().join("many");
    fs::create_dir(&many).expect("a folder");
    for number in 0..20_000 {
        fs::write(many.join(format!("{number:05}.jpg")), [0xFF, 0xD8, 0xFF, 0xE0]).expect("a file");
    }
    let mut newcomer = Newcomer::at(folder.path(), folder.path());
    newcomer.press("6", "1-7 screens");
    newcomer.press("/", "/ type a path");
    newcomer.types("many/");
    newcomer.press("\t", "Tab complete");
    newcomer.press(ENTER, "Enter open");
    newcomer.session.until("the files", |screen| listed(screen, "00000.jpg"));
    // Keys are answered while the files are looked at.
    newcomer.press("1", "1-7 screens");
    newcomer.sees("No data yet");
}
