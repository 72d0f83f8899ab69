//! The head itself: skull, ears, eyes, brows, nose, mouth, beard, wrinkles, glasses.

use super::canvas::{Canvas, curve, mirrored, outline, oval, polygon};
use super::colour::Rgb;
use super::draws::Draws;
use super::person::{Glasses, Person};
use super::scene::Scene;
use tiny_skia::Path;

/// The proportions of one head in one pose, in face units.
pub(super) struct Head {
    /// Half width at the temples.
    pub width: f32,
    /// Half width of the jaw.
    jaw: f32,
    /// Height of the eyes, the tip of the nose, the mouth and the chin.
    pub eyes: f32,
    nose: f32,
    mouth: f32,
    chin: f32,
    /// How far the features are moved aside by the turn of the head.
    turn: f32,
}

impl Head {
    pub fn of(person: &Person, scene: &Scene) -> Self {
        let small = person.childlike();
        let width = person.head_width;
        let eyes = -0.06 + 0.12 * small + 0.07 * scene.pitch;
        let nose = eyes + person.nose_length + 0.07;
        let chin = 1.0 - 0.05 * small;
        Self {
            width,
            jaw: (width - 0.17 + 0.03 * small) * (1.0 + 0.085 * person.cues.jaw),
            eyes,
            nose,
            mouth: nose + (chin - nose) * (0.44 + 0.02 * person.cues.chin) + 0.02 * scene.pitch,
            chin,
            turn: scene.yaw * 0.16,
        }
    }

    /// A point on the face, moved by the turn of the head: `depth` 1 for eyes and mouth, more for the nose.
    fn at(&self, x: f32, y: f32, depth: f32) -> [f32; 2] {
        let rim = (1.0 - (x / self.width).powi(2)).max(0.2);
        [x * (1.0 - self.turn.abs() * 0.35) + self.turn * depth * (0.6 + 0.4 * rim), y]
    }

    /// Where the middle of the forehead is seen.
    pub fn front(&self) -> f32 {
        self.turn * 1.2
    }

    fn around(&self, points: &[[f32; 2]], depth: f32) -> Vec<[f32; 2]> {
        points.iter().map(|&[x, y]| self.at(x, y, depth)).collect()
    }

    /// The outline of the skull.
    pub fn contour(&self, person: &Person) -> Option<Path> {
        let small = person.childlike();
        let square = 0.27 + 0.065 * person.cues.chin - 0.02 * small;
        let drop = self.chin;
        let mut points = mirrored(&[
            [0.0, -1.0],
            [0.42, -0.93],
            [self.width * 0.93, -0.58],
            [self.width, -0.15],
            [self.width * 0.975, 0.18],
            [self.jaw * 1.03, 0.56],
            [self.jaw * 0.8 + 0.01 * person.cues.chin, 0.78],
            [square, drop * 0.955],
            [0.0, drop * 1.01],
        ]);
        for point in &mut points {
            // The chin turns further than the skull.
            point[0] += self.turn * 0.35 * (point[1] + 0.4).max(0.0);
        }
        outline(&points)
    }
}

