//! A form: fields to type into or choose in, each with its own word on what is wrong.

use super::super::theme::Theme;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use tui_input::{Input, InputRequest};

/// One field.
#[derive(Debug, Clone)]
pub struct Field {
    pub name: &'static str,
    /// What belongs in it, in a few words.
    pub hint: &'static str,
    pub input: Input,
    /// The values to choose from; empty for a field to type into.
    pub choices: Vec<String>,
    /// What is wrong with it.
    pub error: Option<String>,
}

impl Field {
    /// A field to type into.
    pub fn typed(name: &'static str, value: impl Into<String>, hint: &'static str) -> Self {
        Self { name, hint, input: Input::new(value.into()), choices: Vec::new(), error: None }
    }

    /// A field that offers values; `value` is the one shown first.
    pub fn chosen(name: &'static str, value: &str, choices: Vec<String>, hint: &'static str) -> Self {
        Self { name, hint, input: Input::new(value.to_owned()), choices, error: None }
    }

    /// Goes to the next or previous value; true if there are values.
    pub fn turn(&mut self, forward: bool) -> bool {
        let len = self.choices.len();
        if len == 0 {
            return false;
        }
        let at = self.choices.iter().position(|choice| choice == self.input.value()).unwrap_or(0);
        let next = if forward { (at + 1) % len } else { (at + len - 1) % len };
        self.input = Input::new(self.choices[next].clone());
        self.error = None;
        true
    }
}

/// A form that is open.
#[derive(Debug, Clone)]
pub struct Form<Kind> {
    pub kind: Kind,
    pub title: String,
    pub intro: String,
    pub fields: Vec<Field>,
    pub focus: usize,
}

impl<Kind> Form<Kind> {
    /// The trimmed value of a field.
    pub fn value(&self, name: &str) -> &str {
        self.fields.iter().find(|field| field.name == name).map_or("", |field| field.input.value().trim())
    }

    /// Says what is wrong with a field, and puts the cursor on it if it is the first.
    pub fn complain(&mut self, name: &str, what: impl Into<String>) {
        let first = self.fields.iter().all(|field| field.error.is_none());
        if let Some(at) = self.fields.iter().position(|field| field.name == name) {
            self.fields[at].error.get_or_insert(what.into());
            if first {
                self.focus = at;
            }
        }
    }

    /// Moves the cursor to another field, around the ends.
    pub fn go(&mut self, forward: bool) {
        let len = self.fields.len().max(1);
        self.focus = if forward { (self.focus + 1) % len } else { (self.focus + len - 1) % len };
    }

    /// Types a key into the focused field.
    pub fn press(&mut self, key: &KeyEvent) {
        if let Some(field) = self.fields.get_mut(self.focus)
            && (field.choices.is_empty() || !matches!(key.code, KeyCode::Char(' ')) || !field.turn(true))
            && field.choices.is_empty()
            && let Some(request) = request(key)
        {
            field.input.handle(request);
            field.error = None;
        }
    }

    /// Puts pasted text into the focused field.
    pub fn paste(&mut self, text: &str) {
        if let Some(field) = self.fields.get_mut(self.focus)
            && field.choices.is_empty()
        {
            paste(&mut field.input, text);
            field.error = None;
        }
    }
}

/// What a key does to a line of text.
pub fn request(key: &KeyEvent) -> Option<InputRequest> {
    let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
    let alt = key.modifiers.contains(KeyModifiers::ALT);
    Some(match key.code {
        KeyCode::Backspace if alt || ctrl => InputRequest::DeletePrevWord,
        KeyCode::Backspace => InputRequest::DeletePrevChar,
        KeyCode::Delete => InputRequest::DeleteNextChar,
        KeyCode::Left if ctrl => InputRequest::GoToPrevWord,
        KeyCode::Right if ctrl => InputRequest::GoToNextWord,
        KeyCode::Left => InputRequest::GoToPrevChar,
        KeyCode::Right => InputRequest::GoToNextChar,
        KeyCode::Home => InputRequest::GoToStart,
        KeyCode::End => InputRequest::GoToEnd,
        KeyCode::Char('a') if ctrl => InputRequest::GoToStart,
        KeyCode::Char('e') if ctrl => InputRequest::GoToEnd,
        KeyCode::Char('u') if ctrl => InputRequest::DeleteLine,
        KeyCode::Char('k') if ctrl => InputRequest::DeleteTillEnd,
        KeyCode::Char('w') if ctrl => InputRequest::DeletePrevWord,
        KeyCode::Char('h') if ctrl => InputRequest::DeletePrevChar,
        KeyCode::Char(c) if !ctrl => InputRequest::InsertChar(c),
        _ => return None,
    })
}

