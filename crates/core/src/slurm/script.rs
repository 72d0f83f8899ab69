//! The batch script of a step.

use super::plan::Plan;
use super::settings::SlurmSettings;
use crate::error::{Error, Result};
use crate::path_text::text_of;
use std::path::Path;

/// The script of a step, for `program`, with the user's own options for sbatch last.
///
/// # Errors
/// Options with a line break.
pub fn script(plan: &Plan, step: usize, settings: &SlurmSettings, own: Option<&str>, program: &Path) -> Result<String> {
    let threads = plan.specs.values().map(|spec| spec.threads).max().unwrap_or(1);
    let mut options = vec![
        format!("--job-name={}", plan.job_of(step)),
        format!("--output={}", word(&plan.log(step))),
        "--open-mode=append".to_owned(),
        "--requeue".to_owned(),
        format!("--signal=B:USR1@{}", settings.notice),
        "--nodes=1".to_owned(),
        "--ntasks=1".to_owned(),
        format!("--cpus-per-task={threads}"),
    ];
    let given = [
        ("partition", &settings.partition),
        ("account", &settings.account),
        ("qos", &settings.qos),
        ("time", &settings.time),
        ("mem", &settings.memory),
        ("gres", &settings.gres),
    ];
    options.extend(given.iter().filter_map(|(name, value)| Some(format!("--{name}={}", value.as_ref()?))));
    options.extend(settings.options.clone());
    options.extend(own.map(str::to_owned));
    if let Some(odd) = options.iter().find(|option| option.chars().any(char::is_control)) {
        return Err(Error::usage(format!("Options for sbatch are one line, and '{}' is not.", odd.escape_default())));
    }
    let options: String = options.iter().map(|option| format!("#SBATCH {option}\n")).collect();
    let setup = settings.setup.as_ref().map(|line| format!("{line}\n")).unwrap_or_default();
    let first = plan.first(step);
    let copies = if settings.copy_images { " --copy-images" } else { "" };
    // exec: the signal that comes before the time limit goes to this very process.
    Ok(format!(
        "#!/bin/bash\n{options}{setup}exec {} --workspace {} work {} --task $(({first} + SLURM_ARRAY_TASK_ID)){copies}\n",
        quoted(program),
        quoted(&plan.workspace),
        quoted(&plan.path()),
    ))
}

/// A path quoted for the shell.
fn quoted(path: &Path) -> String {
    format!("'{}'", text_of(path).replace('\'', r"'\''"))
}

/// A path as sbatch parses it in a script, where spaces would end it.
fn word(path: &Path) -> String {
    format!("\"{}\"", text_of(path))
}
