//! `faceprobe results`: the table of all models.

use super::Context;
use super::args::ResultsArgs;
use super::output::{Align, duration, print, print_json, say, table};
use faceprobe_core::dataset::{Split, Version};
use faceprobe_core::error::{Error, Result};
use faceprobe_core::outputs::{Outputs, is_stream};
use faceprobe_core::run::export::{self, Format};
use faceprobe_core::run::filter::Filter;
use faceprobe_core::run::result_text::{
    self, after_opening, backbone_name, division, remarks, set_name, share, spread, with_interval,
};
use faceprobe_core::run::results::{self, ResultRow, SettingRow, Table};
use faceprobe_core::text::{line, printable};

pub(crate) fn run(context: &Context, args: &ResultsArgs) -> Result<()> {
    let mut outputs = Outputs::new(&context.workspace, args.force);
    if let Some(path) = &args.output {
        outputs.check(path)?;
    }
    if !args.compare.is_empty() {
        let split = if args.on_test { Split::Test } else { Split::Val };
        return super::side_by_side::run(context, &args.compare, split);
    }
    let Table { mut rows, damaged, record } = results::table(&context.workspace)?;
    damaged.iter().for_each(|damaged| say(&format!("faceprobe: {}", line(&damaged.to_string()))));
    record.iter().for_each(|damage| say(&format!("faceprobe: {}", line(&damage.to_string()))));
    if let Some(name) = &args.data {
        let fold_of =
            |row: &ResultRow| row.division.as_ref().and_then(|division| Some(division.fold.as_ref()?.of.clone()));
        let exact = Version::of_folder(name).id();
        let all_versions = |row: &ResultRow| {
            !name.contains('@')
                && row.version.as_ref().is_some_and(|version| {
                    version.name == *name || fold_of(row).is_some_and(|of| Version::of_folder(&of).name == *name)
                })
        };
        rows.retain(|row| row.dataset == exact || fold_of(row).as_ref() == Some(&exact) || all_versions(row));
    }
    if args.current {
        rows.retain(|row| !row.of_other_version());
    }
    if let Some(conditions) = &args.filter {
        let filter = Filter::parse::<ResultRow>(conditions).map_err(Error::usage)?;
        rows.retain(|row| filter.matches(row));
    }
    if let Some(column) = args.sort {
        results::sort(&mut rows, column, column.descends() != args.reverse);
    } else if args.reverse {
        rows.reverse();
    }
    if args.format.is_some() || args.output.is_some() {
        return exported(context, args, &rows, &mut outputs);
    }
    if args.by_setting {
        let settings = results::by_setting(&rows);
        return if context.json { print_json(&settings) } else { print(&settings_text(&settings)) };
    }
    if context.json { print_json(&rows) } else { print(&text(&rows)) }
}

/// The table in an export format, to a file or standard output.
fn exported(context: &Context, args: &ResultsArgs, rows: &[ResultRow], outputs: &mut Outputs) -> Result<()> {
    let by_ending = || args.output.as_deref().and_then(Format::of_path);
    let format = args.format.or_else(by_ending).ok_or_else(|| {
        Error::usage("The file's ending is none of .csv, .md and .tex; say --format csv, markdown or latex.")
    })?;
    let (lines, text) = if args.by_setting {
        let settings = results::by_setting(rows);
        (settings.len(), export::settings(&settings, format)?)
    } else {
        (rows.len(), export::runs(&rows.iter().collect::<Vec<_>>(), format)?)
    };
    let Some(path) = &args.output else {
        return print(&text);
    };
    outputs.write(path, text.as_bytes())?;
    // If the table itself may go to a terminal stream, nothing else is printed.
    if context.quiet || is_stream(path) {
        Ok(())
    } else {
        print(&format!(
            "{lines} line{} in {}.\n",
            if lines == 1 { " is" } else { "s are" },
            printable(&path.to_string_lossy())
        ))
    }
}

/// The legend of `!`.
const AFTER_OPENING: &str =
    "! made after the test split of its data had been opened, or may have been: its test accuracy may be too good\n";

