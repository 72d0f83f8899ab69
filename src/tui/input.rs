//! The terminal's bytes, taken apart into what was typed and what the terminal answers.
//!
//! crossterm's own reader is not used: it knows no answers about graphics or colours, so one that comes late, or in
//! pieces, would be typed into the program letter by letter.

use super::event::Event;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use std::time::{Duration, Instant};

/// A part of what comes from the terminal.
#[derive(Debug)]
pub enum Piece {
    /// An answer to a question, as it came.
    Answer(String),
    /// A key, a paste or the mouse.
    Typed(Event),
}

/// After this long an Esc was the key and not the beginning of a sequence.
const ESC: Duration = Duration::from_millis(60);
/// The same for Alt with a letter that sequences begin with too.
const ALT: Duration = Duration::from_millis(250);
/// For the rest of a sequence that has begun: terminals pause while they are busy, and lines are slow.
const SEQUENCE: Duration = Duration::from_secs(1);
/// For the rest of a paste.
const PASTE: Duration = Duration::from_secs(5);
/// What was given up is remembered for this long, in case that its end comes after all.
const GIVEN_UP: Duration = Duration::from_secs(3);

const PASTED: &[u8] = b"\x1b[200~";

/// Takes bytes apart, in whatever pieces they come.
#[derive(Debug, Default)]
pub struct Stream {
    held: Vec<u8>,
    /// How many of the held bytes were given up before: their key, if they were one, was passed on.
    given: usize,
    /// What was given up last, and when.
    lost: Option<(Vec<u8>, Instant)>,
}

impl Stream {
    /// Whether nothing is held back for its end.
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// How long to wait for the end of what is held back, before [`Stream::rest`].
    pub fn patience(&self) -> Option<Duration> {
        match &self.held[..] {
            [] => None,
            [0x1b] => Some(ESC),
            [0x1b, _] => Some(ALT),
            held if held.starts_with(PASTED) => Some(PASTE),
            _ => Some(SEQUENCE),
        }
    }

    /// The pieces that are whole now.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Piece> {
        if let Some((lost, at)) = self.lost.take()
            && self.held.is_empty()
            && at.elapsed() < GIVEN_UP
        {
            self.given = lost.len();
            self.held = lost;
        }
        self.held.extend_from_slice(bytes);
        let mut pieces = Vec::new();
        loop {
            if self.given > 0 {
                match first(&self.held).filter(|(length, _)| *length > self.given) {
                    Some((length, piece)) if is_sequence(&self.held) => {
                        self.held.drain(..length);
                        self.given = 0;
                        pieces.extend(piece);
                    }
                    None if is_sequence(&self.held) => return pieces,
                    // It was no sequence: what came now stands for itself.
                    _ => {
                        self.held.drain(..self.given);
                        self.given = 0;
                    }
                }
                continue;
            }
            let Some((length, piece)) = first(&self.held) else {
                return pieces;
            };
            self.held.drain(..length);
            pieces.extend(piece);
        }
    }

    /// What is held back, now that its end does not come: an Esc and what was typed behind it.
    pub fn rest(&mut self) -> Vec<Piece> {
        let held = std::mem::take(&mut self.held);
        let given = std::mem::take(&mut self.given);
        if given > 0 {
            let pieces = self.push(&held[given..]);
            self.held.clear();
            return pieces;
        }
        let pieces = match &held[..] {
            [] => return Vec::new(),
            [0x1b] => vec![key(KeyCode::Esc, KeyModifiers::NONE)],
            [0x1b, letter] if letter.is_ascii_graphic() => {
                vec![key(KeyCode::Char(*letter as char), KeyModifiers::ALT)]
            }
            _ if held.starts_with(PASTED) => {
                let text = String::from_utf8_lossy(&held[PASTED.len()..]).into_owned();
                return vec![Piece::Typed(Event::Paste(text))];
            }
            // A piece of a longer sequence is not worth guessing at.
            _ => Vec::new(),
        };
        if held[0] == 0x1b {
            self.lost = Some((held, Instant::now()));
        }
        pieces
    }
}

/// Whether bytes behind an Esc go on as those of terminals do, and not as somebody types.
fn is_sequence(bytes: &[u8]) -> bool {
    match bytes {
        [0x1b, b'[', third, ..] => matches!(third, b'?' | b'<' | b'0'..=b'9' | b'A'..=b'Z'),
        [0x1b, b'_', b'G', ..] | [0x1b, b'P', b'>' | b'0' | b'1' | b'!', ..] => true,
        [0x1b, b']', third, ..] => third.is_ascii_digit(),
        // Not enough to tell by.
        [0x1b, b'[' | b'_' | b'P' | b']'] => true,
        _ => false,
    }
}

fn key(code: KeyCode, modifiers: KeyModifiers) -> Piece {
    Piece::Typed(Event::Key(KeyEvent::new(code, modifiers)))
}

