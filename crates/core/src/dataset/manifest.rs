//! A prepared data set on disk: `manifest.csv`, `report.json` and `sources.json` in one folder.

use super::attributes;
use super::report::PrepareReport;
use super::sample::{ContentHash, Sample, Split};
use super::versions;
use crate::error::{AtPath, Error, Result};
use crate::own_files;
use crate::text::{excerpt, printable, read_back};
use crate::workspace::Workspace;
use csv::StringRecord;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The columns of `manifest.csv`.
const COLUMNS: [&str; 8] = ["path", "label", "split", "subject", "age", "fold", "source", "hash"];

/// The file with the samples' attributes.
pub(super) const ATTRIBUTES: &str = "attributes.csv";

/// A prepared data set.
///
/// `manifest.csv` contains nothing that depends on the machine, so the same inputs and seed give the same bytes
/// everywhere; the locations of the sources are in `sources.json`. For cropped images it contains the hashes of the
/// crops, and another processor may round a crop differently. Control characters in its names are written as
/// [`printable`] writes them.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// The name of the prepared set: its folder's name.
    pub name: String,
    /// The folder with `manifest.csv`.
    pub folder: PathBuf,
    /// Class names from the data set, here `["female", "male"]`; index 1 is the positive class.
    pub classes: [String; 2],
    /// Ordered by split, then source and path.
    pub samples: Vec<Sample>,
    /// Source name to the absolute folder its paths are relative to.
    pub roots: BTreeMap<String, PathBuf>,
    pub seed: u64,
    /// SHA-256 (hexadecimal) of the bytes of `manifest.csv`.
    pub sha256: String,
}

/// `sources.json`: the machine-specific part of a prepared data set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sources {
    /// Source name to the absolute folder its paths are relative to.
    #[serde(with = "crate::path_text::by_name")]
    pub roots: BTreeMap<String, PathBuf>,
    /// The settings of the preparation, so that it can be repeated.
    pub settings: super::PrepareSettings,
}

impl Manifest {
    /// Reads the prepared data set in `folder`.
    ///
    /// # Errors
    /// If a file is absent or damaged (a bad row of the manifest is named by its line), or if `manifest.csv` is not the
    /// one that `report.json` describes: it was edited, or a preparation was interrupted.
    pub fn load(folder: &Path) -> Result<Self> {
        let path = folder.join("manifest.csv");
        let bytes = own_files::read(&path).map_err(|error| {
            Error::file(&path, format!("cannot be read ({error}); make the data set with faceprobe data prepare"))
        })?;
        let report = PrepareReport::load(folder)?;
        let sources_path = folder.join("sources.json");
        let sources: Sources = crate::seal::value(&own_files::read(&sources_path).at(&sources_path)?)
            .map_err(|error| Error::file(&sources_path, format!("is damaged ({error}); run data prepare again")))?;
        let mut samples = parse(&bytes, &path, &report.classes, &sources.roots)?;
        let sha256 = ContentHash::of(&bytes).to_string();
        if sha256 != report.manifest_sha256 {
            return Err(Error::file(
                &path,
                "is not the manifest that report.json describes (it was edited, or a preparation was interrupted); \
                 run data prepare again",
            ));
        }
        if let Some(expected) = &report.attributes_sha256 {
            let path = folder.join(ATTRIBUTES);
            let bytes = own_files::read(&path).at(&path)?;
            if ContentHash::of(&bytes).to_string() != *expected {
                return Err(Error::file(&path, "is not the one that report.json describes; run data prepare again"));
            }
            attributes::read_into(&mut samples, &path, &bytes)?;
        }
        let folder = folder.canonicalize().at(folder)?;
        Ok(Self {
            name: folder.file_name().unwrap_or_default().display().to_string(),
            folder,
            classes: report.classes,
            samples,
            roots: sources.roots,
            seed: report.seed,
            sha256,
        })
    }

    /// Reads the prepared data set `name` of a workspace.
    ///
    /// # Errors
    /// As [`Self::load`]; if there is no such set, the sentence lists the existing ones.
    pub fn load_named(workspace: &Workspace, name: &str) -> Result<Self> {
        let prepared = list_prepared(workspace);
        if prepared.iter().any(|known| known == name) {
            return Self::load(&workspace.prepared(name));
        }
        readable(workspace)?;
        let hint = match &prepared[..] {
            [] => "none is there yet; make one with faceprobe data prepare".to_owned(),
            names => format!("there are: {}", names.join(", ")),
        };
        Err(Error::failed(format!(
            "There is no prepared data set '{}' in {}; {hint}.",
            excerpt(name),
            workspace.all_prepared().display()
        )))
    }

    /// The set that a run was trained on: `name` if its manifest has this checksum, else the version that has it. Runs
    /// from before versions name a set that may have been replaced and prepared again as another version.
    ///
    /// # Errors
    /// As [`Self::load_named`]. If no version has the checksum, the result is the present set of that name.
    pub fn load_recorded(workspace: &Workspace, name: &str, sha256: &str) -> Result<Self> {
        let own = Self::load_named(workspace, name);
        if own.as_ref().is_ok_and(|own| own.sha256 == sha256) {
            return own;
        }
        let of = versions::version_of(workspace, name).plain();
        let same = list_prepared(workspace).into_iter().find(|other| {
            versions::version_of(workspace, other).plain() == of
                && PrepareReport::load(&workspace.prepared(other)).is_ok_and(|report| report.manifest_sha256 == sha256)
        });
        same.map_or(own, |same| Self::load(&workspace.prepared(&same)))
    }

