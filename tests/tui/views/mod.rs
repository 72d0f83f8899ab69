//! What lies in a screen's place: the steps of a study, the map of features; and what belongs to single screens.

mod map;
mod nearest;
mod panels;

use super::runs::run;
use super::study::{
    DARK, MONO, app_with, footer_keeps_its_word, frame, plain_at_any_size, press, shown, snapshot, styles,
};
use crossterm::event::KeyCode;
use faceprobe::tui::app::App;
use faceprobe::tui::effect::Effect;
use faceprobe::tui::event::Event;
use faceprobe::tui::forms::{DATA, FormKind};
use faceprobe::tui::jobs::Job;
use faceprobe::tui::keys::Context;
use faceprobe::tui::shared::Overlay;
use faceprobe::tui::stages::ScreenId;
use faceprobe::tui::studies::{Ask, Reply, Source, StudyStatus};
use faceprobe::tui::theme::Theme;
use faceprobe_core::dataset::PrepareSettings;
use faceprobe_core::dataset::synthetic::SampleSettings;
use faceprobe_core::run::{JobSpec, Status};
use faceprobe_core::study::{Action, Plan, State, Step};
use std::sync::Arc;

/// The sizes that every view is drawn in.
pub const SIZES: [(u16, u16); 4] = [(80, 24), (120, 40), (200, 60), (40, 12)];

fn file(name: &str) -> Source {
    Source::File(format!("/study/{name}.toml").into())
}

fn outlook() -> StudyStatus {
    let launch = || Action::Launch(Box::new(JobSpec::Sample(SampleSettings::default())));
    let step = |name: &str, needs: &[usize], state, run: Option<&str>, action| Step {
        note: None,
        name: name.into(),
        needs: needs.to_vec(),
        state,
        runs: run.map(str::to_owned).into_iter().collect(),
        seconds: run.map(|_| 38.4),
        problem: None,
        action,
    };
    let refused = "the images of data set portraits are not at /photos/portraits";
    let steps = vec![
        step("data faces", &[], State::Done, Some("prepare-1"), Action::None),
        step("features mobilenet on faces", &[0], State::Done, Some("extract-1"), Action::None),
        step("model dense, seed 1", &[0, 1], State::Done, Some("dense-1"), Action::None),
        step("model dense, seed 2", &[0, 1], State::Running, Some("dense-3"), Action::Follow("dense-3".into())),
        step("model logistic", &[0, 1], State::Changed, None, launch()),
        step("model knn", &[0, 1], State::ToDo, None, launch()),
        Step {
            problem: Some(refused.into()),
            ..step("data portraits", &[], State::Failed, None, Action::Refuse(refused.into()))
        },
        step("evaluate model dense, seed 1 on portraits", &[2, 6], State::ToDo, None, Action::Wait),
    ];
    let plan = Plan { steps, models: vec!["dense-1".into()], others: vec!["benchmark-1".into(), "logistic-1".into()] };
    StudyStatus { title: None, plan }
}

/// The steps of the only study there is, over Runs.
fn with_steps(theme: Theme) -> App {
    let mut app = app_with(theme, snapshot());
    press(&mut app, KeyCode::Char('7'));
    assert_eq!(press(&mut app, KeyCode::Char('Y')), [Effect::Study(Ask { source: None })]);
    let looked = Some((file("faces"), Ok(Arc::new(outlook()))));
    assert_eq!(app.update(Event::Study(Reply { sources: vec![file("faces"), Source::Demo], looked })), []);
    app
}

#[test]
fn the_steps_of_a_study_look_as_they_should() {
    for (width, height) in SIZES {
        for (kind, theme) in [("colour", DARK), ("mono", MONO)] {
            let mut app = with_steps(theme);
            // The cursor begins on the first step that is not done.
            press(&mut app, KeyCode::Down);
            let text = shown(&mut app, width, height);
            let styles = styles(theme, &frame(&mut app, width, height));
            insta::assert_snapshot!(format!("steps_{kind}_{width}x{height}"), format!("{text}{styles}"));
        }
    }
    plain_at_any_size(&mut with_steps(MONO));
    footer_keeps_its_word(Context::Study, || with_steps(DARK));
}

#[test]
fn a_step_is_started_where_it_can_be_and_else_shows_its_run_or_what_it_needs() {
    let mut app = with_steps(DARK);
    let at = |app: &mut App, name: &str| {
        while app.views.study.selected > 0 {
            press(app, KeyCode::Up);
        }
        let place = outlook().plan.steps.iter().position(|step| step.name == name).unwrap();
        (0..place).for_each(|_| drop(press(app, KeyCode::Down)));
    };
    for name in ["model logistic", "model knn", "data portraits"] {
        at(&mut app, name);
        let job = Job::Step { source: file("faces"), step: name.into() };
        assert_eq!(press(&mut app, KeyCode::Enter), [Effect::Job(job)], "{name}");
    }
    at(&mut app, "evaluate model dense, seed 1 on portraits");
    assert_eq!(press(&mut app, KeyCode::Enter), []);
    assert!(shown(&mut app, 120, 40).contains("needs data portraits first."));
    at(&mut app, "model dense, seed 2");
    press(&mut app, KeyCode::Enter);
    assert_eq!((app.screen, app.screens.train.table.selected.as_deref()), (ScreenId::Train, Some("dense-3")));
    assert!(app.views.open().is_none(), "its run is what is looked at now");
}

