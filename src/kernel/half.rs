//! A matrix product of numbers rounded to bf16, summed in f32, on processors that have an instruction for it: twice the
//! multiplications of [`super::Panels`] in the same time.
//!
//! Each step of a sum adds the products of two pairs.

use bytemuck::{Pod, Zeroable};

/// Numbers that are rounded together.
pub const RUN: usize = 32;

/// Two numbers of bf16, the first in the lower half.
type Pair = u32;

/// As many pairs as a vector register holds, in one cache line.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C, align(64))]
struct Line([Pair; PANEL]);

/// Pairs of a run.
const PAIRS: usize = RUN / 2;

/// Outputs of a panel: the sums of a vector register.
const PANEL: usize = 16;

/// Rows multiplied with a panel at once; sums in two groups, see [`super::panels`].
const ROWS: usize = 2 * GROUP;
const GROUP: usize = 6;

/// Whether the processor has the instructions.
pub fn available() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        // As the program's other kernels, or less for tests.
        super::lanes() == PANEL && is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bf16")
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        false
    }
}

/// Rows of rounded numbers.
#[derive(Debug, Clone, Default)]
pub struct HalfRows {
    pairs: Vec<[Pair; PAIRS]>,
    runs: usize,
}

impl HalfRows {
    /// `rows` rows of `runs` runs, each told by `run(row, number)`.
    ///
    /// # Panics
    /// On a processor without the instructions.
    pub fn new<'a>(rows: usize, runs: usize, run: impl Fn(usize, usize) -> &'a [f32; RUN]) -> Self {
        let mut pairs = vec![[0; PAIRS]; rows * runs];
        // Run by run, as matrices in tiles lie in memory.
        for number in 0..runs {
            let places = pairs.iter_mut().skip(number).step_by(runs);
            round_all(places.enumerate().map(|(row, place)| (run(row, number), place)));
        }
        Self { pairs, runs }
    }
}

/// The other side of the product: outputs whose numbers of the same depth lie beside each other.
#[derive(Debug, Clone)]
pub struct HalfPanels {
    /// Panel after panel, each pair of depths after pair.
    packed: Vec<Line>,
    runs: usize,
    outputs: usize,
}

impl HalfPanels {
    /// Zeros for `outputs` outputs of `runs` runs.
    pub fn zeros(runs: usize, outputs: usize) -> Self {
        Self { packed: vec![Line([0; PANEL]); outputs.div_ceil(PANEL) * runs * PAIRS], runs, outputs }
    }

    /// Takes new numbers, each output's runs told by `run(output, number)`.
    ///
    /// # Panics
    /// On a processor without the instructions.
    pub fn refill<'a>(&mut self, run: impl Fn(usize, usize) -> &'a [f32; RUN]) {
        let (runs, outputs) = (self.runs, self.outputs);
        for (panel, packed) in self.packed.chunks_exact_mut((runs * PAIRS).max(1)).enumerate() {
            let first = panel * PANEL;
            for (number, packed) in packed.chunks_exact_mut(PAIRS).enumerate() {
                let mut rounded = [[0; PAIRS]; PANEL];
                let places = rounded.iter_mut().enumerate().take(outputs - first);
                round_all(places.map(|(at, place)| (run(first + at, number), place)));
                for (at, column) in packed.iter_mut().enumerate() {
                    *column = Line(std::array::from_fn(|output| rounded[output][at]));
                }
            }
        }
    }

    /// `out = rows · outputs`, rows x outputs, or added to what is there.
    ///
    /// # Panics
    /// When rows and panels are not equally deep, `out` is not rows x outputs; on a processor without the instructions.
    pub fn multiply(&self, rows: &HalfRows, out: &mut [f32], add: bool) {
        assert!(available(), "the product needs instructions for bf16");
        assert_eq!(rows.runs, self.runs, "depth of rows and panels");
        let count = rows.pairs.len() / rows.runs.max(1);
        assert_eq!(out.len(), count * self.outputs, "an output for each row and panel");
        #[cfg(target_arch = "x86_64")]
        for first in (0..count).step_by(ROWS) {
            let whole = ROWS.min(count - first);
            for (number, panel) in self.packed.chunks_exact((self.runs * PAIRS).max(1)).enumerate() {
                let kept = PANEL.min(self.outputs - number * PANEL);
                // Where there are fewer rows, the last is computed several times and stored once.
                let tile = Tile {
                    panel,
                    rows: std::array::from_fn(|row| {
                        &rows.pairs[(first + row.min(whole - 1)) * rows.runs..][..rows.runs]
                    }),
                    stored: [whole, kept],
                    stride: self.outputs,
                    add,
                };
                let out = &mut out[first * self.outputs + number * PANEL..];
                // SAFETY: the processor has the instructions; the panel is as deep as each row.
                unsafe { tile.multiply(out) };
            }
        }
    }
}

