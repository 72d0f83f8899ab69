//! `faceprobe evaluate RUN [--open-test | --on DATA] [--by COLUMN]`.

use super::Context;
use super::args::EvaluateArgs;
use super::evaluate_on;
use super::follow::start;
use super::output::{Align, print, print_json, say, table};
use super::results::{self, settings_text};
use faceprobe_core::dataset::Split;
use faceprobe_core::error::{Error, Result};
use faceprobe_core::evaluation::{Figures, Groups, Interval};
use faceprobe_core::run::results::{ResultRow, by_setting, of_sweep};
use faceprobe_core::run::scored::Scored;
use faceprobe_core::run::{JobSpec, RunFolder, RunView};
use faceprobe_core::run::{choice, openings, results as table_of};
use faceprobe_core::text::{line, printable};
use serde::Serialize;

/// The output of `evaluate --json`: the row of the results, and more.
#[derive(Serialize)]
struct Evaluated {
    #[serde(flatten)]
    row: ResultRow,
    figures: Vec<OfSplit>,
}

/// The figures on one split.
#[derive(Serialize)]
struct OfSplit {
    split: &'static str,
    #[serde(flatten)]
    figures: Figures,
    groups: Vec<Groups>,
}

pub(crate) fn run(context: &Context, args: &EvaluateArgs) -> Result<()> {
    let folder = RunFolder::find(&context.workspace, &args.run)?;
    if let Some(on) = &args.on {
        return evaluate_on::run(context, folder.id().as_str(), on);
    }
    if args.open_test {
        start(context, JobSpec::OpenTest { run: folder.id().to_string() }, false)?;
    }
    let view = RunView::open(folder)?;
    if matches!(view.spec.job, JobSpec::Folds { .. }) {
        return of_folds(context, &view);
    }
    let chosen = choice::load(&context.workspace)?.map(|choice| choice.run);
    let record = openings::load(&context.workspace);
    record.damage().iter().for_each(|damage| say(&format!("faceprobe: {}", line(&damage.to_string()))));
    let row = table_of::row(&view, &record, chosen.as_deref())?
        .ok_or_else(|| Error::failed(format!("Run {} trains no model, so there is nothing to evaluate.", view.id())))?;
    let figures = figures(context, args, &view, &row)?;
    if context.json {
        return print_json(&Evaluated { row, figures });
    }
    let mut text = results::text(std::slice::from_ref(&row));
    for of_split in &figures {
        text += &of_split.text();
    }
    print(&text)
}

/// The models of a cross-validation, with mean and standard deviation over its folds.
fn of_folds(context: &Context, view: &RunView) -> Result<()> {
    let rows = of_sweep(&context.workspace, view.id().as_str())?;
    if context.json {
        return print_json(&by_setting(&rows));
    }
    print(&format!("{}\n{}", results::text(&rows), settings_text(&by_setting(&rows))))
}

fn figures(context: &Context, args: &EvaluateArgs, view: &RunView, row: &ResultRow) -> Result<Vec<OfSplit>> {
    let mut figures = Vec::new();
    for split in [Split::Val, Split::Test] {
        if let Some(scored) = Scored::load(&context.workspace, &view.folder, row, split)? {
            let groups = args.by.iter().map(|column| scored.by(column)).collect::<Result<Vec<_>>>()?;
            figures.push(OfSplit { split: split.name(), figures: scored.figures(), groups });
        }
    }
    Ok(figures)
}

