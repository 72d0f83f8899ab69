//! Runs on disk, their journal, the worker process, and how a client follows and controls it.
