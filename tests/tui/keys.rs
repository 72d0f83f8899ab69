//! The key table, other keys for its actions, and what finds them: palette, help, a click on the footer.

use super::study::{DARK, MONO, on_screen, press, shown};
use crossterm::event::{KeyCode, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use faceprobe::tui::app::App;
use faceprobe::tui::event::Event;
use faceprobe::tui::keys::{self, Action, Binding, Context, Displaced, Key, Rebound, action_name};
use faceprobe::tui::palette;
use faceprobe::tui::shared::{Overlay, Target};
use faceprobe::tui::stages::ScreenId;
use faceprobe_core::config::Config;
use std::collections::BTreeSet;
use std::path::Path;

fn rebound(text: &str) -> Result<Vec<Binding>, String> {
    rebound_of(&keys::own_table(), text).map(|rebound| rebound.rows)
}

fn rebound_of(own: &[Binding], text: &str) -> Result<Rebound, String> {
    let mut config = Config::default();
    let read = config.add(Path::new("/c.toml"), &format!("[keys]\n{text}"));
    read.and_then(|()| keys::rebound(own, &config.section("keys"))).map_err(|error| error.to_string())
}

fn keys_of(rows: &[Binding], name: &str) -> Vec<String> {
    let row = rows.iter().find(|row| action_name(row) == name);
    row.map(|row| row.keys.iter().map(|key| key.name()).collect()).unwrap_or_default()
}

#[test]
fn every_action_has_a_name_of_its_own_a_key_and_a_sentence() {
    let own = keys::own_table();
    let mut names = BTreeSet::new();
    for row in &own {
        let name = action_name(row);
        let (screen, action) = name.split_once('.').unwrap();
        let plain =
            |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || "_0123456789".contains(c));
        assert!(plain(screen) && plain(action), "{name}");
        assert!(!row.keys.is_empty() && row.help.len() > 4 && row.help.ends_with('.'), "{name}");
        for key in row.keys {
            assert_eq!(Key::parse(&key.name()), Ok(*key), "{name}: its key can be written in a file");
        }
        assert!(names.insert(name.clone()), "{name} is there twice");
    }
    // Files of users have these: they stay what they are called.
    for name in [
        "global.quit",
        "global.help",
        "global.palette",
        "global.go_data",
        "global.go_runs",
        "global.page_down",
        "data.new",
        "audit.drop_image",
        "features.extract",
        "train.pause_resume",
        "train.log_scale",
        "results.open_test",
        "results.sort_next",
        "compare.other_split",
        "evaluate.threshold_far_down",
        "predict.type_path",
        "runs.stop",
        "runs.remove",
        "form.accept",
        "prompt.cancel",
        "confirm.accept",
        "palette.down",
        "help.cancel",
    ] {
        assert!(names.contains(name), "{name} is gone");
    }
    // Nothing, configured, is the table as it comes.
    let same = rebound("").unwrap();
    assert!(own.iter().zip(&same).all(|(own, same)| own.keys == same.keys));
}

#[test]
fn an_action_takes_other_keys_and_gives_up_its_own() {
    let rows = rebound("runs.stop = 'ctrl-x'\nglobal.help = ['F1', 'ctrl-h']\n[keys.train]\nsweep = 's'\nstop = 'S'\n")
        .unwrap();
    assert_eq!(keys_of(&rows, "runs.stop"), ["Ctrl-X"]);
    assert_eq!(keys_of(&rows, "global.help"), ["F1", "Ctrl-H"]);
    // Two that change places do not meet.
    assert_eq!((keys_of(&rows, "train.sweep"), keys_of(&rows, "train.stop")), (vec!["s".into()], vec!["S".into()]));
    assert_eq!(keys_of(&rows, "runs.pause_resume"), ["p"]);
    // No key at all is a wish too.
    assert!(keys_of(&rebound("runs.remove = []").unwrap(), "runs.remove").is_empty());
    for (written, name) in
        [("PageUp", "PgUp"), ("shift-tab", "Shift-Tab"), ("ctrl+left", "Ctrl-←"), ("space", "Space"), ("é", "é")]
    {
        assert_eq!(Key::parse(written).map(Key::name), Ok(name.to_owned()));
    }
}

