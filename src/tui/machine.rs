//! How busy the machine is, for the heading.

use std::path::Path;
use std::time::{Duration, Instant};

/// Between two looks at least.
const PAUSE: Duration = Duration::from_secs(2);

/// As the heading tells it: rounded, so that small changes are none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Machine {
    /// Busy processors, in percent of all; only while something is at work.
    pub processor: Option<u8>,
    /// Memory in use, in percent.
    pub memory: Option<u8>,
    /// Free on the disk of the workspace: `41 GB`.
    pub free: Option<String>,
}

/// What is measured now and then.
#[derive(Debug, Default)]
pub struct Gauge {
    looked: Option<Instant>,
    /// Busy and all time of the processors at the last look.
    before: Option<(u64, u64)>,
}

impl Gauge {
    /// Looks again, unless it did so a moment ago. `live` is whether something is at work.
    pub fn look(&mut self, workspace: &Path, live: bool, known: &mut Option<Machine>) {
        if let (false, Some(known)) = (live, known.as_mut()) {
            known.processor = None;
        }
        if self.looked.is_some_and(|looked| looked.elapsed() < PAUSE) {
            return;
        }
        // What was before a long pause tells nothing of now.
        if self.looked.is_some_and(|looked| looked.elapsed() > PAUSE * 3) {
            self.before = None;
        }
        self.looked = Some(Instant::now());
        let now = std::fs::read_to_string("/proc/stat").ok().and_then(|text| processors(&text));
        let processor = self.before.zip(now).and_then(|(before, now)| busy(before, now));
        self.before = now;
        let memory = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| memory(&text));
        let free = rustix::fs::statvfs(workspace).ok().map(|disk| gigabytes(disk.f_bavail * disk.f_frsize));
        *known = Some(Machine { processor: processor.filter(|_| live), memory, free });
    }
}

/// Busy and all time of the processors since the machine started.
fn processors(stat: &str) -> Option<(u64, u64)> {
    let times: Vec<u64> =
        stat.lines().next()?.strip_prefix("cpu ")?.split_whitespace().filter_map(|time| time.parse().ok()).collect();
    // user nice system idle iowait irq softirq steal; what guests took is in user already.
    let all: u64 = times.iter().take(8).sum();
    let idle = times.get(3)? + times.get(4)?;
    Some((all.checked_sub(idle)?, all))
}

fn busy(before: (u64, u64), now: (u64, u64)) -> Option<u8> {
    let (busy, all) = (now.0.checked_sub(before.0)?, now.1.checked_sub(before.1)?);
    (all > 0).then(|| (busy * 100 / all).min(100) as u8)
}

fn memory(meminfo: &str) -> Option<u8> {
    let kilobytes = |name: &str| -> Option<u64> {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        line.trim().trim_end_matches(" kB").parse().ok()
    };
    let (all, free) = (kilobytes("MemTotal")?, kilobytes("MemAvailable")?);
    (all > 0).then(|| (all.saturating_sub(free) * 100 / all).min(100) as u8)
}

fn gigabytes(bytes: u64) -> String {
    let size = bytes as f64 / 1e9;
    if size < 10.0 { format!("{size:.1} GB") } else { format!("{size:.0} GB") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_linux_tells_is_read_as_it_is_meant() {
        let stat = |user: u64, idle: u64| format!("cpu  {user} 0 10 {idle} 5 0 1 0 0 0\ncpu0 1 2 3 4\n");
        let (before, now) = (processors(&stat(100, 1000)).unwrap(), processors(&stat(175, 1025)).unwrap());
        assert_eq!(busy(before, now), Some(75));
        assert_eq!(busy(now, now), None);
        assert_eq!(busy(now, before), None, "a counter that went back tells nothing");
        assert_eq!(processors("intr 1 2"), None);
        let text = "MemTotal:       16000000 kB\nMemFree:  100 kB\nMemAvailable:   4000000 kB\n";
        assert_eq!(memory(text), Some(75));
        assert_eq!(memory("MemTotal: 1 kB"), None);
        assert_eq!((gigabytes(41_300_000_000), gigabytes(2_340_000_000)), ("41 GB".into(), "2.3 GB".into()));
    }
}
