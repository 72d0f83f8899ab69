//! A study as a file: what it is made of, written once and run again anywhere.
//!
//! [`parse()`] reads a file into a [`Study`] and refuses what is wrong with it, each mistake with its line; [`write()`] makes the
//! file of a study. The keys are those of the settings' statements. [`plan()`] works out from a study and from what a
//! workspace holds ([`Holdings`]) which steps are done and which are to do: by content, never by the names of runs.
//! [`export()`] makes the study of what a workspace holds, and [`demo()`] is the study that
//! the program ships.

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
pub use begin::{Begun, Hands, begin};
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
