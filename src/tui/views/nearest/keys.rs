//! The keys of the view of the nearest training images.

use crate::tui::keys::{Action as A, Binding, Context as C, bind, ch, code};
use crossterm::event::KeyCode;

pub(super) const ROWS: &[Binding] = &[
    bind(C::Nearest, &[code(KeyCode::Down), ch('j')], A::Down, "next", "The next of the images told wrong."),
    bind(C::Nearest, &[code(KeyCode::Up), ch('k')], A::Up, "", "The one before."),
    bind(C::Nearest, &[code(KeyCode::Enter), ch('o')], A::Picture, "predict it", "Predicts the image on Predict."),
    bind(C::Nearest, &[code(KeyCode::Esc), code(KeyCode::Backspace)], A::Cancel, "close", "Back to Evaluate."),
];
