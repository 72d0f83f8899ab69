//! What a value on the command line may be.

pub(super) fn thread_count(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count @ 1..=1024) => Ok(count),
        _ => Err("a number from 1 to 1024".into()),
    }
}

pub(super) fn number(text: &str, good: impl Fn(f64) -> bool, wanted: &str) -> Result<f64, String> {
    text.parse().ok().filter(|value: &f64| value.is_finite() && good(*value)).ok_or_else(|| wanted.to_owned())
}

pub(super) fn probability(text: &str) -> Result<f64, String> {
    number(text, |value| (0.0..=1.0).contains(&value), "a number from 0 to 1")
}
