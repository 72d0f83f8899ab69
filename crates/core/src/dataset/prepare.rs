//! Preparation: label files in, a checked, balanced and split data set out, with an report of every row.

use super::crops::{Cropper, folder_of};
use super::decisions::{Decision, class_of};
use super::division::{SplitMethod, divide};
use super::duplicates::{Verdict, judge};
use super::followed::{Followed, Rulings, ruling_text};
use super::groups;
use super::inspect::{Stamp, inspect};
use super::locate::{Locator, Placed, place};
use super::preparation::{Built, Crops, Preparation};
use super::publication::{Published, publish};
use super::reasons::{Drops, Reason};
use super::report::PrepareReport;
use super::report_text::thousands;
use super::sample::ContentHash;
use super::source::{RawRow, SourceRows, SourceSpec, source_names};
use super::split::Sizes;
use super::versions;
use crate::error::{Error, ErrorKind, Result};
use crate::imaging::{Alignment, Template};
use crate::monitor::{Monitor, Update};
use crate::text::excerpt;
use crate::workspace::Workspace;
use faceprobe_settings::{Refusal, Rules, settings};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

settings! {
    /// What to prepare.
    #[derive(Eq)]
    pub struct PrepareSettings {
        /// Where labels and images are; may be given several times, if the classes agree.
        source: Vec<SourceSpec> = Vec::new(), any().lines();
        /// Name of the prepared set, which becomes a folder's.
        name: String = String::new(), text("NAME").computed("the first source's layout");
        /// Training images, both classes together; without the three sizes the data set's own splits or 60/20/20 of all.
        train: Option<usize> = None, whole(0..=100_000_000).unit("images");
        /// Validation images, both classes together.
        val: Option<usize> = None, whole(0..=100_000_000).unit("images");
        /// Test images, both classes together.
        test: Option<usize> = None, whole(0..=100_000_000).unit("images");
        /// Decides which images are drawn.
        seed: u64 = 1, any().seed();
        /// How images are divided: random by image, subject (nobody in two splits), folds (cross-validation), or official.
        split: Option<SplitMethod> = None, any().or("auto").computed("official where there are such splits and no sizes are given, else random");
        /// Crop every image to its face: tight (the face, as FairFace) or loose (the head, as Adience).
        align: Option<Template> = None, any();
        /// Rows and columns of the aligned crops.
        align_side: usize = Alignment::SIDE, whole(32..=1024).unit("pixels").advanced();
        /// Which decisions about images are followed: workspace (data/decisions.csv), none, or these and no others.
        decisions: Followed = Followed::default(), any().advanced();
    }
}

impl Rules for PrepareSettings {
    const EARLIER: &'static [&'static str] = &["sources"];

    fn check_together(&self) -> std::result::Result<(), Refusal> {
        let name = &self.name;
        let usual = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || name.starts_with('.') || name.len() > 100 || !name.chars().all(usual) {
            return Err(
                Refusal::new("name", "must be letters, digits, '-', '_' and '.', not starting with a dot").not(name)
            );
        }
        let sizes = [("train", self.train), ("val", self.val), ("test", self.test)];
        if sizes.iter().any(|(_, size)| size.is_some())
            && let Some((absent, _)) = sizes.iter().find(|(_, size)| size.is_none())
        {
            return Err(Refusal::new(*absent, "must be given where another of {train}, {val} and {test} is"));
        }
        if self.train.is_some()
            && let Some(method @ (SplitMethod::Official | SplitMethod::Folds)) = self.split
        {
            return Err(Refusal::new(
                "train",
                format!(
                    "must be left out, as {{val}} and {{test}}, for {{split}} {method}, which has sizes of its own"
                ),
            ));
        }
        Ok(())
    }

    fn settle(&mut self, given: &dyn Fn(&str) -> bool) {
        if !given("name")
            && let Some(source) = self.source.first()
        {
            self.name = source.adapter.name().to_owned();
        }
    }

    /// Version 0.1.0 had sources as objects, and the crop's side in the alignment.
    fn upgrade(object: &mut Map<String, Value>) {
        if let Some(Value::Array(mut sources)) = object.remove("sources") {
            for source in &mut sources {
                if let (Some(adapter), Some(path)) = (source["adapter"].as_str(), source["path"].as_str()) {
                    *source = Value::String(format!("{adapter}:{path}"));
                }
            }
            object.insert("source".into(), Value::Array(sources));
        }
        if let Some(Value::Object(align)) = object.get("align").cloned() {
            object.insert("align".into(), align.get("template").cloned().unwrap_or_default());
            object.extend(align.get("side").map(|side| ("align_side".to_owned(), side.clone())));
        }
    }
}

