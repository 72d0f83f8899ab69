//! Evaluate: figures that follow the threshold.

use super::{answer, tell, view};
use crate::study::{DARK, press, shown};
use crossterm::event::KeyCode;
use faceprobe::tui::app::App;
use faceprobe::tui::effect::Effect;
use faceprobe::tui::jobs::{Job, Threshold};
use faceprobe::tui::records::RecordJob;
use faceprobe::tui::screens::evaluate::sheet::Figures;
use faceprobe::tui::selection::Selection;
use faceprobe::tui::stages::ScreenId;
use faceprobe_core::dataset::Split;
use faceprobe_core::evaluation::{Confusion, Criterion, threshold_for};
use faceprobe_core::map::Point;

#[test]
fn every_figure_follows_the_threshold_and_is_that_of_the_evaluation() {
    let mut app = view(DARK, "5");
    let sheet = app.screens.evaluate.sheet().unwrap().clone();
    let (scores, positive) = (&sheet.scored.scores, &sheet.scored.positive);
    let check = |app: &App| {
        let figures = app.screens.evaluate.figures().unwrap();
        let cells = Confusion::at(scores, positive, figures.threshold);
        assert_eq!(figures.confusion, cells);
        assert_eq!(figures.mistakes.len(), cells.total() - cells.correct());
        assert_eq!(figures.recall[1], Some(cells.true_positive as f64 / 120.0));
        let groups = figures.groups.as_ref().unwrap();
        assert_eq!(groups.groups.iter().map(|group| group.images).sum::<usize>(), scores.len());
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
        let kept = Job::Choose { run: "dense-1".into(), threshold: Threshold::Best(criterion) };
        assert_eq!(press(&mut app, KeyCode::Enter), [Effect::Job(kept)]);
    }
    // The worst mistake is the one furthest on the wrong side.
    let figures = app.screens.evaluate.figures().unwrap();
    let far = |at: &usize| (scores[*at] - figures.threshold).abs();
    assert!(figures.mistakes.windows(2).all(|pair| far(&pair[0]) >= far(&pair[1])));
    // Ages go by age, not by letter, and are told with n.
    let ages: Vec<&str> =
        figures.groups.iter().flat_map(|groups| &groups.groups).map(|group| group.value.as_str()).collect();
    assert_eq!(ages, ["(0, 2)", "(8, 12)", "(15, 20)", "(unknown)"]);
    // Never out of range.
    for _ in 0..60 {
        press(&mut app, KeyCode::Char('H'));
    }
    assert_eq!(check(&app), 0.0);
    assert_eq!(Figures::at(&sheet, 0.0, 0).confusion.true_negative, 0);
}

#[test]
fn mistakes_are_those_among_the_images_selected_on_the_map_while_the_filter_is_on() {
    let mut app = view(DARK, "5");
    let sheet = app.screens.evaluate.sheet().unwrap().clone();
    let all = app.screens.evaluate.mistakes(&app.shared);
    assert_eq!(all, app.screens.evaluate.figures().unwrap().mistakes);
    assert!(all.len() > 8);
    // The worst but one, the fourth, and some that are right.
    let right = (0..240).filter(|at| !all.contains(at)).take(10);
    let point = |at: usize| {
        let image = &sheet.scored.images[at];
        let (source, path) = (image.source.clone(), image.path.clone());
        Point { source, path, class: 0, split: Split::Val, age: None, x: 0.0, y: 0.0 }
    };
    let points: Vec<Point> = [all[1], all[3]].into_iter().chain(right.clone()).map(point).collect();
    app.shared.selection = Some(Selection::of(points.iter(), &sheet.scored.roots));
    assert_eq!(app.screens.evaluate.mistakes(&app.shared), [all[1], all[3]]);
    let text = shown(&mut app, 120, 40);
    assert!(text.contains("Mistakes 2 of 12 selected"), "{text}");
    // The cursor is on what is listed, and figures are those of all images.
    press(&mut app, KeyCode::Down);
    press(&mut app, KeyCode::Down);
    let effects = press(&mut app, KeyCode::Char('o'));
    let [Effect::Job(Job::Open { text, .. })] = &effects[..] else { panic!("{effects:?}") };
    assert!(text.ends_with(&sheet.scored.images[all[3]].path), "{text}");
    press(&mut app, KeyCode::Char('5'));
    assert_eq!(app.screens.evaluate.figures().unwrap().mistakes, all);
    press(&mut app, KeyCode::Char('m'));
    assert_eq!(app.screens.evaluate.mistakes(&app.shared), all);
    press(&mut app, KeyCode::Char('m'));
    let points: Vec<Point> = right.map(point).collect();
    app.shared.selection = Some(Selection::of(points.iter(), &sheet.scored.roots));
    assert!(shown(&mut app, 120, 40).contains("None among the selected images; m lists all."));
    let gone = Point { path: "elsewhere.jpg".into(), ..points[0].clone() };
    app.shared.selection = Some(Selection::of([&gone].into_iter(), &sheet.scored.roots));
    assert!(shown(&mut app, 120, 40).contains("No image selected on the map is in this split"));
}

