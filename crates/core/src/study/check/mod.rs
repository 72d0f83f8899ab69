//! What no table shows alone: names that are there twice, references to nothing, circles, contradictions.

mod choose;

use super::file::{Reference, Study};
use super::reader::Reader;
use crate::dataset::SplitMethod;
use crate::model::{Kind, ModelSpec};
use faceprobe_settings::nearest;
use std::collections::BTreeMap;

/// Checks a study whose tables were read, and fills in the only data set where a table names none.
pub(super) fn check(reader: &mut Reader<'_>, study: &mut Study) {
    names(reader, study);
    data_sets(reader, study);
    if !reader.is_good() {
        return;
    }
    references(reader, study);
    if reader.is_good() {
        circles(reader, study);
    }
    if reader.is_good() {
        ensembles(reader, study);
        refits(reader, study);
        evaluations(reader, study);
        choose::check(reader, study);
        twice(reader, study);
    }
}

/// Everything that can stand behind `of`, with its table.
fn trained(study: &Study) -> Vec<(&'static str, &str)> {
    let models = study.models.iter().map(|model| ("model", model.name.as_str()));
    let sweeps = study.sweeps.iter().map(|sweep| ("sweep", sweep.name.as_str()));
    let ensembles = study.ensembles.iter().map(|ensemble| ("ensemble", ensemble.name.as_str()));
    let refits = study.refits.iter().map(|refit| ("refit", refit.name.as_str()));
    models.chain(sweeps).chain(ensembles).chain(refits).collect()
}

fn names(reader: &mut Reader<'_>, study: &Study) {
    let others = study.features.iter().map(|features| ("features", features.name.as_str()));
    let others = others.chain(study.curves.iter().map(|curve| ("learning-curve", curve.name.as_str())));
    let others = others.chain(study.evaluations.iter().map(|evaluation| ("evaluate", evaluation.name.as_str())));
    for (table, name) in trained(study).into_iter().chain(others) {
        let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || name.len() > 100 || !name.chars().all(plain) {
            let what = "a name has up to 100 letters, digits, '-', '_' and '.'";
            reader.wrong_with(&format!("{table}.{name}"), format!("{name:?} is no name for [{table}.…]: {what}"));
        }
    }
    let mut known: BTreeMap<&str, &str> = BTreeMap::new();
    for (table, name) in trained(study) {
        if let Some(first) = known.insert(name, table) {
            let what = format!("[{first}.{name}] has this name already; what is trained has a name of its own");
            reader.wrong_with(&format!("{table}.{name}"), what);
        }
    }
    for data in study.data.iter().filter(|data| data.split == Some(SplitMethod::Folds)) {
        let prefix = format!("{}-fold-", data.name);
        for other in study.data.iter().filter(|other| other.name.starts_with(&prefix)) {
            let what = format!("{} is how a fold of {} is called; take another name", other.name, data.name);
            reader.wrong_with(&format!("data.{}", other.name), what);
        }
    }
}