impl PrepareSettings {
    /// The crop of every image; none for the study's mode, the whole picture.
    pub fn alignment(&self) -> Option<Alignment> {
        self.align.map(|template| Alignment { template, side: self.align_side })
    }
}

/// How a preparation ended. There is a report in either case.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// Of a cross-validation, the report of all folds together.
    pub report: PrepareReport,
    /// `data/prepared/NAME`, or that of a later version; of a cross-validation there are `NAME-fold-0` and so on beside it.
    pub folder: PathBuf,
    /// The version; an error when there were too few images for the sizes: then no manifest was written.
    pub outcome: Result<Published>,
}

/// A source that was read, without its rows.
pub(super) struct Source {
    pub name: String,
    pub rows: SourceRows,
}

/// A row on its way through the checks.
pub(super) struct Candidate {
    /// Index of its source.
    pub source: usize,
    pub row: RawRow,
    /// Where the image should be.
    file: PathBuf,
    /// None if nothing is there.
    stamp: Option<Stamp>,
}

/// A candidate that passed every check.
pub(super) struct Usable {
    pub source: usize,
    pub row: RawRow,
    pub class: usize,
    pub hash: ContentHash,
}

/// Reads, checks, samples and writes `data/prepared/NAME` in the workspace, or the next version where there is such a set
/// with other content; the same content is found, and nothing is written.
///
/// Too few images for the sizes is an [`Prepared::outcome`], so that the report can be shown; `report.json` is then
/// written as well, unless there is a set of that name.
///
/// # Errors
/// When the settings make no sense, a source cannot be read at all, the workspace cannot be written, or the monitor
/// asks to stop.
pub fn prepare(workspace: &Workspace, settings: &PrepareSettings, monitor: &dyn Monitor) -> Result<Prepared> {
    prepare_with(workspace, settings, None, monitor)
}

