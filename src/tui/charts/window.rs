//! The visible range of epochs: zoomed, panned, dragged.

/// First and last epoch; none means all that are planned.
pub type Range = Option<(usize, usize)>;

/// No window is narrower.
const NARROWEST: usize = 2;

/// `range` within 1..=`planned`.
fn all_or(range: Range, planned: usize) -> (usize, usize) {
    range.unwrap_or((1, planned.max(NARROWEST)))
}

/// The window of `width` epochs from `first` on, moved into the planned range; none when it covers all of it.
pub fn from(first: usize, width: usize, planned: usize) -> Range {
    let planned = planned.max(NARROWEST);
    let width = width.max(NARROWEST);
    let first = first.min(planned.saturating_sub(width)).max(1);
    Some((first, (first + width).min(planned))).filter(|range| *range != (1, planned))
}

/// Half as many epochs; `around` keeps its position.
pub fn closer(range: Range, around: usize, planned: usize) -> Range {
    let (first, last) = all_or(range, planned);
    let width = last.saturating_sub(first);
    if width <= NARROWEST {
        return range;
    }
    let around = around.clamp(first, last);
    let half = (width / 2).max(NARROWEST);
    from(around.saturating_sub((around - first) * half / width.max(1)), half, planned)
}

/// Twice as many epochs; `around` keeps its position.
pub fn wider(range: Range, around: usize, planned: usize) -> Range {
    let (first, last) = all_or(range, planned);
    let width = last.saturating_sub(first).max(1);
    if width * 2 + 2 >= planned {
        return None;
    }
    let around = around.clamp(first, last);
    from(around.saturating_sub((around - first) * 2), width * 2, planned)
}

/// A quarter of the window to earlier or later epochs.
pub fn moved(range: Range, later: bool, planned: usize) -> Range {
    let (first, last) = range?;
    let width = last.saturating_sub(first).max(1);
    let step = (width / 4).max(1);
    from(if later { first + step } else { first.saturating_sub(step) }, width, planned)
}

/// The window between two epochs in any order; none where they are too close to be meant.
pub fn between(one: usize, other: usize, planned: usize) -> Range {
    let (first, last) = (one.min(other).max(1), one.max(other));
    (last.saturating_sub(first) >= NARROWEST).then(|| from(first, last - first, planned)).flatten()
}

/// The window moved so that an epoch is visible.
pub fn showing(range: Range, epoch: usize, planned: usize) -> Range {
    let (first, last) = range?;
    let width = last.saturating_sub(first);
    match epoch {
        _ if epoch < first => from(epoch, width, planned),
        _ if epoch > last => from(epoch.saturating_sub(width), width, planned),
        _ => range,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_pressed_the_window_lies_within_what_is_planned() {
        for planned in [1, 2, 3, 10, 60, 1000] {
            let mut range = None;
            for step in 0..4000usize {
                let around = (step * 37) % (planned + 20);
                range = match (step * 7919 / 13) % 7 {
                    0 | 1 => closer(range, around, planned),
                    2 => wider(range, around, planned),
                    3 => moved(range, true, planned),
                    4 => moved(range, false, planned),
                    5 => between(around, (step * 11) % planned.max(1), planned),
                    _ => showing(range, around, planned),
                };
                if let Some((first, last)) = range {
                    assert!(1 <= first && first < last && last <= planned.max(2), "{planned}: {first}..{last}");
                }
            }
        }
    }

    #[test]
    fn zooming_keeps_the_cursor_in_sight_and_comes_back_to_all() {
        let mut range = None;
        for _ in 0..10 {
            range = closer(range, 42, 100);
            let (first, last) = range.unwrap();
            assert!(first <= 42 && 42 <= last, "{first}..{last}");
        }
        assert_eq!(range.map(|(first, last)| last - first), Some(2));
        for _ in 0..10 {
            range = wider(range, 42, 100);
        }
        assert_eq!(range, None);
        assert_eq!(between(40, 20, 100), Some((20, 40)));
        assert_eq!(between(40, 41, 100), None, "a click is no drag");
        assert_eq!(showing(Some((20, 40)), 50, 100), Some((30, 50)));
        assert_eq!(showing(Some((20, 40)), 3, 100), Some((3, 23)));
    }
}
