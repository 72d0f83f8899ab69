//! Assigns chunks to streams and limits how far they may run ahead of the writer.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Hands out chunk numbers in order. A chunk far ahead of the oldest unwritten one has to wait, which bounds the rows
/// in memory however long one image takes. The oldest chunk never waits, so there is no deadlock.
pub(super) struct ChunkQueue {
    state: Mutex<State>,
    room: Condvar,
    chunks: usize,
    ahead: usize,
}

struct State {
    next: usize,
    written: usize,
    closed: bool,
}

impl ChunkQueue {
    /// `chunks` chunks, at most `ahead` of which are in work or waiting to be written.
    pub fn new(chunks: usize, ahead: usize) -> Self {
        let state = State { next: 0, written: 0, closed: false };
        Self { state: Mutex::new(state), room: Condvar::new(), chunks, ahead: ahead.max(1) }
    }

    /// The next chunk, as soon as there is capacity for it; `None` when all are taken or the queue was closed.
    pub fn take(&self) -> Option<usize> {
        let mut state = self.lock();
        while !state.closed && state.next < self.chunks && state.next >= state.written + self.ahead {
            state = self.room.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.closed || state.next == self.chunks {
            return None;
        }
        state.next += 1;
        Some(state.next - 1)
    }

    /// Marks one more chunk as written.
    pub fn written(&self) {
        self.lock().written += 1;
        self.room.notify_all();
    }

    /// Stops handing out chunks; those in work may still be finished.
    pub fn close(&self) {
        self.lock().closed = true;
        self.room.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