    /// The samples of one split, in manifest order.
    pub fn split(&self, split: Split) -> impl Iterator<Item = &Sample> {
        self.samples.iter().filter(move |sample| sample.split == split)
    }

    /// The path of a sample's image on this machine.
    pub fn path_of(&self, sample: &Sample) -> PathBuf {
        self.roots.get(&sample.source).map_or_else(|| PathBuf::from(&sample.path), |root| root.join(&sample.path))
    }
}

/// That a set is not among those that are there says nothing where they cannot be listed.
fn readable(workspace: &Workspace) -> Result<()> {
    let folder = workspace.all_prepared();
    match fs::read_dir(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::file(&folder, error)),
        _ => Ok(()),
    }
}

/// Refuses an unknown name of a prepared set or cross-validation.
///
/// # Errors
/// As wrong usage, with the existing names.
pub fn required(workspace: &Workspace, name: &str) -> Result<()> {
    if workspace.prepared(name).join("manifest.csv").is_file() || !folds_of(workspace, name).is_empty() {
        return Ok(());
    }
    readable(workspace)?;
    let there = list_prepared(workspace);
    let hint = if there.is_empty() {
        "make one with 'faceprobe data prepare --source …'".to_owned()
    } else {
        format!("there are {}", there.join(", "))
    };
    Err(Error::usage(format!("There is no prepared data set '{name}' in {}; {hint}.", workspace.root().display())))
}

/// The names of the prepared data sets of a workspace, sorted.
pub fn list_prepared(workspace: &Workspace) -> Vec<String> {
    let entries = fs::read_dir(workspace.all_prepared()).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter(|entry| entry.path().join("manifest.csv").is_file())
        .filter_map(|entry| entry.file_name().into_string().ok())
        // A set that is being written.
        .filter(|name| !name.starts_with('.'))
        .collect();
    names.sort_unstable();
    names
}

/// The prepared sets of the cross-validation `name`, by fold; none if there is no such cross-validation.
pub fn folds_of(workspace: &Workspace, name: &str) -> Vec<String> {
    let mut folds: Vec<(u32, String)> = list_prepared(workspace)
        .into_iter()
        .filter(|set| set.starts_with(&format!("{name}-fold-")))
        .filter_map(|set| {
            let fold = PrepareReport::load(&workspace.prepared(&set)).ok()?.fold?;
            (fold.of == name).then_some((fold.index, set))
        })
        .collect();
    folds.sort_unstable();
    folds.into_iter().map(|(_, set)| set).collect()
}

/// The bytes of `manifest.csv` for samples in their final order.
pub fn to_csv(samples: &[Sample], classes: &[String; 2]) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS)?;
    for sample in samples {
        writer.write_record([
            &*printable(&sample.path),
            &printable(&classes[sample.class]),
            sample.split.name(),
            &printable(sample.subject.as_deref().unwrap_or("")),
            &printable(sample.age.as_deref().unwrap_or("")),
            &sample.fold.map(|fold| fold.to_string()).unwrap_or_default(),
            &printable(&sample.source),
            &sample.hash.to_string(),
        ])?;
    }
    writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))
}

fn parse(bytes: &[u8], path: &Path, classes: &[String; 2], roots: &BTreeMap<String, PathBuf>) -> Result<Vec<Sample>> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(bytes);
    let header = reader.headers().at(path)?;
    if *header != COLUMNS[..] {
        return Err(Error::file(path, format!("line 1 must be {}; run data prepare again", COLUMNS.join(","))));
    }
    let mut samples = Vec::new();
    let mut row = StringRecord::new();
    loop {
        let line = reader.position().line();
        match reader.read_record(&mut row) {
            Ok(false) => return Ok(samples),
            Ok(true) => samples.push(
                parse_row(&row, classes, roots)
                    .map_err(|problem| Error::file(path, format!("line {line}: {problem}")))?,
            ),
            Err(error) => return Err(Error::file(path, format!("line {line}: {error}"))),
        }
    }
}

fn parse_row(row: &StringRecord, classes: &[String; 2], roots: &BTreeMap<String, PathBuf>) -> Result<Sample, String> {
    let fields: Vec<_> = row.iter().map(read_back).collect();
    let [path, label, split, subject, age, fold, source, hash] = &fields[..] else {
        return Err(format!("{} columns instead of {}", fields.len(), COLUMNS.len()));
    };
    if path.is_empty() || path.split('/').any(|part| part == "..") {
        return Err(format!("'{}' is not a path in the data set", excerpt(path)));
    }
    let known = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let class = classes.iter().position(|class| class == label);
    let split_found = Split::ALL.into_iter().find(|known| known.name() == split);
    let fold = match &**fold {
        "" => None,
        fold => Some(fold.parse().map_err(|_| format!("the fold '{}' is not a whole number", excerpt(fold)))?),
    };
    if !roots.contains_key(&**source) {
        return Err(format!("the source '{}' is not in sources.json", excerpt(source)));
    }
    Ok(Sample {
        source: source.to_string(),
        path: path.to_string(),
        class: class.ok_or_else(|| format!("the label '{}' is neither {}", excerpt(label), classes.join(" nor ")))?,
        split: split_found.ok_or_else(|| format!("the split '{}' is none of train, val, test", excerpt(split)))?,
        subject: known(subject),
        age: known(age),
        fold,
        hash: hash.parse().map_err(|problem: String| excerpt(&problem))?,
        attributes: BTreeMap::new(),
    })
}
