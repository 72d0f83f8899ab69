//! Pictures, curves over each other, sweeps, probes, the contact sheet, the palette of commands and what is remembered:
//! the screen without a terminal.

mod pictures;
mod predictions;
#[path = "../support/runs.rs"]
mod runs;
mod session;
#[path = "../support/styles.rs"]
mod styles;
mod training;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use faceprobe::tui::app::App;
use faceprobe::tui::completion::{Name, Names, Paths};
use faceprobe::tui::draw;
use faceprobe::tui::effect::Effect;
use faceprobe::tui::event::Event;
use faceprobe::tui::folders::Entry;
use faceprobe::tui::forms::FormKind;
use faceprobe::tui::graphics::{ImageProtocol, Piece, Query, Stream};
use faceprobe::tui::jobs::{Job, JobReply, SetImage};
use faceprobe::tui::keys::Action;
use faceprobe::tui::palette;
use faceprobe::tui::pictures::Order;
use faceprobe::tui::predictor::PredictorReply;
use faceprobe::tui::session::Session;
use faceprobe::tui::shared::{Overlay, Tone};
use faceprobe::tui::snapshot::{Backbone, DataSet, Run, Snapshot, Weights};
use faceprobe::tui::stages::ScreenId;
use faceprobe::tui::tasks::{Order as TaskOrder, Outcome, Progress, Task, TaskEvent, TaskMessage, WriteReport};
use faceprobe::tui::theme::{Palette, Theme};
use faceprobe::tui::widgets::cut_middle;
use faceprobe_core::dataset::{PrepareReport, Split};
use faceprobe_core::features::FeatureSpec;
use faceprobe_core::model::{DenseSettings, Kind, LogisticSettings};
use faceprobe_core::monitor::{EpochFigures, Update, Validated};
use faceprobe_core::predict::client::Explanation;
use faceprobe_core::predict::{Detect, Face, HeatMap, Method, PassedOver, Placement, Prediction};
use faceprobe_core::run::choice::Choice;
use faceprobe_core::run::{Axis, JobSpec, ModelSpec, RunId, Status, SweepSettings, SweepSpec};
use faceprobe_core::workspace::Workspace;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::Color;
use ratatui_image::picker::cap_parser::{Parser, Response};
use ratatui_image::picker::{Picker, ProtocolType};
use runs::{run, told, trained};
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use styles::styles;

const MONO: Theme = Theme { palette: Palette::Monochrome, ascii: true };

const DARK: Theme = Theme { palette: Palette::Dark, ascii: false };

fn features() -> FeatureSpec {
    FeatureSpec::of_backbone("efficientnet-lite0")
}

fn dense(width: usize, seed: u64) -> JobSpec {
    let settings = DenseSettings { width, seed, ..DenseSettings::default() };
    JobSpec::train("sample", ModelSpec::new(features(), settings))
}

fn epochs(count: usize, top: f64) -> Vec<EpochFigures> {
    let at = |epoch: usize, target: f64| 0.5 + (target - 0.5) * (1.0 - (-(epoch as f64) / 15.0).exp());
    (1..=count)
        .map(|epoch| EpochFigures {
            epoch,
            epochs: 60,
            train_loss: 1.2 - at(epoch, top),
            train_accuracy: at(epoch, top + 0.1),
            validated: Some(Validated { loss: 1.1 - at(epoch, top), accuracy: at(epoch, top) }),
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
            axes: vec![Axis { setting: "width".into(), values: vec!["256".into(), "1024".into()] }],
            own: SweepSettings { seeds: vec![1, 2], ..SweepSettings::default() },
        }),
    };
    let head = |id: &str, width, seed, status, count, top| Run {
        parent: Some("sweep-1".into()),
        step: None,
        ..trained(run(id, dense(width, seed), status), epochs(count, top))
    };
    let trial = |tap: usize, name: &str, val_accuracy| Update::Trial {
        index: tap,
        of: 4,
        setting: format!("stage {tap}, {name} (96 values)"),
        val_accuracy,
        val_loss: 0.5,
    };
    let probe =
        JobSpec::Probe { dataset: "sample".into(), features: features(), settings: LogisticSettings::default() };
    let runs = vec![
        told(
            run("probe-1", probe, Status::Done),
            [trial(0, "stem", 0.61), trial(1, "block1", 0.7), trial(2, "block2", 0.83), trial(3, "head", 0.77)],
        ),
        trained(run("dense-1", dense(1024, 1), Status::Done), epochs(60, 0.8)),
        trained(run("dense-2", dense(512, 1), Status::Interrupted), epochs(31, 0.76)),
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
            superseded: false,
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
            adapted: None,
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
    orders.send(Order::Make(app.shared.pictures.missing())).unwrap();
    drop(orders);
    faceprobe::tui::pictures::make(&inbox, &events);
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
        others: PassedOver::default(),
        select: None,
        predict: false,
    }));
    app.act(Action::Go(ScreenId::Predict.index()));
    app
}
