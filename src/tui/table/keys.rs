//! Keys common to all tables of runs, and keys of what covers a table.

use crate::tui::keys::{Action as A, Binding, Context as C, bind, ch, code, ctrl};
use crossterm::event::KeyCode;

/// The keys of a table on a screen; `reverse` is the key that is free there.
const fn of(context: C, reverse: &'static [crate::tui::keys::Key]) -> [Binding; 14] {
    [
        bind(context, const { &[ch('/')] }, A::Search, "search", "Searches names, notes and settings."),
        bind(context, const { &[ch('f')] }, A::Filter, "filter", "Filters the rows by conditions, as you type."),
        bind(
            context,
            const { &[ch('y')] },
            A::Yank,
            "copy",
            "Copies the run's name, folder, command or row, by a second key.",
        ),
        bind(
            context,
            const { &[ch('N')] },
            A::Clone,
            "clone",
            "Opens the form of such a run, filled with its settings.",
        ),
        bind(
            context,
            const { &[ch('|')] },
            A::Columns,
            "columns",
            "Chooses the columns of the table; the choice is remembered.",
        ),
        bind(
            context,
            const { &[ch('z')] },
            A::Fold,
            "fold",
            "Folds or unfolds a sweep, a cross-validation, a learning curve, a study or a demo.",
        ),
        bind(context, const { &[ch('Z')] }, A::FoldAll, "", "Unfolds all groups, or folds them."),
        bind(
            context,
            const { &[ch('F')] },
            A::Flat,
            "",
            "Groups sweeps and cross-validations, or studies too, or nothing, so that every run is ranked by itself.",
        ),
        bind(
            context,
            const { &[ch('d')] },
            A::Differences,
            "differences",
            "Only the settings in which the marked runs differ, or the members of a group.",
        ),
        bind(context, const { &[ch('>'), ch('.')] }, A::SortNext, "sort", "Sorts by the next column."),
        bind(context, const { &[ch('<'), ch(',')] }, A::SortPrevious, "", "Sorts by the previous column."),
        bind(context, reverse, A::Reverse, "", "Reverses the order."),
        bind(context, const { &[ch(' ')] }, A::Mark, "mark", MARK),
        bind(
            context,
            const { &[ch('x')] },
            A::Compare,
            "compare",
            "Compares the marked models: settings, curves, confusion, images they disagree on.",
        ),
    ]
}

const MARK: &str = "Marks the run, or a group's members, or takes marks away: marked runs are laid over each other on Train and \
                    compared; Esc takes all marks away.";

static TRAIN: [Binding; 14] = of(C::Train, &[ch('r')]);
static RESULTS: [Binding; 14] = of(C::Results, &[ch('r')]);
static RUNS: [Binding; 14] = of(C::Runs, &[ch('R')]);

/// What covers a table, and the keys during a search.
static OVER: [Binding; 29] = [
    bind(C::Found, &[ch('n')], A::NextMatch, "next match", "To the next match."),
    bind(C::Found, &[ch('b')], A::PreviousMatch, "previous match", "To the previous match."),
    bind(C::Found, &[code(KeyCode::Esc)], A::Cancel, "end search", "Ends the search."),
    bind(C::Columns, &[ch(' '), code(KeyCode::Enter)], A::Accept, "show or hide", "Shows or hides the column."),
    bind(C::Columns, &[ch('r')], A::UsualColumns, "as usual", "Resets to the default or configured columns."),
    bind(C::Columns, &[code(KeyCode::Esc), ch('|'), ch('q')], A::Cancel, "close", "Closes the list of columns."),
    bind(C::Columns, &[code(KeyCode::Down), ch('j')], A::Down, "", "One line down."),
    bind(C::Columns, &[code(KeyCode::Up), ch('k')], A::Up, "", "One line up."),
    bind(C::Columns, &[code(KeyCode::Home), ch('g')], A::Top, "", "To the first line."),
    bind(C::Columns, &[code(KeyCode::End), ch('G')], A::Bottom, "", "To the last line."),
    bind(C::Columns, &[ctrl('c')], A::Quit, "", "Quits."),
    bind(C::Yank, &[ch('n')], A::YankName, "name", "Copies the run's name."),
    bind(C::Yank, &[ch('p')], A::YankPath, "folder", "Copies the path of its folder."),
    bind(C::Yank, &[ch('c')], A::YankCommand, "command line", "Copies the equivalent command line."),
    bind(C::Yank, &[ch('r'), ch('y')], A::YankRow, "row", "Copies the row with its heading, for a spreadsheet."),
    bind(C::Yank, &[ch('R')], A::YankRows, "marked rows", "Copies the rows of the marked runs with their heading."),
    bind(C::Yank, &[code(KeyCode::Esc), ch('q')], A::Cancel, "cancel", "Copies nothing."),
    bind(C::Yank, &[ctrl('c')], A::Quit, "", "Quits."),
    bind(
        C::Differences,
        &[code(KeyCode::Esc), ch('d'), ch('q'), code(KeyCode::Enter)],
        A::Cancel,
        "close",
        "Closes the differences.",
    ),
    bind(C::Differences, &[code(KeyCode::Down), ch('j')], A::Down, "", "One setting down."),
    bind(C::Differences, &[code(KeyCode::Up), ch('k')], A::Up, "", "One setting up."),
    bind(C::Differences, &[code(KeyCode::Right), ch('l')], A::Right, "", "To the next run."),
    bind(C::Differences, &[code(KeyCode::Left), ch('h')], A::Left, "", "To the previous run."),
    bind(C::Differences, &[code(KeyCode::PageDown), ctrl('f')], A::PageDown, "", "Ten settings down."),
    bind(C::Differences, &[code(KeyCode::PageUp), ctrl('b')], A::PageUp, "", "Ten settings up."),
    bind(C::Differences, &[code(KeyCode::Home), ch('g')], A::Top, "", "To the first setting."),
    bind(C::Differences, &[code(KeyCode::End), ch('G')], A::Bottom, "", "To the last setting."),
    bind(C::Differences, &[ctrl('c')], A::Quit, "", "Quits."),
    bind(C::Columns, &[code(KeyCode::PageDown), ctrl('f')], A::PageDown, "", "Ten lines down."),
];

/// All of them.
pub fn rows() -> impl Iterator<Item = &'static Binding> {
    TRAIN.iter().chain(&RESULTS).chain(&RUNS).chain(&OVER)
}
