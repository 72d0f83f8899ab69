//! Runs: notes, titles, pins, removal.

use super::view;
use crate::study::{DARK, dense, press, row, shown, snapshot, type_text};
use crossterm::event::KeyCode;
use faceprobe::tui::effect::Effect;
use faceprobe::tui::event::Event;
use faceprobe::tui::jobs::Job;
use faceprobe::tui::records::{Change, RecordJob};
use faceprobe::tui::snapshot::{Run, Snapshot};
use faceprobe_core::model::Kind;
use faceprobe_core::run::label::Label;
use faceprobe_core::run::{RunId, Status};
use std::sync::Arc;
use std::time::Duration;

#[test]
fn runs_are_noted_renamed_pinned_and_removed_after_a_question() {
    let mut app = view(DARK, "7");
    let run = RunId::parse("dense-1").unwrap();
    assert!(shown(&mut app, 120, 40).contains("★ dense-1 the study's head"), "pinned ones come first");
    let label = |change| Effect::Job(Job::Record(Box::new(RecordJob::Label { run: run.clone(), change })));
    assert_eq!(press(&mut app, KeyCode::Char('P')), [label(Change::Pin(false))]);
    press(&mut app, KeyCode::Char('n'));
    type_text(&mut app, "\\nWell.");
    let note = "Dropout as in the paper.\nSeeds 2 and 3 next.\nWell.";
    assert_eq!(press(&mut app, KeyCode::Enter), [label(Change::Note(note.into()))]);
    press(&mut app, KeyCode::Char('r'));
    app.update(Event::Paste(" (人)".into()));
    assert_eq!(press(&mut app, KeyCode::Enter), [label(Change::Title("the study's head (人)".into()))]);
    assert_eq!(press(&mut app, KeyCode::Char('D')), []);
    assert!(shown(&mut app, 80, 24).contains("Predict uses this model"));
    let remove = Effect::Job(Job::Record(Box::new(RecordJob::Remove { runs: vec![run.clone()] })));
    assert_eq!(press(&mut app, KeyCode::Char('y')), [remove]);
    // One at work is not removed; one that was cut short goes on.
    app.screens.runs.table.selected = Some("dense-3".into());
    assert_eq!(press(&mut app, KeyCode::Char('D')), []);
    assert!(app.shared.overlay.is_none() && app.shared.message.is_some());
    let mut cut = snapshot();
    cut.runs[5] = Arc::new(Run { status: Status::Interrupted, ..(*cut.runs[5]).clone() });
    app.update(Event::Snapshot(Arc::new(cut)));
    app.screens.runs.table.selected = Some("dense-3".into());
    let resume = Job::Resume { run: RunId::parse("dense-3").unwrap() };
    assert_eq!(press(&mut app, KeyCode::Char('p')), [Effect::Job(resume)]);
}

#[test]
fn the_watcher_takes_in_what_others_write_on_runs_that_have_ended() {
    use faceprobe_core::run::journal::{Event as JournalEvent, JournalWriter, LifecycleEvent};
    use faceprobe_core::run::openings::{self, Opening};
    use faceprobe_core::run::{RunFolder, Spec};
    use std::sync::mpsc;
    let folder = tempfile::tempdir().unwrap();
    let workspace = faceprobe_core::workspace::Workspace::open(folder.path()).unwrap();
    let made = RunFolder::create(&workspace, &Spec::new(dense(), 1, "cpu")).unwrap();
    let mut journal = JournalWriter::open(&made.events_path()).unwrap();
    assert!(journal.write(JournalEvent::Lifecycle(LifecycleEvent::Started { pid: 1, threads: 1 })));
    assert!(journal.write(JournalEvent::Lifecycle(LifecycleEvent::Finished { summary: "well".into(), seconds: 1.0 })));
    row("dense-1", Kind::DENSE, 0.8, None).save(&made).unwrap();
    let (events, inbox) = mpsc::channel();
    let (nudge, nudges) = mpsc::channel();
    let at = workspace.clone();
    let (jobs, _doer) = std::sync::mpsc::channel();
    std::thread::spawn(move || faceprobe::tui::watcher::watch(at, &events, &nudges, &jobs));
    // Waits for a snapshot in which something is so of the run, and answers that run.
    let until = |so: &dyn Fn(&Run) -> bool| loop {
        let Ok(Event::Snapshot(now)) = inbox.recv_timeout(Duration::from_secs(30)) else { panic!("it did not come") };
        if let Some(run) = now.run("dense-1").filter(|run| so(run)) {
            break Arc::clone(run);
        }
    };
    let run = until(&|run| run.status == Status::Done && run.row.is_some());
    assert_eq!((run.facts.outcome.as_deref(), run.about.label.pinned), (Some("well"), false));
    assert!(run.about.bytes > 100);
    let label = Label { title: "first".into(), pinned: true, ..Label::default() };
    label.save(&made).unwrap();
    nudge.send(faceprobe::tui::watcher::WatchRequest::Look).unwrap();
    assert_eq!(until(&|run| run.about.label.pinned).about.label, label);
    // An opened test set, by another process: the result changes, and the record of openings.
    row("dense-1", Kind::DENSE, 0.8, Some(0.75)).save(&made).unwrap();
    assert_eq!(until(&|run| run.row.as_ref().is_some_and(|row| row.test_accuracy.is_some())).about.label, label);
    let opening = Opening {
        at: "2000-01-01T00:00:00Z".into(),
        run: "dense-1".into(),
        dataset: "sample".into(),
        manifest_sha256: "a".repeat(64),
        test_accuracy: 0.75,
    };
    let mut dated = row("dense-1", Kind::DENSE, 0.8, Some(0.75));
    dated.created = "2026-01-01T00:00:00Z".into();
    dated.save(&made).unwrap();
    openings::record(&workspace, &opening).unwrap();
    until(&|run| run.row.as_ref().is_some_and(|row| row.after_test_openings == 1));
    // A worker goes back to it.
    let _lock = made.lock().unwrap();
    assert!(journal.write(JournalEvent::Lifecycle(LifecycleEvent::Started { pid: 1, threads: 1 })));
    nudge.send(faceprobe::tui::watcher::WatchRequest::Look).unwrap();
    until(&|run| run.status != Status::Done);
}

