//! Colours and characters. A screen asks for a role, never for a colour.

use faceprobe_core::config::ThemeName;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::Marker;
use unicode_width::UnicodeWidthStr;

/// The palettes offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Palette {
    Dark,
    Light,
    HighContrast,
    /// No colour is ever set: with `NO_COLOR`, crossterm writes a coloured cell as a reset, which drops bold and
    /// reversed as well.
    Monochrome,
}

impl Palette {
    /// The one after this, around the end.
    pub fn next(self) -> Self {
        match self {
            Self::Dark => Self::Light,
            Self::Light => Self::HighContrast,
            Self::HighContrast => Self::Monochrome,
            Self::Monochrome => Self::Dark,
        }
    }

    /// The palette called `name` on the command line.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Dark, Self::Light, Self::HighContrast, Self::Monochrome]
            .into_iter()
            .find(|palette| palette.name() == name)
    }

    /// `dark`, `light`, `high-contrast` or `monochrome`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dark => "dark",
            Self::Light => "light",
            Self::HighContrast => "high-contrast",
            Self::Monochrome => "monochrome",
        }
    }
}

impl From<ThemeName> for Palette {
    fn from(name: ThemeName) -> Self {
        match name {
            ThemeName::Dark => Self::Dark,
            ThemeName::Light => Self::Light,
            ThemeName::Contrast => Self::HighContrast,
            ThemeName::Mono => Self::Monochrome,
        }
    }
}

/// How everything looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    pub palette: Palette,
    /// Only ASCII characters reach the terminal.
    pub ascii: bool,
}

/// Okabe and Ito's colours, which people with any colour vision tell apart: orange and sky blue, then green and pink.
const ORANGE: Color = Color::Rgb(230, 159, 0);
const SKY: Color = Color::Rgb(86, 180, 233);
const GREEN: Color = Color::Rgb(0, 180, 130);
const VERMILION: Color = Color::Rgb(235, 110, 50);
const BLUE: Color = Color::Rgb(0, 92, 170);
const DARK_GREEN: Color = Color::Rgb(0, 110, 80);
const DARK_ORANGE: Color = Color::Rgb(170, 90, 0);
const DARK_RED: Color = Color::Rgb(180, 50, 0);

/// Shapes of points, one for each of [`HUES`].
const SHAPES: [char; HUES] = ['+', 'o', 'x', '*', '#', '@', '%', '&', '$', '=', 'v', 'z', 'c', 's', 'n', 'u', 'w', 'e'];

/// How many colours there are; the next so many lines have them again, broken, and then dotted.
const COLOURS: usize = 6;

/// How many lines can be told apart: each colour in each stroke, and as many shapes where there is no colour.
pub const HUES: usize = 3 * COLOURS;

/// What stands for the strokes in a list.
const STROKES: [(Stroke, &str); 3] = [(Stroke::Whole, "◆"), (Stroke::Broken, "◇"), (Stroke::Dotted, "▪")];

/// How a line is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stroke {
    #[default]
    Whole,
    Broken,
    Dotted,
}

impl Theme {
    /// The theme for this environment: monochrome when `NO_COLOR` is set and not empty, ASCII where the locale is
    /// not UTF-8 or the terminal is the Linux console.
    pub fn from_environment(palette: Option<Palette>, ascii: bool) -> Self {
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let locale =
            set("LC_ALL").or_else(|| set("LC_CTYPE")).or_else(|| set("LANG")).unwrap_or_default().to_lowercase();
        let utf8 = locale.contains("utf-8") || locale.contains("utf8");
        let console = set("TERM").is_some_and(|term| term == "linux");
        let palette = if set("NO_COLOR").is_some() { Palette::Monochrome } else { palette.unwrap_or(Palette::Dark) };
        Self { palette, ascii: ascii || !utf8 || console }
    }

    fn pick(self, dark: Color, light: Color, contrast: Color) -> Style {
        match self.palette {
            Palette::Dark => Style::new().fg(dark),
            Palette::Light => Style::new().fg(light),
            Palette::HighContrast => Style::new().fg(contrast),
            Palette::Monochrome => Style::new(),
        }
    }

    /// Ordinary text.
    pub fn text(self) -> Style {
        Style::new()
    }

    /// Text that matters more.
    pub fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// Text that matters less.
    pub fn dim(self) -> Style {
        self.pick(Color::Rgb(140, 145, 155), Color::Rgb(100, 105, 115), Color::White)
    }

    /// Names of things, keys, what is in focus.
    pub fn accent(self) -> Style {
        self.pick(SKY, BLUE, Color::LightCyan).add_modifier(Modifier::BOLD)
    }

    /// Frames and rules.
    pub fn rule(self) -> Style {
        self.pick(Color::Rgb(75, 80, 90), Color::Rgb(180, 185, 190), Color::White)
    }

    /// The line that is selected.
    pub fn selected(self) -> Style {
        match self.palette {
            Palette::Dark => {
                Style::new().bg(Color::Rgb(35, 60, 85)).fg(Color::Rgb(240, 245, 250)).add_modifier(Modifier::BOLD)
            }
            Palette::Light => Style::new().bg(Color::Rgb(205, 225, 245)).fg(Color::Black).add_modifier(Modifier::BOLD),
            Palette::HighContrast => Style::new().bg(Color::White).fg(Color::Black).add_modifier(Modifier::BOLD),
            Palette::Monochrome => Style::new().add_modifier(Modifier::REVERSED),
        }
    }

