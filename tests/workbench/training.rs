//! Curves over each other, sweeps and probes.

use super::*;

#[test]
fn curves_are_laid_over_each_other_zoomed_and_smoothed() {
    let mut app = app();
    keys(&mut app, "3");
    app.screens.train.table.selected = Some("dense-2".into());
    keys(&mut app, " ");
    app.screens.train.table.selected = Some("dense-1".into());
    for (width, height) in [(120, 40), (80, 24), (40, 12)] {
        insta::assert_snapshot!(format!("overlay_{width}x{height}"), shown(&app, width, height));
    }
    let text = shown(&app, 120, 40);
    assert!(text.contains("Accuracy@0.5 (val)") && text.contains("dense-2 0.727"), "{text}");
    keys(&mut app, "+");
    assert_eq!(app.screens.train.view.range, Some((31, 60)));
    press(&mut app, KeyCode::Left);
    assert_eq!(app.screens.train.view.range, Some((24, 53)));
    assert!(shown(&app, 120, 40).contains("epochs 24-53"));
    keys(&mut app, "-");
    assert_eq!(app.screens.train.view.range, None, "as wide as all there is");
    keys(&mut app, "mmmm");
    assert!(shown(&app, 120, 40).contains("Loss (val, EMA 0.9)"));
    press(&mut app, KeyCode::Esc);
    assert!(shown(&app, 120, 40).contains("Loss (EMA 0.9)"));
    // However far somebody zooms and pans, there is something to draw.
    for key in "++++++++++".chars().chain("--------".chars()).chain("+0+".chars()) {
        press(&mut app, KeyCode::Char(key));
        press(&mut app, KeyCode::Right);
        shown(&app, 80, 24);
    }
}

#[test]
fn a_sweep_ranks_its_heads_while_they_train() {
    let mut app = app();
    keys(&mut app, "3");
    app.screens.train.table.selected = Some("sweep-1".into());
    for (width, height) in [(120, 40), (80, 24), (40, 12)] {
        insta::assert_snapshot!(format!("sweep_{width}x{height}"), shown(&app, width, height));
    }
    // A head obeys its sweep.
    app.screens.train.table.selected = Some("dense-4".into());
    let effects = keys(&mut app, "p");
    assert!(
        matches!(&effects[..], [Effect::Job(Job::Control { run, .. })] if run.as_str() == "sweep-1"),
        "{effects:?}"
    );
    // One that was cut short goes on, one that waits is taken out after a question.
    app.screens.train.table.selected = Some("dense-2".into());
    assert_eq!(keys(&mut app, "p"), [Effect::Job(Job::Resume { run: RunId::parse("dense-2").unwrap() })]);
    app.screens.train.table.selected = Some("dense-6".into());
    assert_eq!(keys(&mut app, "s"), []);
    assert_eq!(keys(&mut app, "y"), [Effect::Job(Job::Unqueue { run: RunId::parse("dense-6").unwrap() })]);
}

#[test]
fn the_sweep_form_reads_lists_and_says_what_is_wrong() {
    let mut app = app();
    keys(&mut app, "3S");
    let field = |app: &mut App, name: &str, value: &str| app.shared.fill(name, value);
    field(&mut app, "width", "64, 128 256");
    field(&mut app, "dropout", "0.5 1.2");
    assert_eq!(press(&mut app, KeyCode::Enter), []);
    assert!(shown(&app, 120, 40).contains("Dropout must be at least 0 and below 1, not 1.2."));
    field(&mut app, "dropout", "0.5");
    field(&mut app, "seeds", "1 2 3");
    field(&mut app, "halving", "10:3");
    let effects = press(&mut app, KeyCode::Enter);
    let [Effect::Job(Job::Launch(job))] = &effects[..] else { panic!("{effects:?}") };
    let JobSpec::Sweep { sweep, .. } = &**job else { panic!("{job:?}") };
    assert_eq!((sweep.axes[0].values.join(" "), sweep.own.seeds.as_slice()), ("64 128 256".to_owned(), &[1, 2, 3][..]));
    assert_eq!(sweep.rungs(), [10, 30, 60]);
}

#[test]
fn a_probe_shows_accuracy_by_depth() {
    let mut app = app();
    keys(&mut app, "2");
    for (width, height) in [(120, 40), (80, 24), (40, 12)] {
        insta::assert_snapshot!(format!("probe_{width}x{height}"), shown(&app, width, height));
    }
    keys(&mut app, "b");
    let effects = press(&mut app, KeyCode::Enter);
    assert!(
        matches!(&effects[..], [Effect::Job(Job::Launch(job))] if matches!(&**job, JobSpec::Probe { features, .. } if *features == self::features())),
        "{effects:?}"
    );
}

/// What the large chart shows, and the keys that lead to it.
const LARGE: [(&str, &str, &str); 5] = [
    ("large", "dense-1", "\n"),
    ("large_zoomed", "dense-1", "\nmm+hhhhh"),
    ("large_accuracy_log", "dense-1", "\nvvaaA"),
    ("large_table", "dense-1", "\ntb"),
    ("scatter", "sweep-1", "\n"),
];

fn large(theme: Theme, run: &str, typed: &str) -> App {
    let mut app = App::new(theme, "/study".into(), None);
    app.update(Event::Snapshot(Arc::new(snapshot())));
    keys(&mut app, "3");
    if run == "dense-1" {
        app.screens.train.table.selected = Some("dense-2".into());
        keys(&mut app, " ");
    }
    app.screens.train.table.selected = Some(run.into());
    for key in typed.chars() {
        press(&mut app, if key == '\n' { KeyCode::Enter } else { KeyCode::Char(key) });
    }
    app
}

