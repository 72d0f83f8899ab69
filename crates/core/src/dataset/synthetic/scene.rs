//! The scene: everything that differs between pictures of the same subject. Independent of the class.

use super::colour::Rgb;
use super::draws::Draws;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Backdrop {
    Plain,
    Lights,
    Blocks,
    Stripes,
    Leaves,
    Horizon,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Neckline {
    Round,
    Vee,
    Collar,
    Turtle,
    Scarf,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Pattern {
    None,
    Stripes,
    Dots,
    Buttons,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Hat {
    Beanie,
    Cap,
    Brim,
}

/// Pose, expression, clothes, surroundings, light and camera of one picture.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scene {
    /// Rotation in the picture plane, degrees.
    pub tilt: f32,
    /// Turn of the head to the side, -1 to 1 (about 30 degrees).
    pub yaw: f32,
    /// Nod, -1 to 1.
    pub pitch: f32,
    /// Centre of the face, in parts of the picture.
    pub centre: [f32; 2],
    /// Half the height of the head, in parts of the picture.
    pub scale: f32,
    pub smile: f32,
    pub mouth_open: f32,
    pub eyes_open: f32,
    pub gaze: [f32; 2],
    pub brow_lift: f32,
    pub backdrop: Backdrop,
    pub backdrop_colours: [Rgb; 3],
    pub clothes: Rgb,
    pub clothes_accent: Rgb,
    pub neckline: Neckline,
    pub pattern: Pattern,
    pub hat: Option<Hat>,
    pub hat_colour: Rgb,
    /// Where the light comes from: unit vector in the picture plane.
    pub light: [f32; 2],
    /// 0 for flat light, 1 for one side in shadow.
    pub contrast: f32,
    /// Factors on red, green and blue: warm or cold light and exposure.
    pub tint: [f32; 3],
    pub gamma: f32,
    /// Deviation of the Gaussian blur in parts of the picture.
    pub blur: f32,
    /// Deviation of the sensor noise in grey levels.
    pub noise: f32,
    pub jpeg_quality: u8,
    /// Draws the shapes of the backdrop and the noise.
    pub texture: u64,
}

impl Scene {
    /// The picture number `index` of a sample.
    pub fn of(seed: u64, index: u64) -> Self {
        let draws = &mut Draws::of(seed, "scene", index);
        let angle = draws.between(0.0, std::f32::consts::TAU);
        let warmth = 0.07 * draws.normal();
        let exposure = 1.0 + 0.09 * draws.normal();
        Self {
            tilt: (5.0 * draws.normal()).clamp(-16.0, 16.0),
            yaw: (0.38 * draws.normal()).clamp(-1.0, 1.0),
            pitch: (0.3 * draws.normal()).clamp(-0.8, 0.8),
            centre: [0.5 + 0.022 * draws.normal(), 0.475 + 0.02 * draws.normal()],
            scale: (0.285 + 0.02 * draws.normal()).clamp(0.23, 0.34),
            smile: draws.between(-0.3, 1.0),
            mouth_open: if draws.chance(0.3) { draws.between(0.2, 1.0) } else { 0.0 },
            eyes_open: draws.between(0.7, 1.1),
            gaze: [0.4 * draws.normal(), 0.25 * draws.normal()],
            brow_lift: 0.4 * draws.normal(),
            backdrop: draws.pick(&[
                Backdrop::Plain,
                Backdrop::Lights,
                Backdrop::Blocks,
                Backdrop::Stripes,
                Backdrop::Leaves,
                Backdrop::Horizon,
            ]),
            backdrop_colours: std::array::from_fn(|_| Rgb::any(draws)),
            clothes: Rgb::any(draws),
            clothes_accent: Rgb::any(draws),
            neckline: draws.pick(&[
                Neckline::Round,
                Neckline::Vee,
                Neckline::Collar,
                Neckline::Turtle,
                Neckline::Scarf,
            ]),
            pattern: draws.pick(&[Pattern::None, Pattern::None, Pattern::Stripes, Pattern::Dots, Pattern::Buttons]),
            hat: draws.chance(0.08).then(|| draws.pick(&[Hat::Beanie, Hat::Cap, Hat::Brim])),
            hat_colour: Rgb::any(draws),
            light: [angle.cos(), angle.sin()],
            contrast: draws.between(0.0, 0.75),
            tint: [exposure + warmth, exposure, exposure - warmth],
            gamma: draws.between(0.8, 1.25),
            blur: draws.between(0.0, 0.0045),
            noise: draws.between(0.5, 7.0),
            jpeg_quality: 80 + draws.below(12) as u8,
            texture: draws.bits(),
        }
    }
}
