//! Reports of a study: one self-contained HTML file, and the same in Markdown.
//!
//! [`gather`] reads the workspace, [`content`], [`of_model`] and [`card`] build a [`document`], and [`html`] and
//! [`markdown`] write it. Validation figures are always included, test figures only of runs whose test split was
//! opened: a report never opens one.

mod card;
mod content;
mod document;
mod gather;
mod growth;
mod html;
mod machine;
mod markdown;
mod of_model;
mod plots;
mod rerun;

pub use plots::growth_file;

use crate::error::{Error, Result};
use crate::outputs::Outputs;
use crate::workspace::Workspace;
use gather::Study;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// What a report is to have.
#[derive(Debug, Clone, Default)]
pub struct ReportOptions {
    /// The run that the model card describes; else the chosen one, else the best on validation.
    pub model: Option<String>,
    /// Small pictures of the worst mistakes: photographs of people, so only where that is asked for.
    pub thumbnails: bool,
    /// Overwrite files that the program did not make.
    pub force: bool,
}

/// The files of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Written {
    pub html: PathBuf,
    pub markdown: PathBuf,
    /// Size of the HTML file.
    pub bytes: usize,
}

/// Writes the report of a workspace: to `output` if that ends in `.html`, with the Markdown beside it, else to
/// `report.html` and `report.md` in that folder.
///
/// # Errors
/// If there is nothing to report, a file of the workspace is damaged, or the files cannot be written.
pub fn write(workspace: &Workspace, output: &Path, options: &ReportOptions) -> Result<Written> {
    let is_html = output.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("html"));
    let html = if is_html { output.to_owned() } else { output.join("report.html") };
    let markdown = html.with_extension("md");
    let mut outputs = Outputs::new(workspace, options.force);
    [&html, &markdown].into_iter().try_for_each(|path| outputs.check(path))?;
    let study = Study::read(workspace, options.model.as_deref(), options.thumbnails)?;
    if study.sets.is_empty() && study.rows.is_empty() {
        return Err(Error::failed(format!(
            "There is nothing to report in {}; prepare data and train a model, or run 'faceprobe demo'.",
            workspace.root().display()
        )));
    }
    let document = content::document(&study).shown();
    let page = html::render(&document);
    outputs.write(&markdown, markdown::render(&document).as_bytes())?;
    outputs.write(&html, page.as_bytes())?;
    Ok(Written { html, markdown, bytes: page.len() })
}
