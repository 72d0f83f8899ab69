//! Preparation: label files in, a checked, balanced and split data set out, with an account of every row.

use super::attributes;
use super::crops::{Cropper, crop_all};
use super::decisions::{Decision, Decisions, class_of};
use super::division::{Division, SplitMethod, divide};
use super::duplicates::{Verdict, judge};
use super::inspect::{Stamp, inspect};
use super::manifest::{ATTRIBUTES, Sources, to_csv};
use super::reasons::{Drops, Reason};
use super::report::{PrepareReport, SplitCount, printable};
use super::report_text::thousands;
use super::sample::{ContentHash, Sample, Split};
use super::source::{RawRow, SourceRows, SourceSpec, source_names};
use super::split::Sizes;
use super::warnings;
use crate::error::{AtPath, Error, Result};
use crate::imaging::Alignment;
use crate::monitor::{Monitor, Update};
use crate::workspace::{Workspace, write_whole};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What to prepare.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrepareSettings {
    /// The name of the prepared set; becomes a folder name.
    pub name: String,
    /// One or more; their classes must agree.
    pub sources: Vec<SourceSpec>,
    /// Images in each split, both classes together. All three or none: then the official splits of the data set are
    /// taken, or else as much as can be balanced, 60/20/20.
    pub train: Option<usize>,
    pub val: Option<usize>,
    pub test: Option<usize>,
    pub seed: u64,
    /// How samples are divided; none for the official splits where the data set has them and no sizes are given, else
    /// random ones.
    #[serde(default)]
    pub split: Option<SplitMethod>,
    /// Crop every image to its face; none for the study's mode, the whole picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub align: Option<Alignment>,
}

/// How a preparation ended. There is an account in either case.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// Of a cross-validation, the account of all folds together.
    pub report: PrepareReport,
    /// `data/prepared/NAME`; of a cross-validation there are `data/prepared/NAME-fold-0` and so on beside it.
    pub folder: PathBuf,
    /// An error when there were too few images for the sizes: then no manifest was written.
    pub outcome: Result<()>,
}

/// A source that was read, without its rows.
struct Source {
    name: String,
    rows: SourceRows,
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

/// Reads, checks, samples and writes `data/prepared/NAME` in the workspace; `manifest.csv` last.
///
/// Too few images for the sizes is an [`Prepared::outcome`], so that the account can be shown; `report.json` is then
/// written as well, unless the folder holds an earlier manifest that it would spoil.
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
    let asked = Sizes::asked(settings.train, settings.val, settings.test)?;
    stage(monitor, "read labels")?;
    let mut sources = read_sources(&settings.sources)?;
    let classes = sources[0].rows.classes.clone();
    let mut report = PrepareReport {
        name: settings.name.clone(),
        synthetic: sources.iter().any(|source| source.rows.synthetic),
        sources: settings.sources.iter().map(ToString::to_string).collect(),
        seed: settings.seed,
        classes: classes.clone(),
        ..PrepareReport::default()
    };
    let mut drops = Drops::default();
    let candidates = candidates(&mut sources, &mut report, &mut drops);
    let present = screen(candidates, &mut report, &mut drops);
    stage(monitor, "inspect images")?;
    let files: Vec<(PathBuf, Stamp)> =
        present.iter().filter_map(|candidate| Some((candidate.file.clone(), candidate.stamp?))).collect();
    let inspected = inspect(&files, &workspace.root().join("cache/inspected.csv"), monitor)?;
    stage(monitor, "sample splits")?;
    let decisions = Decisions::load(workspace)?;
    let decodable = decodable(present, inspected, &mut drops);
    let (usable, relabelled) = decided(decodable, &decisions, &classes, &mut drops)?;
    let usable = without_duplicates(usable, &sources, &classes, &mut drops);
    describe(&usable, &mut report);
    let names: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
    let divisions = divide(&usable, &names, settings, asked, &classes);
    report.warnings = sources.iter_mut().flat_map(|source| std::mem::take(&mut source.rows.warnings)).collect();
    report.warnings.extend(relabelled);
    let folder = workspace.prepared(&settings.name);
    let account = Account { report, drops, usable: &usable, sources: &sources, settings };
    let report = match &divisions {
        Ok(divisions) => {
            let crops = cropper.map(|cropper| Crops { cropper, folder: &folder, monitor });
            let mut reports = Vec::with_capacity(divisions.len());
            for division in divisions {
                reports.push(account.write(&workspace.prepared(&division.name), division, crops.as_ref())?);
            }
            match (&divisions[..], reports.pop()) {
                ([one], Some(report)) if one.fold.is_none() => report,
                (folds, _) => account.of_folds(folds, &folder)?,
            }
        }
        Err(_) => account.of_none(&folder)?,
    };
    Ok(Prepared { report, folder, outcome: divisions.map(|_| ()) })
}

