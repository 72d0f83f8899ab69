//! Parses study files.

use super::check::check;
use super::file::{
    Choosing, Curve, Ensemble, Evaluation, Extraction, Opened, Refit, ReportWanted, Study, Sweep, Training,
};
use super::reader::{Pairs, Reader, Table};
use crate::dataset::PrepareSettings;
use crate::dataset::followed::{DecisionMap, Followed, ruling};
use crate::dataset::synthetic::SampleSettings;
use crate::features::FeatureSpec;
use crate::model::{DenseSettings, Kind, ModelInput, ModelSpec, TrainingDraw};
use crate::run::choosing::ChooseSettings;
use crate::run::learning_curve::CurveSettings;
use crate::run::{Axis, SweepSettings, SweepSpec};
use crate::toml_text::{Mistakes, tables};
use faceprobe_settings::{Info, Refusal, Role, Settings, axes, axis_values, infos, nearest};

/// The study of a text.
///
/// # Errors
/// All errors. References are checked when every table is valid by itself.
pub fn parse(text: &str) -> Result<Study, Mistakes> {
    let file = tables(text)?;
    let mut reader = Reader::new(text);
    let mut file = Table::new(String::new(), 0, file.get_ref());
    let mut study = Study { title: reader.words(&mut file, "title"), ..Study::default() };
    study.sample = reader.table(&mut file, "sample").and_then(|table| all_of::<SampleSettings>(&mut reader, table));
    for (name, table) in reader.named(&mut file, "data") {
        study.data.extend(data(&mut reader, &name, table));
    }
    for (name, table) in reader.named(&mut file, "features") {
        study.features.extend(extraction(&mut reader, name, table));
    }
    for (name, table) in reader.named(&mut file, "model") {
        study.models.extend(training(&mut reader, &study, name, table));
    }
    for (name, table) in reader.named(&mut file, "sweep") {
        study.sweeps.extend(sweep(&mut reader, &study, name, table));
    }
    for (name, table) in reader.named(&mut file, "learning-curve") {
        study.curves.extend(curve(&mut reader, &study, name, table));
    }
    for (name, mut table) in reader.named(&mut file, "ensemble") {
        let of = reader.references(&mut table);
        let open_test = reader.flag(&mut table, "open_test");
        reader.nothing_left(&mut table);
        study.ensembles.push(Ensemble { name, of, open_test });
    }
    for (name, mut table) in reader.named(&mut file, "refit") {
        let of = reader.references(&mut table);
        let open_test = reader.flag(&mut table, "open_test");
        reader.nothing_left(&mut table);
        study.refits.push(Refit { name, of, open_test });
    }
    for (name, mut table) in reader.named(&mut file, "evaluate") {
        let of = reader.references(&mut table);
        let on = reader.names(&mut table, "on");
        if on.is_none() {
            reader.wrong(table.at, format!("{} lacks its key on, the data sets to evaluate on", table.path));
        }
        reader.nothing_left(&mut table);
        study.evaluations.push(Evaluation { name, of, on: on.unwrap_or_default() });
    }
    if let Some(mut table) = reader.table(&mut file, "choose") {
        let of = reader.references(&mut table);
        study.choose = all_of::<ChooseSettings>(&mut reader, table).map(|settings| Choosing { of, settings });
    }
    if let Some(mut table) = reader.table(&mut file, "report") {
        let usual = ReportWanted::default();
        let output = reader.words(&mut table, "output").unwrap_or(usual.output);
        let thumbnails = reader.flag(&mut table, "thumbnails");
        reader.nothing_left(&mut table);
        study.report = Some(ReportWanted { output, thumbnails });
    }
    reader.nothing_left(&mut file);
    if reader.is_good() {
        check(&mut reader, &mut study);
    }
    reader.finish(Some(study))
}

/// Records refusals at their settings, or at the table if those are not given.
fn refuse(reader: &mut Reader<'_>, path: &str, refused: &[Refusal]) {
    for refusal in refused {
        reader.wrong_with(&format!("{path}.{}", refusal.setting), refusal.for_key());
    }
}

/// Settings with a table of their own.
fn all_of<S: Settings>(reader: &mut Reader<'_>, mut table: Table<'_>) -> Option<S> {
    let pairs = reader.settings(&mut table, &infos::<S>());
    settled(reader, &table.path, &pairs)
}

fn settled<S: Settings>(reader: &mut Reader<'_>, path: &str, pairs: &Pairs) -> Option<S> {
    faceprobe_settings::read::<S>(pairs).map_err(|refused| refuse(reader, path, &refused)).ok()
}

