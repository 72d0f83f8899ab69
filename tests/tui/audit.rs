//! The findings of an audit on the screen: what it shows at three sizes, and what its keys decide.

use super::runs::run;
use super::study::{
    DARK, MONO, app_with, dense, footer_keeps_its_word, frame, plain_at_any_size, press, row, shown, snapshot, styles,
    type_text,
};
use crossterm::event::KeyCode;
use faceprobe::tui::app::App;
use faceprobe::tui::audits::{AuditJob, AuditReply, Found};
use faceprobe::tui::effect::Effect;
use faceprobe::tui::event::Event;
use faceprobe::tui::jobs::{Job, JobReply};
use faceprobe::tui::keys::{Action, Context};
use faceprobe::tui::palette;
use faceprobe::tui::shared::{Overlay, Tone};
use faceprobe::tui::snapshot::Run;
use faceprobe::tui::stages::ScreenId;
use faceprobe::tui::theme::Theme;
use faceprobe_core::dataset::decisions::{Change, Decision};
use faceprobe_core::model::Kind;
use faceprobe_core::run::facts::Progress;
use faceprobe_core::run::{JobSpec, RunId, Status, control};

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

fn image(number: u32, label: &str, split: Option<&str>) -> Value {
    let path = format!("faces/7153718@N04/coarse_tilt_aligned_face.{number}.jpg");
    json!({
        "source": "adience", "path": path, "file": format!("/study/photos/{path}"), "label": label, "split": split,
        "hash": format!("{number:064x}"), "decision": null,
    })
}

fn finding(kind: &str, detail: &str, measure: f64, images: Vec<Value>) -> Value {
    let count = if kind == "subject_across_splits" { 9 } else { images.len() };
    json!({
        "kind": kind, "detail": detail, "measure": measure, "across_splits": kind == "subject_across_splits",
        "count": count, "images": images, "suggestion": if kind == "label_error" { json!("male") } else { json!(null) },
    })
}

/// An audit with a finding or two of five kinds, and decisions that were made before.
fn found(decided: &[(u32, Decision)]) -> Found {
    let twin = |label| Value::clone(&image(1, label, Some("train")));
    let mut other = twin("male");
    other["path"] = json!("faces/copy.jpg");
    let findings = vec![
        finding(
            "contradicting_labels",
            "2 files with the same bytes and different labels",
            0.0,
            vec![twin("female"), other],
        ),
        finding(
            "subject_across_splits",
            "7153718@N04: 5 train, 4 test",
            9.0,
            vec![
                image(2, "female", Some("train")),
                image(3, "female", Some("test")),
                image(4, "female", Some("train")),
            ],
        ),
        finding(
            "near_duplicate",
            "2 pictures, hashes 3 of 256 bits apart",
            3.0,
            vec![image(5, "male", Some("val")), image(6, "male", None)],
        ),
        finding("label_error", "labelled female, confidence in it 0.076", 0.076, vec![image(7, "female", Some("val"))]),
        finding(
            "label_error",
            "labelled female, confidence in it 0.108",
            0.108,
            vec![image(2, "female", Some("train"))],
        ),
        finding("too_dark", "mean luma 14 of 255", 14.0, vec![image(8, "male", Some("train"))]),
    ];
    let audit = json!({
        "dataset": "sample", "manifest_sha256": "a".repeat(64), "images": 1118, "features": [], "agreement": null,
        "tallies": [], "findings": findings, "notes": ["Faces were not looked for."], "seconds": 3.0,
    });
    let decided: BTreeMap<String, Decision> =
        decided.iter().map(|(number, decision)| (format!("{number:064x}"), decision.clone())).collect();
    Found { audit: serde_json::from_value(audit).unwrap(), decided }
}

fn reply(app: &mut App, reply: AuditReply) -> Vec<Effect> {
    app.update(Event::Job(JobReply::Audit(Box::new(reply))))
}

fn read(app: &mut App, outcome: Option<Found>) {
    reply(app, AuditReply::Read { dataset: "sample".into(), outcome: Ok(outcome.map(Box::new)) });
}

/// The view on `found`, after some keys.
fn view(theme: Theme, outcome: Option<Found>, keys: &str) -> App {
    let mut app = app_with(theme, snapshot());
    let asked = press(&mut app, KeyCode::Char('a'));
    assert_eq!(asked, [Effect::Job(Job::Audit(Box::new(AuditJob::Read { dataset: "sample".into() })))]);
    read(&mut app, outcome);
    for key in keys.chars() {
        press(&mut app, if key == '>' { KeyCode::Right } else { KeyCode::Char(key) });
    }
    app
}

