//! The keys of Evaluate.

use crate::tui::keys::{Action as A, Binding, Context as C, Key, bind, ch, code};
use crossterm::event::KeyCode;

pub(super) const ROWS: &[Binding] = &[
    bind(
        C::Evaluate,
        &[code(KeyCode::Enter)],
        A::KeepThreshold,
        "keep",
        "Makes this model with this threshold the one that Predict uses.",
    ),
    bind(
        C::Evaluate,
        &[code(KeyCode::Left), ch('h')],
        A::ThresholdDown,
        "threshold",
        "Moves the threshold down a little.",
    ),
    bind(C::Evaluate, &[code(KeyCode::Right), ch('l')], A::ThresholdUp, "", "Moves the threshold up a little."),
    bind(
        C::Evaluate,
        &[ch('H'), Key { code: KeyCode::Left, ctrl: true }],
        A::ThresholdFarDown,
        "",
        "Moves the threshold down by ten small steps.",
    ),
    bind(
        C::Evaluate,
        &[ch('L'), Key { code: KeyCode::Right, ctrl: true }],
        A::ThresholdFarUp,
        "",
        "Moves the threshold up by ten small steps.",
    ),
    bind(
        C::Evaluate,
        &[ch('a')],
        A::BestAccuracy,
        "accuracy",
        "To the threshold with the highest accuracy on validation.",
    ),
    bind(
        C::Evaluate,
        &[ch('y')],
        A::BestYouden,
        "Youden",
        "To the threshold with the highest Youden's J on validation.",
    ),
    bind(
        C::Evaluate,
        &[ch('e')],
        A::EqualErrors,
        "equal errors",
        "To the threshold where both classes' error rates are equal.",
    ),
    bind(C::Evaluate, &[ch('r')], A::OwnThreshold, "", "Back to the threshold that was chosen at the end of training."),
    bind(C::Evaluate, &[ch(']'), ch('n')], A::NextModel, "model", "The next model."),
    bind(C::Evaluate, &[ch('['), ch('b')], A::PreviousModel, "", "The model before."),
    bind(
        C::Evaluate,
        &[ch('t')],
        A::OtherSplit,
        "test",
        "Figures on the test set, opened after a question, or again on validation.",
    ),
    bind(C::Evaluate, &[ch('o')], A::Picture, "predict it", "Predicts the picture of the mistake under the cursor."),
    bind(
        C::Evaluate,
        &[ch('w')],
        A::Nearest,
        "nearest",
        "For a knn run, the training images that told the mistake under the cursor wrong.",
    ),
    bind(C::Evaluate, &[ch('v')], A::Pane, "", "The next parts, where there is no room for all."),
];