fn data(reader: &mut Reader<'_>, name: &str, mut table: Table<'_>) -> Option<PrepareSettings> {
    if let Some(entry) = table.take("name") {
        reader.wrong(entry.key_at, format!("name is {name} already, the name of the table; leave it out"));
    }
    let decisions = decisions(reader, &mut table);
    let mut pairs = reader.settings(&mut table, &without(&["name", "decisions"], infos::<PrepareSettings>()));
    pairs.push(("name".to_owned(), name.to_owned()));
    pairs.push(("decisions".to_owned(), Followed::These(decisions).to_string()));
    settled(reader, &table.path, &pairs)
}

/// The decisions about images, each in quotes of its own. A study follows those of its file and no others.
fn decisions(reader: &mut Reader<'_>, table: &mut Table<'_>) -> DecisionMap {
    let mut rulings = DecisionMap::new();
    for (at, text) in reader.texts(table, "decisions", "\"drop HASH\" or \"relabel HASH LABEL\"") {
        if text == "workspace" {
            let mend = "the study states them; 'faceprobe study export' writes those that a set was prepared with";
            reader.wrong(at, format!("decisions cannot be those of a workspace: {mend}"));
            continue;
        }
        match ruling(&text) {
            Ok((hash, _)) if rulings.contains_key(&hash) => reader.wrong(at, format!("decisions has {hash} twice")),
            Ok((hash, decision)) => drop(rulings.insert(hash, decision)),
            Err(problem) => reader.wrong(at, format!("decisions: {problem}")),
        }
    }
    rulings
}

