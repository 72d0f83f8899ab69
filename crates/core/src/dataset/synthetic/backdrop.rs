//! What is behind and below the head: surroundings, neck, shoulders and clothes.

use super::canvas::{Canvas, curve, mirrored, outline, oval, polygon};
use super::colour::Rgb;
use super::draws::Draws;
use super::person::Person;
use super::scene::{Backdrop, Neckline, Pattern, Scene};

/// The surroundings; drawn in parts of the picture, before the head is placed.
pub(super) fn surroundings(canvas: &mut Canvas, scene: &Scene) {
    let draws = &mut Draws::of(scene.texture, "backdrop", 0);
    let [first, second, third] = scene.backdrop_colours;
    let whole = polygon(&[[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]);
    let lean = draws.between(-0.5, 0.5);
    canvas.fill_between(&whole, ([0.5 - lean, 0.0], first.ink(1.0)), ([0.5 + lean, 1.0], second.ink(1.0)));
    match scene.backdrop {
        Backdrop::Plain => {
            let spot = [draws.unit(), draws.between(0.0, 0.5)];
            canvas.glow(spot, [0.7, 0.6], first.mix(Rgb::WHITE, 0.5), 0.5);
        }
        Backdrop::Lights => {
            for _ in 0..12 {
                let radius = draws.between(0.03, 0.11);
                let colour = third.mix(Rgb::WHITE, draws.between(0.1, 0.8));
                let spot = [draws.unit(), draws.between(0.0, 0.75)];
                canvas.fill(&oval(spot, [radius, radius]), colour, draws.between(0.12, 0.4));
            }
        }
        Backdrop::Blocks => {
            for _ in 0..7 {
                let [x, y] = [draws.between(-0.1, 0.95), draws.between(-0.1, 0.8)];
                let [w, h] = [draws.between(0.08, 0.4), draws.between(0.1, 0.5)];
                let colour = third.shade(draws.between(0.5, 1.3));
                let block = polygon(&[[x, y], [x + w, y], [x + w, y + h], [x, y + h]]);
                canvas.fill(&block, colour, draws.between(0.15, 0.6));
            }
        }
        Backdrop::Stripes => {
            let (step, slope) = (draws.between(0.07, 0.2), draws.between(-0.4, 0.4));
            let mut x = -0.5 + step * draws.unit();
            while x < 1.5 {
                let stripe =
                    polygon(&[[x, 0.0], [x + step * 0.5, 0.0], [x + step * 0.5 + slope, 1.0], [x + slope, 1.0]]);
                canvas.fill(&stripe, third, 0.35);
                x += step;
            }
        }
        Backdrop::Leaves => {
            let green = third.mix(Rgb([0.25, 0.45, 0.2]), 0.7);
            for _ in 0..26 {
                let spot = [draws.unit(), draws.unit()];
                let size = [draws.between(0.03, 0.12), draws.between(0.02, 0.07)];
                canvas.fill(&oval(spot, size), green.shade(draws.between(0.5, 1.5)), 0.5);
            }
        }
        Backdrop::Horizon => {
            let level = draws.between(0.3, 0.65);
            let mut hills = vec![[-0.1, 1.1], [-0.1, level]];
            hills.extend((0..6).map(|i| [i as f32 / 5.0, level + draws.between(-0.08, 0.08)]));
            hills.extend([[1.1, level], [1.1, 1.1]]);
            let near = third.shade(0.6);
            canvas.fill_between(&outline(&hills), ([0.5, level], third.ink(1.0)), ([0.5, 1.0], near.ink(1.0)));
        }
    }
}

/// Neck, shoulders and clothes, in face units.
pub(super) fn body(canvas: &mut Canvas, person: &Person, scene: &Scene) {
    let small = person.childlike();
    let neck = (0.36 + 0.05 * person.cues.neck) * (1.0 - 0.22 * small);
    let shoulders = (1.42 + 0.05 * person.cues.neck) * (1.0 - 0.2 * small);
    let top = 1.30 - 0.08 * small;
    let skin = person.skin;

    let throat = [[neck * 0.98, 0.4], [neck, 0.95], [neck * 1.1, 1.22], [shoulders * 0.62, 1.5], [0.0, 2.1]];
    let throat = outline(&mirrored(&throat));
    canvas.fill(&throat, skin.shade(0.86), 1.0);
    canvas.clip(&throat);
    canvas.glow([0.05 * scene.yaw, 0.85], [0.62, 0.42], Rgb::BLACK, 0.5);
    canvas.unclip();

    let cloth = scene.clothes;
    let garment = mirrored(&[
        [0.0, top + 0.2],
        [neck * 1.15, top],
        [shoulders * 0.62, top + 0.16],
        [shoulders * 0.93, top + 0.34],
        [shoulders * 1.05, top + 0.75],
        [shoulders * 1.1, 3.2],
        [0.0, 3.4],
    ]);
    let garment = outline(&garment);
    let dark = cloth.shade(0.55).ink(1.0);
    canvas.fill_between(&garment, ([0.0, top], cloth.ink(1.0)), ([0.0, top + 1.0], dark));
    canvas.clip(&garment);
    pattern(canvas, scene, top);
    canvas.unclip();
    neckline(canvas, person, scene, neck, top);
}

fn pattern(canvas: &mut Canvas, scene: &Scene, top: f32) {
    let accent = scene.clothes_accent;
    match scene.pattern {
        Pattern::None => {}
        Pattern::Stripes => {
            for i in 0..6 {
                let y = top + 0.12 + 0.17 * i as f32;
                canvas.line(&curve(&[[-1.7, y + 0.25], [0.0, y + 0.1], [1.7, y + 0.25]]), accent, 0.8, 0.06);
            }
        }
        Pattern::Dots => {
            for i in 0..40 {
                let (row, column) = ((i / 8) as f32, (i % 8) as f32);
                let spot = [-1.4 + 0.4 * column + 0.2 * (row % 2.0), top + 0.15 + 0.17 * row];
                canvas.fill(&oval(spot, [0.045, 0.045]), accent, 0.85);
            }
        }
        Pattern::Buttons => {
            canvas.line(&curve(&[[0.0, top], [0.0, 3.0]]), Rgb::BLACK, 0.35, 0.02);
            for i in 0..4 {
                canvas.fill(&oval([0.05, top + 0.35 + 0.2 * i as f32], [0.03, 0.03]), accent, 0.9);
            }
        }
    }
}

fn neckline(canvas: &mut Canvas, person: &Person, scene: &Scene, neck: f32, top: f32) {
    let (skin, cloth) = (person.skin.shade(0.84), scene.clothes);
    let wide = neck * 1.15;
    match scene.neckline {
        Neckline::Round => {
            let hole = mirrored(&[[0.0, top - 0.25], [wide, top - 0.02], [wide * 0.7, top + 0.17], [0.0, top + 0.24]]);
            canvas.fill(&outline(&hole), skin, 1.0);
            let rim = [[-wide, top - 0.02], [-wide * 0.7, top + 0.17], [0.0, top + 0.24]];
            let rim: Vec<_> = rim.into_iter().chain([[wide * 0.7, top + 0.17], [wide, top - 0.02]]).collect();
            canvas.line(&curve(&rim), cloth.shade(0.7), 0.9, 0.045);
        }
        Neckline::Vee => {
            canvas.fill(&polygon(&[[-wide, top - 0.04], [wide, top - 0.04], [0.0, top + 0.6]]), skin, 1.0);
            canvas.line(
                &polygon(&[[-wide, top - 0.04], [0.0, top + 0.6], [wide, top - 0.04]]),
                cloth.shade(0.7),
                0.6,
                0.03,
            );
        }
        Neckline::Collar => {
            canvas.fill(&polygon(&[[-wide, top - 0.04], [wide, top - 0.04], [0.0, top + 0.36]]), skin, 1.0);
            let collar = scene.clothes_accent.mix(Rgb::WHITE, 0.5);
            for side in [-1.0, 1.0] {
                let flap = [
                    [side * wide, top - 0.14],
                    [0.0, top + 0.36],
                    [side * 0.24, top + 0.52],
                    [side * wide * 1.3, top + 0.1],
                ];
                canvas.fill(&polygon(&flap), collar, 1.0);
                canvas.line(&polygon(&flap), Rgb::BLACK, 0.25, 0.015);
            }
        }
        Neckline::Turtle => {
            let tube = mirrored(&[
                [0.0, top - 0.24],
                [wide * 0.96, top - 0.3],
                [wide * 1.02, top],
                [wide, top + 0.12],
                [0.0, top + 0.2],
            ]);
            canvas.fill(&outline(&tube), cloth.shade(0.88), 1.0);
            canvas.line(&curve(&[[-wide, top - 0.1], [0.0, top], [wide, top - 0.1]]), Rgb::BLACK, 0.2, 0.02);
        }
        Neckline::Scarf => {
            let shawl = scene.clothes_accent;
            for (drop, factor) in [(0.26, 0.8), (0.1, 1.0), (-0.04, 0.9)] {
                let roll = curve(&[
                    [-wide * 1.25, top - 0.1 + drop * 0.4],
                    [0.0, top + 0.12 + drop],
                    [wide * 1.25, top - 0.1 + drop * 0.4],
                ]);
                canvas.line(&roll, shawl.shade(factor), 1.0, 0.24);
            }
        }
    }
}
