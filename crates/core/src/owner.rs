//! Identifies the process that a part or a temporary file belongs to, by its name.
//!
//! Writers of a store may be on several machines that share nothing but the folder, so there is no central numbering
//! and no reliable lock. Every writer has a unique name, and everything it writes carries that name.

use sha2::{Digest, Sha256};
use std::fmt;
use std::fs;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// A process on a machine: `MACHINE-BOOT-PID-START`, in hexadecimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Owner {
    /// Hash of the machine's name and the process' PID namespace: containers number their processes from 1.
    machine: u32,
    /// Hash of the boot id.
    boot: u32,
    pid: u32,
    /// Start time of the process, in ticks since boot; 0 if the system does not report it.
    start: u64,
}

impl Owner {
    /// This process.
    pub fn this() -> Self {
        static THIS: OnceLock<Owner> = OnceLock::new();
        *THIS.get_or_init(|| {
            let name = rustix::system::uname();
            let namespace = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
            let boot = fs::read("/proc/sys/kernel/random/boot_id").unwrap_or_default();
            let pid = std::process::id();
            let machine = [name.nodename().to_bytes(), namespace.as_os_str().as_encoded_bytes()].concat();
            Self { machine: short(&machine), boot: short(&boot), pid, start: started(pid).unwrap_or(0) }
        })
    }

    /// Parses the output of [`fmt::Display`] at the start of a name.
    pub fn parse(text: &str) -> Option<Self> {
        let mut fields = text.split('-');
        let mut word = || u32::from_str_radix(fields.next()?, 16).ok();
        let (machine, boot, pid) = (word()?, word()?, word()?);
        Some(Self { machine, boot, pid, start: u64::from_str_radix(fields.next()?, 16).ok()? })
    }

    /// Whether this process is known to be dead. For a process on another machine this is unknown.
    pub fn is_dead(&self) -> bool {
        self.known() == Some(false)
    }

    /// Whether this process lives, if that can be known here: it cannot of a process on another machine.
    pub fn known(&self) -> Option<bool> {
        self.known_by(&Self::this(), probe)
    }

    fn known_by(&self, this: &Self, probe: impl Fn(u32) -> Probe) -> Option<bool> {
        if self.machine != this.machine {
            return None;
        }
        if self.boot != this.boot {
            return Some(false);
        }
        match probe(self.pid) {
            Probe::Gone => Some(false),
            Probe::Started(start) if self.start != 0 => Some(start == self.start),
            Probe::Started(_) | Probe::Untold => None,
        }
    }
}

/// What the system tells of a process number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Probe {
    /// No process has it, or one that has ended and was not waited for.
    Gone,
    /// The process that has it started then.
    Started(u64),
    /// A process has it, and when that started is not told.
    Untold,
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}-{:08x}-{:x}-{:x}", self.machine, self.boot, self.pid, self.start)
    }
}

/// A name that no other writer uses, in this process or another.
pub(crate) fn writer_name() -> String {
    static WRITERS: AtomicU32 = AtomicU32::new(0);
    format!("{}-{:x}", Owner::this(), WRITERS.fetch_add(1, Ordering::Relaxed))
}

fn short(bytes: &[u8]) -> u32 {
    let digest = Sha256::digest(bytes);
    u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]])
}

/// The start time of a process on this machine; none if there is no such process, or the system does not report it.
fn started(pid: u32) -> Option<u64> {
    match probe(pid) {
        Probe::Started(start) => Some(start),
        Probe::Gone | Probe::Untold => None,
    }
}

fn probe(pid: u32) -> Probe {
    if let Some(told) = fs::read_to_string(format!("/proc/{pid}/stat")).ok().and_then(|stat| parse(&stat)) {
        return told;
    }
    // Where /proc is missing, or hides the processes of others.
    let there =
        i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw).map(rustix::process::test_kill_process);
    match there {
        Some(Ok(()) | Err(rustix::io::Errno::PERM)) => Probe::Untold,
        _ => Probe::Gone,
    }
}

/// Parses `/proc/PID/stat`.
fn parse(stat: &str) -> Option<Probe> {
    // The second field is the program's name in parentheses and may contain anything; the state is the third, the start
    // time the 22nd.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    match fields.next()? {
        "Z" | "X" | "x" => Some(Probe::Gone),
        _ => Some(Probe::Started(fields.nth(18)?.parse().ok()?)),
    }
}

#[cfg(test)]
mod tests {
    use super::{Owner, Probe, parse, started};

    #[test]
    fn only_a_process_known_to_be_gone_is_dead() {
        let this = Owner { machine: 7, boot: 3, pid: 100, start: 5_000 };
        let running = |pid: u32| match pid {
            100 | 200 => Probe::Started(5_000),
            300 => Probe::Untold,
            _ => Probe::Gone,
        };
        let known = |owner: Owner| owner.known_by(&this, running);
        assert_eq!(known(this), Some(true));
        assert_eq!(known(Owner { pid: 200, ..this }), Some(true));
        assert_eq!(known(Owner { pid: 201, ..this }), Some(false), "no such process");
        assert_eq!(known(Owner { pid: 200, start: 4_000, ..this }), Some(false), "its number was given to another");
        assert_eq!(known(Owner { boot: 4, ..this }), Some(false), "the machine was started anew");
        assert_eq!(known(Owner { machine: 8, pid: 201, ..this }), None, "another machine");
        assert_eq!(known(Owner { pid: 300, ..this }), None, "the system does not say");
    }

    #[test]
    fn a_process_that_has_ended_is_gone_though_nobody_waited_for_it() {
        let stat = |state: &str| format!("7 (a) b) {state} 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 654 1 2");
        assert_eq!(parse(&stat("S")), Some(Probe::Started(654)));
        assert_eq!((parse(&stat("Z")), parse("7 (a")), (Some(Probe::Gone), None));
        let mut child = std::process::Command::new("true").spawn().unwrap();
        while started(child.id()).is_some() {
            std::thread::yield_now();
        }
        child.wait().unwrap();
    }

    #[test]
    fn a_name_says_who_wrote() {
        let this = Owner::this();
        assert_eq!(Owner::parse(&this.to_string()), Some(this));
        assert_eq!(Owner::parse(&super::writer_name()), Some(this));
        assert_ne!(super::writer_name(), super::writer_name());
        assert_eq!(Owner::parse("abc"), None);
        assert!(!this.is_dead() && started(std::process::id()).is_some());
    }
}
