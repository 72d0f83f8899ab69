//! Charts as instruments: what places points, zooms, smooths and looks values up is pure and lies in files of its own;
//! [`lines::render`] draws.

pub mod clock;
pub mod lines;
pub mod lookup;
pub mod scale;
pub mod scatter;
pub mod smoothing;
mod stroke;
pub mod window;
