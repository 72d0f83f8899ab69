//! Results: filters, models side by side, the table for other programs.

use super::{answer, reply, scored, view};
use crate::study::{DARK, dense, press, row, shown, train, type_text};
use crossterm::event::KeyCode;
use faceprobe::tui::effect::Effect;
use faceprobe::tui::jobs::{Job, Settings};
use faceprobe::tui::records::{self, RecordJob, RecordReply};
use faceprobe_core::dataset::Split;
use faceprobe_core::evaluation::Confusion;
use faceprobe_core::features::FeatureSpec;
use faceprobe_core::model::{DenseSettings, Kind};
use faceprobe_core::run::ModelSpec;
use faceprobe_core::run::compare;
use faceprobe_core::run::filter::Filter;
use faceprobe_core::run::results::ResultRow;
use faceprobe_core::run::scored::Scored;
use faceprobe_core::workspace::Workspace;

fn matching(conditions: &str) -> Vec<String> {
    let rows = [
        ("benchmark-1", Kind::BENCHMARK, 0.6, None),
        ("logistic-1", Kind::LOGISTIC, 0.784, Some(0.771)),
        ("dense-1", Kind::DENSE, 0.812, None),
        ("dense-2", Kind::DENSE, 0.795, None),
    ];
    let filter = Filter::parse::<ResultRow>(conditions).unwrap();
    rows.into_iter()
        .map(|(run, kind, val, test)| row(run, kind, val, test))
        .filter(|row| filter.matches(row))
        .map(|row| row.run)
        .collect()
}

#[test]
fn filters_are_understood_or_say_why_not() {
    assert_eq!(matching("").len(), 4);
    assert_eq!(matching("kind=dense val>0.8 backbone=eff"), ["dense-1"]);
    assert_eq!(matching("kind != dense"), ["benchmark-1", "logistic-1"]);
    assert_eq!(matching("val<=0.784"), ["benchmark-1", "logistic-1"]);
    // A figure as the screen shows it is found, though it is longer behind the point.
    assert_eq!(matching("val=0.81"), ["dense-1"]);
    assert_eq!(matching("test>0"), ["logistic-1"], "what was not opened has no test accuracy");
    assert_eq!(matching("test!=0.771"), ["benchmark-1", "dense-1", "dense-2"]);
    assert_eq!(matching("run==DENSE-2"), ["dense-2"]);
    assert_eq!(matching("logistic"), ["logistic-1"], "a word alone is looked for in the texts");
    assert_eq!(matching("settings=\"dropout 0.8\" run=1"), ["benchmark-1", "logistic-1", "dense-1"]);
    assert_eq!(matching("val>high"), Vec::<String>::new());
    let fails = |text: &str, part: &str| {
        let error = Filter::parse::<ResultRow>(text).unwrap_err();
        assert!(error.contains(part), "{error}");
    };
    fails("vall>0.8", "'vall' is not a column; there are run, kind");
    fails("val>", "compared with nothing");
    fails("> 0.8", "begins with no column");
    fails("settings=\"dropout", "quote is open");
}

#[test]
fn a_filter_takes_effect_as_it_is_typed_and_esc_takes_it_back() {
    let mut app = view(DARK, "4f");
    type_text(&mut app, "kind=log");
    assert!(!shown(&mut app, 120, 40).contains("dense-2"));
    assert_eq!(app.screens.results.table.filter_text(), "kind=log");
    // Half a condition leaves the last whole one in force, and says what is wrong.
    type_text(&mut app, " val>");
    assert!(shown(&mut app, 120, 40).contains("compared with nothing"));
    assert_eq!(press(&mut app, KeyCode::Enter), []);
    assert!(app.shared.overlay.is_some(), "what is not understood is not taken");
    press(&mut app, KeyCode::Esc);
    assert!(shown(&mut app, 120, 40).contains("dense-2"));
    press(&mut app, KeyCode::Char('f'));
    type_text(&mut app, "kind=log");
    press(&mut app, KeyCode::Enter);
    assert!(app.shared.overlay.is_none() && shown(&mut app, 120, 40).contains("1 of 5"));
    press(&mut app, KeyCode::Esc);
    assert!(shown(&mut app, 120, 40).contains("dense-2"));
}

