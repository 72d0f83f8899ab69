//! The keys of Results, with the comparison.

use crate::tui::keys::{Action as A, Binding, Context as C, bind, ch, code};
use crossterm::event::KeyCode;

pub(super) const ROWS: &[Binding] = &[
    bind(
        C::Results,
        &[code(KeyCode::Enter)],
        A::Enter,
        "evaluate",
        "To the selected model's figures; with marked models, puts them side by side.",
    ),
    bind(C::Results, &[ch('c')], A::Choose, "choose", "Makes the selected model the one that Predict uses."),
    bind(
        C::Results,
        &[ch('t')],
        A::OpenTest,
        "open test",
        "Scores the selected model on its test split, after a question, and records that.",
    ),
    bind(
        C::Results,
        &[ch('E')],
        A::Ensemble,
        "",
        "Makes one model of the marked fine-tuned runs, the mean of their logits.",
    ),
    bind(
        C::Results,
        &[ch('R')],
        A::Refit,
        "",
        "Trains the selected model anew on training and validation together, after a question.",
    ),
    bind(C::Results, &[ch(' ')], A::Mark, "mark", "Marks the selected model, or takes its mark away."),
    bind(C::Results, &[ch('x')], A::Compare, "compare", "Puts the marked models side by side."),
    bind(C::Results, &[ch('/')], A::Filter, "filter", "Shows only models that fulfil conditions, as you type them."),
    bind(C::Results, &[ch('e')], A::Export, "export", "Writes the table as it is shown: CSV, Markdown or LaTeX."),
    bind(C::Results, &[ch('m')], A::BySetting, "mean", "Mean and spread by setting, or one line per run."),
    bind(
        C::Results,
        &[ch('>'), ch('.'), code(KeyCode::Right), ch('l')],
        A::SortNext,
        "sort",
        "Sorts by the next column.",
    ),
    bind(
        C::Results,
        &[ch('<'), ch(','), code(KeyCode::Left), ch('h')],
        A::SortPrevious,
        "",
        "Sorts by the column before.",
    ),
    bind(C::Results, &[ch('r')], A::Reverse, "reverse", "Turns the order round."),
    bind(
        C::Compare,
        &[code(KeyCode::Esc)],
        A::Cancel,
        "back",
        "Back to the table; the marks stay until Esc is pressed there.",
    ),
    bind(C::Compare, &[code(KeyCode::Backspace)], A::Parent, "", "Back to the table."),
    bind(
        C::Compare,
        &[code(KeyCode::Enter)],
        A::Large,
        "large chart",
        "Lays the curves over each other on the whole screen.",
    ),
    bind(C::Compare, &[ch('v')], A::Pane, "", "The next part, where there is no room for all."),
    bind(
        C::Compare,
        &[ch('t')],
        A::OtherSplit,
        "validation/test",
        "Compares on test, where it was opened, or again on validation.",
    ),
    bind(C::Compare, &[ch('o')], A::Picture, "predict it", "Predicts the picture under the cursor."),
];