/// Looks at the names of data sets, and puts the only one where none is named.
fn data_sets(reader: &mut Reader<'_>, study: &mut Study) {
    let sets: Vec<String> = study.data.iter().map(|data| data.name.clone()).collect();
    for (at, one) in study.data.iter().enumerate() {
        let same = |other: &&crate::dataset::PrepareSettings| {
            crate::dataset::PrepareSettings { name: one.name.clone(), ..(*other).clone() } == *one
        };
        if let Some(first) = study.data[..at].iter().find(same) {
            let what = format!("{} is prepared as {} is; name that instead", one.name, first.name);
            reader.wrong_with(&format!("data.{}", one.name), what);
        }
    }
    let mut look = |path: String, data: &mut Vec<String>, several: bool| {
        match (&data[..], &sets[..]) {
            ([], [only]) => data.push(only.clone()),
            ([], []) => reader.wrong_with(&path, "there is no data set; state one in a table [data.NAME]"),
            ([], _) => reader.wrong_with(
                &path,
                format!("there are several data sets; say which with data = one of {}", sets.join(", ")),
            ),
            _ => {}
        }
        for (place, name) in data.iter().enumerate().filter(|(_, name)| !sets.contains(name)) {
            let near = nearest(name, sets.iter().map(String::as_str));
            let near = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
            let what = format!("there is no data set {name}, no table [data.{name}]{near}");
            reader.wrong_with(&format!("{path}.data[{place}]"), what);
        }
        if !several && data.len() > 1 {
            let what = if path.starts_with("sweep") { "a sweep" } else { "a learning curve" };
            reader.wrong_with(&format!("{path}.data[1]"), format!("{what} has one data set; write a table for each"));
        }
    };
    for model in &mut study.models {
        look(format!("model.{}", model.name), &mut model.data, true);
    }
    for sweep in &mut study.sweeps {
        look(format!("sweep.{}", sweep.name), &mut sweep.data, false);
    }
    for curve in &mut study.curves {
        look(format!("learning-curve.{}", curve.name), &mut curve.data, false);
    }
    for features in &mut study.features {
        let spec = &features.features;
        let models = study.models.iter().any(|model| model.model.features() == Some(spec));
        let models = models || study.curves.iter().any(|curve| curve.model.features() == Some(spec));
        let used = models || study.sweeps.iter().any(|sweep| sweep.sweep.features == *spec);
        if !used || !features.data.is_empty() || sets.len() == 1 {
            look(format!("features.{}", features.name), &mut features.data, true);
        }
    }
    for evaluation in &study.evaluations {
        for (place, name) in evaluation.on.iter().enumerate() {
            known_set(reader, study, &format!("evaluate.{}.on[{place}]", evaluation.name), name);
        }
    }
    let folds: Vec<&str> = folds(study);
    for sweep in study.sweeps.iter().filter(|sweep| sweep.data.iter().any(|data| folds.contains(&data.as_str()))) {
        let what = format!("{} is a cross-validation, on which no sweep is made; train a model on it", sweep.data[0]);
        reader.wrong_with(&format!("sweep.{}.data", sweep.name), what);
    }
    for sweep in &study.sweeps {
        let seeds = &sweep.sweep.own.seeds;
        if let Some(twice) = seeds.iter().enumerate().find(|(at, seed)| seeds[..*at].contains(seed)) {
            reader.wrong_with(&format!("sweep.{}.seeds", sweep.name), format!("seeds has {} twice", twice.1));
        }
    }
}

/// Whether there is a data set of that name; if not, that is wrong at this place.
fn known_set(reader: &mut Reader<'_>, study: &Study, path: &str, name: &str) -> bool {
    let mut sets = study.data.iter().map(|data| data.name.as_str());
    let known = sets.clone().any(|set| set == name);
    if !known {
        let near = nearest(name, &mut sets).map_or_else(String::new, |near| format!("; did you mean {near}?"));
        reader.wrong_with(path, format!("there is no data set {name}, no table [data.{name}]{near}"));
    }
    known
}

/// The sets that are cross-validations.
fn folds(study: &Study) -> Vec<&str> {
    let folds = study.data.iter().filter(|data| data.split == Some(SplitMethod::Folds));
    folds.map(|data| data.name.as_str()).collect()
}

/// Every table that refers to others, with what it names.
fn referring(study: &Study) -> Vec<(String, &[Reference])> {
    let ensembles = study.ensembles.iter().map(|one| (format!("ensemble.{}", one.name), &one.of[..]));
    let refits = study.refits.iter().map(|one| (format!("refit.{}", one.name), &one.of[..]));
    let evaluations = study.evaluations.iter().map(|one| (format!("evaluate.{}", one.name), &one.of[..]));
    let choose = study.choose.iter().map(|one| ("choose".to_owned(), &one.of[..]));
    ensembles.chain(refits).chain(evaluations).chain(choose).collect()
}

