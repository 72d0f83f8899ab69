//! Weights: reading every format as its own libraries do, names of every convention, import and fetch through the real
//! program, servers that misbehave, and hostile files. Fixtures: `fixtures/weights_reference.py`.

mod company;
mod files;
mod hostile;
mod http;
mod importing;
mod naming;
mod reading;
#[path = "../support/server.rs"]
mod server;
