//! Panels of single screens: the neighbours of an answer, a learning curve.

use super::super::runs::run;
use super::super::study::{
    DARK, MONO, app_with, frame, on_screen, plain_at_any_size, prediction, press, shown, snapshot, styles,
};
use super::SIZES;
use crossterm::event::KeyCode;
use faceprobe::tui::app::App;
use faceprobe::tui::event::Event;
use faceprobe::tui::predictor::PredictorReply;
use faceprobe::tui::snapshot::{Run, RunDetails};
use faceprobe::tui::stages::ScreenId;
use faceprobe::tui::theme::Theme;
use faceprobe_core::evaluation::power_law::{Measured, PowerLaw};
use faceprobe_core::evaluation::wilson95;
use faceprobe_core::model::{KnnSettings, ModelSpec};
use faceprobe_core::predict::{Neighbour, Prediction};
use faceprobe_core::run::learning_curve::{CurveSettings, LearningCurve, Point, PointRun};
use faceprobe_core::run::results::Spread;
use faceprobe_core::run::{JobSpec, Status};
use std::sync::Arc;

fn with_neighbours(theme: Theme) -> App {
    let mut app = on_screen(theme, ScreenId::Predict);
    let neighbour = |at: usize| Neighbour {
        path: format!("/study/data/sample/faces/{at}.jpg"),
        label: if at == 3 { "male" } else { "female" }.into(),
        similarity: 0.981 - 0.01 * at as f64,
    };
    let shown = Prediction {
        model: "knn-1".into(),
        neighbours: (0..5).map(neighbour).collect(),
        ..prediction("/study/photos/人物.png")
    };
    app.update(Event::Predictor(PredictorReply::Prediction(Box::new(shown))));
    app
}

#[test]
fn the_neighbours_of_an_answer_are_shown_with_label_and_similarity() {
    for (width, height) in SIZES {
        for (kind, theme) in [("colour", DARK), ("mono", MONO)] {
            let mut app = with_neighbours(theme);
            let text = shown(&mut app, width, height);
            let styles = styles(theme, &frame(&mut app, width, height));
            insta::assert_snapshot!(format!("neighbours_{kind}_{width}x{height}"), format!("{text}{styles}"));
        }
    }
    assert!(shown(&mut with_neighbours(DARK), 200, 60).contains("4 of 5 female"));
    plain_at_any_size(&mut with_neighbours(MONO));
}

fn curve() -> LearningCurve {
    let sizes = [
        (100, [0.71, 0.74, 0.70]),
        (300, [0.80, 0.79, 0.81]),
        (1000, [0.85, 0.86, 0.85]),
        (3000, [0.885, 0.89, 0.884]),
    ];
    let point = |(images, accuracies): (usize, [f64; 3])| {
        let spread = Spread::of(&accuracies).unwrap();
        let one = |(seed, val_accuracy)| PointRun { run: format!("dense-{images}-{seed}"), seed, val_accuracy };
        Point {
            images,
            interval: wilson95((spread.mean * 800.0).round() as usize, 800),
            val_accuracy: spread,
            runs: (1..).zip(accuracies).map(one).collect(),
        }
    };
    let measured: Vec<Measured> = sizes
        .iter()
        .map(|(images, own)| Measured { images: *images, errors: own.iter().map(|own| 1.0 - own).collect() })
        .collect();
    LearningCurve {
        dataset: "sample".into(),
        manifest_sha256: "a".repeat(64),
        synthetic: true,
        kind: "knn".into(),
        backbone: Some("mobilenet-v2-torchvision".into()),
        settings: "k 1, 5, 20".into(),
        val_images: 800,
        points: sizes.map(point).into(),
        fit: PowerLaw::fit(&measured, 800),
        at_twice: PowerLaw::expected(&measured, 800, 6000),
    }
}

fn with_curve(theme: Theme) -> App {
    let mut now = snapshot();
    let model = ModelSpec::new(None, KnnSettings::default());
    let settings = CurveSettings { sizes: vec![100, 300, 1000, 3000], seeds: vec![1, 2, 3] };
    let job = JobSpec::LearningCurve { dataset: "sample".into(), model, curve: settings };
    let about = RunDetails { curve: Some(Arc::new(curve())), ..RunDetails::default() };
    now.runs.push(Arc::new(Run { about, ..run("curve-1", job, Status::Done) }));
    let mut app = app_with(theme, now);
    press(&mut app, KeyCode::Char('3'));
    app.screens.train.table.selected = Some("curve-1".into());
    app
}

#[test]
fn a_learning_curve_is_drawn_with_intervals_and_what_the_fit_expects() {
    for (width, height) in SIZES {
        for (kind, theme) in [("colour", DARK), ("mono", MONO)] {
            let mut app = with_curve(theme);
            let text = shown(&mut app, width, height);
            let styles = styles(theme, &frame(&mut app, width, height));
            insta::assert_snapshot!(format!("growth_{kind}_{width}x{height}"), format!("{text}{styles}"));
        }
    }
    assert!(shown(&mut with_curve(DARK), 120, 40).contains("it expects 0.899 [0.869, 0.920]"));
    plain_at_any_size(&mut with_curve(MONO));
}
