//! The keys of Data, with the findings of an audit.

use crate::tui::keys::{Action as A, Binding, Context as C, bind, ch, code};
use crossterm::event::KeyCode;

pub(super) const ROWS: &[Binding] = &[
    bind(C::Data, &[ch('n')], A::New, "prepare", "Opens the form that prepares a data set from photographs."),
    bind(C::Data, &[ch('d')], A::Demo, "demo", "Runs the whole study on synthetic drawings."),
    bind(
        C::Data,
        &[ch('i')],
        A::Sheet,
        "images",
        "Shows the images of the set as a contact sheet, or the account again.",
    ),
    bind(C::Data, &[ch('a')], A::Audit, "audit", "Shows what is wrong with the set, to decide on it."),
    bind(C::Data, &[ch('p')], A::PauseResume, "pause/resume", "Pauses or resumes the preparation or demo at work."),
    bind(C::Data, &[ch('s')], A::Stop, "stop", "Stops the preparation or demo at work, after a question."),
    bind(C::Audit, &[ch('a')], A::Keep, "keep", "The image under the cursor is all right: the audit asks no more."),
    bind(C::Audit, &[ch('d')], A::DropImage, "drop", "The next preparation leaves the image under the cursor out."),
    bind(C::Audit, &[ch('r')], A::Relabel, "relabel", "The next preparation gives the image the other label."),
    bind(C::Audit, &[ch('u')], A::Undo, "undo", "Takes the last decision back."),
    bind(C::Audit, &[code(KeyCode::Esc)], A::Cancel, "back", "Back to the account of the set."),
    bind(C::Audit, &[ch('f')], A::NextKind, "kind", "Lists only findings of the next kind, or all of them."),
    bind(C::Audit, &[ch('F')], A::PreviousKind, "", "Lists only findings of the kind before."),
    bind(C::Audit, &[ch('R')], A::StartAudit, "audit", "Opens the form that audits the set, or audits it anew."),
    bind(
        C::Audit,
        &[ch('p')],
        A::PrepareAgain,
        "prepare",
        "Opens the form that prepares the set again and follows the decisions.",
    ),
    bind(C::Audit, &[ch('n')], A::NextOpen, "next", "To the next finding that is undecided."),
    bind(C::Audit, &[ch('N')], A::PreviousOpen, "", "To the undecided finding before."),
    bind(C::Audit, &[ch('A')], A::KeepAll, "keep all", "Keeps all images of the finding that are undecided."),
    bind(
        C::Audit,
        &[ch('D')],
        A::DropOthers,
        "drop others",
        "Drops all images of the finding but the one under the cursor.",
    ),
    bind(C::Audit, &[code(KeyCode::Right), ch('l')], A::Right, "", "To the next image of the finding."),
    bind(C::Audit, &[code(KeyCode::Left), ch('h')], A::Left, "", "To the image before."),
    bind(
        C::Audit,
        &[ch('c')],
        A::ClearDecision,
        "clear",
        "Takes the decision on this image back, whenever it was made.",
    ),
    bind(C::Audit, &[ch('s')], A::StopAudit, "stop", "Stops the audit at work, after a question."),
    bind(C::Audit, &[ch('o')], A::Picture, "predict it", "Predicts the picture under the cursor."),
    bind(C::Audit, &[code(KeyCode::Backspace)], A::Parent, "", "Back to the account of the set."),
];
