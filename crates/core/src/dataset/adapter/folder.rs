//! One sub-folder per class; the simplest layout there is.

use super::{Layout, gender_class, genders, images_below, names_in};
use crate::dataset::source::{RawRow, SourceRows};
use crate::error::{Error, Result};
use crate::text::excerpt;
use std::collections::BTreeMap;
use std::path::Path;

/// One sub-folder per class.
pub static LAYOUT: Layout =
    Layout { name: "folder", expects: "a folder with exactly two sub-folders, one per class", is_file: false, read };

/// Reads the names of the two sub-folders of `root` and of the images below them.
///
/// # Errors
/// When there are not exactly two sub-folders.
pub fn read(root: &Path) -> Result<SourceRows> {
    let mut source = SourceRows::new(root, genders());
    let mut folders = names_in(root, &mut source.problems)?;
    folders.retain(|name| root.join(name).is_dir());
    let [first, second] = &folders[..] else {
        let names: Vec<String> = folders.iter().take(8).map(|name| excerpt(name)).collect();
        return Err(Error::file(
            root,
            format!(
                "must hold exactly two sub-folders, one per class, but has {}: {}",
                folders.len(),
                names.join(", ")
            ),
        ));
    };
    let class_of = match (gender_class(first), gender_class(second)) {
        (Some(first), Some(second)) if first != second => [first, second],
        // The names are sorted, so these are alphabetical.
        _ => {
            source.classes = [first.clone(), second.clone()];
            [0, 1]
        }
    };
    for (folder, class) in folders.iter().zip(class_of) {
        for image in images_below(&root.join(folder), &mut source.problems)? {
            let path = format!("{folder}/{image}");
            source.rows.push(RawRow {
                key: path.clone(),
                path,
                raw_label: folder.clone(),
                class: Some(class),
                subject: None,
                age: None,
                fold: None,
                split: None,
                group: None,
                attributes: BTreeMap::new(),
            });
        }
    }
    Ok(source)
}
