//! Which way of showing pictures the terminal has: the one that was asked for, else what it answers when asked.
//!
//! `Picker::from_query_stdio` is not used: it waits for the answer before anything is drawn, and what is typed meanwhile
//! is lost. Here the question goes out before the first frame, and the thread that listens for keys reads the answers
//! whenever they come: pictures are shown as well as is known, and better once more is known.

use super::theme::{Palette, Theme};
use faceprobe_core::config::PictureProtocol;
use ratatui_image::FontSize;
use ratatui_image::picker::cap_parser::{Parser, QueryStdioOptions, Response};
use ratatui_image::picker::{Picker, ProtocolType};
use std::time::{Duration, Instant};

pub use super::input::{Piece, Stream};

/// How pictures are to be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ImageProtocol {
    /// What the terminal says it can.
    #[default]
    Auto,
    Kitty,
    Sixel,
    Iterm2,
    Halfblocks,
    /// No pictures.
    None,
}

impl From<PictureProtocol> for ImageProtocol {
    fn from(protocol: PictureProtocol) -> Self {
        match protocol {
            PictureProtocol::Auto => Self::Auto,
            PictureProtocol::Kitty => Self::Kitty,
            PictureProtocol::Sixel => Self::Sixel,
            PictureProtocol::Iterm2 => Self::Iterm2,
            PictureProtocol::Halfblocks => Self::Halfblocks,
            PictureProtocol::None => Self::None,
        }
    }
}

impl ImageProtocol {
    fn forced(self) -> Option<ProtocolType> {
        match self {
            Self::Kitty => Some(ProtocolType::Kitty),
            Self::Sixel => Some(ProtocolType::Sixel),
            Self::Iterm2 => Some(ProtocolType::Iterm2),
            Self::Halfblocks => Some(ProtocolType::Halfblocks),
            Self::Auto | Self::None => None,
        }
    }
}

/// How long the terminal may take to answer before pictures are shown as if it could do nothing. Keys work meanwhile.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is to be found out.
#[derive(Debug, Clone, Copy)]
pub struct Query {
    wanted: ImageProtocol,
}

impl Query {
    /// The question to write to the terminal, where there is something to ask; none shows no pictures, and half
    /// blocks need no answer.
    pub fn new(wanted: ImageProtocol, theme: Theme) -> Option<Self> {
        // Characters alone cannot show a picture without colours, and not every terminal that lacks them says so.
        let bare = theme.ascii || theme.palette == Palette::Monochrome;
        let pictures = wanted != ImageProtocol::None && !(bare && matches!(wanted, ImageProtocol::Halfblocks));
        pictures.then_some(Self { wanted })
    }

    /// What the terminal is asked: graphics of kitty, sixels, pixels in a cell; every terminal answers the last part.
    pub fn text(self) -> Option<String> {
        if self.wanted == ImageProtocol::Halfblocks {
            return None;
        }
        let blacklist_protocols =
            if lacks_placeholders() { vec![ProtocolType::Kitty, ProtocolType::Sixel] } else { Vec::new() };
        let tmux = in_tmux();
        Some(Parser::query(tmux, QueryStdioOptions { blacklist_protocols, ..QueryStdioOptions::default() }))
    }

    /// What shows pictures, given what the terminal answered.
    pub fn picker(self, answers: &[Response]) -> Picker {
        let size = answers.iter().find_map(|answer| match answer {
            Response::CellSize(Some(size)) => Some(FontSize::from(*size)),
            _ => None,
        });
        let Some(font) = size.or_else(font_of_window) else {
            let mut picker = Picker::halfblocks();
            if let Some(forced) = self.wanted.forced() {
                picker.set_protocol_type(forced);
            }
            return picker;
        };
        #[expect(
            deprecated,
            reason = "the one way to a picker that takes a known cell size, and looks for tmux in between"
        )]
        let mut picker = Picker::from_fontsize(font);
        let told = |wanted: &Response| answers.contains(wanted);
        match self.wanted.forced() {
            Some(forced) => picker.set_protocol_type(forced),
            None if told(&Response::Kitty) && !lacks_placeholders() => picker.set_protocol_type(ProtocolType::Kitty),
            None if told(&Response::Sixel) && !lacks_placeholders() => picker.set_protocol_type(ProtocolType::Sixel),
            None => {}
        }
        picker
    }
}

/// WezTerm and Konsole say they know kitty's graphics but not the placeholders that this needs.
fn lacks_placeholders() -> bool {
    ["WEZTERM_EXECUTABLE", "KONSOLE_VERSION"].iter().any(|name| std::env::var_os(name).is_some_and(|at| !at.is_empty()))
}

fn in_tmux() -> bool {
    let is = |name: &str, test: fn(&str) -> bool| std::env::var(name).is_ok_and(|value| test(&value));
    is("TERM", |term| term.starts_with("tmux")) || is("TERM_PROGRAM", |program| program == "tmux")
}

/// Pixels in a cell, where the terminal's size is known in pixels.
fn font_of_window() -> Option<FontSize> {
    let size = rustix::termios::tcgetwinsize(rustix::stdio::stdout()).ok()?;
    let width = size.ws_xpixel.checked_div(size.ws_col)?;
    let height = size.ws_ypixel.checked_div(size.ws_row)?;
    (width > 0 && height > 0).then(|| FontSize::new(width, height))
}

/// What the terminal has answered so far, and what pictures were last shown with.
pub struct Answers {
    query: Query,
    parser: Parser,
    found: Vec<Response>,
    begun: Instant,
    shown: Option<(ProtocolType, u16, u16)>,
}

impl Answers {
    /// The question has just been written.
    pub fn new(query: Query) -> Self {
        Self { query, parser: Parser::new(), found: Vec::new(), begun: Instant::now(), shown: None }
    }

    /// How long pictures still wait for an answer.
    pub fn patience(&self) -> Option<Duration> {
        self.shown.is_none().then(|| match self.query.text() {
            Some(_) => PATIENCE.saturating_sub(self.begun.elapsed()),
            None => Duration::ZERO,
        })
    }

    /// Takes an answer; what pictures are shown with now, when all is told or something is told later.
    pub fn take(&mut self, answer: &str) -> Option<Picker> {
        self.found.extend(answer.chars().flat_map(|c| self.parser.push(c)));
        let whole = self.shown.is_some() || self.found.contains(&Response::Status);
        if whole { self.better() } else { None }
    }

    /// What pictures are shown with, once nobody waits any longer.
    pub fn overdue(&mut self) -> Option<Picker> {
        let overdue = self.patience().is_some_and(|left| left.is_zero());
        if overdue { self.better() } else { None }
    }

    fn better(&mut self) -> Option<Picker> {
        let picker = self.query.picker(&self.found);
        let font = picker.font_size();
        let now = (picker.protocol_type(), font.width, font.height);
        (self.shown.replace(now) != Some(now)).then_some(picker)
    }
}
