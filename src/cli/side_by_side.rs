//! `faceprobe results --compare RUN RUN…`: compares models.

use super::Context;
use super::output::{Align, print, print_json, table};
use faceprobe_core::dataset::Split;
use faceprobe_core::error::{Error, Result};
use faceprobe_core::run::RunFolder;
use faceprobe_core::run::compare::{self, Comparison, Difference};
use serde_json::json;

/// Images listed in plain text; `--json` has all.
const LISTED: usize = 20;

pub(crate) fn run(context: &Context, runs: &[String], split: Split) -> Result<()> {
    let specs = runs.iter().map(|run| RunFolder::find(&context.workspace, run)?.spec()).collect::<Result<Vec<_>>>()?;
    let differences = compare::differences(&specs.iter().map(|spec| &spec.job).collect::<Vec<_>>());
    let comparison = compare::load(&context.workspace, runs, split)?;
    if context.json {
        return print_json(&json!({ "differences": differences, "comparison": comparison }));
    }
    print(&text(&differences, &comparison)?)
}

fn text(differences: &[Difference], comparison: &Comparison) -> Result<String> {
    use Align::{Left, Right};
    let sides = &comparison.sides;
    let names: Vec<&str> = sides.iter().map(|side| side.run.as_str()).collect();
    let mut text = String::new();
    if differences.is_empty() {
        text += "The settings are the same.\n";
    } else {
        let head: Vec<(&str, Align)> =
            std::iter::once(("setting", Left)).chain(names.iter().map(|name| (*name, Left))).collect();
        let rows: Vec<Vec<String>> = differences
            .iter()
            .map(|difference| {
                let values = difference.values.iter().map(|value| value.clone().unwrap_or_else(|| "-".into()));
                std::iter::once(difference.setting.clone()).chain(values).collect()
            })
            .collect();
        text += &table(&head, &rows);
    }
    let [zero, one] = &comparison.classes;
    let split = comparison.split.name();
    text += &format!("\nOn the {} images of the {split} split that all have scored", comparison.common);
    text += &match comparison.left_out {
        0 => ":\n".to_owned(),
        count => format!(" ({count} are not scored by all):\n"),
    };
    let titles = [format!("{zero} right"), format!("{zero} wrong"), format!("{one} right"), format!("{one} wrong")];
    let mut head = vec![("run", Left), ("threshold", Right), ("accuracy", Right)];
    head.extend(titles.iter().map(|title| (title.as_str(), Right)));
    let rows: Vec<Vec<String>> = sides
        .iter()
        .map(|side| {
            let cells = &side.confusion;
            vec![
                side.run.clone(),
                format!("{:.3}", side.threshold),
                format!("{:.4}", cells.accuracy()),
                cells.true_negative.to_string(),
                cells.false_positive.to_string(),
                cells.true_positive.to_string(),
                cells.false_negative.to_string(),
            ]
        })
        .collect();
    text += &table(&head, &rows);
    text.push('\n');
    for pair in &comparison.pairs {
        text += &format!(
            "{} images only {} gets right, {} only {}.\n",
            pair.only_first, names[pair.first], pair.only_second, names[pair.second]
        );
    }
    let answer = |class: &usize| comparison.classes.get(*class).cloned().ok_or_else(|| Error::failed("no such class"));
    let rows = comparison
        .disagreements
        .iter()
        .take(LISTED)
        .map(|image| {
            let mut cells = vec![image.path.clone(), answer(&image.class)?];
            for (class, score) in image.answers.iter().zip(&image.scores) {
                cells.push(format!("{} {score:.3}", answer(class)?));
            }
            Ok(cells)
        })
        .collect::<Result<Vec<_>>>()?;
    if !rows.is_empty() {
        let head: Vec<(&str, Align)> =
            [("image", Left), ("label", Left)].into_iter().chain(names.iter().map(|name| (*name, Left))).collect();
        text += &format!("\nThey disagree on {} images", comparison.disagreements.len());
        text += if comparison.disagreements.len() > LISTED { "; the scores furthest apart first:\n" } else { ":\n" };
        text += &table(&head, &rows);
    }
    Ok(text)
}
