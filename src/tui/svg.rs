//! A drawn frame as an SVG picture: text that can be selected, colours as on the screen.

use super::theme::Palette;
use base64::engine::Engine;
use base64::engine::general_purpose::STANDARD;
use image::{ImageFormat, Rgba, RgbaImage};
use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use std::fmt::Write;
use std::io::Cursor;
use unicode_width::UnicodeWidthStr;

/// Pixels of a cell.
const CELL: (f64, f64) = (8.4, 17.0);
const MARGIN: f64 = 10.0;

/// The frame as an SVG document.
pub fn svg(buffer: &Buffer, palette: Palette) -> String {
    let (columns, rows) = (buffer.area.width, buffer.area.height);
    let (width, height) = (f64::from(columns) * CELL.0 + 2.0 * MARGIN, f64::from(rows) * CELL.1 + 2.0 * MARGIN);
    let (ground, text) = match palette {
        Palette::Light => ("#fdfdfb", "#1c1e22"),
        _ => ("#14161a", "#dfe3e8"),
    };
    let mut styles: Vec<String> = Vec::new();
    let mut body = String::new();
    let mut pixels: Option<RgbaImage> = None;
    for y in 0..rows {
        let mut x = 0;
        while x < columns {
            let start = x;
            let first = &buffer[(x, y)];
            if let Some([upper, lower]) = picture(first) {
                let canvas = pixels.get_or_insert_with(|| RgbaImage::new(u32::from(columns), u32::from(rows) * 2));
                canvas.put_pixel(u32::from(x), u32::from(y) * 2, upper);
                canvas.put_pixel(u32::from(x), u32::from(y) * 2 + 1, lower);
                x += 1;
                continue;
            }
            let style = style(first);
            let mut run = String::new();
            while x < columns && self::style(&buffer[(x, y)]) == style && picture(&buffer[(x, y)]).is_none() {
                let symbol = buffer[(x, y)].symbol();
                run.push_str(symbol);
                x += symbol.width().max(1) as u16;
            }
            draw_run(&mut body, &mut styles, &style, run.trim_end_matches(' '), (start, x - start, y));
        }
    }
    let mut document = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" xml:space=\"preserve\" viewBox=\"0 0 {width:.0} {height:.0}\" \
         font-family=\"ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace\" font-size=\"14\">\n<style>\n\
         text{{fill:{text};white-space:pre}}\n"
    );
    for (at, style) in styles.iter().enumerate() {
        let _ = writeln!(document, ".s{at}{{{style}}}");
    }
    let _ = writeln!(document, "</style>\n<rect width=\"100%\" height=\"100%\" rx=\"6\" fill=\"{ground}\"/>");
    document.push_str(&body);
    if let Some(href) = pixels.and_then(data_url) {
        let _ = writeln!(
            document,
            "<image x=\"{MARGIN}\" y=\"{MARGIN}\" width=\"{:.1}\" height=\"{:.1}\" preserveAspectRatio=\"none\" \
             style=\"image-rendering:pixelated\" href=\"{href}\"/>",
            f64::from(columns) * CELL.0,
            f64::from(rows) * CELL.1
        );
    }
    document.push_str("</svg>\n");
    document
}

/// Foreground and background of a cell as displayed, and whether it is bold or underlined.
#[derive(PartialEq)]
struct Style {
    text: Option<String>,
    ground: Option<String>,
    bold: bool,
    underlined: bool,
}

fn style(cell: &Cell) -> Style {
    let (mut text, mut ground) = (colour(cell.fg), colour(cell.bg));
    if cell.modifier.contains(Modifier::REVERSED) {
        (text, ground) = (ground.or(Some("#14161a".into())), text.or(Some("#dfe3e8".into())));
    }
    let underlined = cell.modifier.contains(Modifier::UNDERLINED);
    Style { text, ground, bold: cell.modifier.contains(Modifier::BOLD), underlined }
}

/// The two pixels of a half block that is part of a picture: one with both colours set.
fn picture(cell: &Cell) -> Option<[Rgba<u8>; 2]> {
    let (Color::Rgb(a, b, c), Color::Rgb(d, e, f)) = (cell.fg, cell.bg) else { return None };
    let (front, back) = (Rgba([a, b, c, 255]), Rgba([d, e, f, 255]));
    match cell.symbol() {
        "▀" => Some([front, back]),
        "▄" => Some([back, front]),
        _ => None,
    }
}

fn colour(colour: Color) -> Option<String> {
    Some(match colour {
        Color::Reset => return None,
        Color::Rgb(r, g, b) => format!("#{r:02x}{g:02x}{b:02x}"),
        Color::Black => "#000000".into(),
        Color::LightCyan => "#34e2e2".into(),
        Color::LightYellow => "#fce94f".into(),
        Color::LightGreen => "#8ae234".into(),
        Color::LightRed => "#ef2929".into(),
        Color::LightMagenta => "#ad7fa8".into(),
        _ => "#ffffff".into(),
    })
}

fn draw_run(body: &mut String, styles: &mut Vec<String>, style: &Style, run: &str, (x, width, y): (u16, u16, u16)) {
    let (left, top) = (MARGIN + f64::from(x) * CELL.0, MARGIN + f64::from(y) * CELL.1);
    if let Some(ground) = &style.ground {
        let wide = f64::from(width) * CELL.0;
        let _ = writeln!(
            body,
            "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{wide:.1}\" height=\"{}\" fill=\"{ground}\"/>",
            CELL.1
        );
    }
    let spaces = run.len() - run.trim_start_matches(' ').len();
    let run = run.trim_start_matches(' ');
    if run.is_empty() {
        return;
    }
    let mut rule = String::new();
    if let Some(text) = &style.text {
        let _ = write!(rule, "fill:{text};");
    }
    if style.bold {
        rule.push_str("font-weight:bold;");
    }
    if style.underlined {
        rule.push_str("text-decoration:underline;");
    }
    let class = match styles.iter().position(|known| *known == rule) {
        _ if rule.is_empty() => String::new(),
        Some(at) => format!(" class=\"s{at}\""),
        None => {
            styles.push(rule);
            format!(" class=\"s{}\"", styles.len() - 1)
        }
    };
    let escaped = run.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let _ = writeln!(
        body,
        "<text x=\"{:.1}\" y=\"{:.1}\" textLength=\"{:.1}\"{class}>{escaped}</text>",
        left + spaces as f64 * CELL.0,
        top + 13.0,
        run.width() as f64 * CELL.0
    );
}

/// A small picture inside the document.
fn data_url(pixels: RgbaImage) -> Option<String> {
    let mut bytes = Cursor::new(Vec::new());
    pixels.write_to(&mut bytes, ImageFormat::Png).ok()?;
    Some(format!("data:image/png;base64,{}", STANDARD.encode(bytes.into_inner())))
}