fn references(reader: &mut Reader<'_>, study: &Study) {
    let known = trained(study);
    for (path, of) in referring(study) {
        for (place, Reference { name, seed }) in of.iter().enumerate() {
            let at = format!("{path}.of[{place}]");
            let Some((table, _)) = known.iter().find(|(_, known)| known == name) else {
                let near = nearest(name, known.iter().map(|(_, known)| *known));
                let near = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
                reader.wrong_with(&at, format!("nothing is called {name} that is trained here{near}"));
                continue;
            };
            let seeds: Vec<u64> = match *table {
                "model" => {
                    study.models.iter().filter(|model| model.name == *name).flat_map(|m| m.seeds.clone()).collect()
                }
                "sweep" => {
                    study.sweeps.iter().filter(|s| s.name == *name).flat_map(|s| s.sweep.own.seeds.clone()).collect()
                }
                _ => Vec::new(),
            };
            if let Some(seed) = seed.filter(|seed| !seeds.contains(seed)) {
                reader.wrong_with(&at, format!("{name} has no seed {seed}"));
            }
        }
    }
}

/// Notes the first circle of references.
fn circles(reader: &mut Reader<'_>, study: &Study) {
    let of: BTreeMap<&str, Vec<&str>> = study
        .ensembles
        .iter()
        .map(|one| (one.name.as_str(), &one.of))
        .chain(study.refits.iter().map(|one| (one.name.as_str(), &one.of)))
        .map(|(name, of)| (name, of.iter().map(|reference| reference.name.as_str()).collect()))
        .collect();
    let tables = trained(study);
    for start in of.keys() {
        // The way from here, one name for each step down.
        let mut ways = vec![vec![*start]];
        while let Some(way) = ways.pop() {
            for next in way.last().and_then(|last| of.get(last)).into_iter().flatten() {
                if next == start {
                    let table = tables.iter().find(|(_, name)| name == start).map_or("", |(table, _)| table);
                    let what = format!("{} is made of {start} again: a circle", way.join(", which is made of "));
                    reader.wrong_with(&format!("{table}.{start}.of"), what);
                    return;
                }
                if !way.contains(next) {
                    ways.push(way.iter().copied().chain([*next]).collect());
                }
            }
        }
    }
}

fn ensembles(reader: &mut Reader<'_>, study: &Study) {
    for ensemble in &study.ensembles {
        let mut members: Vec<(String, u64)> = Vec::new();
        let mut first: Option<(&str, &ModelSpec, &[String])> = None;
        for (place, Reference { name, seed }) in ensemble.of.iter().enumerate() {
            let at = format!("ensemble.{}.of[{place}]", ensemble.name);
            let model = study.models.iter().find(|model| model.name == *name);
            let Some(model) = model.filter(|model| model.model.kind() == Kind::FINETUNE) else {
                reader.wrong_with(&at, format!("{name} is no fine-tuned model; an ensemble is made of those"));
                continue;
            };
            if model.data.len() > 1 || folds(study).contains(&model.data[0].as_str()) {
                reader.wrong_with(
                    &at,
                    format!("{name} is trained on several sets; the members of an ensemble have one in common"),
                );
            }
            match first {
                Some((earlier, spec, data)) if spec.features() != model.model.features() || *data != model.data[..] => {
                    let what =
                        format!("{name} is of other data or another cut than {earlier}; members have both in common");
                    reader.wrong_with(&at, what);
                }
                Some(_) => {}
                None => first = Some((name, &model.model, &model.data)),
            }
            for seed in model.seeds.iter().filter(|own| seed.is_none_or(|seed| seed == **own)) {
                if members.contains(&(name.clone(), *seed)) {
                    reader.wrong_with(&at, format!("{name} with seed {seed} is a member twice"));
                }
                members.push((name.clone(), *seed));
            }
        }
        if members.len() < 2 && reader.is_good() {
            reader.wrong_with(&format!("ensemble.{}.of", ensemble.name), "an ensemble has two members or more");
        }
    }
}

