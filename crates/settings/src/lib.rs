//! Declares settings once and derives everything else from the declaration.
//!
//! A structure of settings is declared with [`settings!`]. Each setting has a name, a type, a default, one sentence of
//! help (its doc comment) and a domain. Command-line options, form fields, words in tables, keys of study files and
//! stored JSON are derived from these declarations: by the functions of this crate for a structure known at compile
//! time, else through [`Schema`] and [`AnySettings`].
//!
//! ```
//! use faceprobe_settings::{Refusal, Rules, options, set_all, settings};
//!
//! settings! {
//!     /// A dense layer with dropout.
//!     pub struct Head {
//!         /// Units of the dense layer.
//!         width: usize = 1024, whole(1..=65_536).unit("units").headline();
//!         /// Share of the units dropped in training.
//!         dropout: f64 = 0.8, number(0.0..1.0);
//!         /// Stop after this many epochs without a better validation accuracy.
//!         patience: Option<usize> = None, whole(1..=1_000_000).unit("epochs");
//!         /// Seed of the first weights.
//!         seed: u64 = 1, any().seed();
//!     }
//! }
//! impl Rules for Head {}
//!
//! let head: Head = set_all(&[("width", "256")])?;
//! assert_eq!(options(&head), ["--width", "256"]);
//! let refused = set_all::<Head>(&[("width", "1000000")]).unwrap_err();
//! assert_eq!(refused.to_string(), "--width must be from 1 to 65,536 units, not 1000000");
//! # Ok::<(), Refusal>(())
//! ```
//!
//! Every value has a text form, and parsing that text gives the same value.

#![cfg_attr(not(test), deny(clippy::unwrap_used))]

mod control;
mod domain;
mod erased;
mod json;
mod macros;
mod operations;
mod refusal;
pub mod stated;
mod statement;
mod value;

pub use control::is_control;
pub use domain::Domain;
pub use erased::{AnySettings, Schema};
pub use json::{from_map, set_value, text_of, to_keys, value_of};
pub use operations::{
    axes, axis_values, check, differences, faults, find, given, grid, infos, key, nearest, options, read, set, set_all,
    to_pairs, words,
};
pub use refusal::{Refusal, label, option};
pub use statement::{Info, Role, Rules, Settings, Statement};
pub use value::{Choice, SettingValue};

/// What the macros name.
#[doc(hidden)]
pub mod private {
    pub use crate::json::{deserialize, serialize};
    pub use crate::value::{choice_domain, choice_named};
    pub use serde;
}
