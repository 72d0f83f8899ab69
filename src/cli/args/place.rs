//! Options for where work is done: `--on`, `--sbatch`, `--dry-run`; and the arguments of `work`.

use clap::Args;
use std::path::PathBuf;
use std::str::FromStr;

/// The help heading of these options.
const CLUSTER: &str = "Cluster";

#[derive(Debug, Clone, Default, Args)]
pub(crate) struct PlaceArgs {
    /// Where the work is done: here, or by Slurm in an array of at most so many tasks [default: local]
    #[arg(long, value_name = "local|slurm[:TASKS]", help_heading = CLUSTER)]
    pub on: Option<On>,
    /// More options for sbatch, in quotes: --sbatch="--partition=gpu --time=1:00:00"
    #[arg(long, value_name = "OPTIONS", allow_hyphen_values = true, help_heading = CLUSTER)]
    pub sbatch: Option<String>,
    /// Print the plan and the scripts for Slurm, and do nothing
    #[arg(long, help_heading = CLUSTER)]
    pub dry_run: bool,
}

/// Where work is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum On {
    /// Here; with a number, as the tasks of a plan, one after another.
    Local(Option<usize>),
    Slurm(Option<usize>),
}

impl FromStr for On {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (place, tasks) = text.split_once(':').map_or((text, None), |(place, tasks)| (place, Some(tasks)));
        let tasks = match tasks.map(str::parse) {
            None => None,
            Some(Ok(tasks @ 1..=1000)) => Some(tasks),
            Some(_) => {
                return Err("write local or slurm, and after a colon a number of tasks from 1 to 1,000".to_owned());
            }
        };
        match place {
            "local" => Ok(Self::Local(tasks)),
            "slurm" => Ok(Self::Slurm(tasks)),
            _ => Err("write local, slurm or slurm:TASKS".to_owned()),
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct WorkArgs {
    /// The plan: plans/NAME/plan.json
    pub plan: PathBuf,
    /// Do this task only, counted over all steps from 0 [default: all that are not done, in their order]
    #[arg(long, value_name = "I")]
    pub task: Option<usize>,
    /// Copy images that a task reads to $TMPDIR, read them there from then on, and remove them with the task
    #[arg(long)]
    pub copy_images: bool,
}

#[cfg(test)]
mod tests {
    use super::On;

    #[test]
    fn a_place_has_a_name_and_perhaps_tasks() {
        assert_eq!("slurm:16".parse(), Ok(On::Slurm(Some(16))));
        assert_eq!("local".parse(), Ok(On::Local(None)));
        for wrong in ["", "slurm:", "slurm:0", "slurm:1001", "slurm:x", "sge", "slurm:4:4"] {
            assert!(wrong.parse::<On>().is_err(), "{wrong}");
        }
    }
}