/// Length and meaning of what `bytes` begin with; none when its end is not there yet.
fn first(bytes: &[u8]) -> Option<(usize, Option<Piece>)> {
    match bytes {
        [] | [0x1b] | [0x1b, b'_' | b'P' | b']' | b'O'] => None,
        [0x1b, b'_' | b'P' | b']', ..] => {
            let end = bytes.windows(2).position(|pair| pair == [0x1b, b'\\']).map(|at| at + 2);
            let bell = bytes.iter().position(|byte| *byte == 7).filter(|_| bytes[1] == b']').map(|at| at + 1);
            let length = end.into_iter().chain(bell).min()?;
            let text = String::from_utf8_lossy(&bytes[..length]).into_owned();
            Some((length, (bytes[1] == b'_').then_some(Piece::Answer(text))))
        }
        // The oldest way to tell of the mouse: three bytes behind the letter.
        [0x1b, b'[', b'M', rest @ ..] => {
            let [button, column, row, ..] = *rest else { return None };
            let place = |byte: u8| u16::from(byte.saturating_sub(33));
            let code = u16::from(button.saturating_sub(32));
            Some((6, mouse(code, place(column), place(row), code & 3 != 3)))
        }
        [0x1b, b'[', rest @ ..] => control_sequence(rest),
        [0x1b, b'O', letter, ..] => Some((3, named(b"", *letter))),
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

/// The same for what stands behind `Esc [`.
fn control_sequence(rest: &[u8]) -> Option<(usize, Option<Piece>)> {
    let end = rest.iter().position(|byte| (0x40..=0x7e).contains(byte))?;
    let (body, last) = (&rest[..end], rest[end]);
    let whole = 2 + end + 1;
    if (body, last) == (b"200", b'~') {
        let text = &rest[end + 1..];
        let length = text.windows(6).position(|six| six == b"\x1b[201~")?;
        let pasted = String::from_utf8_lossy(&text[..length]).into_owned();
        return Some((whole + length + 6, Some(Piece::Typed(Event::Paste(pasted)))));
    }
    let piece = match (body, last) {
        (b"", b'I' | b'O') => Some(Piece::Typed(Event::Focus(last == b'I'))),
        ([b'?', ..], b'c') | (_, b't' | b'n') => {
            Some(Piece::Answer(format!("\x1b[{}{}", String::from_utf8_lossy(body), last as char)))
        }
        ([b'<', numbers @ ..], b'M' | b'm') => match numbers_of(numbers)[..] {
            [code, column, row] => mouse(code, column.saturating_sub(1), row.saturating_sub(1), last == b'M'),
            _ => None,
        },
        (numbers, b'M') => match numbers_of(numbers)[..] {
            [code, column, row] => {
                let code = code.saturating_sub(32);
                mouse(code, column.saturating_sub(1), row.saturating_sub(1), code & 3 != 3)
            }
            _ => None,
        },
        _ => named(body, last),
    };
    Some((whole, piece))
}

fn numbers_of(body: &[u8]) -> Vec<u16> {
    let text = String::from_utf8_lossy(body);
    text.split(';').map(|number| number.parse().unwrap_or(0)).collect()
}

/// What a button did, at a place counted from 0. Moving without a button means nothing here.
fn mouse(code: u16, column: u16, row: u16, pressed: bool) -> Option<Piece> {
    let button = match code & 3 {
        0 => MouseButton::Left,
        1 => MouseButton::Middle,
        _ => MouseButton::Right,
    };
    let kind = match (code & 64 != 0, code & 32 != 0, code & 3) {
        (true, _, 0) => MouseEventKind::ScrollUp,
        (true, _, 1) => MouseEventKind::ScrollDown,
        (true, ..) | (false, true, 3) => return None,
        (false, true, _) => MouseEventKind::Drag(button),
        (false, false, _) if pressed => MouseEventKind::Down(button),
        (false, false, _) => MouseEventKind::Up(button),
    };
    let modifiers = [(4, KeyModifiers::SHIFT), (8, KeyModifiers::ALT), (16, KeyModifiers::CONTROL)];
    let modifiers = modifiers.into_iter().filter(|(bit, _)| code & bit != 0).map(|(_, modifier)| modifier).collect();
    Some(Piece::Typed(Event::Mouse(MouseEvent { kind, column, row, modifiers })))
}

/// The key of an escape sequence with these parameters and last letter.
fn named(body: &[u8], last: u8) -> Option<Piece> {
    // `1;5` is the key 1 with modifiers: 1 and the bits of Shift, Alt and Ctrl.
    let numbers = numbers_of(body);
    if body.iter().any(|byte| !byte.is_ascii_digit() && *byte != b';') {
        return None;
    }
    let number = numbers.first().copied().unwrap_or(0);
    let bits = numbers.get(1).copied().unwrap_or(1).saturating_sub(1);
    let code = match (number, last) {
        (_, b'A') => KeyCode::Up,
        (_, b'B') => KeyCode::Down,
        (_, b'C') => KeyCode::Right,
        (_, b'D') => KeyCode::Left,
        (_, b'H') | (1 | 7, b'~') => KeyCode::Home,
        (_, b'F') | (4 | 8, b'~') => KeyCode::End,
        (_, b'Z') => KeyCode::BackTab,
        (0 | 1, b'P') => KeyCode::F(1),
        (0 | 1, b'Q') => KeyCode::F(2),
        (0, b'R') => KeyCode::F(3),
        (0 | 1, b'S') => KeyCode::F(4),
        (2, b'~') => KeyCode::Insert,
        (3, b'~') => KeyCode::Delete,
        (5, b'~') => KeyCode::PageUp,
        (6, b'~') => KeyCode::PageDown,
        (11..=15, b'~') => KeyCode::F((number - 10) as u8),
        (17..=21, b'~') => KeyCode::F((number - 11) as u8),
        (23 | 24, b'~') => KeyCode::F((number - 12) as u8),
        _ => return None,
    };
    let modifiers = [(1, KeyModifiers::SHIFT), (2, KeyModifiers::ALT), (4, KeyModifiers::CONTROL)];
    let modifiers = modifiers.into_iter().filter(|(bit, _)| bits & bit != 0).map(|(_, modifier)| modifier).collect();
    Some(key(code, modifiers))
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
