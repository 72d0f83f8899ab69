//! x times the share of a normal distribution that lies below it.

use super::dispatch;
use pulp::{Simd, WithSimd};

/// The error function as a quotient of polynomials in x², times x, between -[`BOUND`] and [`BOUND`], beyond which 32 bits
/// cannot tell it from -1 and 1; within 7e-8 everywhere (Eigen's `generic_fast_erf` of 2016).
const ABOVE: [f32; 7] =
    [-2.726_142_4e-10, 2.770_681_5e-8, -2.101_024e-6, -5.692_506_2e-5, -7.349_906_4e-4, -2.954_6e-3, -1.609_603_3e-2];
const BELOW: [f32; 5] = [-1.456_607_15e-5, -2.133_740_5e-4, -1.682_827e-3, -7.373_329_3e-3, -1.426_473_9e-2];
const BOUND: f32 = 4.0;

/// `x (1 + erf(x / √2)) / 2` of every value, in its place; within 2e-7 (1 + |x|) of it. What is not a number stays so.
pub fn gelu(values: &mut [f32]) {
    dispatch(Gelu(values));
}

struct Gelu<'a>(&'a mut [f32]);

impl WithSimd for Gelu<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (whole, rest) = S::as_mut_simd_f32s(self.0);
        for x in whole {
            *x = of(simd, *x);
        }
        if !rest.is_empty() {
            let last = of(simd, simd.partial_load_f32s(rest));
            simd.partial_store_f32s(rest, last);
        }
    }
}

#[inline(always)]
fn of<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let scaled = simd.mul_f32s(x, simd.splat_f32s(std::f32::consts::FRAC_1_SQRT_2));
    // In this order what is not a number stays so: the instructions answer with the second of a pair then.
    let bounded = simd.min_f32s(simd.splat_f32s(BOUND), simd.max_f32s(simd.splat_f32s(-BOUND), scaled));
    let square = simd.mul_f32s(bounded, bounded);
    let above = simd.mul_f32s(bounded, polynomial(simd, &ABOVE, square));
    let erf = simd.div_f32s(above, polynomial(simd, &BELOW, square));
    let half = simd.mul_f32s(x, simd.splat_f32s(0.5));
    simd.mul_add_f32s(half, erf, half)
}

/// From the highest power down.
#[inline(always)]
fn polynomial<S: Simd, const COUNT: usize>(simd: S, factors: &[f32; COUNT], x: S::f32s) -> S::f32s {
    let mut sum = simd.splat_f32s(factors[0]);
    for at in 1..COUNT {
        sum = simd.mul_add_f32s(sum, x, simd.splat_f32s(factors[at]));
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By the series whose terms all have the sign of x, so that nothing cancels (DLMF 7.6.2).
    fn erf(x: f64) -> f64 {
        let (mut term, mut sum) = (x, x);
        for n in 1..400 {
            term *= 2.0 * x * x / f64::from(2 * n + 1);
            sum += term;
        }
        sum * 2.0 / std::f64::consts::PI.sqrt() * (-x * x).exp()
    }

    #[test]
    fn it_is_what_its_definition_says() {
        let mut values: Vec<f32> = (-30_001..=30_001).map(|at| at as f32 / 3_000.0).collect();
        let given = values.clone();
        gelu(&mut values);
        for (got, x) in values.iter().zip(given) {
            let expected = f64::from(x) * (1.0 + erf(f64::from(x) / 2f64.sqrt())) / 2.0;
            let off = (f64::from(*got) - expected).abs();
            assert!(off < 2e-7 * (1.0 + f64::from(x).abs()), "{x}: {got} instead of {expected}");
        }
        let mut odd = [f32::NAN, f32::INFINITY, -1e30, 0.0, 1e30];
        gelu(&mut odd);
        assert!(odd[0].is_nan() && odd[1] == f32::INFINITY && odd[3] == 0.0 && odd[4] == 1e30, "{odd:?}");
        assert!(odd[2].abs() < 1e24, "{odd:?}");
    }
}