/// What a key wrote down: image, decision.
fn written(effects: &[Effect]) -> Vec<(String, Option<Decision>)> {
    let [Effect::Job(Job::Audit(job))] = effects else { panic!("{effects:?}") };
    let AuditJob::Decide { changes } = &**job else { panic!("{job:?}") };
    let short = |change: &Change| change.image.to_string().trim_start_matches('0').to_owned();
    changes.iter().map(|change| (short(change), change.decision.clone())).collect()
}

/// Where the cursor is: the finding and the image of it.
fn place(app: &App) -> (usize, usize) {
    let review = app.screens.data.audit.review().unwrap();
    (review.cursor, review.image)
}

#[test]
fn the_findings_look_as_they_should_in_colour_and_without() {
    let views: [(&str, Option<Found>, &str); 4] = [
        ("audit", Some(found(&[])), ""),
        ("audit_decided", Some(found(&[(8, Decision::Drop)])), "rja>d"),
        ("audit_kind", Some(found(&[])), "ffff"),
        ("audit_absent", None, ""),
    ];
    for (name, outcome, keys) in views {
        for (width, height) in [(80, 24), (120, 40), (40, 12)] {
            for (kind, theme) in [("colour", DARK), ("mono", MONO)] {
                let mut app = view(theme, outcome.clone(), keys);
                let text = shown(&mut app, width, height);
                let styles = styles(theme, &frame(&mut app, width, height));
                insta::assert_snapshot!(format!("{name}_{kind}_{width}x{height}"), format!("{text}{styles}"));
            }
        }
    }
}

#[test]
fn it_draws_at_any_size_and_every_key_of_its_footer_has_an_effect() {
    for outcome in [
        None,
        Some(found(&[])),
        Some(Found {
            audit: {
                let mut audit = found(&[]).audit;
                audit.findings.clear();
                audit
            },
            decided: BTreeMap::new(),
        }),
    ] {
        let mut app = view(MONO, outcome.clone(), "");
        plain_at_any_size(&mut app);
        // A decision was made, so that there is one to take back.
        footer_keeps_its_word(Context::Audit, || view(DARK, outcome.clone(), "d"));
    }
}

#[test]
fn decisions_are_written_go_on_to_the_next_and_are_taken_back() {
    let mut app = view(DARK, Some(found(&[])), "");
    // The same bytes under two labels: one decision holds for both, and the finding is done.
    let relabel = Some(Decision::Relabel("male".into()));
    assert_eq!(written(&press(&mut app, KeyCode::Char('r'))), [("1".to_owned(), relabel)]);
    assert_eq!(place(&app), (1, 0));
    assert!(shown(&mut app, 120, 40).contains("1 decided: 0 keep, 0 drop, 1 relabel; prepare again (p) to apply"));
    // Of three pictures, two have to be decided on before there is nothing left.
    assert_eq!(written(&press(&mut app, KeyCode::Char('d'))), [("2".to_owned(), Some(Decision::Drop))]);
    assert_eq!(place(&app), (1, 1));
    assert_eq!(written(&press(&mut app, KeyCode::Char('d'))), [("3".to_owned(), Some(Decision::Drop))]);
    assert_eq!(place(&app), (2, 0));
    // All but the one under the cursor.
    press(&mut app, KeyCode::Right);
    assert_eq!(written(&press(&mut app, KeyCode::Char('D'))), [("5".to_owned(), Some(Decision::Drop))]);
    assert_eq!(place(&app), (3, 0));
    assert_eq!(written(&press(&mut app, KeyCode::Char('a'))), [("7".to_owned(), Some(Decision::Keep))]);
    // Image 2 was dropped already, so its likely wrong label is no question any more.
    assert_eq!(place(&app), (5, 0));
    assert_eq!(written(&press(&mut app, KeyCode::Char('u'))), [("7".to_owned(), None)]);
    assert_eq!(written(&press(&mut app, KeyCode::Char('u'))), [("5".to_owned(), None)]);
    assert_eq!(place(&app), (2, 1));
    // A decision of another day is taken back where the cursor is.
    let mut app = view(DARK, Some(found(&[(8, Decision::Drop)])), "G");
    assert_eq!(place(&app), (5, 0));
    assert_eq!(press(&mut app, KeyCode::Char('u')), []);
    assert_eq!(written(&press(&mut app, KeyCode::Char('c'))), [("8".to_owned(), None)]);
    // What could not be written is said, and the screen goes back to what is in the file.
    let again = reply(&mut app, AuditReply::Refused("data/decisions.csv: line 2 is damaged.".into()));
    assert_eq!(again, [Effect::Job(Job::Audit(Box::new(AuditJob::Read { dataset: "sample".into() })))]);
    assert!(matches!(&app.shared.message, Some((Tone::Bad, text)) if text.contains("line 2 is damaged")));
    read(&mut app, Some(found(&[(8, Decision::Drop)])));
    assert!(shown(&mut app, 120, 40).contains("1 decided: 0 keep, 1 drop"));
    assert_eq!(place(&app), (5, 0));
}

