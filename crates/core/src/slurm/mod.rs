//! Work on a cluster with Slurm.
//!
//! A command's work is written down as a plan ([`Plan`]): `plans/<name>/plan.json`, with steps that consist of tasks,
//! and tasks that consist of pieces of runs. `faceprobe work PLAN --task I` runs a task on any machine, with the same
//! worker and the same spec as without Slurm. Each step is one array job; a step starts when the previous one has
//! succeeded.
//!
//! ```text
//! plans/extract-1/
//!   plan.json          never changed once it is there
//!   step-0.sh          what sbatch is given
//!   done/3             task 3 is done
//!   beats/3.json       rewritten every few seconds while task 3 is worked on
//!   log/0-3.log        what task 3 of step 0 printed
//! runs/extract-1/
//!   place.json         names the plan
//!   shares/3/          journal of the share that task 3 does
//! ```
//!
//! Whether a task is alive is determined by Slurm's queue and, if that does not reply, by its heartbeat. Neither locks
//! nor clocks of other machines are used.

pub mod beat;
pub mod images;
mod limit;
mod make;
pub mod place;
pub mod plan;
pub mod queue;
mod script;
pub mod settings;
pub mod share;
pub mod submit;

pub use images::ImageCopies;
pub use make::{WorkRequest, draft, make};
pub use place::{Placement, TaskCounts};
pub use plan::{Piece, Plan, Step, Task};
pub use settings::SlurmSettings;
pub use share::Share;