#[test]
fn a_comparison_shows_only_what_differs_and_where_they_disagree() {
    let settings = DenseSettings { dropout: 0.5, seed: 7, ..DenseSettings::default() };
    let other = train(ModelSpec::new(FeatureSpec::of_backbone("vgg16"), settings));
    let found: Vec<(String, Vec<Option<String>>)> =
        compare::differences(&[&dense(), &other]).into_iter().map(|one| (one.setting, one.values)).collect();
    let pair = |name: &str, a: &str, b: &str| (name.to_owned(), vec![Some(a.to_owned()), Some(b.to_owned())]);
    assert_eq!(
        found,
        [pair("backbone", "efficientnet-lite0", "vgg16"), pair("dropout", "0.8", "0.5"), pair("seed", "1", "7")]
    );
    assert_eq!(compare::differences(&[&dense(), &dense()]), []);

    let (a, b) = (scored("dense-1", 0.2, Split::Val), scored("logistic-1", 0.12, Split::Val));
    let found = compare::of(&[a.clone(), b.clone()]).unwrap();
    for (side, scored) in found.sides.iter().zip([&a, &b]) {
        assert_eq!(side.confusion, Confusion::at(&scored.scores, &scored.positive, scored.threshold));
    }
    // What only one tells right is what they disagree on, and the difference of the two is that of the accuracies.
    let pair = &found.pairs[0];
    assert_eq!(pair.only_first + pair.only_second, found.disagreements.len());
    let only_b = pair.only_second;
    let exact = faceprobe_core::evaluation::mcnemar(
        &[vec![true; pair.only_first], vec![false; only_b]].concat(),
        &[vec![false; pair.only_first], vec![true; only_b]].concat(),
    );
    assert_eq!(pair.p_value, exact.p_value, "what both tell alike does not count");
    let right = |at: usize| found.sides[at].confusion.correct();
    assert_eq!(right(0) + pair.only_second, right(1) + pair.only_first);
    assert!(found.disagreements.iter().all(|image| image.answers[0] != image.answers[1]));
    // Images that only one has scored are counted and left out.
    let mut fewer = b;
    fewer.images.truncate(200);
    fewer.scores.truncate(200);
    fewer.positive.truncate(200);
    let found = compare::of(&[a.clone(), fewer]).unwrap();
    assert_eq!((found.common, found.left_out), (200, 40));
    let stranger = Scored { classes: ["cat".into(), "dog".into()], ..a.clone() };
    assert!(compare::of(&[a, stranger]).unwrap_err().to_string().contains("same classes"));
}

#[test]
fn marked_models_are_put_side_by_side_and_test_only_where_it_was_opened() {
    let mut app = view(DARK, "4 ");
    assert_eq!(app.shared.marked, ["dense-1"]);
    assert_eq!(app.screens.results.table.selected.as_deref(), Some("dense-2"), "the cursor goes on");
    press(&mut app, KeyCode::Char(' '));
    let effects = press(&mut app, KeyCode::Enter);
    let runs = vec!["dense-1".to_owned(), "dense-2".to_owned()];
    let asked = RecordJob::Compare { runs, split: Split::Val };
    assert_eq!(effects, [Effect::Job(Job::Record(Box::new(asked)))]);
    answer(&mut app, effects);
    let text = shown(&mut app, 120, 40);
    assert!(text.contains("None: they are the same but for chance") && text.contains("only dense-1 tells right"));
    assert!(text.contains("McNemar's exact test p ") && text.contains("chance"), "{text}");
    // A picture that they disagree on is predicted with the model that the others are compared with.
    let effects = press(&mut app, KeyCode::Char('o'));
    assert!(matches!(&effects[..], [Effect::Job(Job::Open { .. })]), "{effects:?}");
    // It is the chosen one, which answers with the threshold that was chosen with it; another one answers with its own.
    assert_eq!(
        (app.screens.predict.model.as_deref(), app.shared.snapshot.model()),
        (None, Some(("dense-1".to_owned(), 0.488)))
    );
    press(&mut app, KeyCode::Char('4'));
    assert_eq!(press(&mut app, KeyCode::Char('t')), []);
    assert!(app.shared.message.as_ref().is_some_and(|(_, text)| text.contains("not opened for dense-1, dense-2")));
    press(&mut app, KeyCode::Esc);
    assert!(app.screens.results.comparison.is_none());
    // One that is still at work has no scores to compare.
    app.screens.results.table.selected = Some("dense-3".into());
    press(&mut app, KeyCode::Char(' '));
    assert_eq!(press(&mut app, KeyCode::Char('x')), []);
    assert!(app.shared.message.as_ref().is_some_and(|(_, text)| text.contains("dense-3 is not done")));
}

