//! The keys of Results, with the comparison.

use crate::tui::keys::{Action as A, Binding, Context as C, bind, ch, code};
use crossterm::event::KeyCode;

pub(super) const ROWS: &[Binding] = &[
    bind(
        C::Results,
        &[code(KeyCode::Enter)],
        A::Enter,
        "evaluate",
        "Evaluates the selected model; with marked models, compares them.",
    ),
    bind(C::Results, &[ch('c')], A::Choose, "choose", "Makes Predict use the selected model."),
    bind(
        C::Results,
        &[ch('t')],
        A::OpenTest,
        "open test",
        "Scores the selected model on its test split and records that; asks first.",
    ),
    bind(
        C::Results,
        &[ch('E')],
        A::Ensemble,
        "",
        "Combines the marked fine-tuned runs into one model, the mean of their logits.",
    ),
    bind(
        C::Results,
        &[ch('R')],
        A::Refit,
        "",
        "Trains the selected model again on training and validation together; asks first.",
    ),
    bind(C::Results, &[ch('e')], A::Export, "export", "Saves the table as shown: CSV, Markdown or LaTeX."),
    bind(
        C::Results,
        &[ch('m')],
        A::BySetting,
        "mean",
        "Switches between mean and spread by setting, and one line per run.",
    ),
    bind(
        C::Compare,
        &[code(KeyCode::Esc)],
        A::Cancel,
        "back",
        "Back to the table; the marks stay until you cancel there too.",
    ),
    bind(C::Compare, &[code(KeyCode::Backspace)], A::Parent, "", "Back to the table."),
    bind(
        C::Compare,
        &[code(KeyCode::Enter)],
        A::Large,
        "large chart",
        "Lays the curves over each other on the whole screen.",
    ),
    bind(C::Compare, &[ch('v')], A::Pane, "", "The next panel, where not all fit."),
    bind(
        C::Compare,
        &[ch('t')],
        A::OtherSplit,
        "validation/test",
        "Switches between validation and test, where the test set was opened.",
    ),
    bind(C::Compare, &[ch('o')], A::Picture, "predict it", "Predicts the picture under the cursor."),
];
