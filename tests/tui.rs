//! The screen without a terminal: what it shows of a given workspace, and what keys do to it.

#[path = "support/runs.rs"]
mod runs;
mod tui_audit;
mod tui_records;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use faceprobe::dataset::PrepareReport;
use faceprobe::dataset::report::{Dropped, SplitCount};
use faceprobe::evaluation::interval::wilson95;
use faceprobe::features::FeatureSpec;
use faceprobe::imaging::Mode;
use faceprobe::model::{BenchmarkSettings, DenseSettings, FinetuneSettings, Kind, LogisticSettings};
use faceprobe::monitor::EpochFigures;
use faceprobe::predict::Prediction;
use faceprobe::run::choice::Choice;
use faceprobe::run::results::ResultRow;
use faceprobe::run::view::{Progress, Trial};
use faceprobe::run::{JobSpec, ModelSpec, RunId, Status, control};
use faceprobe::tui::app::{App, Overlay, Tone};
use faceprobe::tui::draw;
use faceprobe::tui::event::Event;
use faceprobe::tui::jobs::{Effect, Entry, JobReply, clean};
use faceprobe::tui::keys::{self, Action, Context};
use faceprobe::tui::predictor::PredictorReply;
use faceprobe::tui::snapshot::{Backbone, DataSet, Run, Snapshot, Store, Weights};
use faceprobe::tui::stages::{ScreenId, State, stages};
use faceprobe::tui::theme::{Palette, Theme};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};
use runs::run;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

const DARK: Theme = Theme { palette: Palette::Dark, ascii: false };

fn report(name: &str, synthetic: bool) -> PrepareReport {
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
        split: faceprobe::dataset::SplitMethod::Random,
        fold: None,
        warnings: if synthetic { vec![] } else { vec!["12 people are in more than one split".into()] },
    }
}

fn epochs(count: usize, of: usize, top: f64) -> Vec<EpochFigures> {
    (1..=count)
        .map(|epoch| {
            let far = 1.0 - (-(epoch as f64) / (of as f64 * 0.25)).exp();
            EpochFigures {
                epoch,
                epochs: of,
                train_loss: 0.7 - 0.5 * far,
                train_accuracy: 0.5 + (top - 0.38) * far,
                val_loss: 0.7 - 0.3 * far,
                val_accuracy: 0.5 + (top - 0.5) * far,
                seconds: 0.8,
            }
        })
        .collect()
}

fn row(run: &str, kind: Kind, val: f64, test: Option<f64>) -> ResultRow {
    let interval = |share: f64| wilson95((share * 750.0) as usize, 750);
    ResultRow {
        run: run.into(),
        kind,
        backbone: (kind != Kind::Benchmark).then(|| "efficientnet-lite0".into()),
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
        settings: "dense 1024, dropout 0.8, 100 epochs, adam 0.001".into(),
        created: String::new(),
        after_test_openings: usize::from(run == "dense-2") * 2,
        chosen: run == "dense-1",
        validation: None,
        division: None,
        asked: String::new(),
        refit: None,
    }
}

fn train(model: ModelSpec) -> JobSpec {
    JobSpec::train("sample", model)
}

fn dense() -> JobSpec {
    train(ModelSpec::Dense {
        features: FeatureSpec::of_backbone("efficientnet-lite0"),
        settings: DenseSettings::default(),
    })
}

