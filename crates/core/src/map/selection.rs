//! Images selected on a map by a rectangle or a group of its colours, and what is written about them: a list of files for
//! `predict --list`, or decisions for `data decide --from`.

use super::{Groups, Map, Point};
use crate::dataset::decisions::{Decision, class_of};
use crate::dataset::{Manifest, Sample};
use crate::error::{AtPath, Error, Result};
use crate::text::excerpt;
use crate::workspace::Workspace;
use std::collections::HashMap;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::str::FromStr;

/// A rectangle on a map, by two of its corners.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rectangle {
    pub one: (f64, f64),
    pub other: (f64, f64),
}

impl Rectangle {
    fn holds(&self, point: &Point) -> bool {
        let between = |value: f64, a: f64, b: f64| (a.min(b)..=a.max(b)).contains(&value);
        between(point.x, self.one.0, self.other.0) && between(point.y, self.one.1, self.other.1)
    }
}

impl FromStr for Rectangle {
    type Err = String;

    /// Parses `X,Y,X,Y`.
    fn from_str(text: &str) -> Result<Self, String> {
        let numbers: Vec<f64> = text.split(',').filter_map(|part| part.trim().parse().ok()).collect();
        match numbers[..] {
            [x, y, to_x, to_y] if text.split(',').count() == 4 && numbers.iter().all(|number| number.is_finite()) => {
                Ok(Self { one: (x, y), other: (to_x, to_y) })
            }
            _ => Err(format!("'{}' is no rectangle; name two corners as X,Y,X,Y, such as -2.5,0,10,7", excerpt(text))),
        }
    }
}

/// The points of a map in a rectangle, or all; of one group, or of any.
pub fn selected(map: &Map, rectangle: Option<&Rectangle>, of: Option<(&Groups, usize)>) -> Vec<usize> {
    let within = |point: &Point| rectangle.is_none_or(|rectangle| rectangle.holds(point));
    let grouped = |at: usize| of.is_none_or(|(groups, group)| groups.of.get(at) == Some(&group));
    let points = map.points.iter().enumerate();
    points.filter(|(at, point)| within(point) && grouped(*at)).map(|(at, _)| at).collect()
}

/// The decision to be written about selected images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proposal {
    Keep,
    Drop,
    /// Each image gets the other label.
    Other,
    /// The images with the other label get this one.
    Label(String),
}

impl FromStr for Proposal {
    type Err = String;

    /// Parses `keep`, `drop`, `relabel` or `relabel LABEL`.
    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (word, label) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        match (word, label.trim()) {
            ("relabel", "") => Ok(Self::Other),
            (word, label) => match Decision::parse(word, Some(label))? {
                Decision::Keep => Ok(Self::Keep),
                Decision::Drop => Ok(Self::Drop),
                Decision::Relabel(label) => Ok(Self::Label(label)),
            },
        }
    }
}

impl fmt::Display for Proposal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keep => out.write_str("keep"),
            Self::Drop => out.write_str("drop"),
            Self::Other => out.write_str("relabel"),
            Self::Label(label) => write!(out, "relabel {label}"),
        }
    }
}