#[test]
fn the_table_is_written_as_it_is_shown_and_nothing_is_overwritten_unasked() {
    let mut app = view(DARK, "4fkind=dense\n");
    press(&mut app, KeyCode::Char('e'));
    let effects = press(&mut app, KeyCode::Enter);
    let [Effect::Job(Job::Record(job))] = &effects[..] else { panic!("{effects:?}") };
    let RecordJob::Export { path, rows, by_setting, replace } = &**job else { panic!("{job:?}") };
    let runs: Vec<&str> = rows.iter().map(|row| row.run.as_str()).collect();
    assert_eq!((path.as_path(), *by_setting, *replace), (std::path::Path::new("/study/results.csv"), false, false));
    assert_eq!(runs, ["dense-1", "dense-2", "dense-3"]);
    let again = RecordJob::Export { path: path.clone(), rows: rows.clone(), by_setting: false, replace: true };
    reply(&mut app, RecordReply::Exists(Box::new(again.clone())));
    assert_eq!(press(&mut app, KeyCode::Char('y')), [Effect::Job(Job::Record(Box::new(again)))]);
}

#[test]
fn a_table_asks_before_it_takes_the_place_of_what_was_not_made_here() {
    let folder = tempfile::tempdir().unwrap();
    let workspace = Workspace::open(folder.path()).unwrap();
    let settings = Settings { workspace, threads: 1, device: "cpu".into() };
    let export = |name: &str, replace: bool| {
        let path = folder.path().join(name);
        let rows = vec![row("dense-1", Kind::DENSE, 0.8, None)];
        records::perform(&settings, RecordJob::Export { path, rows, by_setting: false, replace })
    };
    let asks = |reply| matches!(reply, Ok(RecordReply::Exists(job)) if matches!(*job, RecordJob::Export { replace: true, .. }));
    let written = |reply| matches!(reply, Ok(RecordReply::Exported { lines: 1, .. }));
    std::fs::write(folder.path().join("mine.csv"), "mine").unwrap();
    assert!(asks(export("mine.csv", false)));
    assert_eq!(std::fs::read(folder.path().join("mine.csv")).unwrap(), b"mine");
    assert!(written(export("mine.csv", true)) && written(export("mine.csv", false)), "its own is made anew");
    std::fs::write(folder.path().join("mine.csv"), "mine again").unwrap();
    assert!(asks(export("mine.csv", false)));
    // What yes could not do either is not asked.
    std::fs::create_dir(folder.path().join("folder.csv")).unwrap();
    assert!(export("folder.csv", false).unwrap_err().to_string().contains("is a folder"));
    assert!(export("cache/written.jsonl", false).unwrap_err().to_string().contains("needs"));
}

#[test]
fn tables_survive_whatever_stands_in_their_cells() {
    use faceprobe_core::run::export::{self, Format};
    let mut odd = row("dense-1", Kind::DENSE, 0.812, Some(0.8));
    odd.dataset = "50% of A&B_{x} \"q\", | # ~ ^ \\ <i>".into();
    odd.after_test_openings = 1;
    let text = export::runs(&[&odd], Format::Csv).unwrap();
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let head = reader.headers().unwrap().clone();
    let record = reader.records().next().unwrap().unwrap();
    let cell = |name: &str| &record[head.iter().position(|column| column == name).unwrap()];
    assert_eq!(cell("dataset"), odd.dataset);
    assert_eq!(cell("val_accuracy").parse::<f64>().unwrap().to_bits(), 0.812f64.to_bits(), "figures are in full");
    let text = export::runs(&[&odd], Format::Markdown).unwrap();
    let columns = |line: &str| line.replace("\\|", "").matches('|').count();
    let lines: Vec<&str> = text.lines().take(3).collect();
    assert!(lines.iter().all(|line| columns(line) == 9), "{text}");
    assert!(text.contains("0.800 \\[0.770, 0.827\\] \\!"), "{text}");
    let text = export::runs(&[&odd], Format::Latex).unwrap();
    assert!(
        text.contains(r"50\% of A\&B\_\{x\}") && text.contains(r"\textbackslash{} \textless{}i\textgreater{}"),
        "{text}"
    );
    let body = text.lines().find(|line| line.starts_with("dense-1")).unwrap();
    assert_eq!(body.replace("\\&", "").matches('&').count(), 7, "{body}");
    assert!(body.ends_with("\\\\"));
    assert!(text.contains("% ! made after the test split had been opened"));
    let seeds = [row("dense-1", Kind::DENSE, 0.8, None), row("dense-2", Kind::DENSE, 0.9, None)];
    let settings = faceprobe_core::run::results::by_setting(&seeds);
    assert!(export::settings(&settings, Format::Latex).unwrap().contains(r"0.850 $\pm$ 0.071"));
}
