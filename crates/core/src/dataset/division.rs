//! Divides the usable samples into splits, by the requested method.

use super::group_split;
use super::prepare::PrepareSettings;
use super::report_text::thousands;
use super::sample::Split;
use super::screening::Usable;
use super::split::{Sizes, draw, drawing_order};
use crate::error::{Error, Result};
use faceprobe_settings::choices;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

choices! {
    /// A method of division.
    #[derive(Default)]
    pub enum SplitMethod {
        /// By image: photographs of one person can be in several splits; groups of near-duplicates that an audit found
        /// are kept together.
        #[default]
        Random = "random",
        /// The data set's own splits.
        Official = "official",
        /// By image, but no person (and no group of near-duplicates) is in two splits.
        Subject = "subject",
        /// Cross-validation over the folds of the data set; validation is taken from the training folds by subject.
        Folds = "folds",
    }
}

impl SplitMethod {
    /// Whether subjects are kept together.
    pub fn keeps_people_apart(self) -> bool {
        matches!(self, Self::Subject | Self::Folds)
    }
}

/// One of the prepared sets of a cross-validation.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Fold {
    /// The name of the cross-validation.
    pub of: String,
    /// The fold that is the test split.
    pub index: u32,
    /// The number of folds.
    pub count: usize,
}

/// A division into splits; none for samples in no split.
pub(super) struct Division {
    pub method: SplitMethod,
    pub fold: Option<Fold>,
    pub drawn: Vec<Option<Split>>,
    pub warning: Option<String>,
}

impl Division {
    /// The folder of its prepared set; `id` is that of the version.
    pub(super) fn folder(&self, id: &str) -> String {
        self.fold.as_ref().map_or_else(|| id.to_owned(), |fold| format!("{id}-fold-{}", fold.index))
    }

    /// Whether every group of near-duplicates is in one split.
    pub(super) fn keeps_groups(&self) -> bool {
        self.method != SplitMethod::Official
    }
}

/// Divides as requested: into one set, or into one per fold. Without a method: by the requested sizes, else by the
/// official splits, else 60/20/20. `sources` are the names of the sources.
///
/// # Errors
/// If there are too few samples, or the data set lacks what the method needs.
pub(super) fn divide(
    usable: &[Usable],
    sources: &[&str],
    settings: &PrepareSettings,
    asked: Option<Sizes>,
    classes: &[String; 2],
) -> Result<Vec<Division>> {
    let has_official = usable.iter().any(|sample| sample.row.split.is_some());
    let method = settings.split.unwrap_or(match asked {
        None if has_official => SplitMethod::Official,
        _ => SplitMethod::Random,
    });
    let order: Vec<([u8; 32], usize)> = usable
        .iter()
        .map(|sample| (drawing_order(settings.seed, sources[sample.source], &sample.row.path), sample.class))
        .collect();
    let mut one = Division { method, fold: None, drawn: Vec::new(), warning: None };
    match method {
        SplitMethod::Official => (one.drawn, one.warning) = official(usable, asked)?,
        SplitMethod::Random => {
            if has_official {
                let why = if asked.is_some() { "sizes were" } else { "a random split was" };
                one.warning = Some(format!("The official splits of the data were not used, because {why} asked for."));
            }
            let sizes = sizes(usable, asked, classes)?;
            if usable.iter().any(|sample| sample.row.group.is_some()) {
                one.drawn = group_split::draw(&order, &groups(usable), &sizes);
                if asked.is_some() {
                    enough(&one.drawn, &order, &sizes)?;
                }
            } else {
                one.drawn = draw(&order, &sizes);
            }
        }
        SplitMethod::Subject => {
            let cluster_of = clusters(usable);
            let known =
                usable.iter().filter(|sample| sample.row.subject.is_some() || sample.row.group.is_some()).count();
            if known == 0 {
                return Err(Error::failed(
                    "The data set names neither subjects nor groups of near duplicates, so people cannot be kept apart; \
                     use --split random, or audit the data and group what belongs together.",
                ));
            }
            if known < usable.len() {
                let unknown = thousands(usable.len() - known);
                one.warning =
                    Some(format!("{unknown} usable images name no subject; each was taken for another person."));
            }
            let sizes = sizes(usable, asked, classes)?;
            one.drawn = group_split::draw(&order, &cluster_of, &sizes);
            if asked.is_some() {
                enough(&one.drawn, &order, &sizes)?;
            }
        }
        SplitMethod::Folds => return cross_validation(usable, &order, settings, asked),
    }
    Ok(vec![one])
}

/// The cluster of each sample: the samples of one subject or group, which a division by subject keeps together.
pub(super) fn clusters(usable: &[Usable]) -> Vec<usize> {
    group_split::clusters(usable.iter().map(|sample| {
        let subject = sample.row.subject.as_deref().map(|subject| (Some(sample.source), subject));
        let group = sample.row.group.as_deref().map(|group| (None, group));
        subject.into_iter().chain(group).collect()
    }))
}