#[test]
fn a_default_that_came_later_gives_way_to_the_users_key() {
    let mut own = keys::own_table();
    // What a later version could bring: an action of its own, and another key for an old one.
    let new = |context, keys, action| Binding { context, keys, action, label: "", help: "" };
    const TWO: &[Key] = &[keys::ch('Q'), keys::ch('Z')];
    own.push(new(Context::Runs, TWO, Action::Sheet));
    let at = own.iter().position(|row| action_name(row) == "global.theme").unwrap();
    const THEME: &[Key] = &[keys::ch('T'), keys::code(KeyCode::F(9))];
    own[at].keys = THEME;
    let Rebound { rows, displaced } =
        rebound_of(&own, "runs.stop = ['Q', 'F9']\nglobal.help = 'F1'\n").expect("the workbench starts");
    assert_eq!(keys_of(&rows, "runs.stop"), ["Q", "F9"]);
    assert_eq!((keys_of(&rows, "runs.sheet"), keys_of(&rows, "global.theme")), (vec!["Z".into()], vec!["T".into()]));
    let off = |action: &str, key| Displaced { action: action.into(), key, by: "runs.stop".into() };
    assert_eq!(displaced, [off("global.theme", keys::code(KeyCode::F(9))), off("runs.sheet", keys::ch('Q'))]);
    // Two of the user's own are refused as before, and so is an old default.
    let both = rebound_of(&own, "runs.sheet = 'Q'\nruns.stop = 'Q'\n").map(|_| ()).unwrap_err();
    assert!(both.contains("runs.stop: Q is runs.sheet there"), "{both}");
    let old = rebound_of(&own, "runs.stop = 'D'\n").map(|_| ()).unwrap_err();
    assert!(old.contains("D is runs.remove there, which is its own key"), "{old}");
    // Nothing is off where nothing meets.
    assert_eq!(rebound_of(&own, "runs.stop = 'F12'\n").unwrap().displaced, []);
}

#[test]
fn keys_that_cannot_be_are_refused_with_their_place() {
    for (text, told) in [
        ("runs.stop = 'D'", "/c.toml:2:13: runs.stop: D is runs.remove there, which is its own key; take another key"),
        ("\nruns.stop = 'Q'\n runs.note = 'Q'", "/c.toml:4:14: runs.note: Q is runs.stop there; take another key"),
        ("runs.stop = 'q'", "/c.toml:2:13: runs.stop: q is global.quit there"),
        ("global.theme = 'n'", "/c.toml:2:16: global.theme: n is data.new there"),
        ("runs.halt = 'X'", "/c.toml:2:6: there is no action runs.halt"),
        ("runs.stopp = 'X'", "did you mean runs.stop?"),
        ("runs.stop = 'alt-x'", "/c.toml:2:13: runs.stop: \"alt-x\" is not a key"),
        ("runs.stop = ''", "is not a key"),
        ("runs.stop = 'F13'", "is not a key"),
        ("runs.stop = 'ctrl-ctrl-x'", "is not a key"),
        ("runs.stop = 'Ctrl-I'", "reaches programs as Tab"),
        ("runs.stop = \"\\u001b\"", "is not a key"),
        ("runs.stop = 3", "/c.toml:2:13: runs.stop must be words in quotes or a list of them, not 3."),
        ("prompt.accept = 'x'", "/c.toml:2:17: prompt.accept: x is typed into the line there"),
        ("global.quit = []", "/c.toml:2:15: global.quit needs a key"),
    ] {
        let error = rebound(text).map(|_| ()).unwrap_err();
        assert!(error.contains(told) && !error.contains('\n'), "{text}: {error}");
    }
}

fn first(screen: ScreenId, typed: &str) -> (Context, Action) {
    let found = palette::found(&on_screen(DARK, screen), typed);
    (found[0].binding.context, found[0].binding.action)
}

#[test]
fn the_palette_finds_by_meaning() {
    for typed in ["delete", "trash", "erase", "remove"] {
        assert_eq!(first(ScreenId::Runs, typed), (Context::Runs, Action::Remove), "{typed}");
        assert_eq!(first(ScreenId::Train, typed).1, Action::Remove, "{typed}, from another screen");
    }
    for (screen, typed, action) in [
        (ScreenId::Train, "abort", Action::Stop),
        (ScreenId::Runs, "kill", Action::Stop),
        (ScreenId::Train, "grid search", Action::Sweep),
        (ScreenId::Train, "k-fold", Action::Folds),
        (ScreenId::Predict, "saliency", Action::Why),
        (ScreenId::Results, "download", Action::Export),
        (ScreenId::Data, "exit", Action::Quit),
        (ScreenId::Data, "duplicates", Action::Audit),
        (ScreenId::Evaluate, "eer", Action::EqualErrors),
        (ScreenId::Runs, "restore", Action::Undo),
        (ScreenId::Data, "colour", Action::Theme),
    ] {
        assert_eq!(first(screen, typed).1, action, "{typed}");
    }
    assert!(palette::found(&on_screen(DARK, ScreenId::Data), "qqqqzzzz").is_empty());
}