/// Puts the first line of pasted text at the cursor.
pub fn paste(input: &mut Input, text: &str) {
    let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    for c in line.chars().filter(|c| !c.is_control()) {
        input.handle(InputRequest::InsertChar(c));
    }
}

/// Draws a line of text with the terminal's cursor in it.
pub fn draw_input(frame: &mut Frame, area: Rect, input: &Input, theme: Theme, focused: bool) {
    if area.width == 0 || area.height == 0 {
        return;
    }
    let width = usize::from(area.width).saturating_sub(1);
    let scroll = input.visual_scroll(width);
    let style = if focused { theme.strong() } else { theme.text() };
    frame.render_widget(
        ratatui::widgets::Paragraph::new(input.value().to_owned()).style(style).scroll((0, scroll as u16)),
        area,
    );
    if focused {
        let x = area.x + (input.visual_cursor().max(scroll) - scroll) as u16;
        frame.set_cursor_position(Position::new(x.min(area.right().saturating_sub(1)), area.y));
    }
}

/// Draws the form in the middle of `area`.
pub fn draw<Kind>(frame: &mut Frame, area: Rect, theme: Theme, form: &Form<Kind>) {
    let width = area.width.saturating_sub(2).clamp(30, 84);
    let inside = usize::from(width.saturating_sub(4)).max(1);
    let intro = form.intro.chars().count().div_ceil(inside) as u16 + 1;
    let height = form.fields.len() as u16 + intro + 4;
    let inner = super::window(frame, area, theme, &form.title, width, height);
    let roomy = inner.height >= form.fields.len() as u16 + intro + 2;
    let top = if roomy {
        super::text(frame, Rect { height: intro, ..inner }, vec![Line::styled(form.intro.clone(), theme.dim())], 0);
        inner.y + intro
    } else {
        inner.y
    };
    let rows = inner.bottom().saturating_sub(top).saturating_sub(2);
    let first = super::offset(form.focus, form.fields.len(), usize::from(rows));
    let names = form.fields.iter().map(|field| field.name.len()).max().unwrap_or(0) as u16 + 2;
    for (row, (index, field)) in form.fields.iter().enumerate().skip(first).take(usize::from(rows)).enumerate() {
        let line = Rect { y: top + row as u16, height: 1, ..inner };
        let focused = index == form.focus;
        let sign = if field.error.is_some() {
            "✗"
        } else if focused {
            "▸"
        } else {
            " "
        };
        let style = if field.error.is_some() {
            theme.bad()
        } else if focused {
            theme.accent()
        } else {
            theme.text()
        };
        frame.render_widget(Span::styled(format!("{sign} {}", field.name), style), line);
        let value = Rect { x: line.x + names + 1, width: line.width.saturating_sub(names + 1), ..line };
        if field.choices.is_empty() {
            draw_input(frame, value, &field.input, theme, focused);
        } else {
            let (left, right) = if focused { ("← ", " →") } else { ("  ", "") };
            let spans = vec![
                Span::styled(left, theme.accent()),
                Span::styled(field.input.value().to_owned(), if focused { theme.strong() } else { theme.text() }),
                Span::styled(right, theme.accent()),
            ];
            frame.render_widget(Line::from(spans), value);
        }
    }
    // What is wrong with the field under the cursor, else what belongs in it.
    if let Some(field) = form.fields.get(form.focus) {
        let note = Rect { y: inner.bottom().saturating_sub(2), height: 2.min(inner.height), ..inner };
        let line = match &field.error {
            Some(error) => Line::styled(error.clone(), theme.bad()),
            None => Line::styled(field.hint, theme.dim()),
        };
        super::text(frame, note, vec![line], 0);
    }
}
