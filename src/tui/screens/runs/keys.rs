//! The keys of Runs.

use crate::tui::keys::{Action as A, Binding, Context as C, bind, ch, code};
use crossterm::event::KeyCode;

pub(super) const ROWS: &[Binding] = &[
    bind(
        C::Runs,
        &[code(KeyCode::Enter)],
        A::Enter,
        "detail",
        "Shows the settings, note, journal and log of the run; again: the list.",
    ),
    bind(C::Runs, &[ch('n')], A::Note, "note", "Writes a note on the run."),
    bind(C::Runs, &[ch('r')], A::Rename, "rename", "Gives the run a title; its name stays the same."),
    bind(C::Runs, &[ch('P'), ch('*')], A::Pin, "pin", "Pins the run to the top of the list, or unpins it."),
    bind(C::Runs, &[ch('o')], A::Jump, "open", "Opens the screen that shows what the run produced."),
    bind(
        C::Runs,
        &[ch('D'), code(KeyCode::Delete)],
        A::Remove,
        "remove",
        "Moves the marked runs, or the selected one, to the trash with everything they produced; asks first.",
    ),
    bind(
        C::Runs,
        &[ch('u')],
        A::Undo,
        "undo",
        "Restores the runs that were removed last, all of one removal together.",
    ),
    bind(
        C::Runs,
        &[ch('p')],
        A::PauseResume,
        "pause/resume",
        "Pauses or resumes the selected run; one that was killed resumes from its checkpoint.",
    ),
    bind(
        C::Runs,
        &[ch('s')],
        A::Stop,
        "stop, keep best",
        "Stops the selected run and keeps its best model so far; asks first.",
    ),
];
