//! Tunes glibc's allocator to keep libtorch's buffers in the process.

/// Makes glibc keep freed memory instead of returning every large activation buffer to the kernel, which costs more in
/// page faults than the arithmetic of a small network (figures in docs/performance.md). Call it once, at the start of a
/// process that runs networks, before there are other threads. Does nothing without glibc.
///
/// It also limits the process to one arena: glibc maps further arenas in pieces of 64 MB and unmaps each when it is
/// empty, whatever the thresholds.
pub fn tune_allocator() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        /// Larger than any activation of a reasonable batch, and the largest value glibc takes.
        const NEVER: libc::c_int = 1 << 30;
        // SAFETY: mallopt takes two integers by value and reports a refusal in its result; a refused hint only costs
        // speed, so the result is ignored.
        unsafe {
            libc::mallopt(libc::M_MMAP_THRESHOLD, NEVER);
            libc::mallopt(libc::M_TRIM_THRESHOLD, NEVER);
            libc::mallopt(libc::M_ARENA_MAX, 1);
        }
    }
}