/// Everything of the head but its hair.
pub(super) fn head(canvas: &mut Canvas, person: &Person, scene: &Scene, head: &Head) {
    let skin = person.skin;
    for side in [-1.0, 1.0] {
        ear(canvas, person, head, side);
    }
    let contour = head.contour(person);
    canvas.fill(&contour, skin, 1.0);
    canvas.clip(&contour);
    let [lx, ly] = scene.light;
    let shadow = skin.shade(0.35).mix(Rgb([0.25, 0.05, 0.05]), 0.3);
    canvas.fill_between(
        &contour,
        ([lx * 0.2, ly * 0.2], shadow.ink(0.0)),
        ([-lx * 1.1, -ly * 1.2], shadow.ink(0.15 + 0.6 * scene.contrast)),
    );
    canvas.glow([lx * 0.35, -0.35 + ly * 0.3], [0.75, 0.8], Rgb([1.0, 0.97, 0.9]), 0.12 + 0.22 * scene.contrast);
    for side in [-1.0, 1.0] {
        let cheek = head.at(side * 0.42, head.eyes + 0.42, 1.0);
        canvas.glow(cheek, [0.26, 0.2], Rgb([0.85, 0.3, 0.25]), 0.16);
        canvas.glow(head.at(side * person.eye_spacing, head.eyes - 0.03, 1.0), [0.24, 0.17], shadow, 0.3);
        canvas.glow([side * head.width, 0.75], [0.4, 0.7], shadow, 0.25);
    }
    freckles(canvas, person, head);
    beard(canvas, person, head);
    wrinkles(canvas, person, scene, head);
    nose(canvas, person, scene, head);
    mouth(canvas, person, scene, head);
    canvas.unclip();
    for side in [-1.0, 1.0] {
        eye(canvas, person, scene, head, side);
        brow(canvas, person, scene, head, side);
    }
    if let Some(kind) = person.glasses {
        glasses(canvas, person, head, kind);
    }
}

fn ear(canvas: &mut Canvas, person: &Person, head: &Head, side: f32) {
    let hidden = (side * head.turn).max(0.0) * 1.2;
    let centre = [side * (head.width + 0.045 - hidden), head.eyes + 0.13];
    let size = [0.105, 0.2 * person.ears];
    canvas.fill(&oval(centre, size), person.skin.shade(0.86), 1.0);
    let inner = [centre[0] - side * 0.005, centre[1] + 0.01];
    canvas.glow(inner, [size[0] * 0.75, size[1] * 0.75], person.skin.shade(0.35), 0.6);
}

fn eye(canvas: &mut Canvas, person: &Person, scene: &Scene, head: &Head, side: f32) {
    let small = person.childlike();
    let half = (0.152 + 0.013 * person.cues.eyes) * (1.0 + 0.16 * small);
    let open = half * 0.52 * scene.eyes_open * (1.0 + 0.09 * person.cues.eyes) - 0.012 * scene.smile;
    let [x, y] = head.at(side * person.eye_spacing, head.eyes, 1.0);
    let slant = person.eye_slant * side * half * 2.0;
    let corner = |along: f32| [x + along * half, y - along * slant];
    let (left, right) = (corner(-1.0), corner(1.0));
    let upper = [[x - half * 0.45, y - open * 0.92], [x + half * 0.45, y - open * 0.92]];
    let lower = [[x + half * 0.45, y + open * 0.68], [x - half * 0.45, y + open * 0.68]];
    let ball = outline(&[left, upper[0], upper[1], right, lower[0], lower[1]]);
    canvas.fill(&ball, Rgb([0.95, 0.94, 0.92]), 1.0);
    canvas.clip(&ball);
    let iris = half * (0.50 + 0.05 * small);
    let centre = [x + scene.gaze[0] * half * 0.35, y - open * 0.08 + scene.gaze[1] * open * 0.3];
    canvas.fill(&oval(centre, [iris, iris]), person.iris.shade(0.55), 1.0);
    canvas.fill(&oval(centre, [iris * 0.82, iris * 0.82]), person.iris, 1.0);
    canvas.fill(&oval(centre, [iris * 0.46, iris * 0.46]), Rgb([0.03, 0.02, 0.02]), 1.0);
    let glint = [centre[0] + scene.light[0] * iris * 0.4, centre[1] - iris * 0.35];
    canvas.fill(&oval(glint, [iris * 0.2, iris * 0.2]), Rgb::WHITE, 0.9);
    canvas.glow([x, y - open], [half * 1.2, open * 0.9], Rgb::BLACK, 0.35);
    canvas.unclip();
    let lash = person.brow.mix(Rgb::BLACK, 0.6);
    canvas.line(&curve(&[left, upper[0], upper[1], right]), lash, 0.9, 0.026 + 0.004 * person.cues.eyes);
    canvas.line(&curve(&[right, lower[0], lower[1], left]), person.skin.shade(0.5), 0.5, 0.014);
    let fold = [left, [upper[0][0], upper[0][1] - 0.045], [upper[1][0], upper[1][1] - 0.045], right];
    canvas.line(&curve(&fold), person.skin.shade(0.45), 0.4, 0.014);
}

