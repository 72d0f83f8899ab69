//! `faceprobe compare RUN RUN`: two models on the same images.

use super::Context;
use super::args::CompareArgs;
use super::output::{Align, print, print_json, table};
use faceprobe_core::dataset::Split;
use faceprobe_core::error::{Error, Result};
use faceprobe_core::run::RunFolder;
use faceprobe_core::run::result_text::p_value;
use faceprobe_core::run::results::ResultRow;
use faceprobe_core::run::scored::{Comparison, Scored, compare};
use serde_json::json;

pub(crate) fn run(context: &Context, args: &CompareArgs) -> Result<()> {
    let [first, second] = [&args.first, &args.second].map(|name| {
        let run = RunFolder::find(&context.workspace, name)?;
        let row = ResultRow::load(&run)?.ok_or_else(|| {
            Error::failed(format!("Run {name} has no trained model to compare; train one to its end."))
        })?;
        Ok::<_, Error>((run, row))
    });
    let (first, second) = (first?, second?);
    let mut comparisons = Vec::new();
    for split in [Split::Val, Split::Test] {
        let load = |(run, row): &(RunFolder, ResultRow)| Scored::load(&context.workspace, run, row, split);
        let (Some(a), Some(b)) = (load(&first)?, load(&second)?) else { continue };
        match compare(&a, &b) {
            Some(comparison) => comparisons.push(comparison),
            None if split == Split::Val => {
                return Err(Error::failed(format!(
                    "{} and {} have no validation image in common; train both on the same prepared set.",
                    args.first, args.second
                )));
            }
            None => {}
        }
    }
    if context.json {
        return print_json(&json!({ "first": args.first, "second": args.second, "comparisons": comparisons }));
    }
    print(&text(args, &comparisons))
}

fn text(args: &CompareArgs, comparisons: &[Comparison]) -> String {
    use Align::{Left, Right};
    let only = [&args.first, &args.second].map(|name| format!("only {name} right"));
    let head = [
        ("split", Left),
        ("images", Right),
        (args.first.as_str(), Right),
        (&args.second, Right),
        ("difference", Right),
        ("both right", Right),
        (&only[0], Right),
        (&only[1], Right),
        ("both wrong", Right),
        ("p (McNemar)", Right),
    ];
    let rows: Vec<Vec<String>> = comparisons
        .iter()
        .map(|comparison| {
            let test = &comparison.test;
            vec![
                comparison.split.clone(),
                comparison.images.to_string(),
                format!("{:.4}", comparison.first_accuracy),
                format!("{:.4}", comparison.second_accuracy),
                format!("{:+.4}", comparison.first_accuracy - comparison.second_accuracy),
                test.both_right.to_string(),
                test.first_only.to_string(),
                test.second_only.to_string(),
                test.both_wrong.to_string(),
                p_value(test.p_value),
            ]
        })
        .collect();
    let mut text = table(&head, &rows);
    if comparisons.len() < 2 {
        text += "\nThe test split is compared once it is open for both runs.\n";
    }
    for comparison in comparisons.iter().filter(|comparison| comparison.left_out > 0) {
        text += &format!("{} images that only one of them was scored on are left out.\n", comparison.left_out);
    }
    text
}
