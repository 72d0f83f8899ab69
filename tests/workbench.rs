//! Pictures, curves over each other, sweeps, probes, the contact sheet, the palette of commands and what is remembered:
//! the screen without a terminal.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use faceprobe::dataset::{PrepareReport, Split};
use faceprobe::features::FeatureSpec;
use faceprobe::model::{DenseSettings, LogisticSettings};
use faceprobe::monitor::EpochFigures;
use faceprobe::predict::client::Explanation;
use faceprobe::predict::{Detect, Face, HeatMap, Method, Placement, Prediction};
use faceprobe::run::choice::Choice;
use faceprobe::run::view::Trial;
use faceprobe::run::{JobSpec, ModelSpec, RunId, Status, SweepSpec};
use faceprobe::tui::app::App;
use faceprobe::tui::draw;
use faceprobe::tui::event::Event;
use faceprobe::tui::graphics::{ImageProtocol, Piece, Query, Stream};
use faceprobe::tui::jobs::{Effect, Entry, JobReply, SetImage};
use faceprobe::tui::keys::Action;
use faceprobe::tui::memory::Memory;
use faceprobe::tui::palette;
use faceprobe::tui::pictures::{self, Order};
use faceprobe::tui::predictor::PredictorReply;
use faceprobe::tui::snapshot::{About, Backbone, DataSet, Run, Snapshot, Weights};
use faceprobe::tui::stages::ScreenId;
use faceprobe::tui::theme::{Palette, Theme};
use faceprobe::workspace::Workspace;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::Color;
use ratatui_image::picker::cap_parser::{Parser, Response};
use ratatui_image::picker::{Picker, ProtocolType};
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};

const DARK: Theme = Theme { palette: Palette::Dark, ascii: false };

fn run(id: &str, job: JobSpec, status: Status) -> Run {
    Run {
        id: RunId::parse(id).unwrap(),
        job,
        parent: None,
        created: String::new(),
        status,
        stage: None,
        progress: None,
        epochs: Vec::new(),
        trials: Vec::new(),
        skipped: Vec::new(),
        skipped_count: 0,
        notes: Vec::new(),
        outcome: None,
        seconds: Some(38.4),
        row: None,
        about: About::default(),
    }
}

fn features() -> FeatureSpec {
    FeatureSpec::of_backbone("efficientnet-lite0")
}

fn dense(width: usize, seed: u64) -> JobSpec {
    let settings = DenseSettings { width, seed, ..DenseSettings::default() };
    JobSpec::Train { dataset: "sample".into(), model: ModelSpec::Dense { features: features(), settings } }
}

fn epochs(count: usize, top: f64) -> Vec<EpochFigures> {
    let at = |epoch: usize, target: f64| 0.5 + (target - 0.5) * (1.0 - (-(epoch as f64) / 15.0).exp());
    (1..=count)
        .map(|epoch| EpochFigures {
            epoch,
            epochs: 60,
            train_loss: 1.2 - at(epoch, top),
            train_accuracy: at(epoch, top + 0.1),
            val_loss: 1.1 - at(epoch, top),
            val_accuracy: at(epoch, top),
            seconds: 0.3,
        })
        .collect()
}

