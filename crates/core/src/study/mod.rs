//! A study as a file: what it is made of, written once and run again anywhere.
//!
//! [`parse()`] reads a file into a [`Study`] and refuses what is wrong with it, each mistake with its line; [`write()`] makes the
//! file of a study. The keys are those of the settings' statements.

mod check;
mod file;
mod mistakes;
mod parse;
mod reader;
mod write;

pub use file::{Ensemble, Evaluation, Extraction, Opened, Reference, Refit, ReportWanted, Study, Sweep, Training};
pub use mistakes::{Mistake, Mistakes};
pub use parse::{parse, read};
pub use write::write;
