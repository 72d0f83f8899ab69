//! A pixmap drawn on in face units: (0, 0) is the middle of the face, y points down, 1 is half the head's height.

use super::colour::Rgb;
use tiny_skia::{
    Color, FillRule, GradientStop, LineCap, LineJoin, LinearGradient, Mask, Paint, Path, PathBuilder, Pixmap, Point,
    RadialGradient, Rect, Shader, SpreadMode, Stroke, Transform,
};

/// What is drawn on. Shapes that come out degenerate are left out, as a raster library does.
pub(super) struct Canvas {
    pixmap: Pixmap,
    /// Face units to pixels.
    to_pixels: Transform,
    /// Where drawing is allowed; everywhere if none.
    clip: Option<Mask>,
}

impl Canvas {
    /// A canvas whose units are the picture's own width and height (0 to 1) until [`Canvas::place`] is called.
    pub fn new(size: u32) -> Option<Self> {
        let pixmap = Pixmap::new(size, size)?;
        let size = size as f32;
        Some(Self { pixmap, to_pixels: Transform::from_scale(size, size), clip: None })
    }

    /// From here on one unit is `scale` of the picture's width, turned by `tilt` degrees, with its origin at `centre`.
    pub fn place(&mut self, centre: [f32; 2], scale: f32, tilt: f32) {
        let size = self.pixmap.width() as f32;
        self.to_pixels = Transform::from_scale(size * scale, size * scale)
            .post_rotate(tilt)
            .post_translate(centre[0] * size, centre[1] * size);
    }

    pub fn finish(self) -> Pixmap {
        self.pixmap
    }

    /// Draws only inside `path` until [`Canvas::unclip`].
    pub fn clip(&mut self, path: &Option<Path>) {
        let mask = Mask::new(self.pixmap.width(), self.pixmap.height());
        self.clip = match (mask, path) {
            (Some(mut mask), Some(path)) => {
                mask.fill_path(path, FillRule::Winding, true, self.to_pixels);
                Some(mask)
            }
            _ => None,
        };
    }

    pub fn unclip(&mut self) {
        self.clip = None;
    }

    pub fn fill(&mut self, path: &Option<Path>, colour: Rgb, alpha: f32) {
        self.shade(path, Some(Shader::SolidColor(colour.ink(alpha))));
    }

    /// Fills with a linear gradient between two points.
    pub fn fill_between(&mut self, path: &Option<Path>, from: ([f32; 2], Color), to: ([f32; 2], Color)) {
        let stops = vec![GradientStop::new(0.0, from.1), GradientStop::new(1.0, to.1)];
        let point = |[x, y]: [f32; 2]| Point::from_xy(x, y);
        self.shade(
            path,
            LinearGradient::new(point(from.0), point(to.0), stops, SpreadMode::Pad, Transform::identity()),
        );
    }

    /// A soft elliptic spot that fades to nothing at its rim.
    pub fn glow(&mut self, centre: [f32; 2], radius: [f32; 2], colour: Rgb, alpha: f32) {
        let stops = vec![
            GradientStop::new(0.0, colour.ink(alpha)),
            GradientStop::new(0.55, colour.ink(alpha * 0.45)),
            GradientStop::new(1.0, colour.ink(0.0)),
        ];
        let squeeze = Transform::from_scale(1.0, radius[1] / radius[0]).post_translate(centre[0], centre[1]);
        let origin = Point::from_xy(0.0, 0.0);
        let shader = RadialGradient::new(origin, 0.0, origin, radius[0], stops, SpreadMode::Pad, squeeze);
        self.shade(&oval(centre, radius), shader);
    }

    pub fn line(&mut self, path: &Option<Path>, colour: Rgb, alpha: f32, width: f32) {
        let Some(path) = path else { return };
        let stroke = Stroke { width, line_cap: LineCap::Round, line_join: LineJoin::Round, ..Stroke::default() };
        let paint = paint(Shader::SolidColor(colour.ink(alpha)));
        self.pixmap.stroke_path(path, &paint, &stroke, self.to_pixels, self.clip.as_ref());
    }

    fn shade(&mut self, path: &Option<Path>, shader: Option<Shader>) {
        if let (Some(path), Some(shader)) = (path, shader) {
            self.pixmap.fill_path(path, &paint(shader), FillRule::Winding, self.to_pixels, self.clip.as_ref());
        }
    }
}

fn paint(shader: Shader) -> Paint {
    Paint { shader, anti_alias: true, ..Paint::default() }
}

/// A closed smooth outline through all points (a Catmull-Rom spline).
pub(super) fn outline(points: &[[f32; 2]]) -> Option<Path> {
    spline(points, true)
}

/// An open smooth curve through all points.
pub(super) fn curve(points: &[[f32; 2]]) -> Option<Path> {
    spline(points, false)
}

fn spline(points: &[[f32; 2]], closed: bool) -> Option<Path> {
    let count = points.len();
    if count < 2 {
        return None;
    }
    let at = |i: isize| {
        let last = count as isize;
        points[if closed { i.rem_euclid(last) } else { i.clamp(0, last - 1) } as usize]
    };
    let mut path = PathBuilder::new();
    path.move_to(points[0][0], points[0][1]);
    for i in 0..(if closed { count } else { count - 1 }) as isize {
        let [before, from, to, after] = [at(i - 1), at(i), at(i + 1), at(i + 2)];
        path.cubic_to(
            from[0] + (to[0] - before[0]) / 6.0,
            from[1] + (to[1] - before[1]) / 6.0,
            to[0] - (after[0] - from[0]) / 6.0,
            to[1] - (after[1] - from[1]) / 6.0,
            to[0],
            to[1],
        );
    }
    if closed {
        path.close();
    }
    path.finish()
}

/// A closed polygon.
pub(super) fn polygon(points: &[[f32; 2]]) -> Option<Path> {
    let mut path = PathBuilder::new();
    for (i, &[x, y]) in points.iter().enumerate() {
        if i == 0 { path.move_to(x, y) } else { path.line_to(x, y) }
    }
    path.close();
    path.finish()
}

pub(super) fn oval([x, y]: [f32; 2], [across, down]: [f32; 2]) -> Option<Path> {
    PathBuilder::from_oval(Rect::from_ltrb(x - across, y - down, x + across, y + down)?)
}

/// The right half of a symmetric outline, from top to bottom, with its mirror image; points on the axis appear once.
pub(super) fn mirrored(right: &[[f32; 2]]) -> Vec<[f32; 2]> {
    let left = right.iter().rev().filter(|point| point[0].abs() > 1e-4).map(|&[x, y]| [-x, y]);
    right.iter().copied().chain(left).collect()
}
