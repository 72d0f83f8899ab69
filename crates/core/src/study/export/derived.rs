//! What is made of trained models: ensembles, refits, evaluations on other sets, and the model that `predict` uses.

use super::Exporter;
use crate::model::EnsembleSettings;
use crate::run::JobSpec;
use crate::run::choosing::ChooseSettings;
use crate::study::file::{Choosing, Ensemble, Evaluation, Reference, Refit};
use crate::study::find::is_trained;

impl Exporter<'_> {
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

    pub(super) fn ensembles(&mut self) {
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
    pub(super) fn refits(&mut self) {
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

    pub(super) fn evaluations(&mut self) {
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

    /// The model that predict uses, where the file makes it and the set that its threshold was fitted on.
    pub(super) fn choose(&mut self) {
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
