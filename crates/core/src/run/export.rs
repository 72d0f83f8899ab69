//! Export of the results table: CSV with all figures in full precision, Markdown and LaTeX for papers.

use super::result_text::{backbone_name, remarks, set_name, share, with_interval};
use super::results::{ResultRow, SettingRow, Spread};
use crate::backbone;
use crate::error::{Error, Result};
use crate::evaluation::Interval;
use crate::text::printable;
use std::path::Path;
use std::str::FromStr;

/// The placeholder of a missing figure.
const NONE: &str = "–";

/// The format of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Csv,
    Markdown,
    Latex,
}

impl Format {
    /// The format for a file extension: `.csv`, `.md` or `.markdown`, `.tex`.
    pub fn of_path(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "csv" => Some(Self::Csv),
            "md" | "markdown" => Some(Self::Markdown),
            "tex" => Some(Self::Latex),
            _ => None,
        }
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "csv" => Ok(Self::Csv),
            "markdown" | "md" => Ok(Self::Markdown),
            "latex" | "tex" => Ok(Self::Latex),
            _ => Err(format!("'{text}' is not a format; there are csv, markdown and latex")),
        }
    }
}

/// One row per run.
pub fn runs(rows: &[&ResultRow], format: Format) -> Result<String> {
    if format == Format::Csv {
        return csv_of(&RUN_FIELDS, rows.iter().map(|row| run_fields(row)));
    }
    let head = ["run", "backbone", "settings", "data", "seed", "train", "validation", "test"];
    let cells = rows.iter().map(|row| {
        vec![
            row.run.clone(),
            backbone_name(row.backbone.as_deref(), NONE),
            row.settings.clone(),
            set_name(&row.dataset, row.synthetic),
            row.seed.to_string(),
            share(row.train_accuracy, NONE),
            with_interval(row.val_accuracy, row.val_interval, NONE),
            marked(with_interval(row.test_accuracy, row.test_interval, NONE), row.after_test_openings),
        ]
    });
    let notes = [
        notes(rows.iter().map(|row| row.after_test_openings)),
        remarks(rows.iter().map(|row| row.backbone.as_deref())),
    ];
    Ok(table(&head, 4, cells.collect(), &notes.concat(), format))
}

/// One row per setting, with mean and standard deviation over its seeds.
pub fn settings(rows: &[SettingRow], format: Format) -> Result<String> {
    if format == Format::Csv {
        return csv_of(&SETTING_FIELDS, rows.iter().map(setting_fields));
    }
    let head = ["kind", "backbone", "settings", "data", "seeds", "train", "validation", "test"];
    let spread = |spread: Option<Spread>| match spread {
        Some(Spread { mean, deviation: Some(deviation), .. }) => format!("{mean:.3} ± {deviation:.3}"),
        Some(Spread { mean, .. }) => format!("{mean:.3}"),
        None => NONE.into(),
    };
    let cells = rows.iter().map(|row| {
        vec![
            row.kind.name().to_owned(),
            backbone_name(row.backbone.as_deref(), NONE),
            row.settings.clone(),
            set_name(&row.dataset, row.synthetic),
            row.seeds.len().to_string(),
            spread(row.train_accuracy),
            spread(row.val_accuracy),
            marked(spread(row.test_accuracy), row.after_test_openings),
        ]
    });
    let notes = [
        notes(rows.iter().map(|row| row.after_test_openings)),
        remarks(rows.iter().map(|row| row.backbone.as_deref())),
    ];
    Ok(table(&head, 4, cells.collect(), &notes.concat(), format))
}

/// Test figures of models made after an opening are marked in every format.
fn marked(figure: String, after_test_openings: usize) -> String {
    if after_test_openings > 0 && figure != NONE { format!("{figure} !") } else { figure }
}

fn notes(mut after_test_openings: impl Iterator<Item = usize>) -> Vec<&'static str> {
    let mut notes = vec!["Accuracies at thresholds chosen on validation; intervals are 95 % Wilson intervals."];
    if after_test_openings.any(|openings| openings > 0) {
        notes.push("! made after the test split had been opened, or may have been: the test accuracy may be too good.");
    }
    notes
}

const RUN_FIELDS: [&str; 28] = [
    "run",
    "kind",
    "backbone",
    "pool",
    "tap",
    "params",
    "seed",
    "epochs",
    "best_epoch",
    "train_accuracy",
    "val_accuracy",
    "val_low",
    "val_high",
    "test_accuracy",
    "test_low",
    "test_high",
    "threshold",
    "val_roc_auc",
    "seconds",
    "status",
    "dataset",
    "manifest_sha256",
    "synthetic",
    "settings",
    "created",
    "after_test_openings",
    "chosen",
    "trained_on",
];

fn run_fields(row: &ResultRow) -> Vec<String> {
    let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    let low = |interval: Option<Interval>| number(interval.map(|interval| interval.low));
    let high = |interval: Option<Interval>| number(interval.map(|interval| interval.high));
    vec![
        row.run.clone(),
        row.kind.name().to_owned(),
        row.backbone.clone().unwrap_or_default(),
        row.pool.clone().unwrap_or_default(),
        row.tap.clone().unwrap_or_default(),
        row.params.to_string(),
        row.seed.to_string(),
        row.epochs.to_string(),
        row.best_epoch.map_or_else(String::new, |epoch| epoch.to_string()),
        number(row.train_accuracy),
        number(row.val_accuracy),
        low(row.val_interval),
        high(row.val_interval),
        number(row.test_accuracy),
        low(row.test_interval),
        high(row.test_interval),
        row.threshold.to_string(),
        number(row.validation.as_ref().and_then(|figures| figures.of_scores.roc_auc)),
        row.seconds.to_string(),
        row.status.name().to_owned(),
        row.dataset.clone(),
        row.manifest_sha256.clone(),
        row.synthetic.to_string(),
        row.settings.clone(),
        row.created.clone(),
        row.after_test_openings.to_string(),
        row.chosen.to_string(),
        trained_on(row.backbone.as_deref()),
    ]
}

