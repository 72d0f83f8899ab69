//! The keys of Data, with the findings of an audit.

use crate::tui::keys::{Action as A, Binding, Context as C, bind, ch, code};
use crossterm::event::KeyCode;

pub(super) const ROWS: &[Binding] = &[
    bind(C::Data, &[ch('n')], A::New, "prepare", "Opens the form that prepares a data set from photographs."),
    bind(C::Data, &[ch('d')], A::Demo, "demo", "Runs the whole study on drawn faces, to see how everything works."),
    bind(
        C::Data,
        &[ch('i')],
        A::Sheet,
        "images",
        "Switches between the images, as a contact sheet, and the summary of the set.",
    ),
    bind(C::Data, &[ch('a')], A::Audit, "audit", "Shows what may be wrong with the set, for you to decide on."),
    bind(
        C::Data,
        &[ch('p')],
        A::PauseResume,
        "pause/resume",
        "Pauses or resumes the preparation or demo that is running.",
    ),
    bind(C::Data, &[ch('s')], A::Stop, "stop", "Stops the preparation or demo that is running; asks first."),
    bind(
        C::Audit,
        &[ch('a')],
        A::Keep,
        "keep",
        "Keeps the image under the cursor: the audit will not ask about it again.",
    ),
    bind(C::Audit, &[ch('d')], A::DropImage, "drop", "Leaves the image under the cursor out of the next preparation."),
    bind(C::Audit, &[ch('r')], A::Relabel, "relabel", "Gives the image the other label in the next preparation."),
    bind(C::Audit, &[ch('u')], A::Undo, "undo", "Undoes the last decision."),
    bind(C::Audit, &[code(KeyCode::Esc)], A::Cancel, "back", "Back to the summary of the set."),
    bind(C::Audit, &[ch('f')], A::NextKind, "kind", "Shows only the next kind of finding; after the last kind, all."),
    bind(C::Audit, &[ch('F')], A::PreviousKind, "", "Shows only the previous kind of finding."),
    bind(C::Audit, &[ch('R')], A::StartAudit, "audit", "Opens the form that audits the set, or audits it again."),
    bind(
        C::Audit,
        &[ch('p')],
        A::PrepareAgain,
        "prepare",
        "Opens the form that prepares the set again, following your decisions.",
    ),
    bind(C::Audit, &[ch('n')], A::NextOpen, "next", "To the next undecided finding."),
    bind(C::Audit, &[ch('N')], A::PreviousOpen, "", "To the previous undecided finding."),
    bind(C::Audit, &[ch('A')], A::KeepAll, "keep all", "Keeps all undecided images of the finding."),
    bind(
        C::Audit,
        &[ch('D')],
        A::DropOthers,
        "drop others",
        "Drops every image of the finding except the one under the cursor.",
    ),
    bind(C::Audit, &[code(KeyCode::Right), ch('l')], A::Right, "", "To the next image of the finding."),
    bind(C::Audit, &[code(KeyCode::Left), ch('h')], A::Left, "", "To the previous image."),
    bind(C::Audit, &[ch('c')], A::ClearDecision, "clear", "Clears the decision on this image, whenever it was made."),
    bind(C::Audit, &[ch('s')], A::StopAudit, "stop", "Stops the audit that is running; asks first."),
    bind(C::Audit, &[ch('o')], A::Picture, "predict it", "Predicts the picture under the cursor."),
    bind(C::Audit, &[code(KeyCode::Backspace)], A::Parent, "", "Back to the summary of the set."),
];