/// The same for groups alone, for a division by image.
fn groups(usable: &[Usable]) -> Vec<usize> {
    group_split::clusters(usable.iter().map(|sample| sample.row.group.as_deref().into_iter().collect()))
}

fn official(usable: &[Usable], asked: Option<Sizes>) -> Result<(Vec<Option<Split>>, Option<String>)> {
    if asked.is_some() {
        return Err(Error::usage("The official splits have their own sizes; leave out --train, --val and --test."));
    }
    let named = usable.iter().filter(|sample| sample.row.split.is_some()).count();
    if named == 0 {
        return Err(Error::failed("The data set has no official splits; use --split random or --split subject."));
    }
    let warning = (named < usable.len()).then(|| {
        let left = thousands(usable.len() - named);
        format!("The official splits were used; {left} usable images belong to none of them.")
    });
    Ok((usable.iter().map(|sample| sample.row.split).collect(), warning))
}

/// The requested sizes, if there are enough samples; else 60/20/20 of the largest balanced selection.
fn sizes(usable: &[Usable], asked: Option<Sizes>, classes: &[String; 2]) -> Result<Sizes> {
    let counts: [usize; 2] = [0, 1].map(|class| usable.iter().filter(|sample| sample.class == class).count());
    let [first, second] = &counts.map(thousands);
    let there_are = format!("there are {first} {} and {second} {}", classes[0], classes[1]);
    let Some(sizes) = asked else {
        return Sizes::everything(counts).ok_or_else(|| {
            Error::failed(format!(
                "Too few usable images to divide 60/20/20: at least 5 of each class are needed, and {there_are}. \
                 The account of the preparation says why the others were left out."
            ))
        });
    };
    let needed = sizes.needed();
    if counts.iter().any(|count| *count < needed) {
        let hint = match sizes.largest_that_fits(counts) {
            Some(fitting) => format!("the largest sizes in the same proportion that fit are {}", fitting.as_options()),
            None => "no sizes in this proportion fit".into(),
        };
        return Err(Error::failed(format!(
            "Too few usable images for {}: {} of each class are needed, and {there_are}; {hint}.",
            sizes.as_options(),
            thousands(needed)
        )));
    }
    Ok(sizes)
}

/// Checks that keeping subjects together left as many images as requested.
fn enough(drawn: &[Option<Split>], order: &[([u8; 32], usize)], sizes: &Sizes) -> Result<()> {
    for split in Split::ALL {
        let there = drawn.iter().zip(order).filter(|(drawn, of)| **drawn == Some(split) && of.1 == 0).count();
        if there < sizes.per_class(split) {
            return Err(Error::failed(format!(
                "With people and near duplicates kept apart, {} images of each class are left for the {} split, and {} are asked for; \
                 ask for fewer, such as --{1} {}.",
                thousands(there),
                split.name(),
                thousands(sizes.per_class(split)),
                2 * there
            )));
        }
    }
    Ok(())
}

/// One division for each fold of the data set.
fn cross_validation(
    usable: &[Usable],
    order: &[([u8; 32], usize)],
    settings: &PrepareSettings,
    asked: Option<Sizes>,
) -> Result<Vec<Division>> {
    if asked.is_some() {
        return Err(Error::usage("Folds have their own sizes; leave out --train, --val and --test."));
    }
    let folds: Vec<Option<u32>> = usable.iter().map(|sample| sample.row.fold).collect();
    let numbers: BTreeSet<u32> = folds.iter().copied().flatten().collect();
    if numbers.len() < 2 {
        return Err(Error::failed(
            "The data set does not tell folds for cross-validation; use --split subject or --split random.",
        ));
    }
    let cluster_of = clusters(usable);
    let divisions = numbers.iter().map(|&index| {
        let drawn = group_split::fold(order, &cluster_of, &folds, index);
        let left = folds.iter().zip(&drawn).filter(|(fold, drawn)| fold.is_some() && drawn.is_none()).count();
        Division {
            method: SplitMethod::Folds,
            fold: Some(Fold { of: settings.name.clone(), index, count: numbers.len() }),
            drawn,
            warning: (left > 0).then(|| {
                format!(
                    "{} images of people in the test fold are in the other folds too and were left out.",
                    thousands(left)
                )
            }),
        }
    });
    let divisions: Vec<Division> = divisions.collect();
    for division in &divisions {
        let count = |split| division.drawn.iter().filter(|drawn| **drawn == Some(split)).count();
        if let Some(split) = Split::ALL.into_iter().find(|split| count(*split) == 0) {
            return Err(Error::failed(format!(
                "Too few people to make a {} split beside fold {}; use --split subject.",
                split.name(),
                division.fold.as_ref().map_or(0, |fold| fold.index)
            )));
        }
    }
    Ok(divisions)
}
