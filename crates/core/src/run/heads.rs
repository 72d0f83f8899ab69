//! The heads of a sweep as jobs.

use super::spec::JobSpec;
use super::sweep::SweepSpec;
use crate::error::Result;

/// The jobs of a sweep's heads: for each seed all settings, in the order of the sweep.
///
/// # Errors
/// Settings that cannot be trained with.
pub fn jobs(dataset: &str, sweep: &SweepSpec) -> Result<Vec<JobSpec>> {
    let settings = sweep.settings()?;
    let head = |seed: u64| settings.iter().map(move |settings| JobSpec::train(dataset, sweep.model(settings, seed)));
    Ok(sweep.own.seeds.iter().flat_map(|seed| head(*seed)).collect())
}
