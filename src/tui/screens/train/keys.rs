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
        "Pauses or resumes the selected run; one that was interrupted resumes from its last checkpoint.",
    ),
    bind(
        C::Train,
        &[ch('s')],
        A::Stop,
        "stop, keep best",
        "Stops the selected run and keeps its best model so far, or takes it out of the queue; asks first.",
    ),
    bind(
        C::Train,
        &[ch('S')],
        A::Sweep,
        "sweep",
        "Opens the form for a grid search: many heads over the same features.",
    ),
    bind(
        C::Train,
        &[ch('C')],
        A::Folds,
        "cross-validate",
        "Opens the form that trains a model on each fold of a cross-validation.",
    ),
    bind(C::Train, &[ch(' ')], A::Mark, "overlay", "Overlays the curves of this run on the others, or removes them."),
    bind(C::Train, &[ch('x')], A::Unmark, "", "Clears all marks."),
    bind(C::Train, &[ch('+'), ch('=')], A::ZoomIn, "zoom", "Zooms in on the latest epochs."),
    bind(C::Train, &[ch('-')], A::ZoomOut, "", "Zooms out to more epochs."),
    bind(C::Train, &[ch('0')], A::ZoomAll, "", "Shows all epochs."),
    bind(C::Train, &[code(KeyCode::Left), ch('h')], A::PanLeft, "", "Pans to earlier epochs when zoomed in."),
    bind(C::Train, &[code(KeyCode::Right), ch('l')], A::PanRight, "", "Pans to later epochs when zoomed in."),
    bind(C::Train, &[ch('m')], A::Smooth, "smooth", "Smoothing of the curves: off, light, strong."),
    bind(C::Train, &[ch('v')], A::Curves, "", "Switches between accuracy and loss, where only one chart fits."),
    bind(C::Train, &[ch('L')], A::LogScale, "log", "Switches the loss between a logarithmic and a linear scale."),
];