/// A workspace with trainings, a sweep at work, a probe and something that waits.
fn snapshot() -> Snapshot {
    let sweep = JobSpec::Sweep {
        dataset: "sample".into(),
        sweep: Box::new(SweepSpec {
            features: features(),
            base: DenseSettings::default(),
            grid: faceprobe::model::Grid {
                widths: vec![256, 1024],
                depths: vec![1],
                dropouts: vec![0.8],
                learning_rates: vec![1e-4],
                optimizers: vec![faceprobe::model::Optimizer::Adam],
                weight_decays: vec![0.0],
                batches: vec![128],
                standardise: vec![true],
            },
            seeds: vec![1, 2],
            random: None,
            halving: None,
        }),
    };
    let head = |id: &str, width, seed, status, count, top| Run {
        parent: Some("sweep-1".into()),
        epochs: epochs(count, top),
        ..run(id, dense(width, seed), status)
    };
    let trial = |tap: usize, name: &str, val_accuracy| Trial {
        setting: format!("stage {tap}, {name} (96 values)"),
        val_accuracy,
        val_loss: 0.5,
    };
    let probe =
        JobSpec::Probe { dataset: "sample".into(), features: features(), settings: LogisticSettings::default() };
    let runs = vec![
        Run {
            trials: vec![
                trial(0, "stem", 0.61),
                trial(1, "block1", 0.7),
                trial(2, "block2", 0.83),
                trial(3, "head", 0.77),
            ],
            ..run("probe-1", probe, Status::Done)
        },
        Run { epochs: epochs(60, 0.8), ..run("dense-1", dense(1024, 1), Status::Done) },
        Run { epochs: epochs(31, 0.76), ..run("dense-2", dense(512, 1), Status::Interrupted) },
        run("sweep-1", sweep, Status::Running),
        head("dense-3", 256, 1, Status::Done, 60, 0.74),
        head("dense-4", 1024, 1, Status::Running, 22, 0.82),
        head("dense-5", 256, 2, Status::Waiting, 0, 0.0),
        run("dense-6", dense(64, 1), Status::Queued),
    ];
    Snapshot {
        workspace: "/study".into(),
        datasets: vec![DataSet {
            name: "sample".into(),
            report: Ok(PrepareReport {
                name: "sample".into(),
                synthetic: true,
                classes: ["female".into(), "male".into()],
                ..PrepareReport::default()
            }),
            written: None,
        }],
        backbones: vec![Backbone {
            name: "efficientnet-lite0".into(),
            title: "EfficientNet-Lite0".into(),
            input: 224,
            features: 1280,
            weights: Weights::Present { sha256: None, bytes: 18_245_120 },
        }],
        runs: runs.into_iter().map(Arc::new).collect(),
        choice: Some(Choice {
            run: "dense-1".into(),
            threshold: 0.5,
            criterion: None,
            at: String::new(),
            after_test_openings: 0,
        }),
        ..Snapshot::default()
    }
}

fn app() -> App {
    let mut app = App::new(DARK, "/study".into(), None);
    app.update(Event::Snapshot(Arc::new(snapshot())));
    app
}

fn press(app: &mut App, code: KeyCode) -> Vec<Effect> {
    app.update(Event::Key(KeyEvent::new(code, KeyModifiers::NONE)))
}

fn keys(app: &mut App, text: &str) -> Vec<Effect> {
    text.chars().flat_map(|c| press(app, KeyCode::Char(c))).collect()
}

fn frame(app: &App, width: u16, height: u16) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| drop(draw::draw(frame, app))).unwrap();
    terminal.backend().buffer().clone()
}

fn shown(app: &App, width: u16, height: u16) -> String {
    let buffer = frame(app, width, height);
    let line = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned() + "\n";
    (0..height).map(line).collect()
}

/// A picture that is red at the left and blue at the right.
fn two_halves(folder: &Path, name: &str) -> PathBuf {
    let path = folder.join(name);
    let colour = |x: u32| if x < 100 { image::Rgb([220, 30, 30]) } else { image::Rgb([30, 30, 220]) };
    image::RgbImage::from_fn(200, 200, |x, _| colour(x)).save(&path).unwrap();
    path
}

/// Draws, lets the picture thread make what was missing, until nothing is.
fn with_pictures(app: &mut App, picker: &Picker, width: u16, height: u16) -> Buffer {
    app.update(Event::Graphics(Box::new(picker.clone())));
    frame(app, width, height);
    let (orders, inbox) = mpsc::channel();
    let (events, made) = mpsc::channel();
    orders.send(Order::Use(picker.clone())).unwrap();
    orders.send(Order::Make(app.pictures.missing())).unwrap();
    drop(orders);
    pictures::make(&inbox, &events);
    drop(events);
    for event in made {
        app.update(event);
    }
    frame(app, width, height)
}

