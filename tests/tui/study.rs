//! A workspace in the middle of the study, and the screen that shows it.

use super::runs::{run, told, trained};
pub use super::styles::styles;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use faceprobe::tui::app::App;
use faceprobe::tui::draw;
use faceprobe::tui::effect::Effect;
use faceprobe::tui::event::Event;
use faceprobe::tui::folders::Entry;
use faceprobe::tui::jobs::JobReply;
use faceprobe::tui::keys::{self, Context};
use faceprobe::tui::predictor::PredictorReply;
use faceprobe::tui::snapshot::{Backbone, DataSet, Run, Snapshot, Store, Weights};
use faceprobe::tui::stages::ScreenId;
use faceprobe::tui::theme::{Palette, Theme};
use faceprobe_core::dataset::PrepareReport;
use faceprobe_core::dataset::report::{Dropped, SplitCount};
use faceprobe_core::evaluation::interval::wilson95;
use faceprobe_core::features::FeatureSpec;
use faceprobe_core::model::{BenchmarkSettings, DenseSettings, Kind, LogisticSettings};
use faceprobe_core::monitor::{EpochFigures, Update, Validated};
use faceprobe_core::predict::Prediction;
use faceprobe_core::run::choice::Choice;
use faceprobe_core::run::results::ResultRow;
use faceprobe_core::run::{Facts, JobSpec, ModelSpec, Status};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::Color;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

pub const DARK: Theme = Theme { palette: Palette::Dark, ascii: false };

pub const MONO: Theme = Theme { palette: Palette::Monochrome, ascii: true };

pub fn report(name: &str, synthetic: bool) -> PrepareReport {
    let dropped = |reason: &str, explanation: &str, count, example: &str| Dropped {
        reason: reason.into(),
        explanation: explanation.into(),
        count,
        examples: vec![example.into()],
    };
    PrepareReport {
        name: name.into(),
        synthetic,
        sources: vec!["adience:/study/data/sample".into()],
        seed: 1,
        classes: ["female".into(), "male".into()],
        rows: 1130,
        raw_labels: [("f", 531), ("m", 474), ("u", 79), ("(empty)", 46)].map(|(k, v)| (k.to_owned(), v)).into(),
        repeated_keys: 7,
        images_present: 1118,
        dropped: vec![
            dropped("unknown_label", "rows whose gender is unknown", 125, "faces/7153718@N04/a.jpg: u"),
            dropped("undecodable", "files that cannot be decoded", 3, "faces/b.jpg: ends too early"),
            dropped("missing_file", "rows whose image file is missing", 0, ""),
        ],
        usable: [508, 463],
        splits: [("train", 300), ("val", 75), ("test", 75)]
            .map(|(split, count)| SplitCount { split: split.into(), per_class: [count, count] })
            .into(),
        ages: [("(8, 12)", [60, 51]), ("(15, 20)", [70, 55]), ("(0, 2)", [40, 44])]
            .map(|(k, v)| (k.to_owned(), v))
            .into(),
        folds: [("0", [100, 90]), ("1", [95, 97])].map(|(k, v)| (k.to_owned(), v)).into(),
        subjects: Some(212),
        alignment: None,
        without_face: 0,
        manifest_sha256: "a".repeat(64),
        attributes_sha256: None,
        split: faceprobe_core::dataset::SplitMethod::Random,
        fold: None,
        warnings: if synthetic { vec![] } else { vec!["12 people are in more than one split".into()] },
    }
}

pub fn epochs(count: usize, of: usize, top: f64) -> Vec<EpochFigures> {
    (1..=count)
        .map(|epoch| {
            let far = 1.0 - (-(epoch as f64) / (of as f64 * 0.25)).exp();
            EpochFigures {
                epoch,
                epochs: of,
                train_loss: 0.7 - 0.5 * far,
                train_accuracy: 0.5 + (top - 0.38) * far,
                validated: Some(Validated { loss: 0.7 - 0.3 * far, accuracy: 0.5 + (top - 0.5) * far }),
                seconds: 0.8,
            }
        })
        .collect()
}