#[test]
fn the_test_set_is_shown_once_opened_and_no_threshold_is_chosen_on_it() {
    let mut app = view(DARK, "5");
    // dense-1 was never opened: a question comes first.
    assert_eq!(press(&mut app, KeyCode::Char('t')), []);
    assert!(shown(&mut app, 80, 24).contains("only if you stop choosing now"));
    press(&mut app, KeyCode::Esc);
    let mut app = view(DARK, "4");
    app.screens.results.table.selected = Some("logistic-1".into());
    tell(&mut app, KeyCode::Enter);
    assert_eq!(app.screen, ScreenId::Evaluate);
    let effects = press(&mut app, KeyCode::Char('t'));
    let asked = RecordJob::Score { run: "logistic-1".into(), split: Split::Test };
    assert_eq!(effects, [Effect::Job(Job::Record(Box::new(asked)))]);
    answer(&mut app, effects);
    for key in [KeyCode::Enter, KeyCode::Char('a')] {
        let before = app.screens.evaluate.figures().unwrap().threshold;
        assert_eq!(press(&mut app, key), []);
        assert_eq!(app.screens.evaluate.figures().unwrap().threshold, before);
        assert!(app.shared.message.as_ref().is_some_and(|(_, text)| text.contains("never on the test set")));
    }
}

#[test]
fn groups_are_told_by_any_column_and_the_mouse_moves_the_threshold() {
    use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
    use faceprobe::tui::event::Event;
    let mut app = view(DARK, "5");
    for column in ["fold", "race", "age"] {
        press(&mut app, KeyCode::Char('c'));
        let text = shown(&mut app, 120, 40);
        assert!(text.contains(&format!("Accuracy by {column}")), "{column}: {text}");
        let groups = app.screens.evaluate.figures().unwrap().groups.as_ref().unwrap();
        let sheet = app.screens.evaluate.sheet().unwrap();
        // At the run's own threshold they are those of the command line.
        assert_eq!(*groups, sheet.scored.by(column).unwrap());
    }
    // A click in the middle of the chart of the threshold puts it there, and the wheel moves it a little.
    let text = shown(&mut app, 120, 40);
    let (row, line) = text.lines().enumerate().find(|(_, line)| line.contains("◆ acc. 0.")).unwrap();
    let start = line[..line.find("◆ acc.").unwrap()].chars().count() as u16;
    let mut mouse = |kind| {
        let (column, row) = (start + 24, row as u16 + 3);
        app.update(Event::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }));
        app.screens.evaluate.figures().unwrap().threshold
    };
    mouse(MouseEventKind::Down(MouseButton::Left));
    let at = mouse(MouseEventKind::Up(MouseButton::Left));
    assert!((0.4..0.6).contains(&at) && at != 0.488, "{at}");
    assert!((mouse(MouseEventKind::ScrollUp) - at - 0.002).abs() < 1e-9);
}

#[test]
fn what_is_drawn_over_thresholds_is_what_the_figures_say() {
    let app = view(DARK, "5");
    let sheet = app.screens.evaluate.sheet().unwrap();
    for at in sheet.effect.iter().step_by(10) {
        let figures = Figures::at(sheet, at.threshold, 0);
        assert_eq!((at.accuracy, at.recall), (figures.confusion.accuracy(), figures.recall));
    }
    let (best, accuracy) = sheet.best.unwrap();
    assert!(sheet.effect.iter().all(|at| at.accuracy <= accuracy) && Some(best) == sheet.jump(Criterion::Accuracy));
    let told = sheet.scored.figures().of_scores;
    let (_, calibrated) = sheet.reliability.calibrated.as_ref().unwrap();
    assert_eq!((sheet.reliability.raw_error, Some(*calibrated)), (told.calibration_error, told.calibrated_error));
}
