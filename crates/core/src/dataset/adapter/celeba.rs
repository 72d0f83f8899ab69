//! CelebA (Liu, Luo, Wang, Tang: Deep Learning Face Attributes in the Wild, ICCV 2015).
//!
//! Attributes are in `list_attr_celeba.txt`, splits in `list_eval_partition.txt` (0 train, 1 val, 2 test) and
//! identities in `identity_CelebA.txt`, with whitespace between columns; some copies of the data set have CSV files
//! instead.

use super::{Layout, inside};
use crate::dataset::encoding::decode;
use crate::dataset::label::genders;
use crate::dataset::number::whole;
use crate::dataset::sample::Split;
use crate::dataset::source::{RawRow, SourceRows};
use crate::dataset::table::{Dialect, each_row, read_label_file};
use crate::error::{Error, Result};
use crate::text::excerpt;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

/// CelebA: `list_attr_celeba.txt`, `list_eval_partition.txt` and `img_align_celeba/`.
pub static LAYOUT: Layout = Layout {
    name: "celeba",
    expects: "the folder with list_attr_celeba.txt, list_eval_partition.txt and img_align_celeba/",
    is_file: false,
    read,
};

/// Folders of the lists, in the original and in copies of the data set.
const LISTS: [&str; 3] = ["", "Anno", "Eval"];
/// Folders of the images; copies nest one in the other, which is tried first.
const IMAGES: [&str; 5] =
    ["img_align_celeba/img_align_celeba", "img_align_celeba", "Img/img_align_celeba", "img_celeba", "Img/img_celeba"];
/// The attributes by which results can be grouped; all forty for 200,000 images would waste memory.
const ATTRIBUTES: [&str; 3] = ["Young", "Eyeglasses", "Smiling"];

/// Reads the lists in the folder `root`. Male is the positive class; the splits are the data set's own.
///
/// # Errors
/// If there is no list of attributes, or it has no attribute `Male`.
pub fn read(root: &Path) -> Result<SourceRows> {
    let mut source = SourceRows::new(root, genders());
    let Some(attributes) = list(root, "list_attr_celeba") else {
        return Err(Error::file(
            root,
            "has no list_attr_celeba.txt; put the lists of CelebA beside the folder img_align_celeba",
        ));
    };
    let folder = IMAGES.iter().find(|folder| root.join(folder).is_dir()).copied();
    let mut splits = HashMap::new();
    match list(root, "list_eval_partition") {
        Some(path) => each_line(&path, "partition", &mut source, |image, values| {
            splits.insert(image.to_owned(), partition(values)?);
            Ok(())
        })?,
        None => {
            source.warnings.push("There is no list_eval_partition.txt, so CelebA's own splits are not known.".into())
        }
    }
    let mut people = HashMap::new();
    if let Some(path) = list(root, "identity_CelebA") {
        each_line(&path, "identity", &mut source, |image, values| {
            people.insert(image.to_owned(), values.first().map(|(_, person)| person.clone()).unwrap_or_default());
            Ok(())
        })?;
    }
    let mut rows = Vec::new();
    each_line(&attributes, "attributes", &mut source, |image, values| {
        let value =
            |name: &str| values.iter().find(|(held, _)| held.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        let image = inside(image)?;
        let written = value("Male").ok_or("the list has no attribute Male")?;
        let path = folder.map_or_else(|| image.clone(), |folder| format!("{folder}/{image}"));
        rows.push(RawRow {
            key: path.clone(),
            path,
            raw_label: format!("Male {written}"),
            class: match whole(written) {
                Some(1) => Some(1),
                Some(-1 | 0) => Some(0),
                _ => None,
            },
            subject: people.remove(&image).filter(|person| !person.is_empty()),
            age: None,
            fold: None,
            split: splits.remove(&image),
            group: None,
            attributes: ATTRIBUTES
                .iter()
                .filter_map(|name| {
                    let held = whole(value(name)?)?;
                    Some((name.to_lowercase(), if held == 1 { "yes".to_owned() } else { "no".to_owned() }))
                })
                .collect::<BTreeMap<_, _>>(),
        });
        Ok(())
    })?;
    source.rows = rows;
    if source.rows.is_empty() {
        let first = source.problems.examples.first().map_or("it has no line of an image", String::as_str);
        return Err(Error::file(&attributes, format!("names no image with its attribute Male: {first}")));
    }
    Ok(source)
}

/// The split with this partition number.
fn partition(values: &[(String, String)]) -> Result<Split, String> {
    let written = values.first().map_or("", |(_, value)| value.as_str());
    let number = whole(written).and_then(|number| usize::try_from(number).ok());
    let split = number.and_then(|number| Split::ALL.get(number).copied());
    split.ok_or_else(|| format!("the partition '{}' is none of 0, 1 and 2", excerpt(written)))
}

/// A list in one of its usual folders, as text or as CSV.
fn list(root: &Path, name: &str) -> Option<PathBuf> {
    let names = ["txt", "csv"].map(|ending| format!("{name}.{ending}"));
    let mut places = LISTS.iter().flat_map(|folder| names.iter().map(move |name| root.join(folder).join(name)));
    places.find(|path| path.is_file())
}

/// Calls `take` with the image and the column values of each line; a malformed line becomes a problem. A text list
/// starts with its number of lines and its column names, or directly with the first line; then its only column is
/// called `column`.
fn each_line(
    path: &Path,
    column: &str,
    source: &mut SourceRows,
    mut take: impl FnMut(&str, &[(String, String)]) -> Result<(), String>,
) -> Result<()> {
    let is_csv = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv"));
    if is_csv {
        let (_, said) = source.rows_and_said();
        each_row(path, Dialect::Commas, &["image_id"], said, |row| {
            let values = row.named().filter(|(name, _)| *name != "image_id");
            let values: Vec<(String, String)> =
                values.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            take(row.get("image_id"), &values)
        })?;
        return Ok(());
    }
    let decoded = decode(read_label_file(path)?).map_err(|problem| Error::file(path, problem))?;
    let text = String::from_utf8_lossy(&decoded.bytes);
    let file = path.file_name().unwrap_or_default().display().to_string();
    let mut columns = vec![column.to_owned()];
    let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).peekable();
    if lines.next_if(|(_, line)| whole(line).is_some()).is_some()
        && let Some((_, names)) = lines.next()
    {
        columns = names.split_whitespace().map(str::to_owned).collect();
    }
    for (number, line) in lines {
        let mut fields = line.split_whitespace();
        let image = fields.next().unwrap_or_default();
        let values: Vec<(String, String)> = columns.iter().cloned().zip(fields.map(str::to_owned)).collect();
        let whole = if values.len() == columns.len() {
            take(image, &values)
        } else {
            Err(format!("{} values where there are {} columns", values.len(), columns.len()))
        };
        if let Err(problem) = whole {
            source.problems.add(|| format!("{file} line {}: {problem}", number + 1));
        }
    }
    Ok(())
}
