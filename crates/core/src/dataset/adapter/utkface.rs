//! UTKFace (Zhang, Song, Qi: Age progression/regression by conditional adversarial autoencoder, CVPR 2017).
//!
//! A file is `[age]_[gender]_[race]_[date].jpg`, or `.jpg.chip.jpg` for the aligned crops; gender 0 is male, 1 female.
//! Everything after the date is ignored: the data set contains extensions without a dot, or with a space before it.

use super::{Layout, images};
use crate::dataset::label::genders;
use crate::dataset::source::{RawRow, SourceRows};
use crate::error::{Error, Result};
use crate::text::excerpt;
use std::path::Path;

/// UTKFace: labels in the file names.
pub static LAYOUT: Layout = Layout {
    name: "utkface",
    expects: "a folder of files named [age]_[gender]_[race]_[date].jpg",
    is_file: false,
    read,
};

/// Reads the file names in `root` and its sub-folders (the data set is published as `part1` to `part3`).
///
/// Ages are in years; they are mapped to the age groups of FairFace, so that subgroups are large enough.
///
/// # Errors
/// If no file name has this form.
pub fn read(root: &Path) -> Result<SourceRows> {
    let mut source = SourceRows::new(root, genders());
    for path in images(&mut source)?.images {
        let name = path.rsplit('/').next().unwrap_or(&path);
        let Some((age, gender, race)) = parse(name) else {
            source.problems.add(|| format!("{}: is not named [age]_[gender]_[race]_[date].jpg", excerpt(&path)));
            continue;
        };
        source.rows.push(RawRow {
            raw_label: gender.to_owned(),
            class: match gender {
                "0" => Some(1),
                "1" => Some(0),
                _ => None,
            },
            subject: None,
            age: Some(age_group(age).to_owned()),
            fold: None,
            split: None,
            group: None,
            attributes: race_name(race).map(|race| ("race".to_owned(), race.to_owned())).into_iter().collect(),
            key: path.clone(),
            path,
        });
    }
    if source.rows.is_empty() {
        return Err(Error::file(root, "has no image named like 25_1_0_20170116174525125.jpg, as UTKFace names them"));
    }
    Ok(source)
}

/// The data set's name for a race digit.
fn race_name(digit: &str) -> Option<&'static str> {
    match digit {
        "0" => Some("White"),
        "1" => Some("Black"),
        "2" => Some("Asian"),
        "3" => Some("Indian"),
        "4" => Some("Others"),
        _ => None,
    }
}

/// Age in years, the gender digit and the race digit of a file name.
fn parse(name: &str) -> Option<(u32, &str, &str)> {
    let mut parts = name.splitn(4, '_');
    let (age, gender, race, rest) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let rest = rest.trim_start();
    let (date, behind) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len()));
    // A further number means another naming scheme.
    if behind.starts_with('_') {
        return None;
    }
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let age = age.parse().ok().filter(|age| *age <= 130 && digits(race) && digits(gender) && digits(date))?;
    Some((age, gender, race))
}

/// The age group of FairFace that an age in years belongs to.
fn age_group(age: u32) -> &'static str {
    match age {
        0..=2 => "0-2",
        3..=9 => "3-9",
        10..=19 => "10-19",
        20..=29 => "20-29",
        30..=39 => "30-39",
        40..=49 => "40-49",
        50..=59 => "50-59",
        60..=69 => "60-69",
        70.. => "70 and more",
    }
}
