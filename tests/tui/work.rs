//! Runs at work as the screens show them, and the keys that steer them.

use super::runs::{run, trained};
use super::study::{DARK, app, app_with, dense, epochs, on_screen, press, shown, snapshot};
use crossterm::event::KeyCode;
use faceprobe::tui::app::App;
use faceprobe::tui::effect::Effect;
use faceprobe::tui::event::Event;
use faceprobe::tui::jobs::Job;
use faceprobe::tui::keys::Action;
use faceprobe::tui::shared::Tone;
use faceprobe::tui::snapshot::{Run, Snapshot};
use faceprobe::tui::stages::{ScreenId, State, stages};
use faceprobe_core::features::FeatureSpec;
use faceprobe_core::run::facts::Progress;
use faceprobe_core::run::{Facts, JobSpec, RunId, Status, control};
use std::sync::Arc;

#[test]
fn runs_are_paused_resumed_and_stopped_after_a_question() {
    let mut app = on_screen(DARK, ScreenId::Train);
    let run = RunId::parse("dense-3").unwrap();
    let pause = Effect::Job(Job::Control { run: run.clone(), command: control::Command::Pause });
    assert_eq!(press(&mut app, KeyCode::Char('p')), [pause]);
    assert_eq!(press(&mut app, KeyCode::Char('s')), []);
    let stop = Effect::Job(Job::Control { run, command: control::Command::Stop });
    assert_eq!(press(&mut app, KeyCode::Enter), [stop]);
    press(&mut app, KeyCode::Down);
    assert_eq!(press(&mut app, KeyCode::Char('p')), [], "a finished run has nothing to pause");
    assert!(app.shared.message.is_some());
}

#[test]
fn a_model_that_learns_from_validation_shows_no_curve_of_it() {
    let curves = |refit: Option<String>| {
        let JobSpec::Train { dataset, model, .. } = dense() else { panic!("a training") };
        let mut epochs = epochs(40, 40, 0.8);
        if refit.is_some() {
            epochs.iter_mut().for_each(|epoch| epoch.validated = None);
        }
        let job = JobSpec::Train { dataset, model, refit };
        let run = trained(run("dense-9", job, Status::Running), epochs);
        let mut app = app_with(DARK, Snapshot { runs: vec![Arc::new(run)], ..Snapshot::default() });
        app.act(Action::Go(ScreenId::Train.index()));
        shown(&mut app, 120, 40)
    };
    let (usual, anew) = (curves(None), curves(Some("dense-1".into())));
    assert!(usual.contains("━ validation") && usual.contains("best val@0.5") && !usual.contains("validation too"));
    assert!(anew.contains("━ train") && anew.contains("train + validation"), "{anew}");
    assert!(!anew.contains("━ validation") && !anew.contains("best val@0.5"), "{anew}");
}

#[test]
fn the_curves_of_the_runs_on_the_screen_are_asked_for_and_no_others() {
    let mut app = app();
    let asked = |app: &mut App| match app.ask_for_histories() {
        Some(Effect::Histories(runs)) => runs.into_iter().collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    app.act(Action::Go(ScreenId::Train.index()));
    assert_eq!(asked(&mut app), ["dense-3"]);
    assert_eq!(app.ask_for_histories(), None, "once");
    app.act(Action::Mark);
    app.act(Action::Down);
    assert_eq!(asked(&mut app), ["dense-2", "dense-3"], "the marked one is drawn too");
    app.act(Action::Go(ScreenId::Features.index()));
    assert_eq!(asked(&mut app), ["extract-1"]);
    app.act(Action::Go(ScreenId::Runs.index()));
    assert_eq!(asked(&mut app), Vec::<String>::new());
    app.act(Action::Enter);
    assert_eq!(asked(&mut app), ["dense-3"]);
    app.act(Action::Go(ScreenId::Results.index()));
    assert_eq!(asked(&mut app), Vec::<String>::new());
}

#[test]
fn a_run_that_ends_says_so() {
    let mut app = app();
    let mut later = snapshot();
    let mut ended = (*later.runs[5]).clone();
    ended.status = Status::Failed;
    ended.facts.outcome = Some("the disk is full".into());
    later.runs[5] = Arc::new(ended);
    app.update(Event::Snapshot(Arc::new(later)));
    assert_eq!(app.shared.message, Some((Tone::Bad, "dense-3 failed: the disk is full".into())));
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
    assert_eq!((app.screen, app.screens.train.table.selected.as_deref()), (ScreenId::Train, Some("dense-1")));
    app.update(with(vec![parent(Status::Done), done, part("dense-1", dense(), Status::Done)]));
    assert_eq!(app.screen, ScreenId::Results);
    assert_eq!(app.shared.follow, None);
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
    // Results are there with the first model, whether its test was opened or not.
    assert_eq!((unopened(snapshot()), unopened(more)), (State::Done, State::Done));
    // Prepared anew, the set has another manifest than the one the models were made on.
    let mut anew = Snapshot { runs: snapshot().runs[..5].to_vec(), ..snapshot() };
    if let Ok(report) = &mut anew.datasets[1].report {
        report.manifest_sha256 = "b".repeat(64);
    }
    assert_eq!(states(&anew)[2..5], [State::Stale; 3]);
}

#[test]
fn work_shows_rate_and_remaining_time() {
    let mut snapshot = snapshot();
    let extract = JobSpec::Extract { dataset: "sample".into(), features: FeatureSpec::of_backbone("vgg16") };
    let progress = Progress { done: 4300, total: 10_000, unit: "images".into(), rate: 212.4, remaining: Some(26.8) };
    let facts = Facts { progress: Some(progress), ..Facts::default() };
    snapshot.runs.push(Arc::new(Run { facts, ..run("extract-2", extract, Status::Running) }));
    let mut app = app_with(DARK, snapshot);
    press(&mut app, KeyCode::Char('2'));
    let text = shown(&mut app, 80, 24);
    assert!(text.contains("4,300 of 10,000 images · 212/s · 27 s left"), "{text}");
    assert!(text.contains("43 %"), "{text}");
}