fn predict_on(folder: &Path, names: &[&str]) -> App {
    let mut app = app();
    let entry = |name: &&str| Entry { path: folder.join(name), name: (*name).into(), folder: false, image: true };
    app.update(Event::Job(JobReply::Listed {
        folder: folder.to_owned(),
        entries: names.iter().map(entry).collect(),
        select: None,
        predict: false,
    }));
    app.act(Action::Go(ScreenId::Predict.index()));
    app
}

#[test]
fn a_picture_is_made_off_the_screen_and_shown_in_half_blocks() {
    let folder = tempfile::tempdir().unwrap();
    two_halves(folder.path(), "a.png");
    std::fs::write(folder.path().join("b.png"), b"\x89PNG\r\n\x1a\nno picture").unwrap();
    let mut app = predict_on(folder.path(), &["a.png", "b.png"]);
    let picker = Picker::halfblocks();
    let before = shown(&app, 120, 40);
    let buffer = with_pictures(&mut app, &picker, 120, 40);
    let red = |cell: &ratatui::buffer::Cell| matches!(cell.fg, Color::Rgb(200.., 0..=60, 0..=60));
    let blue = |cell: &ratatui::buffer::Cell| matches!(cell.fg, Color::Rgb(0..=60, 0..=60, 200..));
    let count = |test: &dyn Fn(&ratatui::buffer::Cell) -> bool| buffer.content.iter().filter(|cell| test(cell)).count();
    let (left, right) = (count(&red), count(&blue));
    assert!(left > 100 && right > 100, "{left} red and {right} blue cells\n{before}");
    assert!(app.pictures.missing().is_empty(), "what is there is not asked for again");
    // One that cannot be decoded says why in its place.
    press(&mut app, KeyCode::Down);
    with_pictures(&mut app, &picker, 120, 40);
    assert!(shown(&app, 120, 40).contains("broken PNG") || shown(&app, 120, 40).contains("truncated PNG"));
    // Without colours there is nothing to draw half blocks with; no cell may have one then.
    app.theme = Theme { palette: Palette::Monochrome, ascii: true };
    assert!(frame(&app, 120, 40).content.iter().all(|cell| cell.fg == Color::Reset && cell.symbol().is_ascii()));
}

#[test]
fn every_protocol_makes_a_picture_and_a_face_is_framed() {
    let folder = tempfile::tempdir().unwrap();
    let path = two_halves(folder.path(), "a.png");
    for (protocol, sign) in
        [(ProtocolType::Kitty, "_G"), (ProtocolType::Sixel, "\u{1b}P"), (ProtocolType::Iterm2, "1337;File")]
    {
        let mut picker = Picker::halfblocks();
        picker.set_protocol_type(protocol);
        let mut app = predict_on(folder.path(), &["a.png"]);
        let buffer = with_pictures(&mut app, &picker, 120, 40);
        assert!(buffer.content.iter().any(|cell| cell.symbol().contains(sign)), "{protocol:?}");
    }
    let mut app = predict_on(folder.path(), &["a.png"]);
    app.update(Event::Predictor(PredictorReply::Prediction(Box::new(Prediction {
        path: path.display().to_string(),
        label: Some("female".into()),
        probability: Some(0.9),
        score: Some(0.1),
        threshold: 0.5,
        faces: vec![Face { bounds: [20.0, 20.0, 180.0, 180.0], landmarks: Vec::new(), score: 1.0 }],
        error: None,
        input: "detected face".into(),
        face: Some(0),
        note: None,
        explanation: None,
        model: "dense-1".into(),
        milliseconds: 12.0,
    }))));
    let buffer = with_pictures(&mut app, &Picker::halfblocks(), 120, 40);
    let framed = |cell: &&ratatui::buffer::Cell| {
        matches!(cell.fg, Color::Rgb(50..150, 120..220, 150..)) && cell.symbol() == "▀" || cell.symbol() == "▄"
    };
    assert!(buffer.content.iter().filter(framed).count() > 10, "the frame is seen");
    assert!(shown(&app, 120, 40).contains("90.0 %"));
}

