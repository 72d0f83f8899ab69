//! Matrix product of bf16 values, summed in f32, on processors with an instruction for it: twice the multiplications of
//! [`super::Panels`] in the same time.
//!
//! Each step of a sum adds two products.

/// Values rounded together.
pub const RUN: usize = 32;

/// Two bf16 values, the first in the lower half.
type Pair = u32;

/// One cache line of pairs, as many as a vector register holds: a run, or one pair for each output of a panel.
///
/// Never constructed on a processor without the instructions.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub struct Line([Pair; PANEL]);

const EMPTY: Line = Line([0; PANEL]);

/// Pairs of a run.
const PAIRS: usize = RUN / 2;

/// Outputs of a panel: the lanes of a vector register.
const PANEL: usize = 16;

/// Rows and panels that one tile multiplies.
const ROWS: usize = 6;
const ABREAST: usize = 2;

/// Rows of zeros between the runs, so that equal rows of neighbouring runs do not map to the same lines of the
/// first-level cache, and the last tile of rows can be read whole.
const GAP: usize = 8;
const _: () = assert!(GAP + 1 >= ROWS);

/// Whether the processor has the instructions.
pub fn available() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        // The same level as the other kernels, which tests can lower.
        super::lanes() == PANEL && is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bf16")
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        false
    }
}

/// `count` empty lines.
///
/// # Panics
/// On a processor without the instructions.
fn lines(count: usize) -> Vec<Line> {
    assert!(available(), "the product needs instructions for bf16");
    vec![EMPTY; count]
}

