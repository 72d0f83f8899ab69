//! The heads of a sweep as jobs of their own.

use super::spec::JobSpec;
use super::sweep::SweepSpec;
use crate::error::Result;

/// What the heads of a sweep do: for each seed all settings, in the order in which the sweep has them.
///
/// # Errors
/// Settings that cannot be trained with.
pub fn jobs(dataset: &str, sweep: &SweepSpec) -> Result<Vec<JobSpec>> {
    let settings = sweep.settings()?;
    let head = |seed: u64| settings.iter().map(move |settings| JobSpec::train(dataset, sweep.model(settings, seed)));
    Ok(sweep.own.seeds.iter().flat_map(|seed| head(*seed)).collect())
}
