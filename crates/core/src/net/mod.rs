//! Files over HTTP(S): weights and data sets come this way.

mod client;
mod http;

pub use client::{Client, check_address};
pub use http::{Download, Fetched};
