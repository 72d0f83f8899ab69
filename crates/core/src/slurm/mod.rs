//! Work on a cluster that Slurm manages.
//!
//! What a command asks for is written down once as a plan ([`Plan`]): `plans/<name>/plan.json`, whose steps hold tasks, whose
//! tasks hold pieces of runs. `faceprobe work PLAN --task I` does a task wherever it is called, by the same worker and the
//! same spec as without Slurm. Each step is one array job; a step begins when the one before it has ended well.
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
//! Whether a task lives is what Slurm's queue says, and where that does not answer, whether its heartbeat is seen to
//! change. No lock and no clock of another machine is asked.

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
pub use make::{Wanted, draft, make};
pub use place::{Placement, Standing};
pub use plan::{Piece, Plan, Step, Task};
pub use settings::SlurmSettings;
pub use share::Share;