fn without(names: &[&str], infos: Vec<&'static Info>) -> Vec<&'static Info> {
    infos.into_iter().filter(|info| !names.contains(&info.name)).collect()
}

fn extraction(reader: &mut Reader<'_>, name: String, mut table: Table<'_>) -> Option<Extraction> {
    let data = reader.names(&mut table, "data").unwrap_or_default();
    let probe = reader.flag(&mut table, "probe");
    let features = all_of(reader, table)?;
    Some(Extraction { name, data, features, probe })
}

/// The features that a table refers to or defines itself.
fn with_features(reader: &mut Reader<'_>, study: &Study, table: &mut Table<'_>, pairs: &mut Pairs) -> Option<()> {
    let Some(name) = reader.words(table, "features") else { return Some(()) };
    let path = format!("{}.features", table.path);
    let Some(known) = study.features.iter().find(|features| features.name == name) else {
        let near = nearest(&name, study.features.iter().map(|features| features.name.as_str()));
        let near = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
        reader.wrong_with(&path, format!("there are no features called {name}, no table [features.{name}]{near}"));
        return None;
    };
    let own: Vec<&str> = infos::<FeatureSpec>().iter().map(|info| info.name).collect();
    if let Some((setting, _)) = pairs.iter().find(|(given, _)| own.contains(&given.as_str())) {
        let at = format!("{}.{setting}", table.path);
        reader.wrong_with(
            &at,
            format!("{setting} is stated in [features.{name}] already; say it there or leave out features"),
        );
        return None;
    }
    pairs.extend(faceprobe_settings::to_pairs(&known.features).into_iter().map(|(name, text)| (name.to_owned(), text)));
    Some(())
}

/// Takes the kind of a model: the key, else the table's name if it is a kind.
fn kind(reader: &mut Reader<'_>, name: &str, table: &mut Table<'_>) -> Option<Kind> {
    let names: Vec<&str> = Kind::all().filter(|kind| kind.info().has_options).map(Kind::name).collect();
    let known = |name: &str| Kind::find(name).filter(|kind| kind.info().has_options);
    let path = format!("{}.kind", table.path);
    match reader.words(table, "kind") {
        Some(kind) => known(&kind).or_else(|| {
            let near = nearest(&kind, names.iter().copied());
            let near = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
            reader.wrong_with(&path, format!("kind must be one of {}, not {kind:?}{near}", names.join(", ")));
            None
        }),
        None => known(name).or_else(|| {
            if reader.is_good() {
                reader.wrong(table.at, format!("[{}] lacks its kind: one of {}", table.path, names.join(", ")));
            }
            None
        }),
    }
}

fn training(reader: &mut Reader<'_>, study: &Study, name: String, mut table: Table<'_>) -> Option<Training> {
    let kind = kind(reader, &name, &mut table)?;
    let data = reader.names(&mut table, "data").unwrap_or_default();
    let open_test = reader.flag(&mut table, "open_test");
    let has_seed = kind.infos().iter().any(|info| info.role == Role::Seed);
    let seeds = if has_seed { reader.seeds(&mut table) } else { None };
    // The features' key belongs to what is read after the settings, and must be known to them.
    let named = kind.info().input == ModelInput::Features;
    let mut features = named.then(|| table.split(&["features"]));
    let mut pairs = reader.settings(&mut table, &kind.infos());
    if let Some(features) = &mut features {
        with_features(reader, study, features, &mut pairs)?;
    }
    if seeds.is_some() && pairs.iter().any(|(name, _)| name == "seed") {
        reader.wrong_with(&format!("{}.seed", table.path), "seed is one of seeds; leave one of the two keys out");
        return None;
    }
    let model = ModelSpec::read(kind, &pairs).map_err(|refused| refuse(reader, &table.path, &refused)).ok()?;
    let seeds = if has_seed {
        seeds.filter(|seeds| !seeds.is_empty()).unwrap_or_else(|| vec![model.seed()])
    } else {
        Vec::new()
    };
    let model = seeds.first().map_or_else(|| model.clone(), |seed| model.clone().with_seed(*seed));
    Some(Training { name, data, model, seeds, open_test })
}

/// A learning curve: the keys of a model, but with the curve's seeds, and with sizes for the numbers of images.
fn curve(reader: &mut Reader<'_>, study: &Study, name: String, mut table: Table<'_>) -> Option<Curve> {
    let kind = kind(reader, &name, &mut table)?;
    let data = reader.names(&mut table, "data").unwrap_or_default();
    let named = kind.info().input == ModelInput::Features;
    let mut features = named.then(|| table.split(&["features"]));
    let own = infos::<CurveSettings>();
    let draw: Vec<&str> = infos::<TrainingDraw>().iter().map(|info| info.name).collect();
    let of_model: Vec<&'static Info> =
        without(&draw, kind.infos()).into_iter().filter(|info| info.role != Role::Seed).collect();
    let all: Vec<&'static Info> = own.iter().chain(&of_model).copied().collect();
    let pairs = reader.settings(&mut table, &all);
    let is_own = |name: &str| own.iter().any(|info| info.name == name);
    let (of_curve, mut of_model): (Pairs, Pairs) = pairs.into_iter().partition(|(name, _)| is_own(name));
    if let Some(features) = &mut features {
        with_features(reader, study, features, &mut of_model)?;
    }
    let curve = settled(reader, &table.path, &of_curve)?;
    let model = ModelSpec::read(kind, &of_model).map_err(|refused| refuse(reader, &table.path, &refused)).ok()?;
    Some(Curve { name, data, model, curve })
}

fn sweep(reader: &mut Reader<'_>, study: &Study, name: String, mut table: Table<'_>) -> Option<Sweep> {
    let data = reader.names(&mut table, "data").unwrap_or_default();
    let open_test = match reader.flag_or_word(&mut table, "open_test", "all") {
        (_, true) => Opened::All,
        (true, _) => Opened::Best,
        _ => Opened::None,
    };
    let mut features = table.split(&["features"]);
    let path = table.path.clone();
    let mut varied = Vec::new();
    for (setting, text) in reader.axes(&mut table, &axes::<DenseSettings>()) {
        match axis_values::<DenseSettings>(&setting, &text) {
            Ok(values) => varied.push(Axis { setting, values }),
            Err(refusal) => refuse(reader, &path, &[refusal]),
        }
    }
    let heads = without(&["seed"], infos::<DenseSettings>());
    let (of_features, own) = (infos::<FeatureSpec>(), infos::<SweepSettings>());
    let all: Vec<&'static Info> = heads.iter().chain(&of_features).chain(&own).copied().collect();
    let pairs = reader.settings(&mut table, &all);
    let part = |of: &[&'static Info]| -> Pairs {
        pairs.iter().filter(|(name, _)| of.iter().any(|info| info.name == name)).cloned().collect()
    };
    let mut feature_pairs = part(&of_features);
    with_features(reader, study, &mut features, &mut feature_pairs)?;
    let features = settled(reader, &path, &feature_pairs);
    let base = settled(reader, &path, &part(&heads));
    let own: Option<SweepSettings> = settled(reader, &path, &part(&own));
    let sweep = SweepSpec { features: features?, base: base?, axes: varied, own: own? };
    if let Err(error) = sweep.settings() {
        let refusal = std::error::Error::source(&error).and_then(|source| source.downcast_ref::<Refusal>());
        reader.wrong(table.at, refusal.map_or_else(|| error.to_string(), Refusal::for_key));
        return None;
    }
    Some(Sweep { name, data, sweep, open_test })
}
