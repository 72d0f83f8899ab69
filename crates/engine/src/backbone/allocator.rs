//! Keeps libtorch's buffers in the process.

/// Tells glibc to keep freed memory instead of returning every large activation buffer to the kernel, which costs
/// more in page faults than the arithmetic of a small network (see the figures in the README). Call it once, at the
/// start of a process that runs networks, before there are other threads; elsewhere than on glibc it does nothing.
///
/// One arena for all threads is part of it: the arenas that glibc gives further threads are mapped in pieces of 64 MB
/// and unmapped whenever one is empty, whatever the thresholds say.
pub fn tune_allocator() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        /// Larger than any activation of a reasonable batch, and the largest value glibc takes.
        const NEVER: libc::c_int = 1 << 30;
        // SAFETY: mallopt takes two integers by value and reports a refusal in its result; a refused hint costs speed
        // only, so the result is not looked at.
        unsafe {
            libc::mallopt(libc::M_MMAP_THRESHOLD, NEVER);
            libc::mallopt(libc::M_TRIM_THRESHOLD, NEVER);
            libc::mallopt(libc::M_ARENA_MAX, 1);
        }
    }
}