fn brow(canvas: &mut Canvas, person: &Person, scene: &Scene, head: &Head, side: f32) {
    let lift = 0.235 + 0.024 * person.cues.brow_height + 0.03 * scene.brow_lift;
    let thick = (0.036 + 0.010 * person.cues.brow_weight).max(0.012);
    let base = head.eyes - lift;
    let arch = 0.05 * person.brow_arch;
    let inner = person.eye_spacing - 0.175;
    let top = [
        [inner, base + 0.01],
        [inner + 0.14, base - arch],
        [inner + 0.27, base - arch * 0.9],
        [inner + 0.37, base + 0.035],
    ];
    let bottom = [
        [inner + 0.26, base - arch * 0.8 + thick * 1.3],
        [inner + 0.13, base - arch + thick * 1.9],
        [inner, base + thick * 2.2],
    ];
    let points: Vec<_> = top.into_iter().chain(bottom).map(|[x, y]| head.at(side * x, y, 1.0)).collect();
    canvas.fill(&outline(&points), person.brow, 0.9);
}

fn nose(canvas: &mut Canvas, person: &Person, scene: &Scene, head: &Head) {
    let half = (0.135 + 0.016 * person.cues.nose) * (1.0 - 0.12 * person.childlike());
    let dark = person.skin.shade(0.45);
    let shaded = if scene.light[0] > 0.0 { -1.0 } else { 1.0 };
    let tip = head.nose;
    let bridge = head.around(&[[shaded * 0.07, head.eyes - 0.08], [shaded * 0.055, head.eyes + 0.12]], 1.3);
    let wing = head.around(&[[shaded * half * 0.8, tip - 0.1], [shaded * half * 1.02, tip - 0.01]], 1.5);
    canvas.line(&curve(&[bridge[0], bridge[1], wing[0], wing[1]]), dark, 0.35, 0.022);
    canvas.glow(head.at(0.0, tip + 0.02, 1.5), [half * 1.7, 0.13], dark, 0.45);
    canvas.fill(&oval(head.at(0.0, tip - 0.045, 1.7), [half * 0.98, 0.095]), person.skin.shade(0.98), 0.55);
    canvas.glow(head.at(-shaded * 0.02, tip - 0.08, 1.8), [half * 0.7, 0.09], Rgb::WHITE, 0.35);
    for side in [-1.0, 1.0] {
        let outer = head.around(
            &[[side * half * 0.9, tip - 0.09], [side * half * 1.06, tip - 0.02], [side * half * 0.8, tip + 0.03]],
            1.5,
        );
        canvas.line(&curve(&outer), dark, 0.6, 0.018);
        canvas.fill(&oval(head.at(side * half * 0.48, tip + 0.025, 1.6), [half * 0.26, 0.022]), dark.shade(0.5), 0.8);
    }
}

