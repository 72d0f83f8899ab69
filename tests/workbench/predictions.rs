//! What Predict shows of an answer, and what it saves.

use super::*;

/// `x` asks again with the map and lays it over the picture, and takes it away; `f` changes what the network is shown.
#[test]
fn an_answer_is_explained_over_its_picture_and_faces_are_a_key_away() {
    let folder = tempfile::tempdir().unwrap();
    let path = two_halves(folder.path(), "a.png");
    let mut app = predict_on(folder.path(), &["a.png"]);
    let answer = Prediction {
        neighbours: Vec::new(),
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
    assert_eq!(app.screens.predict.history.len(), 1, "the same answer is remembered once");
    assert_eq!(keys(&mut app, "x"), []);
    assert_eq!(with_pictures(&mut app, &Picker::halfblocks(), 120, 40).content, plain.content);
    assert_eq!(asked(&keys(&mut app, "f")), (Some(Detect::Detect), false));
}

#[test]
fn predictions_of_a_session_are_saved_as_csv() {
    let folder = tempfile::tempdir().unwrap();
    let workspace = Workspace::open(folder.path()).unwrap();
    let answer = |path: &str, error: Option<&str>| Prediction {
        neighbours: Vec::new(),
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
    let [Effect::Job(Job::SavePredictions(predictions))] = &effects[..] else { panic!("{effects:?}") };
    let first = faceprobe::tui::history::save(&workspace, predictions).unwrap();
    let second = faceprobe::tui::history::save(&workspace, predictions).unwrap();
    assert_ne!(first, second, "nothing is written over");
    let text = std::fs::read_to_string(&first).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "path,label,probability,score,threshold,model,input,faces,milliseconds,error");
    assert_eq!(lines[1], "\"/a \"\"b\"\", c.png\",female,0.75,0.25,0.5,dense-1,whole picture,,3.2,");
    assert_eq!(lines[2], "/я.png,,,,0.5,dense-1,whole picture,,3.2,truncated PNG");
}
