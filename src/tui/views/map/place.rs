//! Positions on the map, and cells of the terminal.

use faceprobe_core::map::{Map, Point};
use ratatui::layout::{Position, Rect};

/// The part of the plane that an area shows: the same unit in both directions, all points visible.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Window {
    pub x: [f64; 2],
    pub y: [f64; 2],
    area: Rect,
}

/// A cell is about twice as high as it is wide.
const TALL: f64 = 2.0;

impl Window {
    /// Of a map in an area.
    pub fn of(map: &Map, area: Rect) -> Self {
        let [(left, right), (low, high)] = map.bounds();
        let (width, height) = (f64::from(area.width.max(1)), f64::from(area.height.max(1)) * TALL);
        // A margin, so that no point lies on the edge.
        let unit = 1.04 * ((right - left) / width).max((high - low) / height);
        let around = |low: f64, high: f64, cells: f64| {
            let middle = (low + high) / 2.0;
            [middle - unit * cells / 2.0, middle + unit * cells / 2.0]
        };
        Self { x: around(left, right, width), y: around(low, high, height), area }
    }

    /// The width and height of a cell in the plane.
    pub fn cell(&self) -> (f64, f64) {
        let of = |[low, high]: [f64; 2], cells: u16| (high - low) / f64::from(cells.max(1));
        (of(self.x, self.area.width), of(self.y, self.area.height))
    }

    /// The position of a cell's centre.
    pub fn at(&self, cell: Position) -> (f64, f64) {
        let (width, height) = self.cell();
        let right = f64::from(cell.x.saturating_sub(self.area.x)) + 0.5;
        let down = f64::from(cell.y.saturating_sub(self.area.y)) + 0.5;
        (self.x[0] + right * width, self.y[1] - down * height)
    }

    /// The cell of a position, if it is visible.
    pub fn cell_of(&self, (x, y): (f64, f64)) -> Option<Position> {
        let (width, height) = self.cell();
        let (right, down) = ((x - self.x[0]) / width, (self.y[1] - y) / height);
        let within =
            (0.0..f64::from(self.area.width)).contains(&right) && (0.0..f64::from(self.area.height)).contains(&down);
        within.then(|| Position::new(self.area.x + right as u16, self.area.y + down as u16))
    }

    /// A position moved by cells, within the visible part.
    pub fn moved(&self, (x, y): (f64, f64), right: i32, up: i32) -> (f64, f64) {
        let (width, height) = self.cell();
        let within = |value: f64, [low, high]: [f64; 2], cell: f64| value.clamp(low + cell / 2.0, high - cell / 2.0);
        (within(x + f64::from(right) * width, self.x, width), within(y + f64::from(up) * height, self.y, height))
    }
}

/// The point nearest to a position.
pub fn nearest(points: &[Point], (x, y): (f64, f64)) -> Option<usize> {
    let distance = |point: &Point| (point.x - x).powi(2) + (point.y - y).powi(2);
    (0..points.len()).min_by(|a, b| distance(&points[*a]).total_cmp(&distance(&points[*b])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use faceprobe_core::dataset::Split;
    use faceprobe_core::features::FeatureSpec;
    use faceprobe_core::map::{MapSettings, Rectangle, selected};

    fn map(places: &[(f64, f64)]) -> Map {
        let point = |&(x, y): &(f64, f64)| Point {
            source: "s".into(),
            path: "p".into(),
            class: 0,
            split: Split::Train,
            age: None,
            x,
            y,
        };
        Map {
            dataset: "d".into(),
            manifest_sha256: String::new(),
            synthetic: false,
            classes: ["a".into(), "b".into()],
            features: FeatureSpec::default(),
            settings: MapSettings::default(),
            width: 2,
            components: 2,
            explained: 1.0,
            points: places.iter().map(point).collect(),
        }
    }

    #[test]
    fn every_point_is_in_sight_and_a_cell_holds_its_own_middle() {
        for (width, height) in [(80, 20), (3, 40), (1, 1), (200, 5)] {
            let map = map(&[(-3.0, 7.0), (5.0, -2.0), (0.0, 0.0), (4.9, 6.9)]);
            let area = Rect { x: 7, y: 3, width, height };
            let window = Window::of(&map, area);
            for point in &map.points {
                assert!(area.contains(window.cell_of((point.x, point.y)).unwrap()));
            }
            for cell in area.positions() {
                assert_eq!(window.cell_of(window.at(cell)), Some(cell));
            }
            // However far the cursor is moved, it stays visible.
            for (right, up) in [(10_000, 0), (-10_000, 10_000), (0, -10_000), (1, 1)] {
                assert!(window.cell_of(window.moved((0.0, 0.0), right, up)).is_some());
            }
        }
        // All on one spot, or nothing at all.
        for places in [&[(2.0, 2.0), (2.0, 2.0)][..], &[]] {
            let window = Window::of(&map(places), Rect { x: 0, y: 0, width: 10, height: 5 });
            assert!(window.x[0] < window.x[1] && window.y[0] < window.y[1]);
        }
    }

    #[test]
    fn a_rectangle_holds_what_lies_between_its_corners_whichever_come_first() {
        let map = map(&[(0.0, 0.0), (1.0, 1.0), (2.0, 0.5), (1.0, 3.0)]);
        for (one, other) in [((0.5, 0.0), (2.5, 1.5)), ((2.5, 1.5), (0.5, 0.0)), ((0.5, 1.5), (2.5, 0.0))] {
            assert_eq!(selected(&map, Some(&Rectangle { one, other }), None), [1, 2]);
        }
        assert_eq!(nearest(&map.points, (0.9, 2.6)), Some(3));
        assert_eq!(nearest(&[], (0.0, 0.0)), None);
    }
}
