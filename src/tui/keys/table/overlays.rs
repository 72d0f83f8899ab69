//! The keys of what lies over a screen: forms, lines to type into, questions, the help, the palette.

use super::super::key::{ch, code, ctrl};
use super::super::{Action as A, Binding, Context as C};
use super::bind;
use crossterm::event::KeyCode;

pub(super) const ROWS: &[Binding] = &[
    bind(C::Form, &[code(KeyCode::Enter), ctrl('s')], A::Accept, "start", "Checks the form and starts the run."),
    bind(C::Form, &[code(KeyCode::Down)], A::Down, "next", "To the next field."),
    bind(
        C::Form,
        &[code(KeyCode::Tab)],
        A::Complete,
        "complete",
        "Completes a path that is being typed; in other fields, to the next field.",
    ),
    bind(C::Form, &[code(KeyCode::BackTab), code(KeyCode::Up)], A::Up, "", "To the previous field."),
    bind(C::Form, &[code(KeyCode::Left)], A::Left, "", "The previous value of a choice; in text, moves the cursor."),
    bind(C::Form, &[code(KeyCode::Right)], A::Right, "", "The next value of a choice; in text, moves the cursor."),
    bind(C::Form, &[code(KeyCode::Esc)], A::Cancel, "cancel", "Closes the form; what you typed is kept for next time."),
    bind(C::Form, &[ctrl('c')], A::Quit, "", "Quits."),
    bind(C::Path, &[code(KeyCode::Enter)], A::Accept, "open", "Opens the folder or predicts the image."),
    bind(C::Path, &[code(KeyCode::Tab)], A::Complete, "complete", "Completes the path; where several fit, lists them."),
    bind(C::Path, &[code(KeyCode::Down)], A::Down, "", "To the next name of the list."),
    bind(C::Path, &[code(KeyCode::Up)], A::Up, "", "To the previous name."),
    bind(C::Path, &[code(KeyCode::Esc)], A::Cancel, "cancel", "Closes the line."),
    bind(C::Path, &[ctrl('c')], A::Quit, "", "Quits."),
    bind(C::Prompt, &[code(KeyCode::Enter)], A::Accept, "done", "Accepts what was typed."),
    bind(
        C::Prompt,
        &[code(KeyCode::Tab)],
        A::Complete,
        "complete",
        "Completes the name of a file; where several fit, lists them.",
    ),
    bind(C::Prompt, &[code(KeyCode::Esc)], A::Cancel, "cancel", "Cancels; nothing changes."),
    bind(C::Prompt, &[ctrl('c')], A::Quit, "", "Quits."),
    bind(C::Confirm, &[ch('y'), code(KeyCode::Enter)], A::Accept, "yes", "Yes, do it."),
    bind(C::Confirm, &[ch('n'), code(KeyCode::Esc), ch('q')], A::Cancel, "no", "No; nothing changes."),
    bind(C::Confirm, &[ctrl('c')], A::Quit, "", "Quits."),
    bind(
        C::Help,
        &[code(KeyCode::Esc), ch('?'), code(KeyCode::F(1)), code(KeyCode::Enter)],
        A::Cancel,
        "close",
        "Clears the search; again, closes the help.",
    ),
    bind(C::Help, &[code(KeyCode::Down), ctrl('n')], A::Down, "scroll", "One line down."),
    bind(C::Help, &[code(KeyCode::Up), ctrl('p')], A::Up, "", "One line up."),
    bind(C::Help, &[code(KeyCode::PageDown), ctrl('f')], A::PageDown, "", "Ten lines down."),
    bind(C::Help, &[code(KeyCode::PageUp), ctrl('b')], A::PageUp, "", "Ten lines up."),
    bind(C::Help, &[code(KeyCode::Home)], A::Top, "", "To the first line."),
    bind(C::Help, &[code(KeyCode::End)], A::Bottom, "", "To the last line."),
    bind(C::Palette, &[code(KeyCode::Enter)], A::Accept, "run", "Runs the selected command."),
    bind(C::Palette, &[code(KeyCode::Down), ctrl('n')], A::Down, "next", "One line down."),
    bind(C::Palette, &[code(KeyCode::Up), ctrl('p')], A::Up, "", "One line up."),
    bind(C::Palette, &[code(KeyCode::Esc)], A::Cancel, "close", "Closes the list."),
    bind(C::Palette, &[ctrl('c')], A::Quit, "", "Quits."),
    bind(C::Help, &[ctrl('c')], A::Quit, "", "Quits."),
];
