//! Over Evaluate: an image told wrong beside the training images that voted.

use super::super::runs::run;
use super::super::study::{
    DARK, MONO, app_with, footer_keeps_its_word, frame, plain_at_any_size, press, row, shown, snapshot, styles, train,
};
use super::SIZES;
use crossterm::event::KeyCode;
use faceprobe::tui::app::App;
use faceprobe::tui::effect::Effect;
use faceprobe::tui::event::Event;
use faceprobe::tui::jobs::{Job, JobReply};
use faceprobe::tui::keys::{Action, Context};
use faceprobe::tui::predictor::PredictorReply;
use faceprobe::tui::records::RecordReply;
use faceprobe::tui::screens::evaluate::sheet::Sheet;
use faceprobe::tui::snapshot::Run;
use faceprobe::tui::stages::ScreenId;
use faceprobe::tui::theme::Theme;
use faceprobe_core::dataset::Split;
use faceprobe_core::features::FeatureSpec;
use faceprobe_core::model::{Kind, KnnSettings, ModelSpec};
use faceprobe_core::predict::{Neighbour, Prediction};
use faceprobe_core::run::Status;
use faceprobe_core::run::scored::{Scored, ScoredImage};
use std::sync::Arc;

/// Evaluate on a model of nearest neighbours that tells two of four images wrong.
fn on_evaluate(theme: Theme) -> App {
    let mut now = snapshot();
    let spec = train(ModelSpec::new(FeatureSpec::of_backbone("efficientnet-lite0"), KnnSettings::default()));
    let knn = Run { row: Some(row("knn-1", Kind::KNN, 0.79, None)), ..run("knn-1", spec, Status::Done) };
    now.runs.push(Arc::new(knn));
    let mut app = app_with(theme, now);
    app.screens.evaluate.selected = Some("knn-1".into());
    press(&mut app, KeyCode::Char('5'));
    let image = |at: usize| ScoredImage { source: "adience".into(), path: format!("faces/{at}.jpg"), age: None };
    let scored = Scored {
        run: "knn-1".into(),
        split: Split::Val,
        classes: ["female".into(), "male".into()],
        threshold: 0.488,
        calibration: None,
        images: (0..4).map(image).collect(),
        scores: vec![0.9, 0.8, 0.2, 0.3],
        positive: vec![false, true, false, true],
        samples: None,
        roots: [("adience".to_owned(), "/study/data/sample".into())].into(),
    };
    let outcome = Ok(Arc::new(Sheet::of(scored)));
    let reply = RecordReply::Scored { run: "knn-1".into(), split: Split::Val, outcome };
    app.update(Event::Job(JobReply::Record(Box::new(reply))));
    app
}

fn asked(effects: &[Effect]) -> (String, String) {
    let [Effect::Predict(ask)] = effects else { panic!("{effects:?}") };
    assert!(ask.named, "the model that is evaluated, whichever is chosen");
    (ask.path.display().to_string(), ask.model.clone())
}

fn answer(path: &str) -> Event {
    let neighbour = |at: usize| Neighbour {
        path: format!("/study/data/sample/faces/train-{at}.jpg"),
        label: if at < 4 { "male" } else { "female" }.into(),
        similarity: 0.9 - 0.02 * at as f64,
    };
    Event::Predictor(PredictorReply::Prediction(Box::new(Prediction {
        path: path.into(),
        label: Some("male".into()),
        probability: Some(0.8),
        score: Some(0.8),
        threshold: 0.488,
        neighbours: (0..5).map(neighbour).collect(),
        model: "knn-1".into(),
        ..Prediction::default()
    })))
}

fn opened(theme: Theme) -> App {
    let mut app = on_evaluate(theme);
    let effects = press(&mut app, KeyCode::Char('w'));
    // The worst mistake stands first.
    assert_eq!(asked(&effects), ("/study/data/sample/faces/0.jpg".into(), "knn-1".into()));
    app.update(answer("/study/data/sample/faces/0.jpg"));
    app
}

#[test]
fn a_mistake_of_knn_is_shown_beside_the_images_that_voted() {
    for (width, height) in SIZES {
        for (kind, theme) in [("colour", DARK), ("mono", MONO)] {
            let mut app = opened(theme);
            let text = shown(&mut app, width, height);
            let styles = styles(theme, &frame(&mut app, width, height));
            insta::assert_snapshot!(format!("nearest_{kind}_{width}x{height}"), format!("{text}{styles}"));
        }
    }
    let text = shown(&mut opened(DARK), 120, 40);
    assert!(text.contains("4 of 5 male") && text.contains("told as male; it is female"), "{text}");
    plain_at_any_size(&mut opened(MONO));
    footer_keeps_its_word(Context::Nearest, || opened(DARK));
}

#[test]
fn the_next_mistake_is_asked_about_and_answers_to_others_change_nothing_here() {
    let mut app = opened(DARK);
    let effects = press(&mut app, KeyCode::Down);
    assert_eq!(asked(&effects).0, "/study/data/sample/faces/3.jpg");
    assert!(shown(&mut app, 120, 40).contains("knn-1 is asked about it."));
    app.update(answer("/study/photos/other.jpg"));
    assert!(shown(&mut app, 120, 40).contains("knn-1 is asked about it."));
    app.update(Event::Predictor(PredictorReply::Failed("The predictor has ended.".into())));
    assert!(shown(&mut app, 120, 40).contains("The predictor has ended."));
    let effects = press(&mut app, KeyCode::Enter);
    assert!(matches!(&effects[..], [Effect::Job(Job::Open { text, .. })] if text == "/study/data/sample/faces/3.jpg"));
    assert_eq!((app.screen, app.screens.predict.model.as_deref()), (ScreenId::Predict, Some("knn-1")));
    // Of other kinds there is nothing to show, and the footer does not offer it.
    let mut app = on_evaluate(DARK);
    app.screens.evaluate.selected = Some("dense-1".into());
    assert!(!app.offers(Action::Nearest));
}
