//! The keys of Evaluate.

use crate::tui::keys::{Action as A, Binding, Context as C, Key, bind, ch, code};
use crossterm::event::KeyCode;

pub(super) const ROWS: &[Binding] = &[
    bind(
        C::Evaluate,
        &[code(KeyCode::Enter)],
        A::KeepThreshold,
        "keep",
        "Makes Predict use this model with this threshold.",
    ),
    bind(
        C::Evaluate,
        &[code(KeyCode::Left), ch('h')],
        A::ThresholdDown,
        "threshold",
        "Lowers the threshold by a small step.",
    ),
    bind(C::Evaluate, &[code(KeyCode::Right), ch('l')], A::ThresholdUp, "", "Raises the threshold by a small step."),
    bind(
        C::Evaluate,
        &[ch('H'), Key { code: KeyCode::Left, ctrl: true }],
        A::ThresholdFarDown,
        "",
        "Lowers the threshold by ten small steps.",
    ),
    bind(
        C::Evaluate,
        &[ch('L'), Key { code: KeyCode::Right, ctrl: true }],
        A::ThresholdFarUp,
        "",
        "Raises the threshold by ten small steps.",
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
        "To the threshold where both classes have the same error rate (EER).",
    ),
    bind(C::Evaluate, &[ch('r')], A::OwnThreshold, "", "Back to the threshold chosen at the end of training."),
    bind(C::Evaluate, &[ch(']'), ch('n')], A::NextModel, "model", "The next model."),
    bind(C::Evaluate, &[ch('['), ch('b')], A::PreviousModel, "", "The previous model."),
    bind(
        C::Evaluate,
        &[ch('t')],
        A::OtherSplit,
        "test",
        "Switches between validation and test; opening the test set asks first.",
    ),
    bind(C::Evaluate, &[ch('o')], A::Picture, "predict it", "Predicts the misclassified image under the cursor."),
    bind(
        C::Evaluate,
        &[ch('c')],
        A::GroupBy,
        "groups",
        "Accuracy by the next column of the data set: age, source, fold or any of its attributes.",
    ),
    bind(
        C::Evaluate,
        &[ch('w')],
        A::Nearest,
        "nearest",
        "For a knn run, the training images whose votes made the mistake under the cursor.",
    ),
    bind(
        C::Evaluate,
        &[ch('m')],
        A::Selected,
        "selected",
        "Lists only the mistakes among the images selected on the map of features, or all again.",
    ),
    bind(C::Evaluate, &[ch('v')], A::Pane, "", "The next panel, where not all fit."),
    bind(C::Nearest, &[code(KeyCode::Down), ch('j')], A::Down, "next", "The next misclassified image."),
    bind(C::Nearest, &[code(KeyCode::Up), ch('k')], A::Up, "", "The previous one."),
    bind(C::Nearest, &[code(KeyCode::Enter), ch('o')], A::Picture, "predict it", "Predicts the image on Predict."),
    bind(C::Nearest, &[code(KeyCode::Esc), code(KeyCode::Backspace)], A::Cancel, "close", "Back to Evaluate."),
];
