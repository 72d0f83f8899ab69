//! Results, Evaluate and Runs with scores on them: what they show at three sizes, in colour and without, and what their
//! keys work out.

mod evaluate;
mod results;
mod runs;

use crate::study::{
    DARK, MONO, app_with, footer_keeps_its_word, frame, plain_at_any_size, press, shown, snapshot, styles,
};
use crossterm::event::KeyCode;
use faceprobe::tui::app::App;
use faceprobe::tui::effect::Effect;
use faceprobe::tui::event::Event;
use faceprobe::tui::jobs::{Job, JobReply};
use faceprobe_core::dataset::{ContentHash, Sample, Split};
use faceprobe_core::evaluation::Calibration;
use faceprobe_core::run::compare;
use faceprobe_core::run::label::Label;
use faceprobe_core::run::scored::{Scored, ScoredImage};

use faceprobe::tui::records::{RecordJob, RecordReply};
use faceprobe::tui::screens::evaluate::sheet::Sheet;
use faceprobe::tui::snapshot::RunDetails;
use faceprobe::tui::snapshot::Snapshot;
use faceprobe::tui::theme::Theme;

use std::path::PathBuf;
use std::sync::Arc;

/// Scores of 240 images: of class 1 tend to be higher, `skill` says how much.
fn scored(run: &str, skill: f64, split: Split) -> Scored {
    let mut images = Vec::new();
    let (mut scores, mut positive) = (Vec::new(), Vec::new());
    for at in 0..240usize {
        let is = at % 2 == 1;
        // A fixed scatter in -0.5..0.5, another for each run.
        let scatter = ((at * 7919 + run.len() * 131) % 997) as f64 / 997.0 - 0.5;
        let centre = if is { 0.5 + skill } else { 0.5 - skill };
        scores.push((centre + 0.6 * scatter).clamp(0.001, 0.999));
        positive.push(is);
        images.push(ScoredImage {
            source: "adience".into(),
            path: format!("faces/{}@N0{}/coarse_tilt_aligned_face.{at}.jpg", 7_000_000 + at * 37, at % 7),
            age: [Some("(0, 2)"), Some("(15, 20)"), Some("(8, 12)"), None][at % 4].map(str::to_owned),
        });
    }
    let sample = |(at, image): (usize, &ScoredImage)| Sample {
        source: image.source.clone(),
        path: image.path.clone(),
        class: usize::from(positive[at]),
        split,
        subject: None,
        age: image.age.clone(),
        fold: Some(at as u32 % 3),
        hash: ContentHash::of(&[]),
        attributes: [("race".to_owned(), ["Black", "Indian", "White"][at / 3 % 3].to_owned())].into(),
    };
    Scored {
        run: run.into(),
        split,
        classes: ["female".into(), "male".into()],
        threshold: 0.488,
        calibration: Calibration::temperature(&scores, &positive),
        samples: Some(images.iter().enumerate().map(sample).collect()),
        images,
        scores,
        positive,
        roots: [("adience".to_owned(), PathBuf::from("/study/data/sample"))].into(),
    }
}

fn reply(app: &mut App, reply: RecordReply) -> Vec<Effect> {
    app.update(Event::Job(JobReply::Record(Box::new(reply))))
}

/// Answers every question about scores that the screen asks.
fn answer(app: &mut App, effects: Vec<Effect>) -> Vec<Effect> {
    let mut rest = Vec::new();
    for effect in effects {
        let Effect::Job(Job::Record(job)) = effect else {
            rest.push(effect);
            continue;
        };
        match *job {
            RecordJob::Score { run, split } => {
                let skill = if run == "dense-1" { 0.2 } else { 0.12 };
                let outcome = Ok(Arc::new(Sheet::of(scored(&run, skill, split))));
                reply(app, RecordReply::Scored { run, split, outcome });
            }
            RecordJob::Compare { runs, split } => {
                let scored: Vec<Scored> =
                    runs.iter().map(|run| scored(run, if run == "dense-1" { 0.2 } else { 0.12 }, split)).collect();
                let outcome = compare::of(&scored).map(Arc::new).map_err(|error| error.to_string());
                reply(app, RecordReply::Compared { runs, split, outcome });
            }
            RecordJob::Read { run } => {
                let journal = vec!["10:11:12 train".to_owned(), "10:11:13 epoch 1 of 100".to_owned()];
                reply(app, RecordReply::Read { run, log: vec!["a line of a library".into()], journal });
            }
            job => rest.push(Effect::Job(Job::Record(Box::new(job)))),
        }
    }
    rest
}

