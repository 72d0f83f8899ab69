//! The keys of the map of features.

use crate::tui::keys::{Action as A, Binding, Context as C, bind, ch, code};
use crossterm::event::KeyCode;

pub const ROWS: &[Binding] = &[
    bind(C::Map, &[ch('n')], A::New, "new map", "Opens the form that makes a map of the current data set."),
    bind(C::Map, &[ch('c')], A::Colour, "colours", "What colours mean: class, split, right or wrong, age."),
    bind(
        C::Map,
        &[ch(' ')],
        A::Mark,
        "corner",
        "Sets a corner of a rectangle; the second one chooses the images between them. So does dragging the mouse.",
    ),
    bind(C::Map, &[ch('x')], A::Unmark, "", "Chooses none."),
    bind(C::Map, &[code(KeyCode::Enter)], A::Picture, "predict", "Predicts the picture under the cursor."),
    bind(C::Map, &[ch('r')], A::NextModel, "run", "Shows right and wrong of the next run."),
    bind(C::Map, &[ch(']')], A::NextKind, "other map", "The next map of this data set."),
    bind(C::Map, &[ch('[')], A::PreviousKind, "", "The map before."),
    bind(
        C::Map,
        &[ch('e')],
        A::Export,
        "export",
        "Writes the map as .svg or .png, or the list of the chosen images as .txt, which 'predict --list' takes.",
    ),
    bind(C::Map, &[ch('s')], A::Stop, "stop", "Stops the map at work, after a question."),
    bind(C::Map, &[code(KeyCode::Left), ch('h')], A::Left, "", "The cursor to the left."),
    bind(C::Map, &[code(KeyCode::Right), ch('l')], A::Right, "", "The cursor to the right."),
    bind(C::Map, &[ch('H')], A::PanLeft, "", "The cursor far to the left."),
    bind(C::Map, &[ch('L')], A::PanRight, "", "The cursor far to the right."),
    bind(
        C::Map,
        &[code(KeyCode::Esc), code(KeyCode::Backspace)],
        A::Cancel,
        "close",
        "Chooses none, else back to the screen.",
    ),
];