#[test]
fn answers_of_the_terminal_choose_the_protocol_and_keys_among_them_are_kept() {
    let take = |bytes: &[&[u8]]| {
        let (mut stream, mut parser) = (Stream::default(), Parser::new());
        let (mut answers, mut typed) = (Vec::new(), String::new());
        let mut sort = |pieces: Vec<Piece>| {
            for piece in pieces {
                match piece {
                    Piece::Answer(text) => answers.extend(text.chars().flat_map(|c| parser.push(c))),
                    Piece::Typed(Event::Key(key)) => match key.code {
                        KeyCode::Char(c) => typed.push(c),
                        other => typed.push_str(&format!("<{other:?}>")),
                    },
                    Piece::Typed(Event::Paste(text)) => typed.push_str(&format!("<paste {text}>")),
                    Piece::Typed(other) => panic!("{other:?}"),
                }
            }
        };
        for bytes in bytes {
            let pieces = stream.push(bytes);
            sort(pieces);
        }
        let pieces = stream.rest();
        sort(pieces);
        (answers, typed)
    };
    let auto = Query::new(ImageProtocol::Auto, DARK).unwrap();
    // A terminal with everything, cut at bad places, while somebody types.
    let all: [&[u8]; 5] = [b"3\x1b_Gi=31;O", b"K\x1b\\\x1b[?62;4", b"c\xc3", b"\xa9\x1b[6;20", b";10t\x1b[B\x1b[0nq"];
    let (answers, typed) = take(&all);
    assert_eq!(typed, "3é<Down>q");
    assert_eq!(answers, [Response::Kitty, Response::Sixel, Response::CellSize(Some((10, 20))), Response::Status]);
    assert_eq!(auto.picker(&answers).protocol_type(), ProtocolType::Kitty);
    assert_eq!(auto.picker(&answers[1..]).protocol_type(), ProtocolType::Sixel);
    let forced = Query::new(ImageProtocol::Iterm2, DARK).unwrap();
    assert_eq!(forced.picker(&answers).protocol_type(), ProtocolType::Iterm2);
    // One that says nothing: every key counts, Esc and pastes too.
    let quiet: [&[u8]; 3] =
        [b"\x1b[200~/home/\xd1\x8f/\xd0\xbc\xd0\xbe\xd0\xb8 \xd1\x84\xd0\xbe\xd1\x82\xd0\xbe", b"\x1b[201~\r", b"\x1b"];
    assert_eq!(take(&quiet), (Vec::new(), "<paste /home/я/мои фото><Enter><Esc>".into()));
    assert!(Query::new(ImageProtocol::None, DARK).is_none());
    assert!(Query::new(ImageProtocol::Halfblocks, DARK).unwrap().text().is_none());
}

