//! Studies as files, which can be run in any workspace.
//!
//! [`parse()`] reads a file into a [`Study`] and reports errors with their lines; [`write()`] writes the file of a
//! study. The keys are those of the settings. [`plan()`] determines from a study and the content of a workspace
//! ([`Holdings`]) which steps are done and which are left: by content, never by the names of runs. [`export()`] makes
//! the study of a workspace, and [`demo()`] is the study that the program ships.

mod begin;
mod check;
mod export;
mod file;
pub mod files;
mod find;
mod holdings;
mod lock;
mod parse;
mod plan;
mod reader;
mod shipped;
mod steps;
mod write;

pub use crate::toml_text::{Mistake, Mistakes};
pub use begin::{Hands, StartOutcome, begin};
pub use export::{Exported, export};
pub use file::{
    Choosing, Curve, Ensemble, Evaluation, Extraction, Opened, Reference, Refit, ReportWanted, Study, Sweep, Training,
};
pub(crate) use holdings::holds_rows;
pub use holdings::{HeldRun, HeldSet, Holdings, Prepared, prepared};
pub use lock::lock;
pub use parse::parse;
pub use plan::plan;
pub use shipped::demo;
pub use steps::{Action, Plan, State, Step};
pub use write::write;
