//! Builds and writes the report and the files of a prepared set.

use super::attributes;
use super::crops::{Cropper, crop_all};
use super::division::{Division, SplitMethod};
use super::manifest::{ATTRIBUTES, Sources, to_csv};
use super::prepare::{PrepareSettings, Source, stage};
use super::reasons::{Drops, Reason};
use super::report::{PrepareReport, SplitCount};
use super::sample::{ContentHash, Sample, Split};
use super::screening::Usable;
use super::{versions, warnings};
use crate::error::{AtPath, Result};
use crate::monitor::Monitor;
use crate::workspace::{Workspace, write_whole};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The result of one division.
pub(super) struct Built {
    /// Without the name of its version.
    pub report: PrepareReport,
    pub roots: BTreeMap<String, PathBuf>,
    /// The bytes of `manifest.csv`, of `attributes.csv` and of `crops.csv`.
    pub manifest: Vec<u8>,
    pub attributes: Option<Vec<u8>>,
    pub crops: Option<Vec<u8>>,
}

/// The cropper and the folder for crops.
pub(super) struct Crops<'a> {
    pub cropper: &'a dyn Cropper,
    pub folder: &'a Path,
    pub monitor: &'a dyn Monitor,
}

/// The common input of all divisions.
pub(super) struct Preparation<'a> {
    pub report: PrepareReport,
    pub drops: Drops,
    pub usable: &'a [Usable],
    pub sources: &'a [Source],
    pub settings: &'a PrepareSettings,
}

impl Preparation<'_> {
    /// The report of one division, without checksums of its files.
    pub fn of(&self, division: &Division) -> PrepareReport {
        let mut report = self.with_drawn(&division.drawn, division.warning.as_deref());
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
        report.warnings.extend(warnings::about(&report, self.settings, self.usable, drawn));
        report
    }

    fn roots(&self) -> BTreeMap<String, PathBuf> {
        self.sources.iter().map(|source| (source.name.clone(), source.rows.root.clone())).collect()
    }

    /// The report and the files of one division.
    pub fn build(&self, division: &Division, crops: Option<&Crops<'_>>) -> Result<Built> {
        let mut samples = samples(self.usable, &division.drawn, self.sources);
        let mut report = self.of(division);
        let mut roots = self.roots();
        let mut table = None;
        if let Some(Crops { cropper, folder, monitor }) = crops {
            stage(*monitor, "align faces")?;
            let cropped = crop_all(&mut samples, &mut roots, folder, *cropper, *monitor)?;
            report.alignment = self.settings.alignment();
            report.without_face = cropped.whole.count;
            report.warnings.extend(warnings::about_crops(cropped.count, &cropped.whole));
            table = Some(cropped.table);
        }
        let place = Path::new(ATTRIBUTES);
        let attributes = attributes::to_csv(&samples).at(place)?;
        report.attributes_sha256 = attributes.as_ref().map(|bytes| ContentHash::of(bytes).to_string());
        let manifest = to_csv(&samples, &self.report.classes).at(Path::new("manifest.csv"))?;
        report.manifest_sha256 = ContentHash::of(&manifest).to_string();
        Ok(Built { report, roots, manifest, attributes, crops: table })
    }

    /// Writes a prepared set into `folder`, the manifest last: without it, the folder is not a prepared set.
    pub fn write(&self, built: &Built, report: &PrepareReport, folder: &Path) -> Result<()> {
        self.write_merged(folder)?;
        self.write_sources(&built.roots, folder)?;
        let tables = [("crops.csv", &built.crops), (ATTRIBUTES, &built.attributes)];
        for (name, bytes) in tables.into_iter().filter_map(|(name, bytes)| Some((name, bytes.as_ref()?))) {
            write_whole(&folder.join(name), bytes)?;
        }
        write_json(&folder.join("report.json"), report)?;
        write_whole(&folder.join("manifest.csv"), &built.manifest)
    }

    /// Writes `sources.json`.
    pub fn write_sources(&self, roots: &BTreeMap<String, PathBuf>, folder: &Path) -> Result<()> {
        let sources = Sources { roots: roots.clone(), settings: self.settings.clone() };
        write_json(&folder.join("sources.json"), &sources)
    }

    /// The report of the cross-validation `id`, whose folder has no manifest: the sizes of the test folds.
    pub fn of_folds(&self, folds: &[Division], id: &str) -> PrepareReport {
        let everything: Vec<Option<Split>> =
            (0..self.usable.len()).map(|index| folds.iter().find_map(|division| division.drawn[index])).collect();
        let mut report = self.with_drawn(&everything, None);
        // The contents of splits differ from fold to fold.
        report.warnings = self.report.warnings.clone();
        id.clone_into(&mut report.name);
        report.split = SplitMethod::Folds;
        report.splits = folds
            .iter()
            .map(|division| SplitCount {
                split: division.fold.as_ref().map_or_else(String::new, |fold| format!("fold {}", fold.index)),
                per_class: count(self.usable, &division.drawn, Split::Test),
            })
            .collect();
        let sets: Vec<String> = folds.iter().map(|division| division.folder(id)).collect();
        report.warnings.push(format!(
            "Cross-validation: the prepared sets {} test on one fold each; 'faceprobe train ... --data {id}' trains on all.",
            sets.join(", "),
        ));
        report
    }

    /// The report if nothing could be divided; it is written if there is no version of that name.
    pub fn of_none(&self, workspace: &Workspace) -> Result<PrepareReport> {
        let report = self.with_drawn(&vec![None; self.usable.len()], None);
        if versions::numbers(workspace, &self.settings.name).is_empty() {
            let folder = workspace.prepared(&self.settings.name);
            self.write_merged(&folder)?;
            self.write_sources(&self.roots(), &folder)?;
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

pub(super) fn write_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let mut bytes = crate::seal::text(value).at(path)?.into_bytes();
    bytes.push(b'\n');
    write_whole(path, &bytes)
}
