//! What the workbench's process holds in memory.
//!
//! libtorch is linked to the program, and the dynamic loader reads some 50 MB of it (symbols, relocations, constructors)
//! that the screens never look at again; the networks run in workers and in the predictor, which are processes of their
//! own.

#[cfg(target_os = "linux")]
use std::{fs, io::BufRead, io::BufReader};

/// Gives pages of shared libraries that were only read back to the system, which reads them again from the file if
/// they are ever needed. A hint: where it cannot be done nothing is different.
pub fn return_library_pages() {
    #[cfg(target_os = "linux")]
    {
        let Ok(file) = fs::File::open("/proc/self/smaps") else { return };
        for range in unwritten(BufReader::new(file).lines().map_while(Result::ok)) {
            // SAFETY: the range is a mapping of a file, private, not writable and without a page of its own, in memory
            // or swapped out: every page of it equals the file's, from where the system restores it. Nothing
            // can write to it in between, for that would need another protection, which only the loader sets, before
            // a library's code first runs; and unloading a library leaves at worst an unmapped range, an error here.
            let _ = unsafe {
                rustix::mm::madvise(
                    std::ptr::with_exposed_provenance_mut(range.start),
                    range.len(),
                    rustix::mm::Advice::LinuxDontNeed,
                )
            };
        }
    }
}

/// The address ranges among `lines` of `/proc/PID/smaps` that belong to shared libraries, cannot be written to and hold
/// no page that differs from the file.
#[cfg(any(target_os = "linux", test))]
fn unwritten(lines: impl Iterator<Item = String>) -> Vec<std::ops::Range<usize>> {
    let mut found: Vec<std::ops::Range<usize>> = Vec::new();
    let mut at_library = false;
    for line in lines {
        let mut words = line.split_ascii_whitespace();
        let (Some(first), second) = (words.next(), words.next()) else { continue };
        if let Some(field) = first.strip_suffix(':') {
            // Pages of its own, in memory or swapped out: not the file's any more.
            if at_library && matches!(field, "Anonymous" | "Swap") && second != Some("0") {
                found.pop();
                at_library = false;
            }
            continue;
        }
        at_library = false;
        let (Some((start, end)), Some(mode)) = (first.split_once('-'), second) else { continue };
        let (Ok(start), Ok(end)) = (usize::from_str_radix(start, 16), usize::from_str_radix(end, 16)) else { continue };
        let path = words.nth(3).unwrap_or_default();
        if matches!(mode, "r--p" | "r-xp") && path.starts_with('/') && path.contains(".so") {
            found.push(start..end);
            at_library = true;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unwritten_parts_of_libraries_are_given_back() {
        let smaps = "\
1000-2000 r--p 00000000 fe:00 1 /lib/libtorch_cpu.so
Rss: 4 kB
Anonymous: 0 kB
Swap: 0 kB
2000-3000 r-xp 00001000 fe:00 1 /lib/libc.so.6
Anonymous: 0 kB
Swap: 0 kB
3000-4000 r--p 00002000 fe:00 1 /lib/relocated.so
Anonymous: 4 kB
Swap: 0 kB
4000-5000 r--p 00002000 fe:00 1 /lib/swapped.so
Anonymous: 0 kB
Swap: 4 kB
5000-6000 rw-p 00003000 fe:00 1 /lib/written.so
Anonymous: 0 kB
6000-7000 r-xp 00000000 fe:00 2 /bin/faceprobe
Anonymous: 0 kB
7000-8000 rw-p 00000000 00:00 0 [heap]
Anonymous: 4 kB
8000-9000 r--p 00000000 00:00 0
Anonymous: 0 kB
";
        let found = unwritten(smaps.lines().map(str::to_owned));
        assert_eq!(found, [0x1000..0x2000, 0x2000..0x3000]);
    }
}