fn mouth(canvas: &mut Canvas, person: &Person, scene: &Scene, head: &Head) {
    let half = person.mouth_width * (1.0 + 0.14 * scene.smile) * (1.0 - 0.12 * person.childlike());
    let full = (0.058 + 0.0135 * person.cues.lips).max(0.02) * (1.0 - 0.2 * scene.smile.max(0.0));
    let y = head.mouth;
    let rise = 0.065 * scene.smile;
    let gap = 0.085 * scene.mouth_open;
    let (left, right) = ([-half, y - rise], [half, y - rise]);
    let middle = |x: f32, down: f32| [x * half, y + down];
    if gap > 0.0 {
        let hole = [left, middle(-0.5, -0.015), middle(0.5, -0.015), right, middle(0.5, gap), middle(-0.5, gap)];
        let hole = outline(&head.around(&hole, 1.1));
        canvas.fill(&hole, Rgb([0.22, 0.06, 0.06]), 1.0);
        let teeth = [middle(-0.72, -0.03), middle(0.72, -0.03), middle(0.6, gap * 0.45), middle(-0.6, gap * 0.45)];
        canvas.fill(&outline(&head.around(&teeth, 1.1)), Rgb([0.95, 0.93, 0.89]), 1.0);
    }
    let upper = [
        left,
        middle(-0.45, -full * 0.8),
        middle(-0.13, -full),
        middle(0.0, -full * 0.78),
        middle(0.13, -full),
        middle(0.45, -full * 0.8),
        right,
        middle(0.4, 0.006),
        middle(0.0, 0.012),
        middle(-0.4, 0.006),
    ];
    canvas.fill(&outline(&head.around(&upper, 1.1)), person.lip.shade(0.86), 1.0);
    let lower = [
        left,
        middle(-0.4, gap + 0.004),
        middle(0.4, gap + 0.004),
        right,
        middle(0.5, gap + full * 1.05),
        middle(0.0, gap + full * 1.35),
        middle(-0.5, gap + full * 1.05),
    ];
    canvas.fill(&outline(&head.around(&lower, 1.1)), person.lip, 1.0);
    canvas.glow(head.at(0.0, y + gap + full * 0.7, 1.1), [half * 0.5, full * 0.5], Rgb::WHITE, 0.35);
    if gap == 0.0 {
        let seam = [left, middle(-0.4, 0.006), middle(0.0, 0.014), middle(0.4, 0.006), right];
        canvas.line(&curve(&head.around(&seam, 1.1)), person.lip.shade(0.4), 0.85, 0.018);
    }
    canvas.glow(head.at(0.0, y + gap + full * 1.9 + 0.03, 1.1), [half * 0.7, 0.07], person.skin.shade(0.4), 0.4);
}

fn freckles(canvas: &mut Canvas, person: &Person, head: &Head) {
    let draws = &mut Draws::of(person.texture, "freckles", 0);
    for _ in 0..person.freckles {
        let spot = head.at(draws.between(-0.5, 0.5), head.eyes + draws.between(0.18, 0.5), 1.0);
        let size = draws.between(0.008, 0.017);
        canvas.fill(&oval(spot, [size, size]), person.skin.mix(Rgb([0.5, 0.25, 0.1]), 0.6), 0.5);
    }
}

/// Shadow of the beard, and the beard itself where there is one.
fn beard(canvas: &mut Canvas, person: &Person, head: &Head) {
    let shade = person.brow.mix(person.skin.shade(0.4), 0.4);
    // The cue is a faint tone on every face; the dense beard below is drawn without looking at the class.
    let tone = (0.16 + 0.10 * person.cues.shadow).clamp(0.0, 0.45);
    canvas.glow(head.at(0.0, 0.86, 1.0), [0.62, 0.42], shade, tone);
    canvas.glow(head.at(0.0, head.mouth - 0.1, 1.1), [0.3, 0.1], shade, tone * 0.9);
    let colour = person.brow;
    if person.beard > 0.0 {
        let cheek = 0.30 - 0.25 * person.beard;
        let mut points = vec![[-0.9, cheek], [-0.9, 1.2], [0.9, 1.2], [0.9, cheek], [0.6, cheek + 0.22]];
        let lip = head.mouth - 0.06;
        points.extend([[0.36, lip], [0.15, lip - 0.1], [-0.15, lip - 0.1], [-0.36, lip], [-0.6, cheek + 0.22]]);
        canvas.fill(&outline(&head.around(&points, 0.8)), colour, 0.25 + 0.55 * person.beard);
        let draws = &mut Draws::of(person.texture, "beard", 0);
        for _ in 0..36 {
            let [x, y] = head.at(draws.between(-0.65, 0.65), draws.between(head.mouth, 1.0), 1.0);
            let hair = curve(&[[x, y], [x * 1.02, y + 0.09]]);
            canvas.line(&hair, colour.shade(draws.between(0.6, 1.5)), 0.35, 0.014);
        }
    }
    if person.moustache {
        let y = head.mouth - 0.075;
        let points =
            [[-0.26, y + 0.05], [-0.1, y - 0.04], [0.0, y - 0.015], [0.1, y - 0.04], [0.26, y + 0.05], [0.0, y + 0.04]];
        canvas.fill(&outline(&head.around(&points, 1.2)), colour, 0.85);
    }
}

