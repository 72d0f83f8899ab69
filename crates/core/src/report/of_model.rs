//! The section of one model: settings, metrics, curves, groups, mistakes.

use super::content::share;
use super::document::{Align, Block, Document, Figure, Picture};
use super::gather::{Model, Part};
use super::plots::{Chart, Curve, Legend, Share, chart, forest};
use crate::dataset::Split;
use crate::evaluation::{Figures, Groups};
use crate::monitor::EpochFigures;
use crate::run::Status;
use crate::run::result_text::{set_name, with_interval};
use crate::text::printable;
use Align::{Left, Path, Right};
use serde_json::Value;

/// Adds the section of a model.
pub fn add(document: &mut Document, model: &Model) {
    let row = &model.row;
    document.heading(3, format!("{} on {}", row.run, set_name(&row.dataset, row.synthetic)));
    let stopped = if row.status == Status::Stopped { ", where it was stopped" } else { "" };
    let kept =
        row.best_epoch.map(|epoch| format!(", kept epoch {epoch} of {}{stopped}", row.epochs)).unwrap_or_default();
    document.text(format!(
        "{}, {} trained parameters, seed {}{kept}, threshold {:.3}, {:.1} s.",
        row.settings,
        crate::dataset::thousands(row.params),
        row.seed,
        row.threshold,
        row.seconds
    ));
    settings(document, model);
    figures(document, &model.parts);
    curves(document, model);
    trials(document, model);
    for part in &model.parts {
        groups(document, part);
    }
    for part in &model.parts {
        mistakes(document, part);
    }
}

fn split_name(split: Split) -> &'static str {
    match split {
        Split::Train => "training",
        Split::Val => "validation",
        Split::Test => "test",
    }
}

/// All settings, and the identity of the features.
fn settings(document: &mut Document, model: &Model) {
    let Some(info) = &model.info else { return };
    let mut rows = vec![
        vec![
            "input".to_owned(),
            format!(
                "{}, tap {}, pool {}, {}, {} values",
                info.input.backbone, info.input.tap, info.input.pool, info.input.dtype, info.input.width
            ),
        ],
        vec!["preprocessing".to_owned(), info.input.preprocessing.clone()],
        vec!["weights (SHA-256)".to_owned(), info.input.weights.clone()],
    ];
    if let Value::Object(settings) = &info.settings {
        let written = settings.iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| match value {
            Value::String(text) => format!("{name} {text}"),
            other => format!("{name} {other}"),
        });
        rows.push(vec!["settings".to_owned(), written.collect::<Vec<_>>().join(", ")]);
    }
    let provenance = &info.provenance;
    rows.push(vec![
        "trained on".to_owned(),
        format!(
            "{} images, {}, manifest {}",
            provenance.train_samples,
            match provenance.val_samples {
                0 => "those of the validation split among them".to_owned(),
                val => format!("chosen on {val}"),
            },
            provenance.manifest_sha256
        ),
    ]);
    document.table("", &[("", Left), ("", Path)], rows);
}

