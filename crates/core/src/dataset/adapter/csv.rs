//! CSV files with a path and a label in each row, and optional further columns.

use super::columns::Column;
use super::{Layout, inside};
use crate::dataset::label::{self, NoClasses, genders, known};
use crate::dataset::locate::from_uri;
use crate::dataset::report_text::thousands;
use crate::dataset::source::{RawRow, SourceRows};
use crate::dataset::table::{Dialect, Row, each_row};
use crate::error::{Error, Result};
use std::collections::BTreeMap;
use std::path::Path;

/// A CSV file with a path and a label in each row.
pub static LAYOUT: Layout = Layout {
    name: "csv",
    expects: "a CSV file with the columns path,label and, if known, subject,age,fold,split",
    is_file: true,
    read,
};

/// The columns with a meaning; `source` and `hash` are added by the program itself.
const COLUMNS: [&str; 8] = ["path", "label", "subject", "age", "fold", "split", "source", "hash"];

/// Reads the CSV file `path` with the columns `path,label` and optionally `subject,age,fold,split`. Other columns
/// become attributes.
///
/// Paths are relative to the file's folder and stay in it, or absolute. Gender labels in any of the usual spellings
/// become `female` and `male`, and all others are unknown; without gender labels there must be two values. A row with
/// an unknown fold or split is kept without it.
///
/// # Errors
/// If columns are missing, no row can be used, or the labels do not form two classes.
pub fn read(path: &Path) -> Result<SourceRows> {
    let root = path.parent().unwrap_or(Path::new("/"));
    let mut source = SourceRows::new(root, genders());
    let (rows, said) = source.rows_and_said();
    let (mut folds, mut splits) = (Column::default(), Column::default());
    let mut written: Vec<[String; 2]> = Vec::new();
    each_row(path, Dialect::Commas, &["path", "label"], said, |row| {
        rows.push(parse(row, root)?);
        let [fold, split] = ["fold", "split"].map(|column| row.get(column));
        folds.add(fold, row.line);
        splits.add(split, row.line);
        written.push([fold, split].map(str::to_owned));
        Ok(())
    })?;
    let mut labels: BTreeMap<String, usize> = BTreeMap::new();
    for label in rows.iter().filter_map(|row| known(&row.raw_label)) {
        *labels.entry(label).or_default() += 1;
    }
    let classes = label::classes(&labels).map_err(|what| Error::file(path, no_classes(&source, &what)))?;
    let (folds, splits) = (folds.folds(), splits.splits());
    for (row, [fold, split]) in source.rows.iter_mut().zip(&written) {
        row.class = classes.of(&row.raw_label);
        (row.fold, row.split) = (folds.get(fold), splits.get(split));
    }
    source.warnings.extend(folds.warnings.into_iter().chain(splits.warnings).chain(classes.note));
    source.classes = classes.names;
    Ok(source)
}

/// What is wrong with the labels: the error of the rows if none or few were read, else that of the classes.
fn no_classes(source: &SourceRows, what: &NoClasses) -> String {
    let (rows, refused) = (source.rows.len(), source.problems.count);
    let first = source.problems.examples.first().map_or("", String::as_str);
    match (rows, refused) {
        (0, 0) => "has a header, but no row".into(),
        (0, _) => format!("none of its {} rows can be used; the first: {first}", thousands(refused)),
        _ => {
            let lost = if refused == 0 {
                String::new()
            } else {
                format!(
                    "; {} of {} rows cannot be used, the first: {first}",
                    thousands(refused),
                    thousands(rows + refused)
                )
            };
            format!("the column label must have two values, but has {what}{lost}")
        }
    }
}

/// The values of one row; class, fold and split are determined when all rows are read.
fn parse(row: &Row, root: &Path) -> Result<RawRow, String> {
    let path = relative_or_absolute(row.get("path"), root)?;
    Ok(RawRow {
        key: path.clone(),
        path,
        raw_label: row.get("label").to_owned(),
        class: None,
        subject: known(row.get("subject")),
        age: known(row.get("age")),
        fold: None,
        split: None,
        group: None,
        attributes: row
            .named()
            .filter(|(column, _)| !COLUMNS.contains(column) && !column.is_empty())
            .filter_map(|(column, value)| Some((column.to_owned(), known(value)?)))
            .collect(),
    })
}

/// Makes an absolute path inside `root` relative, so that the manifest does not depend on the location of the data.
fn relative_or_absolute(path: &str, root: &Path) -> Result<String, String> {
    let path = &from_uri(path);
    let Some(from_top) = path.strip_prefix('/') else {
        return inside(path).map_err(|problem| format!("{problem}; write paths outside of it absolute"));
    };
    let absolute = format!("/{}", inside(from_top)?);
    match Path::new(&absolute).strip_prefix(root).ok().and_then(Path::to_str) {
        Some(relative) if !relative.is_empty() => Ok(relative.to_owned()),
        _ => Ok(absolute),
    }
}
