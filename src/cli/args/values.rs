//! What a value on the command line may be.

use super::Threshold;
use faceprobe_core::model::RateCourse;
use faceprobe_core::run::Halving;

pub(super) fn thread_count(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count @ 1..=1024) => Ok(count),
        _ => Err("a number from 1 to 1024".into()),
    }
}

pub(super) fn number(text: &str, good: impl Fn(f64) -> bool, wanted: &str) -> Result<f64, String> {
    text.parse().ok().filter(|value: &f64| value.is_finite() && good(*value)).ok_or_else(|| wanted.to_owned())
}

pub(super) fn share(text: &str) -> Result<f64, String> {
    number(text, |value| (0.0..1.0).contains(&value), "a number from 0 to less than 1")
}

pub(super) fn positive(text: &str) -> Result<f64, String> {
    number(text, |value| value > 0.0, "a number above 0")
}

pub(super) fn probability(text: &str) -> Result<f64, String> {
    number(text, |value| (0.0..=1.0).contains(&value), "a number from 0 to 1")
}

pub(super) fn not_negative(text: &str) -> Result<f64, String> {
    number(text, |value| value >= 0.0, "a number not below 0")
}

pub(super) fn count(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count @ 1..=1_000_000) => Ok(count),
        _ => Err("a whole number from 1 to 1000000".into()),
    }
}

pub(super) fn yes_or_no(text: &str) -> Result<bool, String> {
    match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err("yes or no".into()),
    }
}

pub(super) fn halving(text: &str) -> Result<Halving, String> {
    let (first, factor) = text.split_once(':').unwrap_or((text, "2"));
    match (count(first)?, count(factor)?) {
        (first, factor @ 2..) => Ok(Halving { first, factor }),
        _ => Err("the factor is 2 or more".into()),
    }
}

pub(super) fn rate_course(text: &str) -> Result<RateCourse, String> {
    let wanted = "constant, cosine, or step:EPOCHS:FACTOR such as step:20:0.5";
    match text.split(':').collect::<Vec<_>>().as_slice() {
        ["constant"] => Ok(RateCourse::Constant),
        ["cosine"] => Ok(RateCourse::Cosine),
        ["step", every, factor] => Ok(RateCourse::Step {
            every: count(every)?,
            factor: number(factor, |value| value > 0.0 && value <= 1.0, wanted)?,
        }),
        _ => Err(wanted.into()),
    }
}

pub(super) fn threshold(text: &str) -> Result<Threshold, String> {
    if let Ok(value) = text.parse::<f64>() {
        return if (0.0..=1.0).contains(&value) {
            Ok(Threshold::Fixed(value))
        } else {
            Err("a number from 0 to 1".into())
        };
    }
    text.parse().map(Threshold::For)
}
