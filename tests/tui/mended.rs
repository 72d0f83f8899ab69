//! What a person could be misled by: an answer under another picture, keys whose effect cannot be seen, figures without
//! their name, steps that contradict each other.

use super::study::{DARK, app, app_with, dense, on_screen, prediction, press, row, shown, snapshot};
use crossterm::event::KeyCode;
use faceprobe::tui::effect::{Effect, TerminalEffect};
use faceprobe::tui::event::Event;
use faceprobe::tui::folders::Entry;
use faceprobe::tui::jobs::{Job, JobReply};
use faceprobe::tui::predictor::PredictorReply;
use faceprobe::tui::records::{RecordJob, RecordReply};
use faceprobe::tui::snapshot::{Run, Snapshot};
use faceprobe::tui::stages::{ScreenId, stages};
use faceprobe_core::model::Kind;
use faceprobe_core::run::choice::Choice;
use faceprobe_core::run::{JobSpec, RunId, Status};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

fn folder(path: &str, names: &[&str]) -> Event {
    let entry =
        |name: &&str| Entry { path: PathBuf::from(path).join(name), name: (*name).into(), folder: false, image: true };
    let entries = names.iter().map(entry).collect();
    Event::Job(JobReply::Listed { folder: path.into(), entries, select: None, predict: false })
}

#[test]
fn an_answer_stands_only_beside_its_own_picture() {
    for (width, height) in [(200, 60), (120, 40), (80, 24), (40, 12)] {
        let mut app = on_screen(DARK, ScreenId::Predict);
        let text = shown(&mut app, width, height);
        assert!(text.contains("97.3 %") && text.contains("dense-1") && text.contains("0.488"), "{text}");
        // Another folder: its first picture is asked for, and nothing is said of it before the answer is there.
        let effects = app.update(folder("/other", &["100.jpg", "101.jpg"]));
        assert!(matches!(&effects[..], [Effect::Predict(ask)] if ask.path.ends_with("100.jpg")), "{effects:?}");
        let text = shown(&mut app, width, height);
        assert!(text.contains("100.jpg") && !text.contains("score 0.027"), "{text}");
        // The answer to what was asked before comes late.
        let late = prediction("/study/photos/b.jpg");
        app.update(Event::Predictor(PredictorReply::Prediction(Box::new(late))));
        assert!(!shown(&mut app, width, height).contains("score 0.027"));
        press(&mut app, KeyCode::Enter);
        let own = prediction("/other/100.jpg");
        app.update(Event::Predictor(PredictorReply::Prediction(Box::new(own))));
        assert!(shown(&mut app, width, height).contains("score 0.027"));
    }
}

#[test]
fn a_file_that_is_gone_leaves_the_list() {
    let mut app = on_screen(DARK, ScreenId::Predict);
    press(&mut app, KeyCode::Up);
    let mut gone = prediction("/study/photos/holiday in Köln (2).jpg");
    gone.error = Some("cannot be read".into());
    let effects = app.update(Event::Predictor(PredictorReply::Prediction(Box::new(gone))));
    assert!(matches!(&effects[..], [Effect::Job(Job::List { .. })]), "{effects:?}");
    let select = None;
    let (folder, entries) = (PathBuf::from("/study/photos"), app.screens.predict.entries.clone().unwrap());
    let entries = entries.into_iter().filter(|entry| !entry.name.starts_with("holiday")).collect();
    assert_eq!(app.update(Event::Job(JobReply::Listed { folder, entries, select, predict: false })), []);
    assert_eq!(app.screens.predict.current().map(|entry| entry.name.as_str()), Some("人物.png"));
    // Whoever comes back sees what is there now.
    press(&mut app, KeyCode::Char('1'));
    assert!(matches!(&press(&mut app, KeyCode::Char('6'))[..], [Effect::Job(Job::List { .. })]));
}

#[test]
fn keys_do_nothing_but_quit_where_nothing_can_be_seen() {
    for screen in ScreenId::ALL {
        let mut app = on_screen(DARK, screen);
        app.cramped = true;
        let before = (app.screen, app.screens.predict.selected, app.shared.marked.clone());
        for key in ('!'..='~').filter(|key| *key != 'q') {
            assert_eq!(press(&mut app, KeyCode::Char(key)), [], "{key} on {screen:?}");
        }
        for key in [KeyCode::Enter, KeyCode::Delete, KeyCode::Esc, KeyCode::Tab, KeyCode::Down] {
            assert_eq!(press(&mut app, key), [], "{key:?} on {screen:?}");
        }
        assert_eq!(app.update(Event::Paste("/etc/passwd".into())), []);
        assert!(app.shared.overlay.is_none() && app.shared.message.is_none());
        assert_eq!((app.screen, app.screens.predict.selected, app.shared.marked.clone()), before);
        assert_eq!(press(&mut app, KeyCode::Char('q')), [Effect::Terminal(TerminalEffect::Quit)]);
    }
}