pub fn row(run: &str, kind: Kind, val: f64, test: Option<f64>) -> ResultRow {
    let interval = |share: f64| wilson95((share * 750.0) as usize, 750);
    ResultRow {
        run: run.into(),
        kind,
        backbone: (kind != Kind::BENCHMARK).then(|| "efficientnet-lite0".into()),
        pool: None,
        tap: None,
        params: 1_312_769,
        seed: 1,
        epochs: 100,
        best_epoch: Some(50),
        train_accuracy: Some(val + 0.1),
        val_accuracy: Some(val),
        val_interval: interval(val),
        test_accuracy: test,
        test_interval: test.and_then(interval),
        threshold: 0.488,
        seconds: 38.4,
        status: Status::Done,
        dataset: "sample".into(),
        manifest_sha256: "a".repeat(64),
        synthetic: true,
        settings: "width 1024, dropout 0.8, 100 epochs".into(),
        created: String::new(),
        after_test_openings: usize::from(run == "dense-2") * 2,
        chosen: run == "dense-1",
        validation: None,
        division: None,
        asked: String::new(),
        key: "width=1024".into(),
        trained_on: None,
        refit: None,
        version: None,
    }
}

pub fn train(model: ModelSpec) -> JobSpec {
    JobSpec::train("sample", model)
}

pub fn dense() -> JobSpec {
    train(ModelSpec::new(FeatureSpec::of_backbone("efficientnet-lite0"), DenseSettings::default()))
}

/// A workspace in the middle of the study: three models done, a fourth being trained.
pub fn snapshot() -> Snapshot {
    let extract =
        JobSpec::Extract { dataset: "sample".into(), features: FeatureSpec::of_backbone("efficientnet-lite0") };
    let logistic = ModelSpec::new(FeatureSpec::of_backbone("efficientnet-lite0"), LogisticSettings::default());
    let benchmark = ModelSpec::new(None, BenchmarkSettings::default());
    let trial = |(index, (alpha, val_accuracy)): (usize, (u32, f64))| {
        let setting = format!("alpha {alpha}");
        Update::Trial { index, of: 3, setting, val_accuracy, val_loss: 0.5 }
    };
    let tried = [(10, 0.741), (100, 0.784), (1000, 0.776)].into_iter().enumerate().map(trial);
    let outcome = |text: &str| Facts { outcome: Some(text.into()), ..Facts::default() };
    let broken = Update::Skipped { path: "faces/broken.jpg".into(), reason: "ends too early".into() };
    let at_work =
        [Update::Stage { name: "train".into() }, Update::Note { text: "All 1,000 features were in the cache.".into() }];
    let mut runs = vec![
        told(Run { facts: outcome("1,000 rows, 1 skipped"), ..run("extract-1", extract, Status::Done) }, [broken]),
        Run {
            row: Some(row("benchmark-1", Kind::BENCHMARK, 0.6, None)),
            ..trained(run("benchmark-1", train(benchmark), Status::Done), epochs(16, 16, 0.6))
        },
        told(
            Run {
                facts: outcome("validation 0.784 with alpha 100"),
                row: Some(row("logistic-1", Kind::LOGISTIC, 0.784, Some(0.771))),
                ..run("logistic-1", train(logistic), Status::Done)
            },
            tried,
        ),
        Run {
            row: Some(row("dense-1", Kind::DENSE, 0.812, None)),
            ..trained(run("dense-1", dense(), Status::Done), epochs(100, 100, 0.812))
        },
        Run {
            row: Some(row("dense-2", Kind::DENSE, 0.795, None)),
            ..trained(run("dense-2", dense(), Status::Done), epochs(100, 100, 0.795))
        },
        told(
            run("dense-3", dense(), Status::Running),
            at_work.into_iter().chain(epochs(43, 100, 0.8).into_iter().map(Update::Epoch)),
        ),
    ];
    if let Some(last) = runs.last_mut() {
        last.row = Some(ResultRow { status: Status::Running, ..row("dense-3", Kind::DENSE, 0.77, None) });
    }
    let at = |seconds| Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
    Snapshot {
        workspace: "/study".into(),
        datasets: vec![
            DataSet {
                name: "fairface10k".into(),
                report: Ok(report("fairface10k", false)),
                superseded: false,
                written: at(1),
            },
            DataSet { name: "sample".into(), report: Ok(report("sample", true)), superseded: false, written: at(2) },
        ],
        backbones: vec![
            Backbone {
                name: "efficientnet-lite0".into(),
                title: "EfficientNet-Lite0".into(),
                input: 224,
                features: 1280,
                weights: Weights::Present { sha256: Some("f2bc3dd0".repeat(8)), bytes: 18_245_120 },
            },
            Backbone {
                name: "vgg16".into(),
                title: "VGG16".into(),
                input: 224,
                features: 25_088,
                weights: Weights::Absent,
            },
        ],
        stores: vec![Store {
            backbone: "efficientnet-lite0".into(),
            tap: "last".into(),
            pool: "avg".into(),
            width: 1280,
            rows: 1000,
            parts: 2,
            bytes: 5_120_256,
        }],
        runs: runs.into_iter().map(Arc::new).collect(),
        choice: Some(Choice {
            run: "dense-1".into(),
            threshold: 0.488,
            criterion: None,
            at: String::new(),
            after_test_openings: 1,
            adapted: None,
        }),
        machine: None,
        problem: None,
    }
}