fn stage(monitor: &dyn Monitor, name: &str) -> Result<()> {
    if monitor.stopped() {
        return Err(Error::stopped());
    }
    monitor.update(Update::Stage { name: name.into() });
    Ok(())
}

/// A prepared set is a folder of `data/prepared`, typed on command lines and shown in tables.
fn check_name(name: &str) -> Result<()> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.len() > 64 || name.starts_with(['.', '-']) || !name.chars().all(plain) {
        return Err(Error::usage(format!(
            "'{}' cannot name a prepared data set; use up to 64 letters, digits, '-', '_' and '.'.",
            printable(name)
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
            let [theirs, ours] = [&first.rows.classes, &rows.classes].map(|classes| printable(&classes.join(" and ")));
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
fn candidates(sources: &mut [Source], report: &mut PrepareReport, drops: &mut Drops) -> Vec<Candidate> {
    let mut candidates = Vec::new();
    for (source, read) in sources.iter_mut().enumerate() {
        let rows = std::mem::take(&mut read.rows.rows);
        let problems = std::mem::take(&mut read.rows.problems);
        report.rows += rows.len() + problems.count;
        drops.merge(Reason::MalformedRow, problems);
        let mut keys = HashSet::new();
        report.repeated_keys += rows.iter().filter(|row| !keys.insert(row.key.as_str())).count();
        let root = &read.rows.root;
        candidates.par_extend(rows.into_par_iter().map(|row| {
            let file = root.join(&row.path);
            Candidate { source, stamp: Stamp::of(&file), row, file }
        }));
    }
    for candidate in &candidates {
        let label = if candidate.row.raw_label.is_empty() { "(empty)" } else { &candidate.row.raw_label };
        *report.raw_labels.entry(printable(label)).or_default() += 1;
    }
    report.images_present = candidates.iter().filter(|candidate| candidate.stamp.is_some()).count();
    candidates
}

/// Drops unknown labels, repeated rows and missing files, in this order.
///
/// A repeated row with another label is no repetition: both stay and are dropped as contradicting when their equal
/// bytes are seen.
fn screen(mut candidates: Vec<Candidate>, report: &mut PrepareReport, drops: &mut Drops) -> Vec<Candidate> {
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
            drops.add(Reason::MissingFile, || candidate.row.path.clone());
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

/// Follows what a person decided: drops, and relabels. Answers a sentence about the relabelled, if there are any.
fn decided(
    mut usable: Vec<Usable>,
    decisions: &Decisions,
    classes: &[String; 2],
    drops: &mut Drops,
) -> Result<(Vec<Usable>, Option<String>)> {
    let mut relabelled = 0;
    for sample in &mut usable {
        if let Some(Decision::Relabel(label)) = decisions.get(&sample.hash) {
            let class = class_of(label, classes).ok_or_else(|| {
                Error::failed(format!(
                    "data/decisions.csv relabels {} as '{}', which is neither {}; decide on it again.",
                    printable(&sample.row.path),
                    printable(label),
                    classes.join(" nor ")
                ))
            })?;
            relabelled += usize::from(class != sample.class);
            sample.class = class;
        }
    }
    usable.retain(|sample| {
        let dropped = decisions.get(&sample.hash) == Some(&Decision::Drop);
        if dropped {
            drops.add(Reason::Decided, || sample.row.path.clone());
        }
        !dropped
    });
    let sentence = (relabelled > 0).then(|| {
        format!(
            "{} images have the label that was decided in data/decisions.csv instead of their own.",
            thousands(relabelled)
        )
    });
    Ok((usable, sentence))
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
            report.ages.entry(printable(age)).or_default()[*class] += 1;
        }
        if let Some(fold) = row.fold {
            report.folds.entry(fold.to_string()).or_default()[*class] += 1;
        }
        subjects.extend(row.subject.as_ref().map(|subject| (source, subject)));
    }
    report.subjects = report.subjects.map(|_| subjects.len());
}

/// Who crops pictures to their faces, and where crops go: beside the set, and for a cross-validation in one place for all
/// its folds.
struct Crops<'a> {
    cropper: &'a dyn Cropper,
    folder: &'a Path,
    monitor: &'a dyn Monitor,
}

/// What is known before a division, and what each division adds to it.
struct Account<'a> {
    report: PrepareReport,
    drops: Drops,
    usable: &'a [Usable],
    sources: &'a [Source],
    settings: &'a PrepareSettings,
}

impl Account<'_> {
    /// The account of one division, without what its files are.
    fn of(&self, division: &Division) -> PrepareReport {
        let mut report = self.with_drawn(&division.drawn, division.warning.as_deref());
        report.name.clone_from(&division.name);
        report.split = division.method;
        report.fold.clone_from(&division.fold);
        report.splits = count_splits(self.usable, &division.drawn);
        report
    }

    fn with_drawn(&self, drawn: &[Option<Split>], warning: Option<&str>) -> PrepareReport {
        let mut drops = self.drops.clone();
        for (sample, _) in self.usable.iter().zip(drawn).filter(|(_, drawn)| drawn.is_none()) {
            drops.add(Reason::NotSampled, || sample.row.path.clone());
        }
        let mut report = PrepareReport { dropped: drops.into_account(), ..self.report.clone() };
        report.warnings.extend(warning.map(str::to_owned));
        report.warnings.extend(warnings::about(&report, self.usable, drawn));
        report
    }

    fn roots(&self) -> BTreeMap<String, PathBuf> {
        self.sources.iter().map(|source| (source.name.clone(), source.rows.root.clone())).collect()
    }

    /// Writes everything, the manifest last: what is there before it makes no prepared set. Returns the account.
    fn write(&self, folder: &Path, division: &Division, crops: Option<&Crops<'_>>) -> Result<PrepareReport> {
        let mut samples = samples(self.usable, &division.drawn, self.sources);
        let mut report = self.of(division);
        let mut roots = self.roots();
        if let Some(Crops { cropper, folder, monitor }) = crops {
            stage(*monitor, "align faces")?;
            let cropped = crop_all(&mut samples, &mut roots, folder, *cropper, *monitor)?;
            report.alignment = self.settings.align;
            report.without_face = cropped.whole.count;
            report.warnings.extend(warnings::about_crops(cropped.count, &cropped.whole));
        }
        self.write_merged(folder)?;
        write_json(&folder.join("sources.json"), &Sources { roots, settings: self.settings.clone() })?;
        let path = folder.join(ATTRIBUTES);
        match attributes::to_csv(&samples).at(folder)? {
            Some(attributes) => {
                report.attributes_sha256 = Some(ContentHash::of(&attributes).to_string());
                write_whole(&path, &attributes)?;
            }
            // Those of an earlier preparation of that name say nothing about this one.
            None if path.exists() => fs::remove_file(&path).at(&path)?,
            None => {}
        }
        let bytes = to_csv(&samples, &self.report.classes).at(folder)?;
        report.manifest_sha256 = ContentHash::of(&bytes).to_string();
        write_json(&folder.join("report.json"), &report)?;
        write_whole(&folder.join("manifest.csv"), &bytes)?;
        Ok(report)
    }

    /// The account of a cross-validation, in a folder of its own that holds no manifest: what the test folds are.
    fn of_folds(&self, folds: &[Division], folder: &Path) -> Result<PrepareReport> {
        let everything: Vec<Option<Split>> =
            (0..self.usable.len()).map(|index| folds.iter().find_map(|division| division.drawn[index])).collect();
        let mut report = self.with_drawn(&everything, None);
        // What is in which split differs from fold to fold.
        report.warnings = self.report.warnings.clone();
        report.split = SplitMethod::Folds;
        report.splits = folds
            .iter()
            .map(|division| SplitCount {
                split: division.fold.as_ref().map_or_else(String::new, |fold| format!("fold {}", fold.index)),
                per_class: count(self.usable, &division.drawn, Split::Test),
            })
            .collect();
        let sets: Vec<&str> = folds.iter().map(|division| division.name.as_str()).collect();
        report.warnings.push(format!(
            "Cross-validation: the prepared sets {} test on one fold each; 'faceprobe train ... --data {}' trains on all.",
            sets.join(", "),
            report.name
        ));
        // A set of that name would be taken for what the name means.
        for name in ["manifest.csv", ATTRIBUTES] {
            let path = folder.join(name);
            if path.exists() {
                fs::remove_file(&path).at(&path)?;
            }
        }
        write_json(&folder.join("report.json"), &report)?;
        Ok(report)
    }

    /// The account when nothing could be divided; an earlier manifest and its account stay.
    fn of_none(&self, folder: &Path) -> Result<PrepareReport> {
        let report = self.with_drawn(&vec![None; self.usable.len()], None);
        if !folder.join("manifest.csv").exists() {
            self.write_merged(folder)?;
            let sources = Sources { roots: self.roots(), settings: self.settings.clone() };
            write_json(&folder.join("sources.json"), &sources)?;
            write_json(&folder.join("report.json"), &report)?;
        }
        Ok(report)
    }

    fn write_merged(&self, folder: &Path) -> Result<()> {
        for source in self.sources {
            if let Some(merged) = &source.rows.merged {
                let name = match source.name.strip_prefix("adience-") {
                    Some(number) => format!("data-{number}.txt"),
                    None => "data.txt".into(),
                };
                write_whole(&folder.join(name), merged)?;
            }
        }
        Ok(())
    }
}

