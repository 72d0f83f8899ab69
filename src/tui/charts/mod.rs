//! Interactive charts. Scaling, zooming, smoothing and looking values up are pure and have modules of their own;
//! [`lines::render`] draws.

pub mod clock;
pub mod lines;
pub mod lookup;
pub mod scale;
pub mod scatter;
pub mod smoothing;
mod stroke;
pub mod window;
