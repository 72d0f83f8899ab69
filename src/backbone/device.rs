//! Where networks run.

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use tch::{Device, Kind};

/// The libtorch that this program is built against.
pub const LIBTORCH: &str = "2.13.0";

/// The numbers that a network is computed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Arithmetic {
    #[default]
    F32,
    /// bfloat16 with sums in 32 bits.
    Bf16,
}

impl Arithmetic {
    /// Refuses what a device would only emulate.
    pub fn check(self, device: Device) -> Result<()> {
        if self == Self::F32 || device != Device::Cpu || has_bf16() {
            return Ok(());
        }
        Err(Error::usage(
            "This processor has no arithmetic in bf16 (avx512_bf16), so it would only be slower; use f32.",
        ))
    }

    /// The same for the processor.
    pub fn check_cpu(self) -> Result<()> {
        self.check(Device::Cpu)
    }

    pub(crate) fn kind(self) -> Kind {
        match self {
            Self::F32 => Kind::Float,
            Self::Bf16 => Kind::BFloat16,
        }
    }
}

/// Whether the processor multiplies bfloat16 numbers itself.
pub fn has_bf16() -> bool {
    #[cfg(target_arch = "x86_64")]
    let has = std::arch::is_x86_feature_detected!("avx512bf16");
    #[cfg(not(target_arch = "x86_64"))]
    let has = false;
    has
}

/// `cpu`, `cuda`, `cuda:N` or `mps`, if this libtorch and machine have it.
pub fn parse(name: &str) -> Result<Device> {
    let absent = |what: &str, hint: &str| {
        Error::failed(format!("This machine or libtorch has no {what}; {hint}, or use --device cpu."))
    };
    match name.split_once(':').unwrap_or((name, "0")) {
        ("cpu", "0") => Ok(Device::Cpu),
        ("cuda", number) => {
            let number: usize = number
                .parse()
                .map_err(|_| Error::usage(format!("'{name}' is not a device; take cpu, cuda, cuda:N or mps.")))?;
            let there = tch::Cuda::device_count();
            if number < usize::try_from(there).unwrap_or(0) && tch::Cuda::is_available() {
                Ok(Device::Cuda(number))
            } else {
                Err(absent(&format!("CUDA device {number}"), "build with LIBTORCH pointing at a CUDA libtorch"))
            }
        }
        ("mps", "0") if tch::utils::has_mps() => Ok(Device::Mps),
        ("mps", "0") => Err(absent("Metal (MPS) device", "it takes macOS with a libtorch of its own")),
        _ => Err(Error::usage(format!("'{name}' is not a device; take cpu, cuda, cuda:N or mps."))),
    }
}

/// What this libtorch can run on, in a few words.
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
