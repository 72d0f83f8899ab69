//! A CSV file with a path and a label in each row, and what else is known.

use super::table::{Dialect, Row, each_row};
use super::{Layout, gender_class, genders, inside, known};
use crate::dataset::sample::Split;
use crate::dataset::source::{RawRow, SourceRows};
use crate::error::{Error, Result};
use crate::text::excerpt;
use std::collections::BTreeSet;
use std::path::Path;

/// A CSV file with a path and a label in each row.
pub static LAYOUT: Layout = Layout {
    name: "csv",
    expects: "a CSV file with the columns path,label and, if known, subject,age,fold,split",
    is_file: true,
    read,
};

/// The columns with a meaning of their own; `source` and `hash` are what the program itself adds.
const COLUMNS: [&str; 8] = ["path", "label", "subject", "age", "fold", "split", "source", "hash"];

/// Reads the CSV file `path`: columns `path,label` and, if known, `subject,age,fold,split`. Any other column comes along
/// as an attribute.
///
/// Paths are relative to the file's folder and stay in it, or absolute. Of the labels, the two genders in any of the
/// usual spellings become `female` and `male` and all others are unknown; without genders there must be two values.
///
/// # Errors
/// When the columns are not there or the labels are not of two classes.
pub fn read(path: &Path) -> Result<SourceRows> {
    let root = path.parent().unwrap_or(Path::new("/"));
    let mut source = SourceRows::new(root, genders());
    let (rows, problems) = (&mut source.rows, &mut source.problems);
    each_row(path, Dialect::Commas, &["path", "label"], problems, |row| {
        rows.push(parse(row, root)?);
        Ok(())
    })?;
    let labels: BTreeSet<&str> =
        rows.iter().filter(|row| known(&row.raw_label).is_some()).map(|row| &*row.raw_label).collect();
    let genders_seen: BTreeSet<usize> = labels.iter().filter_map(|label| gender_class(label)).collect();
    let named: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
    // Both genders, or one of them and nothing else: any other label is then an unknown gender.
    if genders_seen.len() == 2 || (genders_seen.len() == 1 && named.len() == 1) {
        rows.iter_mut().for_each(|row| row.class = gender_class(&row.raw_label));
    } else if let [first, second] = &named[..] {
        rows.iter_mut().for_each(|row| row.class = named.iter().position(|label| *label == row.raw_label));
        source.classes = [first.clone(), second.clone()];
    } else {
        let some: Vec<String> = named.iter().take(6).map(|label| excerpt(label)).collect();
        let labels = if some.is_empty() { "none".into() } else { some.join(", ") };
        return Err(Error::file(
            path,
            format!("the column label must have two values, but has {} ({labels})", named.len()),
        ));
    }
    Ok(source)
}

fn parse(row: &Row, root: &Path) -> Result<RawRow, String> {
    let path = relative_or_absolute(row.get("path"), root)?;
    let fold = known(row.get("fold"))
        .map(|fold| fold.parse().map_err(|_| format!("the fold '{}' is not a whole number", excerpt(&fold))))
        .transpose()?;
    Ok(RawRow {
        key: path.clone(),
        path,
        raw_label: row.get("label").to_owned(),
        class: None,
        subject: known(row.get("subject")),
        age: known(row.get("age")),
        fold,
        split: known(row.get("split")).map(|split| parse_split(&split)).transpose()?,
        group: None,
        attributes: row
            .named()
            .filter(|(column, _)| !COLUMNS.contains(column) && !column.is_empty())
            .filter_map(|(column, value)| Some((column.to_owned(), known(value)?)))
            .collect(),
    })
}

/// An absolute path inside `root` becomes relative, so that the manifest does not depend on where the data lies.
fn relative_or_absolute(path: &str, root: &Path) -> Result<String, String> {
    let Some(from_top) = path.strip_prefix('/') else {
        return inside(path).map_err(|problem| format!("{problem}; write paths outside of it absolute"));
    };
    let absolute = format!("/{}", inside(from_top)?);
    match Path::new(&absolute).strip_prefix(root).ok().and_then(Path::to_str) {
        Some(relative) if !relative.is_empty() => Ok(relative.to_owned()),
        _ => Ok(absolute),
    }
}

fn parse_split(name: &str) -> Result<Split, String> {
    match name.to_lowercase().as_str() {
        "train" | "training" => Ok(Split::Train),
        "val" | "valid" | "validation" | "dev" => Ok(Split::Val),
        "test" | "testing" => Ok(Split::Test),
        _ => Err(format!("the split '{}' is none of train, val and test", excerpt(name))),
    }
}
