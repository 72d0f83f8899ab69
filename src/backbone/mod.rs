//! The pretrained networks, a registry of them, and their weights: where they come from, how each format is read.

pub mod checkpoint;
pub mod device;
mod efficientnet_lite;
mod layers;
mod network;
pub mod pickle;
mod registry;
pub mod weights;

pub use network::Network;
pub use registry::{BackboneInfo, DEFAULT, find, registry};

/// Tells glibc to keep the memory of large tensors instead of handing it back to the kernel after every layer: page
/// faults, not arithmetic, dominate libtorch on a CPU otherwise. Call it before the first tensor is made; it does
/// nothing on other C libraries.
pub fn tune_allocator() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        // SAFETY: mallopt only sets parameters of the allocator; any value is allowed at any time.
        unsafe {
            libc::mallopt(libc::M_MMAP_THRESHOLD, 1 << 30);
            libc::mallopt(libc::M_TRIM_THRESHOLD, i32::MAX);
        }
    }
}
