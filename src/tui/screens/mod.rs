//! One file per screen: its own state, what its keys do, how it is drawn.

pub mod curves;
pub mod data;
pub mod evaluate;
pub mod features;
pub mod predict;
pub mod predict_view;
pub mod probe;
pub mod ranking;
pub mod results;
pub mod runs;
pub mod sheet;
pub mod train;