#[test]
fn steps_are_asked_for_anew_when_runs_change_and_not_while_they_only_go_on() {
    let mut app = with_steps(DARK);
    assert_eq!(app.update(Event::Snapshot(Arc::new(snapshot()))), []);
    let mut later = snapshot();
    later.runs.push(Arc::new(run("knn-1", JobSpec::Sample(SampleSettings::default()), Status::Running)));
    let again = Effect::Study(Ask { source: Some(file("faces")) });
    assert_eq!(app.update(Event::Snapshot(Arc::new(later.clone()))), [again]);
    // One question at a time, and none once the view is closed.
    later.runs.pop();
    assert_eq!(app.update(Event::Snapshot(Arc::new(later))), []);
    press(&mut app, KeyCode::Esc);
    assert!(app.views.open().is_none());
    let looked = Some((file("faces"), Ok(Arc::new(outlook()))));
    assert_eq!(app.update(Event::Study(Reply { sources: vec![file("faces")], looked })), []);
}

#[test]
fn of_several_studies_one_is_picked_and_a_broken_one_says_what_is_wrong() {
    let mut app = app_with(DARK, snapshot());
    press(&mut app, KeyCode::Char('Y'));
    let sources = vec![file("a"), file("b"), Source::Demo];
    app.update(Event::Study(Reply { sources: sources.clone(), looked: None }));
    let text = shown(&mut app, 80, 24);
    assert!(text.contains("/study/a.toml") && text.contains("/study/b.toml") && text.contains("the demo's study"));
    insta::assert_snapshot!("study_files_80x24", text);
    footer_keeps_its_word(Context::StudyFiles, || {
        let mut app = app_with(DARK, snapshot());
        press(&mut app, KeyCode::Char('Y'));
        app.update(Event::Study(Reply { sources: vec![file("a"), Source::Demo], looked: None }));
        app
    });
    press(&mut app, KeyCode::Down);
    assert_eq!(press(&mut app, KeyCode::Enter), [Effect::Study(Ask { source: Some(file("b")) })]);
    let wrong = vec!["/study/b.toml:3:1: 'kindd' is no key of [model.head]".to_owned()];
    app.update(Event::Study(Reply { sources, looked: Some((file("b"), Err(wrong))) }));
    assert!(shown(&mut app, 120, 40).contains("'kindd' is no key"));
    // Another one can be typed.
    press(&mut app, KeyCode::Char('/'));
    for letter in "sub/c.toml".chars() {
        press(&mut app, KeyCode::Char(letter));
    }
    let path = app.shared.snapshot.workspace.join("sub/c.toml");
    assert_eq!(press(&mut app, KeyCode::Enter), [Effect::Study(Ask { source: Some(Source::File(path)) })]);
}

#[test]
fn forms_name_versions_as_the_command_line_does() {
    let mut versions = snapshot();
    let mut second = versions.datasets[0].clone();
    let name = second.name.clone();
    second.name = format!("{name}@2");
    versions.datasets[0].superseded = true;
    versions.datasets.push(second);
    let mut app = app_with(DARK, versions);
    // Somebody has turned to the first version on purpose.
    app.shared.chosen_set = Some(name.clone());
    app.shared.open_form(FormKind::Sweep);
    let choices = |app: &App| match &app.shared.overlay {
        Some(Overlay::Form(form)) => form.value(DATA).to_owned(),
        _ => panic!("no form"),
    };
    assert_eq!(choices(&app), format!("{name}@1"), "the plain name means the current version");
    let launched = |effects: Vec<Effect>| match &effects[..] {
        [Effect::Job(Job::Launch(job))] => job.dataset().map(str::to_owned),
        other => panic!("{other:?}"),
    };
    assert_eq!(launched(press(&mut app, KeyCode::Enter)), Some(name.clone()));
    app.shared.open_form(FormKind::Sweep);
    app.shared.fill(DATA, &name);
    assert_eq!(launched(press(&mut app, KeyCode::Enter)), Some(format!("{name}@2")));
}

#[test]
fn a_version_that_another_terminal_has_prepared_is_said_and_taken_only_by_a_key() {
    let mut app = app_with(DARK, snapshot());
    let own = app.shared.dataset().unwrap().to_owned();
    let mut now = snapshot();
    let mut second = now.datasets.iter().find(|set| set.name == own).unwrap().clone();
    second.name = format!("{own}@2");
    // Its run is seen at work, and ends with the look that finds the set.
    let prepare = || JobSpec::Prepare(PrepareSettings { name: own.clone(), ..PrepareSettings::default() });
    now.runs.push(Arc::new(run("prepare-7", prepare(), Status::Running)));
    app.update(Event::Snapshot(Arc::new(now.clone())));
    now.datasets.push(second);
    now.runs.pop();
    now.runs.push(Arc::new(run("prepare-7", prepare(), Status::Done)));
    app.update(Event::Snapshot(Arc::new(now.clone())));
    assert_eq!(app.shared.dataset(), Some(own.as_str()));
    let notice = format!("Another terminal has prepared {own}@2; U changes to it");
    // Until the new version is the current one, the plain name means the old one.
    assert!(!shown(&mut app, 80, 24).contains(&notice));
    for set in now.datasets.iter_mut().filter(|set| set.name == own) {
        set.superseded = true;
    }
    app.update(Event::Snapshot(Arc::new(now.clone())));
    assert_eq!(app.shared.dataset(), Some(own.as_str()));
    assert!(shown(&mut app, 80, 24).contains(&notice));
    press(&mut app, KeyCode::Esc);
    app.update(Event::Snapshot(Arc::new(now)));
    assert!(!shown(&mut app, 80, 24).contains(&notice), "it was put away");
    assert_eq!(press(&mut app, KeyCode::Char('U')), [Effect::Job(Job::UseSet { dataset: format!("{own}@2") })]);
}