const SETTING_FIELDS: [&str; 18] = [
    "kind",
    "dataset",
    "backbone",
    "tap",
    "pool",
    "settings",
    "runs",
    "seeds",
    "train_mean",
    "train_deviation",
    "val_mean",
    "val_deviation",
    "test_mean",
    "test_deviation",
    "test_count",
    "after_test_openings",
    "synthetic",
    "trained_on",
];

fn setting_fields(row: &SettingRow) -> Vec<String> {
    let mean = |spread: Option<Spread>| spread.map_or_else(String::new, |spread| spread.mean.to_string());
    let deviation = |spread: Option<Spread>| {
        spread.and_then(|spread| spread.deviation).map_or_else(String::new, |deviation| deviation.to_string())
    };
    let seeds: Vec<String> = row.seeds.iter().map(u64::to_string).collect();
    vec![
        row.kind.name().to_owned(),
        row.dataset.clone(),
        row.backbone.clone().unwrap_or_default(),
        row.tap.clone().unwrap_or_default(),
        row.pool.clone().unwrap_or_default(),
        row.settings.clone(),
        row.runs.join(" "),
        seeds.join(" "),
        mean(row.train_accuracy),
        deviation(row.train_accuracy),
        mean(row.val_accuracy),
        deviation(row.val_accuracy),
        mean(row.test_accuracy),
        deviation(row.test_accuracy),
        row.test_accuracy.map_or(0, |spread| spread.count).to_string(),
        row.after_test_openings.to_string(),
        row.synthetic.to_string(),
        trained_on(row.backbone.as_deref()),
    ]
}

/// The pretraining data of a network.
fn trained_on(backbone: Option<&str>) -> String {
    backbone.and_then(backbone::trained_on).map_or_else(String::new, |on| on.name().to_owned())
}

fn csv_of(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Result<String> {
    let failed =
        |error: &dyn std::fmt::Display| Error::failed(format!("The table cannot be written as CSV ({error})."));
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record(head).map_err(|error| failed(&error))?;
    for row in rows {
        out.write_record(row.iter().map(|cell| printable(cell).into_owned())).map_err(|error| failed(&error))?;
    }
    let bytes = out.into_inner().map_err(|error| failed(&error))?;
    String::from_utf8(bytes).map_err(|error| failed(&error))
}

/// A table whose first `left` columns are left-aligned, the others right-aligned.
fn table(head: &[&str], left: usize, mut rows: Vec<Vec<String>>, notes: &[&str], format: Format) -> String {
    rows.iter_mut().flatten().for_each(|cell| *cell = printable(cell).into_owned());
    match format {
        Format::Latex => latex(head, left, &rows, notes),
        Format::Csv | Format::Markdown => markdown(head, left, &rows, notes),
    }
}

fn markdown(head: &[&str], left: usize, rows: &[Vec<String>], notes: &[&str]) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut text = line(head.iter().map(|cell| (*cell).to_owned()).collect());
    text += &line((0..head.len()).map(|at| if at < left { "---".to_owned() } else { "---:".to_owned() }).collect());
    for row in rows {
        text += &line(row.iter().map(|cell| markdown_escaped(cell)).collect());
    }
    text.push('\n');
    for note in notes {
        text += &format!("{}  \n", markdown_escaped(note));
    }
    text
}

/// Escapes text for Markdown, also in table cells.
fn markdown_escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '|' | '*' | '_' | '`' | '[' | ']' | '<' | '>' | '#' | '~' | '!' | '$' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

fn latex(head: &[&str], left: usize, rows: &[Vec<String>], notes: &[&str]) -> String {
    let columns = format!("{}{}", "l".repeat(left), "r".repeat(head.len().saturating_sub(left)));
    let line = |cells: Vec<String>| format!("{} \\\\\n", cells.join(" & "));
    let mut text = format!("\\begin{{tabular}}{{{columns}}}\n\\hline\n");
    text += &line(head.iter().map(|cell| latex_escaped(cell)).collect());
    text += "\\hline\n";
    for row in rows {
        text += &line(row.iter().map(|cell| latex_escaped(cell)).collect());
    }
    text += "\\hline\n\\end{tabular}\n";
    for note in notes {
        text += &format!("% {note}\n");
    }
    text
}

/// Escapes text for LaTeX, without packages.
fn latex_escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => {
                out.push('\\');
                out.push(c);
            }
            '~' => out.push_str("\\textasciitilde{}"),
            '^' => out.push_str("\\textasciicircum{}"),
            '\\' => out.push_str("\\textbackslash{}"),
            '<' => out.push_str("\\textless{}"),
            '>' => out.push_str("\\textgreater{}"),
            '|' => out.push_str("\\textbar{}"),
            // A row that begins with a bracket would be parsed as the optional argument of the previous line break.
            '[' => out.push_str("{[}"),
            ']' => out.push_str("{]}"),
            '±' => out.push_str("$\\pm$"),
            '–' => out.push_str("--"),
            c => out.push(c),
        }
    }
    out
}
