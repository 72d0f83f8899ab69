//! Devices by name. The engine checks which of them a machine has.

use crate::error::{Error, Result};
use std::fmt;
use std::str::FromStr;

/// The version of libtorch that the program is built against.
pub const LIBTORCH: &str = "2.13.0";

/// A compute device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Device {
    Cpu,
    /// The GPU with this index.
    Cuda(usize),
    Mps,
}

impl FromStr for Device {
    type Err = Error;

    /// `cpu`, `cuda`, `cuda:N` or `mps`.
    fn from_str(name: &str) -> Result<Self> {
        let wrong = || Error::usage(format!("'{name}' is not a device; take cpu, cuda, cuda:N or mps."));
        match name.split_once(':').unwrap_or((name, "0")) {
            ("cpu", "0") => Ok(Self::Cpu),
            ("cuda", number) => number.parse().map(Self::Cuda).map_err(|_| wrong()),
            ("mps", "0") => Ok(Self::Mps),
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(number) => write!(f, "cuda:{number}"),
            Self::Mps => f.write_str("mps"),
        }
    }
}
