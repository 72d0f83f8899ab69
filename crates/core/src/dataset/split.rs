//! Balanced random splits: a pure function, reproducible on every machine.

use super::sample::Split;
use crate::error::{Error, Result};
use sha2::{Digest, Sha256};

/// Samples per class of train, validation and test: every split is balanced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// In the order of [`Split::ALL`].
    per_class: [usize; 3],
}

impl Sizes {
    /// The requested sizes, totals over both classes; none if no size is given.
    ///
    /// # Errors
    /// If only some are given, one is odd, or all are zero.
    pub fn asked(train: Option<usize>, val: Option<usize>, test: Option<usize>) -> Result<Option<Self>> {
        let (train, val, test) = match (train, val, test) {
            (None, None, None) => return Ok(None),
            (Some(train), Some(val), Some(test)) => (train, val, test),
            _ => return Err(Error::usage("Give all three of --train, --val and --test, or none of them.")),
        };
        for (split, size) in Split::ALL.into_iter().zip([train, val, test]) {
            if size % 2 == 1 {
                return Err(Error::usage(format!(
                    "--{0} {size} cannot be balanced over two classes; make it --{0} {1}.",
                    split.name(),
                    size.saturating_add(1)
                )));
            }
        }
        if [train, val, test] == [0; 3] {
            return Err(Error::usage("--train, --val and --test are all zero; ask for at least one image per class."));
        }
        Ok(Some(Self { per_class: [train / 2, val / 2, test / 2] }))
    }

    /// 60/20/20 of the rarer class's count; none if a split would be empty.
    pub fn everything(usable: [usize; 2]) -> Option<Self> {
        let per_class = usable[0].min(usable[1]);
        let part = per_class / 5;
        (part > 0).then_some(Self { per_class: [per_class - 2 * part, part, part] })
    }

    /// Samples of one class in one split.
    pub fn per_class(&self, split: Split) -> usize {
        Split::ALL.iter().position(|known| *known == split).map_or(0, |index| self.per_class[index])
    }

    /// Samples of one class over all splits.
    pub fn needed(&self) -> usize {
        self.per_class.iter().fold(0, |sum, size| sum.saturating_add(*size))
    }

    /// The largest sizes in the same proportion for `usable` samples per class: exact, if no split becomes empty, else
    /// rounded down. None if not even rounded sizes fit.
    pub fn largest_that_fits(&self, usable: [usize; 2]) -> Option<Self> {
        let per_class = usable[0].min(usable[1]);
        let unit = self.per_class.iter().fold(0, |a, b| greatest_common_divisor(a, *b));
        let times = per_class / (self.needed() / unit.max(1)).max(1);
        let scaled = |size: usize| match times {
            0 => (size as u128 * per_class as u128 / self.needed().max(1) as u128) as usize,
            times => size / unit * times,
        };
        let fitting = Self { per_class: self.per_class.map(scaled) };
        let none_lost = self.per_class.iter().zip(fitting.per_class).all(|(asked, fits)| (*asked == 0) == (fits == 0));
        none_lost.then_some(fitting)
    }

    /// As options of the command line.
    pub fn as_options(&self) -> String {
        let [train, val, test] = self.per_class.map(|size| size.saturating_mul(2));
        format!("--train {train} --val {val} --test {test}")
    }
}

fn greatest_common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

/// The rank of a sample in drawing order: SHA-256 of seed, source and path. It does not depend on the other samples.
pub fn drawing_order(seed: u64, source: &str, path: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(seed.to_le_bytes());
    hash.update(source.as_bytes());
    hash.update([0]);
    hash.update(path.as_bytes());
    hash.finalize().into()
}

/// Draws the splits: `candidates` are (drawing order, class); the result has a split for each sample that was drawn.
///
/// Test is drawn first and train last, so that a larger training split keeps the test and validation images it had.
pub fn draw(candidates: &[([u8; 32], usize)], sizes: &Sizes) -> Vec<Option<Split>> {
    let mut drawn = vec![None; candidates.len()];
    let [train, val, test] = sizes.per_class;
    let splits = [(Split::Test, test), (Split::Val, val), (Split::Train, train)];
    for class in 0..2 {
        let mut order: Vec<usize> = (0..candidates.len()).filter(|index| candidates[*index].1 == class).collect();
        order.sort_unstable_by_key(|index| candidates[*index].0);
        let places = splits.iter().flat_map(|(split, size)| std::iter::repeat_n(*split, *size));
        for (index, split) in order.into_iter().zip(places) {
            drawn[index] = Some(split);
        }
    }
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(train: usize, val: usize, test: usize) -> Sizes {
        Sizes::asked(Some(train), Some(val), Some(test)).ok().flatten().unwrap_or(Sizes { per_class: [0; 3] })
    }

    #[test]
    fn sizes_that_fit_keep_the_proportion() {
        let fits = |asked: Sizes, usable| asked.largest_that_fits(usable).map(|fits| fits.as_options());
        assert_eq!(fits(sizes(6000, 2000, 2000), [117, 200]).as_deref(), Some("--train 138 --val 46 --test 46"));
        assert_eq!(fits(sizes(6002, 2000, 2000), [117, 117]).as_deref(), Some("--train 140 --val 46 --test 46"));
        assert_eq!(fits(sizes(100, 0, 0), [7, 30]).as_deref(), Some("--train 14 --val 0 --test 0"));
        assert_eq!(fits(sizes(6000, 2000, 2000), [4, 4]), None);
        assert_eq!(fits(sizes(usize::MAX - 1, usize::MAX - 1, usize::MAX - 1), [0, 0]), None);
    }

    #[test]
    fn a_larger_training_split_keeps_the_test_split() {
        let candidates: Vec<_> = (0..40).map(|i| (drawing_order(7, "folder", &i.to_string()), i % 2)).collect();
        let test = |drawn: Vec<Option<Split>>| -> Vec<usize> {
            (0..40).filter(|index| drawn[*index] == Some(Split::Test)).collect()
        };
        let small = test(draw(&candidates, &sizes(10, 4, 4)));
        assert_eq!(small.len(), 4);
        assert_eq!(small, test(draw(&candidates, &sizes(32, 4, 4))));
    }
}