fn wrinkles(canvas: &mut Canvas, person: &Person, scene: &Scene, head: &Head) {
    let age = person.wrinkled();
    let crease = person.skin.shade(0.42);
    for side in [-1.0, 1.0] {
        let cheek = [[side * 0.17, head.nose], [side * 0.29, head.nose + 0.13], [side * 0.33, head.mouth + 0.02]];
        let depth = 0.5 * age + 0.22 * scene.smile.max(0.0);
        canvas.line(&curve(&head.around(&cheek, 1.1)), crease, depth, 0.02);
        let bag = [[side * 0.2, head.eyes + 0.13], [side * 0.34, head.eyes + 0.17], [side * 0.47, head.eyes + 0.11]];
        canvas.line(&curve(&head.around(&bag, 1.0)), crease, 0.45 * age, 0.018);
        for i in -1i8..=1 {
            let slope = f32::from(i) * 0.05;
            let foot = [[side * 0.53, head.eyes + slope * 0.5], [side * 0.63, head.eyes + slope * 1.6]];
            canvas.line(&curve(&head.around(&foot, 0.9)), crease, 0.5 * age, 0.012);
        }
    }
    for i in 0..3u8 {
        let y = head.eyes - 0.40 - 0.1 * f32::from(i);
        let wide = 0.42 - 0.05 * f32::from(i);
        let furrow = [[-wide, y + 0.02], [-wide * 0.3, y], [wide * 0.4, y + 0.012], [wide, y + 0.03]];
        canvas.line(&curve(&head.around(&furrow, 0.9)), crease, 0.45 * age, 0.015);
    }
}

fn glasses(canvas: &mut Canvas, person: &Person, head: &Head, kind: Glasses) {
    let width = if kind == Glasses::Rimless { 0.016 } else { 0.036 };
    let colour = if kind == Glasses::Rimless { Rgb([0.55, 0.52, 0.48]) } else { person.frame };
    let y = head.eyes + 0.03;
    for side in [-1.0, 1.0] {
        let centre = head.at(side * person.eye_spacing, y, 1.15);
        let lens = match kind {
            Glasses::Round => oval(centre, [0.235, 0.225]),
            Glasses::Square | Glasses::Rimless => {
                let [x, y] = centre;
                let corner = |dx: f32, dy: f32| [x + dx * 0.25, y + dy * 0.175];
                polygon(&[
                    corner(-0.9, -1.0),
                    corner(0.95, -1.0),
                    corner(1.0, -0.2),
                    corner(0.8, 1.0),
                    corner(-0.75, 1.0),
                    corner(-1.0, -0.2),
                ])
            }
        };
        canvas.fill(&lens, Rgb([0.85, 0.92, 1.0]), 0.12);
        canvas.line(&lens, colour, 1.0, width);
        let hinge = head.at(side * (person.eye_spacing + 0.24), y - 0.06, 1.1);
        canvas.line(&curve(&[hinge, [side * (head.width + 0.01), y - 0.04]]), colour, 0.9, width);
    }
    let bridge = [head.at(-0.1, y - 0.02, 1.3), head.at(0.0, y - 0.06, 1.4), head.at(0.1, y - 0.02, 1.3)];
    canvas.line(&curve(&bridge), colour, 1.0, width);
}
