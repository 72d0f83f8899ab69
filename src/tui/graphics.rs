//! Which way of showing pictures the terminal has: the one that was asked for, else what it answers when asked.
//!
//! `Picker::from_query_stdio` is not used: it waits for the answer before anything is drawn, and what is typed meanwhile
//! is lost. Here the question goes out before the first frame, the thread that listens for keys reads the answers, and
//! keys among them are passed on.

use super::event::Event;
use super::theme::{Palette, Theme};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui_image::FontSize;
use ratatui_image::picker::cap_parser::{Parser, QueryStdioOptions, Response};
use ratatui_image::picker::{Picker, ProtocolType};
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

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

/// How long the terminal may take to answer. Keys work meanwhile; only pictures wait.
const PATIENCE: Duration = Duration::from_secs(2);
/// After this long the rest of an escape sequence does not come any more.
const PAUSE: Duration = Duration::from_millis(60);

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

    /// Reads the answers from standard input and passes keys between them on. Returns at the last answer, when the
    /// terminal takes too long, or when it is gone.
    pub fn listen(self, events: &Sender<Event>) -> Picker {
        let mut answers = Vec::new();
        if self.wanted != ImageProtocol::Halfblocks {
            read_answers(events, &mut answers);
        }
        self.picker(&answers)
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
        // The one way to a picker that takes a known cell size; it also looks whether tmux is in between.
        #[expect(deprecated)]
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

fn read_answers(events: &Sender<Event>, answers: &mut Vec<Response>) {
    let begun = Instant::now();
    let mut stream = Stream::default();
    let mut parser = Parser::new();
    let mut answered = false;
    loop {
        let left = PATIENCE.saturating_sub(begun.elapsed());
        let wait = if stream.is_empty() { left } else { left.min(PAUSE) };
        if answered && stream.is_empty() || left.is_zero() && stream.is_empty() {
            return;
        }
        let mut buffer = [0; 512];
        let read = match readable(wait) {
            Some(true) => rustix::io::read(rustix::stdio::stdin(), &mut buffer).unwrap_or(0),
            Some(false) => 0,
            None => return,
        };
        // Nothing more came: what looked like the beginning of a sequence was a key.
        let pieces = if read == 0 { stream.rest() } else { stream.push(&buffer[..read]) };
        for piece in pieces {
            match piece {
                Piece::Answer(text) => {
                    let told = text.chars().flat_map(|c| parser.push(c)).collect::<Vec<_>>();
                    answered |= told.contains(&Response::Status);
                    answers.extend(told);
                }
                Piece::Typed(event) => {
                    if events.send(event).is_err() {
                        return;
                    }
                }
            }
        }
    }
}

/// Whether standard input has something to read within `wait`; none when it was hung up.
fn readable(wait: Duration) -> Option<bool> {
    let mut poll = libc::pollfd { fd: libc::STDIN_FILENO, events: libc::POLLIN, revents: 0 };
    let ready = loop {
        // SAFETY: `poll` is one valid pollfd for the whole call, and the count given is 1.
        let ready = unsafe { libc::poll(&raw mut poll, 1, wait.as_millis() as i32 + 1) };
        // A signal in between says nothing about the terminal.
        if ready >= 0 || std::io::Error::last_os_error().kind() != std::io::ErrorKind::Interrupted {
            break ready;
        }
    };
    if ready > 0 && poll.revents & (libc::POLLHUP | libc::POLLERR | libc::POLLNVAL) != 0 {
        return None;
    }
    Some(ready > 0)
}

/// A part of what comes from the terminal.
#[derive(Debug)]
pub enum Piece {
    /// An answer to the question, as it came.
    Answer(String),
    /// A key or a paste.
    Typed(Event),
}

/// Takes the terminal's bytes apart into answers and what was typed.
#[derive(Debug, Default)]
pub struct Stream {
    held: Vec<u8>,
}

impl Stream {
    /// Whether nothing is held back for its end.
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// The pieces that are whole now.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Piece> {
        self.held.extend_from_slice(bytes);
        let mut pieces = Vec::new();
        while let Some((length, piece)) = first(&self.held) {
            self.held.drain(..length);
            pieces.extend(piece);
        }
        pieces
    }

    /// What is held back, now that its end does not come: an Esc and what was typed behind it.
    pub fn rest(&mut self) -> Vec<Piece> {
        let held = std::mem::take(&mut self.held);
        let Some((first, rest)) = held.split_first() else {
            return Vec::new();
        };
        let mut pieces = Vec::new();
        if *first == 0x1b {
            pieces.push(key(KeyCode::Esc, KeyModifiers::NONE));
        }
        // A piece of a longer sequence is not worth guessing at.
        if !matches!(rest.first(), Some(b'[' | b']' | b'O' | b'P' | b'_')) {
            pieces.extend(self.push(rest));
            self.held.clear();
        }
        pieces
    }
}