/// The content of a file about selected images, by its ending: `.txt`, a list of the images' files for `predict --list`;
/// `.csv`, decisions about the images for `data decide --from`.
///
/// # Errors
/// Another ending; nothing selected; a label that the data set does not have; a data set that is gone.
pub fn written(
    workspace: &Workspace,
    map: &Map,
    selected: &[usize],
    path: &Path,
    proposal: &Proposal,
) -> Result<Vec<u8>> {
    let is = |ending: &str| path.extension().is_some_and(|own| own.eq_ignore_ascii_case(ending));
    if !is("txt") && !is("csv") {
        return Err(Error::usage(format!(
            "{}: the ending decides what is written about the selected images; take .txt for a list of their files, .csv for \
             decisions about them.",
            path.display()
        )));
    }
    if selected.is_empty() {
        return Err(Error::usage("No images are selected, so there is nothing to write about them."));
    }
    let manifest = Manifest::load_recorded(workspace, &map.dataset, &map.manifest_sha256)?;
    let known: HashMap<(&str, &str), &Sample> =
        manifest.samples.iter().map(|sample| ((sample.source.as_str(), sample.path.as_str()), sample)).collect();
    let points = selected.iter().filter_map(|at| map.points.get(*at));
    let samples: Vec<&Sample> =
        points.filter_map(|point| known.get(&(point.source.as_str(), point.path.as_str())).copied()).collect();
    if samples.len() < selected.len() {
        return Err(Error::failed(format!(
            "The map shows images that are no longer in {}; make the map again.",
            manifest.name
        )));
    }
    if is("txt") { Ok(list(&manifest, &samples)) } else { decisions(&manifest, &samples, path, proposal) }
}

/// Their files, one per line.
fn list(manifest: &Manifest, samples: &[&Sample]) -> Vec<u8> {
    let mut lines = Vec::new();
    for sample in samples {
        lines.extend_from_slice(manifest.path_of(sample).as_os_str().as_bytes());
        lines.push(b'\n');
    }
    lines
}

/// A decision on each, by the hash of its content, with what a reader wants to know of it.
fn decisions(manifest: &Manifest, samples: &[&Sample], path: &Path, proposal: &Proposal) -> Result<Vec<u8>> {
    let classes = &manifest.classes;
    let target = match proposal {
        Proposal::Label(label) => Some(class_of(label, classes).ok_or_else(|| {
            Error::usage(format!(
                "{} has no label '{}'; its labels are {}.",
                manifest.name,
                excerpt(label),
                classes.join(" and ")
            ))
        })?),
        _ => None,
    };
    let mut out = csv::Writer::from_writer(Vec::new());
    let mut rows = 0;
    out.write_record(["image", "decision", "label", "path", "class", "split"]).at(path)?;
    for sample in samples {
        let (word, label) = match proposal {
            Proposal::Keep => ("keep", ""),
            Proposal::Drop => ("drop", ""),
            Proposal::Label(_) if Some(sample.class) == target => continue,
            Proposal::Other | Proposal::Label(_) => ("relabel", classes[1 - sample.class].as_str()),
        };
        let hash = sample.hash.to_string();
        let (file, class) = (sample.path.as_str(), classes[sample.class].as_str());
        let row = [hash.as_str(), word, label, file, class, sample.split.name()];
        out.write_record(row).at(path)?;
        rows += 1;
    }
    if rows == 0 {
        return Err(Error::usage("All selected images have that label already, so there is nothing to decide."));
    }
    out.into_inner().map_err(|error| Error::file(path, error.into_error()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rectangle_is_two_corners_whichever_come_first() {
        let rectangle: Rectangle = " -2.5, 0,10 ,7".parse().unwrap();
        assert_eq!(rectangle, Rectangle { one: (-2.5, 0.0), other: (10.0, 7.0) });
        for text in ["", "1,2,3", "1,2,3,4,5", "1,2,3,x", "1,2,3,nan", "1,2,3,inf", "1;2;3;4", "1,2,,3,4"] {
            assert!(text.parse::<Rectangle>().unwrap_err().contains("X,Y,X,Y"), "{text}");
        }
    }

    #[test]
    fn a_proposal_reads_as_it_is_written() {
        for text in ["keep", "drop", "relabel", "relabel male"] {
            assert_eq!(text.parse::<Proposal>().unwrap().to_string(), text);
        }
        assert_eq!(" relabel   not known ".parse::<Proposal>(), Ok(Proposal::Label("not known".into())));
        for text in ["", "remove", "drop male", "keep x", "relabeled"] {
            assert!(text.parse::<Proposal>().is_err(), "{text}");
        }
    }
}