#[test]
fn the_large_chart_looks_as_it_should() {
    for (name, run, typed) in LARGE {
        for (width, height) in [(80, 24), (120, 40), (200, 60), (40, 12)] {
            for (kind, theme) in [("colour", DARK), ("mono", MONO)] {
                let app = large(theme, run, typed);
                let text = shown(&app, width, height);
                let styles = styles(theme, &frame(&app, width, height));
                insta::assert_snapshot!(format!("{name}_{kind}_{width}x{height}"), format!("{text}{styles}"));
            }
        }
    }
}

#[test]
fn the_cursor_tells_what_every_run_had_at_that_epoch() {
    let mut app = large(DARK, "dense-1", "\n");
    let told = |app: &App, run: &str, epoch: usize| {
        let epochs = &app.shared.snapshot.run(run).unwrap().history().epochs;
        let figures = epochs.iter().find(|figures| figures.epoch == epoch).unwrap();
        format!("{:.3}", figures.validated.unwrap().accuracy)
    };
    let line = |app: &App, run: &str| {
        let text = shown(app, 120, 40);
        let start = format!("◆ {run}");
        text.lines().rev().find_map(|line| line.split_once(&start).map(|(_, rest)| rest.to_owned())).unwrap()
    };
    // At first it is the newest epoch, which the shorter run did not come to.
    assert!(line(&app, "dense-1").contains(&told(&app, "dense-1", 60)));
    assert!(line(&app, "dense-2").trim_start().starts_with('–'));
    press(&mut app, KeyCode::PageUp);
    for _ in 0..3 {
        press(&mut app, KeyCode::PageUp);
    }
    keys(&mut app, "lh");
    press(&mut app, KeyCode::Left);
    assert_eq!(app.screens.train.view.cursor, Some(19));
    for run in ["dense-1", "dense-2"] {
        assert!(line(&app, run).trim_start().starts_with(&told(&app, run, 19)), "{}", line(&app, run));
    }
    assert!(shown(&app, 120, 40).contains("epoch 19"));
    // Smoothing changes what is drawn and not what is told.
    keys(&mut app, "mmm");
    assert!(line(&app, "dense-2").trim_start().starts_with(&told(&app, "dense-2", 19)));
    // However the axis is laid, it stays on its epoch.
    for typed in ["a", "a", "A", "L", "v"] {
        keys(&mut app, typed);
        assert!(shown(&app, 120, 40).contains("epoch 19"), "{typed}");
    }
    keys(&mut app, "g");
    assert_eq!(app.screens.train.view.cursor, Some(1));
    keys(&mut app, "b");
    assert_eq!(app.screens.train.view.cursor, None, "its best is the newest, and the cursor goes on with it");
    press(&mut app, KeyCode::Esc);
    assert!(!app.screens.train.view.large);
    // Beside the list, the same keys are the list's.
    keys(&mut app, "g");
    assert_ne!(app.screens.train.table.selected.as_deref(), Some("dense-1"));
}

#[test]
fn wheel_drag_and_click_zoom_and_point() {
    use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
    let mut app = large(DARK, "dense-1", "\n");
    let mouse = |app: &mut App, kind, column| {
        let mut terminal = Terminal::new(TestBackend::new(120, 40)).unwrap();
        let mut hits = Vec::new();
        terminal.draw(|frame| hits = draw::draw(frame, app)).unwrap();
        app.shared.hits = hits;
        app.update(Event::Mouse(MouseEvent { kind, column, row: 8, modifiers: KeyModifiers::NONE }));
    };
    mouse(&mut app, MouseEventKind::Down(MouseButton::Left), 60);
    mouse(&mut app, MouseEventKind::Up(MouseButton::Left), 60);
    let at = app.screens.train.view.cursor.unwrap();
    assert!((15..40).contains(&at), "a click puts the cursor: {at}");
    mouse(&mut app, MouseEventKind::Down(MouseButton::Left), 60);
    mouse(&mut app, MouseEventKind::Drag(MouseButton::Left), 80);
    assert!(app.screens.train.view.drag.is_some());
    mouse(&mut app, MouseEventKind::Up(MouseButton::Left), 80);
    let (first, last) = app.screens.train.view.range.unwrap();
    assert!(first == at && last > first + 5 && last < 60, "{first}..{last}");
    assert_eq!((app.screens.train.view.drag, app.screens.train.view.cursor), (None, Some(at)));
    mouse(&mut app, MouseEventKind::ScrollUp, 70);
    let closer = app.screens.train.view.range.unwrap();
    assert!(closer.1 - closer.0 < last - first);
    for _ in 0..5 {
        mouse(&mut app, MouseEventKind::ScrollDown, 70);
    }
    assert_eq!(app.screens.train.view.range, None);
    // Beside the charts the wheel moves through the list, as everywhere.
    press(&mut app, KeyCode::Esc);
    mouse(&mut app, MouseEventKind::ScrollUp, 30);
    assert_eq!(app.screens.train.table.selected.as_deref(), Some("dense-2"));
}

#[test]
fn a_sweep_lays_any_numeric_setting_against_accuracy() {
    let mut app = large(DARK, "sweep-1", "\n");
    let text = shown(&app, 120, 40);
    assert!(text.contains("(val@τ) by width") && text.contains("width 1024: mean"), "{text}");
    keys(&mut app, "h");
    assert!(shown(&app, 120, 40).contains("width 256: mean"));
    // Another one is one key away where there is one; a head too few is said.
    keys(&mut app, "a");
    assert!(shown(&app, 120, 40).contains("by width"));
    let mut few = snapshot();
    few.runs.retain(|run| run.id.as_str() != "dense-4");
    app.update(Event::Snapshot(Arc::new(few)));
    assert!(shown(&app, 120, 40).contains("not two heads yet"));
}
