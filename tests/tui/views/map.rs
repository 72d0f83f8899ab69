//! The map of features: points, cursor, rectangle, export.

use super::super::study::{
    DARK, MONO, app_with, footer_keeps_its_word, frame, plain_at_any_size, press, shown, snapshot, styles,
};
use super::SIZES;
use crossterm::event::{KeyCode, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use faceprobe::tui::app::App;
use faceprobe::tui::effect::Effect;
use faceprobe::tui::event::Event;
use faceprobe::tui::forms::FormKind;
use faceprobe::tui::jobs::{Job, JobReply, SetImage};
use faceprobe::tui::keys::Context;
use faceprobe::tui::maps::{MapJob, MapReply, Maps};
use faceprobe::tui::selection::Selection;
use faceprobe::tui::shared::{Overlay, Target};
use faceprobe::tui::stages::ScreenId;
use faceprobe::tui::theme::Theme;
use faceprobe_core::dataset::Split;
use faceprobe_core::features::FeatureSpec;
use faceprobe_core::map::{Colour, Map, MapSettings, Point, Proposal};
use faceprobe_core::run::JobSpec;
use ratatui_image::picker::Picker;
use std::sync::Arc;

/// Two classes in two clouds, with some in the wrong one.
fn map() -> Map {
    let point = |at: usize| {
        let class = usize::from(at % 2 == 1 && at % 14 != 1);
        let angle = at as f64 * 2.4;
        let far = (at as f64 / 120.0).sqrt() * 4.0;
        let middle = if at % 2 == 1 { 6.0 } else { -6.0 };
        Point {
            source: "sample".into(),
            path: format!("faces/{at}.jpg"),
            class,
            split: [Split::Train, Split::Train, Split::Train, Split::Val, Split::Test][at % 5],
            age: (!at.is_multiple_of(3)).then(|| ["(0, 2)", "(15, 20)"][at % 2].to_owned()),
            x: middle + far * angle.cos(),
            y: far * angle.sin(),
        }
    };
    Map {
        dataset: "sample".into(),
        manifest_sha256: "a".repeat(64),
        synthetic: true,
        classes: ["female".into(), "male".into()],
        features: FeatureSpec::default(),
        settings: MapSettings::default(),
        width: 1280,
        components: 50,
        explained: 0.71,
        points: (0..120).map(point).collect(),
    }
}

fn listed(maps: Vec<Map>) -> Event {
    let roots = [("sample".to_owned(), "/study/data/sample".into())].into();
    let maps = Maps { dataset: "sample".into(), maps: maps.into_iter().map(Arc::new).collect(), roots };
    Event::Job(JobReply::Map(Box::new(MapReply::Listed(Ok(Arc::new(maps))))))
}

fn with_map(theme: Theme) -> App {
    let mut app = app_with(theme, snapshot());
    let asked = press(&mut app, KeyCode::Char('M'));
    assert_eq!(asked, [Effect::Job(Job::Map(Box::new(MapJob::List { dataset: "sample".into() })))]);
    app.update(listed(vec![map()]));
    // The keys go by what was drawn last.
    shown(&mut app, 120, 40);
    app
}

#[test]
fn the_map_looks_as_it_should() {
    for (width, height) in SIZES {
        for (kind, theme) in [("colour", DARK), ("mono", MONO)] {
            let mut app = with_map(theme);
            let text = shown(&mut app, width, height);
            let styles = styles(theme, &frame(&mut app, width, height));
            insta::assert_snapshot!(format!("map_{kind}_{width}x{height}"), format!("{text}{styles}"));
        }
    }
    plain_at_any_size(&mut with_map(MONO));
    footer_keeps_its_word(Context::Map, || with_map(DARK));
}

#[test]
fn without_a_map_the_form_that_makes_one_is_a_key_away() {
    let mut app = app_with(DARK, snapshot());
    press(&mut app, KeyCode::Char('M'));
    app.update(listed(Vec::new()));
    assert!(shown(&mut app, 80, 24).contains("There is no map of sample yet."));
    press(&mut app, KeyCode::Char('n'));
    assert!(matches!(&app.shared.overlay, Some(Overlay::Form(form)) if form.kind == FormKind::Map));
    app.shared.fill("images", "3");
    assert_eq!(press(&mut app, KeyCode::Enter), [], "fewer than a map is made of");
    app.shared.fill("images", "500");
    app.shared.fill("method", "pca");
    let effects = press(&mut app, KeyCode::Enter);
    let [Effect::Job(Job::Launch(job))] = &effects[..] else { panic!("{effects:?}") };
    let JobSpec::Map { dataset, settings, .. } = &**job else { panic!("{job:?}") };
    assert_eq!((dataset.as_str(), settings.images, settings.method.name()), ("sample", 500, "pca"));
}

#[test]
fn a_rectangle_chooses_what_lies_in_it_by_keys_and_by_mouse() {
    let mut app = with_map(DARK);
    // From the middle to the far right, above and below: the right cloud.
    for _ in 0..20 {
        press(&mut app, KeyCode::PageUp);
    }
    press(&mut app, KeyCode::Char(' '));
    for _ in 0..20 {
        press(&mut app, KeyCode::PageDown);
        press(&mut app, KeyCode::Char('L'));
    }
    assert!(shown(&mut app, 120, 40).contains("Under the cursor"));
    press(&mut app, KeyCode::Char(' '));
    assert_eq!(app.views.map.chosen, (1..120).step_by(2).collect::<Vec<_>>());
    let text = shown(&mut app, 120, 40);
    assert!(text.contains("60 selected") && text.contains("male: 51 (85 %)"), "{text}");
    insta::assert_snapshot!("map_chosen_120x40", text);
    // The list of their files is what 'predict --list' takes.
    press(&mut app, KeyCode::Char('e'));
    let effects = press(&mut app, KeyCode::Enter);
    let [Effect::Job(Job::Map(job))] = &effects[..] else { panic!("{effects:?}") };
    let MapJob::Write { path, chosen, replace: false, .. } = &**job else { panic!("{job:?}") };
    assert!(path.ends_with("chosen.txt"));
    assert_eq!(chosen.points, app.views.map.chosen);
    press(&mut app, KeyCode::Esc);
    assert!(app.views.map.chosen.is_empty() && app.views.open().is_some(), "Esc chooses none before it closes");
    assert!(app.shared.selection.is_none());

    let (area, _) = *app.shared.hits.iter().find(|(_, target)| *target == Target::Plane).unwrap();
    let mouse = |app: &mut App, kind, column, row| {
        app.update(Event::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }));
    };
    mouse(&mut app, MouseEventKind::Down(MouseButton::Left), area.x, area.y);
    mouse(&mut app, MouseEventKind::Drag(MouseButton::Left), area.x + area.width / 2, area.bottom() - 1);
    mouse(&mut app, MouseEventKind::Up(MouseButton::Left), area.x + area.width / 2, area.bottom() - 1);
    assert_eq!(app.views.map.chosen, (0..120).step_by(2).collect::<Vec<_>>());
}

