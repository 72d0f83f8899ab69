//! Hair behind and in front of the head, and hats.

use super::canvas::{Canvas, curve, mirrored, outline, oval};
use super::colour::Rgb;
use super::draws::Draws;
use super::face::Head;
use super::person::Person;
use super::scene::{Hat, Scene};

/// Where the hair ends: about -0.1 (above the ears) to 1.8 (over the shoulders).
fn length(person: &Person) -> f32 {
    // A wide spread: short and long hair are common in both classes.
    (0.55 + 0.48 * person.cues.hair_length).clamp(-0.15, 1.75) * (1.0 - 0.75 * f32::from(person.years < 2.5))
}

fn volume(person: &Person) -> f32 {
    (person.volume + if person.curly { 0.07 } else { 0.0 }) * (1.0 - 0.55 * person.bald)
}

/// The hair that the head hides in part; drawn first.
pub(super) fn behind(canvas: &mut Canvas, person: &Person, head: &Head) {
    let (end, rise) = (length(person), volume(person));
    let wide = head.width + 0.05 + rise * 0.75;
    let dark = person.hair.shade(0.62);
    if person.bun && end < 1.0 {
        canvas.fill(&oval([person.part * 0.3, -1.05 - rise], [0.27, 0.24]), person.hair.shade(0.85), 1.0);
    }
    let top = if person.bald > 0.5 { -0.5 } else { -1.0 - rise };
    let flare = wide + 0.12 * (end - 0.3).max(0.0);
    let fall = |share: f32| -0.1 + (end + 0.1) * share;
    let mut side = vec![[0.0, top], [0.5, top + 0.08], [wide * 0.94, -0.6], [wide, -0.1]];
    if end > 0.1 {
        side.extend([[wide * 1.01, fall(0.4)], [flare, fall(0.8)], [flare * 0.86, end], [flare * 0.4, end + 0.06]]);
    } else {
        side.extend([[wide * 0.99, end + 0.1], [wide * 0.7, end + 0.22]]);
    }
    side.push([0.0, end.max(0.1)]);
    canvas.fill(&outline(&mirrored(&side)), dark, 1.0);
    let draws = &mut Draws::of(person.texture, "behind", 0);
    if person.curly {
        let steps = 5 + (4.0 * (end + 0.2).max(0.0)) as usize;
        for step in 0..=steps {
            let y = -0.7 + (end + 0.62) * step as f32 / steps as f32;
            for sign in [-1.0, 1.0] {
                let size = draws.between(0.10, 0.17);
                let spot = [sign * (flare.min(wide + 0.1) + draws.between(-0.09, 0.03)), y];
                canvas.fill(&oval(spot, [size, size]), dark.shade(draws.between(0.85, 1.25)), 1.0);
            }
        }
    } else if end > 0.3 {
        for strand in 0..16 {
            let x = wide * (0.72 + 0.28 * draws.unit()) * if strand % 2 == 0 { 1.0 } else { -1.0 };
            let hair = curve(&[[x * 0.95, -0.4], [x, fall(0.4)], [x * 1.04, fall(0.93)]]);
            canvas.line(&hair, person.hair.shade(draws.between(0.5, 1.25)), 0.45, 0.022);
        }
    }
}

