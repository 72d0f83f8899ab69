//! The subjects: everything that is the same in all pictures of one subject.
//!
//! No single trait determines the class of a subject. Each cue is a normal variable whose mean differs slightly between
//! the classes, two traits depend on the class only jointly, and everything else (skin, hair colour, glasses, age, head
//! proportions) is independent of the class.

use super::colour::Rgb;
use super::draws::Draws;

/// The age groups of Adience, how often each occurs in it (per thousand), and the years it spans.
pub(super) const AGE_GROUPS: [(&str, f32, [f32; 2]); 8] = [
    ("(0, 2)", 130.0, [0.0, 2.0]),
    ("(4, 6)", 111.0, [4.0, 6.0]),
    ("(8, 12)", 110.0, [8.0, 12.0]),
    ("(15, 20)", 85.0, [15.0, 20.0]),
    ("(25, 32)", 255.0, [25.0, 32.0]),
    ("(38, 43)", 120.0, [38.0, 43.0]),
    ("(48, 53)", 94.0, [48.0, 53.0]),
    ("(60, 100)", 95.0, [60.0, 85.0]),
];

/// How far the class means of each cue lie apart, in standard deviations of the cue.
const SHIFT: Cues = Cues {
    jaw: 0.9,
    chin: 0.9,
    brow_weight: 1.0,
    brow_height: -0.8,
    lips: -0.9,
    eyes: -0.8,
    nose: 0.7,
    neck: 0.8,
    shadow: 0.7,
    hair_length: -0.9,
};

/// Chance that the tied pair of traits agrees in class 0; in class 1 it disagrees as often.
const TIED: f32 = 0.85;

/// The traits that carry the class, each in standard deviations from its mean over both classes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cues {
    pub jaw: f32,
    /// From pointed to square.
    pub chin: f32,
    pub brow_weight: f32,
    /// Distance of the brow from the eye.
    pub brow_height: f32,
    /// Fullness of the lips.
    pub lips: f32,
    pub eyes: f32,
    /// Width of the nose.
    pub nose: f32,
    pub neck: f32,
    /// Darkness of lip, cheek and chin.
    pub shadow: f32,
    pub hair_length: f32,
}

