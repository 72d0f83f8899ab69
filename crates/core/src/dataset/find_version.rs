//! Whether a set was prepared already: the question of whoever would prepare it.

use super::prepare::PrepareSettings;
use super::source::SourceSpec;
use super::versions::{self, Version};
use crate::workspace::Workspace;

/// The newest version of `settings.name` that was prepared with exactly these sources, options and seed, if there is one.
/// [`Version::id`] of the answer is what a job's `dataset` names.
///
/// It is told from what each version says it was asked for. What else decides (the files themselves, `data/decisions.csv`,
/// `data/alike.csv`) is not looked at: preparing does, and finds the same version when nothing of it has changed.
pub fn find_version(workspace: &Workspace, settings: &PrepareSettings) -> Option<Version> {
    let wanted = located(settings);
    versions::numbers(workspace, &settings.name)
        .into_iter()
        .rev()
        .map(|number| Version::new(&settings.name, number))
        .find(|version| {
            versions::sources(workspace, version).is_some_and(|sources| {
                // The name is what was looked under.
                let held = PrepareSettings { name: settings.name.clone(), ..sources.settings };
                located(&held) == wanted
            })
        })
}

/// With the folders of its sources as they are, however they were typed.
pub(super) fn located(settings: &PrepareSettings) -> PrepareSettings {
    let real = |source: &SourceSpec| SourceSpec {
        path: source.path.canonicalize().unwrap_or_else(|_| source.path.clone()),
        ..source.clone()
    };
    PrepareSettings { source: settings.source.iter().map(real).collect(), ..settings.clone() }
}
