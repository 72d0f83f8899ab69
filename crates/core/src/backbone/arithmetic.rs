//! The numbers that networks are computed in.

use super::Device;
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

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
}

/// Whether the processor multiplies bfloat16 numbers itself.
pub fn has_bf16() -> bool {
    #[cfg(target_arch = "x86_64")]
    let has = std::arch::is_x86_feature_detected!("avx512bf16");
    #[cfg(not(target_arch = "x86_64"))]
    let has = false;
    has
}