/// The right cloud is selected: the images with odd numbers.
fn with_selection() -> App {
    let mut app = app_with(DARK, snapshot());
    app.update(Event::Graphics(Box::new(Picker::halfblocks())));
    press(&mut app, KeyCode::Char('M'));
    app.update(listed(vec![map()]));
    shown(&mut app, 120, 40);
    let (area, _) = *app.shared.hits.iter().find(|(_, target)| *target == Target::Plane).unwrap();
    let middle = area.x + area.width / 2;
    for (kind, column, row) in [
        (MouseEventKind::Down(MouseButton::Left), middle, area.y),
        (MouseEventKind::Drag(MouseButton::Left), area.right() - 1, area.bottom() - 1),
        (MouseEventKind::Up(MouseButton::Left), area.right() - 1, area.bottom() - 1),
    ] {
        app.update(Event::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }));
    }
    assert_eq!(app.views.map.chosen, (1..120).step_by(2).collect::<Vec<_>>());
    app
}

#[test]
fn selected_images_filter_the_contact_sheet_until_the_filter_is_off() {
    let mut app = with_selection();
    let asked = press(&mut app, KeyCode::Char('i'));
    assert_eq!(asked, [Effect::Job(Job::Images { dataset: "sample".into() })]);
    assert!(app.views.open().is_none() && app.screen == ScreenId::Data && app.screens.data.sheet.open);
    let image = |at: usize| SetImage {
        path: format!("/study/data/sample/faces/{at}.jpg").into(),
        class: at % 2,
        split: Split::Train,
    };
    app.update(Event::Job(JobReply::Images { dataset: "sample".into(), images: Ok((0..500).map(image).collect()) }));
    let text = shown(&mut app, 120, 40);
    assert!(text.contains("60 of 500 images of sample") && text.contains("· selected"), "{text}");
    assert!(text.contains("1 of 60 · male · train · /study/data/sample/faces/1.jpg"), "{text}");
    // With the other filters of the sheet.
    press(&mut app, KeyCode::Char('c'));
    assert!(shown(&mut app, 120, 40).contains("None of the images selected on the map is shown here; m shows all."));
    press(&mut app, KeyCode::Char('m'));
    let text = shown(&mut app, 120, 40);
    assert!(text.contains("250 of 500 images of sample") && text.contains("All images again."), "{text}");
    press(&mut app, KeyCode::Char('m'));
    press(&mut app, KeyCode::Char('c'));
    assert!(shown(&mut app, 120, 40).contains("60 of 500 images of sample"));
    press(&mut app, KeyCode::End);
    assert!(shown(&mut app, 120, 40).contains("60 of 60 · male · train · /study/data/sample/faces/119.jpg"));
    // A selection that is gone filters nothing.
    press(&mut app, KeyCode::Char('M'));
    press(&mut app, KeyCode::Char('x'));
    press(&mut app, KeyCode::Char('1'));
    assert!(shown(&mut app, 120, 40).contains("250 of 500 images of sample"));
    press(&mut app, KeyCode::Char('m'));
    assert!(shown(&mut app, 120, 40).contains("No images are selected: M opens the map of features"));
}

