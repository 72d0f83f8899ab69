//! `docs/columns.md`: the columns of every table, from the program's own lists. A column without a description, or a
//! description without a column, fails.

use faceprobe::tui::snapshot::Run;
use faceprobe::tui::table::column::Column;
use faceprobe_core::run::export::{self, Format};
use faceprobe_core::run::filter::Row;
use faceprobe_core::run::results::{self, ResultRow};
use std::fmt::Write;

pub fn page() -> String {
    let mut text = "# Columns of the tables\n\n\
        Made by the program (`UPDATE_DOCUMENTS=1 cargo test --release --test documents`). τ is the threshold chosen on \
        validation. A column without a value for a row, such as a test accuracy before the opening, is empty.\n"
        .to_owned();
    text += "\n## Tables of the workbench\n\n\
        Train, Results and Runs choose from these columns (`|`); each setting in which the listed runs differ has a column \
        too.\n\n| column | heading | |\n|---|---|---|\n";
    for column in Column::ALL {
        let (id, title) = (column.id(), column.title().to_string());
        let _ = writeln!(text, "| `{id}` | {title} | {} |", column.about());
    }
    let sorted: Vec<&str> = results::Column::ALL.iter().map(|column| column.name()).collect();
    let _ = write!(
        text,
        "\n## Sorting and filtering\n\n| where | columns |\n|---|---|\n\
         | `faceprobe results --sort` | {} |\n| `faceprobe results --filter`, `f` on Results | {} |\n\
         | `f` on Train and Runs | {} |\n",
        quoted(&sorted),
        quoted(<ResultRow as Row>::COLUMNS),
        quoted(<Run as Row>::COLUMNS),
    );
    let head = |csv: String| csv.lines().next().unwrap_or_default().split(',').map(str::to_owned).collect::<Vec<_>>();
    let runs = head(export::runs(&[], Format::Csv).expect("a header"));
    let settings = head(export::settings(&[], Format::Csv).expect("a header"));
    let known: Vec<&String> = runs.iter().chain(&settings).collect();
    for (name, _) in FIELDS {
        assert!(
            known.iter().any(|field| *field == name),
            "tests/documents/columns.rs describes {name}, which is no field"
        );
    }
    for (title, fields) in [
        ("`faceprobe results --format csv`: one row per run", runs),
        ("`faceprobe results --by-setting --format csv`: one row per setting", settings),
    ] {
        let _ = write!(text, "\n## {title}\n\n| field | |\n|---|---|\n");
        for field in fields {
            let about = FIELDS.iter().find(|(name, _)| *name == field);
            let (_, about) = about.unwrap_or_else(|| panic!("tests/documents/columns.rs does not describe {field}"));
            let _ = writeln!(text, "| `{field}` | {about} |");
        }
    }
    text
}

fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" ")
}

const FIELDS: [(&str, &str); 37] = [
    ("run", "the run's name"),
    ("kind", "the kind of model"),
    ("backbone", "the pretrained network; empty for the benchmark"),
    ("pool", "pooling of the features"),
    ("tap", "the stages that features are taken from"),
    ("params", "number of trained parameters"),
    ("seed", "the seed"),
    ("epochs", "epochs run; 0 for models without epochs"),
    ("best_epoch", "the epoch of the saved weights, chosen on validation"),
    ("train_accuracy", "training accuracy at τ"),
    ("val_accuracy", "validation accuracy at τ; empty for a refit"),
    ("val_low", "lower end of its 95 % Wilson interval"),
    ("val_high", "upper end of its 95 % Wilson interval"),
    ("test_accuracy", "test accuracy at τ, once opened"),
    ("test_low", "lower end of its 95 % Wilson interval"),
    ("test_high", "upper end of its 95 % Wilson interval"),
    ("threshold", "τ"),
    ("val_roc_auc", "area under the ROC curve on validation"),
    ("seconds", "wall time of the run"),
    ("status", "the status of the run, as in `runs list`"),
    ("dataset", "the prepared set"),
    ("manifest_sha256", "SHA-256 of its manifest"),
    ("synthetic", "whether its images are the program's own drawings"),
    ("settings", "the settings in a few words"),
    ("created", "when the run was created, UTC"),
    ("after_test_openings", "test openings of its data before the run was created"),
    ("chosen", "whether `predict` uses it"),
    ("trained_on", "what the network was pretrained on"),
    ("runs", "number of runs"),
    ("seeds", "their seeds"),
    ("train_mean", "mean training accuracy"),
    ("train_deviation", "its sample standard deviation; empty with one run"),
    ("val_mean", "mean validation accuracy"),
    ("val_deviation", "its sample standard deviation; empty with one run"),
    ("test_mean", "mean test accuracy over the runs whose test split was opened"),
    ("test_deviation", "its sample standard deviation; empty with one run"),
    ("test_count", "number of runs whose test split was opened"),
];