#[test]
fn the_help_is_searched_as_one_types() {
    let mut app = on_screen(DARK, ScreenId::Runs);
    press(&mut app, KeyCode::Char('?'));
    let whole = shown(&mut app, 100, 40);
    assert!(whole.contains("Type to search") && whole.contains("Writes a note"), "{whole}");
    // q is a letter here, like all others; a word that the rows do not say finds them too.
    for letter in "delete".chars() {
        press(&mut app, KeyCode::Char(letter));
    }
    let found = shown(&mut app, 100, 40);
    assert!(found.contains("to the trash") && !found.contains("Writes a note"), "{found}");
    press(&mut app, KeyCode::Esc);
    assert!(shown(&mut app, 100, 40).contains("Writes a note"), "Esc clears the search first");
    for letter in "ctrl-z".chars() {
        press(&mut app, KeyCode::Char(letter));
    }
    let found = shown(&mut app, 100, 40);
    assert!(found.contains("Suspends") && !found.contains("Redraws"), "{found}");
    for letter in " quux".chars() {
        press(&mut app, KeyCode::Char(letter));
    }
    assert!(shown(&mut app, 100, 40).contains("No key for that."));
    press(&mut app, KeyCode::Esc);
    press(&mut app, KeyCode::End);
    press(&mut app, KeyCode::Down);
    press(&mut app, KeyCode::Up);
    assert!(shown(&mut app, 100, 40).contains("Settings that differ"));
    press(&mut app, KeyCode::Esc);
    assert!(app.shared.overlay.is_none());
}

fn click(app: &mut App, at: (u16, u16)) {
    let kind = MouseEventKind::Down(MouseButton::Left);
    app.update(Event::Mouse(MouseEvent { kind, column: at.0, row: at.1, modifiers: KeyModifiers::NONE }));
}

/// The place in the footer of a key with its word.
fn footer_place(app: &mut App, text: &str, width: u16, height: u16) -> (u16, u16) {
    let screen = shown(app, width, height);
    let line = screen.lines().nth(usize::from(height) - 1).unwrap();
    let at = line.find(text).unwrap_or_else(|| panic!("no {text:?} in {line:?}"));
    (line[..at].chars().count() as u16 + 1, height - 1)
}

#[test]
fn a_click_on_the_footer_is_its_key() {
    for (width, height) in [(120, 40), (80, 24)] {
        let mut app = on_screen(DARK, ScreenId::Results);
        let at = footer_place(&mut app, "c choose", width, height);
        click(&mut app, at);
        let chosen = app.update(Event::Key(KeyCode::Char('c').into()));
        assert!(!chosen.is_empty(), "the key does what the click did");
        let help = footer_place(&mut app, "? help", width, height);
        click(&mut app, help);
        assert!(matches!(app.shared.overlay, Some(Overlay::Help(_))));
        // Now the footer is the help's, and rows beneath it are out of reach.
        let row = app.shared.hits.iter().find(|(_, target)| matches!(target, Target::Row(_))).map(|(area, _)| *area);
        let selected = app.screens.results.table.selected.clone();
        if let Some(row) = row {
            click(&mut app, (row.x, row.y));
        }
        assert_eq!(app.screens.results.table.selected, selected);
        let close = footer_place(&mut app, "Esc close", width, height);
        click(&mut app, close);
        assert!(app.shared.overlay.is_none());
    }
    // Every place of every footer belongs to what stands there.
    for screen in ScreenId::ALL {
        let mut app = on_screen(DARK, screen);
        shown(&mut app, 80, 24);
        let keys: Vec<_> =
            app.shared.hits.iter().filter(|(_, target)| matches!(target, Target::Key(_))).cloned().collect();
        assert!(keys.len() >= 2, "{screen:?}");
        for pair in keys.windows(2) {
            assert!(pair[0].0.right() <= pair[1].0.x, "{screen:?}: two keys in one place");
        }
    }
}

#[test]
fn help_and_palette_look_as_they_should() {
    for (width, height) in [(80, 24), (120, 40), (200, 60), (40, 12)] {
        for (kind, theme) in [("colour", DARK), ("mono", MONO)] {
            let mut app = on_screen(theme, ScreenId::Runs);
            press(&mut app, KeyCode::Char('?'));
            insta::assert_snapshot!(format!("help_{kind}_{width}x{height}"), shown(&mut app, width, height));
            "sort".chars().for_each(|letter| drop(press(&mut app, KeyCode::Char(letter))));
            insta::assert_snapshot!(format!("help_sort_{kind}_{width}x{height}"), shown(&mut app, width, height));
            press(&mut app, KeyCode::Esc);
            press(&mut app, KeyCode::Esc);
            press(&mut app, KeyCode::Char(':'));
            "delete".chars().for_each(|letter| drop(press(&mut app, KeyCode::Char(letter))));
            insta::assert_snapshot!(format!("palette_delete_{kind}_{width}x{height}"), shown(&mut app, width, height));
        }
    }
}
