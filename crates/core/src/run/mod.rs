//! Runs: their folders, journals and workers, and how clients follow and control them.
//!
//! Every long job (drawing the sample, preparing, extracting, training, opening a test set, the demo) is a run: a
//! folder `runs/<kind>-<n>/` with
//!
//! - `spec.json`: the job, written before anything starts;
//! - `events.jsonl`: the journal, appended by the worker and followed by any number of clients;
//! - `summary.json`: the state at some point of a long journal, so that lists need not read all of it;
//! - `worker.log`: what libraries print on stdout and stderr;
//! - `control.sock`: takes `pause`, `resume`, `stop` while the worker lives;
//! - `worker.claim`: there while the worker lives, so that a client can tell a working run from a dead one;
//! - `label.json`: the user's title, note and pin;
//! - for models also `model.safetensors` (the best epoch), `model-last.safetensors` (the last, where it is another),
//!   `result.json`, `scores-val.csv` and, once opened, `scores-test.csv`;
//! - while a model is trained, `checkpoint.safetensors`, from which `runs resume` continues after a kill.
//!
//! A sweep is a run whose heads are runs too, with the sweep as their parent; likewise a cross-validation and its
//! folds.
//!
//! The worker has a session of its own, so it keeps running when its terminal is closed.

pub mod adaptation;
pub mod choice;
pub mod choosing;
mod columns;
pub mod command_line;
pub mod compare;
pub mod control;
pub mod ensemble;
pub mod export;
pub mod external_evaluation;
pub mod facts;
pub mod filter;
pub mod folder;
pub mod follower;
pub mod heads;
pub mod history;
pub mod journal;
pub mod label;
pub mod launch;
pub mod learning_curve;
pub mod listing;
pub mod openings;
pub mod parts;
pub mod predictor_export;
pub mod probe;
pub mod queue;
pub mod refit;
pub mod result_text;
pub mod results;
pub mod score_file;
pub mod scored;
pub mod settings;
pub mod spec;
pub mod summary;
pub mod sweep;
pub mod trackers;
pub mod trash;
pub mod view;

pub use crate::model::ModelSpec;
pub use facts::Facts;
pub use folder::{RunFolder, RunId, made_again};
pub use follower::Follower;
pub use history::History;
pub use journal::Event;
pub use spec::{JobSpec, Spec};
pub use sweep::{Axis, Halving, SweepSettings, SweepSpec};
pub use view::{RunView, Status};
