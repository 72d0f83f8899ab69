//! Trainings, sweeps and learning curves as tables.

use super::Exporter;
use crate::run::{JobSpec, Status};
use crate::study::file::{Curve, Opened, Reference, Sweep, Training};
use crate::study::find::{best, is_trained};
use crate::study::holdings::{HeldRun, HeldSet};

impl<'a> Exporter<'a> {
    /// Trainings that stand for themselves, seeds of one setting together.
    pub(super) fn models(&mut self) {
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

    pub(super) fn sweeps(&mut self) {
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
    pub(super) fn curves(&mut self) {
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
}
