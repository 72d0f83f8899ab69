//! The one table of runs on Train, Results and Runs: groups, columns, search, marks, copying, cloning.

use super::runs::{run, told, trained};
use super::study::{
    DARK, MONO, app_with, epochs, footer_keeps_its_word, frame, plain_at_any_size, press, row, shown, snapshot, styles,
};
use crossterm::event::KeyCode;
use faceprobe::tui::app::App;
use faceprobe::tui::effect::Effect;
use faceprobe::tui::event::Event;
use faceprobe::tui::forms::FormKind;
use faceprobe::tui::jobs::{Job, JobReply};
use faceprobe::tui::records::{RecordJob, RecordReply};
use faceprobe::tui::session::Session;
use faceprobe::tui::snapshot::{Run, Snapshot};
use faceprobe::tui::stages::ScreenId;
use faceprobe::tui::table::configured;
use faceprobe::tui::theme::Theme;
use faceprobe_core::config::Config;
use faceprobe_core::features::FeatureSpec;
use faceprobe_core::model::{DenseSettings, FinetuneSettings, Kind, OffTheShelfSettings};
use faceprobe_core::run::label::Label;
use faceprobe_core::run::results::ResultRow;
use faceprobe_core::run::{Axis, JobSpec, ModelSpec, RunId, Status, SweepSettings, SweepSpec};
use faceprobe_core::workspace::Workspace;
use std::path::Path;
use std::sync::Arc;

fn features() -> FeatureSpec {
    FeatureSpec::of_backbone("efficientnet-lite0")
}

fn dense(width: usize, dropout: f64, seed: u64) -> ModelSpec {
    ModelSpec::new(features(), DenseSettings { width, dropout, seed, ..DenseSettings::default() })
}

fn sweep() -> JobSpec {
    let axis = |setting: &str, values: &[&str]| Axis {
        setting: setting.into(),
        values: values.iter().map(|value| (*value).to_owned()).collect(),
    };
    JobSpec::Sweep {
        dataset: "sample".into(),
        sweep: Box::new(SweepSpec {
            features: features(),
            base: DenseSettings { epochs: 40, ..DenseSettings::default() },
            axes: vec![axis("width", &["256", "1024"]), axis("dropout", &["0.5", "0.8"])],
            own: SweepSettings::default(),
        }),
    }
}

fn model(id: &str, parent: Option<&str>, spec: ModelSpec, val: f64) -> Run {
    let kind = spec.kind();
    Run {
        parent: parent.map(str::to_owned),
        row: Some(ResultRow { settings: spec.describe(), ..row(id, kind, val, None) }),
        ..trained(run(id, JobSpec::train("sample", spec), Status::Done), epochs(40, 40, val))
    }
}

/// The study of the other tests with a sweep at work, a cross-validation, and long names of kinds.
fn grouped() -> Snapshot {
    let mut all = snapshot();
    let at_work = |id: &str, spec: ModelSpec| {
        let run = Run { status: Status::Running, ..model(id, Some("sweep-1"), spec, 0.7) };
        let row = run.row.clone().map(|row| ResultRow { status: Status::Running, ..row });
        told(Run { row, ..run }, [])
    };
    let ready = ModelSpec::of_kind(
        Kind::find("offtheshelf").unwrap(),
        Some(FeatureSpec::of_backbone("mobilenet-v1-vggface2")),
        Box::new(OffTheShelfSettings::default()),
    );
    let mut labelled = model("dense-4", Some("sweep-1"), dense(256, 0.5, 1), 0.741);
    labelled.about.label = Label { title: "narrow".into(), note: "odd dip at epoch 9".into(), pinned: false };
    let more = vec![
        run("sweep-1", sweep(), Status::Running),
        labelled,
        model("dense-5", Some("sweep-1"), dense(256, 0.8, 1), 0.752),
        model("dense-6", Some("sweep-1"), dense(1024, 0.5, 1), 0.833),
        at_work("dense-7", dense(1024, 0.8, 1)),
        run("folds-1", JobSpec::Folds { dataset: "sample".into(), model: dense(512, 0.5, 1) }, Status::Done),
        model("dense-8", Some("folds-1"), dense(512, 0.5, 1), 0.78),
        model("dense-9", Some("folds-1"), dense(512, 0.5, 1), 0.80),
        model("dense-10", Some("folds-1"), dense(512, 0.5, 1), 0.79),
        model("offtheshelf-1", None, ready, 0.91),
    ];
    all.runs.extend(more.into_iter().map(|run| Arc::new(Run { created: "2026-07-29T10:11:12Z".into(), ..run })));
    all
}

