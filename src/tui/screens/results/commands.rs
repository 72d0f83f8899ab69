//! What Results does with models: choosing, evaluating, comparing, opening the test set, making others of them.

use super::{ComparisonView, Results, comparison, settings};
use crate::tui::effect::Effect;
use crate::tui::jobs::{Job, Threshold};
use crate::tui::keys::{self as keys_table, Action, Context};
use crate::tui::records::RecordJob;
use crate::tui::request::Request;
use crate::tui::screens::Screen;
use crate::tui::shared::{Shared, Tone};
use faceprobe_core::run::JobSpec;
use faceprobe_core::run::results::ResultRow;
use std::path::PathBuf;

impl Results {
    /// From a setting to the models that have it.
    pub(super) fn runs_of_setting(&mut self, shared: &mut Shared) {
        let rows = settings::rows(self, shared);
        let Some(row) = rows.get(self.setting.min(rows.len().saturating_sub(1))) else {
            return;
        };
        let mut text = format!("kind=={} settings==\"{}\" data==\"{}\"", row.kind.name(), row.settings, row.dataset);
        for (name, value) in [("backbone", &row.backbone), ("tap", &row.tap), ("pool", &row.pool)] {
            if let Some(value) = value {
                text += &format!(" {name}==\"{value}\"");
            }
        }
        // Names that hold a quote cannot be typed into a filter; the table stays as it is then.
        match self.table.filter(&text) {
            Ok(()) => self.by_setting = false,
            Err(problem) => shared.say(Tone::Plain, problem),
        }
    }

    pub(super) fn evaluate(&self, shared: &mut Shared) {
        match self.under_cursor(shared) {
            Some(row) if row.has_model() => shared.request(Request::Evaluate { run: row.run }),
            Some(row) => {
                let text = format!("{} is {}; it has scores when it is done.", row.run, row.status.name());
                shared.say(Tone::Plain, text);
            }
            None => {}
        }
    }

    /// Puts the marked runs side by side; with one marked, it and the one under the cursor.
    pub fn compare(&mut self, shared: &mut Shared) -> Vec<Effect> {
        let mut runs = shared.marked.clone();
        if let (1, Some(row)) = (runs.len(), self.under_cursor(shared))
            && !runs.contains(&row.run)
        {
            runs.push(row.run);
        }
        let done =
            |run: &String| shared.snapshot.run(run).and_then(|run| run.row.as_ref()).is_some_and(ResultRow::has_model);
        if let Some(run) = runs.iter().find(|run| !done(run)) {
            let trains = shared.snapshot.run(run).is_some_and(|run| run.trains());
            let what = if trains { "is not done" } else { "trains no model" };
            let text = format!("{run} {what}; only finished models are put side by side.");
            shared.say(Tone::Plain, text);
            return Vec::new();
        }
        if runs.len() < 2 {
            shared.say(Tone::Plain, "Mark two models or more with Space; they are put side by side then.");
            return Vec::new();
        }
        if runs.len() > comparison::MOST {
            let text = format!(
                "{} models side by side are as many as can be read, and {} are marked; {} shows in which settings they differ.",
                comparison::MOST,
                runs.len(),
                keys_table::name_of(Context::Results, Action::Differences)
            );
            shared.say(Tone::Plain, text);
            return Vec::new();
        }
        self.comparison = Some(ComparisonView::new(runs));
        self.wanted(shared)
    }

    /// What writes the table into a file.
    pub fn export(&self, shared: &Shared, path: PathBuf) -> Effect {
        let (rows, by_setting) = (self.sorted(shared), self.by_setting);
        RecordJob::Export { path, rows, by_setting, replace: false }.into()
    }
}

/// Makes Predict use a model.
pub(super) fn choose(shared: &mut Shared, row: ResultRow) -> Vec<Effect> {
    if row.has_model() {
        return vec![Job::Choose { run: row.run, threshold: Threshold::Trained }.into()];
    }
    let text = format!("{} is {}; only a finished model can be used.", row.run, row.status.name());
    shared.say(Tone::Plain, text);
    Vec::new()
}

/// Asks whether to open the test set of a run.
pub fn ask_to_open_test(shared: &mut Shared, row: &ResultRow) {
    if row.test_accuracy.is_some() {
        shared.say(Tone::Plain, format!("The test set is open for {} already.", row.run));
        return;
    }
    if !row.has_model() {
        let text = format!("{} is {}; its test set opens when it is done.", row.run, row.status.name());
        shared.say(Tone::Plain, text);
        return;
    }
    let text = vec![
        format!("Scores {} once on the test split of {}.", row.run, row.dataset),
        "The figure is honest only if you stop choosing now. The opening is recorded, and every model made on \
         this data after it is marked."
            .to_owned(),
    ];
    let job = Job::Launch(Box::new(JobSpec::OpenTest { run: row.run.clone() }));
    shared.ask("Open the test set?", text, job);
}

/// Asks whether to make one model of the marked ones.
pub(super) fn ensemble(shared: &mut Shared) {
    let runs = shared.marked.clone();
    if runs.len() < 2 {
        shared.say(Tone::Plain, "Mark two fine-tuned runs or more with Space; they become one model then.");
        return;
    }
    let text = vec![
        format!("Makes one model of {}: the mean of their logits.", runs.join(", ")),
        "Nothing is trained; the threshold is chosen on validation. It takes as long as all of them to predict."
            .to_owned(),
    ];
    shared.ask("Make an ensemble?", text, Job::Ensemble { runs });
}

/// Asks whether to train a model anew on validation too.
pub(super) fn refit(shared: &mut Shared, row: ResultRow) {
    if let Some(first) = &row.refit {
        shared.say(Tone::Plain, format!("{} is {first} trained anew on validation already.", row.run));
        return;
    }
    if !row.has_model() {
        let text = format!("{} is {}; it can be trained anew when it is done.", row.run, row.status.name());
        shared.say(Tone::Plain, text);
        return;
    }
    let text = vec![
        format!("Trains {} anew on the training and the validation split of {}.", row.run, row.dataset),
        "What validation chose for it stays: epochs or penalty, threshold, calibration. The new model has no \
         validation accuracy; only its test split can tell how good it is."
            .to_owned(),
    ];
    shared.ask("Train on validation too?", text, Job::Refit { run: row.run });
}
