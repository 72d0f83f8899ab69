//! The study that the program ships.

use super::file::Study;
use super::parse::parse;
use crate::dataset::synthetic::SampleSettings;
use crate::error::{Error, Result};

/// `studies/demo.toml`.
const DEMO: &str = include_str!("../../../../studies/demo.toml");

/// The demo's study on a sample with so many pictures, with its seed everywhere. Splits keep their proportions and are
/// as large as the sample guarantees.
///
/// # Errors
/// A shipped file that is invalid.
pub fn demo(sample: &SampleSettings) -> Result<Study> {
    let mut study =
        parse(DEMO).map_err(|mistakes| Error::failed(format!("The demo's study is damaged: {mistakes}")))?;
    let fifth = sample.images / 10 * 2;
    for data in &mut study.data {
        (data.train, data.val, data.test) = (Some(fifth * 3), Some(fifth), Some(fifth));
        data.seed = sample.seed;
    }
    for training in &mut study.models {
        training.seeds = vec![sample.seed];
        training.model = training.model.clone().with_seed(sample.seed);
    }
    study.sample = Some(sample.clone());
    Ok(study)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_demo_is_the_file_itself() {
        assert_eq!(demo(&SampleSettings::default()).unwrap(), parse(DEMO).unwrap());
    }
}
