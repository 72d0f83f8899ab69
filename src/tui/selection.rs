//! The images selected on the map of features. Other screens show only these for as long as the filter is on.

use super::keys::{Action, Context, name_of};
use super::shared::{Shared, Tone};
use faceprobe_core::map::Point;
use faceprobe_core::run::scored::ScoredImage;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

/// The selected images, by their files and by the names that scores have for them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    files: HashSet<PathBuf>,
    /// Source name to the paths in it.
    paths: HashMap<String, HashSet<String>>,
    /// Whether screens show only these.
    on: bool,
}

impl Selection {
    /// Of points of a map whose sources have these folders; the filter is on.
    pub fn of<'a>(points: impl Iterator<Item = &'a Point>, roots: &BTreeMap<String, PathBuf>) -> Self {
        let mut selection = Self { on: true, ..Self::default() };
        for point in points {
            selection.files.extend(roots.get(&point.source).map(|root| root.join(&point.path)));
            selection.paths.entry(point.source.clone()).or_default().insert(point.path.clone());
        }
        selection
    }

    /// How many they are.
    pub fn len(&self) -> usize {
        self.paths.values().map(HashSet::len).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }

    /// Whether a file is one of them.
    pub fn has_file(&self, file: &Path) -> bool {
        self.files.contains(file)
    }

    /// Whether an image with a score is one of them.
    pub fn has(&self, image: &ScoredImage) -> bool {
        self.paths.get(&image.source).is_some_and(|paths| paths.contains(&image.path))
    }
}

impl Shared {
    /// The selection, where screens show only what is in it.
    pub fn filter(&self) -> Option<&Selection> {
        self.selection.as_ref().filter(|selection| selection.on)
    }

    /// Turns the filter on or off.
    pub fn turn_filter(&mut self) {
        let Some(selection) = &mut self.selection else {
            let (map, corner) = (name_of(Context::Global, Action::Map), name_of(Context::Map, Action::Mark));
            let text =
                format!("No images are selected: {map} opens the map of features, {corner} at two corners selects.");
            self.say(Tone::Plain, text);
            return;
        };
        selection.on = !selection.on;
        let (on, count) = (selection.on, selection.len());
        self.say(
            Tone::Plain,
            if on { format!("Only the {count} images selected on the map.") } else { "All images again.".to_owned() },
        );
    }
}
