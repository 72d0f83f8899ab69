//! Results, Evaluate and Runs with scores on them: what they show at three sizes, in colour and without, and what their
//! keys work out.

use super::*;
use faceprobe::dataset::Split;
use faceprobe::evaluation::{Confusion, Criterion, threshold_for};
use faceprobe::run::compare;
use faceprobe::run::filter::Filter;
use faceprobe::run::label::Label;
use faceprobe::run::scored::{Scored, ScoredImage};
use faceprobe::tui::records::{Change, RecordJob, RecordReply};
use faceprobe::tui::screens::evaluate::sheet::{Figures, Sheet};
use faceprobe::tui::snapshot::About;
use ratatui::style::Style;

pub const MONO: Theme = Theme { palette: Palette::Monochrome, ascii: true };

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
    Scored {
        run: run.into(),
        split,
        classes: ["female".into(), "male".into()],
        threshold: 0.488,
        calibration: None,
        images,
        scores,
        positive,
        samples: None,
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
        let Effect::Record(job) = effect else {
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
            job => rest.push(Effect::Record(Box::new(job))),
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
            changed.about = About {
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
const VIEWS: [(&str, &str); 7] = [
    ("results_filtered", "4/kind=dense val>0.78\n"),
    ("results_marked", "4  "),
    ("results_by_setting", "4m"),
    ("compare", "4 G x"),
    ("evaluate", "5"),
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

/// A letter for every style that a theme gives a meaning to, a dot for plain text.
pub fn styles(theme: Theme, buffer: &Buffer) -> String {
    let mut known: Vec<(Style, char)> = vec![
        (theme.selected(), 'S'),
        (theme.strong(), 'b'),
        (theme.accent(), 'a'),
        (theme.warning(), 'w'),
        (theme.bad(), 'x'),
        (theme.good(), 'g'),
        (theme.dim(), 'd'),
        (theme.rule(), 'r'),
        (theme.series(0), '0'),
        (theme.series(1), '1'),
    ];
    known.extend((2..4).map(|at| (theme.hue(at), char::from_digit(at as u32, 10).unwrap_or('?'))));
    let mut text = String::new();
    for y in 0..buffer.area.height {
        let line: String = (0..buffer.area.width)
            .map(|x| {
                let cell = &buffer[(x, y)];
                let same = |style: &Style| {
                    style.fg.unwrap_or(Color::Reset) == cell.fg
                        && style.bg.unwrap_or(Color::Reset) == cell.bg
                        && style.add_modifier == cell.modifier
                };
                let plain = (cell.fg, cell.bg, cell.modifier) == (Color::Reset, Color::Reset, Modifier::empty());
                let found = known.iter().find(|(style, _)| same(style)).map_or('?', |(_, letter)| *letter);
                if plain { '.' } else { found }
            })
            .collect();
        text.push_str(line.trim_end_matches('.'));
        text.push('\n');
    }
    text
}

#[test]
fn the_views_look_as_they_should_in_colour_and_without() {
    for (name, keys) in VIEWS {
        for (width, height) in [(80, 24), (120, 40), (40, 12)] {
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
            for (width, height) in [(40, 12), (41, 13), (59, 14), (60, 15), (80, 20), (100, 21), (117, 29), (300, 90)] {
                for cell in &frame(&mut app, width, height).content {
                    assert!(cell.symbol().is_ascii(), "{:?} after {keys}{more}", cell.symbol());
                    assert_eq!((cell.fg, cell.bg), (Color::Reset, Color::Reset));
                }
            }
        }
    }
}

#[test]
fn the_footer_of_every_view_keeps_its_word() {
    for (name, keys) in VIEWS {
        let context = view(DARK, keys).context();
        for binding in keys::footer(context) {
            let mut app = view(DARK, keys);
            if !app.offers(binding.action) {
                continue;
            }
            let before = shown(&mut app, 120, 40);
            let effects = press(&mut app, binding.keys[0].code);
            let after = shown(&mut app, 120, 40);
            assert!(!effects.is_empty() || before != after, "{} in {name} does nothing", binding.name());
        }
    }
}

fn matching(conditions: &str) -> Vec<String> {
    let rows = [
        ("benchmark-1", Kind::Benchmark, 0.6, None),
        ("logistic-1", Kind::Logistic, 0.784, Some(0.771)),
        ("dense-1", Kind::Dense, 0.812, None),
        ("dense-2", Kind::Dense, 0.795, None),
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
    let mut app = view(DARK, "4/");
    type_text(&mut app, "kind=log");
    assert!(!shown(&mut app, 120, 40).contains("dense-2"));
    assert_eq!(app.results.filter_text, "kind=log");
    // Half a condition leaves the last whole one in force, and says what is wrong.
    type_text(&mut app, " val>");
    assert!(shown(&mut app, 120, 40).contains("compared with nothing"));
    assert_eq!(press(&mut app, KeyCode::Enter), []);
    assert!(app.overlay.is_some(), "what is not understood is not taken");
    press(&mut app, KeyCode::Esc);
    assert!(shown(&mut app, 120, 40).contains("dense-2"));
    press(&mut app, KeyCode::Char('/'));
    type_text(&mut app, "kind=log");
    press(&mut app, KeyCode::Enter);
    assert!(app.overlay.is_none() && shown(&mut app, 120, 40).contains("1 of 5"));
    press(&mut app, KeyCode::Esc);
    assert!(shown(&mut app, 120, 40).contains("dense-2"));
}

#[test]
fn a_comparison_shows_only_what_differs_and_where_they_disagree() {
    let settings = DenseSettings { dropout: 0.5, seed: 7, ..DenseSettings::default() };
    let other = train(ModelSpec::Dense { features: FeatureSpec::of_backbone("vgg16"), settings });
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
    let exact = faceprobe::evaluation::mcnemar(
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
    assert_eq!(app.results.marked, ["dense-1"]);
    assert_eq!(app.results.selected.as_deref(), Some("dense-2"), "the cursor goes on");
    press(&mut app, KeyCode::Char(' '));
    let effects = press(&mut app, KeyCode::Enter);
    let runs = vec!["dense-1".to_owned(), "dense-2".to_owned()];
    let asked = RecordJob::Compare { runs, split: Split::Val };
    assert_eq!(effects, [Effect::Record(Box::new(asked))]);
    answer(&mut app, effects);
    let text = shown(&mut app, 120, 40);
    assert!(text.contains("None: they are the same but for chance") && text.contains("only dense-1 tells right"));
    assert!(text.contains("McNemar's exact test p ") && text.contains("chance"), "{text}");
    assert_eq!(press(&mut app, KeyCode::Char('t')), []);
    assert!(app.message.as_ref().is_some_and(|(_, text)| text.contains("not opened for dense-1, dense-2")));
    press(&mut app, KeyCode::Esc);
    assert!(app.results.beside.is_none());
    // One that is still at work has no scores to compare.
    app.results.selected = Some("dense-3".into());
    press(&mut app, KeyCode::Char(' '));
    assert_eq!(press(&mut app, KeyCode::Char('x')), []);
    assert!(app.message.as_ref().is_some_and(|(_, text)| text.contains("dense-3 is not done")));
}

#[test]
fn every_figure_follows_the_threshold_and_is_that_of_the_evaluation() {
    let mut app = view(DARK, "5");
    let sheet = app.evaluate.sheet().unwrap().clone();
    let (scores, positive) = (&sheet.scored.scores, &sheet.scored.positive);
    let check = |app: &App| {
        let figures = app.evaluate.figures().unwrap();
        let cells = Confusion::at(scores, positive, figures.threshold);
        assert_eq!(figures.confusion, cells);
        assert_eq!(figures.mistakes.len(), cells.total() - cells.correct());
        assert_eq!(figures.recall[1], Some(cells.true_positive as f64 / 120.0));
        let by_age: usize = figures.ages.iter().map(|group| group.count).sum();
        assert_eq!(by_age + sheet.without_age, scores.len());
        figures.threshold
    };
    assert_eq!(check(&app), 0.488);
    press(&mut app, KeyCode::Right);
    assert!((check(&app) - 0.49).abs() < 1e-9);
    for _ in 0..10 {
        press(&mut app, KeyCode::Left);
    }
    press(&mut app, KeyCode::Char('L'));
    assert!((check(&app) - 0.49).abs() < 1e-9, "ten fine steps are a coarse one");
    for (key, criterion) in [('a', Criterion::Accuracy), ('y', Criterion::Youden), ('e', Criterion::EqualError)] {
        press(&mut app, KeyCode::Char(key));
        assert_eq!(Some(check(&app)), threshold_for(criterion, scores, positive));
        let keep = |criterion, threshold| RecordJob::Choose { run: "dense-1".into(), threshold, criterion };
        let kept = keep(Some(criterion), check(&app));
        assert_eq!(press(&mut app, KeyCode::Enter), [Effect::Record(Box::new(kept))]);
    }
    // The worst mistake is the one furthest on the wrong side.
    let figures = app.evaluate.figures().unwrap();
    let far = |at: &usize| (scores[*at] - figures.threshold).abs();
    assert!(figures.mistakes.windows(2).all(|pair| far(&pair[0]) >= far(&pair[1])));
    // Ages go by age, not by letter, and are told with n.
    let ages: Vec<&str> = figures.ages.iter().map(|group| group.age.as_str()).collect();
    assert_eq!(ages, ["(0, 2)", "(8, 12)", "(15, 20)"]);
    // Never out of range.
    for _ in 0..60 {
        press(&mut app, KeyCode::Char('H'));
    }
    assert_eq!(check(&app), 0.0);
    assert_eq!(Figures::at(&sheet, 0.0).confusion.true_negative, 0);
}

#[test]
fn the_test_set_is_shown_once_opened_and_no_threshold_is_chosen_on_it() {
    let mut app = view(DARK, "5");
    // dense-1 was never opened: a question comes first.
    assert_eq!(press(&mut app, KeyCode::Char('t')), []);
    assert!(shown(&mut app, 80, 24).contains("only if you stop choosing now"));
    press(&mut app, KeyCode::Esc);
    let mut app = view(DARK, "4");
    app.results.selected = Some("logistic-1".into());
    tell(&mut app, KeyCode::Enter);
    assert_eq!(app.screen, ScreenId::Evaluate);
    let effects = press(&mut app, KeyCode::Char('t'));
    let asked = RecordJob::Score { run: "logistic-1".into(), split: Split::Test };
    assert_eq!(effects, [Effect::Record(Box::new(asked))]);
    answer(&mut app, effects);
    for key in [KeyCode::Enter, KeyCode::Char('a')] {
        let before = app.evaluate.figures().unwrap().threshold;
        assert_eq!(press(&mut app, key), []);
        assert_eq!(app.evaluate.figures().unwrap().threshold, before);
        assert!(app.message.as_ref().is_some_and(|(_, text)| text.contains("never on the test set")));
    }
}

#[test]
fn an_answer_to_an_old_question_changes_nothing() {
    let mut app = view(DARK, "5");
    let before = app.evaluate.sheet().unwrap().scored.run.clone();
    let outcome = Ok(Arc::new(Sheet::of(scored("benchmark-1", 0.05, Split::Val))));
    reply(&mut app, RecordReply::Scored { run: "benchmark-1".into(), split: Split::Val, outcome });
    assert_eq!(app.evaluate.sheet().unwrap().scored.run, before);
    // The same snapshot again asks nothing again.
    assert_eq!(app.update(Event::Snapshot(Arc::new(labelled(snapshot())))), []);
    // What cannot be read is said in the place of the figures, once.
    press(&mut app, KeyCode::Char(']'));
    let run = "logistic-1".to_owned();
    let shown_run = app.evaluate.selected.clone().unwrap_or(run);
    let outcome = Err("scores-val.csv: is gone".to_owned());
    reply(&mut app, RecordReply::Scored { run: shown_run, split: Split::Val, outcome });
    assert!(shown(&mut app, 80, 24).contains("scores-val.csv: is gone"));
}

#[test]
fn runs_are_noted_renamed_pinned_and_removed_after_a_question() {
    let mut app = view(DARK, "7");
    let run = RunId::parse("dense-1").unwrap();
    assert!(shown(&mut app, 120, 40).contains("★ dense-1 the study's head"), "pinned ones come first");
    let label = |change| Effect::Record(Box::new(RecordJob::Label { run: run.clone(), change }));
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
    let remove = Effect::Record(Box::new(RecordJob::Remove { run: run.clone() }));
    assert_eq!(press(&mut app, KeyCode::Char('y')), [remove]);
    // One at work is not removed; one that was cut short goes on.
    app.runs.selected = Some("dense-3".into());
    assert_eq!(press(&mut app, KeyCode::Char('D')), []);
    assert!(app.overlay.is_none() && app.message.is_some());
    let mut cut = snapshot();
    cut.runs[5] = Arc::new(Run { status: Status::Interrupted, ..(*cut.runs[5]).clone() });
    app.update(Event::Snapshot(Arc::new(cut)));
    app.runs.selected = Some("dense-3".into());
    let resume = RecordJob::Resume { run: RunId::parse("dense-3").unwrap() };
    assert_eq!(press(&mut app, KeyCode::Char('p')), [Effect::Record(Box::new(resume))]);
}

#[test]
fn the_table_is_written_as_it_is_shown_and_nothing_is_overwritten_unasked() {
    let mut app = view(DARK, "4/kind=dense\n");
    press(&mut app, KeyCode::Char('e'));
    let effects = press(&mut app, KeyCode::Enter);
    let [Effect::Record(job)] = &effects[..] else { panic!("{effects:?}") };
    let RecordJob::Export { path, rows, by_setting, replace } = &**job else { panic!("{job:?}") };
    let runs: Vec<&str> = rows.iter().map(|row| row.run.as_str()).collect();
    assert_eq!((path.as_path(), *by_setting, *replace), (std::path::Path::new("/study/results.csv"), false, false));
    assert_eq!(runs, ["dense-1", "dense-2", "dense-3"]);
    let again = RecordJob::Export { path: path.clone(), rows: rows.clone(), by_setting: false, replace: true };
    reply(&mut app, RecordReply::Exists(Box::new(again.clone())));
    assert_eq!(press(&mut app, KeyCode::Char('y')), [Effect::Record(Box::new(again))]);
}

#[test]
fn tables_survive_whatever_stands_in_their_cells() {
    use faceprobe::run::export::{self, Format};
    let mut odd = row("dense-1", Kind::Dense, 0.812, Some(0.8));
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
    let seeds = [row("dense-1", Kind::Dense, 0.8, None), row("dense-2", Kind::Dense, 0.9, None)];
    let settings = faceprobe::run::results::by_setting(&seeds);
    assert!(export::settings(&settings, Format::Latex).unwrap().contains(r"0.850 $\pm$ 0.071"));
}

#[test]
fn the_watcher_takes_in_what_others_write_on_runs_that_have_ended() {
    use faceprobe::run::journal::{Event as Told, JournalWriter, Life};
    use faceprobe::run::openings::{self, Opening};
    use faceprobe::run::{RunFolder, Spec};
    use std::sync::mpsc;
    let folder = tempfile::tempdir().unwrap();
    let workspace = faceprobe::workspace::Workspace::open(folder.path()).unwrap();
    let made = RunFolder::create(&workspace, &Spec::new(dense(), 1, "cpu")).unwrap();
    let mut journal = JournalWriter::open(&made.events_path()).unwrap();
    assert!(journal.write(Told::Life(Life::Started { pid: 1, threads: 1 })));
    assert!(journal.write(Told::Life(Life::Finished { summary: "well".into(), seconds: 1.0 })));
    row("dense-1", Kind::Dense, 0.8, None).save(&made).unwrap();
    let (events, inbox) = mpsc::channel();
    let (nudge, nudges) = mpsc::channel();
    let at = workspace.clone();
    std::thread::spawn(move || faceprobe::tui::watcher::watch(at, &events, &nudges));
    // Waits for a snapshot in which something is so of the run, and answers that run.
    let until = |so: &dyn Fn(&Run) -> bool| loop {
        let Ok(Event::Snapshot(now)) = inbox.recv_timeout(Duration::from_secs(30)) else { panic!("it did not come") };
        if let Some(run) = now.run("dense-1").filter(|run| so(run)) {
            break Arc::clone(run);
        }
    };
    let run = until(&|run| run.status == Status::Done && run.row.is_some());
    assert_eq!((run.outcome.as_deref(), run.about.label.pinned), (Some("well"), false));
    assert!(run.about.bytes > 100);
    let label = Label { title: "first".into(), pinned: true, ..Label::default() };
    label.save(&made).unwrap();
    nudge.send(()).unwrap();
    assert_eq!(until(&|run| run.about.label.pinned).about.label, label);
    // An opened test set, by another process: the result changes, and the record of openings.
    row("dense-1", Kind::Dense, 0.8, Some(0.75)).save(&made).unwrap();
    assert_eq!(until(&|run| run.row.as_ref().is_some_and(|row| row.test_accuracy.is_some())).about.label, label);
    let opening = Opening {
        at: "2000-01-01T00:00:00Z".into(),
        run: "dense-1".into(),
        dataset: "sample".into(),
        manifest_sha256: "a".repeat(64),
        test_accuracy: 0.75,
    };
    let mut dated = row("dense-1", Kind::Dense, 0.8, Some(0.75));
    dated.created = "2026-01-01T00:00:00Z".into();
    dated.save(&made).unwrap();
    openings::record(&workspace, &opening).unwrap();
    until(&|run| run.row.as_ref().is_some_and(|row| row.after_test_openings == 1));
    // A worker goes back to it.
    assert!(journal.write(Told::Life(Life::Started { pid: 1, threads: 1 })));
    nudge.send(()).unwrap();
    until(&|run| run.status != Status::Done);
}
