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
        "Opens the form that compares features from every stage of the backbone.",
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
    bind(C::Features, &[ch('p')], A::PauseResume, "pause/resume", "Pauses or resumes the extraction that is running."),
    bind(
        C::Features,
        &[ch('s')],
        A::Stop,
        "stop",
        "Stops the extraction and keeps the features computed so far; asks first.",
    ),
];