/// A metric's name and how it is formatted.
type Fact = (&'static str, fn(&Figures) -> String);

fn figures(document: &mut Document, parts: &[Part]) {
    let facts: [Fact; 10] = [
        ("images", |figures| crate::dataset::thousands(figures.images)),
        ("accuracy, 95 % after Wilson", |figures| with_interval(Some(figures.accuracy), figures.interval, "–")),
        ("accuracy, 95 % by people (bootstrap)", |figures| match figures.interval_by_subject {
            Some(interval) => {
                format!("[{:.3}, {:.3}], {} people", interval.low, interval.high, figures.subjects.unwrap_or(0))
            }
            None => "people not named".into(),
        }),
        ("balanced accuracy", |figures| share(Some(figures.balanced_accuracy))),
        ("ROC AUC", |figures| share(figures.of_scores.roc_auc)),
        ("average precision", |figures| share(figures.of_scores.average_precision)),
        ("Brier score", |figures| share(Some(figures.of_scores.brier))),
        ("log loss", |figures| share(Some(figures.of_scores.log_loss))),
        ("expected calibration error, 10 bins", |figures| share(Some(figures.of_scores.calibration_error))),
        ("threshold", |figures| share(Some(figures.threshold))),
    ];
    let head: Vec<(&str, Align)> =
        std::iter::once(("", Left)).chain(parts.iter().map(|part| (split_name(part.split), Right))).collect();
    let rows = facts.iter().map(|(name, of)| {
        std::iter::once((*name).to_owned()).chain(parts.iter().map(|part| of(&part.figures))).collect()
    });
    document.table("Figures.", &head, if parts.is_empty() { Vec::new() } else { rows.collect() });
    let mut rows = Vec::new();
    for part in parts {
        let confusion = &part.figures.confusion;
        let called =
            [[confusion.true_negative, confusion.false_positive], [confusion.false_negative, confusion.true_positive]];
        for (class, called) in part.figures.classes.iter().zip(called) {
            let mut cells = vec![split_name(part.split).to_owned(), class.class.clone()];
            cells.extend(called.map(crate::dataset::thousands));
            cells.extend([class.precision, class.recall, class.f1].map(share));
            rows.push(cells);
        }
    }
    let names =
        parts.first().map(|part| part.figures.classes.each_ref().map(|class| format!("called {}", class.class)));
    let Some([first, second]) = names else { return };
    document.table(
        "Confusion matrix and figures per class.",
        &[
            ("split", Left),
            ("label", Left),
            (&first, Right),
            (&second, Right),
            ("precision", Right),
            ("recall", Right),
            ("F1", Right),
        ],
        rows,
    );
}

/// Loss and accuracy by epoch, ROC, precision and recall, calibration.
fn curves(document: &mut Document, model: &Model) {
    let mut drawn = Vec::new();
    let run = &model.row.run;
    let mut add = |svg: Option<String>, caption: String| {
        drawn.extend(svg.map(|svg| Figure { svg, caption, wide: false }));
    };
    if model.history.epochs.len() > 1 {
        let points = |of: fn(&EpochFigures) -> Option<f64>| -> Vec<(f64, f64)> {
            model.history.epochs.iter().filter_map(|epoch| Some((epoch.epoch as f64, of(epoch)?))).collect()
        };
        // A model trained on the validation split has no validation curve.
        let lines = |[train, val]: [Vec<(f64, f64)>; 2]| {
            let val = (!val.is_empty()).then(|| Curve::line("validation", 0, val));
            std::iter::once(Curve::line("training", 2, train)).chain(val).collect::<Vec<_>>()
        };
        let (first, last) =
            (model.history.epochs[0].epoch as f64, model.history.epochs[model.history.epochs.len() - 1].epoch as f64);
        let losses = [points(|epoch| Some(epoch.train_loss)), points(|epoch| Some(epoch.validated?.loss))];
        let top = losses.iter().flatten().map(|point| point.1).filter(|loss| loss.is_finite()).fold(0.0, f64::max);
        add(
            chart(
                &Chart {
                    title: "Loss",
                    x: "epoch",
                    y: "cross-entropy",
                    x_range: first..last,
                    y_range: 0.0..top * 1.05,
                    legend: Legend::UpperRight,
                },
                &lines(losses),
            ),
            format!("{run}: loss by epoch; dropout is active in training."),
        );
        let shares = [points(|epoch| Some(epoch.train_accuracy)), points(|epoch| Some(epoch.validated?.accuracy))];
        let low = shares.iter().flatten().map(|point| point.1).fold(1.0, f64::min);
        add(
            chart(
                &Chart {
                    title: "Accuracy",
                    x: "epoch",
                    y: "accuracy",
                    x_range: first..last,
                    y_range: (low - 0.02).max(0.0)..1.0,
                    legend: Legend::LowerRight,
                },
                &lines(shares),
            ),
            format!("{run}: accuracy by epoch at threshold one half."),
        );
    }
    let of = |points: fn(&Part) -> Vec<(f64, f64)>| -> Vec<Curve> {
        let curve =
            |part: &Part| Curve::line(split_name(part.split), usize::from(part.split == Split::Test), points(part));
        model.parts.iter().map(curve).collect()
    };
    let unit = |title, x, y, legend| Chart { title, x, y, x_range: 0.0..1.0, y_range: 0.0..1.0, legend };
    let mut roc = of(|part| part.roc.clone());
    roc.push(Curve::diagonal());
    add(
        chart(&unit("ROC", "false positive rate", "true positive rate", Legend::LowerRight), &roc),
        format!("{run}: receiver operating characteristic."),
    );
    add(
        chart(&unit("Precision and recall", "recall", "precision", Legend::LowerLeft), &of(|part| part.pr.clone())),
        format!("{run}: precision against recall of the second class."),
    );
    let mut bins = of(|part| part.bins.iter().map(|bin| (bin.score, bin.share)).collect());
    bins.iter_mut().for_each(|curve| curve.dots = true);
    bins.push(Curve::diagonal());
    add(
        chart(&unit("Calibration", "mean score", "share of the second class", Legend::UpperLeft), &bins),
        format!("{run}: share of the second class by score, in ten bins; on the line, scores are what they say."),
    );
    document.figures(drawn);
}

/// The settings tried, such as the penalties of a regression.
fn trials(document: &mut Document, model: &Model) {
    let rows = model.history.trials.iter().take(40).map(|trial| {
        vec![trial.setting.clone(), format!("{:.4}", trial.val_accuracy), format!("{:.4}", trial.val_loss)]
    });
    document.table(
        "Tried, and judged on validation.",
        &[("setting", Left), ("accuracy", Right), ("loss", Right)],
        rows.collect(),
    );
}

fn groups(document: &mut Document, part: &Part) {
    if part.groups.is_empty() {
        return;
    }
    document.heading(4, format!("By group, {}", split_name(part.split)));
    for groups in &part.groups {
        let colour = usize::from(part.split == Split::Test);
        let drawn: Vec<_> = groups
            .groups
            .iter()
            .map(|group| {
                let share = Share { colour, value: group.accuracy, interval: group.interval };
                (format!("{} (n = {})", printable(&group.value), group.images), vec![share])
            })
            .collect();
        let title = format!("Accuracy by {}, {}", groups.column, split_name(part.split));
        if let Some(svg) = forest(&title, &drawn, &[], Some(part.figures.accuracy)) {
            let caption = format!("{title}, with 95 % intervals; the line is the accuracy over all.");
            document.figures(vec![Figure { svg, caption, wide: true }]);
        }
        table(document, groups, &part.figures);
    }
}

fn table(document: &mut Document, groups: &Groups, figures: &Figures) {
    let [first, second] = figures.classes.each_ref().map(|class| class.class.as_str());
    let rows = groups.groups.iter().map(|group| {
        vec![
            group.value.clone(),
            group.images.to_string(),
            group.per_class[0].to_string(),
            group.per_class[1].to_string(),
            with_interval(Some(group.accuracy), group.interval, "–"),
            share(group.recall[0]),
            share(group.recall[1]),
        ]
    });
    let caption = groups.gap.as_ref().map_or_else(String::new, |gap| {
        format!(
            "Gap between {} and {}: {:.3} [{:.3}, {:.3}] (groups of 30 images or more; the interval does not allow for their having been picked).",
            gap.best, gap.worst, gap.difference, gap.interval.low, gap.interval.high
        )
    });
    document.table(
        caption,
        &[
            (groups.column.as_str(), Left),
            ("images", Right),
            (first, Right),
            (second, Right),
            ("accuracy", Right),
            (&format!("recall {first}"), Right),
            (&format!("recall {second}"), Right),
        ],
        rows.collect(),
    );
}

fn mistakes(document: &mut Document, part: &Part) {
    if part.mistakes.is_empty() {
        return;
    }
    document.heading(4, format!("Worst mistakes, {}", split_name(part.split)));
    let rows = part.mistakes.iter().map(|mistake| {
        vec![
            printable(&mistake.path).into_owned(),
            mistake.label.clone(),
            mistake.called.clone(),
            format!("{:.4}", mistake.score),
            mistake.age.clone().unwrap_or_default(),
        ]
    });
    document.table(
        "Told wrong with the most certainty: some are labelled wrong.",
        &[("image", Path), ("label", Left), ("called", Left), ("score", Right), ("age", Left)],
        rows.collect(),
    );
    let pictures: Vec<Picture> = part
        .mistakes
        .iter()
        .filter_map(|mistake| {
            let caption = format!("{} called {}, {:.2}", mistake.label, mistake.called, mistake.score);
            Some(Picture { jpeg: mistake.thumbnail.clone()?, caption })
        })
        .collect();
    if !pictures.is_empty() {
        document.blocks.push(Block::Pictures(pictures));
    }
}
