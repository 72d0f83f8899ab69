//! The keys of the view of a study.

use crate::tui::keys::{Action as A, Binding, Context as C, bind, ch, code};
use crossterm::event::KeyCode;

pub const ROWS: &[Binding] = &[
    bind(
        C::Study,
        &[code(KeyCode::Enter)],
        A::Enter,
        "start/show",
        "Starts the step under the cursor; of one that is done or at work, shows its run.",
    ),
    bind(C::Study, &[ch('o')], A::Jump, "its run", "To the screen that shows the run of the step."),
    bind(C::Study, &[ch('f')], A::StudyFile, "files", "Lists the study files there are."),
    bind(C::Study, &[ch('/'), ch('i')], A::TypePath, "type a path", "Opens a line for the path of a study file."),
    bind(C::Study, &[ch('p')], A::PauseResume, "pause/resume", "Pauses or resumes the run of the step."),
    bind(C::Study, &[ch('s')], A::Stop, "stop", "Stops the run of the step, after a question."),
    bind(C::Study, &[code(KeyCode::Esc), code(KeyCode::Backspace)], A::Cancel, "close", "Back to the screen."),
    bind(C::StudyFiles, &[code(KeyCode::Enter)], A::Enter, "open", "Shows the steps of the study under the cursor."),
    bind(C::StudyFiles, &[ch('/'), ch('i')], A::TypePath, "type a path", "Opens a line for the path of a study file."),
    bind(C::StudyFiles, &[code(KeyCode::Esc), code(KeyCode::Backspace)], A::Cancel, "close", "Closes the list."),
];
