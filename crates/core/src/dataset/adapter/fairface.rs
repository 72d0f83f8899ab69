//! FairFace (Karkkainen, Joo: FairFace: Face attribute dataset for balanced race, gender, and age, WACV 2021).

use super::{Layout, inside};
use crate::dataset::label::{gender_class, genders, known};
use crate::dataset::source::{RawRow, SourceRows};
use crate::dataset::table::{Dialect, each_row};
use crate::error::{Error, Result};
use std::path::Path;

/// FairFace: `fairface_label_train.csv` (and `_val.csv`) with `train/` and `val/`.
pub static LAYOUT: Layout =
    Layout { name: "fairface", expects: "the folder with fairface_label_train.csv and train/", is_file: false, read };

/// Reads `fairface_label_train.csv` and `fairface_label_val.csv` in the folder `root`, whichever exist.
///
/// The two files are treated as one pool of labelled photographs: FairFace has no test labels, so its own division does
/// not give three splits.
///
/// # Errors
/// If neither file exists, or one lacks FairFace's columns.
pub fn read(root: &Path) -> Result<SourceRows> {
    let mut source = SourceRows::new(root, genders());
    let files = ["fairface_label_train.csv", "fairface_label_val.csv"].map(|name| root.join(name));
    if !files.iter().any(|file| file.exists()) {
        return Err(Error::file(
            root,
            "has no fairface_label_train.csv or fairface_label_val.csv; put the label files beside train/ and val/",
        ));
    }
    for file in files.iter().filter(|file| file.exists()) {
        let (rows, said) = source.rows_and_said();
        each_row(file, Dialect::Commas, &["file", "age", "gender"], said, |row| {
            let path = inside(row.get("file"))?;
            rows.push(RawRow {
                key: path.clone(),
                path,
                raw_label: row.get("gender").to_owned(),
                class: gender_class(row.get("gender")),
                subject: None,
                age: known(row.get("age")).map(mend_age),
                fold: None,
                split: None,
                group: None,
                attributes: known(row.get("race")).map(|race| ("race".to_owned(), race)).into_iter().collect(),
            });
            Ok(())
        })?;
    }
    Ok(source)
}

/// Undoes the conversion of age groups to dates by spreadsheets: `3-9` becomes the third of September, `10-19` October
/// 2019.
fn mend_age(written: String) -> String {
    match written.to_lowercase().as_str() {
        "03-sep" | "3-sep" | "09-mar" | "9-mar" => "3-9".into(),
        "oct-19" | "19-oct" => "10-19".into(),
        _ => written,
    }
}
