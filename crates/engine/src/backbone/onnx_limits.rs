//! What an ONNX file of the user's may take: memory and time, when it is tried and whenever it is used.
//!
//! A trial has a process of its own, which the system limits. Later runs share theirs with what they are for, so there ONNX
//! Runtime's own memory is limited, of all sessions together, and a run that takes too long is stopped between two of its
//! operators; one that is stuck within an operator ends the worker.

use crate::commands::say_on_stderr;
use ort::AsPointer;
use ort::environment::Environment;
use ort::memory::{AllocationDevice, AllocatorType, MemoryInfo, MemoryType};
use ort::session::RunOptions;
use rustix::process::{Resource, Rlimit, setrlimit};
use std::fs;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// Memory. ResNet-152 with two pictures takes half a gigabyte.
pub(super) const BYTES: u64 = 6 << 30;
/// Processor time of a trial, which is of three pictures; the largest networks take some seconds.
const TRIAL_SECONDS: u64 = 120;
/// As much for each picture of a batch.
pub(super) const SECONDS_FOR_A_PICTURE: u32 = TRIAL_SECONDS as u32 / 3;
/// What an operator may go on for once its run was stopped.
const GRACE_SECONDS: u32 = 60;

/// Bounds what this process may take from here on.
///
/// # Errors
/// A system that sets no limits; a reason without a subject.
pub(super) fn of_process() -> Result<(), String> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let held = status.lines().find_map(|line| line.strip_prefix("VmSize:")?.trim().strip_suffix(" kB")?.parse().ok());
    let bytes = held.unwrap_or(0_u64) * 1024 + BYTES;
    for (resource, most) in [(Resource::As, bytes), (Resource::Cpu, TRIAL_SECONDS), (Resource::Core, 0)] {
        let rule = Rlimit { current: Some(most), maximum: Some(most) };
        setrlimit(resource, rule).map_err(|error| format!("cannot be tried: no limit could be set ({error})"))?;
    }
    Ok(())
}

/// Bounds what all sessions together may hold that take their memory from the environment.
///
/// # Errors
/// What ONNX Runtime says.
pub(super) fn of_sessions() -> ort::Result<()> {
    let environment = Environment::current()?;
    let memory = MemoryInfo::new(AllocationDevice::CPU, 0, AllocatorType::Arena, MemoryType::Default)?;
    let api = ort::api();
    let mut rule = std::ptr::null_mut();
    // SAFETY: the environment and the description of the memory are alive, and the rule is released once and after its last
    // use; -1 leaves the other settings of the arena as they are.
    unsafe {
        let made = (api.CreateArenaCfg)(BYTES as usize, -1, -1, -1, &mut rule);
        ort::Error::result_from_status(made)?;
        let registered = (api.CreateAndRegisterAllocator)(environment.ptr().cast_mut(), memory.ptr(), rule);
        (api.ReleaseArenaCfg)(rule);
        ort::Error::result_from_status(registered)
    }
}

/// Does `work`, which is a run with `options`, and stops it after so many seconds; whether that was needed comes with its
/// result. Only the time counts in which this process ran.
pub(super) fn within<T>(seconds: u32, options: &Arc<RunOptions>, work: impl FnOnce() -> T) -> (T, bool) {
    std::thread::scope(|scope| {
        let (done, finished) = channel::<()>();
        let ends_in = move |seconds: u32| {
            (0..seconds).any(|_| finished.recv_timeout(Duration::from_secs(1)) != Err(RecvTimeoutError::Timeout))
        };
        let watch = scope.spawn(move || {
            if ends_in(seconds) {
                return false;
            }
            let _ = options.terminate();
            if !ends_in(GRACE_SECONDS) {
                say_on_stderr("The ONNX file was stopped, since it took more time than a network does.");
                std::process::exit(1);
            }
            true
        });
        let result = work();
        drop(done);
        (result, watch.join().unwrap_or(false))
    })
}