/// [`prepare`] with somebody who makes the crops that [`PrepareSettings::align`] asks for.
///
/// # Errors
/// As [`prepare`]; crops that are asked for and nobody makes.
pub fn prepare_with(
    workspace: &Workspace,
    settings: &PrepareSettings,
    cropper: Option<&dyn Cropper>,
    monitor: &dyn Monitor,
) -> Result<Prepared> {
    if settings.align.is_some() != cropper.is_some() {
        return Err(Error::failed(
            "Crops to faces are made where the face detector is, and only if they are asked for.",
        ));
    }
    check_name(&settings.name)?;
    if let Some(of) = versions::fold_of(workspace, &settings.name) {
        return Err(Error::usage(format!(
            "{} is a fold of the cross-validation {of}; prepare under another --name.",
            settings.name
        )));
    }
    let asked = Sizes::asked(settings.train, settings.val, settings.test)?;
    stage(monitor, "read labels")?;
    let mut sources = read_sources(&settings.source)?;
    let classes = sources[0].rows.classes.clone();
    let mut report = PrepareReport {
        name: settings.name.clone(),
        synthetic: sources.iter().any(|source| source.rows.synthetic),
        sources: settings.source.iter().map(ToString::to_string).collect(),
        seed: settings.seed,
        classes: classes.clone(),
        ..PrepareReport::default()
    };
    let mut drops = Drops::default();
    let (candidates, mut locators) = candidates(&mut sources, &mut report, &mut drops);
    let present = screen(candidates, &mut locators, &mut report, &mut drops);
    stage(monitor, "inspect images")?;
    let files: Vec<(PathBuf, Stamp)> =
        present.iter().filter_map(|candidate| Some((candidate.file.clone(), candidate.stamp?))).collect();
    let inspected = inspect(&files, &workspace.root().join("cache/inspected.csv"), monitor)?;
    stage(monitor, "sample splits")?;
    let rulings = settings.decisions.in_force(workspace)?;
    let decodable = decodable(present, inspected, &mut drops);
    report.followed = followed(&decodable, settings, &rulings);
    let (usable, relabelled) = decided(decodable, settings, &rulings, &classes, &mut drops)?;
    let mut usable = without_duplicates(usable, &sources, &classes, &mut drops);
    let grouped = group(&mut usable, &groups::load(workspace)?);
    describe(&usable, &mut report);
    let names: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
    let divisions = divide(&usable, &names, settings, asked, &classes).map_err(|error| match drops.most() {
        // Then it is what was left out that is to be mended.
        Some(most) if error.kind() == ErrorKind::Failed && drops.count() > usable.len() => {
            Error::failed(format!("{error} {most}"))
        }
        _ => error,
    });
    report.warnings = sources.iter_mut().flat_map(|source| std::mem::take(&mut source.rows.warnings)).collect();
    report.warnings.extend(relabelled);
    if divisions.as_ref().is_ok_and(|divisions| divisions.iter().all(|division| division.keeps_groups())) {
        report.warnings.extend(grouped);
    }
    let preparation = Preparation { report, drops, usable: &usable, sources: &sources, settings };
    let divisions = match divisions {
        Ok(divisions) => divisions,
        Err(error) => {
            let folder = workspace.prepared(&settings.name);
            return Ok(Prepared { report: preparation.of_none(workspace)?, folder, outcome: Err(error) });
        }
    };
    let target = cropper.map(|cropper| folder_of(workspace, &settings.name, cropper));
    let crops = cropper.zip(target.as_ref()).map(|(cropper, folder)| Crops { cropper, folder, monitor });
    let built: Vec<Built> =
        divisions.iter().map(|division| preparation.build(division, crops.as_ref())).collect::<Result<_>>()?;
    let (report, published) = publish(workspace, &preparation, &divisions, &built)?;
    Ok(Prepared { report, folder: workspace.prepared(&published.version.id()), outcome: Ok(published) })
}

pub(super) fn stage(monitor: &dyn Monitor, name: &str) -> Result<()> {
    if monitor.stopped() {
        return Err(Error::stopped());
    }
    monitor.update(Update::Stage { name: name.into() });
    Ok(())
}

/// A prepared set is a folder of `data/prepared`, typed on command lines and shown in tables.
///
/// # Errors
/// A name that cannot be one, as wrong usage.
pub fn check_name(name: &str) -> Result<()> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.len() > 64 || name.starts_with(['.', '-']) || !name.chars().all(plain) {
        return Err(Error::usage(format!(
            "'{}' cannot name a prepared data set; use up to 64 letters, digits, '-', '_' and '.'.",
            excerpt(name)
        )));
    }
    Ok(())
}

fn read_sources(specs: &[SourceSpec]) -> Result<Vec<Source>> {
    if specs.is_empty() {
        return Err(Error::usage("No data to prepare; give at least one --source, such as adience:PATH."));
    }
    let names = source_names(specs);
    let mut sources: Vec<Source> = Vec::new();
    for (spec, name) in specs.iter().zip(names) {
        let rows = spec.read()?;
        if let Some(first) = sources.first().filter(|first| first.rows.classes != rows.classes) {
            let [theirs, ours] = [&first.rows.classes, &rows.classes].map(|classes| excerpt(&classes.join(" and ")));
            return Err(Error::usage(format!(
                "{} has the classes {theirs}, but {name} has {ours}; prepare them one by one.",
                first.name
            )));
        }
        sources.push(Source { name, rows });
    }
    Ok(sources)
}

