//! The study of what a workspace holds.

mod derived;
mod models;

use super::file::{Extraction, Reference, ReportWanted, Study};
use super::holdings::{HeldSet, Holdings, is_same};
use crate::dataset::followed::Followed;
use crate::dataset::{PrepareSettings, Version};
use crate::run::{JobSpec, Status};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// A study, and what of the workspace is not in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Exported {
    pub study: Study,
    /// Runs that a study cannot ask for again: unfinished, or trained on a set that is not there any more.
    pub left_out: Vec<String>,
}

/// The study that makes in an empty workspace what this one holds.
pub fn export(held: &Holdings) -> Exported {
    let mut exporter = Exporter {
        held,
        study: Study::default(),
        left_out: Vec::new(),
        sets: BTreeMap::new(),
        names: BTreeMap::new(),
        taken: BTreeSet::new(),
    };
    exporter.data();
    exporter.features();
    exporter.models();
    exporter.sweeps();
    exporter.curves();
    exporter.ensembles();
    exporter.refits();
    exporter.evaluations();
    exporter.choose();
    if held.report.is_some() {
        exporter.study.report = Some(ReportWanted::default());
    }
    let Exporter { study, left_out, .. } = exporter;
    Exported { study, left_out }
}

struct Exporter<'a> {
    held: &'a Holdings,
    study: Study,
    left_out: Vec<String>,
    /// What a prepared set is called in the file.
    sets: BTreeMap<String, String>,
    /// What a run is called in the file.
    names: BTreeMap<String, Reference>,
    taken: BTreeSet<String>,
}

impl<'a> Exporter<'a> {
    /// A name that nothing trained has.
    fn name(&mut self, word: &str) -> String {
        let name = free(word, &self.taken.iter().map(String::as_str).collect::<Vec<_>>());
        self.taken.insert(name.clone());
        name
    }

    /// The set that a run was made on, if it is there as it was.
    fn set_of(&self, dataset: &str, manifest: Option<&str>) -> Option<String> {
        let set = self.held.sets.iter().find(|set| set.name == dataset)?;
        let same = manifest.is_none_or(|manifest| set.manifest_sha256 == manifest);
        self.sets.get(&set.name).filter(|_| same).cloned()
    }

    fn data(&mut self) {
        // The latest version first: of one question there is one answer in the file.
        let mut sets: Vec<&HeldSet> = self.held.sets.iter().collect();
        sets.sort_by_key(|set| Reverse(Version::of_folder(&set.name).number));
        for set in sets {
            let mut settings = set.settings.clone();
            settings.name = data_name(set);
            for source in &mut settings.source {
                // What lies in the workspace is found from any workspace.
                if let Ok(within) = source.path.strip_prefix(&self.held.root) {
                    source.path = within.to_owned();
                }
            }
            let sample = settings.source.iter().any(|source| source.path == std::path::Path::new("data/sample"));
            if sample && self.study.sample.is_none() {
                self.study.sample.clone_from(&self.held.sample);
            }
            let Some(followed) = set.followed.clone() else {
                self.left_out
                    .push(format!("data {} (which decisions about images it follows is not on record)", set.name));
                continue;
            };
            settings.decisions = Followed::These(followed);
            // One content has one table, however many sets are of it.
            let same = |known: &&PrepareSettings| {
                is_same(&self.held.root, known, &settings) && known.decisions == settings.decisions
            };
            let known = self.study.data.iter().find(same);
            let part = |set: &HeldSet| set.fold.as_ref().map(|fold| fold.index);
            let stated = |other: &&HeldSet| known.is_some_and(|known| self.sets.get(&other.name) == Some(&known.name));
            let other = self.held.sets.iter().filter(stated).find(|other| part(other) == part(set));
            if other.is_some_and(|other| other.manifest_sha256 != set.manifest_sha256) {
                self.left_out.push(format!("data {} (what it asked for gives other splits now)", set.name));
                continue;
            }
            let name = known.map(|known| known.name.clone());
            let is_new = name.is_none();
            let names = self.study.data.iter().map(|known| known.name.as_str());
            let name = name.unwrap_or_else(|| free(&settings.name, &names.collect::<Vec<_>>()));
            self.sets.insert(set.name.clone(), name.clone());
            if is_new {
                self.study.data.push(PrepareSettings { name, ..settings });
            }
        }
        self.study.data.sort_by(|one, other| one.name.cmp(&other.name));
    }

    fn features(&mut self) {
        for run in &self.held.runs {
            let (dataset, features, is_probe) = match &run.job {
                JobSpec::Extract { dataset, features } => (dataset, features, false),
                JobSpec::Probe { dataset, features, .. } => (dataset, features, true),
                _ => continue,
            };
            let set = self.held.sets.iter().find(|set| set.name == *dataset);
            let Some(set) = set.filter(|_| run.status == Status::Done) else { continue };
            let Some(data) = self.sets.get(&set.name).cloned() else { continue };
            match self.study.features.iter_mut().find(|known| known.features == *features) {
                Some(known) => {
                    known.probe |= is_probe;
                    if !known.data.contains(&data) {
                        known.data.push(data);
                    }
                }
                None => {
                    let name = plain(&features.backbone);
                    let names: Vec<&str> = self.study.features.iter().map(|known| known.name.as_str()).collect();
                    self.study.features.push(Extraction {
                        name: free(&name, &names),
                        data: vec![data],
                        features: features.clone(),
                        probe: is_probe,
                    });
                }
            }
        }
    }
}

/// A name that is not taken: the word, then with 2 behind it, and so on.
fn free(word: &str, taken: &[&str]) -> String {
    let numbered = (2..).map(|number| format!("{word}-{number}"));
    std::iter::once(word.to_owned()).chain(numbered).find(|name| !taken.contains(&name.as_str())).unwrap_or_default()
}

/// What a set is called in the file: a version is another set there.
fn data_name(set: &HeldSet) -> String {
    set.fold.as_ref().map_or(&set.name, |fold| &fold.of).replace('@', "-")
}

/// A name with nothing in it that a table's name cannot have.
fn plain(name: &str) -> String {
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    let name: String = name.chars().map(|c| if allowed(c) { c } else { '-' }).take(80).collect();
    if name.is_empty() { "features".to_owned() } else { name }
}
