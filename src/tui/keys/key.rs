//! A key, as terminals send it and as the screens write it.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use faceprobe_core::text::is_control;

/// A key with or without Ctrl. Shift is part of the character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    pub code: KeyCode,
    pub ctrl: bool,
}

/// A character.
pub const fn ch(character: char) -> Key {
    Key { code: KeyCode::Char(character), ctrl: false }
}

/// A character with Ctrl.
pub const fn ctrl(character: char) -> Key {
    Key { code: KeyCode::Char(character), ctrl: true }
}

/// A key that writes nothing.
pub const fn code(code: KeyCode) -> Key {
    Key { code, ctrl: false }
}

impl Key {
    /// The key of a terminal event, brought to the form of the table.
    pub fn of(event: &KeyEvent) -> Self {
        let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
        let code = match event.code {
            KeyCode::Tab if event.modifiers.contains(KeyModifiers::SHIFT) => KeyCode::BackTab,
            KeyCode::Char(c) if ctrl => KeyCode::Char(c.to_ascii_lowercase()),
            code => code,
        };
        Self { code, ctrl }
    }

    /// How footer and help write it.
    pub fn name(self) -> String {
        let plain = match self.code {
            KeyCode::Char(' ') => "Space".to_owned(),
            KeyCode::Char(c) if self.ctrl => c.to_ascii_uppercase().to_string(),
            KeyCode::Char(c) => c.to_string(),
            KeyCode::Up => "↑".into(),
            KeyCode::Down => "↓".into(),
            KeyCode::Left => "←".into(),
            KeyCode::Right => "→".into(),
            KeyCode::BackTab => "Shift-Tab".into(),
            KeyCode::Backspace => "Backspace".into(),
            KeyCode::F(number) => format!("F{number}"),
            KeyCode::PageUp => "PgUp".into(),
            KeyCode::PageDown => "PgDn".into(),
            other => format!("{other:?}"),
        };
        if self.ctrl { format!("Ctrl-{plain}") } else { plain }
    }

    /// The key of a name, as [`Key::name`] writes it and as people do: `S`, `Ctrl-S`, `f1`, `PageUp`, `left`.
    ///
    /// # Errors
    /// What is wrong with it, as the rest of a sentence.
    pub fn parse(name: &str) -> Result<Self, String> {
        let mut letters = name.chars();
        if let (Some(letter), None) = (letters.next(), letters.next())
            && let Some(key) = Self::of_letter(letter)
        {
            return Ok(key);
        }
        let lower = name.to_lowercase();
        if let Some(rest) = ["ctrl-", "ctrl+", "c-"].iter().find_map(|with| lower.strip_prefix(with)) {
            let key = Self::parse(rest).map_err(|_| Self::no_key(name))?;
            return match key.code {
                _ if key.ctrl => Err(Self::no_key(name)),
                KeyCode::Char('i') => Err(format!("{name:?} reaches programs as Tab; take another key")),
                KeyCode::Char('m') => Err(format!("{name:?} reaches programs as Enter; take another key")),
                KeyCode::Char('[') => Err(format!("{name:?} reaches programs as Esc; take another key")),
                code => Ok(Self { code, ctrl: true }),
            };
        }
        let shift = ["shift-", "shift+", "s-"].iter().find_map(|with| lower.strip_prefix(with));
        if shift == Some("tab") {
            return Ok(code(KeyCode::BackTab));
        }
        let plain = match lower.as_str() {
            "space" => KeyCode::Char(' '),
            "enter" | "return" => KeyCode::Enter,
            "esc" | "escape" => KeyCode::Esc,
            "tab" => KeyCode::Tab,
            "backtab" => KeyCode::BackTab,
            "backspace" => KeyCode::Backspace,
            "delete" | "del" => KeyCode::Delete,
            "insert" | "ins" => KeyCode::Insert,
            "up" => KeyCode::Up,
            "down" => KeyCode::Down,
            "left" => KeyCode::Left,
            "right" => KeyCode::Right,
            "pgup" | "pageup" => KeyCode::PageUp,
            "pgdn" | "pgdown" | "pagedown" => KeyCode::PageDown,
            "home" => KeyCode::Home,
            "end" => KeyCode::End,
            function => match function.strip_prefix('f').and_then(|number| number.parse().ok()) {
                Some(number @ 1..=12) => KeyCode::F(number),
                _ => return Err(Self::no_key(name)),
            },
        };
        Ok(code(plain))
    }

    fn of_letter(letter: char) -> Option<Self> {
        Some(code(match letter {
            '↑' => KeyCode::Up,
            '↓' => KeyCode::Down,
            '←' => KeyCode::Left,
            '→' => KeyCode::Right,
            letter if is_control(letter) => return None,
            letter => KeyCode::Char(letter),
        }))
    }

    fn no_key(name: &str) -> String {
        format!(
            "{name:?} is not a key; write a character, Space, Enter, Esc, Tab, Up, PgDn, F5 and the like, or Ctrl-A"
        )
    }
}