fn count(usable: &[Usable], drawn: &[Option<Split>], split: Split) -> [usize; 2] {
    let mut per_class = [0; 2];
    for (sample, _) in usable.iter().zip(drawn).filter(|(_, drawn)| **drawn == Some(split)) {
        per_class[sample.class] += 1;
    }
    per_class
}

fn count_splits(usable: &[Usable], drawn: &[Option<Split>]) -> Vec<SplitCount> {
    Split::ALL.map(|split| SplitCount { split: split.name().into(), per_class: count(usable, drawn, split) }).to_vec()
}

/// The drawn samples in manifest order: by split, then source and path.
fn samples(usable: &[Usable], drawn: &[Option<Split>], sources: &[Source]) -> Vec<Sample> {
    let sample = |(usable, split): (&Usable, &Option<Split>)| {
        let Usable { source, row, class, hash } = usable;
        Some(Sample {
            source: sources[*source].name.clone(),
            path: row.path.clone(),
            class: *class,
            split: (*split)?,
            subject: row.subject.clone(),
            age: row.age.clone(),
            fold: row.fold,
            hash: *hash,
            attributes: row.attributes.clone(),
        })
    };
    let mut samples: Vec<Sample> = usable.iter().zip(drawn).filter_map(sample).collect();
    samples.sort_by(|a, b| (a.split, &a.source, &a.path).cmp(&(b.split, &b.source, &b.path)));
    samples
}

fn write_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let mut bytes = serde_json::to_vec_pretty(value).at(path)?;
    bytes.push(b'\n');
    write_whole(path, &bytes)
}