/// Takes the rows out of all sources, looks which images are there, and counts what is counted over all rows.
fn candidates(sources: &mut [Source], report: &mut PrepareReport, drops: &mut Drops) -> (Vec<Candidate>, Vec<Locator>) {
    let (mut candidates, mut locators) = (Vec::new(), Vec::new());
    for (source, read) in sources.iter_mut().enumerate() {
        let rows = std::mem::take(&mut read.rows.rows);
        let problems = std::mem::take(&mut read.rows.problems);
        let set_aside = std::mem::take(&mut read.rows.set_aside);
        report.rows += rows.len() + problems.count + set_aside.count();
        drops.append(set_aside);
        drops.merge(Reason::MalformedRow, problems);
        let (placed, locator) = place(&read.rows.root, rows);
        read.rows.warnings.extend(locator.note.clone());
        let mut keys = HashSet::new();
        report.repeated_keys += placed.iter().filter(|placed| !keys.insert(placed.row.key.as_str())).count();
        candidates.extend(placed.into_iter().map(|Placed { row, file, stamp }| Candidate { source, row, file, stamp }));
        locators.push(locator);
    }
    for candidate in &candidates {
        let label = if candidate.row.raw_label.is_empty() { "(empty)" } else { &candidate.row.raw_label };
        *report.raw_labels.entry(excerpt(label)).or_default() += 1;
    }
    report.images_present = candidates.iter().filter(|candidate| candidate.stamp.is_some()).count();
    (candidates, locators)
}

/// Drops unknown labels, repeated rows and missing files, in this order.
///
/// A repeated row with another label is no repetition: both stay and are dropped as contradicting when their equal
/// bytes are seen.
fn screen(
    mut candidates: Vec<Candidate>,
    locators: &mut [Locator],
    report: &mut PrepareReport,
    drops: &mut Drops,
) -> Vec<Candidate> {
    candidates.retain(|candidate| {
        let known = candidate.row.class.is_some();
        if !known {
            drops.add(Reason::UnknownLabel, || {
                let Candidate { row, .. } = candidate;
                let label = if row.raw_label.is_empty() { "empty" } else { &row.raw_label };
                format!("{} ({label})", row.path)
            });
        }
        known
    });
    let mut seen = HashSet::new();
    candidates.retain(|candidate| {
        let is_new = seen.insert((candidate.source, candidate.row.key.clone(), candidate.row.class));
        if !is_new {
            drops.add(Reason::RepeatedRow, || candidate.row.path.clone());
        }
        is_new
    });
    candidates.retain(|candidate| {
        if candidate.stamp.is_none() {
            let path = &candidate.row.path;
            let mut near = || locators.get_mut(candidate.source).and_then(|locator| locator.near(path));
            drops.add(Reason::MissingFile, || match near() {
                Some(near) => format!("{path}; there is {near}"),
                None => path.clone(),
            });
        }
        candidate.stamp.is_some()
    });
    let subjects = candidates.iter().any(|candidate| candidate.row.subject.is_some());
    report.subjects = subjects.then_some(0);
    candidates
}

fn decodable(
    candidates: Vec<Candidate>,
    inspected: Vec<Result<ContentHash, String>>,
    drops: &mut Drops,
) -> Vec<Usable> {
    let mut usable = Vec::new();
    for (candidate, inspected) in candidates.into_iter().zip(inspected) {
        let Candidate { source, row, .. } = candidate;
        match (inspected, row.class) {
            (Ok(hash), Some(class)) => usable.push(Usable { source, class, hash, row }),
            (Err(reason), _) => drops.add(Reason::Undecodable, || format!("{}: {reason}", row.path)),
            // Rows without a class were dropped before.
            (Ok(_), None) => {}
        }
    }
    usable
}

/// The decisions that make these images what they are: all that were stated, or those of the workspace that are about them.
fn followed(usable: &[Usable], settings: &PrepareSettings, rulings: &Rulings) -> Vec<String> {
    let there: HashSet<ContentHash> = match settings.decisions {
        Followed::Workspace => usable.iter().map(|sample| sample.hash).collect(),
        Followed::These(_) => rulings.keys().copied().collect(),
    };
    rulings
        .iter()
        .filter(|(hash, _)| there.contains(hash))
        .map(|(hash, decision)| ruling_text(hash, decision))
        .collect()
}