/// Rounds runs to their places, ties to even.
fn round_all<'a, 'b>(runs: impl Iterator<Item = (&'a [f32; RUN], &'b mut [Pair; PAIRS])>) {
    assert!(available(), "the product needs instructions for bf16");
    #[cfg(target_arch = "x86_64")]
    for (run, place) in runs {
        // SAFETY: the processor has the instructions.
        unsafe { x86::round(run, place) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    drop(runs);
}

/// Some rows with one panel.
#[cfg(target_arch = "x86_64")]
struct Tile<'a> {
    panel: &'a [Line],
    rows: [&'a [[Pair; PAIRS]]; ROWS],
    /// Rows and outputs that are kept.
    stored: [usize; 2],
    /// From a row of the output to the next.
    stride: usize,
    add: bool,
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{GROUP, PAIRS, PANEL, Pair, ROWS, RUN, Tile};
    use std::arch::x86_64::*;

    /// Both halves of a run rounded, pair by pair.
    #[target_feature(enable = "avx512f,avx512bf16")]
    pub(super) fn round(run: &[f32; RUN], place: &mut [Pair; PAIRS]) {
        // SAFETY: a run is two vectors long and its place is one; a vector of bf16 is one of pairs.
        unsafe {
            let (low, high) = (_mm512_loadu_ps(run.as_ptr()), _mm512_loadu_ps(run.as_ptr().add(RUN / 2)));
            let rounded: __m512i = std::mem::transmute(_mm512_cvtne2ps_pbh(high, low));
            _mm512_storeu_si512(place.as_mut_ptr().cast(), rounded);
        }
    }

    impl Tile<'_> {
        /// Writes or adds the products.
        ///
        /// # Safety
        /// The panel must be as deep as each row.
        #[target_feature(enable = "avx512f,avx512bf16")]
        pub(super) unsafe fn multiply(&self, out: &mut [f32]) {
            let pairs = self.panel.len();
            let mut sums = [[_mm512_setzero_ps(); GROUP]; ROWS / GROUP];
            let rows = self.rows.map(|row| row.as_flattened().as_ptr());
            for pair in 0..pairs {
                // SAFETY: the caller's promise: `pair` lies inside the panel and inside each row. A vector of pairs is one
                // of bf16.
                unsafe {
                    let outputs: __m512bh =
                        std::mem::transmute(_mm512_load_si512(self.panel.as_ptr().add(pair).cast()));
                    for group in 0..ROWS / GROUP {
                        for place in 0..GROUP {
                            let row = *rows[group * GROUP + place].add(pair);
                            let row: __m512bh = std::mem::transmute(_mm512_set1_epi32(row.cast_signed()));
                            sums[group][place] = _mm512_dpbf16_ps(sums[group][place], row, outputs);
                        }
                    }
                }
            }
            let [whole, kept] = self.stored;
            let mask = u16::MAX >> (PANEL - kept);
            // A counted loop: an array that is gone through in another way lies on the stack, also in the loop above.
            for group in 0..ROWS / GROUP {
                for place in 0..GROUP {
                    let (row, sum) = (group * GROUP + place, sums[group][place]);
                    if row >= whole {
                        return;
                    }
                    let out = &mut out[row * self.stride..][..kept];
                    // SAFETY: the mask leaves out what lies behind the row's outputs.
                    unsafe {
                        let before =
                            if self.add { _mm512_maskz_loadu_ps(mask, out.as_ptr()) } else { _mm512_setzero_ps() };
                        _mm512_mask_storeu_ps(out.as_mut_ptr(), mask, _mm512_add_ps(sum, before));
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rounded to bf16 by hand: half a unit of the last kept bit is added, ties go to even.
    fn rounded(value: f32) -> f64 {
        let bits = value.to_bits();
        let kept = (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff_0000;
        f64::from(f32::from_bits(kept))
    }

    /// Whole and broken tiles of rows and panels, one run and several.
    #[test]
    fn products_are_those_of_rounded_numbers() {
        if !available() {
            eprintln!("skipped: this processor has no arithmetic in bf16");
            return;
        }
        for (rows, outputs, runs) in [(12, 16, 1), (60, 128, 3), (5, 7, 2), (31, 37, 4)] {
            let number = |seed: usize, at: usize| ((at * 7919 + seed * 104_729) % 10_007) as f32 / 5003.0 - 1.0;
            let numbers = |seed: usize, count: usize| -> Vec<[f32; RUN]> {
                (0..count).map(|run| std::array::from_fn(|at| number(seed, run * RUN + at))).collect()
            };
            let (a, b) = (numbers(1, rows * runs), numbers(2, outputs * runs));
            let mut panels = HalfPanels::zeros(runs, outputs);
            panels.refill(|output, run| &b[output * runs + run]);
            let half = HalfRows::new(rows, runs, |row, run| &a[row * runs + run]);
            let mut out = vec![0.5f32; rows * outputs];
            panels.multiply(&half, &mut out, false);
            let once = out.clone();
            panels.multiply(&half, &mut out, true);
            for (at, (once, twice)) in once.iter().zip(&out).enumerate() {
                let [a, b] =
                    [(&a, at / outputs), (&b, at % outputs)].map(|(x, row)| x[row * runs..][..runs].as_flattened());
                let expected: f64 = a.iter().zip(b).map(|(&a, &b)| rounded(a) * rounded(b)).sum();
                assert!((f64::from(*once) - expected).abs() < 1e-4, "{rows} {outputs} {runs}: {once}, not {expected}");
                assert!((twice - 2.0 * once).abs() < 1e-4);
            }
        }
    }
}