#[test]
fn one_group_of_the_selected_images_is_kept_and_decided_about() {
    let mut app = with_selection();
    // Female ones in the male cloud first, then the male ones, then all.
    for (count, title) in [(9, "9 selected · female only"), (51, "51 selected · male only"), (60, "60 selected")] {
        press(&mut app, KeyCode::Char('f'));
        assert_eq!(app.views.map.chosen.len(), count);
        assert!(shown(&mut app, 120, 40).contains(title), "{title}: {}", shown(&mut app, 120, 40));
    }
    press(&mut app, KeyCode::Char('f'));
    assert_eq!(app.shared.selection.as_ref().map(Selection::len), Some(9), "the other screens follow");
    press(&mut app, KeyCode::Char('e'));
    for _ in 0.."chosen.txt".len() {
        press(&mut app, KeyCode::Backspace);
    }
    for letter in "doubtful.csv".chars() {
        press(&mut app, KeyCode::Char(letter));
    }
    assert_eq!(press(&mut app, KeyCode::Enter), [], "asks what to decide");
    assert!(shown(&mut app, 120, 40).contains("Decision about each selected image"));
    for letter in "ped".chars() {
        press(&mut app, KeyCode::Char(letter));
    }
    assert_eq!(press(&mut app, KeyCode::Enter), [], "no decision is called that");
    assert!(shown(&mut app, 120, 40).contains("'dropped' is none of keep, drop and relabel LABEL"));
    for _ in 0.."dropped".len() {
        press(&mut app, KeyCode::Backspace);
    }
    for letter in "relabel male".chars() {
        press(&mut app, KeyCode::Char(letter));
    }
    let effects = press(&mut app, KeyCode::Enter);
    let [Effect::Job(Job::Map(job))] = &effects[..] else { panic!("{effects:?}") };
    let MapJob::Write { path, chosen, replace: false, .. } = &**job else { panic!("{job:?}") };
    assert!(path.ends_with("doubtful.csv"));
    assert_eq!((chosen.points.len(), &chosen.proposal), (9, &Proposal::Label("male".into())));
    // Other colours have other groups: all of the rectangle are selected again.
    press(&mut app, KeyCode::Char('c'));
    assert_eq!(app.views.map.chosen.len(), 60);
}

#[test]
fn colours_turn_and_the_picture_under_the_cursor_goes_to_predict() {
    let mut app = with_map(DARK);
    for (colour, words) in
        [(Colour::Split, "train 72"), (Colour::Correct, "not scored 120"), (Colour::Age, "not known 40")]
    {
        press(&mut app, KeyCode::Char('c'));
        assert_eq!(app.views.map.colour, colour);
        assert!(shown(&mut app, 120, 40).contains(words), "{words}: {}", shown(&mut app, 120, 40));
    }
    press(&mut app, KeyCode::Left);
    let under = app.views.map.under().unwrap().path.clone();
    let effects = press(&mut app, KeyCode::Enter);
    assert_eq!((app.screen, app.views.open().is_none()), (ScreenId::Predict, true));
    let [Effect::Job(Job::Open { text, .. })] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(*text, format!("/study/data/sample/{under}"));
}

#[test]
fn a_new_map_is_shown_first_and_the_others_are_a_key_away() {
    let mut app = with_map(DARK);
    let mut second = map();
    second.settings.seed = 7;
    second.points.truncate(40);
    app.update(listed(vec![second, map()]));
    assert_eq!(app.views.map.map().unwrap().points.len(), 40);
    assert!(shown(&mut app, 120, 40).contains("1 of 2 · "));
    press(&mut app, KeyCode::Char(']'));
    assert_eq!(app.views.map.map().unwrap().points.len(), 120);
    press(&mut app, KeyCode::Char(']'));
    assert_eq!(app.views.map.map().unwrap().points.len(), 40);
}
