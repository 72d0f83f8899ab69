//! From a stage's output to rows.

use faceprobe_core::backbone::Pool;
use tch::{TchError, Tensor};

/// `[N, C, H, W]` to `[N, width]`, contiguous.
pub fn apply(pool: Pool, output: &Tensor) -> Result<Tensor, TchError> {
    let by_place = |output: Tensor| output.f_permute([0, 2, 3, 1])?.f_contiguous()?.f_flatten(1, -1);
    match pool {
        Pool::Avg => output.f_mean_dim([2, 3].as_slice(), false, None),
        Pool::Max => output.f_amax([2, 3].as_slice(), false),
        Pool::Grid(cells) => {
            let (_, _, height, width) = output.size4()?;
            let cells = i64::from(cells);
            by_place(output.f_adaptive_avg_pool2d([cells.min(height), cells.min(width)])?)
        }
        Pool::Flatten => by_place(output.shallow_clone()),
    }
}
