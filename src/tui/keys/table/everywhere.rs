//! The keys that mean the same on every screen.

use super::super::key::{ch, code, ctrl};
use super::super::{Action as A, Binding, Context as C};
use super::bind;
use crossterm::event::KeyCode;

pub(super) const ROWS: &[Binding] = &[
    bind(
        C::Global,
        &[ch(':'), ctrl('p')],
        A::Palette,
        "commands",
        "Finds any command by a few letters, or by another word for it.",
    ),
    bind(C::Global, &[ch('?'), code(KeyCode::F(1))], A::Help, "help", "Shows all keys; type to search them."),
    bind(
        C::Global,
        &[ch('q'), ctrl('c')],
        A::Quit,
        "quit",
        "Quits. Runs go on in the background; start faceprobe here again to see them.",
    ),
    bind(C::Global, &[ch('1')], A::Go(0), "", "To Data: prepared sets, their contents and what was dropped."),
    bind(C::Global, &[ch('2')], A::Go(1), "", "To Features: backbones, their weights, cached features."),
    bind(C::Global, &[ch('3')], A::Go(2), "", "To Train: start, watch, pause and stop training."),
    bind(C::Global, &[ch('4')], A::Go(3), "", "To Results: all models side by side."),
    bind(C::Global, &[ch('5')], A::Go(4), "", "To Evaluate: one model's errors, curves and threshold."),
    bind(C::Global, &[ch('6')], A::Go(5), "", "To Predict: predict labels for images."),
    bind(C::Global, &[ch('7')], A::Go(6), "", "To Runs: everything started in this workspace, with logs."),
    bind(C::Global, &[code(KeyCode::Tab)], A::NextScreen, "", "To the next screen."),
    bind(C::Global, &[code(KeyCode::BackTab)], A::PreviousScreen, "", "To the previous screen."),
    bind(C::Global, &[code(KeyCode::Up), ch('k')], A::Up, "", "One line up."),
    bind(C::Global, &[code(KeyCode::Down), ch('j')], A::Down, "", "One line down."),
    bind(C::Global, &[code(KeyCode::PageUp), ctrl('b')], A::PageUp, "", "Ten lines up; on Data, scrolls the summary."),
    bind(
        C::Global,
        &[code(KeyCode::PageDown), ctrl('f')],
        A::PageDown,
        "",
        "Ten lines down; on Data, scrolls the summary.",
    ),
    bind(C::Global, &[code(KeyCode::Home), ch('g')], A::Top, "", "To the first line."),
    bind(C::Global, &[code(KeyCode::End), ch('G')], A::Bottom, "", "To the last line."),
    bind(
        C::Global,
        &[code(KeyCode::Esc)],
        A::Cancel,
        "",
        "Dismisses the message; on Data, also the report of a failed attempt.",
    ),
    bind(C::Global, &[ch('Y')], A::Study, "", "The steps of a study's file: how each stands, and starting it."),
    bind(
        C::Global,
        &[ch('U')],
        A::UseNewer,
        "",
        "Changes to the newest version of the data set, when another terminal has prepared one.",
    ),
    bind(C::Global, &[ch('M')], A::Map, "", "The map of features: images as points, by PCA or t-SNE."),
    bind(C::Global, &[ch('T')], A::Theme, "", "Switches the theme: dark, light, high contrast, monochrome."),
    bind(
        C::Global,
        &[ch('W')],
        A::Report,
        "",
        "Opens the form that writes the report of the study: HTML and Markdown.",
    ),
    bind(
        C::Global,
        &[ch('O')],
        A::ExportModel,
        "",
        "Opens the form that exports a model as an ONNX file, for Python and other programs.",
    ),
    bind(
        C::Global,
        &[ch('X')],
        A::StopTask,
        "",
        "Stops downloads and exports; partial downloads are kept, and the next attempt resumes.",
    ),
    bind(C::Global, &[ctrl('l')], A::Redraw, "", "Redraws the screen."),
    bind(C::Global, &[ctrl('z')], A::Suspend, "", "Suspends faceprobe; 'fg' in the shell brings it back."),
];