#[test]
fn the_watcher_reads_curves_where_they_are_shown_and_a_series_shows_how_far_its_part_is() {
    use faceprobe::tui::watcher::WatchRequest;
    use faceprobe_core::model::{BenchmarkSettings, DenseSettings};
    use faceprobe_core::monitor::{EpochFigures, Update};
    use faceprobe_core::run::journal::{Event as JournalEvent, JournalWriter, LifecycleEvent};
    use faceprobe_core::run::{JobSpec, ModelSpec, RunFolder, Spec};
    use std::sync::mpsc;
    let folder = tempfile::tempdir().unwrap();
    let workspace = faceprobe_core::workspace::Workspace::open(folder.path()).unwrap();
    let model = ModelSpec::new(None, BenchmarkSettings::default());
    let series = JobSpec::Folds { dataset: "cv".into(), model };
    let series = RunFolder::create(&workspace, &Spec::new(series, 1, "cpu")).unwrap();
    let mut spec = Spec::new(dense(), 1, "cpu");
    spec.parent = Some("folds-1".into());
    let part = RunFolder::create(&workspace, &spec).unwrap();
    // What a live worker holds.
    let _locks = [series.lock().unwrap(), part.lock().unwrap()];
    let mut journal = JournalWriter::open(&series.events_path()).unwrap();
    assert!(journal.write(JournalEvent::Lifecycle(LifecycleEvent::Started { pid: 1, threads: 1 })));
    assert!(journal.write(JournalEvent::Work(Update::Stage { name: "dense-1".into() })));
    let mut journal = JournalWriter::open(&part.events_path()).unwrap();
    assert!(journal.write(JournalEvent::Lifecycle(LifecycleEvent::Started { pid: 1, threads: 1 })));
    let mut epoch = |epoch| {
        let epochs = DenseSettings::default().epochs;
        let figures =
            EpochFigures { epoch, epochs, train_loss: 0.5, train_accuracy: 0.7, validated: None, seconds: 1.0 };
        assert!(journal.write(JournalEvent::Work(Update::Epoch(figures))));
    };
    (1..=3).for_each(&mut epoch);
    let (events, inbox) = mpsc::channel();
    let (nudge, nudges) = mpsc::channel();
    let (jobs, _doer) = std::sync::mpsc::channel();
    std::thread::spawn(move || faceprobe::tui::watcher::watch(workspace, &events, &nudges, &jobs));
    let latest = std::cell::RefCell::new(Arc::<Snapshot>::default());
    let until = |run: &str, so: &dyn Fn(&Run) -> bool| loop {
        if let Some(run) = latest.borrow().run(run).filter(|run| so(run)) {
            break Arc::clone(run);
        }
        let Ok(Event::Snapshot(now)) = inbox.recv_timeout(Duration::from_secs(30)) else { panic!("it did not come") };
        latest.replace(now);
    };
    let last = |run: &Run| run.facts.last_epoch.map(|last| last.epoch);
    let shown = until("folds-1", &|run| last(run) == Some(3));
    let part = until("dense-1", &|run| last(run) == Some(3));
    assert_eq!((shown.facts.stage.as_deref(), shown.share()), (Some("dense-1"), part.share()));
    let told = |run: &Run| run.history.as_ref().map(|history| history.epochs.len());
    assert_eq!(told(&part), None, "nobody looks at its curves");
    nudge.send(WatchRequest::Histories(["dense-1".to_owned()].into())).unwrap();
    until("dense-1", &|run| told(run) == Some(3));
    epoch(4);
    until("dense-1", &|run| told(run) == Some(4) && last(run) == Some(4));
    nudge.send(WatchRequest::Histories([].into())).unwrap();
    until("dense-1", &|run| told(run).is_none());
}