/// `x` asks again with the map and lays it over the picture, and takes it away; `f` changes what the network is shown.
#[test]
fn an_answer_is_explained_over_its_picture_and_faces_are_a_key_away() {
    let folder = tempfile::tempdir().unwrap();
    let path = two_halves(folder.path(), "a.png");
    let mut app = predict_on(folder.path(), &["a.png"]);
    let answer = Prediction {
        path: path.display().to_string(),
        label: Some("female".into()),
        probability: Some(0.9),
        score: Some(0.1),
        threshold: 0.5,
        faces: Vec::new(),
        error: None,
        input: "whole picture".into(),
        face: None,
        note: None,
        explanation: None,
        model: "dense-1".into(),
        milliseconds: 12.0,
    };
    let asked = |effects: &[Effect]| match effects {
        [Effect::Predict(ask)] => (ask.detect, ask.explain),
        other => panic!("{other:?}"),
    };
    assert_eq!(asked(&press(&mut app, KeyCode::Enter)), (None, false));
    app.update(Event::Predictor(PredictorReply::Prediction(Box::new(answer.clone()))));
    let plain = with_pictures(&mut app, &Picker::halfblocks(), 120, 40);
    assert_eq!(asked(&keys(&mut app, "x")), (None, true));
    // Everything that speaks for the answer is in the left half.
    let map = HeatMap { method: Method::GradCam, rows: 1, columns: 2, values: vec![1.0, 0.0] };
    app.update(Event::Predictor(PredictorReply::Explanation(Box::new(Explanation {
        prediction: answer,
        map,
        placement: Placement::WHOLE,
    }))));
    let explained = with_pictures(&mut app, &Picker::halfblocks(), 120, 40);
    assert!(shown(&app, 120, 40).contains("a.png · Grad-CAM"));
    let bright = |buffer: &Buffer| {
        buffer.content.iter().filter(|cell| matches!(cell.fg, Color::Rgb(200.., 120.., 60..))).count()
    };
    assert!(bright(&explained) > bright(&plain) + 20, "{} against {}", bright(&explained), bright(&plain));
    assert_eq!(app.predict.history.len(), 1, "the same answer is remembered once");
    assert_eq!(keys(&mut app, "x"), []);
    assert_eq!(with_pictures(&mut app, &Picker::halfblocks(), 120, 40).content, plain.content);
    assert_eq!(asked(&keys(&mut app, "f")), (Some(Detect::Detect), false));
}

#[test]
fn predictions_of_a_session_are_saved_as_csv() {
    let folder = tempfile::tempdir().unwrap();
    let workspace = Workspace::open(folder.path()).unwrap();
    let answer = |path: &str, error: Option<&str>| Prediction {
        path: path.into(),
        label: error.is_none().then(|| "female".into()),
        probability: error.is_none().then_some(0.75),
        score: error.is_none().then_some(0.25),
        threshold: 0.5,
        faces: Vec::new(),
        error: error.map(str::to_owned),
        input: "whole picture".into(),
        face: None,
        note: None,
        explanation: None,
        model: "dense-1".into(),
        milliseconds: 3.25,
    };
    let mut app = predict_on(folder.path(), &["a.png"]);
    assert_eq!(keys(&mut app, "w"), []);
    for prediction in [answer("/a \"b\", c.png", None), answer("/я.png", Some("truncated PNG"))] {
        app.update(Event::Predictor(PredictorReply::Prediction(Box::new(prediction))));
    }
    let effects = keys(&mut app, "w");
    let [Effect::SavePredictions(predictions)] = &effects[..] else { panic!("{effects:?}") };
    let first = faceprobe::tui::history::save(&workspace, predictions).unwrap();
    let second = faceprobe::tui::history::save(&workspace, predictions).unwrap();
    assert_ne!(first, second, "nothing is written over");
    let text = std::fs::read_to_string(&first).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "path,label,probability,score,threshold,model,input,faces,milliseconds,error");
    assert_eq!(lines[1], "\"/a \"\"b\"\", c.png\",female,0.75,0.25,0.5,dense-1,whole picture,,3.2,");
    assert_eq!(lines[2], "/я.png,,,,0.5,dense-1,whole picture,,3.2,truncated PNG");
}