impl Cues {
    fn of(class: usize, draws: &mut Draws) -> Self {
        let side = if class == 1 { 0.5 } else { -0.5 };
        let mut cue = |shift: f32| (side * shift + draws.normal()).clamp(-2.4, 2.4);
        Self {
            jaw: cue(SHIFT.jaw),
            chin: cue(SHIFT.chin),
            brow_weight: cue(SHIFT.brow_weight),
            brow_height: cue(SHIFT.brow_height),
            lips: cue(SHIFT.lips),
            eyes: cue(SHIFT.eyes),
            nose: cue(SHIFT.nose),
            neck: cue(SHIFT.neck),
            shadow: cue(SHIFT.shadow),
            hair_length: cue(SHIFT.hair_length),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Glasses {
    Round,
    Square,
    Rimless,
}

/// One subject.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Person {
    /// The label the cues were drawn for: 0 is `f`, 1 is `m`.
    pub class: usize,
    /// Index into [`AGE_GROUPS`].
    pub age_group: usize,
    pub years: f32,
    pub cues: Cues,
    /// Hair over the forehead; tied to `curly` (see [`TIED`]).
    pub fringe: bool,
    pub curly: bool,
    pub skin: Rgb,
    pub hair: Rgb,
    pub iris: Rgb,
    pub brow: Rgb,
    pub lip: Rgb,
    /// 0 for a full head of hair, 1 for none on top.
    pub bald: f32,
    /// 0 for clean shaven, 1 for a dense beard.
    pub beard: f32,
    pub moustache: bool,
    pub glasses: Option<Glasses>,
    pub frame: Rgb,
    pub freckles: usize,
    pub part: f32,
    pub bun: bool,
    pub volume: f32,
    pub head_width: f32,
    pub eye_spacing: f32,
    pub eye_slant: f32,
    pub nose_length: f32,
    pub mouth_width: f32,
    pub ears: f32,
    pub brow_arch: f32,
    /// Draws the same strands, curls and freckles in every picture.
    pub texture: u64,
}

const SKIN: [[f32; 3]; 8] = [
    [0.98, 0.86, 0.77],
    [0.95, 0.79, 0.68],
    [0.91, 0.73, 0.58],
    [0.83, 0.64, 0.48],
    [0.74, 0.54, 0.39],
    [0.62, 0.43, 0.30],
    [0.48, 0.32, 0.23],
    [0.36, 0.24, 0.18],
];

const HAIR: [[f32; 3]; 9] = [
    [0.07, 0.06, 0.06],
    [0.13, 0.09, 0.07],
    [0.22, 0.14, 0.09],
    [0.33, 0.21, 0.13],
    [0.45, 0.29, 0.17],
    [0.62, 0.45, 0.26],
    [0.80, 0.66, 0.42],
    [0.55, 0.23, 0.11],
    [0.38, 0.13, 0.08],
];

const IRIS: [[f32; 3]; 6] = [
    [0.25, 0.15, 0.08],
    [0.36, 0.22, 0.11],
    [0.42, 0.36, 0.18],
    [0.28, 0.42, 0.28],
    [0.29, 0.45, 0.60],
    [0.42, 0.48, 0.52],
];

impl Person {
    /// The subject number `index` of a sample.
    pub fn of(seed: u64, index: u64, class: usize) -> Self {
        let draws = &mut Draws::of(seed, "person", index);
        let cues = Cues::of(class, draws);
        let age_group = age_group(draws);
        let [youngest, oldest] = AGE_GROUPS[age_group].2;
        let years = draws.between(youngest, oldest);
        let child = years < 14.0;

        let fringe = draws.chance(0.5);
        let agree = draws.chance(if class == 0 { TIED } else { 1.0 - TIED });
        let curly = fringe == agree;

        let tone = draws.between(0.0, SKIN.len() as f32 - 1.001);
        let skin = Rgb(SKIN[tone as usize]).mix(Rgb(SKIN[tone as usize + 1]), tone.fract());
        let grey = ((years - 38.0) / 35.0 + 0.2 * draws.normal()).clamp(0.0, 1.0) * f32::from(years > 30.0);
        let natural = if draws.chance(0.06) {
            Rgb([draws.unit(), draws.unit(), draws.unit()]).mix(Rgb([0.5, 0.3, 0.5]), 0.4)
        } else {
            Rgb(draws.pick(&HAIR)).shade(draws.between(0.85, 1.15))
        };
        let hair = natural.mix(Rgb([0.80, 0.79, 0.77]).shade(draws.between(0.8, 1.1)), grey * 0.9);
        let bald = if years > 28.0 && draws.chance(0.16) { draws.between(0.4, 1.0) } else { 0.0 };
        let beard = if years > 19.0 && draws.chance(0.14) { draws.between(0.35, 1.0) } else { 0.0 };
        Self {
            class,
            age_group,
            years,
            cues,
            fringe,
            curly,
            skin,
            hair,
            iris: Rgb(draws.pick(&IRIS)).shade(draws.between(0.8, 1.3)),
            brow: natural.mix(skin.shade(0.4), 0.35).mix(Rgb([0.6, 0.6, 0.6]), grey * 0.6).shade(0.8),
            lip: skin.mix(Rgb([0.70, 0.25, 0.27]), draws.between(0.25, 0.6)),
            bald,
            beard,
            moustache: years > 19.0 && draws.chance(0.10),
            glasses: draws
                .chance(if child { 0.08 } else { 0.26 })
                .then(|| draws.pick(&[Glasses::Round, Glasses::Square, Glasses::Rimless])),
            frame: Rgb(draws.pick(&[[0.08, 0.08, 0.09], [0.35, 0.2, 0.1], [0.55, 0.1, 0.12], [0.2, 0.25, 0.45]])),
            freckles: if draws.chance(0.18) { 14 + draws.below(22) } else { 0 },
            part: draws.between(-0.45, 0.45),
            bun: draws.chance(0.10),
            volume: draws.between(0.07, 0.24),
            head_width: 0.75 + 0.03 * draws.normal() + if child { 0.045 } else { 0.0 },
            eye_spacing: 0.335 + 0.016 * draws.normal(),
            eye_slant: 0.05 * draws.normal(),
            nose_length: draws.between(0.28, 0.40) - if child { 0.06 } else { 0.0 },
            mouth_width: 0.27 + 0.025 * draws.normal(),
            ears: draws.between(0.8, 1.2),
            brow_arch: draws.between(0.2, 1.2),
            texture: draws.bits(),
        }
    }

    /// 1 for a newborn, 0 from sixteen years on: how childlike the proportions are.
    pub fn childlike(&self) -> f32 {
        (1.0 - self.years / 16.0).clamp(0.0, 1.0)
    }

    /// 0 up to thirty years, 1 from seventy on: how deep the wrinkles are.
    pub fn wrinkled(&self) -> f32 {
        ((self.years - 30.0) / 40.0).clamp(0.0, 1.0)
    }
}

fn age_group(draws: &mut Draws) -> usize {
    let total: f32 = AGE_GROUPS.iter().map(|group| group.1).sum();
    let mut left = draws.unit() * total;
    AGE_GROUPS
        .iter()
        .position(|group| {
            left -= group.1;
            left < 0.0
        })
        .unwrap_or(AGE_GROUPS.len() - 1)
}
