//! Colours as the drawing mixes them.

use super::draws::Draws;
use tiny_skia::Color;

/// Red, green and blue, each 0 to 1 (values beyond are cut off when the colour is used).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rgb(pub [f32; 3]);

impl Rgb {
    pub const BLACK: Self = Self([0.0; 3]);
    pub const WHITE: Self = Self([1.0; 3]);

    /// A colour of any hue (0 to 1), with a saturation and a lightness of 0 to 1.
    pub fn of_hue(hue: f32, saturation: f32, lightness: f32) -> Self {
        let channel = |shift: f32| {
            let wheel = ((hue + shift).rem_euclid(1.0) * 6.0 - 3.0).abs() - 1.0;
            lightness * (1.0 + saturation * (wheel.clamp(0.0, 1.0) - 1.0))
        };
        Self([channel(0.0), channel(2.0 / 3.0), channel(1.0 / 3.0)])
    }

    /// Any colour, from pale to strong.
    pub fn any(draws: &mut Draws) -> Self {
        Self::of_hue(draws.unit(), draws.between(0.05, 0.7), draws.between(0.2, 0.95))
    }

    /// `share` of the other colour, the rest of this one.
    pub fn mix(self, other: Self, share: f32) -> Self {
        Self(std::array::from_fn(|i| self.0[i] + (other.0[i] - self.0[i]) * share))
    }

    /// Darker below 1, lighter above.
    pub fn shade(self, factor: f32) -> Self {
        Self(self.0.map(|value| value * factor))
    }

    /// The colour as tiny-skia takes it.
    pub fn ink(self, alpha: f32) -> Color {
        let [r, g, b] = self.0.map(|value| value.clamp(0.0, 1.0));
        Color::from_rgba(r, g, b, alpha.clamp(0.0, 1.0)).unwrap_or(Color::BLACK)
    }
}
