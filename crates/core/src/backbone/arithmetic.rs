//! The arithmetic that networks are computed in: f32 or bf16.

use super::Device;
use crate::error::{Error, Result};
use faceprobe_settings::{Refusal, choices};

choices! {
    /// The number format of a computation.
    #[derive(Default)]
    pub enum Arithmetic {
        #[default]
        F32 = "f32",
        /// bfloat16 with f32 accumulation.
        Bf16 = "bf16",
    }
}

impl Arithmetic {
    /// Refuses arithmetic that the device would only emulate.
    pub fn check(self, device: Device) -> Result<()> {
        if self == Self::F32 || device != Device::Cpu || has_bf16() {
            return Ok(());
        }
        Err(Error::usage(
            "This processor has no arithmetic in bf16 (avx512_bf16), so it would only be slower; use f32.",
        ))
    }

    /// Refuses a setting of this value on a processor that would only emulate it.
    pub fn check_cpu_as(self, setting: &str) -> std::result::Result<(), Refusal> {
        if self == Self::F32 || has_bf16() {
            return Ok(());
        }
        Err(Refusal::new(setting, "must be f32 here, since this processor has no arithmetic in bf16 (avx512_bf16)"))
    }
}

/// Whether the processor has instructions for bfloat16 products.
pub fn has_bf16() -> bool {
    #[cfg(target_arch = "x86_64")]
    let has = std::arch::is_x86_feature_detected!("avx512bf16");
    #[cfg(not(target_arch = "x86_64"))]
    let has = false;
    has
}