/// Rounds runs into `places`, ties to even.
#[inline]
pub fn round<'a>(runs: impl Iterator<Item = &'a [f32; RUN]>, places: &mut [Line]) {
    if places.is_empty() {
        return;
    }
    #[cfg(target_arch = "x86_64")]
    {
        // SAFETY: where there are lines, there are the instructions.
        unsafe { x86::round(runs, places) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    drop(runs);
}

/// Rows of rounded numbers: the first run of every row, then the second, and so on.
#[derive(Debug, Clone)]
pub struct HalfRows {
    lines: Vec<Line>,
    rows: usize,
}

impl HalfRows {
    /// `rows` rows of `runs` runs, zeros.
    ///
    /// # Panics
    /// On a processor without the instructions.
    pub fn zeros(rows: usize, runs: usize) -> Self {
        Self { lines: lines(runs * (rows + GAP)), rows }
    }

    /// Lines from a run of a row to the row's next run.
    pub fn stride(&self) -> usize {
        self.rows + GAP
    }

    /// All lines, run after run.
    pub fn lines_mut(&mut self) -> &mut [Line] {
        &mut self.lines
    }
}

/// The other factor: outputs whose values of the same depth are contiguous.
#[derive(Debug, Clone)]
pub struct HalfPanels {
    /// Panel by panel, each pair of depths after the other.
    packed: Vec<Line>,
    runs: usize,
    outputs: usize,
}

impl HalfPanels {
    /// Zeros for `outputs` outputs of `runs` runs.
    pub fn zeros(runs: usize, outputs: usize) -> Self {
        Self { packed: lines(outputs.div_ceil(PANEL) * runs * PAIRS), runs, outputs }
    }

    /// Replaces the values; `run(output, number)` returns one run of an output.
    pub fn refill<'a>(&mut self, run: impl Fn(usize, usize) -> &'a [f32; RUN]) {
        let (runs, outputs) = (self.runs, self.outputs);
        for (panel, packed) in self.packed.chunks_exact_mut((runs * PAIRS).max(1)).enumerate() {
            let first = panel * PANEL;
            let kept = PANEL.min(outputs - first);
            for (number, packed) in packed.chunks_exact_mut(PAIRS).enumerate() {
                let mut rounded = [EMPTY; PANEL];
                round((first..first + kept).map(|output| run(output, number)), &mut rounded);
                for (at, column) in packed.iter_mut().enumerate() {
                    *column = Line(std::array::from_fn(|output| rounded[output].0[at]));
                }
            }
        }
    }

    /// `out = rows · outputs` (rows x outputs), or with `add` the product is added to `out`. Takes as many rows from
    /// `first` on as `out` has room for, and of them the runs from `first_run` on.
    ///
    /// # Panics
    /// When there are not so many rows and runs, or `out` is not rows x outputs.
    pub fn multiply(&self, rows: &HalfRows, [first, first_run]: [usize; 2], out: &mut [f32], add: bool) {
        let count = out.len() / self.outputs;
        assert_eq!(out.len(), count * self.outputs, "an output for each row and panel");
        assert!(first + count <= rows.rows, "rows {first} to {} of {}", first + count, rows.rows);
        let lines = &rows.lines[first_run * rows.stride()..(first_run + self.runs) * rows.stride()];
        #[cfg(target_arch = "x86_64")]
        for at in (0..count).step_by(ROWS) {
            let whole = ROWS.min(count - at);
            for (number, panels) in self.packed.chunks((self.runs * PAIRS).max(1) * ABREAST).enumerate() {
                let output = number * ABREAST * PANEL;
                // A single last panel is multiplied twice.
                let second = (self.runs * PAIRS) % panels.len().max(1);
                let tile = Tile {
                    panels: [panels, &panels[second..]],
                    runs: self.runs,
                    lines: &lines[first + at..],
                    step: rows.stride(),
                    stored: [whole, self.outputs - output],
                    stride: self.outputs,
                    add,
                };
                let out = &mut out[at * self.outputs + output..];
                // SAFETY: panels exist only where the instructions do. The panels have these runs, and the lines as
                // many, followed by [`GAP`] more rows than can be asked for.
                unsafe {
                    tile.multiply(out);
                }
            }
        }
    }
}

/// A few rows times two panels.
#[cfg(target_arch = "x86_64")]
struct Tile<'a> {
    panels: [&'a [Line]; ABREAST],
    runs: usize,
    /// Starts at the first row's first run.
    lines: &'a [Line],
    /// Lines from one run of a row to the next.
    step: usize,
    /// Rows and outputs that are stored; the tile may be larger.
    stored: [usize; 2],
    /// Values from one output row to the next.
    stride: usize,
    add: bool,
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{ABREAST, Line, PAIRS, PANEL, ROWS, RUN, Tile};
    use std::arch::x86_64::*;

    /// Rounds both halves of each run, pair by pair.
    #[target_feature(enable = "avx512f,avx512bf16")]
    pub(super) fn round<'a>(runs: impl Iterator<Item = &'a [f32; RUN]>, places: &mut [Line]) {
        for (run, place) in runs.zip(places) {
            // SAFETY: a run is two vectors long and its place is one; a vector of bf16 is one of pairs.
            unsafe {
                let (low, high) = (_mm512_loadu_ps(run.as_ptr()), _mm512_loadu_ps(run.as_ptr().add(RUN / 2)));
                let rounded: __m512i = std::mem::transmute(_mm512_cvtne2ps_pbh(high, low));
                _mm512_store_si512(place.0.as_mut_ptr().cast(), rounded);
            }
        }
    }

    impl Tile<'_> {
        /// Writes or adds the products.
        ///
        /// # Safety
        /// Both panels must have the given number of runs, and `lines` as many, each with a whole tile of rows.
        #[target_feature(enable = "avx512f,avx512bf16")]
        pub(super) unsafe fn multiply(&self, out: &mut [f32]) {
            let mut sums = [[_mm512_setzero_ps(); ABREAST]; ROWS];
            let panels = [self.panels[0].as_ptr(), self.panels[1].as_ptr()];
            for run in 0..self.runs {
                // SAFETY: the caller's promise. A vector of pairs is one of bf16.
                unsafe {
                    let rows = self.lines.as_ptr().add(run * self.step);
                    for pair in 0..PAIRS {
                        let mut outputs = [_mm512_setzero_si512(); ABREAST];
                        for at in 0..ABREAST {
                            outputs[at] = _mm512_load_si512(panels[at].add(run * PAIRS + pair).cast());
                        }
                        for row in 0..ROWS {
                            let numbers = (*rows.add(row)).0.as_ptr().add(pair);
                            let numbers: __m512bh = std::mem::transmute(_mm512_set1_epi32((*numbers).cast_signed()));
                            for at in 0..ABREAST {
                                sums[row][at] = _mm512_dpbf16_ps(
                                    sums[row][at],
                                    numbers,
                                    std::mem::transmute::<__m512i, __m512bh>(outputs[at]),
                                );
                            }
                        }
                    }
                }
            }
            let [whole, kept] = self.stored;
            // Counted loops: an array that is iterated in another way is placed on the stack, also in the loop above.
            for row in 0..ROWS {
                for at in 0..ABREAST {
                    let kept = kept.saturating_sub(at * PANEL).min(PANEL);
                    if row >= whole || kept == 0 {
                        continue;
                    }
                    let mask = u16::MAX >> (PANEL - kept);
                    let out = &mut out[row * self.stride + at * PANEL..][..kept];
                    // SAFETY: the mask leaves out what lies behind the row's outputs.
                    unsafe {
                        let before =
                            if self.add { _mm512_maskz_loadu_ps(mask, out.as_ptr()) } else { _mm512_setzero_ps() };
                        _mm512_mask_storeu_ps(out.as_mut_ptr(), mask, _mm512_add_ps(sums[row][at], before));
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
            // The product takes rows and runs from the middle of a larger matrix.
            let mut half = HalfRows::zeros(rows + 3, runs + 2);
            let stride = half.stride();
            for (run, lines) in half.lines_mut().chunks_exact_mut(stride).skip(1).take(runs).enumerate() {
                round((0..rows).map(|row| &a[row * runs + run]), &mut lines[2..]);
            }
            let mut out = vec![0.5f32; rows * outputs];
            panels.multiply(&half, [2, 1], &mut out, false);
            let once = out.clone();
            panels.multiply(&half, [2, 1], &mut out, true);
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
