//! Draws a map of features as SVG or PNG.

use super::{Groups, Map};
use crate::error::{Error, Result};
use crate::imaging::{self, Pixels};
use crate::text::line;
use std::fmt::Write;
use tiny_skia::{FillRule, Paint, PathBuilder, Pixmap, Transform};

/// Colours of the groups: Okabe and Ito's palette, which is safe for colour-blind readers.
const COLOURS: [[u8; 3]; 8] = [
    [0, 114, 178],
    [230, 159, 0],
    [0, 158, 115],
    [204, 121, 167],
    [213, 94, 0],
    [86, 180, 233],
    [120, 120, 120],
    [160, 140, 40],
];

/// Side of the plot area, and its margin.
const SIDE: f64 = 720.0;
const MARGIN: f64 = 24.0;
/// Height of the legend.
const LEGEND: f64 = 36.0;
const RADIUS: f64 = 3.2;

/// The position of a point in the drawing.
fn placed(map: &Map) -> impl Iterator<Item = (f64, f64)> {
    let [(left, right), (low, high)] = map.bounds();
    let scale = SIDE / (right - left).max(high - low);
    // The same scale on both axes, centred.
    let (across, down) = ((SIDE - (right - left) * scale) / 2.0, (SIDE - (high - low) * scale) / 2.0);
    map.points
        .iter()
        .map(move |point| (MARGIN + across + (point.x - left) * scale, MARGIN + down + (high - point.y) * scale))
}

fn colour(group: usize) -> [u8; 3] {
    COLOURS[group % COLOURS.len()]
}

/// The name of a group's colour.
pub fn colour_name(group: usize) -> &'static str {
    ["blue", "orange", "green", "pink", "red", "light blue", "grey", "olive"][group % COLOURS.len()]
}

/// The map as a complete `svg` element, with a legend below.
pub fn svg(map: &Map, groups: &Groups) -> String {
    let escape =
        |text: &str| line(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    let (width, height) = (SIDE + 2.0 * MARGIN, SIDE + 2.0 * MARGIN + LEGEND);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         role=\"img\"><title>{}</title>\n<rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n",
        escape(&map.title())
    );
    for ((x, y), group) in placed(map).zip(&groups.of) {
        let [r, g, b] = colour(*group);
        let _ = writeln!(
            text,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{RADIUS}\" fill=\"#{r:02x}{g:02x}{b:02x}\" fill-opacity=\"0.7\"/>"
        );
    }
    let counts = groups.counts();
    let room = (width - 2.0 * MARGIN) / groups.names.len().max(1) as f64;
    for (at, name) in groups.names.iter().enumerate() {
        let [r, g, b] = colour(at);
        let (x, y) = (MARGIN + at as f64 * room, SIDE + 2.0 * MARGIN + LEGEND / 2.0);
        let _ = writeln!(
            text,
            "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"5\" fill=\"#{r:02x}{g:02x}{b:02x}\"/><text x=\"{:.1}\" y=\"{y:.1}\" \
             font-family=\"Helvetica, Arial, DejaVu Sans, sans-serif\" font-size=\"13\" fill=\"#333333\">{} ({})</text>",
            x + 5.0,
            y - 4.5,
            x + 15.0,
            escape(name),
            counts[at]
        );
    }
    text + "</svg>\n"
}

/// The bytes of a PNG file of the map, without text: the caller describes the colours.
///
/// # Errors
/// The encoder's error.
pub fn png(map: &Map, groups: &Groups) -> Result<Vec<u8>> {
    let side = (SIDE + 2.0 * MARGIN) as u32;
    let failed = || Error::failed("The picture of the map cannot be drawn.");
    let mut picture = Pixmap::new(side, side).ok_or_else(failed)?;
    picture.fill(tiny_skia::Color::WHITE);
    for ((x, y), group) in placed(map).zip(&groups.of) {
        let [r, g, b] = colour(*group);
        let mut paint = Paint { anti_alias: true, ..Paint::default() };
        paint.set_color_rgba8(r, g, b, 178);
        if let Some(circle) = PathBuilder::from_circle(x as f32, y as f32, RADIUS as f32) {
            picture.fill_path(&circle, &paint, FillRule::Winding, Transform::identity(), None);
        }
    }
    // White below everything, so that nothing is transparent.
    let rgb = picture.data().chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
    let pixels = Pixels::new(side as usize, side as usize, rgb).ok_or_else(failed)?;
    imaging::png(&pixels).map_err(|reason| Error::failed(format!("The picture of the map {reason}.")))
}
