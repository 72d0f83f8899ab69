//! Lines that are not drawn through, so that more of them can be told apart than there are colours.

use ratatui::layout::Rect;

/// The dots of a line through `points`, which lie in the unit square, as a graph of braille has them: of every `period` dots
/// along the line the first `drawn`.
pub fn dots(points: &[(f64, f64)], graph: Rect, drawn: usize, period: usize) -> Vec<(f64, f64)> {
    let (across, down) = (f64::from(graph.width) * 2.0, f64::from(graph.height) * 4.0);
    let mut found = Vec::new();
    // Dots are counted along the whole line: how far it has come, and which is the next.
    let (mut begun, mut at) = (0.0, 0);
    for pair in points.windows(2) {
        let ((x, y), (to_x, to_y)) = (pair[0], pair[1]);
        // What is no number is no place.
        if ![x, y, to_x, to_y].into_iter().all(f64::is_finite) {
            continue;
        }
        let length = ((to_x - x).abs() * across).max((to_y - y).abs() * down);
        let end = begun + length;
        // Lengths are not exact; a dot that would be the first of the next piece is left to it.
        while at as f64 + 1e-6 < end {
            if at % period.max(1) < drawn {
                let share = ((at as f64 - begun) / length).clamp(0.0, 1.0);
                found.push((x + share * (to_x - x), y + share * (to_y - y)));
            }
            at += 1;
        }
        begun = end;
    }
    // A single point is seen too.
    if found.is_empty() {
        found.extend(points.first());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::dots;
    use ratatui::layout::Rect;

    #[test]
    fn a_broken_line_has_gaps_of_one_length_however_many_points_it_goes_through() {
        let graph = Rect::new(0, 0, 50, 10);
        let line =
            |count: usize| -> Vec<(f64, f64)> { (0..=count).map(|at| (at as f64 / count as f64, 0.5)).collect() };
        // A hundred dots across, of every nine five.
        for count in [1, 3, 10, 100, 1000] {
            assert_eq!(dots(&line(count), graph, 5, 9).len(), 56, "{count}");
        }
        assert_eq!(dots(&[(0.5, 0.1), (0.5, 0.6)], graph, 1, 4).len(), 5, "upright");
        assert_eq!(dots(&[(0.5, 0.5)], graph, 1, 4), [(0.5, 0.5)]);
        assert_eq!(dots(&[(0.0, f64::NAN), (1.0, 0.5)], graph, 1, 4).len(), 1);
        assert_eq!(dots(&[], graph, 1, 4), []);
    }
}