#[test]
fn what_cannot_be_decided_says_why_and_kinds_are_listed_apart() {
    let mut app = view(DARK, Some(found(&[])), "");
    assert_eq!(press(&mut app, KeyCode::Char('D')), []);
    assert!(app.shared.message.as_ref().is_some_and(|(_, text)| text.contains("have the same bytes")));
    for _ in 0..4 {
        press(&mut app, KeyCode::Char('f'));
    }
    let text = shown(&mut app, 120, 40);
    assert!(text.contains("wrong label? 1 of 2, 2 undecided") && !text.contains("aligned_face.5.jpg"), "{text}");
    assert!(text.contains("0.076; male is more likely."), "{text}");
    press(&mut app, KeyCode::Char('F'));
    assert!(shown(&mut app, 120, 40).contains("near copy 1 of 1"));
    // An audit of an earlier preparation says so.
    let mut anew = snapshot();
    if let Ok(report) = &mut anew.datasets[1].report {
        report.manifest_sha256 = "b".repeat(64);
    }
    app.update(Event::Snapshot(Arc::new(anew)));
    assert!(shown(&mut app, 120, 40).contains("sample was prepared again since this audit; R audits it again."));
    press(&mut app, KeyCode::Esc);
    assert!(!app.screens.data.audit.open);
}

#[test]
fn an_audit_is_started_followed_and_stopped_after_a_question() {
    let mut app = view(DARK, None, "");
    assert!(shown(&mut app, 80, 24).contains("R starts it"));
    let job = JobSpec::Audit { dataset: "sample".into(), settings: Box::default() };
    assert_eq!(press(&mut app, KeyCode::Char('R')), []);
    assert_eq!(press(&mut app, KeyCode::Enter), [Effect::Job(Job::Launch(Box::new(job.clone())))]);
    let at = |status: Status| {
        let mut now = snapshot();
        let mut run = run("audit-1", job.clone(), status);
        run.facts.stage = Some("analyse images".into());
        run.facts.progress = Some(Progress { done: 9, total: 10, unit: "images".into(), rate: 3.0, remaining: None });
        run.facts.outcome = Some("3 findings in 10 images of sample".into());
        now.runs.push(Arc::new(run));
        Event::Snapshot(Arc::new(now))
    };
    app.update(at(Status::Running));
    assert_eq!(press(&mut app, KeyCode::Char('R')), [], "one at a time");
    assert!(shown(&mut app, 80, 24).contains("● auditing sample: analyse images  9 of 10 images  (s stops it)"));
    // It is seen on Data too.
    press(&mut app, KeyCode::Esc);
    assert!(shown(&mut app, 80, 24).contains("● auditing sample: analyse images"));
    press(&mut app, KeyCode::Char('a'));
    press(&mut app, KeyCode::Char('s'));
    let stop = Effect::Job(Job::Control { run: RunId::parse("audit-1").unwrap(), command: control::Command::Stop });
    assert_eq!(press(&mut app, KeyCode::Char('y')), [stop]);
    let asked = app.update(at(Status::Done));
    assert!(
        asked.contains(&Effect::Job(Job::Audit(Box::new(AuditJob::Read { dataset: "sample".into() })))),
        "{asked:?}"
    );
    let said = (Tone::Good, "audit-1 is done. 3 findings in 10 images of sample".into());
    assert_eq!(app.shared.message, Some(said));
    assert!(!shown(&mut app, 80, 24).contains("auditing"));
}

