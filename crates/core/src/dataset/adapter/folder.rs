//! One sub-folder per class, optionally within folders of splits; the simplest layout.

use super::{Layout, images};
use crate::dataset::label::{self, NoClasses};
use crate::dataset::reasons::Reason;
use crate::dataset::sample::Split;
use crate::dataset::source::{RawRow, SourceRows};
use crate::error::{Error, Result};
use crate::text::excerpt;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// One sub-folder per class.
pub static LAYOUT: Layout = Layout {
    name: "folder",
    expects: "a folder with exactly two sub-folders, one per class, or with such folders in train/, val/ and test/",
    is_file: false,
    read,
};

/// Reads the two sub-folders of `root` and lists their images. If the sub-folders are named as splits, the classes are
/// the folders below them, and the splits are used as the data set's own.
///
/// # Errors
/// If there are not exactly two classes.
pub fn read(root: &Path) -> Result<SourceRows> {
    let mut source = SourceRows::new(root, label::genders());
    let walk = images(&mut source)?;
    let folders: BTreeSet<&str> = walk.images.iter().filter_map(|path| Some(path.split_once('/')?.0)).collect();
    let splits: BTreeMap<&str, Split> = folders.iter().filter_map(|name| Some((*name, label::split(name)?))).collect();
    let by_split = !splits.is_empty() && splits.len() == folders.len();
    let (mut labels, mut loose) = (BTreeMap::new(), Vec::new());
    let mut found = Vec::new();
    for path in &walk.images {
        match class_folder(path, by_split) {
            Some((split, class)) => {
                *labels.entry(class.to_owned()).or_insert(0) += 1;
                found.push((path, split, class));
            }
            None => loose.push(path),
        }
    }
    let without: Vec<String> =
        walk.without_images.iter().map(|(name, files)| format!("{} ({files} files)", excerpt(name))).collect();
    let besides = if without.is_empty() { String::new() } else { format!("; without images: {}", without.join(", ")) };
    let classes =
        two_classes(&labels, &splits, by_split).map_err(|what| Error::file(root, format!("{what}{besides}")))?;
    if !without.is_empty() {
        source.warnings.push(format!("Folders without images were passed over: {}.", without.join(", ")));
    }
    source.warnings.extend(classes.note.clone());
    let several: BTreeSet<Split> = splits.values().copied().collect();
    let official = by_split && several.len() > 1;
    source.warnings.extend(unused_splits(&found, by_split, official));
    for path in loose {
        source.set_aside.add(Reason::NoClass, || path.clone());
    }
    for (path, split, class) in found {
        source.rows.push(RawRow {
            key: path.clone(),
            path: path.clone(),
            raw_label: class.to_owned(),
            class: classes.of(class),
            subject: None,
            age: None,
            fold: None,
            split: split.filter(|_| official).and_then(|split| splits.get(split).copied()),
            group: None,
            attributes: BTreeMap::new(),
        });
    }
    source.classes = classes.names;
    Ok(source)
}

/// The folders of split (if any) and class of an image.
fn class_folder(path: &str, by_split: bool) -> Option<(Option<&str>, &str)> {
    let (first, below) = path.split_once('/')?;
    if !by_split {
        return Some((None, first));
    }
    below.split_once('/').map(|(class, _)| (Some(first), class))
}

/// The classes named by the folders, or what is wrong with them.
fn two_classes(
    labels: &BTreeMap<String, usize>,
    splits: &BTreeMap<&str, Split>,
    by_split: bool,
) -> Result<label::Classes, String> {
    let names: Vec<String> = labels.keys().take(8).map(|name| excerpt(name)).collect();
    let named = names.join(", ");
    if !by_split && let Some(split) = splits.keys().next() {
        return Err(format!(
            "its sub-folder '{}' is named as a split, not as a class, and lies beside others ({named}); have one folder \
             per class, or folders train, val and test with one per class in each",
            excerpt(split)
        ));
    }
    if by_split && labels.is_empty() {
        let splits: Vec<String> = splits.keys().map(|name| excerpt(name)).collect();
        return Err(format!(
            "its sub-folders ({}) are named as splits, not as classes, and no folders of classes are in them",
            splits.join(", ")
        ));
    }
    let place = if by_split { "below its splits there must be" } else { "must hold" };
    if labels.len() != 2 && !by_split {
        return Err(format!(
            "{place} exactly two sub-folders with images, one per class, but has {}: {named}",
            labels.len()
        ));
    }
    label::classes(labels)
        .and_then(|classes| {
            // For gender labels, other words would be unknown labels; other folders are an error.
            let all_known = labels.keys().all(|name| classes.of(name).is_some());
            if all_known && labels.len() > 1 {
                Ok(classes)
            } else {
                Err(NoClasses::Many(labels.keys().cloned().collect()))
            }
        })
        .map_err(|what| format!("{place} exactly two sub-folders with images, one per class, but has {what}"))
}

/// The warning about split folders that are not used as splits.
fn unused_splits(found: &[(&String, Option<&str>, &str)], by_split: bool, official: bool) -> Option<String> {
    if by_split {
        return (!official).then(|| "All images are in the folder of one split; it was not used as one.".into());
    }
    let below: BTreeSet<&str> =
        found.iter().filter_map(|(path, ..)| Some(path.split_once('/')?.1.split_once('/')?.0)).collect();
    let splits: Vec<&str> = below.iter().copied().filter(|name| label::split(name).is_some()).collect();
    (!splits.is_empty()).then(|| {
        format!(
            "Folders named as splits ({}) lie below those of the classes and were not used as splits; for that, put the \
             classes below the splits.",
            splits.join(", ")
        )
    })
}
