//! Downloads over HTTP(S), for weights and data sets.

mod client;
mod http;

pub use client::{Client, check_address};
pub use http::{Download, Fetched};
