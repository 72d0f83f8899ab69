//! One file per screen: its own state, what its keys do, how it is drawn.

pub mod data;
pub mod evaluate;
pub mod features;
pub mod predict;
pub mod predict_view;
pub mod results;
pub mod runs;
pub mod train;
