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
        self.is_dead_for(&Self::this(), started)
    }

    fn is_dead_for(&self, this: &Self, started: impl Fn(u32) -> Option<u64>) -> bool {
        if self.machine != this.machine || this.start == 0 {
            return false;
        }
        self.boot != this.boot || started(self.pid) != Some(self.start)
    }
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
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the program's name in parentheses and may contain anything; the start time is the 22nd.
    stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{Owner, started};

    #[test]
    fn only_a_process_known_to_be_gone_is_dead() {
        let this = Owner { machine: 7, boot: 3, pid: 100, start: 5_000 };
        let running = |pid: u32| (pid == 100 || pid == 200).then_some(5_000);
        let dead = |owner: Owner| owner.is_dead_for(&this, running);
        assert!(!dead(this));
        assert!(!dead(Owner { pid: 200, ..this }));
        assert!(dead(Owner { pid: 201, ..this }), "no such process");
        assert!(dead(Owner { pid: 200, start: 4_000, ..this }), "its number was given to another");
        assert!(dead(Owner { boot: 4, ..this }), "the machine was started anew");
        assert!(!dead(Owner { machine: 8, pid: 201, ..this }), "another machine");
        assert!(
            !Owner { pid: 201, ..this }.is_dead_for(&Owner { start: 0, ..this }, |_| None),
            "the system does not say"
        );
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
