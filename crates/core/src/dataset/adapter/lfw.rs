//! LFW (Huang, Ramesh, Berg, Learned-Miller: Labeled Faces in the Wild, 2007): a folder for each person.
//!
//! The data set has no gender labels; lists of the names of women and of men are published in several places, with one
//! person or image per line.

use super::{Layout, images};
use crate::dataset::encoding::decode;
use crate::dataset::label::{genders, normal};
use crate::dataset::source::{RawRow, SourceRows};
use crate::dataset::table::read_label_file;
use crate::dataset::walk::is_image_name;
use crate::error::{Error, Result};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// LFW: folders of people, `female_names.txt` and `male_names.txt`.
pub static LAYOUT: Layout = Layout {
    name: "lfw",
    expects: "the folder with one folder per person, female_names.txt and male_names.txt",
    is_file: false,
    read,
};

/// The names of the lists, by class.
const LISTS: [[&str; 2]; 2] = [["female_names.txt", "lfw_female_names.txt"], ["male_names.txt", "lfw_male_names.txt"]];

/// Reads the two lists in `root` and the names of the images below it. The person is the folder of an image or, where
/// all images are in one folder, the name before the number. A person in neither list, or in both, has an unknown
/// label.
///
/// # Errors
/// If a list is missing, or there are no images.
pub fn read(root: &Path) -> Result<SourceRows> {
    let mut source = SourceRows::new(root, genders());
    let mut classes: HashMap<String, [bool; 2]> = HashMap::new();
    for (class, names) in LISTS.iter().enumerate() {
        let Some(list) = names.iter().map(|name| root.join(name)).find(|path| path.is_file()) else {
            return Err(Error::file(
                root,
                format!("has no {}; put the lists of names beside the folders of people", names[0]),
            ));
        };
        for name in names_in(&list)? {
            classes.entry(name).or_default()[class] = true;
        }
    }
    for path in images(&mut source)?.images {
        let names: Vec<&str> = path.rsplit('/').collect();
        let of_image = person(names[0]);
        let folder = names.get(1).map(|name| normal(name));
        // Images in one folder have the person in their file names only.
        let who = folder.filter(|folder| *folder == of_image || classes.contains_key(folder)).unwrap_or(of_image);
        let label = match classes.get(&who) {
            Some([true, false]) => "female",
            Some([false, true]) => "male",
            Some(_) => "in both lists",
            None => "",
        };
        source.rows.push(RawRow {
            key: path.clone(),
            raw_label: label.to_owned(),
            class: source.classes.iter().position(|class| class == label),
            subject: Some(who),
            age: None,
            fold: None,
            split: None,
            group: None,
            attributes: BTreeMap::new(),
            path,
        });
    }
    if source.rows.is_empty() {
        return Err(Error::file(root, "has no images such as Aaron_Eckhart/Aaron_Eckhart_0001.jpg, as LFW has them"));
    }
    Ok(source)
}

/// The people that a list names.
fn names_in(list: &Path) -> Result<Vec<String>> {
    let decoded = decode(read_label_file(list)?).map_err(|problem| Error::file(list, problem))?;
    let text = String::from_utf8_lossy(&decoded.bytes).into_owned();
    Ok(text.lines().map(|line| person(line.trim())).filter(|name| !name.is_empty()).collect())
}

/// The person of `Aaron_Eckhart_0001.jpg`, `Aaron_Eckhart/Aaron_Eckhart_0001.jpg` or `Aaron_Eckhart`, for comparing.
fn person(name: &str) -> String {
    let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let name = if is_image_name(name) { name.rsplit_once('.').map_or(name, |(stem, _)| stem) } else { name };
    let without_number = name
        .rsplit_once('_')
        .filter(|(_, number)| number.len() == 4 && number.bytes().all(|byte| byte.is_ascii_digit()));
    normal(without_number.map_or(name, |(person, _)| person))
}
