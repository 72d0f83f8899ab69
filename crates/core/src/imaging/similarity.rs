//! The least-squares similarity transform between two sets of points.

/// Rotation, scaling and translation: `(x, y) -> (a x - b y + tx, b x + a y + ty)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Similarity {
    /// Scale times cosine.
    pub a: f64,
    /// Scale times sine.
    pub b: f64,
    /// Translation.
    pub shift: [f64; 2],
}

impl Similarity {
    /// The transform with the smallest sum of squared distances between the transformed `from` and `to` (Umeyama, IEEE
    /// PAMI 13, 1991, without reflections). In the plane it is a linear regression over complex numbers, so no SVD is
    /// needed: with both centred, `a + ib = sum(to * conj(from)) / sum(|from|^2)`.
    ///
    /// None if all points of one side are equal, or not finite.
    pub fn between(from: &[[f32; 2]], to: &[[f32; 2]]) -> Option<Self> {
        let count = from.len().min(to.len());
        let (from, to) = (&from[..count], &to[..count]);
        let (centre_from, centre_to) = (centre(from), centre(to));
        let (mut along, mut across, mut spread) = (0.0, 0.0, 0.0);
        for (p, q) in from.iter().zip(to) {
            let [px, py] = [0, 1].map(|axis| f64::from(p[axis]) - centre_from[axis]);
            let [qx, qy] = [0, 1].map(|axis| f64::from(q[axis]) - centre_to[axis]);
            along += px * qx + py * qy;
            across += px * qy - py * qx;
            spread += px * px + py * py;
        }
        let (a, b) = (along / spread, across / spread);
        let turned = Self { a, b, shift: [0.0; 2] }.apply(centre_from);
        let found = Self { a, b, shift: [0, 1].map(|axis| centre_to[axis] - turned[axis]) };
        (found.scale() > 0.0 && found.shift.iter().all(|at| at.is_finite()) && found.scale().is_finite())
            .then_some(found)
    }

    /// Transforms a point.
    pub fn apply(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        [self.a * x - self.b * y + self.shift[0], self.b * x + self.a * y + self.shift[1]]
    }

    /// The scale factor.
    pub fn scale(&self) -> f64 {
        self.a.hypot(self.b)
    }

    /// The inverse transform; the scale must not be zero.
    pub fn inverse(&self) -> Self {
        let square = self.a * self.a + self.b * self.b;
        let turned = Self { a: self.a / square, b: -self.b / square, shift: [0.0; 2] };
        let [x, y] = turned.apply(self.shift);
        Self { shift: [-x, -y], ..turned }
    }
}

fn centre(points: &[[f32; 2]]) -> [f64; 2] {
    [0, 1].map(|axis| points.iter().map(|point| f64::from(point[axis])).sum::<f64>() / points.len() as f64)
}