#[test]
fn a_removed_run_is_brought_back_with_one_key() {
    let mut app = on_screen(DARK, ScreenId::Runs);
    assert_eq!(press(&mut app, KeyCode::Char('u')), []);
    app.shared.message = None;
    let run = RunId::parse("dense-2").unwrap();
    app.screens.runs.table.selected = Some(run.to_string());
    press(&mut app, KeyCode::Char('D'));
    assert!(shown(&mut app, 80, 24).contains("trash"));
    let remove = Effect::from(RecordJob::Remove { run: run.clone() });
    assert_eq!(press(&mut app, KeyCode::Char('y')), [remove]);
    let reply = |reply| Event::Job(JobReply::Record(Box::new(reply)));
    app.update(reply(RecordReply::Removed { run: run.clone() }));
    let restore = Effect::from(RecordJob::Restore { run: run.clone() });
    assert_eq!(press(&mut app, KeyCode::Char('u')), [restore]);
    app.update(reply(RecordReply::Restored { run: run.clone() }));
    assert_eq!(app.screens.runs.table.selected.as_deref(), Some("dense-2"));
    assert_eq!(press(&mut app, KeyCode::Char('u')), []);
}

/// Five heads that differ in one setting, one of them on another set.
fn swept(setting: &str, values: [serde_json::Value; 5]) -> Snapshot {
    let runs = values.into_iter().enumerate().map(|(at, value)| {
        let mut job = serde_json::to_value(dense()).unwrap();
        job["model"]["settings"][setting] = value;
        if at == 4 {
            job["dataset"] = "adience-subject".into();
        }
        let job: JobSpec = serde_json::from_value(job).unwrap();
        let name = format!("dense-{}", 100 + at);
        let mut result = row(&name, Kind::DENSE, 0.7 + 0.01 * at as f64, None);
        result.dataset = job.dataset().unwrap_or_default().to_owned();
        Arc::new(Run { row: Some(result), ..super::runs::run(&name, job, Status::Done) })
    });
    Snapshot { runs: runs.collect(), ..snapshot() }
}

#[test]
fn the_setting_that_was_varied_has_a_column_and_so_has_the_data() {
    let numbers = |values: [f64; 5]| values.map(serde_json::Value::from);
    for (setting, values, texts) in [
        ("dropout", numbers([0.125, 0.25, 0.375, 0.5, 0.625]), ["0.125", "0.25", "0.375", "0.5", "0.625"]),
        ("learning_rate", numbers([0.011, 0.012, 0.013, 0.014, 0.015]), ["0.011", "0.012", "0.013", "0.014", "0.015"]),
        ("width", [11, 222, 333, 444, 555].map(serde_json::Value::from), ["11", "222", "333", "444", "555"]),
    ] {
        for width in [120, 200] {
            let mut app = app_with(DARK, swept(setting, values.clone()));
            press(&mut app, KeyCode::Char('4'));
            let text = shown(&mut app, width, 40);
            assert!(text.contains(setting), "{setting} at {width}\n{text}");
            for (at, value) in texts.iter().enumerate() {
                let line = text.lines().find(|line| line.contains(&format!("│   dense-{}", 100 + at)));
                let line = line.or_else(|| text.lines().find(|line| line.contains(&format!("dense-{} ", 100 + at))));
                assert!(line.is_some_and(|line| line.contains(value)), "{value} of {setting} at {width}\n{text}");
            }
            assert!(text.contains("data ") && text.contains("adience-subject"), "{text}");
            // What all have in common needs no column.
            assert!(!text.contains("optimizer"), "{text}");
        }
    }
}

#[test]
fn names_are_whole_and_the_metric_is_named_on_every_screen() {
    let mut app = app();
    for width in [120, 200] {
        press(&mut app, KeyCode::Char('3'));
        let text = shown(&mut app, width, 50);
        assert!(text.contains("benchmark-1") && !text.contains("benchmark…"), "{text}");
        assert!(text.contains("best val@0.5") && text.contains("Accuracy@0.5"), "{text}");
        press(&mut app, KeyCode::Char('4'));
        let text = shown(&mut app, width, 50);
        assert!(text.contains("val@τ") && text.contains("test@τ"), "{text}");
    }
    app.screens.train.table.selected = Some("dense-2".into());
    press(&mut app, KeyCode::Char('3'));
    let text = shown(&mut app, 120, 40);
    assert!(text.contains("best val@0.5") && !text.contains("validation accuracy"), "{text}");
}

