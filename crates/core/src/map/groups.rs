//! Groups of a map's points, shown by colour.

use super::Map;
use crate::dataset::Split;
use crate::error::Result;
use crate::run::RunFolder;
use crate::run::results::ResultRow;
use crate::run::scored::Scored;
use crate::workspace::Workspace;
use faceprobe_settings::choices;
use std::collections::HashMap;

choices! {
    /// What the colours mean.
    pub enum Colour {
        Class = "class",
        Split = "split",
        Correct = "correct",
        Age = "age",
    }
}

impl Colour {
    /// The next grouping, cyclically.
    pub fn next(self) -> Self {
        match self {
            Self::Class => Self::Split,
            Self::Split => Self::Correct,
            Self::Correct => Self::Age,
            Self::Age => Self::Class,
        }
    }
}

/// Beyond this number, the smallest age groups are merged: more colours cannot be distinguished.
const MOST_AGES: usize = 6;

/// The group of each point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Groups {
    pub names: Vec<String>,
    /// Index of the group, per point.
    pub of: Vec<usize>,
}

impl Groups {
    /// Number of points in each group.
    pub fn counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.names.len()];
        self.of.iter().for_each(|group| counts[*group] += 1);
        counts
    }
}

/// A run's predictions: by source and path, whether they are correct.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Judged {
    pub run: String,
    right: HashMap<(String, String), bool>,
}

/// The predictions on validation, and on the test split if it was opened.
///
/// # Errors
/// An unknown run; damaged scores.
pub fn judged(workspace: &Workspace, run: &str) -> Result<Judged> {
    let folder = RunFolder::find(workspace, run)?;
    let row = ResultRow::required(&folder)?;
    let mut right = HashMap::new();
    for split in [Split::Val, Split::Test] {
        let Some(scored) = Scored::load(workspace, &folder, &row, split)? else { continue };
        let correct = scored.correct();
        let images = scored.images.into_iter().zip(correct);
        right.extend(images.map(|(image, correct)| ((image.source, image.path), correct)));
    }
    Ok(Judged { run: row.run, right })
}

/// Groups the points of a map.
pub fn groups(map: &Map, colour: Colour, judged: Option<&Judged>) -> Groups {
    let named = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    match colour {
        Colour::Class => {
            Groups { names: map.classes.to_vec(), of: map.points.iter().map(|point| point.class).collect() }
        }
        Colour::Split => {
            let of = |split| Split::ALL.iter().position(|known| *known == split).unwrap_or(0);
            let names = Split::ALL.iter().map(|split| split.name().to_owned()).collect();
            Groups { names, of: map.points.iter().map(|point| of(point.split)).collect() }
        }
        Colour::Correct => {
            let of = |source: &str, path: &str| {
                let right = judged.and_then(|judged| judged.right.get(&(source.to_owned(), path.to_owned())));
                right.map_or(2, |right| usize::from(!right))
            };
            let of = map.points.iter().map(|point| of(&point.source, &point.path)).collect();
            Groups { names: named(&["right", "wrong", "not scored"]), of }
        }
        Colour::Age => by_age(map),
    }
}

fn by_age(map: &Map) -> Groups {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    map.points.iter().filter_map(|point| point.age.as_deref()).for_each(|age| *counts.entry(age).or_default() += 1);
    let mut ages: Vec<(&str, usize)> = counts.into_iter().collect();
    ages.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let more = ages.len() > MOST_AGES;
    ages.truncate(if more { MOST_AGES - 1 } else { MOST_AGES });
    // Youngest first, by the first number in the name.
    let first = |age: &str| -> u32 {
        let digits = age.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit);
        digits.collect::<String>().parse().unwrap_or(u32::MAX)
    };
    ages.sort_by(|a, b| first(a.0).cmp(&first(b.0)).then(a.0.cmp(b.0)));
    let mut names: Vec<String> = ages.iter().map(|(age, _)| (*age).to_owned()).collect();
    let known = names.len();
    let others =
        map.points.iter().any(|point| point.age.as_deref().is_some_and(|age| ages.iter().all(|(own, _)| *own != age)));
    if others {
        names.push("others".into());
    }
    let unknown = names.len();
    if map.points.iter().any(|point| point.age.is_none()) {
        names.push("not known".into());
    }
    let of = |age: Option<&str>| match age {
        Some(age) => ages.iter().position(|(own, _)| *own == age).unwrap_or(known),
        None => unknown,
    };
    Groups { of: map.points.iter().map(|point| of(point.age.as_deref())).collect(), names }
}