fn view(theme: Theme, keys: &str) -> App {
    let mut app = app_with(theme, grouped());
    keyed(&mut app, keys);
    app
}

fn keyed(app: &mut App, keys: &str) -> Vec<Effect> {
    let code = |key| match key {
        '\n' => KeyCode::Enter,
        '\u{1b}' => KeyCode::Esc,
        key => KeyCode::Char(key),
    };
    keys.chars().flat_map(|key| press(app, code(key))).collect()
}

/// Each look of the table, and the keys that lead to it.
const VIEWS: [(&str, &str); 9] = [
    ("train", "3"),
    ("train_unfolded", "3Z"),
    ("results", "4"),
    ("results_unfolded", "4Z"),
    ("runs", "7"),
    ("search", "7/dip\n"),
    ("columns", "4|"),
    ("copy", "4y"),
    ("differences", "4F  jj d"),
];

#[test]
fn the_table_looks_as_it_should_in_colour_and_without() {
    for (name, keys) in VIEWS {
        for (width, height) in [(80, 24), (120, 40), (200, 60), (40, 12)] {
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
fn it_draws_at_any_size_and_every_key_of_its_footers_has_an_effect() {
    for (_, keys) in VIEWS {
        plain_at_any_size(&mut view(MONO, keys));
        footer_keeps_its_word(view(DARK, keys).context(), || view(DARK, keys));
    }
}

#[test]
fn groups_fold_and_unfold_and_tell_mean_and_spread() {
    let mut app = view(DARK, "4");
    let text = shown(&mut app, 200, 60);
    // Over the three heads that are finished: the fourth has no threshold yet.
    assert!(text.contains("▸ sweep-1  mean of 4 heads, best 0.833") && text.contains("0.775 ±.050"), "{text}");
    assert!(text.contains("▸ folds-1  mean of 3 folds") && text.contains("0.790 ±.010"), "{text}");
    assert!(!text.contains("dense-6 ") && !text.contains("dense-9 "), "{text}");
    // A sweep stands where its best head would.
    let place = |text: &str, name: &str| text.lines().position(|line| line.contains(name)).unwrap();
    assert!(
        place(&text, "offtheshelf-1") < place(&text, "sweep-1") && place(&text, "sweep-1") < place(&text, "dense-1 ")
    );
    app.screens.results.table.selected = Some("sweep-1".into());
    press(&mut app, KeyCode::Enter);
    let text = shown(&mut app, 200, 60);
    assert!(text.contains("▾ sweep-1") && place(&text, "  dense-6 ") == place(&text, "▾ sweep-1") + 1, "{text}");
    assert!(text.contains("0.700 @0.5"), "what has no threshold yet says so: {text}");
    // From a member the whole is folded again, with the cursor on it.
    keyed(&mut app, "jz");
    assert_eq!(app.screens.results.table.selected.as_deref(), Some("sweep-1"));
    assert!(!shown(&mut app, 200, 60).contains("dense-6 "));
    // Without groups every model is ranked.
    let text = {
        while !app.shared.message.as_ref().is_some_and(|(_, text)| text.contains("Groups are off")) {
            keyed(&mut app, "F");
        }
        shown(&mut app, 200, 60)
    };
    assert!(!text.contains("sweep-1 ") && place(&text, "dense-6 ") < place(&text, "dense-1 "), "{text}");
    // What a filter leaves is seen, however it was folded.
    keyed(&mut app, "Ffrun==dense-9\n");
    let text = shown(&mut app, 200, 60);
    assert!(
        text.contains("▾ folds-1  mean of 1 fold") && text.contains("  dense-9 ") && text.contains("1 of 13"),
        "{text}"
    );
    // What a group comes to is nothing that could be chosen or opened.
    keyed(&mut app, "g");
    for key in ['c', 't', 'R'] {
        assert_eq!(press(&mut app, KeyCode::Char(key)), []);
        assert!(
            app.shared.overlay.is_none() && app.shared.message.take().is_some_and(|(_, text)| text.contains("group"))
        );
    }
}

#[test]
fn what_is_the_same_has_no_column_and_what_differs_has_one() {
    let mut app = view(DARK, "4");
    let head = |app: &mut App| shown(app, 200, 60).lines().nth(2).unwrap_or_default().to_owned();
    let all = head(&mut app);
    assert!(all.contains("width") && all.contains("dropout") && all.contains("kind") && !all.contains("data"), "{all}");
    assert!(shown(&mut app, 200, 60).contains("offtheshelf  "), "kinds are whole");
    keyed(&mut app, "fkind=dense width=\u{1b}");
    keyed(&mut app, "frun=dense- settings=\"width 512\"\n");
    let text = shown(&mut app, 200, 60);
    let same = head(&mut app);
    assert!(
        !same.contains("width") && !same.contains("kind") && text.contains("all: dense, efficientnet-lite0, sample"),
        "{text}"
    );
}

#[test]
fn a_search_finds_what_is_folded_away_and_n_means_the_next_only_while_it_is_on() {
    let mut app = view(DARK, "7");
    keyed(&mut app, "/dense-9");
    assert_eq!(app.screens.runs.table.selected.as_deref(), Some("dense-9"), "the cursor follows what is typed");
    assert!(shown(&mut app, 120, 40).contains("  dense-9 "), "what it is in is unfolded");
    press(&mut app, KeyCode::Enter);
    // Another word, from there on, and around the end.
    keyed(&mut app, "/dense\n");
    let first = app.screens.runs.table.selected.clone();
    let mut seen = vec![first.clone()];
    while seen.len() < 30 {
        keyed(&mut app, "n");
        if app.screens.runs.table.selected == first {
            break;
        }
        seen.push(app.screens.runs.table.selected.clone());
    }
    assert_eq!(seen.len(), 10, "{seen:?}");
    keyed(&mut app, "b");
    assert_eq!(app.screens.runs.table.selected, *seen.last().unwrap());
    assert!(shown(&mut app, 120, 40).contains("n next match"));
    // A word of a note is found; Esc ends the search, and n writes a note again.
    keyed(&mut app, "/odd dip\n");
    assert_eq!(app.screens.runs.table.selected.as_deref(), Some("dense-4"));
    press(&mut app, KeyCode::Esc);
    keyed(&mut app, "n");
    assert!(shown(&mut app, 120, 40).contains("Note on dense-4"));
    press(&mut app, KeyCode::Esc);
    // A search that is given up leaves the cursor where it was.
    keyed(&mut app, "/logistic");
    assert_eq!(app.screens.runs.table.selected.as_deref(), Some("logistic-1"));
    press(&mut app, KeyCode::Esc);
    assert_eq!(app.screens.runs.table.selected.as_deref(), Some("dense-4"));
    keyed(&mut app, "/xyzzy");
    assert!(shown(&mut app, 120, 40).contains("None of 16 runs matches 'xyzzy'"));
}

#[test]
fn columns_are_chosen_and_remembered() {
    let folder = tempfile::tempdir().unwrap();
    let workspace = Workspace::open(folder.path()).unwrap();
    let mut app = view(DARK, "7");
    assert!(!shown(&mut app, 120, 40).contains("backbone"));
    keyed(&mut app, "|");
    let line = |app: &mut App, name: &str| {
        let text = shown(app, 120, 40);
        text.lines().find(|line| line.contains(name) && line.contains('[')).unwrap_or_default().to_owned()
    };
    assert!(line(&mut app, "the pretrained network").contains("[ ]"));
    while !line_is_selected(&mut app, "backbone") {
        press(&mut app, KeyCode::Down);
    }
    keyed(&mut app, " \u{1b}");
    let text = shown(&mut app, 120, 40);
    assert!(app.shared.overlay.is_none() && text.contains("backbone") && text.contains("efficientnet-lite0"), "{text}");
    keyed(&mut app, ">");
    Session::of(&app).save(&workspace).unwrap();
    let mut later = app_with(DARK, grouped());
    Session::load(&workspace).restore(&mut later, false);
    assert_eq!(shown(&mut later, 120, 40), shown(&mut app, 120, 40));
    assert_eq!(Session::of(&later), Session::load(&workspace));
    // What nobody wrote is ignored, and as usual is one key away.
    let file = folder.path().join("cache/workbench.json");
    std::fs::write(
        &file,
        r#"{"screen": "Runs", "screens": {"Runs": {"columns": {"colour": true}, "sort": ["age", true]}, "Train": 7}}"#,
    )
    .unwrap();
    let mut odd = app_with(DARK, grouped());
    Session::load(&workspace).restore(&mut odd, false);
    assert!(shown(&mut odd, 120, 40).contains("newest first"));
    keyed(&mut later, "|r\u{1b}");
    assert!(!shown(&mut later, 120, 40).contains("backbone"));
}

/// Whether the line of the list of columns that begins with a name is under the cursor.
fn line_is_selected(app: &mut App, name: &str) -> bool {
    let text = shown(app, 120, 40);
    let found = text.lines().enumerate().find_map(|(y, line)| Some((y, line.split_once(&format!("] {name}"))?.0)));
    let Some((y, before)) = found else { return false };
    let x = before.chars().count() as u16;
    frame(app, 120, 40)[(x, y as u16)].bg == DARK.selected().bg.unwrap()
}

#[test]
fn what_is_copied_goes_to_the_terminal_and_is_said() {
    let mut app = view(DARK, "4F");
    app.screens.results.table.selected = Some("dense-6".into());
    let copied = |app: &mut App, key: char| {
        keyed(app, "y");
        match &press(app, KeyCode::Char(key))[..] {
            [Effect::Copy(text)] => text.clone(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(copied(&mut app, 'n'), "dense-6");
    assert!(shown(&mut app, 120, 40).contains("Copied the name: dense-6"));
    assert_eq!(copied(&mut app, 'p'), "/study/runs/dense-6");
    assert_eq!(copied(&mut app, 'c'), "faceprobe train dense --dropout 0.5 --data sample");
    let row = copied(&mut app, 'r');
    let lines: Vec<&str> = row.lines().collect();
    assert!(lines.len() == 2 && lines[0].starts_with("run\t") && lines[1].starts_with("dense-6\t"), "{row:?}");
    assert_eq!(lines[0].matches('\t').count(), lines[1].matches('\t').count());
    assert!(row.contains("0.833 ±"), "{row:?}");
    // Of several, those that are marked.
    assert_eq!(keyed(&mut app, "yR"), []);
    assert!(app.shared.message.take().is_some_and(|(_, text)| text.contains("Space marks one")));
    keyed(&mut app, "  ");
    assert_eq!(copied(&mut app, 'R').lines().count(), 3);
    // Nothing but the letter is taken.
    assert_eq!(keyed(&mut app, "y\u{1b}"), []);
    app.screens.results = Default::default();
    app.screens.results.table.selected = Some("sweep-1".into());
    assert_eq!(copied(&mut app, 'c'), "faceprobe sweep --width 256,1024 --dropout 0.5,0.8 --epochs 40 --data sample");
}

#[test]
fn a_run_is_cloned_into_the_form_of_its_kind_and_the_form_starts_the_same_job() {
    let mut app = view(DARK, "3Z");
    for name in ["dense-4", "sweep-1"] {
        let job = app.shared.snapshot.run(name).unwrap().job.clone();
        app.screens.train.table.selected = Some(name.into());
        // What was typed before is no part of the clone.
        app.shared.open_form(FormKind::DENSE);
        app.shared.fill("batch", "7");
        press(&mut app, KeyCode::Esc);
        keyed(&mut app, "N");
        assert!(shown(&mut app, 120, 40).contains(&format!("Filled with the settings of {name}")));
        assert_eq!(press(&mut app, KeyCode::Enter), [Effect::Job(Job::Launch(Box::new(job)))], "{name}");
    }
    // A fine-tuned model, whose cut and schedule have fields of their own, and what its kind computes.
    let cut = faceprobe_core::features::CutSettings { cut: Some(7), ..Default::default() };
    let tuned = FinetuneSettings { seed: 9, ..FinetuneSettings::default() };
    let job = JobSpec::train("sample", ModelSpec::new(cut.spec().unwrap(), tuned).with_train_images(Some(40)));
    let mut all = grouped();
    all.runs.push(Arc::new(run("finetune-1", job.clone(), Status::Done)));
    let probe = JobSpec::Probe { dataset: "sample".into(), features: features(), settings: Default::default() };
    all.runs.push(Arc::new(run("probe-1", probe, Status::Done)));
    let gone = JobSpec::Folds { dataset: "album".into(), model: dense(512, 0.5, 1) };
    all.runs.push(Arc::new(run("folds-2", gone, Status::Done)));
    app.update(Event::Snapshot(Arc::new(all)));
    app.screens.train.table.selected = Some("finetune-1".into());
    keyed(&mut app, "N");
    assert_eq!(press(&mut app, KeyCode::Enter), [Effect::Job(Job::Launch(Box::new(job)))]);
    // A set that is gone is said; what has no form says so.
    app.screens.train.table.selected = Some("folds-2".into());
    keyed(&mut app, "N");
    assert!(app.shared.message.take().is_some_and(|(_, text)| text.contains("album no longer exists")));
    press(&mut app, KeyCode::Esc);
    keyed(&mut app, "7");
    app.screens.runs.table.selected = Some("extract-1".into());
    keyed(&mut app, "N");
    assert!(
        app.shared.overlay.is_none() && app.shared.message.take().is_some_and(|(_, text)| text.contains("no form"))
    );
}

#[test]
fn marks_are_one_set_and_drive_curves_differences_and_comparison() {
    let mut app = view(DARK, "7Z");
    app.screens.runs.table.selected = Some("dense-4".into());
    keyed(&mut app, " ");
    app.screens.runs.table.selected = Some("dense-6".into());
    keyed(&mut app, " ");
    keyed(&mut app, "d");
    let text = shown(&mut app, 120, 40);
    assert!(text.contains("Settings that differ · 2 runs"), "{text}");
    let line = text.lines().rfind(|line| line.contains("width ")).unwrap_or_default();
    assert!(line.contains("256") && line.contains("1024") && !text.contains("dropout  "), "{text}");
    press(&mut app, KeyCode::Esc);
    // On Train their curves are laid over the one under the cursor.
    keyed(&mut app, "3");
    app.screens.train.table.selected = Some("dense-1".into());
    let text = shown(&mut app, 300, 60);
    assert!(text.contains("dense-4 0.7") && text.contains("dense-6 0.8"), "{text}");
    // Side by side they are compared, from any of the tables.
    let effects = keyed(&mut app, "7x");
    assert!(matches!(&effects[..], [Effect::Job(Job::Record(_))]), "{effects:?}");
    keyed(&mut app, "\u{1b}\u{1b}");
    assert_eq!(app.shared.marked, [] as [&str; 0]);
    // A group stands for its members, of which four can be put side by side.
    app.screens.results.table.selected = Some("sweep-1".into());
    keyed(&mut app, " ");
    assert_eq!(app.shared.marked, ["dense-6", "dense-5", "dense-4", "dense-7"]);
    app.screens.results.table.selected = Some("sweep-1".into());
    keyed(&mut app, " ");
    assert_eq!(app.shared.marked, [] as [&str; 0]);
    // What every member of a group has is no difference; the members of one are compared without a mark.
    app.screens.results.table.selected = Some("sweep-1".into());
    keyed(&mut app, "d");
    let text = shown(&mut app, 120, 40);
    assert!(
        text.contains("4 runs") && text.contains("dropout") && text.contains("width") && !text.contains("epochs"),
        "{text}"
    );
}

#[test]
fn any_column_sorts_and_what_was_chosen_stays_on_top() {
    let mut app = view(DARK, "4F");
    let names = |app: &mut App| -> Vec<String> {
        let text = shown(app, 200, 60);
        let lines = text.lines().skip(3).filter_map(|line| line.rsplit('│').nth(1).map(str::to_owned));
        lines.filter_map(|line| line.split_whitespace().find(|word| word.contains('-')).map(str::to_owned)).collect()
    };
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..20 {
        let title = shown(&mut app, 200, 60).lines().nth(1).unwrap_or_default().to_owned();
        let first = names(&mut app);
        assert_eq!(first.len(), 13, "{first:?}");
        keyed(&mut app, "r");
        assert_ne!(shown(&mut app, 200, 60).lines().nth(1).unwrap_or_default(), title);
        keyed(&mut app, "r");
        assert_eq!(names(&mut app), first, "turned twice it is as it was");
        seen.insert(title);
        keyed(&mut app, ">");
    }
    assert!(seen.len() > 8, "{seen:?}");
}

/// The same where a study's file made the sweep, the cross-validation and one more model.
fn of_a_study() -> Snapshot {
    let mut all = grouped();
    let steps = ["sweep-1", "folds-1", "offtheshelf-1"];
    all.runs = (all.runs.iter())
        .map(|run| match steps.contains(&run.id.as_str()) {
            true => Arc::new(Run { step: Some(format!("model {}", run.id)), ..(**run).clone() }),
            false => Arc::clone(run),
        })
        .collect();
    all
}

#[test]
fn what_a_study_made_is_a_group_where_it_is_wanted() {
    for (key, screen, members) in [('3', ScreenId::Train, 8), ('4', ScreenId::Results, 8), ('7', ScreenId::Runs, 8)] {
        let mut app = app_with(DARK, of_a_study());
        press(&mut app, KeyCode::Char(key));
        assert!(!shown(&mut app, 200, 60).contains(" study "), "{screen:?}");
        keyed(&mut app, "F");
        let text = shown(&mut app, 200, 60);
        let line = |text: &str, name: &str| text.lines().find(|line| line.contains(name)).map(str::to_owned);
        assert!(line(&text, "▾ study").is_some_and(|line| line.contains(&format!("{members} "))), "{screen:?} {text}");
        // What it made stands beneath it, with its own groups.
        let column = |name: &str| {
            let line = line(&text, name).unwrap_or_else(|| panic!("{text}"));
            line.split(name).next().unwrap_or_default().chars().count()
        };
        assert!(column("▸ sweep-1") > column("▾ study") && column("offtheshelf-1") > column("▾ study"), "{text}");
        // The line is no run that could be acted on.
        app.screens.get_mut(screen).table_mut().unwrap().selected = Some("study".into());
        let keys = match screen {
            ScreenId::Train => "psNy",
            ScreenId::Results => "ctRNy",
            _ => "DnrPopsNy",
        };
        for key in keys.chars() {
            app.shared.message = None;
            assert_eq!(press(&mut app, KeyCode::Char(key)), [], "{key} on {screen:?}");
            assert!(app.shared.overlay.is_none() && app.shared.message.is_some(), "{key} on {screen:?}");
        }
        keyed(&mut app, "\n");
        let text = shown(&mut app, 200, 60);
        assert!(text.contains("▸ study") && !text.contains("sweep-1"), "{screen:?} {text}");
        let mut plain = app_with(MONO, of_a_study());
        keyed(&mut plain, &format!("{key}F"));
        plain_at_any_size(&mut plain);
        // It is remembered; the next press turns groups off.
        let mut next = app_with(DARK, of_a_study());
        Session::of(&app).restore(&mut next, true);
        assert!(shown(&mut next, 200, 60).contains("▸ study"));
        keyed(&mut next, "F");
        assert!(!shown(&mut next, 200, 60).contains(" study ") && shown(&mut next, 200, 60).contains("groups off"));
    }
}

#[test]
fn marked_runs_are_removed_together_and_brought_back_together() {
    let mut app = view(DARK, "7");
    for run in ["dense-9", "dense-8", "sweep-1"] {
        app.shared.turn_mark(run);
    }
    // The cursor is on another one.
    app.screens.runs.table.selected = Some("logistic-1".into());
    press(&mut app, KeyCode::Char('D'));
    let text = shown(&mut app, 80, 24);
    assert!(text.contains("Remove 2 runs?") && text.contains("dense-9, dense-8"), "{text}");
    assert!(text.contains("Still running, so not removed: sweep-1"), "{text}");
    let runs = ["dense-9", "dense-8"].map(|run| RunId::parse(run).unwrap()).to_vec();
    let job = |job: RecordJob| [Effect::from(job)];
    assert_eq!(press(&mut app, KeyCode::Char('y')), job(RecordJob::Remove { runs: runs.clone() }));
    let reply = |reply| Event::Job(JobReply::Record(Box::new(reply)));
    app.update(reply(RecordReply::Removed { runs: runs.clone(), problem: None }));
    assert!(
        app.shared.message.as_ref().is_some_and(|(_, text)| text.contains("2 runs were moved to the trash; u on Runs"))
    );
    assert_eq!(app.shared.marked, ["sweep-1"]);
    assert_eq!(press(&mut app, KeyCode::Char('u')), job(RecordJob::Restore { runs: runs.clone() }));
    // What cannot be brought back now can be later.
    app.update(reply(RecordReply::Restored { runs: runs[..1].to_vec(), problem: Some("The disk is full.".into()) }));
    assert!(
        app.shared.message.as_ref().is_some_and(|(_, text)| text.contains("dense-9 was restored. The disk is full."))
    );
    assert_eq!(press(&mut app, KeyCode::Char('u')), job(RecordJob::Restore { runs: runs[1..].to_vec() }));
    // Marks that are all at work are said to be.
    press(&mut app, KeyCode::Char('D'));
    assert!(
        app.shared.overlay.is_none()
            && app.shared.message.as_ref().is_some_and(|(_, text)| text.contains("is running"))
    );
}

#[test]
fn columns_of_a_configuration_are_shown_and_the_screen_counts_more() {
    let configured = |text: &str| -> Result<Vec<_>, String> {
        let mut config = Config::default();
        config.add(Path::new("/x/config.toml"), text).map_err(|error| error.to_string())?;
        configured::read(&config.section("columns")).map_err(|error| error.to_string())
    };
    let mut app = view(DARK, "4");
    let text = "[columns]\nresults = ['took', 'val', 'settings', 'setting.batch']\nruns = ['note']\n";
    configured::configure(&mut app.screens, configured(text).unwrap());
    let head = |app: &mut App| shown(app, 200, 60).lines().nth(2).unwrap_or_default().to_owned();
    let has = |head: &str, names: &[&str]| names.iter().all(|name| head.contains(name));
    let results = head(&mut app);
    assert!(has(&results, &["run", "took", "val@τ", "width", "batch"]) && !results.contains("test"), "{results}");
    assert!(!results.contains("status") && !results.contains("kind"), "{results}");
    keyed(&mut app, "7");
    let runs = head(&mut app);
    assert!(has(&runs, &["run", "note"]) && !runs.contains("status") && !runs.contains("width"), "{runs}");
    // What is shown on the screen counts more, and is remembered beside it.
    // The thirteenth from below, behind the settings.
    keyed(&mut app, &format!("|G{} q", "k".repeat(13)));
    assert!(head(&mut app).contains("status"), "{}", head(&mut app));
    let mut next = view(DARK, "7");
    configured::configure(&mut next.screens, configured(text).unwrap());
    Session::of(&app).restore(&mut next, true);
    assert!(has(&head(&mut next), &["status", "note"]));
    keyed(&mut next, "|rq");
    assert!(!head(&mut next).contains("status") && head(&mut next).contains("note"));
    // What there is not is refused with its place.
    let refused = |text: &str| configured(text).unwrap_err();
    let told = refused("[columns]\nresults = ['vall']\n");
    assert!(
        told.starts_with("/x/config.toml:2:11: results: there is no column vall") && told.contains("val?"),
        "{told}"
    );
    assert!(
        refused("[columns]\nmodels = ['val']\n").contains("there is no table models; there are train, results, runs")
    );
    assert!(refused("[columns]\nruns = 3\n").contains("words in quotes or a list of them"));
}
