//! Tensors as slices, for the kernels.

use faceprobe_kernel::{Bounds, Pictures, Window};
use tch::{Device, Kind, TchError, Tensor};

/// The output `[N, outputs, H', W']` of `compute` for a window over `[N, C, H, W]`; the input is not changed.
pub fn computed(
    input: &Tensor,
    residual: Option<&Tensor>,
    outputs: usize,
    bounds: Bounds,
    window: impl Fn([usize; 2]) -> Window,
    compute: impl Fn(Pictures<'_>),
) -> Result<Tensor, TchError> {
    let input = by_place(input)?;
    let residual = residual.map(by_place).transpose()?;
    let (images, rows, columns, channels) = input.size4()?;
    let side = [rows as usize, columns as usize];
    let window = window(side);
    let [rows, columns] = window
        .output(side)
        .ok_or_else(|| TchError::Shape(format!("{rows} x {columns} places are too few for the window")))?;
    let shape = [images, rows as i64, columns as i64, outputs as i64];
    let mut output = Tensor::f_empty(shape, (Kind::Float, Device::Cpu))?;
    compute(Pictures {
        input: values(&input),
        images: images as usize,
        side,
        pitch: [channels as usize, outputs],
        window,
        residual: residual.as_ref().map(values),
        bounds,
        output: values_mut(&mut output),
    });
    output.f_permute([0, 3, 1, 2])
}

/// `[N, C, H, W]` as contiguous f32 `[N, H, W, C]`; copies nothing where it already is.
fn by_place(tensor: &Tensor) -> Result<Tensor, TchError> {
    if tensor.device() != Device::Cpu || tensor.kind() != Kind::Float {
        return Err(TchError::Shape("the kernels take 32-bit floats in the processor's memory".into()));
    }
    tensor.f_permute([0, 2, 3, 1])?.f_contiguous()
}

/// The values of a contiguous f32 tensor in CPU memory.
pub fn values(tensor: &Tensor) -> &[f32] {
    assert!(tensor.is_contiguous() && tensor.kind() == Kind::Float && tensor.device() == Device::Cpu);
    if tensor.numel() == 0 {
        return &[];
    }
    // SAFETY: checked above: `numel` floats lie in order from the data pointer on. The tensor lives as long as the
    // slice, and nothing here changes a tensor after it was handed on.
    unsafe { std::slice::from_raw_parts(tensor.data_ptr().cast::<f32>(), tensor.numel()) }
}

/// [`values`] for writing, of a tensor that was just made and has no other name.
pub fn values_mut(tensor: &mut Tensor) -> &mut [f32] {
    assert!(tensor.is_contiguous() && tensor.kind() == Kind::Float && tensor.device() == Device::Cpu);
    if tensor.numel() == 0 {
        return &mut [];
    }
    // SAFETY: as in `values`, and the borrow of a tensor without shallow clones is the only way to its memory. The
    // memory of `empty` holds arbitrary bytes, each of which is some float; every one is written before it is read.
    unsafe { std::slice::from_raw_parts_mut(tensor.data_ptr().cast::<f32>(), tensor.numel()) }
}

/// The same tensor in channels-last memory order, which oneDNN's kernels prefer.
pub fn channels_last(tensor: &Tensor) -> Tensor {
    tensor.permute([0, 2, 3, 1]).contiguous().permute([0, 3, 1, 2])
}
