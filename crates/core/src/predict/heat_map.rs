//! Class-activation maps: how much each position of a crop supports the predicted class.

use serde::{Deserialize, Serialize};

/// The method of a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Exact, with positive and negative values.
    Cam,
    /// Positive values only.
    GradCam,
}

/// How much each position of a crop supports the predicted class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HeatMap {
    pub method: Method,
    pub rows: usize,
    pub columns: usize,
    /// Row by row from the top left; in units of the logit.
    pub values: Vec<f32>,
}

impl HeatMap {
    /// The value at a point of the crop, `u` and `v` in 0..=1 from the top left, bilinearly interpolated between the
    /// centres of the cells.
    pub fn at(&self, u: f64, v: f64) -> f32 {
        let split = |at: f64, cells: usize| {
            let at = (at * cells as f64 - 0.5).clamp(0.0, cells as f64 - 1.0);
            let first = (at as usize).min(cells.saturating_sub(2));
            (first, (first + 1).min(cells - 1), (at - first as f64) as f32)
        };
        let ((left, right, across), (top, bottom, down)) = (split(u, self.columns), split(v, self.rows));
        let value = |row: usize, column: usize| self.values[row * self.columns + column];
        let between = |row| value(row, left) * (1.0 - across) + value(row, right) * across;
        between(top) * (1.0 - down) + between(bottom) * down
    }

    /// The largest value, at least 0.
    pub fn peak(&self) -> f32 {
        self.values.iter().copied().fold(0.0, f32::max)
    }
}
