//! All images of a data set as its label files name them, including those that preparation leaves out.

use faceprobe_core::dataset::crops::picture_of;
use faceprobe_core::dataset::inspect::{Stamp, inspect};
use faceprobe_core::dataset::locate::{Placed, place};
use faceprobe_core::dataset::manifest::Sources;
use faceprobe_core::dataset::source::source_names;
use faceprobe_core::dataset::{ContentHash, Manifest, Split};
use faceprobe_core::error::{AtPath, Result};
use faceprobe_core::monitor::{Monitor, Update};
use faceprobe_core::workspace::Workspace;
use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::PathBuf;

/// An image that exists and can be decoded, with a known label.
#[derive(Debug, Clone)]
pub struct Image {
    pub source: String,
    /// Relative to the source's folder, as the manifest writes it.
    pub path: String,
    pub file: PathBuf,
    /// The class in the label file; decisions are not applied.
    pub class: usize,
    pub subject: Option<String>,
    pub hash: ContentHash,
    /// None where preparation left it out.
    pub split: Option<Split>,
}

/// Reads the label files of a prepared set again and checks which of their images can be decoded. Earlier results come
/// from the cache.
///
/// # Errors
/// Sources that cannot be read; a stop.
pub fn survey(workspace: &Workspace, manifest: &Manifest, monitor: &dyn Monitor) -> Result<Vec<Image>> {
    let path = manifest.folder.join("sources.json");
    let Sources { settings, .. } = serde_json::from_slice(&fs::read(&path).at(&path)?).at(&path)?;
    let splits: HashMap<(&str, &str), Split> =
        manifest.samples.iter().map(|sample| ((sample.source.as_str(), sample.path.as_str()), sample.split)).collect();
    // Crops have names of their own; they are identified by the image they were cut from.
    let cropped: HashMap<ContentHash, Split> = manifest
        .samples
        .iter()
        .map(|sample| (picture_of(sample), sample))
        .filter(|(picture, sample)| *picture != sample.hash)
        .map(|(picture, sample)| (picture, sample.split))
        .collect();
    monitor.update(Update::Stage { name: "read labels".into() });
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    for (spec, source) in settings.source.iter().zip(source_names(&settings.source)) {
        let rows = spec.read()?;
        for Placed { row, file, stamp } in place(&rows.root, rows.rows).0 {
            let Some(class) = row.class else { continue };
            // A second row with the same label adds nothing about the same file.
            if let (Some(stamp), true) = (stamp, seen.insert((source.clone(), row.path.clone(), class))) {
                found.push((source.clone(), row, class, file, stamp));
            }
        }
    }
    monitor.update(Update::Stage { name: "inspect images".into() });
    let files: Vec<(PathBuf, Stamp)> = found.iter().map(|(_, _, _, file, stamp)| (file.clone(), *stamp)).collect();
    let inspected = inspect(&files, &workspace.root().join("cache/inspected.csv"), monitor)?;
    let mut images: Vec<Image> = found
        .into_iter()
        .zip(inspected)
        .filter_map(|((source, row, class, file, _), hash)| {
            let hash = hash.ok()?;
            let split = splits.get(&(source.as_str(), row.path.as_str())).or_else(|| cropped.get(&hash)).copied();
            Some(Image { split, source, path: row.path, file, class, subject: row.subject, hash })
        })
        .collect();
    images.sort_by(|a, b| (&a.source, &a.path, a.class).cmp(&(&b.source, &b.path, b.class)));
    Ok(images)
}