/// A workspace in the middle of the study: three models done, a fourth being trained.
fn snapshot() -> Snapshot {
    let extract =
        JobSpec::Extract { dataset: "sample".into(), features: FeatureSpec::of_backbone("efficientnet-lite0") };
    let logistic = ModelSpec::Logistic {
        features: FeatureSpec::of_backbone("efficientnet-lite0"),
        settings: LogisticSettings::default(),
    };
    let benchmark = ModelSpec::Benchmark { settings: BenchmarkSettings::default() };
    let trial = |alpha: u32, val_accuracy| Trial { setting: format!("alpha {alpha}"), val_accuracy, val_loss: 0.5 };
    let mut runs = vec![
        Run {
            skipped: vec!["faces/broken.jpg: ends too early".into()],
            skipped_count: 1,
            outcome: Some("1,000 rows, 1 skipped".into()),
            ..run("extract-1", extract, Status::Done)
        },
        Run {
            epochs: epochs(16, 16, 0.6),
            row: Some(row("benchmark-1", Kind::Benchmark, 0.6, None)),
            ..run("benchmark-1", train(benchmark), Status::Done)
        },
        Run {
            trials: vec![trial(10, 0.741), trial(100, 0.784), trial(1000, 0.776)],
            outcome: Some("validation 0.784 with alpha 100".into()),
            row: Some(row("logistic-1", Kind::Logistic, 0.784, Some(0.771))),
            ..run("logistic-1", train(logistic), Status::Done)
        },
        Run {
            epochs: epochs(100, 100, 0.812),
            row: Some(row("dense-1", Kind::Dense, 0.812, None)),
            ..run("dense-1", dense(), Status::Done)
        },
        Run {
            epochs: epochs(100, 100, 0.795),
            row: Some(row("dense-2", Kind::Dense, 0.795, None)),
            ..run("dense-2", dense(), Status::Done)
        },
        Run {
            epochs: epochs(43, 100, 0.8),
            stage: Some("train".into()),
            notes: vec!["All 1,000 features were in the cache.".into()],
            ..run("dense-3", dense(), Status::Running)
        },
    ];
    if let Some(last) = runs.last_mut() {
        last.row = Some(ResultRow { status: Status::Running, ..row("dense-3", Kind::Dense, 0.77, None) });
    }
    let at = |seconds| Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
    Snapshot {
        workspace: "/study".into(),
        datasets: vec![
            DataSet { name: "fairface10k".into(), report: Ok(report("fairface10k", false)), written: at(1) },
            DataSet { name: "sample".into(), report: Ok(report("sample", true)), written: at(2) },
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
        }),
        problem: None,
    }
}

fn app_with(theme: Theme, snapshot: Snapshot) -> App {
    let mut app = App::new(theme, "/study".into(), None);
    app.update(Event::Snapshot(Arc::new(snapshot)));
    app
}

fn app() -> App {
    app_with(DARK, snapshot())
}

fn press(app: &mut App, code: KeyCode) -> Vec<Effect> {
    app.update(Event::Key(KeyEvent::new(code, KeyModifiers::NONE)))
}

fn type_text(app: &mut App, text: &str) {
    for c in text.chars() {
        press(app, KeyCode::Char(c));
    }
}

fn frame(app: &mut App, width: u16, height: u16) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    let mut hits = Vec::new();
    terminal.draw(|frame| hits = draw::draw(frame, app)).unwrap();
    app.hits = hits;
    terminal.backend().buffer().clone()
}