impl OfSplit {
    fn text(&self) -> String {
        let Figures { images, confusion, .. } = &self.figures;
        let name = if self.split == "val" { "Validation" } else { "Test" };
        let mut text = format!("\n{name}, {images} images, threshold {:.3}\n", self.figures.threshold);
        for (name, value) in facts(&self.figures) {
            text += &format!("  {name:<28}{value}\n");
        }
        use Align::{Left, Right};
        let rows: Vec<Vec<String>> = self
            .figures
            .classes
            .iter()
            .zip([
                [confusion.true_negative, confusion.false_positive],
                [confusion.false_negative, confusion.true_positive],
            ])
            .map(|(class, called)| {
                let mut cells = vec![class.class.clone()];
                cells.extend([class.precision, class.recall, class.f1].map(optional));
                cells.push(class.support.to_string());
                cells.extend(called.map(|count| count.to_string()));
                cells
            })
            .collect();
        let called = self.figures.classes.each_ref().map(|class| format!("predicted {}", class.class));
        text += "\n";
        text += &table(
            &[
                ("class", Left),
                ("precision", Right),
                ("recall", Right),
                ("F1", Right),
                ("images", Right),
                (&called[0], Right),
                (&called[1], Right),
            ],
            &rows,
        );
        for groups in &self.groups {
            text += &groups_text(groups, &self.figures);
        }
        text
    }
}

/// A proportion, or a placeholder.
fn optional(value: Option<f64>) -> String {
    value.map_or_else(|| "-".into(), |value| format!("{value:.4}"))
}

/// The figures, by name.
fn facts(figures: &Figures) -> Vec<(&'static str, String)> {
    let mut facts = vec![("accuracy", format!("{:.4} {} Wilson", figures.accuracy, interval(figures.interval)))];
    if let (Some(by_subject), Some(subjects)) = (figures.interval_by_subject, figures.subjects) {
        facts.push(("", format!("       {} by subject, bootstrap over {subjects} people", interval(Some(by_subject)))));
    }
    facts.extend([
        ("balanced accuracy", format!("{:.4}", figures.balanced_accuracy)),
        ("ROC AUC", optional(figures.of_scores.roc_auc)),
        ("average precision", optional(figures.of_scores.average_precision)),
    ]);
    let scores = &figures.of_scores;
    for (name, raw, calibrated) in [
        ("Brier score", scores.brier, scores.calibrated_brier),
        ("log loss", scores.log_loss, scores.calibrated_log_loss),
        ("expected calibration error", scores.calibration_error, scores.calibrated_error),
    ] {
        let calibrated = calibrated.map(|value| format!("{value:.4} calibrated, ")).unwrap_or_default();
        facts.push((name, format!("{calibrated}{raw:.4} raw")));
    }
    facts
}

fn interval(interval: Option<Interval>) -> String {
    interval.map_or_else(String::new, |interval| format!("[{:.4}, {:.4}]", interval.low, interval.high))
}

fn groups_text(groups: &Groups, figures: &Figures) -> String {
    use Align::{Left, Right};
    let names = figures.classes.each_ref().map(|class| class.class.as_str());
    let recalls = names.map(|name| format!("recall {name}"));
    let rows: Vec<Vec<String>> = groups
        .groups
        .iter()
        .map(|group| {
            let recall = |value: Option<f64>| value.map_or_else(|| "-".into(), |value| format!("{value:.3}"));
            vec![
                group.value.clone(),
                group.images.to_string(),
                group.per_class[0].to_string(),
                group.per_class[1].to_string(),
                format!("{:.4}", group.accuracy),
                interval(group.interval),
                recall(group.recall[0]),
                recall(group.recall[1]),
            ]
        })
        .collect();
    let head = [
        (groups.column.as_str(), Left),
        ("images", Right),
        (names[0], Right),
        (names[1], Right),
        ("accuracy", Right),
        ("95 %", Left),
        (&recalls[0], Right),
        (&recalls[1], Right),
    ];
    let gap = groups.gap.as_ref().map_or_else(String::new, |gap| {
        let [best, worst] = [&gap.best, &gap.worst].map(|group| printable(group));
        format!("Gap between {best} and {worst}: {:.4} {}\n", gap.difference, interval(Some(gap.interval)))
    });
    format!("\n{}{gap}", table(&head, &rows))
}
