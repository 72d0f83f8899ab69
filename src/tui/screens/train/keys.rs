//! The keys of Train.

use crate::tui::keys::{Action as A, Binding, Context as C, bind, ch, code};
use crossterm::event::KeyCode;

pub(super) const ROWS: &[Binding] = &[
    bind(C::Train, &[ch('n')], A::New, "new run", "Opens the form that trains a model on the current data set."),
    bind(
        C::Train,
        &[ch('p')],
        A::PauseResume,
        "pause/resume",
        "Pauses or resumes the selected run; one that was cut short goes on from its last checkpoint.",
    ),
    bind(
        C::Train,
        &[ch('s')],
        A::Stop,
        "stop",
        "Stops the selected run, or takes it out of the queue, after a question.",
    ),
    bind(C::Train, &[ch('S')], A::Sweep, "sweep", "Opens the form that trains many heads over the same features."),
    bind(
        C::Train,
        &[ch('C')],
        A::Folds,
        "cross-validate",
        "Opens the form that trains a model on each fold of a cross-validation.",
    ),
    bind(
        C::Train,
        &[ch(' ')],
        A::Mark,
        "overlay",
        "Lays the curves of this run over those of others, or takes them away.",
    ),
    bind(C::Train, &[ch('x')], A::Unmark, "", "Takes all marks away."),
    bind(C::Train, &[ch('+'), ch('=')], A::ZoomIn, "zoom", "Shows fewer epochs, the newest of them."),
    bind(C::Train, &[ch('-')], A::ZoomOut, "", "Shows more epochs."),
    bind(C::Train, &[ch('0')], A::ZoomAll, "", "Shows all epochs."),
    bind(C::Train, &[code(KeyCode::Left), ch('h')], A::PanLeft, "", "To earlier epochs, after a zoom."),
    bind(C::Train, &[code(KeyCode::Right), ch('l')], A::PanRight, "", "To later epochs, after a zoom."),
    bind(C::Train, &[ch('m')], A::Smooth, "smooth", "Smooths the curves: not, a little, much."),
    bind(C::Train, &[ch('v')], A::Curves, "", "Accuracy or loss, where there is room for one chart."),
    bind(C::Train, &[ch('L')], A::LogScale, "log", "Draws the loss on a logarithmic scale, or again on a plain one."),
    bind(
        C::Train,
        &[ch('c')],
        A::LearningCurve,
        "learning curve",
        "Opens the form that trains a model on growing parts of the training split.",
    ),
];
