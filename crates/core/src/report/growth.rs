//! Sections on learning curves and maps of features.

use super::document::{Align, Document, Figure};
use super::gather::Study;
use super::plots::growth;
use crate::map::{self, Colour};
use crate::run::learning_curve::LearningCurve;
use crate::run::result_text::{set_name, with_interval};
use Align::{Left, Mono, Right};

/// The maps to draw: the newest of each set.
const MOST_MAPS: usize = 6;

/// Accuracy against the number of training images, for every learning curve of the workspace.
pub(super) fn curves(document: &mut Document, study: &Study) {
    if study.curves.is_empty() {
        return;
    }
    document.heading(2, "Learning curves");
    document.text(
        "One model on growing parts of the training split, everything chosen and measured on the same validation images. Intervals \
         are 95 %, after Wilson.",
    );
    for (run, curve) in &study.curves {
        let backbone = curve.backbone.as_ref().map(|backbone| format!(" on {backbone}")).unwrap_or_default();
        let name = format!("{run}: {}{backbone}, {}", curve.kind, set_name(&curve.dataset, curve.synthetic));
        document.heading(3, name);
        document.text(format!("{}, {} validation images.", curve.settings, curve.val_images));
        if let Some(svg) = growth(curve) {
            document.figures(vec![Figure { svg, caption: caption(curve), wide: true }]);
        }
        let rows = curve.points.iter().map(|point| {
            let runs: Vec<&str> = point.runs.iter().map(|run| run.run.as_str()).collect();
            vec![
                point.images.to_string(),
                with_interval(Some(point.val_accuracy.mean), point.interval, "–"),
                point.val_accuracy.deviation.map_or_else(|| "–".to_owned(), |deviation| format!("{deviation:.3}")),
                runs.join(" "),
            ]
        });
        let head = [("training images", Right), ("validation", Right), ("± over seeds", Right), ("runs", Mono)];
        document.table("Mean over the seeds.", &head, rows.collect());
        document.text(expected(curve));
    }
}

fn caption(curve: &LearningCurve) -> String {
    let fit =
        if curve.fit.is_some() { "; the line is the fitted power law, the last point what it expects" } else { "" };
    format!("Validation accuracy against the number of training images, with 95 % intervals{fit}.")
}

/// The prediction of the fitted curve.
fn expected(curve: &LearningCurve) -> String {
    match (&curve.fit, &curve.at_twice) {
        (Some(fit), Some(twice)) => format!(
            "Fitted: error = {:.3} + {:.3} × images ^ -{:.2}. With {} images it expects {:.3} [{:.3}, {:.3}], if the curve goes on \
             as it began.",
            fit.floor, fit.scale, fit.exponent, twice.images, twice.accuracy, twice.interval.low, twice.interval.high
        ),
        _ => "Three sizes or more are needed to say what more images might give.".to_owned(),
    }
}

/// The maps of the workspace.
pub(super) fn maps(document: &mut Document, study: &Study) {
    if study.maps.is_empty() {
        return;
    }
    document.heading(2, "Maps of features");
    document.text(
        "Images as points in two dimensions. Points that are near are alike to the network; how far clusters are from each other, \
         and how wide they are, means little in t-SNE.",
    );
    let figures = study.maps.iter().take(MOST_MAPS).map(|map| {
        let groups = map::groups(map, Colour::Class, None);
        let caption = format!(
            "{}, {}; colours are classes. {} principal components have {:.1} % of the variance; seed {}.",
            map.title(),
            set_name(&map.dataset, map.synthetic),
            map.components,
            100.0 * map.explained,
            map.settings.seed
        );
        Figure { svg: map::svg(map, &groups), caption, wide: true }
    });
    document.figures(figures.collect());
    let rows = study.maps.iter().map(|map| {
        vec![
            map.title(),
            set_name(&map.dataset, map.synthetic),
            map.width.to_string(),
            format!("{:.3}", map.explained),
            map.settings.seed.to_string(),
        ]
    });
    let head = [
        ("map", Left),
        ("data", Left),
        ("values per image", Right),
        ("variance of the components", Right),
        ("seed", Right),
    ];
    document.table("", &head, rows.collect());
}
