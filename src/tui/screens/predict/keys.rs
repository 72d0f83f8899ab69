//! The keys of Predict.

use crate::tui::keys::{Action as A, Binding, Context as C, bind, ch, code};
use crossterm::event::KeyCode;

pub(super) const ROWS: &[Binding] = &[
    bind(
        C::Predict,
        &[code(KeyCode::Enter), code(KeyCode::Right), ch('l')],
        A::Enter,
        "predict/open",
        "Predicts the image, or opens the folder. From then on, moving predicts.",
    ),
    bind(
        C::Predict,
        &[code(KeyCode::Backspace), code(KeyCode::Left), ch('h')],
        A::Parent,
        "up",
        "To the folder above.",
    ),
    bind(C::Predict, &[ch('/'), ch('i')], A::TypePath, "type a path", "Opens a line to type or paste a path into."),
    bind(
        C::Predict,
        &[ch('f')],
        A::Faces,
        "face",
        "What the network is shown: the square around the face, the face aligned, the whole picture, or what the model knows.",
    ),
    bind(
        C::Predict,
        &[ch('x')],
        A::Why,
        "explain",
        "Lays a map of what counts for the answer over the picture. Again: takes it away.",
    ),
    bind(C::Predict, &[ch('w')], A::SaveHistory, "save", "Writes the predictions of this session into a CSV file."),
];
