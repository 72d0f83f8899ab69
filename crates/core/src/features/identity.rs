//! The identity of a feature store: everything that its values depend on.

use faceprobe_settings::choices;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

choices! {
    /// The number format of rows on disk.
    pub enum Dtype {
        /// Little-endian `<f4`.
        F32 = "f32",
        /// Computed in bfloat16, which numpy does not have, and kept as `<f4`.
        Bf16 = "bf16",
        /// Computed in f32 and kept as `<f2`: the wide activations that fine-tuning starts from.
        F16 = "f16",
        /// Little-endian `<u2`: exact sums of 8-bit pixels, the benchmark's pooled input.
        U16 = "u16",
    }
}

impl Dtype {
    /// Bytes per value.
    pub fn bytes(self) -> usize {
        match self {
            Self::F32 | Self::Bf16 => 4,
            Self::F16 | Self::U16 => 2,
        }
    }
}

/// Everything that a row's values depend on besides the image's bytes. Stores with equal identities hold the same
/// values; any difference means another store.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct StoreIdentity {
    /// The registry's name of the network, or `pixels` for the benchmark's input.
    pub backbone: String,
    /// SHA-256 of the canonical weights file, or `none`.
    pub weights: String,
    /// Preprocessing with every setting that changes values, e.g. `default-v1 224 bilinear (x-127)/128`.
    pub preprocessing: String,
    /// The layer features are taken from: `last`, or stage numbers.
    pub tap: String,
    /// `avg`, `max`, `gridN`, `flatten`, or `sumK` for pooled pixels.
    pub pool: String,
    pub dtype: Dtype,
    /// Values per row.
    pub width: usize,
}

impl StoreIdentity {
    /// The identity of the rows of several stores of one network side by side; none without stores.
    pub fn combined(parts: &[Self]) -> Option<Self> {
        let taps: Vec<&str> = parts.iter().map(|part| part.tap.as_str()).collect();
        let width = parts.iter().map(|part| part.width).sum();
        Some(Self { tap: taps.join(","), width, ..parts.first()?.clone() })
    }

    /// The folder name of the store: readable, and unique by a digest of all fields.
    pub fn folder_name(&self) -> String {
        let canonical = serde_json::to_vec(self).unwrap_or_default();
        let digest = Sha256::digest(&canonical);
        let short = hex::encode(&digest[..6]);
        let name = format!("{}-{}-{}-{short}", self.backbone, self.tap.replace(',', "+"), self.pool);
        // Names of user-supplied networks are arbitrary; the digest keeps the folder names distinct.
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-+._".contains(c);
        name.trim_start_matches('.').chars().map(|c| if allowed(c) { c } else { '_' }).collect()
    }
}