/// Follows what a person decided: drops, and relabels. Answers a sentence about the relabelled, if there are any.
fn decided(
    mut usable: Vec<Usable>,
    settings: &PrepareSettings,
    rulings: &Rulings,
    classes: &[String; 2],
    drops: &mut Drops,
) -> Result<(Vec<Usable>, Option<String>)> {
    let mut relabelled = 0;
    for sample in &mut usable {
        if let Some(Decision::Relabel(label)) = rulings.get(&sample.hash) {
            let class = class_of(label, classes).ok_or_else(|| {
                let (place, mend) = match settings.decisions {
                    Followed::Workspace => ("data/decisions.csv relabels", "decide on it again"),
                    Followed::These(_) => ("The set's decisions relabel", "state one of them"),
                };
                Error::failed(format!(
                    "{place} {} as '{}', which is neither {}; {mend}.",
                    excerpt(&sample.row.path),
                    excerpt(label),
                    classes.join(" nor ")
                ))
            })?;
            relabelled += usize::from(class != sample.class);
            sample.class = class;
        }
    }
    usable.retain(|sample| {
        let dropped = rulings.get(&sample.hash) == Some(&Decision::Drop);
        if dropped {
            drops.add(Reason::Decided, || sample.row.path.clone());
        }
        !dropped
    });
    let place = if settings.decisions == Followed::Workspace { " in data/decisions.csv" } else { "" };
    let sentence = (relabelled > 0).then(|| {
        format!("{} images have the label that was decided{place} instead of their own.", thousands(relabelled))
    });
    Ok((usable, sentence))
}

/// Gives the images that an audit found to be of the same picture their group. Answers a sentence about them, if there
/// are any; of a group of which only one image is left there is nothing to say.
fn group(usable: &mut [Usable], remembered: &BTreeMap<ContentHash, ContentHash>) -> Option<String> {
    let mut members: BTreeMap<ContentHash, usize> = BTreeMap::new();
    for sample in usable.iter() {
        remembered.get(&sample.hash).into_iter().for_each(|group| *members.entry(*group).or_default() += 1);
    }
    members.retain(|_, count| *count > 1);
    for sample in usable.iter_mut().filter(|sample| sample.row.group.is_none()) {
        let group = remembered.get(&sample.hash).filter(|group| members.contains_key(group));
        sample.row.group = group.map(ToString::to_string);
    }
    let images: usize = members.values().sum();
    (images > 0).then(|| {
        format!(
            "{} images in {} groups of nearly the same picture, which an audit found (data/alike.csv), are kept in one \
             split each.",
            thousands(images),
            thousands(members.len())
        )
    })
}

/// Drops all but the first of equal files, and all of those whose labels contradict each other. What is left is in
/// the order of source and path, whatever the order of the label files was.
fn without_duplicates(
    mut usable: Vec<Usable>,
    sources: &[Source],
    classes: &[String; 2],
    drops: &mut Drops,
) -> Vec<Usable> {
    usable.sort_by(|a, b| (&sources[a.source].name, &a.row.path).cmp(&(&sources[b.source].name, &b.row.path)));
    let equal: Vec<(ContentHash, usize)> = usable.iter().map(|sample| (sample.hash, sample.class)).collect();
    let verdicts = judge(&equal);
    for (sample, verdict) in usable.iter().zip(&verdicts) {
        let label = |sample: &Usable| format!("{} ({})", sample.row.path, classes[sample.class]);
        match verdict {
            Verdict::Keep => {}
            Verdict::DuplicateOf(first) => {
                drops.add(Reason::DuplicateImage, || format!("{} = {}", sample.row.path, usable[*first].row.path));
            }
            Verdict::Contradicts(other) => {
                drops.add(Reason::ContradictingLabels, || format!("{} = {}", label(sample), label(&usable[*other])));
            }
        }
    }
    let mut verdicts = verdicts.into_iter();
    usable.retain(|_| verdicts.next() == Some(Verdict::Keep));
    usable
}

/// Counts the usable samples by class, age, fold and subject.
fn describe(usable: &[Usable], report: &mut PrepareReport) {
    let mut subjects = HashSet::new();
    for Usable { source, row, class, .. } in usable {
        report.usable[*class] += 1;
        if let Some(age) = &row.age {
            report.ages.entry(excerpt(age)).or_default()[*class] += 1;
        }
        if let Some(fold) = row.fold {
            report.folds.entry(fold.to_string()).or_default()[*class] += 1;
        }
        subjects.extend(row.subject.as_ref().map(|subject| (source, subject)));
    }
    report.subjects = report.subjects.map(|_| subjects.len());
}
