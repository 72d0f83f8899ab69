//! The study of what a workspace holds.

use super::file::{
    Choosing, Curve, Ensemble, Evaluation, Extraction, Opened, Reference, Refit, ReportWanted, Study, Sweep, Training,
};
use super::find::{best, is_trained};
use super::holdings::{HeldRun, HeldSet, Holdings, is_same};
use crate::dataset::followed::Followed;
use crate::dataset::{PrepareSettings, Version};
use crate::model::EnsembleSettings;
use crate::run::choosing::ChooseSettings;
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
    /// A name that is free: the word, then with 2 behind it, and so on.
    fn name(&mut self, word: &str) -> String {
        let free = |name: &String| !self.taken.contains(name);
        let numbered = (2..).map(|number| format!("{word}-{number}"));
        let name = std::iter::once(word.to_owned()).chain(numbered).find(free).unwrap_or_default();
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
            let name = known.map_or_else(|| settings.name.clone(), |known| known.name.clone());
            self.sets.insert(set.name.clone(), name);
            if known.is_none() {
                self.study.data.push(settings);
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
                    let numbered = (2..).map(|number| format!("{name}-{number}"));
                    let name =
                        std::iter::once(name.clone()).chain(numbered).find(|name| !names.contains(&name.as_str()));
                    self.study.features.push(Extraction {
                        name: name.unwrap_or_default(),
                        data: vec![data],
                        features: features.clone(),
                        probe: is_probe,
                    });
                }
            }
        }
    }

    /// Trainings that stand for themselves, seeds of one setting together.
    fn models(&mut self) {
        for run in &self.held.runs {
            let parent = run.parent.as_deref().and_then(|parent| self.held.run(parent));
            let in_series = parent.is_some_and(|parent| !matches!(parent.job, JobSpec::Demo { .. }));
            let (data, model, opened) = match &run.job {
                JobSpec::Train { dataset, model, refit: None } if model.kind().info().has_options && !in_series => {
                    let row = run.row.as_ref().filter(|_| is_trained(run));
                    let set = row.and_then(|row| self.set_of(dataset, Some(&row.manifest_sha256)));
                    (set, model, row.is_some_and(|row| row.test_accuracy.is_some()))
                }
                JobSpec::Folds { dataset, model } => {
                    let parts = self.parts(run);
                    let whole = |set: &&HeldSet| set.fold.as_ref().is_some_and(|fold| fold.of == *dataset);
                    let there = self.held.sets.iter().find(whole).filter(|_| run.status == Status::Done);
                    let opened =
                        parts.iter().all(|part| part.row.as_ref().is_some_and(|row| row.test_accuracy.is_some()));
                    (there.and_then(|set| self.sets.get(&set.name).cloned()), model, opened && !parts.is_empty())
                }
                _ => continue,
            };
            let Some(data) = data else {
                self.left_out.push(run.id.clone());
                continue;
            };
            let has_seed = model.kind().infos().iter().any(|info| info.name == "seed");
            let seed = model.seed();
            let same = |known: &&mut Training| known.model.key() == model.key() && known.data == [data.clone()];
            // The same model trained twice is asked for once.
            let twice = self
                .study
                .models
                .iter_mut()
                .filter(|known| same(known))
                .find(|known| known.seeds.contains(&seed) || !has_seed);
            if let Some(known) = twice {
                let name = known.name.clone();
                self.names.insert(run.id.clone(), Reference { name, seed: has_seed.then_some(seed) });
                known.open_test |= opened && known.seeds.len() == 1;
                continue;
            }
            let fitting =
                self.study.models.iter_mut().filter(|known| same(known)).find(|known| known.open_test == opened);
            let name = match fitting {
                Some(known) => {
                    known.seeds.push(seed);
                    known.name.clone()
                }
                None => {
                    let name = self.name(model.kind().name());
                    let seeds = if has_seed { vec![seed] } else { Vec::new() };
                    let model = model.clone();
                    self.study.models.push(Training {
                        name: name.clone(),
                        data: vec![data],
                        model,
                        seeds,
                        open_test: opened,
                    });
                    name
                }
            };
            self.names.insert(run.id.clone(), Reference { name, seed: has_seed.then_some(seed) });
        }
    }

    fn parts(&self, run: &HeldRun) -> Vec<&'a HeldRun> {
        let held = self.held;
        held.runs.iter().filter(|part| part.parent.as_deref() == Some(&run.id)).collect()
    }

    fn sweeps(&mut self) {
        for run in &self.held.runs {
            let JobSpec::Sweep { dataset, sweep } = &run.job else { continue };
            let heads: Vec<&HeldRun> = self.parts(run).into_iter().filter(|part| is_trained(part)).collect();
            let manifest = heads.iter().find_map(|head| Some(head.row.as_ref()?.manifest_sha256.as_str()));
            let Some(data) = self.set_of(dataset, manifest).filter(|_| run.status == Status::Done) else {
                self.left_out.push(run.id.clone());
                continue;
            };
            let is_open = |head: &HeldRun| head.row.as_ref().is_some_and(|row| row.test_accuracy.is_some());
            let settings = sweep.settings().unwrap_or_default();
            let setting = |head: &HeldRun| {
                let JobSpec::Train { model, .. } = &head.job else { return None };
                settings.iter().position(|settings| sweep.model(settings, model.seed()) == *model)
            };
            let placed = |head: &&'a HeldRun| Some((setting(head)?, head.row.as_ref()?.seed, *head));
            let mut placed: Vec<_> = heads.iter().filter_map(placed).collect();
            placed.sort_by_key(|head| head.0);
            let best = best(&placed);
            let is_best = |head: &HeldRun| best.iter().any(|(_, _, run)| run.id == head.id);
            // What is opened beyond the best setting is opened again only where everything was.
            let open_test = match heads.iter().filter(|head| is_open(head)).count() {
                0 => Opened::None,
                all if all == heads.len() && all > best.len() => Opened::All,
                _ => Opened::Best,
            };
            let name = self.name("sweep");
            self.names.insert(run.id.clone(), Reference { name: name.clone(), seed: None });
            for head in heads.iter().filter(|head| is_best(head)) {
                let seed = head.row.as_ref().map(|row| row.seed);
                self.names.insert(head.id.clone(), Reference { name: name.clone(), seed });
            }
            self.study.sweeps.push(Sweep { name, data: vec![data], sweep: (**sweep).clone(), open_test });
        }
    }

    /// Learning curves that were drawn to the end; the trainings that they are of come with them.
    fn curves(&mut self) {
        for run in &self.held.runs {
            let JobSpec::LearningCurve { dataset, model, curve } = &run.job else { continue };
            let Some(data) = self.set_of(dataset, None).filter(|_| run.status == Status::Done) else {
                self.left_out.push(run.id.clone());
                continue;
            };
            let (data, model, curve) = (vec![data], model.clone(), curve.clone());
            let same = |known: &Curve| known.data == data && known.model == model && known.curve == curve;
            if !self.study.curves.iter().any(same) {
                let number = self.study.curves.len();
                let name = if number == 0 { "growth".to_owned() } else { format!("growth-{}", number + 1) };
                self.study.curves.push(Curve { name, data, model, curve });
            }
        }
    }

    /// What the runs are called, if all of them are in the file.
    fn references(&self, runs: &[String]) -> Option<Vec<Reference>> {
        let all: Option<Vec<Reference>> = runs.iter().map(|run| self.names.get(run).cloned()).collect();
        all.map(|references| self.merged(references))
    }

    /// All seeds of a model in their order are told by its name alone.
    fn merged(&self, references: Vec<Reference>) -> Vec<Reference> {
        let Some(first) = references.first() else { return references };
        let model = self.study.models.iter().find(|model| model.name == first.name);
        let seeds: Vec<Option<u64>> = references.iter().map(|reference| reference.seed).collect();
        let whole = model.is_some_and(|model| model.seeds.iter().map(|seed| Some(*seed)).collect::<Vec<_>>() == seeds);
        if whole && references.iter().all(|reference| reference.name == first.name) {
            vec![Reference { name: first.name.clone(), seed: None }]
        } else {
            references
        }
    }

    fn ensembles(&mut self) {
        for run in &self.held.runs {
            let JobSpec::Train { model, refit: None, .. } = &run.job else { continue };
            let Ok(EnsembleSettings { members }) = model.settings() else { continue };
            let (Some(of), Some(row)) = (self.references(members), run.row.as_ref().filter(|_| is_trained(run))) else {
                self.left_out.push(run.id.clone());
                continue;
            };
            let name = self.name("ensemble");
            self.names.insert(run.id.clone(), Reference { name: name.clone(), seed: None });
            self.study.ensembles.push(Ensemble { name, of, open_test: row.test_accuracy.is_some() });
        }
    }

    /// All refits in one table, or in two: those whose test split was opened and the others.
    fn refits(&mut self) {
        let mut alone: Option<String> = None;
        for run in &self.held.runs {
            let JobSpec::Train { refit: Some(base), .. } = &run.job else { continue };
            let (Some(of), Some(row)) = (self.names.get(base).cloned(), run.row.as_ref().filter(|_| is_trained(run)))
            else {
                self.left_out.push(run.id.clone());
                continue;
            };
            let opened = row.test_accuracy.is_some();
            // The one that predict uses has a table of its own, by which it is named.
            let chosen = self.held.chosen.as_ref().is_some_and(|choice| choice.run == run.id);
            let fitting =
                |known: &&mut Refit| known.open_test == opened && !chosen && alone.as_ref() != Some(&known.name);
            let name = match self.study.refits.iter_mut().find(fitting) {
                Some(known) => {
                    if !known.of.contains(&of) {
                        known.of.push(of);
                    }
                    known.name.clone()
                }
                None => {
                    let name = self.name("refit");
                    self.study.refits.push(Refit { name: name.clone(), of: vec![of], open_test: opened });
                    if chosen {
                        alone = Some(name.clone());
                    }
                    name
                }
            };
            self.names.insert(run.id.clone(), Reference { name, seed: None });
        }
    }

    fn evaluations(&mut self) {
        for run in &self.held.runs {
            let JobSpec::Evaluate { run: base, on } = &run.job else { continue };
            let set = self.held.sets.iter().find(|set| set.name == *on);
            let on = set.and_then(|set| self.sets.get(&set.name).cloned());
            let (Some(of), Some(on)) = (self.names.get(base).cloned(), on) else { continue };
            match self.study.evaluations.iter_mut().find(|known| known.on == [on.clone()]) {
                Some(known) if known.of.contains(&of) => {}
                Some(known) => known.of.push(of),
                None => {
                    let name = self.name("evaluation");
                    self.study.evaluations.push(Evaluation { name, of: vec![of], on: vec![on.clone()] });
                }
            }
        }
    }
}

impl Exporter<'_> {
    /// The model that predict uses, where the file makes it and the set that its threshold was fitted on.
    fn choose(&mut self) {
        let Some(choice) = &self.held.chosen else { return };
        let of = self.names.get(&choice.run).cloned().map(|of| self.alone(of));
        let mut settings = ChooseSettings::of_choice(choice);
        if let (Some(settings), Some(adapted)) = (&mut settings, &choice.adapted) {
            let set = self.held.sets.iter().find(|set| set.manifest_sha256 == adapted.manifest_sha256);
            settings.on = set.and_then(|set| self.sets.get(&set.name).cloned());
        }
        match (of, settings.filter(|settings| settings.on.is_some() == choice.adapted.is_some())) {
            (Some(of), Some(settings)) => self.study.choose = Some(Choosing { of: vec![of], settings }),
            _ => self.left_out.push(format!("the choice of {}", choice.run)),
        }
    }

    /// A model that has one seed is told by its name alone.
    fn alone(&self, of: Reference) -> Reference {
        let model = self.study.models.iter().find(|model| model.name == of.name);
        let only = model.is_some_and(|model| model.seeds.len() == 1);
        Reference { seed: of.seed.filter(|_| !only), ..of }
    }
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