    /// Something went well.
    pub fn good(self) -> Style {
        self.pick(GREEN, DARK_GREEN, Color::LightGreen)
    }

    /// Something is at work.
    pub fn busy(self) -> Style {
        self.pick(SKY, BLUE, Color::LightCyan)
    }

    /// Something to read before going on.
    pub fn warning(self) -> Style {
        self.pick(ORANGE, DARK_ORANGE, Color::LightYellow).add_modifier(Modifier::BOLD)
    }

    /// Something went wrong.
    pub fn bad(self) -> Style {
        self.pick(VERMILION, DARK_RED, Color::LightRed).add_modifier(Modifier::BOLD)
    }

    /// The first or second of two series: training and validation, class 0 and class 1.
    pub fn series(self, index: usize) -> Style {
        match index {
            0 => self.pick(ORANGE, DARK_ORANGE, Color::LightYellow),
            _ => self.pick(SKY, BLUE, Color::LightCyan),
        }
    }

    /// One of [`HUES`] runs laid over each other: six colours that people with any colour vision tell apart.
    pub fn hue(self, index: usize) -> Style {
        let (dark, light, contrast) = match index % COLOURS {
            0 => (SKY, BLUE, Color::LightCyan),
            1 => (ORANGE, DARK_ORANGE, Color::LightYellow),
            2 => (GREEN, DARK_GREEN, Color::LightGreen),
            3 => (Color::Rgb(214, 131, 177), Color::Rgb(150, 50, 110), Color::LightMagenta),
            4 => (Color::Rgb(240, 228, 66), Color::Rgb(110, 100, 0), Color::White),
            _ => (VERMILION, DARK_RED, Color::LightRed),
        };
        self.pick(dark, light, contrast)
    }

    /// What the points of one of several runs look like where colours do not tell them apart.
    pub fn hue_marker(self, index: usize) -> Marker {
        if self.plain() { Marker::Custom(SHAPES[index % SHAPES.len()]) } else { Marker::Braille }
    }

    /// How the line of one of several runs is drawn, where colours have to be used again.
    pub fn hue_stroke(self, index: usize) -> Stroke {
        if self.plain() { Stroke::Whole } else { stroke(index).0 }
    }

    /// What stands for one of several runs in a heading or a list.
    pub fn hue_swatch(self, index: usize) -> String {
        if self.plain() { SHAPES[index % SHAPES.len()].to_string() } else { stroke(index).1.into() }
    }

    /// Whether shapes must tell what colours cannot.
    pub fn plain(self) -> bool {
        self.ascii || self.palette == Palette::Monochrome
    }

    /// The characters a series is drawn with, so that it can be told without colour.
    pub fn marker(self, index: usize) -> Marker {
        match (self.ascii || self.palette == Palette::Monochrome, index) {
            (true, 0) => Marker::Custom('o'),
            (true, _) => Marker::Custom('+'),
            (false, _) => Marker::Braille,
        }
    }

    /// What stands for a series in a heading.
    pub fn swatch(self, index: usize) -> &'static str {
        match (self.ascii || self.palette == Palette::Monochrome, index) {
            (true, 0) => "o",
            (true, _) => "+",
            (false, _) => "━",
        }
    }
}

fn stroke(index: usize) -> (Stroke, &'static str) {
    STROKES[index / COLOURS % STROKES.len()]
}

/// Replaces whatever is not ASCII in a finished frame by something alike.
pub fn to_ascii(buffer: &mut Buffer) {
    for cell in &mut buffer.content {
        let symbol = cell.symbol();
        if symbol.is_ascii() {
            continue;
        }
        let width = symbol.width().max(1);
        let like = symbol.chars().next().map_or('?', ascii_like);
        let mut utf8 = [0; 4];
        cell.set_symbol(if width > 1 { "??" } else { like.encode_utf8(&mut utf8) });
    }
}

fn ascii_like(character: char) -> char {
    match character {
        '─' | '━' | '╌' | '–' | '—' | '╶' | '╴' | '▔' => '-',
        '│' | '┃' | '╎' | '▏' | '▎' | '▍' | '▕' => '|',
        '┌' | '┐' | '└' | '┘' | '├' | '┤' | '┬' | '┴' | '┼' | '╭' | '╮' | '╯' | '╰' => '+',
        '█' | '▉' | '▊' | '▋' | '▌' | '▓' | '■' | '▀' | '▄' => '#',
        '▒' | '░' | '·' | '…' => '.',
        '▁' | '▂' | '▃' => '_',
        '▅' | '▆' | '▇' => '#',
        '✓' => '+',
        '✗' | '×' => 'x',
        '●' | '★' | '•' | '◆' | '▪' => '*',
        '○' | '◇' => 'o',
        '▸' | '→' | '›' | '▶' => '>',
        '←' | '‹' => '<',
        '↑' | '▲' => '^',
        '↓' | '▼' | '▾' => 'v',
        '±' | '↻' => '~',
        '‖' | '⏸' => '=',
        'τ' => 't',
        '\u{2800}' => ' ',
        '\u{2801}'..='\u{28ff}' => '*',
        _ => '?',
    }
}
