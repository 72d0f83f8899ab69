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
        "Sets a corner of a rectangle; the second one selects the images between them. So does dragging the mouse.",
    ),
    bind(C::Map, &[ch('x')], A::Unmark, "", "Chooses none."),
    bind(
        C::Map,
        &[ch('f')],
        A::OneGroup,
        "group",
        "Keeps of the images in the rectangle those of one colour, such as the wrong ones; then the next, then all.",
    ),
    bind(
        C::Map,
        &[ch('i')],
        A::Sheet,
        "images",
        "Shows the selected images as a contact sheet on Data; Evaluate shows the mistakes among them.",
    ),
    bind(C::Map, &[code(KeyCode::Enter)], A::Picture, "predict", "Predicts the picture under the cursor."),
    bind(C::Map, &[ch('r')], A::NextModel, "run", "Shows right and wrong of the next run."),
    bind(C::Map, &[ch(']')], A::NextKind, "other map", "The next map of this data set."),
    bind(C::Map, &[ch('[')], A::PreviousKind, "", "The previous map."),
    bind(
        C::Map,
        &[ch('e')],
        A::Export,
        "export",
        "Writes the map (.svg, .png), the list of the selected images (.txt for 'predict --list') or decisions about them (.csv for \
         'data decide --from').",
    ),
    bind(C::Map, &[ch('s')], A::Stop, "stop", "Stops the map that is running; asks first."),
    bind(C::Map, &[code(KeyCode::Left), ch('h')], A::Left, "", "The cursor to the left."),
    bind(C::Map, &[code(KeyCode::Right), ch('l')], A::Right, "", "The cursor to the right."),
    bind(C::Map, &[ch('H')], A::PanLeft, "", "The cursor far to the left."),
    bind(C::Map, &[ch('L')], A::PanRight, "", "The cursor far to the right."),
    bind(
        C::Map,
        &[code(KeyCode::Esc), code(KeyCode::Backspace)],
        A::Cancel,
        "close",
        "Clears the selection, else goes back to the screen.",
    ),
];
