//! A memory budget for large images, shared by all threads.

use std::collections::HashMap;
use std::sync::{Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

/// The budget of all large images together, in bytes; a larger image gets it alone.
const ALL: u64 = 1 << 30;
/// Smaller images are not counted: there is one per thread at any time, so their total is bounded too.
const LARGE: u64 = 32 << 20;

static SHARED: LazyLock<Budget> = LazyLock::new(|| Budget::new(ALL));

struct Budget {
    limit: u64,
    held: Mutex<HashMap<ThreadId, u64>>,
    freed: Condvar,
}

/// A reservation of the budget, released when it is dropped.
pub struct Room {
    budget: &'static Budget,
    owner: ThreadId,
    bytes: u64,
}

impl Room {
    /// Waits for the memory of an image that needs so many bytes; none for one that is not large.
    ///
    /// A thread that holds a large image already does not wait, since it might be waiting for itself.
    pub fn wait_for(bytes: u64) -> Option<Self> {
        (bytes >= LARGE).then(|| Self::wait_in(&SHARED, bytes))
    }

    fn wait_in(budget: &'static Budget, bytes: u64) -> Self {
        let owner = thread::current().id();
        let mut held = budget.held();
        while !budget.has_room(&held, owner, bytes) {
            held = budget.freed.wait(held).unwrap_or_else(PoisonError::into_inner);
        }
        *held.entry(owner).or_default() += bytes;
        Self { budget, owner, bytes }
    }

    /// Releases the part above `bytes`.
    pub fn shrink(&mut self, bytes: u64) {
        let bytes = bytes.min(self.bytes);
        self.budget.give_back(self.owner, self.bytes - bytes);
        self.bytes = bytes;
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.budget.give_back(self.owner, self.bytes);
    }
}

impl Budget {
    fn new(limit: u64) -> Self {
        Self { limit, held: Mutex::default(), freed: Condvar::new() }
    }

    /// Nothing panics while it is locked, so poisoning is ignored.
    fn held(&self) -> MutexGuard<'_, HashMap<ThreadId, u64>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has_room(&self, held: &HashMap<ThreadId, u64>, owner: ThreadId, bytes: u64) -> bool {
        let all: u64 = held.values().sum();
        all == 0 || all.saturating_add(bytes) <= self.limit || held.contains_key(&owner)
    }

    fn give_back(&self, owner: ThreadId, bytes: u64) {
        let mut held = self.held();
        if let Some(own) = held.get_mut(&owner) {
            *own = own.saturating_sub(bytes);
            if *own == 0 {
                held.remove(&owner);
            }
        }
        self.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};

    #[test]
    fn threads_together_keep_the_limit_and_one_that_needs_more_is_alone() {
        static BUDGET: LazyLock<Budget> = LazyLock::new(|| Budget::new(100));
        static HELD: AtomicU64 = AtomicU64::new(0);
        let work = |seed: u64| {
            for turn in 0..200 {
                let bytes = 20 + (seed * 31 + turn * 17) % 120;
                let mut room = Room::wait_in(&BUDGET, bytes);
                let all = HELD.fetch_add(bytes, Ordering::SeqCst) + bytes;
                assert!(all <= 100 || all == bytes, "{all} with {bytes}");
                // As when a file is decoded a second time.
                let second = (turn % 50 == 0).then(|| Room::wait_in(&BUDGET, 1));
                thread::yield_now();
                HELD.fetch_sub(bytes, Ordering::SeqCst);
                room.shrink(5);
                drop(second);
            }
        };
        thread::scope(|scope| (0..8).for_each(|seed| drop(scope.spawn(move || work(seed)))));
        assert!(BUDGET.held().is_empty());
    }

    #[test]
    fn a_thread_with_a_picture_never_waits_for_itself_and_room_comes_back_from_other_threads() {
        static BUDGET: LazyLock<Budget> = LazyLock::new(|| Budget::new(10));
        let first = Room::wait_in(&BUDGET, 10);
        let second = Room::wait_in(&BUDGET, 10);
        thread::spawn(move || drop((first, second))).join().unwrap();
        assert!(BUDGET.held().is_empty());
    }
}
