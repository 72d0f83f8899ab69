//! The keys of Runs.

use crate::tui::keys::{Action as A, Binding, Context as C, bind, ch, code};
use crossterm::event::KeyCode;

pub(super) const ROWS: &[Binding] = &[
    bind(
        C::Runs,
        &[code(KeyCode::Enter)],
        A::Enter,
        "detail",
        "Settings, note, journal and log of the run; again, the list.",
    ),
    bind(C::Runs, &[ch('n')], A::Note, "note", "Writes a note on the run."),
    bind(C::Runs, &[ch('r')], A::Rename, "rename", "Gives the run a title; its name stays."),
    bind(C::Runs, &[ch('P'), ch('*')], A::Pin, "pin", "Lists the run first, or by its time again."),
    bind(C::Runs, &[ch('o')], A::Jump, "open", "To the screen that shows what the run made."),
    bind(
        C::Runs,
        &[ch('D'), code(KeyCode::Delete)],
        A::Remove,
        "remove",
        "Puts the run with everything it made into the trash, after a question.",
    ),
    bind(C::Runs, &[ch('u')], A::Undo, "undo", "Brings the run back that was removed last."),
    bind(
        C::Runs,
        &[ch('p')],
        A::PauseResume,
        "pause/resume",
        "Pauses the selected run, or lets it go on; after a kill, from its checkpoint.",
    ),
    bind(C::Runs, &[ch('s')], A::Stop, "stop", "Stops the selected run, after a question."),
];
