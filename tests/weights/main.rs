//! Weights: every format against its own library, naming conventions, import and fetch through the real binary, bad
//! servers, and malicious files. Fixtures: `fixtures/weights_reference.py`.

mod company;
mod files;
mod hostile;
mod http;
mod importing;
mod naming;
mod reading;
#[path = "../support/server.rs"]
mod server;