pub fn app_with(theme: Theme, snapshot: Snapshot) -> App {
    let mut app = App::new(theme, "/study".into(), None);
    app.update(Event::Snapshot(Arc::new(snapshot)));
    app
}

pub fn app() -> App {
    app_with(DARK, snapshot())
}

pub fn press(app: &mut App, code: KeyCode) -> Vec<Effect> {
    app.update(Event::Key(KeyEvent::new(code, KeyModifiers::NONE)))
}

pub fn type_text(app: &mut App, text: &str) {
    for c in text.chars() {
        press(app, KeyCode::Char(c));
    }
}

pub fn frame(app: &mut App, width: u16, height: u16) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    let mut hits = Vec::new();
    terminal.draw(|frame| hits = draw::draw(frame, app)).unwrap();
    app.shared.hits = hits;
    terminal.backend().buffer().clone()
}

pub fn shown(app: &mut App, width: u16, height: u16) -> String {
    let buffer = frame(app, width, height);
    let mut text = String::new();
    for y in 0..height {
        let mut line = String::new();
        let mut x = 0;
        while x < width {
            let symbol = buffer[(x, y)].symbol();
            line.push_str(symbol);
            x += unicode_width::UnicodeWidthStr::width(symbol).max(1) as u16;
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

pub fn prediction(path: &str) -> Prediction {
    Prediction {
        path: path.into(),
        label: Some("female".into()),
        probability: Some(0.973),
        score: Some(0.027),
        threshold: 0.488,
        faces: Vec::new(),
        error: None,
        input: "whole picture".into(),
        model: "dense-1".into(),
        milliseconds: 23.4,
        ..Prediction::default()
    }
}

/// The app as each screen shows it with something on it.
pub fn on_screen(theme: Theme, screen: ScreenId) -> App {
    let mut app = app_with(theme, snapshot());
    app.update(Event::Job(JobReply::Listed {
        folder: "/study/photos".into(),
        entries: ["b.jpg", "holiday in Köln (2).jpg", "人物.png"]
            .iter()
            .map(|name| Entry {
                path: PathBuf::from("/study/photos").join(name),
                name: (*name).into(),
                folder: false,
                image: true,
            })
            .collect(),
        select: Some("/study/photos/人物.png".into()),
        predict: true,
    }));
    app.update(Event::Predictor(PredictorReply::Prediction(Box::new(prediction("/study/photos/人物.png")))));
    press(&mut app, KeyCode::Char(char::from_digit(screen.index() as u32 + 1, 10).unwrap()));
    app
}

/// Every key that the footer offers in a context has an effect on an app that is there.
pub fn footer_keeps_its_word(context: Context, there: impl Fn() -> App) {
    for binding in keys::footer(context) {
        let mut app = there();
        if !app.offers(binding.action) {
            continue;
        }
        let before = shown(&mut app, 120, 40);
        let key = binding.keys[0];
        let modifiers = if key.ctrl { KeyModifiers::CONTROL } else { KeyModifiers::NONE };
        let effects = app.update(Event::Key(KeyEvent::new(key.code, modifiers)));
        let after = shown(&mut app, 120, 40);
        assert!(!effects.is_empty() || before != after, "{} in {context:?} does nothing", key.name());
    }
}

/// An app in ASCII without colour has neither at any size.
pub fn plain_at_any_size(app: &mut App) {
    for (width, height) in [(40, 12), (41, 13), (59, 14), (60, 15), (80, 20), (100, 21), (117, 29), (300, 90)] {
        for cell in &frame(app, width, height).content {
            assert!(cell.symbol().is_ascii(), "{:?} at {width} x {height}", cell.symbol());
            assert_eq!((cell.fg, cell.bg), (Color::Reset, Color::Reset), "{width} x {height}");
        }
    }
}
