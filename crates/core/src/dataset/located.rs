//! Resolves the source paths of a preparation.

use super::prepare::PrepareSettings;
use std::path::Path;

/// The settings with absolute source paths; relative ones start at `root`. So a worker in any folder finds them, and
/// two preparations can be compared.
pub fn located(root: &Path, settings: &PrepareSettings) -> PrepareSettings {
    let mut located = settings.clone();
    for source in &mut located.source {
        let path = root.join(&source.path);
        source.path = path.canonicalize().unwrap_or(path);
    }
    located
}