fn refits(reader: &mut Reader<'_>, study: &Study) {
    let folds = folds(study);
    let covers = |of: &[Reference], name: &str, seed: u64| {
        of.iter().any(|known| known.name == name && known.seed.is_none_or(|own| own == seed))
    };
    for refit in &study.refits {
        for (place, Reference { name, .. }) in refit.of.iter().enumerate() {
            let at = format!("refit.{}.of[{place}]", refit.name);
            if study.refits.iter().any(|other| other.name == *name) {
                reader.wrong_with(
                    &at,
                    format!("{name} is trained on all it may learn from already; refit what it is of"),
                );
            }
            let model = study.models.iter().find(|model| model.name == *name);
            if model.is_some_and(|model| model.data.iter().any(|data| folds.contains(&data.as_str()))) {
                reader.wrong_with(&at, format!("{name} is a cross-validation, of which nothing is trained anew"));
            }
            let Some(ensemble) = study.ensembles.iter().find(|ensemble| ensemble.name == *name) else { continue };
            for member in &ensemble.of {
                let seeds = study.models.iter().filter(|model| model.name == member.name).flat_map(|m| m.seeds.iter());
                for seed in seeds.filter(|seed| member.seed.is_none_or(|own| own == **seed)) {
                    if !study.refits.iter().any(|other| covers(&other.of, &member.name, *seed)) {
                        let what = format!(
                            "{name} is refitted once its members are: state a refit of {}:{seed} too",
                            member.name
                        );
                        reader.wrong_with(&at, what);
                    }
                }
            }
        }
    }
}

/// The sets that a name is trained on.
fn sets_of<'a>(study: &'a Study, name: &str) -> Vec<&'a str> {
    let models = study.models.iter().filter(|model| model.name == name).flat_map(|model| &model.data);
    let sweeps = study.sweeps.iter().filter(|sweep| sweep.name == name).flat_map(|sweep| &sweep.data);
    let own: Vec<&str> = models.chain(sweeps).map(String::as_str).collect();
    let ensembles = study.ensembles.iter().filter(|one| one.name == name).flat_map(|one| &one.of);
    let refits = study.refits.iter().filter(|one| one.name == name).flat_map(|one| &one.of);
    let further = ensembles.chain(refits).flat_map(|reference| sets_of(study, &reference.name));
    own.into_iter().chain(further).collect()
}

fn evaluations(reader: &mut Reader<'_>, study: &Study) {
    let folds = folds(study);
    for evaluation in &study.evaluations {
        let path = format!("evaluate.{}", evaluation.name);
        for (place, name) in evaluation.on.iter().enumerate() {
            let at = format!("{path}.on[{place}]");
            if folds.contains(&name.as_str()) {
                reader.wrong_with(&at, format!("{name} is a cross-validation; evaluate on a set with one split"));
            }
            if let Some(own) = evaluation.of.iter().find(|of| sets_of(study, &of.name).contains(&name.as_str())) {
                let what =
                    format!("{} is trained on {name}; its test split is opened with open_test = true there", own.name);
                reader.wrong_with(&at, what);
            }
        }
        for (place, reference) in evaluation.of.iter().enumerate() {
            if sets_of(study, &reference.name).iter().any(|set| folds.contains(set)) {
                let what = format!("{} is a cross-validation, which is no model to evaluate elsewhere", reference.name);
                reader.wrong_with(&format!("{path}.of[{place}]"), what);
            }
        }
    }
}

/// Notes models that are asked for twice.
fn twice(reader: &mut Reader<'_>, study: &Study) {
    for (at, one) in study.models.iter().enumerate() {
        for other in &study.models[..at] {
            let same = one.model.key() == other.model.key() && one.data.iter().any(|data| other.data.contains(data));
            let seed = one.seeds.iter().find(|seed| other.seeds.contains(seed));
            if same && (seed.is_some() || one.seeds.is_empty()) {
                let with = seed.map_or_else(String::new, |seed| format!(" with seed {seed}"));
                let what = format!("[model.{}] asks for the same model{with} on the same data", other.name);
                reader.wrong_with(&format!("model.{}", one.name), what);
            }
        }
    }
}
