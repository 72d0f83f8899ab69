//! Detects splits that lack images of a class.

/// `The val split has no image`, or `… no female image`; none if it has images of both classes.
pub fn lacking(split: &str, per_class: [usize; 2], classes: &[String; 2]) -> Option<String> {
    let what = match per_class {
        [0, 0] => "image".to_owned(),
        [0, _] => format!("{} image", classes[0]),
        [_, 0] => format!("{} image", classes[1]),
        _ => return None,
    };
    Some(format!("The {split} split has no {what}"))
}

/// The number of samples of each class.
pub fn per_class(positive: impl IntoIterator<Item = bool>) -> [usize; 2] {
    let mut counts = [0; 2];
    positive.into_iter().for_each(|positive| counts[usize::from(positive)] += 1);
    counts
}
