//! The Adience benchmark (Eidinger, Enbar, Hassner: Age and gender estimation of unfiltered faces, IEEE TIFS 2014).
//!
//! Labels are in five tab-separated fold files. An image is `aligned/USER/landmark_aligned_face.FACE.ORIGINAL` (816 x
//! 816, aligned by landmarks) or `faces/USER/coarse_tilt_aligned_face.FACE.ORIGINAL` (the crop, upright). If both
//! exist, the aligned one is used: the benchmark's authors evaluate on it.

use super::{Layout, file_name};
use crate::dataset::label::{gender_class, genders, known};
use crate::dataset::number::whole;
use crate::dataset::source::{RawRow, SourceRows};
use crate::dataset::table::{Dialect, each_row};
use crate::error::{Error, Result};
use std::collections::BTreeMap;
use std::path::Path;

/// The Adience benchmark: `fold_0_data.txt` to `fold_4_data.txt` with `faces/` or `aligned/`.
pub static LAYOUT: Layout = Layout {
    name: "adience",
    expects: "the folder with fold_0_data.txt to fold_4_data.txt and faces/ or aligned/",
    is_file: false,
    read,
};

const FOLDS: u32 = 5;
const COLUMNS: [&str; 5] = ["user_id", "original_image", "face_id", "age", "gender"];

/// The age groups of the benchmark. The eighth is written (8, 12) in the files and 8-13 in the paper.
const AGE_GROUPS: [(u32, u32); 8] = [(0, 2), (4, 6), (8, 12), (15, 20), (25, 32), (38, 43), (48, 53), (60, 100)];

/// Reads the fold files of the Adience folder `root`.
///
/// # Errors
/// If there is no fold file, or one of them lacks Adience's columns or has other columns than the rest.
pub fn read(root: &Path) -> Result<SourceRows> {
    let mut source = SourceRows::new(root, genders());
    let layouts = Layouts { aligned: root.join("aligned").is_dir(), root };
    let mut merged: Option<(Vec<String>, String)> = None;
    let mut absent = Vec::new();
    for fold in 0..FOLDS {
        let name = format!("fold_{fold}_data.txt");
        let path = root.join(&name);
        if !path.exists() {
            absent.push(name);
            continue;
        }
        let mut lines = String::new();
        let (rows, said) = source.rows_and_said();
        let header = each_row(&path, Dialect::Tabs, &COLUMNS, said, |row| {
            let [user, original, face, age, gender] = COLUMNS.map(|column| row.get(column));
            let path = layouts.path(
                file_name("user_id", user)?,
                file_name("face_id", face)?,
                file_name("original_image", original)?,
            );
            rows.push(RawRow {
                path,
                raw_label: gender.to_owned(),
                class: gender_class(gender),
                subject: Some(format!("{user}/{face}")),
                age: clean_age(age),
                fold: Some(fold),
                split: None,
                key: [user, face, original].join("\t"),
                group: None,
                attributes: BTreeMap::new(),
            });
            for field in row.fields() {
                lines.push_str(field);
                lines.push('\t');
            }
            lines.push_str(&format!("{fold}\n"));
            Ok(())
        })?;
        match &mut merged {
            None => merged = Some((header, lines)),
            Some((first, all)) if *first == header => all.push_str(&lines),
            Some(_) => return Err(Error::file(&path, "has other columns than the fold files before it")),
        }
    }
    let Some((header, lines)) = merged else {
        return Err(Error::file(
            root,
            "has no fold_0_data.txt to fold_4_data.txt; pass the folder they were unpacked in",
        ));
    };
    if !absent.is_empty() {
        source.warnings.push(format!("The fold files {} are missing; the others were used.", absent.join(", ")));
    }
    source.warnings.extend(mixed_layouts(&source.rows, root));
    source.merged = Some(format!("{}\tfold\n{lines}", header.join("\t")).into_bytes());
    Ok(source)
}

/// The image folders that exist.
struct Layouts<'a> {
    root: &'a Path,
    aligned: bool,
}

impl Layouts<'_> {
    /// The image of a row: the aligned one if it exists, else the path in `faces/`, which need not exist.
    fn path(&self, user: &str, face: &str, original: &str) -> String {
        let aligned = format!("aligned/{user}/landmark_aligned_face.{face}.{original}");
        let coarse = format!("faces/{user}/coarse_tilt_aligned_face.{face}.{original}");
        let is_there = |path: &str| self.root.join(path).exists();
        if self.aligned && (is_there(&aligned) || !is_there(&coarse)) { aligned } else { coarse }
    }
}

/// Two kinds of crop differ by more than the face, so mixing them is reported.
fn mixed_layouts(rows: &[RawRow], root: &Path) -> Option<String> {
    let there =
        |folder| rows.iter().filter(|row| row.path.starts_with(folder) && root.join(&row.path).exists()).count();
    // Without aligned/ every row is in faces/, and no file needs to be looked up.
    if !rows.iter().any(|row| row.path.starts_with("aligned/")) {
        return None;
    }
    let (aligned, coarse) = (there("aligned/"), there("faces/"));
    (aligned > 0 && coarse > 0)
        .then(|| format!("Two kinds of crop are mixed: {aligned} images come from aligned/ and {coarse} from faces/."))
}

/// The age group of the benchmark if the written age clearly means one, else the text itself; none for `None`.
///
/// The files hold groups such as `(25, 32)`, damaged ones such as `(25, 23)`, and single years such as `35`.
fn clean_age(written: &str) -> Option<String> {
    let written = known(written)?;
    let year = |text: &str| u32::try_from(whole(text)?).ok();
    let numbers: Vec<Option<u32>> = written.trim_matches(['(', ')']).split(',').map(year).collect();
    let (low, high) = match numbers[..] {
        [Some(age)] => (age, age),
        // The digits of the second number are swapped: 23 for 32.
        [Some(25), Some(23)] => (25, 32),
        [Some(low), Some(high)] => (low, high),
        _ => return Some(written),
    };
    let group = AGE_GROUPS.iter().find(|(from, to)| *from <= low && low <= high && high <= *to);
    Some(match (group, low == high) {
        (Some((from, to)), _) => format!("{from}-{to}"),
        (None, true) => low.to_string(),
        (None, false) => format!("{low}-{high}"),
    })
}

#[cfg(test)]
mod tests {
    use super::clean_age;

    #[test]
    fn ages_become_groups_where_the_meaning_is_clear() {
        let cleaned = |age| clean_age(age).unwrap_or_else(|| "none".into());
        for (written, expected) in [
            ("(25, 32)", "25-32"),
            ("(25, 23)", "25-32"),
            ("(27, 32)", "25-32"),
            ("(38, 42)", "38-43"),
            ("(38, 48)", "38-48"),
            ("(8, 23)", "8-23"),
            ("2", "0-2"),
            ("35", "35"),
            ("None", "none"),
            ("", "none"),
            ("old", "old"),
        ] {
            assert_eq!(cleaned(written), expected, "{written}");
        }
    }
}
