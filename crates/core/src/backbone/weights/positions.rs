//! Resizes position embeddings to another number of patches.
//!
//! They are treated as an image with as many channels as a token has: Keys' cubic kernel (a = -0.75, as in PyTorch's
//! `interpolate`), which timm widens when shrinking (antialiasing, a = -0.5) while DINOv2 and Hugging Face do not. The
//! file's framework decides, so that the network gives the same output as there.

/// Resizes `[1, 1 + from * from, width]` to `[1, 1 + to * to, width]`; the class token's embedding comes first and is
/// unchanged.
pub(super) fn resized(values: &[f32], width: usize, to: usize, antialiased: bool) -> Vec<f32> {
    let count = (values.len() / width.max(1)).saturating_sub(1);
    let from = count.isqrt();
    if from == to || from == 0 {
        return values.to_vec();
    }
    let taps: Vec<Vec<(usize, f64)>> = (0..to).map(|place| taps(place, from, to, antialiased)).collect();
    let (class, grid) = values.split_at(width);
    let mut out = class.to_vec();
    for rows in &taps {
        for columns in &taps {
            for channel in 0..width {
                let along = |row: usize| -> f64 {
                    columns.iter().map(|(at, share)| share * f64::from(grid[(row * from + at) * width + channel])).sum()
                };
                let value: f64 = rows.iter().map(|&(row, share)| share * along(row)).sum();
                out.push(value as f32);
            }
        }
    }
    out
}

/// The source positions and weights of an output position.
fn taps(place: usize, from: usize, to: usize, antialiased: bool) -> Vec<(usize, f64)> {
    let scale = from as f64 / to as f64;
    let centre = (place as f64 + 0.5) * scale;
    if !antialiased {
        let first = (centre - 0.5).floor();
        // Outside the grid, the edge is repeated.
        let at = |offset: f64| (first + offset).clamp(0.0, (from - 1) as f64) as usize;
        return [-1.0, 0.0, 1.0, 2.0].map(|offset| (at(offset), cubic(centre - 0.5 - first - offset, -0.75))).to_vec();
    }
    let stretch = scale.max(1.0);
    let reach = 2.0 * stretch;
    let first = (centre - reach + 0.5).floor().max(0.0) as usize;
    let end = ((centre + reach + 0.5).floor() as usize).min(from);
    let shares: Vec<(usize, f64)> =
        (first..end).map(|at| (at, cubic((at as f64 + 0.5 - centre) / stretch, -0.5))).collect();
    let sum: f64 = shares.iter().map(|(_, share)| share).sum();
    shares.into_iter().map(|(at, share)| (at, share / sum)).collect()
}

/// Keys' kernel.
fn cubic(x: f64, a: f64) -> f64 {
    let x = x.abs();
    if x <= 1.0 {
        ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        ((x - 5.0) * x + 8.0) * x * a - 4.0 * a
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::resized;

    /// `torch.nn.functional.interpolate(mode="bicubic", antialias=...)` of the same numbers in 64 bits: the first and the last
    /// of its values.
    #[test]
    fn positions_are_resized_as_torch_does() {
        let pattern = |count: usize| (0..count).map(|i| (i * 37 % 101) as f32 / 101.0 - 0.5).collect::<Vec<f32>>();
        let cases: [(usize, usize, bool, [f32; 4]); 4] = [
            (5, 3, false, [0.038_025_1, -0.023_964_7, 0.011_479_9, 0.063_001_7]),
            (5, 3, true, [-0.042_574_3, 0.017_016_8, 0.092_079_2, -0.001_465_8]),
            (3, 4, false, [0.237_647_9, -0.472_944_8, 0.089_084_7, 0.527_198_7]),
            (3, 4, true, [0.236_293_8, -0.452_337_3, 0.090_438_9, 0.509_014_3]),
        ];
        for (from, to, antialiased, expected) in cases {
            let values = pattern((1 + from * from) * 2);
            let out = resized(&values, 2, to, antialiased);
            assert_eq!(out.len(), (1 + to * to) * 2);
            assert_eq!(out[..2], values[..2], "the class token's stays");
            let ends = [out[2], out[3], out[out.len() - 2], out[out.len() - 1]];
            for (got, expected) in ends.iter().zip(expected) {
                assert!((got - expected).abs() < 1e-6, "{from} to {to}, {antialiased}: {ends:?}");
            }
        }
        let same = pattern(20);
        assert_eq!(resized(&same, 2, 3, true), same);
    }
}