fn key(code: KeyCode, modifiers: KeyModifiers) -> Piece {
    Piece::Typed(Event::Key(KeyEvent::new(code, modifiers)))
}

/// Length and meaning of what `bytes` begin with; none when its end is not there yet.
fn first(bytes: &[u8]) -> Option<(usize, Option<Piece>)> {
    match bytes {
        [] | [0x1b] => None,
        [0x1b, b'_' | b'P' | b']', ..] => {
            let end = bytes.windows(2).position(|pair| pair == [0x1b, b'\\']).map(|at| at + 2);
            let bell = bytes.iter().position(|byte| *byte == 7).filter(|_| bytes[1] == b']').map(|at| at + 1);
            let length = end.into_iter().chain(bell).min()?;
            let text = String::from_utf8_lossy(&bytes[..length]).into_owned();
            Some((length, (bytes[1] == b'_').then_some(Piece::Answer(text))))
        }
        [0x1b, b'[', rest @ ..] => {
            let end = rest.iter().position(|byte| (0x40..=0x7e).contains(byte))?;
            let (body, last) = (&rest[..end], rest[end]);
            if (body, last) == (b"200", b'~') {
                let text = &rest[end + 1..];
                let length = text.windows(6).position(|six| six == b"\x1b[201~")?;
                let pasted = String::from_utf8_lossy(&text[..length]).into_owned();
                return Some((2 + end + 1 + length + 6, Some(Piece::Typed(Event::Paste(pasted)))));
            }
            let whole = 2 + end + 1;
            let answer = last == b'c' && body.first() == Some(&b'?') || last == b't' || last == b'n';
            let piece = if answer {
                Some(Piece::Answer(String::from_utf8_lossy(&bytes[..whole]).into_owned()))
            } else {
                named(body, last).map(|code| key(code, KeyModifiers::NONE))
            };
            Some((whole, piece))
        }
        [0x1b, b'O', letter, ..] => Some((3, named(b"", *letter).map(|code| key(code, KeyModifiers::NONE)))),
        [0x1b, b'O'] => None,
        [0x1b, 0x1b, ..] => Some((1, Some(key(KeyCode::Esc, KeyModifiers::NONE)))),
        [0x1b, rest @ ..] => {
            let (length, code, modifiers) = character(rest)?;
            Some((1 + length, code.map(|code| key(code, modifiers | KeyModifiers::ALT))))
        }
        _ => {
            let (length, code, modifiers) = character(bytes)?;
            Some((length, code.map(|code| key(code, modifiers))))
        }
    }
}

/// The key of an escape sequence with these parameters and last letter.
fn named(body: &[u8], last: u8) -> Option<KeyCode> {
    Some(match (body, last) {
        (b"", b'A') => KeyCode::Up,
        (b"", b'B') => KeyCode::Down,
        (b"", b'C') => KeyCode::Right,
        (b"", b'D') => KeyCode::Left,
        (b"", b'H') | (b"1" | b"7", b'~') => KeyCode::Home,
        (b"", b'F') | (b"4" | b"8", b'~') => KeyCode::End,
        (b"", b'Z') => KeyCode::BackTab,
        (b"", b'P') => KeyCode::F(1),
        (b"3", b'~') => KeyCode::Delete,
        (b"5", b'~') => KeyCode::PageUp,
        (b"6", b'~') => KeyCode::PageDown,
        _ => return None,
    })
}

/// Length, key and modifiers of the character that `bytes` begin with; none when its end is not there yet.
fn character(bytes: &[u8]) -> Option<(usize, Option<KeyCode>, KeyModifiers)> {
    let first = *bytes.first()?;
    let plain = |code| Some((1, Some(code), KeyModifiers::NONE));
    match first {
        b'\r' | b'\n' => plain(KeyCode::Enter),
        b'\t' => plain(KeyCode::Tab),
        0x7f => plain(KeyCode::Backspace),
        1..=26 => Some((1, Some(KeyCode::Char((first + b'a' - 1) as char)), KeyModifiers::CONTROL)),
        0..32 => Some((1, None, KeyModifiers::NONE)),
        _ => {
            let length = match first {
                0..0x80 => 1,
                0xc0..0xe0 => 2,
                0xe0..0xf0 => 3,
                0xf0..0xf8 => 4,
                _ => return Some((1, None, KeyModifiers::NONE)),
            };
            let whole = bytes.get(..length)?;
            let code = std::str::from_utf8(whole).ok().and_then(|text| text.chars().next()).map(KeyCode::Char);
            Some((if code.is_some() { length } else { 1 }, code, KeyModifiers::NONE))
        }
    }
}