#[test]
fn curves_are_laid_over_each_other_zoomed_and_smoothed() {
    let mut app = app();
    keys(&mut app, "3");
    app.train.selected = Some("dense-2".into());
    keys(&mut app, " ");
    app.train.selected = Some("dense-1".into());
    for (width, height) in [(120, 40), (80, 24), (40, 12)] {
        insta::assert_snapshot!(format!("overlay_{width}x{height}"), shown(&app, width, height));
    }
    let text = shown(&app, 120, 40);
    assert!(text.contains("Accuracy (val)") && text.contains("dense-2 0.727"), "{text}");
    keys(&mut app, "+");
    assert_eq!(app.train.view.range, Some((31, 60)));
    press(&mut app, KeyCode::Left);
    assert_eq!(app.train.view.range, Some((24, 53)));
    assert!(shown(&app, 120, 40).contains("epoch 53"));
    keys(&mut app, "-");
    assert_eq!(app.train.view.range, None, "as wide as all there is");
    keys(&mut app, "mm");
    assert!(shown(&app, 120, 40).contains("Loss (val, EMA 0.9)"));
    keys(&mut app, "x");
    assert!(shown(&app, 120, 40).contains("Loss (EMA 0.9)"));
    // However far somebody zooms and pans, there is something to draw.
    for key in "++++++++++".chars().chain("--------".chars()).chain("+0+".chars()) {
        press(&mut app, KeyCode::Char(key));
        press(&mut app, KeyCode::Right);
        shown(&app, 80, 24);
    }
}

#[test]
fn a_sweep_ranks_its_heads_while_they_train() {
    let mut app = app();
    keys(&mut app, "3");
    app.train.selected = Some("sweep-1".into());
    for (width, height) in [(120, 40), (80, 24), (40, 12)] {
        insta::assert_snapshot!(format!("sweep_{width}x{height}"), shown(&app, width, height));
    }
    // A head obeys its sweep.
    app.train.selected = Some("dense-4".into());
    let effects = keys(&mut app, "p");
    assert!(matches!(&effects[..], [Effect::Control { run, .. }] if run.as_str() == "sweep-1"), "{effects:?}");
    // One that was cut short goes on, one that waits is taken out after a question.
    app.train.selected = Some("dense-2".into());
    assert_eq!(keys(&mut app, "p"), [Effect::Resume { run: RunId::parse("dense-2").unwrap() }]);
    app.train.selected = Some("dense-6".into());
    assert_eq!(keys(&mut app, "s"), []);
    assert_eq!(keys(&mut app, "y"), [Effect::Unqueue { run: RunId::parse("dense-6").unwrap() }]);
}

#[test]
fn the_sweep_form_reads_lists_and_says_what_is_wrong() {
    let mut app = app();
    keys(&mut app, "3S");
    let field = |app: &mut App, name: &str, value: &str| app.fill(name, value);
    field(&mut app, "widths", "64, 128 256");
    field(&mut app, "dropouts", "0.5 1.2");
    assert_eq!(press(&mut app, KeyCode::Enter), []);
    assert!(shown(&app, 120, 40).contains("Needs numbers from 0 to 0.99 between spaces."));
    field(&mut app, "dropouts", "0.5");
    field(&mut app, "seeds", "1 2 3");
    field(&mut app, "halving", "10:3");
    let effects = press(&mut app, KeyCode::Enter);
    let [Effect::Launch(job)] = &effects[..] else { panic!("{effects:?}") };
    let JobSpec::Sweep { sweep, .. } = &**job else { panic!("{job:?}") };
    assert_eq!((sweep.grid.widths.as_slice(), sweep.seeds.as_slice()), (&[64, 128, 256][..], &[1, 2, 3][..]));
    assert_eq!(sweep.rungs(), [10, 30, 60]);
}

#[test]
fn a_probe_shows_accuracy_by_depth() {
    let mut app = app();
    keys(&mut app, "2");
    for (width, height) in [(120, 40), (80, 24), (40, 12)] {
        insta::assert_snapshot!(format!("probe_{width}x{height}"), shown(&app, width, height));
    }
    keys(&mut app, "b");
    let effects = press(&mut app, KeyCode::Enter);
    assert!(
        matches!(&effects[..], [Effect::Launch(job)] if matches!(&**job, JobSpec::Probe { features, .. } if *features == self::features())),
        "{effects:?}"
    );
}

