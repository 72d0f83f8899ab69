//! The screen without a terminal: what it shows of a given workspace, and what keys do to it.

mod audit;
mod forms;
mod keys;
mod mended;
mod records;
#[path = "../support/runs.rs"]
mod runs;
mod study;
#[path = "../support/styles.rs"]
mod styles;
mod table;
mod views;
mod work;

use crossterm::event::{KeyCode, KeyModifiers};
use faceprobe::tui::app::App;
use faceprobe::tui::effect::Effect;
use faceprobe::tui::event::Event;
use faceprobe::tui::jobs::{Job, Threshold};
use faceprobe::tui::keys::{Action, Context};
use faceprobe::tui::predictor::PredictorReply;
use faceprobe::tui::shared::Tone;
use faceprobe::tui::snapshot::Snapshot;
use faceprobe::tui::stages::ScreenId;
use faceprobe::tui::theme::{Palette, Theme};
use faceprobe_core::run::JobSpec;
use ratatui::style::{Color, Modifier};
use std::sync::Arc;
use study::{DARK, MONO, app_with, footer_keeps_its_word, frame, on_screen, prediction, press, shown, styles};

#[test]
fn every_screen_looks_as_it_should() {
    for screen in ScreenId::ALL {
        for (width, height) in [(80, 24), (120, 40), (40, 12)] {
            for (kind, theme) in [("colour", DARK), ("mono", MONO)] {
                let mut app = on_screen(theme, screen);
                let name = format!("{}_{kind}_{width}x{height}", screen.name().to_lowercase());
                let text = shown(&mut app, width, height);
                let styles = styles(theme, &frame(&mut app, width, height));
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
    assert!(matches!(&effects[..], [Effect::Job(Job::Launch(job))] if matches!(**job, JobSpec::Demo { .. })));
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
                !["no data set", "No data yet", "none yet", "to do", "idle"].iter().any(|empty| text.contains(empty)),
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
        for binding in faceprobe::tui::keys::TABLE.iter().filter(|binding| binding.context == context) {
            assert!(binding.help.ends_with('.'), "{:?} has no sentence", binding.action);
            for key in binding.keys {
                assert!(!seen.contains(key), "{} is bound twice in {context:?}", key.name());
                seen.push(*key);
                assert_eq!(faceprobe::tui::keys::action(context, *key), Some(binding.action));
            }
        }
        for binding in faceprobe::tui::keys::footer(context) {
            let key = binding.keys[0];
            assert_eq!(
                faceprobe::tui::keys::action(context, key),
                Some(binding.action),
                "footer of {context:?}: {}",
                key.name()
            );
        }
    }
}

#[test]
fn every_key_of_the_footer_has_an_effect() {
    for screen in ScreenId::ALL {
        // The first file is under the cursor: Enter asks for another prediction.
        footer_keeps_its_word(screen.context(), || on_screen(DARK, screen));
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
    assert_eq!(app.screens.results.table.selected.as_deref(), Some("dense-2"));
    press(&mut app, KeyCode::Char('r'));
    assert_eq!(order(&mut app).first(), Some(&"benchmark-1"));
    assert_eq!(app.screens.results.table.selected.as_deref(), Some("dense-2"));
    // By test: the one that was opened is on top either way, the others have no figure.
    press(&mut app, KeyCode::Char('>'));
    assert_eq!(order(&mut app)[0], "logistic-1");
    press(&mut app, KeyCode::Char('r'));
    assert_eq!(order(&mut app)[0], "logistic-1");
}

#[test]
fn opening_a_test_set_asks_first_and_choosing_does_not() {
    let mut app = on_screen(DARK, ScreenId::Results);
    assert_eq!(
        press(&mut app, KeyCode::Char('c')),
        [Effect::Job(Job::Choose { run: "dense-1".into(), threshold: Threshold::Trained })]
    );
    assert_eq!(press(&mut app, KeyCode::Char('t')), []);
    assert!(shown(&mut app, 80, 24).contains("only if you stop choosing now"));
    assert_eq!(press(&mut app, KeyCode::Char('n')), []);
    assert!(app.shared.overlay.is_none());
    press(&mut app, KeyCode::Char('t'));
    let open = JobSpec::OpenTest { run: "dense-1".into() };
    assert_eq!(press(&mut app, KeyCode::Char('y')), [Effect::Job(Job::Launch(Box::new(open)))]);
    // Training anew on validation asks too.
    assert_eq!(press(&mut app, KeyCode::Char('R')), []);
    assert!(shown(&mut app, 80, 24).contains("Train on validation too?"));
    assert_eq!(press(&mut app, KeyCode::Enter), [Effect::Job(Job::Refit { run: "dense-1".into() })]);
    // So does making one model of several, once they are marked.
    assert_eq!(press(&mut app, KeyCode::Char('E')), []);
    assert!(app.shared.overlay.is_none() && app.shared.message.is_some());
    for _ in 0..2 {
        press(&mut app, KeyCode::Char(' '));
    }
    press(&mut app, KeyCode::Char('E'));
    assert!(shown(&mut app, 80, 24).contains("Make an ensemble?"));
    assert_eq!(
        press(&mut app, KeyCode::Enter),
        [Effect::Job(Job::Ensemble { runs: vec!["dense-1".into(), "dense-2".into()] })]
    );
    // A run that is not done has nothing to open.
    app.screens.results.table.selected = Some("dense-3".into());
    assert_eq!(press(&mut app, KeyCode::Char('t')), []);
    assert!(app.shared.overlay.is_none() && app.shared.message.is_some());
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
    assert_eq!(app.screens.predict.history.len(), 3);
    // A failure is said and does not block the next image.
    press(&mut app, KeyCode::Up);
    app.update(Event::Predictor(PredictorReply::Failed("The predictor has ended.".into())));
    assert_eq!(app.shared.message, Some((Tone::Bad, "The predictor has ended.".into())));
    assert_eq!(path(&press(&mut app, KeyCode::Enter)).as_deref(), Some("b.jpg"));
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
    assert_eq!(app.screens.results.table.selected.as_deref(), Some("logistic-1"));
}