/// The hair over the forehead and along the temples; drawn last.
pub(super) fn front(canvas: &mut Canvas, person: &Person, scene: &Scene, head: &Head) {
    let rise = volume(person);
    let wide = head.width + 0.03 + rise * 0.55;
    let draws = &mut Draws::of(person.texture, "front", 0);
    if person.bald > 0.75 {
        return;
    }
    let hairline = -0.66 - 0.2 * person.bald - 0.05 * person.childlike();
    let part = person.part;
    let temple = head.width * 0.93;
    let top = -1.0 - rise;
    let mut points = vec![[-wide, -0.08], [-wide, -0.45], [-wide * 0.72, top + 0.24], [-wide * 0.3, top + 0.03]];
    points.extend([[wide * 0.3, top + 0.03], [wide * 0.72, top + 0.24], [wide, -0.45], [wide, -0.08]]);
    points.extend([[temple * 1.01, -0.05], [temple * 0.97, -0.36]]);
    let low = head.eyes - 0.27;
    if person.fringe && person.bald == 0.0 {
        // Locks that end just above the brows.
        for lock in 0..6 {
            let x = temple * (0.82 - 0.33 * lock as f32);
            points.push([x, low - 0.06 + draws.between(-0.03, 0.03)]);
            points.push([x - temple * 0.16, low - 0.15]);
        }
    } else {
        points.extend([[temple * 0.78, hairline * 0.87], [part.max(0.0) + 0.2, hairline - 0.03]]);
        points.extend([
            [part, hairline - 0.12],
            [part.min(0.0) - 0.2, hairline - 0.02],
            [-temple * 0.78, hairline * 0.87],
        ]);
    }
    points.extend([[-temple * 0.97, -0.36], [-temple * 1.01, -0.05]]);
    let cap = outline(&points);
    let lit = person.hair.mix(Rgb::WHITE, 0.10 + 0.1 * scene.contrast).ink(1.0);
    canvas.fill_between(
        &cap,
        ([scene.light[0] * 0.6, top], lit),
        ([-scene.light[0] * 0.8, 0.1], person.hair.shade(0.75).ink(1.0)),
    );
    canvas.clip(&cap);
    if person.curly {
        for _ in 0..34 {
            let spot = [draws.between(-wide, wide), draws.between(top, -0.2)];
            let size = draws.between(0.06, 0.12);
            let colour = person.hair.shade(draws.between(0.6, 1.45));
            canvas.line(&oval(spot, [size, size]), colour, 0.6, 0.03);
        }
    } else {
        for strand in 0..26 {
            let sign = if strand % 2 == 0 { 1.0 } else { -1.0 };
            let reach = draws.between(0.1, 1.0) * wide;
            let from = [part + sign * 0.04, top + 0.02];
            let to = [sign * reach, if person.fringe { low } else { -0.35 } - 0.2 * draws.unit()];
            let bend = [(from[0] + to[0]) * 0.5 + sign * 0.1, top + 0.14 + 0.1 * draws.unit()];
            canvas.line(&curve(&[from, bend, to]), person.hair.shade(draws.between(0.55, 1.5)), 0.4, 0.02);
        }
    }
    canvas.unclip();
    if person.curly {
        for bump in 0..13 {
            let angle = std::f32::consts::PI * (bump as f32 + 0.5) / 13.0;
            let spot = [-angle.cos() * wide * 0.95, -0.28 + angle.sin() * (top + 0.36)];
            let size = draws.between(0.09, 0.15);
            canvas.fill(&oval(spot, [size, size]), person.hair.shade(draws.between(0.8, 1.2)), 1.0);
        }
    }
}

pub(super) fn hat(canvas: &mut Canvas, person: &Person, scene: &Scene, head: &Head, kind: Hat) {
    let wide = head.width + 0.07 + volume(person) * 0.5;
    let colour = scene.hat_colour;
    let dark = colour.shade(0.6);
    let crown =
        outline(&mirrored(&[[0.0, -1.36], [wide * 0.6, -1.24], [wide, -0.78], [wide * 1.02, -0.5], [0.0, -0.44]]));
    canvas.fill_between(&crown, ([scene.light[0], -1.2], colour.ink(1.0)), ([-scene.light[0], -0.5], dark.ink(1.0)));
    match kind {
        Hat::Beanie => {
            canvas.line(&curve(&[[-wide, -0.55], [0.0, -0.49], [wide, -0.55]]), colour.shade(0.8), 1.0, 0.2);
            canvas.fill(&oval([0.0, -1.42], [0.15, 0.14]), colour.mix(Rgb::WHITE, 0.4), 1.0);
        }
        Hat::Cap => {
            let x = head.front();
            let peak =
                [[x - 0.62, -0.56], [x, -0.68], [x + 0.62, -0.56], [x + 0.5, -0.38], [x, -0.32], [x - 0.5, -0.38]];
            canvas.fill(&outline(&peak), dark, 1.0);
        }
        Hat::Brim => {
            canvas.fill(&oval([0.0, -0.55], [wide * 1.55, 0.15]), dark, 1.0);
            canvas.line(&curve(&[[-wide, -0.72], [0.0, -0.65], [wide, -0.72]]), scene.clothes_accent, 1.0, 0.11);
        }
    }
}
