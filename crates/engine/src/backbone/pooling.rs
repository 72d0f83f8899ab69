//! Pools a stage's output to feature rows.

use faceprobe_core::backbone::Pool;
use tch::{TchError, Tensor};

/// `[N, C, H, W]`, or tokens `[N, 1 + side * side, C]`, to `[N, width]`, contiguous.
pub fn apply(pool: Pool, output: &Tensor) -> Result<Tensor, TchError> {
    if output.dim() == 3 {
        return apply_to_tokens(pool, output);
    }
    match pool {
        Pool::Avg => output.f_mean_dim([2, 3].as_slice(), false, None),
        Pool::Max => output.f_amax([2, 3].as_slice(), false),
        Pool::Grid(cells) => {
            let (_, _, height, width) = output.size4()?;
            let cells = i64::from(cells);
            by_place(&output.f_adaptive_avg_pool2d([cells.min(height), cells.min(width)])?)
        }
        Pool::Flatten => by_place(output),
        Pool::ClassToken | Pool::ClassAndAverage => Err(TchError::Shape("the network has no class token".into())),
    }
}

/// Everything that a stage gives, `[N, values]`: place by place, its channels together; of tokens, the class token first.
pub fn whole(output: &Tensor) -> Result<Tensor, TchError> {
    if output.dim() == 3 { output.f_contiguous()?.f_flatten(1, -1) } else { by_place(output) }
}

fn by_place(maps: &Tensor) -> Result<Tensor, TchError> {
    maps.f_permute([0, 2, 3, 1])?.f_contiguous()?.f_flatten(1, -1)
}

fn apply_to_tokens(pool: Pool, tokens: &Tensor) -> Result<Tensor, TchError> {
    let class = || tokens.f_select(1, 0)?.f_contiguous();
    match pool {
        Pool::ClassToken => class(),
        Pool::ClassAndAverage => Tensor::f_cat(&[class()?, apply(Pool::Avg, &patches(tokens)?)?], 1),
        _ => apply(pool, &patches(tokens)?),
    }
}

/// The patch tokens of `[N, 1 + side * side, C]` as feature maps `[N, C, side, side]`.
pub fn patches(tokens: &Tensor) -> Result<Tensor, TchError> {
    let (images, count, channels) = tokens.size3()?;
    let side = (count - 1).isqrt();
    tokens.f_narrow(1, 1, count - 1)?.f_reshape([images, side, side, channels])?.f_permute([0, 3, 1, 2])
}
