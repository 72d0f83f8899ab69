//! One file per screen: its own state, what its keys do, how it is drawn.

pub mod data;
pub mod features;
pub mod predict;
pub mod predict_view;
pub mod results;
pub mod train;
