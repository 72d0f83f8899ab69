//! The settings in which the models of the table differ: what is the same in all of them needs no column.

use super::super::super::app::App;
use super::super::super::snapshot::Snapshot;
use faceprobe_core::run::compare;
use faceprobe_core::run::results::ResultRow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::{Arc, Weak};

/// What has a column of its own already, or says nothing about the model.
const ELSEWHERE: [&str; 5] = ["job", "kind", "backbone", "epochs", "params"];

/// The name of the prepared set among the settings of a job.
const DATA: &str = "dataset";

/// A wider value is cut.
const WIDEST: usize = 16;

/// A setting with more than one value.
#[derive(Debug)]
pub struct Setting {
    pub title: String,
    pub width: usize,
}

/// The settings, the most varied first, and the values of each model.
#[derive(Debug, Default)]
pub struct Differing {
    settings: Vec<Setting>,
    values: HashMap<String, Vec<String>>,
    /// Of what it was made.
    snapshot: Weak<Snapshot>,
    filter: String,
}

impl Differing {
    /// As many settings as there is room for; the first always.
    pub fn fitting(&self, room: usize) -> &[Setting] {
        let mut used = 0;
        let fitting = self.settings.iter().take_while(|setting| {
            used += setting.width + 2;
            used <= room
        });
        let count = fitting.count().max(self.settings.len().min(1));
        &self.settings[..count]
    }

    /// The values of a model, in the order of the settings.
    pub fn values(&self, run: &str) -> impl Iterator<Item = &str> {
        self.values.get(run).into_iter().flatten().map(String::as_str)
    }
}

/// The settings in which `rows` differ; worked out anew only when the models or the filter are others.
pub fn of(app: &App, rows: &[&ResultRow]) -> Rc<Differing> {
    let known = Rc::clone(&app.results.differing.borrow());
    let same = known.snapshot.upgrade().is_some_and(|snapshot| Arc::ptr_eq(&snapshot, &app.snapshot));
    if same && known.filter == app.results.filter_text {
        return known;
    }
    let found = Rc::new(Differing {
        snapshot: Arc::downgrade(&app.snapshot),
        filter: app.results.filter_text.clone(),
        ..differing(&app.snapshot, rows)
    });
    app.results.differing.replace(Rc::clone(&found));
    found
}

fn differing(snapshot: &Snapshot, rows: &[&ResultRow]) -> Differing {
    let jobs = rows.iter().filter_map(|row| Some((&row.run, compare::settings(&snapshot.run(&row.run)?.job))));
    let jobs: Vec<(&String, BTreeMap<String, String>)> = jobs.collect();
    // Kinds of model have settings of their own; what was varied is varied within a kind. Data are compared across all.
    let mut values: BTreeMap<&str, BTreeMap<&str, BTreeSet<&str>>> = BTreeMap::new();
    for settings in jobs.iter().map(|(_, settings)| settings) {
        let kind = settings.get("kind").map_or("", String::as_str);
        for (setting, value) in settings {
            let kind = if setting == DATA { "" } else { kind };
            values.entry(setting).or_default().entry(kind).or_default().insert(value);
        }
    }
    let last = |setting: &str| setting.rsplit('.').next().unwrap_or_default().to_owned();
    let count = |kinds: &BTreeMap<&str, BTreeSet<&str>>| kinds.values().map(BTreeSet::len).max().unwrap_or(0);
    values.retain(|setting, kinds| count(kinds) > 1 && !ELSEWHERE.contains(&last(setting).as_str()));
    let mut varied: Vec<(&str, usize)> = values.iter().map(|(setting, kinds)| (*setting, count(kinds))).collect();
    // Figures of different data must not be taken for each other; seeds come last, since they are no setting.
    let rank = |setting: &str| match setting {
        DATA => 0,
        "seed" => 2,
        _ => 1,
    };
    varied.sort_by(|a, b| rank(a.0).cmp(&rank(b.0)).then(b.1.cmp(&a.1)).then(a.0.cmp(b.0)));
    let settings = varied.iter().map(|(setting, _)| {
        let title = if *setting == DATA { "data".to_owned() } else { last(setting) };
        let longest = values[setting].values().flatten().map(|value| value.chars().count()).max().unwrap_or(0);
        let width = longest.max(title.chars().count()).min(WIDEST);
        Setting { title, width }
    });
    let of_run = |settings: &BTreeMap<String, String>| {
        varied.iter().map(|(setting, _)| settings.get(*setting).cloned().unwrap_or_else(|| "–".into())).collect()
    };
    Differing {
        settings: settings.collect(),
        values: jobs.iter().map(|(run, settings)| ((*run).clone(), of_run(settings))).collect(),
        ..Differing::default()
    }
}
