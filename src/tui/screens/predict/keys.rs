//! The keys of Predict.

use crate::tui::keys::{Action as A, Binding, Context as C, bind, ch, code};
use crossterm::event::KeyCode;

pub(super) const ROWS: &[Binding] = &[
    bind(
        C::Predict,
        &[code(KeyCode::Enter), code(KeyCode::Right), ch('l')],
        A::Enter,
        "predict/open",
        "Predicts the image, or opens the folder. From then on, moving the cursor predicts.",
    ),
    bind(
        C::Predict,
        &[code(KeyCode::Backspace), code(KeyCode::Left), ch('h')],
        A::Parent,
        "up",
        "To the folder above.",
    ),
    bind(C::Predict, &[ch('/'), ch('i')], A::TypePath, "type a path", "Opens a line to type or paste a path."),
    bind(
        C::Predict,
        &[ch('f')],
        A::Faces,
        "face",
        "What the network sees: the square around the face, the aligned face, the whole picture, or as the model was trained.",
    ),
    bind(
        C::Predict,
        &[ch('x')],
        A::Why,
        "explain",
        "Shows or hides a map of the regions that the prediction depends on.",
    ),
    bind(C::Predict, &[ch('w')], A::SaveHistory, "save", "Saves the predictions of this session as a CSV file."),
];