/// The table in plain text, with a legend for each mark in it.
pub(crate) fn text(rows: &[ResultRow]) -> String {
    if rows.is_empty() {
        return "No model has been trained here yet; 'faceprobe train --help' says how, 'faceprobe demo' shows it.\n"
            .into();
    }
    use Align::{Left, Right};
    let head = [
        ("run", Left),
        ("data", Left),
        ("backbone", Left),
        ("settings", Left),
        ("train", Right),
        ("validation", Left),
        ("test", Left),
        ("threshold", Right),
        ("time", Right),
        ("status", Left),
    ];
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            vec![
                format!("{}{}", row.run, marks(row)),
                format!("{}{}", set_name(row.data(), row.synthetic), if row.of_other_version() { " ~" } else { "" }),
                backbone_name(row.backbone.as_deref(), "-"),
                row.settings.clone(),
                share(row.train_accuracy, "-"),
                with_interval(row.val_accuracy, row.val_interval, "-"),
                with_interval(row.test_accuracy, row.test_interval, "not opened"),
                format!("{:.3}", row.threshold),
                duration(row.seconds),
                row.status.name().to_owned(),
            ]
        })
        .collect();
    let mut text = table(&head, &cells);
    text.push_str("\nAccuracies are at the threshold chosen on validation, with 95 % Wilson intervals.\n");
    if rows.iter().any(|row| row.synthetic) {
        text.push_str("(synthetic): the pictures are drawings made by this program; their accuracies say nothing about photographs.\n");
    }
    remarks(rows.iter().map(|row| row.backbone.as_deref()))
        .iter()
        .for_each(|line| text.push_str(&format!("{line}.\n")));
    if rows.iter().any(ResultRow::of_other_version) {
        text.push_str(
            "~ of another version of the data than the current one; 'faceprobe results --current' leaves it out\n",
        );
    }
    if rows.iter().any(|row| row.chosen) {
        text.push_str("* the model that predict uses\n");
    }
    if rows.iter().any(|row| row.after_test_openings > 0) {
        text.push_str(AFTER_OPENING);
    }
    text
}

/// One row per setting, with mean and standard deviation over its seeds or folds, and the leak of random splits.
pub(crate) fn settings_text(rows: &[SettingRow]) -> String {
    if rows.is_empty() {
        return "No model is finished here yet; 'faceprobe results' shows what is at work.\n".into();
    }
    use Align::{Left, Right};
    let head = [
        ("kind", Left),
        ("data", Left),
        ("backbone", Left),
        ("settings", Left),
        ("split", Left),
        ("runs", Right),
        ("train", Left),
        ("validation", Left),
        ("test", Left),
    ];
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            vec![
                format!("{}{}", row.kind.name(), after_opening(row.after_test_openings)),
                set_name(&row.dataset, row.synthetic),
                backbone_name(row.backbone.as_deref(), "-"),
                row.settings.clone(),
                division(row),
                row.runs.len().to_string(),
                spread(row.train_accuracy, "-"),
                spread(row.val_accuracy, "-"),
                spread(row.test_accuracy, "not opened"),
            ]
        })
        .collect();
    let mut text = table(&head, &cells);
    text.push_str(
        "\nMean ± standard deviation (number of seeds or folds) at each run's own threshold, chosen on validation.\n",
    );
    remarks(rows.iter().map(|row| row.backbone.as_deref()))
        .iter()
        .for_each(|line| text.push_str(&format!("{line}.\n")));
    text.push_str(&leaks(rows));
    if rows.iter().any(|row| row.after_test_openings > 0) {
        text.push_str(AFTER_OPENING);
    }
    text
}

/// The same settings with a random split and with subjects kept together.
fn leaks(rows: &[SettingRow]) -> String {
    use Align::{Left, Right};
    let cells = result_text::leaks(rows, "-");
    if cells.is_empty() {
        return String::new();
    }
    let head = [
        ("setting", Left),
        ("data: random / people apart", Left),
        ("val random", Right),
        ("val apart", Right),
        ("leak", Right),
        ("test random", Right),
        ("test apart", Right),
        ("leak", Right),
    ];
    format!(
        "\n{}\nThe leak is what recognising people from training adds to the accuracy of a split by image.\n",
        table(&head, &cells)
    )
}

/// `*` chosen, `!` made after a test opening.
fn marks(row: &ResultRow) -> String {
    format!("{}{}", if row.chosen { "*" } else { "" }, after_opening(row.after_test_openings))
}