#[test]
fn a_picture_is_predicted_with_the_model_that_was_looked_at() {
    let mut app = app();
    press(&mut app, KeyCode::Char('5'));
    app.screens.predict.model = Some("logistic-1".into());
    app.screen = ScreenId::Predict;
    let effects = app.update(folder("/photos", &["a.jpg"]));
    assert_eq!(effects, []);
    let effects = press(&mut app, KeyCode::Enter);
    assert!(matches!(&effects[..], [Effect::Predict(ask)] if ask.model == "logistic-1" && ask.named), "{effects:?}");
    app.update(Event::Predictor(PredictorReply::Failed("no".into())));
    // Whoever comes to Predict by hand asks the chosen one.
    press(&mut app, KeyCode::Char('4'));
    press(&mut app, KeyCode::Char('6'));
    let effects = press(&mut app, KeyCode::Enter);
    assert!(matches!(&effects[..], [Effect::Predict(ask)] if ask.model == "dense-1" && !ask.named), "{effects:?}");
}

#[test]
fn results_tell_the_threshold_that_was_kept() {
    let choice = Choice {
        run: "dense-1".into(),
        threshold: 0.631,
        criterion: None,
        at: String::new(),
        after_test_openings: 0,
        adapted: None,
    };
    let mut app = app_with(DARK, Snapshot { choice: Some(choice), ..snapshot() });
    press(&mut app, KeyCode::Char('4'));
    app.screens.results.table.selected = Some("dense-1".into());
    for (width, height) in [(80, 24), (120, 40), (200, 60)] {
        let text = shown(&mut app, width, height);
        assert!(text.contains("0.631"), "{text}");
    }
}

#[test]
fn steps_do_not_contradict_each_other() {
    let detail = |snapshot: &Snapshot, screen: ScreenId| stages(snapshot, None, 0).swap_remove(screen.index());
    let unseen = Snapshot { choice: None, ..snapshot() };
    let mut closed = unseen.clone();
    for run in &mut closed.runs {
        if let Some(row) = &mut Arc::make_mut(run).row {
            row.test_accuracy = None;
        }
    }
    assert_eq!(detail(&closed, ScreenId::Evaluate).state.name(), "to do");
    assert_eq!(detail(&closed, ScreenId::Results).state.name(), "done");
    let mut failed = Snapshot { runs: snapshot().runs[..5].to_vec(), ..snapshot() };
    failed.runs.push(Arc::new(super::runs::run("dense-9", dense(), Status::Failed)));
    let runs = detail(&failed, ScreenId::Runs);
    assert_eq!((runs.state.name(), runs.detail.as_str()), ("", "1 of 6 failed"));
    // However a step is called, its state stands apart.
    let text = shown(&mut app(), 120, 40);
    let glued = |line: &str| {
        ScreenId::ALL
            .iter()
            .any(|screen| line.split_once(screen.name()).is_some_and(|(_, rest)| rest.starts_with(char::is_alphabetic)))
    };
    assert!(!text.lines().any(glued), "{text}");
}

#[test]
fn the_images_of_a_set_are_listed_again_after_it_was_prepared() {
    let mut app = app();
    app.shared.pictures.can(ratatui_image::picker::ProtocolType::Halfblocks);
    press(&mut app, KeyCode::Char('i'));
    let failed = JobReply::Images { dataset: "sample".into(), images: Err("data/prepared/sample: is gone.".into()) };
    app.update(Event::Job(failed));
    let text = shown(&mut app, 120, 40);
    assert!(text.contains("is gone") && !text.contains("being read"), "{text}");
    let mut later = snapshot();
    later.datasets[1].written = Some(SystemTime::UNIX_EPOCH + Duration::from_secs(9));
    let effects = app.update(Event::Snapshot(Arc::new(later)));
    assert!(effects.contains(&Effect::Job(Job::Images { dataset: "sample".into() })), "{effects:?}");
}

#[test]
fn a_cross_validation_is_started_from_a_form() {
    let mut app = on_screen(DARK, ScreenId::Train);
    // Nothing is divided into folds yet: the way there is shown.
    press(&mut app, KeyCode::Char('C'));
    let text = shown(&mut app, 120, 40);
    assert!(text.contains("Prepare a data set") && text.contains("folds"), "{text}");
    press(&mut app, KeyCode::Esc);
    let mut with_folds = snapshot();
    for fold in 0..2 {
        let mut set = with_folds.datasets[1].clone();
        set.name = format!("sample-fold-{fold}");
        if let Ok(report) = &mut set.report {
            let fold = serde_json::json!({ "of": "sample5", "index": fold, "count": 2 });
            report.fold = serde_json::from_value(fold).ok();
            assert!(report.fold.is_some(), "how a report tells of its fold");
        }
        with_folds.datasets.push(set);
    }
    app.update(Event::Snapshot(Arc::new(with_folds)));
    press(&mut app, KeyCode::Char('C'));
    let effects = press(&mut app, KeyCode::Enter);
    let [Effect::Job(Job::Launch(job))] = &effects[..] else { panic!("{effects:?}") };
    assert!(matches!(&**job, JobSpec::Folds { dataset, .. } if dataset == "sample5"), "{job:?}");
}
