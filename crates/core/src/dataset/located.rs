//! Where the sources of a preparation lie.

use super::prepare::PrepareSettings;
use std::path::Path;

/// The settings with the places of their sources as they are, however they were typed: relative ones begin at `root`, so
/// that a worker in any folder finds them and two preparations can be compared.
pub fn located(root: &Path, settings: &PrepareSettings) -> PrepareSettings {
    let mut located = settings.clone();
    for source in &mut located.source {
        let path = root.join(&source.path);
        source.path = path.canonicalize().unwrap_or(path);
    }
    located
}