#[test]
fn an_audit_can_ask_a_fine_tuned_run() {
    let with = |names: &[(&str, f64)]| {
        let mut now = snapshot();
        for &(name, val) in names {
            let tuned = run(name, dense(), Status::Done);
            now.runs.push(Arc::new(Run { row: Some(row(name, Kind::FINETUNE, val, None)), ..tuned }));
        }
        Event::Snapshot(Arc::new(now))
    };
    let mut app = view(DARK, None, "");
    app.update(with(&[("finetune-1", 0.88), ("finetune-2", 0.90)]));
    press(&mut app, KeyCode::Char('R'));
    press(&mut app, KeyCode::Right);
    let effects = press(&mut app, KeyCode::Enter);
    let [Effect::Job(Job::Launch(job))] = &effects[..] else { panic!("{effects:?}") };
    let JobSpec::Audit { settings, .. } = &**job else { panic!("{job:?}") };
    assert_eq!(settings.with.as_deref(), Some("finetune-2"), "the best comes first");
    // The form remembers it, and says so when it is gone.
    app.update(with(&[("finetune-1", 0.88)]));
    press(&mut app, KeyCode::Char('R'));
    assert_eq!(press(&mut app, KeyCode::Enter), []);
    assert!(shown(&mut app, 80, 24).contains("Run finetune-2 no longer exists"));
    press(&mut app, KeyCode::Right);
    press(&mut app, KeyCode::Right);
    let effects = press(&mut app, KeyCode::Enter);
    assert!(matches!(&effects[..], [Effect::Job(Job::Launch(_))]), "{effects:?}");
}

#[test]
fn preparing_again_is_filled_in_and_the_palette_has_it_all() {
    let mut app = view(DARK, Some(found(&[])), "p");
    let Some(Overlay::Form(form)) = &app.shared.overlay else { panic!("no form") };
    let values = ["source", "name", "train", "val", "test", "seed", "split", "align"].map(|name| form.value(name));
    assert_eq!(values, ["adience:/study/data/sample", "sample", "600", "150", "150", "1", "random", "none"]);
    press(&mut app, KeyCode::Esc);
    let first = |app: &App, typed: &str| palette::found(app, typed)[0].binding.action;
    assert_eq!(first(&app, "relabel"), Action::Relabel);
    press(&mut app, KeyCode::Esc);
    assert_eq!(first(&app, "audit"), Action::Audit);
    // From another screen too.
    press(&mut app, KeyCode::Char('4'));
    press(&mut app, KeyCode::Char(':'));
    type_text(&mut app, "audit");
    let asked = press(&mut app, KeyCode::Enter);
    assert!(asked.contains(&Effect::Job(Job::Audit(Box::new(AuditJob::Read { dataset: "sample".into() })))));
    assert!(app.screens.data.audit.open && app.screen == ScreenId::Data);
}

#[test]
fn exact_copies_ask_nobody_and_images_in_no_split_are_counted() {
    let copies = || {
        let copy = |number, split| image(number, "female", split);
        finding("exact_duplicate", "2 files with the same bytes", 0.0, vec![copy(1, Some("train")), copy(1, None)])
    };
    let with = |findings: Vec<Value>| Found {
        audit: serde_json::from_value(json!({
            "dataset": "sample", "manifest_sha256": "a".repeat(64), "images": 1118, "in_no_split": 118, "features": [],
            "agreement": null, "tallies": [], "findings": findings, "notes": [], "seconds": 3.0,
        }))
        .unwrap(),
        decided: BTreeMap::new(),
    };
    let dark = |number| finding("too_dark", "mean luma 14 of 255", 14.0, vec![image(number, "male", Some("train"))]);
    // The cursor begins behind the copies, goes past them, and they are not counted as open.
    let mut app = view(DARK, Some(with(vec![copies(), dark(2), copies(), dark(3)])), "");
    assert_eq!(place(&app), (1, 0));
    let screen = shown(&mut app, 120, 40);
    assert!(screen.contains("1,118 images (118 in no split) checked."), "{screen}");
    let counted = |name: &str| {
        screen.lines().find(|line| line.contains(name)).unwrap().split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert!(counted("same bytes ").contains("same bytes 2 ✓"), "{screen}");
    assert!(counted("all kinds").contains("all kinds 4 2"), "{screen}");
    press(&mut app, KeyCode::Char('n'));
    assert_eq!(place(&app), (3, 0));
    press(&mut app, KeyCode::Char('d'));
    assert_eq!(place(&app), (1, 0), "around the end, past the copies");
    press(&mut app, KeyCode::Char('a'));
    assert!(shown(&mut app, 120, 40).contains("All findings are decided"));
    // With nothing but copies there is nothing to decide.
    let mut app = view(DARK, Some(with(vec![copies()])), "");
    assert!(shown(&mut app, 120, 40).contains("Nothing needs a decision"));
}
