//! The keys of Features.

use crate::tui::keys::{Action as A, Binding, Context as C, bind, ch};

pub(super) const ROWS: &[Binding] = &[
    bind(
        C::Features,
        &[ch('e')],
        A::Extract,
        "extract",
        "Extracts features of the current data set with the selected backbone.",
    ),
    bind(
        C::Features,
        &[ch('b')],
        A::Probe,
        "depth probe",
        "Opens the form that finds out after which stage features are best.",
    ),
    bind(
        C::Features,
        &[ch('w')],
        A::FetchWeights,
        "weights",
        "Opens the form that fetches the weights of the selected backbone, or takes them from a file.",
    ),
    bind(
        C::Features,
        &[ch('E')],
        A::ExportFeatures,
        "export",
        "Opens the form that writes features and labels for numpy, pandas and scikit-learn.",
    ),
    bind(C::Features, &[ch('p')], A::PauseResume, "pause/resume", "Pauses or resumes the extraction at work."),
    bind(
        C::Features,
        &[ch('s')],
        A::Stop,
        "stop",
        "Stops the extraction at work, after a question. Whole parts are kept.",
    ),
];