fn shown(app: &mut App, width: u16, height: u16) -> String {
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

fn prediction(path: &str) -> Prediction {
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
fn on_screen(theme: Theme, screen: ScreenId) -> App {
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

#[test]
fn every_screen_looks_as_it_should() {
    for screen in ScreenId::ALL {
        for (width, height) in [(80, 24), (120, 40), (40, 12)] {
            for (kind, theme) in [("colour", DARK), ("mono", tui_records::MONO)] {
                let mut app = on_screen(theme, screen);
                let name = format!("{}_{kind}_{width}x{height}", screen.name().to_lowercase());
                let text = shown(&mut app, width, height);
                let styles = tui_records::styles(theme, &frame(&mut app, width, height));
                insta::assert_snapshot!(name, format!("{text}{styles}"));
            }
        }
    }
}

#[test]
fn an_empty_workspace_leads_a_newcomer_and_never_fails_to_draw() {
    let mut app = app_with(DARK, Snapshot { workspace: "/study".into(), ..Snapshot::default() });
    insta::assert_snapshot!("welcome_80x24", shown(&mut app, 80, 24));
    for screen in 0..ScreenId::ALL.len() {
        app.act(Action::Go(screen));
        for (width, height) in [(1, 1), (39, 11), (40, 12), (59, 13), (60, 14), (99, 20), (100, 20), (300, 90)] {
            frame(&mut app, width, height);
        }
    }
    assert!(shown(&mut app, 39, 11).contains("needs 40 columns"));
    // The demo is one key away, and starts without a question where nothing can be disturbed.
    app.act(Action::Go(0));
    let effects = press(&mut app, KeyCode::Char('d'));
    assert!(matches!(&effects[..], [Effect::Launch(job)] if matches!(**job, JobSpec::Demo { .. })));
}

#[test]
fn a_workspace_that_was_not_read_yet_is_not_taken_for_an_empty_one() {
    let mut app = App::new(DARK, "/study".into(), None);
    for screen in 0..ScreenId::ALL.len() {
        app.act(Action::Go(screen));
        for (width, height) in [(120, 40), (80, 24), (40, 12)] {
            let text = shown(&mut app, width, height);
            assert!(text.contains("Reading /study …"), "{text}");
            assert!(
                !["no data set", "No data yet", "none yet", "idle"].iter().any(|empty| text.contains(empty)),
                "{text}"
            );
        }
    }
    // Nobody knows yet what a demo would stand beside.
    app.act(Action::Go(0));
    assert_eq!(press(&mut app, KeyCode::Char('d')), []);
    assert!(shown(&mut app, 80, 24).contains("Run the demo?"));
    app.update(Event::Snapshot(Arc::new(Snapshot::default())));
    press(&mut app, KeyCode::Esc);
    assert!(shown(&mut app, 80, 24).contains("No data yet"));
}

#[test]
fn monochrome_sets_no_colour_and_ascii_no_other_character() {
    let theme = Theme { palette: Palette::Monochrome, ascii: true };
    let mut reversed = 0;
    for screen in ScreenId::ALL {
        for (width, height) in [(80, 24), (160, 50), (40, 15)] {
            for key in [KeyCode::Null, KeyCode::Char('?'), KeyCode::Char('n'), KeyCode::Char('t'), KeyCode::Char('s')] {
                let mut app = on_screen(theme, screen);
                press(&mut app, key);
                for cell in &frame(&mut app, width, height).content {
                    assert_eq!((cell.fg, cell.bg, cell.underline_color), (Color::Reset, Color::Reset, Color::Reset));
                    assert!(cell.symbol().is_ascii(), "{:?} on {screen:?}", cell.symbol());
                    reversed += usize::from(cell.modifier.contains(Modifier::REVERSED));
                }
            }
        }
    }
    assert!(reversed > 0, "the selected line must be told without colour");
}

#[test]
fn the_key_table_is_sound() {
    for context in Context::ALL {
        let mut seen = Vec::new();
        for binding in keys::TABLE.iter().filter(|binding| binding.context == context) {
            assert!(binding.help.ends_with('.'), "{:?} has no sentence", binding.action);
            for key in binding.keys {
                assert!(!seen.contains(key), "{} is bound twice in {context:?}", key.name());
                seen.push(*key);
                assert_eq!(keys::action(context, *key), Some(binding.action));
            }
        }
        for binding in keys::footer(context) {
            let key = binding.keys[0];
            assert_eq!(keys::action(context, key), Some(binding.action), "footer of {context:?}: {}", key.name());
        }
    }
}

#[test]
fn every_key_of_the_footer_has_an_effect() {
    for screen in ScreenId::ALL {
        for binding in keys::footer(screen.context()) {
            let mut app = on_screen(DARK, screen);
            if !app.offers(binding.action) {
                continue;
            }
            // The first file is under the cursor: Enter asks for another prediction.
            let before = shown(&mut app, 120, 40);
            let key = binding.keys[0];
            let modifiers = if key.ctrl { KeyModifiers::CONTROL } else { KeyModifiers::NONE };
            let effects = app.update(Event::Key(KeyEvent::new(key.code, modifiers)));
            let after = shown(&mut app, 120, 40);
            assert!(!effects.is_empty() || before != after, "{} on {screen:?} does nothing", key.name());
        }
    }
}

#[test]
fn results_sort_by_any_column_and_keep_the_cursor_on_its_run() {
    let mut app = on_screen(DARK, ScreenId::Results);
    let order = |app: &mut App| {
        let text = shown(app, 120, 40);
        // Below the heading, which names the live run.
        let text = text.split_once("backbone").unwrap().1;
        let runs = ["dense-1", "dense-2", "dense-3", "logistic-1", "benchmark-1"];
        let mut found: Vec<(usize, &str)> =
            runs.iter().map(|run| (text.find(&format!(" {run} ")).unwrap(), *run)).collect();
        found.sort_unstable();
        found.into_iter().map(|(_, run)| run).collect::<Vec<_>>()
    };
    assert_eq!(order(&mut app), ["dense-1", "dense-2", "logistic-1", "dense-3", "benchmark-1"]);
    press(&mut app, KeyCode::Down);
    assert_eq!(app.results.selected.as_deref(), Some("dense-2"));
    press(&mut app, KeyCode::Char('r'));
    assert_eq!(order(&mut app).first(), Some(&"benchmark-1"));
    assert_eq!(app.results.selected.as_deref(), Some("dense-2"));
    // By test: the one that was opened is on top either way, the others have no figure.
    press(&mut app, KeyCode::Char('>'));
    assert_eq!(order(&mut app)[0], "logistic-1");
    press(&mut app, KeyCode::Char('r'));
    assert_eq!(order(&mut app)[0], "logistic-1");
}

#[test]
fn opening_a_test_set_asks_first_and_choosing_does_not() {
    let mut app = on_screen(DARK, ScreenId::Results);
    assert_eq!(press(&mut app, KeyCode::Char('c')), [Effect::Choose { run: "dense-1".into() }]);
    assert_eq!(press(&mut app, KeyCode::Char('t')), []);
    assert!(shown(&mut app, 80, 24).contains("only if you stop choosing now"));
    assert_eq!(press(&mut app, KeyCode::Char('n')), []);
    assert!(app.overlay.is_none());
    press(&mut app, KeyCode::Char('t'));
    let open = JobSpec::OpenTest { run: "dense-1".into() };
    assert_eq!(press(&mut app, KeyCode::Char('y')), [Effect::Launch(Box::new(open))]);
    // Training anew on validation asks too.
    assert_eq!(press(&mut app, KeyCode::Char('R')), []);
    assert!(shown(&mut app, 80, 24).contains("Train on validation too?"));
    assert_eq!(press(&mut app, KeyCode::Enter), [Effect::Refit { run: "dense-1".into() }]);
    // A run that is not done has nothing to open.
    app.results.selected = Some("dense-3".into());
    assert_eq!(press(&mut app, KeyCode::Char('t')), []);
    assert!(app.overlay.is_none() && app.message.is_some());
}

#[test]
fn forms_check_every_field_and_remember_what_was_typed() {
    let mut app = on_screen(DARK, ScreenId::Train);
    press(&mut app, KeyCode::Char('n'));
    // Over tap, pooling, pixels and width.
    let to_dropout = |app: &mut App| {
        for _ in 0..5 {
            press(app, KeyCode::Down);
        }
    };
    to_dropout(&mut app);
    for _ in 0..3 {
        press(&mut app, KeyCode::Backspace);
    }
    type_text(&mut app, "1.5");
    assert_eq!(press(&mut app, KeyCode::Enter), []);
    assert!(shown(&mut app, 80, 24).contains("Needs a number from 0 to 0.99."));
    press(&mut app, KeyCode::Esc);
    press(&mut app, KeyCode::Char('n'));
    to_dropout(&mut app);
    assert!(shown(&mut app, 80, 24).contains("1.5"), "what was typed is remembered");
    for _ in 0..3 {
        press(&mut app, KeyCode::Backspace);
    }
    type_text(&mut app, "0.9");
    let effects = press(&mut app, KeyCode::Enter);
    let settings = DenseSettings { dropout: 0.9, ..DenseSettings::default() };
    let model = ModelSpec::Dense { features: FeatureSpec::of_backbone("efficientnet-lite0"), settings };
    assert_eq!(effects, [Effect::Launch(Box::new(train(model)))]);
    // The kind of model is a field; the defaults of each kind are the engine's.
    press(&mut app, KeyCode::Char('n'));
    press(&mut app, KeyCode::Up);
    press(&mut app, KeyCode::Right);
    press(&mut app, KeyCode::Right);
    let model = ModelSpec::Benchmark { settings: BenchmarkSettings::default() };
    assert_eq!(press(&mut app, KeyCode::Enter), [Effect::Launch(Box::new(train(model)))]);
    press(&mut app, KeyCode::Char('n'));
    press(&mut app, KeyCode::Up);
    for _ in 0..3 {
        press(&mut app, KeyCode::Right);
    }
    let features = FeatureSpec::of_cut("efficientnet-lite0", None, Mode::Default).unwrap();
    let model = ModelSpec::Finetune { features, settings: FinetuneSettings::default() };
    assert_eq!(press(&mut app, KeyCode::Enter), [Effect::Launch(Box::new(train(model)))]);
}

#[test]
fn the_prepare_form_takes_several_sources_and_pasted_paths() {
    let mut app = on_screen(DARK, ScreenId::Data);
    press(&mut app, KeyCode::Char('n'));
    assert_eq!(press(&mut app, KeyCode::Enter), []);
    assert!(shown(&mut app, 80, 24).contains("Needs a source"));
    app.update(Event::Paste("adience:/data/Köln photos\n".into()));
    press(&mut app, KeyCode::Tab);
    app.update(Event::Paste("adience:/data/人物".into()));
    let effects = press(&mut app, KeyCode::Enter);
    let [Effect::Launch(job)] = &effects[..] else { panic!("{effects:?}") };
    let JobSpec::Prepare(settings) = &**job else { panic!("{job:?}") };
    let paths: Vec<_> = settings.sources.iter().map(|source| source.path.to_string_lossy().into_owned()).collect();
    assert_eq!(paths, ["/data/Köln photos", "/data/人物"]);
    assert_eq!((settings.train, settings.val, settings.test), (Some(6000), Some(2000), Some(2000)));
    assert_eq!((settings.split, settings.align), (None, None));
    // How images are divided, and whether they are aligned: subject, and the whole head.
    press(&mut app, KeyCode::Char('n'));
    for _ in 0..8 {
        press(&mut app, KeyCode::Tab);
    }
    for _ in 0..3 {
        press(&mut app, KeyCode::Right);
    }
    press(&mut app, KeyCode::Tab);
    press(&mut app, KeyCode::Right);
    let effects = press(&mut app, KeyCode::Enter);
    let [Effect::Launch(job)] = &effects[..] else { panic!("{effects:?}") };
    let JobSpec::Prepare(settings) = &**job else { panic!("{job:?}") };
    assert_eq!(settings.split, Some(faceprobe::dataset::SplitMethod::Subject));
    assert_eq!(settings.align, Some(faceprobe::imaging::Alignment::new(faceprobe::imaging::Template::Loose)));
}

#[test]
fn runs_are_paused_resumed_and_stopped_after_a_question() {
    let mut app = on_screen(DARK, ScreenId::Train);
    let run = RunId::parse("dense-3").unwrap();
    let pause = Effect::Control { run: run.clone(), command: control::Command::Pause };
    assert_eq!(press(&mut app, KeyCode::Char('p')), [pause]);
    assert_eq!(press(&mut app, KeyCode::Char('s')), []);
    let stop = Effect::Control { run, command: control::Command::Stop };
    assert_eq!(press(&mut app, KeyCode::Enter), [stop]);
    press(&mut app, KeyCode::Down);
    assert_eq!(press(&mut app, KeyCode::Char('p')), [], "a finished run has nothing to pause");
    assert!(app.message.is_some());
}

#[test]
fn a_run_that_ends_says_so() {
    let mut app = app();
    let mut later = snapshot();
    let mut ended = (*later.runs[5]).clone();
    ended.status = Status::Failed;
    ended.outcome = Some("the disk is full".into());
    later.runs[5] = Arc::new(ended);
    app.update(Event::Snapshot(Arc::new(later)));
    assert_eq!(app.message, Some((Tone::Bad, "dense-3 failed: the disk is full".into())));
}

#[test]
fn the_screens_follow_a_demo_until_a_key_changes_them() {
    let demo = RunId::parse("demo-1").unwrap();
    let part = |id: &str, job: JobSpec, status| Arc::new(Run { parent: Some("demo-1".into()), ..run(id, job, status) });
    let parent = |status| Arc::new(run("demo-1", JobSpec::Demo { sample: Default::default() }, status));
    let extract =
        JobSpec::Extract { dataset: "sample".into(), features: FeatureSpec::of_backbone("efficientnet-lite0") };
    let with = |runs| Event::Snapshot(Arc::new(Snapshot { runs, ..Snapshot::default() }));
    let mut app = App::new(DARK, "/study".into(), Some(demo));
    app.update(with(vec![parent(Status::Running)]));
    assert_eq!(app.screen, ScreenId::Data);
    app.update(with(vec![parent(Status::Running), part("extract-1", extract.clone(), Status::Running)]));
    assert_eq!(app.screen, ScreenId::Features);
    let done = part("extract-1", extract, Status::Done);
    app.update(with(vec![parent(Status::Running), done.clone(), part("dense-1", dense(), Status::Running)]));
    assert_eq!((app.screen, app.train.selected.as_deref()), (ScreenId::Train, Some("dense-1")));
    app.update(with(vec![parent(Status::Done), done, part("dense-1", dense(), Status::Done)]));
    assert_eq!(app.screen, ScreenId::Results);
    assert_eq!(app.follow, None);
}

#[test]
fn steps_are_to_do_running_done_or_failed() {
    let states =
        |snapshot: &Snapshot| stages(snapshot, None, 0).into_iter().map(|stage| stage.state).collect::<Vec<_>>();
    assert_eq!(states(&Snapshot::default()), [State::ToDo; 7]);
    assert_eq!(
        states(&snapshot()),
        [State::Done, State::Done, State::Running, State::Done, State::Done, State::ToDo, State::Running]
    );
    let failed = Snapshot { runs: vec![Arc::new(run("dense-1", dense(), Status::Interrupted))], ..Snapshot::default() };
    assert_eq!(states(&failed)[2], State::Failed);
    // A model that could not be scored on a data set from elsewhere has not failed the study.
    let elsewhere = JobSpec::Evaluate { run: "dense-1".into(), on: "/nowhere".into() };
    let mut more = snapshot();
    more.runs.push(Arc::new(run("evaluate-1", elsewhere, Status::Failed)));
    let unopened = |mut snapshot: Snapshot| {
        for run in &mut snapshot.runs {
            if let Some(row) = &mut Arc::make_mut(run).row {
                row.test_accuracy = None;
            }
        }
        states(&snapshot)[3]
    };
    assert_eq!((unopened(snapshot()), unopened(more)), (State::ToDo, State::ToDo));
    // Prepared anew, the set has another manifest than the one the models were made on.
    let mut anew = Snapshot { runs: snapshot().runs[..5].to_vec(), ..snapshot() };
    if let Ok(report) = &mut anew.datasets[1].report {
        report.manifest_sha256 = "b".repeat(64);
    }
    assert_eq!(states(&anew)[2..5], [State::Stale; 3]);
}

#[test]
fn predictions_follow_the_cursor_and_only_the_newest_wish_waits() {
    let mut app = on_screen(DARK, ScreenId::Predict);
    let path = |effects: &[Effect]| match effects {
        [Effect::Predict(ask)] => ask.path.file_name().map(|name| name.to_string_lossy().into_owned()),
        _ => None,
    };
    assert_eq!(path(&press(&mut app, KeyCode::Up)).as_deref(), Some("holiday in Köln (2).jpg"));
    assert_eq!(press(&mut app, KeyCode::Up), [], "one at a time");
    assert_eq!(press(&mut app, KeyCode::Down), []);
    let answer = |path: &str| Event::Predictor(PredictorReply::Prediction(Box::new(prediction(path))));
    assert_eq!(path(&app.update(answer("a"))).as_deref(), Some("holiday in Köln (2).jpg"));
    assert_eq!(app.update(answer("b")), []);
    assert_eq!(app.predict.history.len(), 3);
    // A failure is said and does not block the next image.
    press(&mut app, KeyCode::Up);
    app.update(Event::Predictor(PredictorReply::Failed("The predictor has ended.".into())));
    assert_eq!(app.message, Some((Tone::Bad, "The predictor has ended.".into())));
    assert_eq!(path(&press(&mut app, KeyCode::Enter)).as_deref(), Some("b.jpg"));
}

#[test]
fn a_pasted_path_opens_whatever_letters_it_has() {
    let mut app = on_screen(DARK, ScreenId::Predict);
    app.update(Event::Paste("'/home/я/мои фото/人 物.png'\n".into()));
    assert!(matches!(app.overlay, Some(Overlay::Path(_))));
    let effects = press(&mut app, KeyCode::Enter);
    let open = Effect::Open { text: "'/home/я/мои фото/人 物.png'".into(), from: "/study/photos".into() };
    assert_eq!(effects, [open]);
    assert_eq!(clean("'/home/я/мои фото/人 物.png'"), "/home/я/мои фото/人 物.png");
    assert_eq!(clean("/a/my\\ photo\\ (1).png"), "/a/my photo (1).png");
    assert_eq!(clean("file:///a/K%C3%B6ln%20%.png\n"), "/a/Köln %.png");
}

#[test]
fn the_mouse_reaches_screens_and_rows() {
    use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
    let mut app = on_screen(DARK, ScreenId::Data);
    let click = |app: &mut App, text: &str| {
        let lines = shown(app, 120, 40);
        let (row, line) = lines.lines().enumerate().find(|(_, line)| line.contains(text)).unwrap();
        let column = line[..line.find(text).unwrap()].chars().count() as u16;
        let kind = MouseEventKind::Down(MouseButton::Left);
        app.update(Event::Mouse(MouseEvent { kind, column, row: row as u16, modifiers: KeyModifiers::NONE }));
    };
    click(&mut app, "Results");
    assert_eq!(app.screen, ScreenId::Results);
    click(&mut app, "logistic-1 ");
    assert_eq!(app.results.selected.as_deref(), Some("logistic-1"));
}

#[test]
fn work_shows_rate_and_remaining_time() {
    let mut snapshot = snapshot();
    let extract = JobSpec::Extract { dataset: "sample".into(), features: FeatureSpec::of_backbone("vgg16") };
    let progress = Progress { done: 4300, total: 10_000, unit: "images".into(), rate: 212.4, remaining: Some(26.8) };
    snapshot.runs.push(Arc::new(Run { progress: Some(progress), ..run("extract-2", extract, Status::Running) }));
    let mut app = app_with(DARK, snapshot);
    press(&mut app, KeyCode::Char('2'));
    let text = shown(&mut app, 80, 24);
    assert!(text.contains("4,300 of 10,000 images · 212 a second · 27 s left"), "{text}");
    assert!(text.contains("43 %"), "{text}");
}
