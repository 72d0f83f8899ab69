//! Curves over each other, sweeps and probes.

use super::*;

#[test]
fn curves_are_laid_over_each_other_zoomed_and_smoothed() {
    let mut app = app();
    keys(&mut app, "3");
    app.train.selected = Some("dense-2".into());
    keys(&mut app, " ");
    app.train.selected = Some("dense-1".into());
    for (width, height) in [(120, 40), (80, 24), (40, 12)] {
        insta::assert_snapshot!(format!("overlay_{width}x{height}"), shown(&app, width, height));
    }
    let text = shown(&app, 120, 40);
    assert!(text.contains("Accuracy@0.5 (val)") && text.contains("dense-2 0.727"), "{text}");
    keys(&mut app, "+");
    assert_eq!(app.train.view.range, Some((31, 60)));
    press(&mut app, KeyCode::Left);
    assert_eq!(app.train.view.range, Some((24, 53)));
    assert!(shown(&app, 120, 40).contains("epoch 53"));
    keys(&mut app, "-");
    assert_eq!(app.train.view.range, None, "as wide as all there is");
    keys(&mut app, "mm");
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
    app.train.selected = Some("sweep-1".into());
    for (width, height) in [(120, 40), (80, 24), (40, 12)] {
        insta::assert_snapshot!(format!("sweep_{width}x{height}"), shown(&app, width, height));
    }
    // A head obeys its sweep.
    app.train.selected = Some("dense-4".into());
    let effects = keys(&mut app, "p");
    assert!(
        matches!(&effects[..], [Effect::Job(Job::Control { run, .. })] if run.as_str() == "sweep-1"),
        "{effects:?}"
    );
    // One that was cut short goes on, one that waits is taken out after a question.
    app.train.selected = Some("dense-2".into());
    assert_eq!(keys(&mut app, "p"), [Effect::Job(Job::Resume { run: RunId::parse("dense-2").unwrap() })]);
    app.train.selected = Some("dense-6".into());
    assert_eq!(keys(&mut app, "s"), []);
    assert_eq!(keys(&mut app, "y"), [Effect::Job(Job::Unqueue { run: RunId::parse("dense-6").unwrap() })]);
}

#[test]
fn the_sweep_form_reads_lists_and_says_what_is_wrong() {
    let mut app = app();
    keys(&mut app, "3S");
    let field = |app: &mut App, name: &str, value: &str| app.fill(name, value);
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