fn tell(app: &mut App, code: KeyCode) -> Vec<Effect> {
    let effects = press(app, code);
    answer(app, effects)
}

fn labelled(mut snapshot: Snapshot) -> Snapshot {
    for run in &mut snapshot.runs {
        let mut changed = (**run).clone();
        changed.created = "2026-07-29T10:11:12Z".into();
        changed.about.bytes = 5_400_000;
        if changed.id.as_str() == "dense-1" {
            changed.about = RunDetails {
                curve: None,
                label: Label {
                    title: "the study's head".into(),
                    note: "Dropout as in the paper.\nSeeds 2 and 3 next.".into(),
                    pinned: true,
                },
                bytes: 21_400_000,
            };
        }
        *run = Arc::new(changed);
    }
    snapshot
}

/// Each view of the three screens, and the keys that lead to it.
const VIEWS: [(&str, &str); 10] = [
    ("results_filtered", "4fkind=dense val>0.78\n"),
    ("results_marked", "4  "),
    ("results_by_setting", "4m"),
    ("compare", "4 G x"),
    ("evaluate", "5"),
    ("evaluate_second", "5v"),
    ("evaluate_third", "5vv"),
    ("evaluate_fourth", "5vvvcc"),
    ("runs", "7"),
    ("runs_detail", "7\n"),
];

fn view(theme: Theme, keys: &str) -> App {
    let mut app = app_with(theme, labelled(snapshot()));
    for key in keys.chars() {
        tell(&mut app, if key == '\n' { KeyCode::Enter } else { KeyCode::Char(key) });
    }
    app
}

#[test]
fn the_views_look_as_they_should_in_colour_and_without() {
    for (name, keys) in VIEWS {
        for (width, height) in [(80, 24), (120, 40), (40, 12), (200, 60)] {
            for (kind, theme) in [("colour", DARK), ("mono", MONO)] {
                let mut app = view(theme, keys);
                let text = shown(&mut app, width, height);
                let styles = styles(theme, &frame(&mut app, width, height));
                insta::assert_snapshot!(format!("{name}_{kind}_{width}x{height}"), format!("{text}{styles}"));
            }
        }
    }
}

#[test]
fn every_view_draws_at_any_size_in_ascii_without_colour() {
    for (_, keys) in VIEWS {
        for more in ["", "v", "vv", "vvv", "vvvv"] {
            let mut app = view(MONO, &format!("{keys}{more}"));
            plain_at_any_size(&mut app);
        }
    }
}

#[test]
fn the_footer_of_every_view_keeps_its_word() {
    for (_, keys) in VIEWS {
        footer_keeps_its_word(view(DARK, keys).context(), || view(DARK, keys));
    }
}

#[test]
fn an_answer_to_an_old_question_changes_nothing() {
    let mut app = view(DARK, "5");
    let before = app.screens.evaluate.sheet().unwrap().scored.run.clone();
    let outcome = Ok(Arc::new(Sheet::of(scored("benchmark-1", 0.05, Split::Val))));
    reply(&mut app, RecordReply::Scored { run: "benchmark-1".into(), split: Split::Val, outcome });
    assert_eq!(app.screens.evaluate.sheet().unwrap().scored.run, before);
    // The same snapshot again asks nothing again.
    assert_eq!(app.update(Event::Snapshot(Arc::new(labelled(snapshot())))), []);
    // What cannot be read is said in the place of the figures, once.
    press(&mut app, KeyCode::Char(']'));
    let run = "logistic-1".to_owned();
    let shown_run = app.screens.evaluate.selected.clone().unwrap_or(run);
    let outcome = Err("scores-val.csv: is gone".to_owned());
    reply(&mut app, RecordReply::Scored { run: shown_run, split: Split::Val, outcome });
    assert!(shown(&mut app, 80, 24).contains("scores-val.csv: is gone"));
}