#[test]
fn the_contact_sheet_shows_the_images_of_the_set() {
    let folder = tempfile::tempdir().unwrap();
    let path = two_halves(folder.path(), "a.png");
    let mut app = app();
    app.update(Event::Graphics(Box::new(Picker::halfblocks())));
    assert_eq!(keys(&mut app, "i"), [Effect::Images { dataset: "sample".into() }]);
    let image = |at: usize| SetImage { path: path.clone(), class: at % 2, split: Split::Train };
    app.update(Event::Job(JobReply::Images { dataset: "sample".into(), images: (0..500).map(image).collect() }));
    let buffer = with_pictures(&mut app, &Picker::halfblocks(), 120, 40);
    let pixels = buffer.content.iter().filter(|cell| matches!(cell.fg, Color::Rgb(200.., 0..=60, 0..=60))).count();
    assert!(pixels > 300, "{pixels}");
    assert!(shown(&app, 120, 40).contains("male · train"));
    press(&mut app, KeyCode::End);
    press(&mut app, KeyCode::Down);
    assert!(shown(&app, 120, 40).contains("500 images of sample"));
    press(&mut app, KeyCode::Esc);
    assert!(!app.data.sheet.open);
}

#[test]
fn any_command_is_found_by_a_few_letters() {
    let mut app = app();
    keys(&mut app, ":");
    for (width, height) in [(120, 40), (80, 24), (40, 12)] {
        insta::assert_snapshot!(format!("palette_{width}x{height}"), shown(&app, width, height));
    }
    keys(&mut app, "sweep");
    let found = palette::found(&app, "sweep");
    assert_eq!(found[0].binding.action, Action::Sweep);
    press(&mut app, KeyCode::Enter);
    assert_eq!(app.screen, ScreenId::Train);
    assert!(shown(&app, 120, 40).contains("Sweep on sample"));
    press(&mut app, KeyCode::Esc);
    for (typed, action) in
        [("open test", Action::OpenTest), ("dpth prb", Action::Probe), ("theme", Action::Theme), ("quit", Action::Quit)]
    {
        assert_eq!(palette::found(&app, typed)[0].binding.action, action, "{typed}");
    }
    assert!(palette::found(&app, "xyzzy").is_empty());
}

#[test]
fn what_the_screens_show_is_remembered_and_bad_files_are_ignored() {
    let folder = tempfile::tempdir().unwrap();
    let workspace = Workspace::open(folder.path()).unwrap();
    let mut app = app();
    keys(&mut app, "3mL T");
    app.train.selected = Some("dense-1".into());
    keys(&mut app, " n");
    app.fill("width", "77");
    press(&mut app, KeyCode::Esc);
    Memory::of(&app).save(&workspace).unwrap();
    let mut later = self::app();
    Memory::load(&workspace).restore(&mut later, false);
    assert_eq!((later.screen, later.theme.palette), (ScreenId::Train, Palette::Light));
    assert_eq!(Memory::of(&later), Memory::load(&workspace));
    assert_eq!(later.train.view, app.train.view);
    keys(&mut later, "n");
    assert!(shown(&later, 120, 40).contains("77"), "forms remember");
    // Named on the command line, the theme is not what it was last.
    let mut named = self::app();
    Memory::load(&workspace).restore(&mut named, true);
    assert_eq!(named.theme.palette, Palette::Dark);
    let file = folder.path().join("cache/workbench.json");
    for text in ["", "{", "[1]", "{\"screen\": 7}", "{\"screen\": \"Nowhere\", \"backbone\": 99, \"new\": 1}"] {
        std::fs::write(&file, text).unwrap();
        let mut app = self::app();
        Memory::load(&workspace).restore(&mut app, false);
        assert_eq!(app.screen, ScreenId::Data, "{text}");
        shown(&app, 80, 24);
    }
}
