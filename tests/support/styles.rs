//! The styles of a rendered frame.

use faceprobe::tui::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier, Style};

/// A letter for every style that a theme gives a meaning to, a dot for plain text.
pub fn styles(theme: Theme, buffer: &Buffer) -> String {
    let mut known: Vec<(Style, char)> = vec![
        (theme.selected(), 'S'),
        (theme.strong(), 'b'),
        (theme.accent(), 'a'),
        (theme.warning(), 'w'),
        (theme.bad(), 'x'),
        (theme.good(), 'g'),
        (theme.dim(), 'd'),
        (theme.rule(), 'r'),
        (theme.series(0), '0'),
        (theme.series(1), '1'),
    ];
    known.extend((2..4).map(|at| (theme.hue(at), char::from_digit(at as u32, 10).unwrap_or('?'))));
    let mut text = String::new();
    for y in 0..buffer.area.height {
        let line: String = (0..buffer.area.width)
            .map(|x| {
                let cell = &buffer[(x, y)];
                let same = |style: &Style| {
                    style.fg.unwrap_or(Color::Reset) == cell.fg
                        && style.bg.unwrap_or(Color::Reset) == cell.bg
                        && style.add_modifier == cell.modifier
                };
                let plain = (cell.fg, cell.bg, cell.modifier) == (Color::Reset, Color::Reset, Modifier::empty());
                let found = known.iter().find(|(style, _)| same(style)).map_or('?', |(_, letter)| *letter);
                if plain { '.' } else { found }
            })
            .collect();
        text.push_str(line.trim_end_matches('.'));
        text.push('\n');
    }
    text
}
