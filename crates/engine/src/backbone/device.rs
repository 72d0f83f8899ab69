//! Devices that networks run on.

use faceprobe_core::backbone::{self, Arithmetic};
use faceprobe_core::error::{Error, Result};
use tch::{Device, Kind};

/// libtorch's dtype of an arithmetic.
pub(crate) fn kind_of(arithmetic: Arithmetic) -> Kind {
    match arithmetic {
        Arithmetic::F32 => Kind::Float,
        Arithmetic::Bf16 => Kind::BFloat16,
    }
}

/// Refuses arithmetic that a device would only emulate.
pub(crate) fn check(arithmetic: Arithmetic, device: Device) -> Result<()> {
    arithmetic.check(match device {
        Device::Cuda(number) => backbone::Device::Cuda(number),
        Device::Mps => backbone::Device::Mps,
        Device::Cpu | Device::Vulkan => backbone::Device::Cpu,
    })
}

/// Parses `cpu`, `cuda`, `cuda:N` or `mps`; an error if this machine or libtorch lacks the device.
pub fn parse(name: &str) -> Result<Device> {
    let absent = |what: &str, hint: &str| {
        Error::failed(format!("This machine or libtorch has no {what}; {hint}, or use --device cpu."))
    };
    match name.parse()? {
        backbone::Device::Cpu => Ok(Device::Cpu),
        backbone::Device::Cuda(number) => {
            let there = tch::Cuda::device_count();
            if number < usize::try_from(there).unwrap_or(0) && tch::Cuda::is_available() {
                Ok(Device::Cuda(number))
            } else {
                Err(absent(&format!("CUDA device {number}"), "build with LIBTORCH pointing at a CUDA libtorch"))
            }
        }
        backbone::Device::Mps if tch::utils::has_mps() => Ok(Device::Mps),
        backbone::Device::Mps => Err(absent("Metal (MPS) device", "it takes macOS with a libtorch of its own")),
    }
}

/// A short description of the devices that this libtorch can use.
pub fn describe() -> String {
    let mut parts = vec!["cpu".to_owned()];
    if tch::Cuda::is_available() {
        parts.push(format!("{} CUDA devices", tch::Cuda::device_count()));
    }
    if tch::utils::has_mps() {
        parts.push("mps".to_owned());
    }
    parts.join(", ")
}
