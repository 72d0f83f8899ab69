//! Forms, and paths that are pasted.

use super::study::{DARK, on_screen, press, shown, train, type_text};
use crossterm::event::KeyCode;
use faceprobe::tui::app::App;
use faceprobe::tui::effect::Effect;
use faceprobe::tui::event::Event;
use faceprobe::tui::folders::clean;
use faceprobe::tui::jobs::Job;
use faceprobe::tui::shared::Overlay;
use faceprobe::tui::stages::ScreenId;
use faceprobe_core::features::FeatureSpec;
use faceprobe_core::imaging::Mode;
use faceprobe_core::model::{BenchmarkSettings, DenseSettings, FinetuneSettings};
use faceprobe_core::run::{JobSpec, ModelSpec};

#[test]
fn forms_check_every_field_and_remember_what_was_typed() {
    let mut app = on_screen(DARK, ScreenId::Train);
    press(&mut app, KeyCode::Char('n'));
    // From the kind of model over data set, backbone, tap, pool, mode, dtype, width and depth.
    let to_dropout = |app: &mut App| {
        for _ in 0..9 {
            press(app, KeyCode::Down);
        }
    };
    to_dropout(&mut app);
    for _ in 0..3 {
        press(&mut app, KeyCode::Backspace);
    }
    type_text(&mut app, "1.5");
    assert_eq!(press(&mut app, KeyCode::Enter), []);
    assert!(shown(&mut app, 80, 24).contains("Dropout must be at least 0 and below 1, not 1.5."));
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
    let model = ModelSpec::new(FeatureSpec::of_backbone("efficientnet-lite0"), settings);
    assert_eq!(effects, [Effect::Job(Job::Launch(Box::new(train(model))))]);
    // The kind of model is a field; the defaults of each kind are the engine's.
    press(&mut app, KeyCode::Char('n'));
    press(&mut app, KeyCode::Left);
    let model = ModelSpec::new(None, BenchmarkSettings::default());
    assert_eq!(press(&mut app, KeyCode::Enter), [Effect::Job(Job::Launch(Box::new(train(model))))]);
    press(&mut app, KeyCode::Char('n'));
    for _ in 0..2 {
        press(&mut app, KeyCode::Right);
    }
    let features = FeatureSpec::of_cut("efficientnet-lite0", None, Mode::Default).unwrap();
    let model = ModelSpec::new(features, FinetuneSettings::default());
    assert_eq!(press(&mut app, KeyCode::Enter), [Effect::Job(Job::Launch(Box::new(train(model))))]);
}

#[test]
fn the_prepare_form_takes_several_sources_and_pasted_paths() {
    let mut app = on_screen(DARK, ScreenId::Data);
    press(&mut app, KeyCode::Char('n'));
    assert_eq!(press(&mut app, KeyCode::Enter), []);
    assert!(shown(&mut app, 80, 24).contains("Source must be given."));
    app.update(Event::Paste("adience:/data/Köln photos\n".into()));
    press(&mut app, KeyCode::Down);
    app.update(Event::Paste("adience:/data/人物".into()));
    let effects = press(&mut app, KeyCode::Enter);
    let [Effect::Job(Job::Launch(job))] = &effects[..] else { panic!("{effects:?}") };
    let JobSpec::Prepare(settings) = &**job else { panic!("{job:?}") };
    let paths: Vec<_> = settings.source.iter().map(|source| source.path.to_string_lossy().into_owned()).collect();
    assert_eq!(paths, ["/data/Köln photos", "/data/人物"]);
    assert_eq!((settings.name.as_str(), settings.train, settings.val, settings.test), ("adience", None, None, None));
    assert_eq!((settings.split, settings.align), (None, None));
    // How images are divided, and whether they are aligned: subject, and the whole head.
    press(&mut app, KeyCode::Char('n'));
    for _ in 0..7 {
        press(&mut app, KeyCode::Down);
    }
    for _ in 0..3 {
        press(&mut app, KeyCode::Right);
    }
    press(&mut app, KeyCode::Down);
    press(&mut app, KeyCode::Right);
    let effects = press(&mut app, KeyCode::Enter);
    let [Effect::Job(Job::Launch(job))] = &effects[..] else { panic!("{effects:?}") };
    let JobSpec::Prepare(settings) = &**job else { panic!("{job:?}") };
    assert_eq!(settings.split, Some(faceprobe_core::dataset::SplitMethod::Subject));
    assert_eq!(settings.align, Some(faceprobe_core::imaging::Template::Loose));
}

#[test]
fn a_pasted_path_opens_whatever_letters_it_has() {
    let mut app = on_screen(DARK, ScreenId::Predict);
    app.update(Event::Paste("'/home/я/мои фото/人 物.png'\n".into()));
    assert!(matches!(app.shared.overlay, Some(Overlay::Path(_))));
    let effects = press(&mut app, KeyCode::Enter);
    let open =
        Effect::Job(Job::Open { text: "'/home/я/мои фото/人 物.png'".into(), from: "/study/photos".into() });
    assert_eq!(effects, [open]);
    assert_eq!(clean("'/home/я/мои фото/人 物.png'"), "/home/я/мои фото/人 物.png");
    assert_eq!(clean("/a/my\\ photo\\ (1).png"), "/a/my photo (1).png");
    assert_eq!(clean("file:///a/K%C3%B6ln%20%.png\n"), "/a/Köln %.png");
}
