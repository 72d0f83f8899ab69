//! A form: fields to type into or choose in, each with a message of its own about what is wrong.

use super::super::completion::Paths;
use super::super::theme::Theme;
use super::{NARROW, cut};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use tui_input::{Input, InputRequest};

/// One field.
#[derive(Debug, Clone)]
pub struct Field {
    /// Its setting's name.
    pub name: String,
    /// Its help, in a sentence.
    pub hint: String,
    pub input: Input,
    /// The values that left and right cycle through; empty for a free text field.
    pub choices: Vec<String>,
    /// Whether other values can be typed too.
    pub open: bool,
    /// Whether it is folded away until the form is unfolded.
    pub advanced: bool,
    /// Whether its text is hidden and never kept.
    pub secret: bool,
    /// The paths that it takes, if it takes any.
    pub path: Option<Paths>,
    /// What is wrong with it.
    pub error: Option<String>,
    /// Its initial value.
    usual: String,
}

impl Field {
    /// A field to type into.
    pub fn typed(name: impl Into<String>, value: &str, hint: impl Into<String>) -> Self {
        Self::new(name.into(), value, Vec::new(), true, hint.into())
    }

    /// A field that offers values; `value` is the one shown first.
    pub fn chosen(name: impl Into<String>, value: &str, choices: Vec<String>, hint: impl Into<String>) -> Self {
        Self::new(name.into(), value, choices, false, hint.into())
    }

    /// A field that offers values, in which others can be typed.
    pub fn suggested(name: impl Into<String>, value: &str, choices: Vec<String>, hint: impl Into<String>) -> Self {
        Self::new(name.into(), value, choices, true, hint.into())
    }

    /// The same, folded away or not.
    #[must_use]
    pub fn advanced(mut self, advanced: bool) -> Self {
        self.advanced = advanced;
        self
    }

    /// The same, secret or not.
    #[must_use]
    pub fn secret(mut self, secret: bool) -> Self {
        self.secret = secret;
        self
    }

    /// The same, for these paths.
    #[must_use]
    pub fn path(mut self, path: Option<Paths>) -> Self {
        self.path = path;
        self
    }

    fn new(name: String, value: &str, choices: Vec<String>, open: bool, hint: String) -> Self {
        let (input, usual) = (Input::new(value.to_owned()), value.to_owned());
        Self { name, hint, input, choices, open, advanced: false, secret: false, path: None, error: None, usual }
    }

    /// The name as people read it.
    pub fn label(&self) -> String {
        self.name.replace('_', " ")
    }

    /// Goes to the next or previous value; true if there are values.
    pub fn turn(&mut self, forward: bool) -> bool {
        let len = self.choices.len();
        if len == 0 {
            return false;
        }
        let at = self.choices.iter().position(|choice| choice == self.input.value());
        let next = match at {
            Some(at) if forward => (at + 1) % len,
            Some(at) => (at + len - 1) % len,
            None => 0,
        };
        self.input = Input::new(self.choices[next].clone());
        self.error = None;
        true
    }

    /// Whether it shows although the form is folded: what was changed or is wrong is never hidden.
    fn shows_folded(&self) -> bool {
        !self.advanced || self.error.is_some() || self.input.value() != self.usual
    }
}

/// A form that is open.
#[derive(Debug, Clone)]
pub struct Form<Kind> {
    pub kind: Kind,
    pub title: String,
    pub intro: String,
    pub fields: Vec<Field>,
    /// The line under the cursor, among those that show: the fields, then the one that unfolds.
    pub focus: usize,
    /// Whether advanced fields show.
    pub unfolded: bool,
}

impl<Kind> Form<Kind> {
    /// The trimmed value of a field.
    pub fn value(&self, name: &str) -> &str {
        self.fields.iter().find(|field| field.name == name).map_or("", |field| field.input.value().trim())
    }

    /// The indices of the fields that show.
    fn shown(&self) -> Vec<usize> {
        (0..self.fields.len()).filter(|&at| self.unfolded || self.fields[at].shows_folded()).collect()
    }

    /// How many fields are folded away.
    fn folded(&self) -> usize {
        self.fields.len() - self.shown().len()
    }

    /// Whether there is a line that folds and unfolds.
    fn has_fold(&self) -> bool {
        self.fields.iter().any(|field| field.advanced)
    }

    /// The field under the cursor; none on the line that unfolds.
    pub fn focused(&mut self) -> Option<&mut Field> {
        let at = *self.shown().get(self.focus)?;
        self.fields.get_mut(at)
    }

    /// The same, to look at.
    pub fn under_cursor(&self) -> Option<&Field> {
        self.fields.get(*self.shown().get(self.focus)?)
    }

    /// Whether the field under the cursor takes left and right as movements of its cursor.
    pub fn is_typing(&self) -> bool {
        self.shown().get(self.focus).is_some_and(|&at| self.fields[at].choices.is_empty())
    }

    /// Shows or hides the advanced fields, if the cursor is on the line that does; true if it was.
    pub fn fold(&mut self) -> bool {
        let shown = self.shown().len();
        if !self.has_fold() || self.focus < shown {
            return false;
        }
        self.unfolded = !self.unfolded;
        self.focus = self.shown().len().min(if self.unfolded { shown } else { usize::MAX });
        true
    }

    /// Says what is wrong with a field, and puts the cursor on it if it is the first.
    pub fn complain(&mut self, name: &str, what: impl Into<String>) {
        let first = self.fields.iter().all(|field| field.error.is_none());
        let at = self.fields.iter().position(|field| field.name == name).unwrap_or(0);
        if let Some(field) = self.fields.get_mut(at) {
            field.error.get_or_insert(what.into());
            if first {
                self.focus = self.shown().iter().position(|&shown| shown == at).unwrap_or(0);
            }
        }
    }

    /// Moves the cursor to another line, around the ends.
    pub fn go(&mut self, forward: bool) {
        let len = (self.shown().len() + usize::from(self.has_fold())).max(1);
        self.focus = if forward { (self.focus + 1) % len } else { (self.focus + len - 1) % len };
    }

    /// Types a key into the focused field.
    pub fn press(&mut self, key: &KeyEvent) {
        if matches!(key.code, KeyCode::Char(' ')) && self.fold() {
            return;
        }
        let Some(field) = self.focused() else { return };
        if !field.open {
            if matches!(key.code, KeyCode::Char(' ')) {
                field.turn(true);
            }
        } else if let Some(request) = request(key) {
            field.input.handle(request);
            field.error = None;
        }
    }

    /// Puts pasted text into the focused field.
    pub fn paste(&mut self, text: &str) {
        if let Some(field) = self.focused().filter(|field| field.open) {
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
    if !focused {
        // It is read from its beginning.
        frame.render_widget(Span::styled(cut(input.value(), usize::from(area.width)), theme.text()), area);
        return;
    }
    let scroll = input.visual_scroll(usize::from(area.width).saturating_sub(1));
    frame.render_widget(
        ratatui::widgets::Paragraph::new(input.value().to_owned()).style(theme.strong()).scroll((0, scroll as u16)),
        area,
    );
    let x = area.x + (input.visual_cursor().max(scroll) - scroll) as u16;
    frame.set_cursor_position(Position::new(x.min(area.right().saturating_sub(1)), area.y));
}

/// Draws the form in the middle of `area`; the place of the value under the cursor comes back.
pub fn draw<Kind>(frame: &mut Frame, area: Rect, theme: Theme, form: &Form<Kind>) -> Option<Rect> {
    let mut place = None;
    let shown = form.shown();
    let lines = shown.len() + usize::from(form.has_fold());
    let width = area.width.saturating_sub(2).clamp(30, 84);
    let inside = usize::from(width.saturating_sub(4)).max(1);
    let intro = form.intro.chars().count().div_ceil(inside) as u16 + 1;
    // What is wrong with the field under the cursor, else what belongs in it.
    let line = match shown.get(form.focus).map(|&at| &form.fields[at]) {
        Some(Field { error: Some(error), .. }) => Line::styled(error.clone(), theme.bad()),
        Some(field) => Line::styled(field.hint.clone(), theme.dim()),
        None => Line::styled("Space, left or right shows or hides advanced settings", theme.dim()),
    };
    let needed = super::rows(&line.to_string(), inside) as u16;
    let height = lines as u16 + intro + 2 + needed.max(3);
    let inner = super::window(frame, area, theme, &form.title, width, height);
    let roomy = inner.height >= lines as u16 + intro + needed.max(3);
    let top = if roomy {
        super::text(frame, Rect { height: intro, ..inner }, vec![Line::styled(form.intro.clone(), theme.dim())], 0);
        inner.y + intro
    } else {
        inner.y
    };
    // A long refusal is read whole, if half of the window is enough for it; a hint leaves more room to the fields.
    let refused = shown.get(form.focus).is_some_and(|&at| form.fields[at].error.is_some());
    let usual = 3.min(inner.height / 3).max(1);
    let notes = if refused {
        needed.clamp(usual, (inner.height / 2).max(usual))
    } else {
        usual.max(needed.min(inner.height.saturating_sub(lines as u16 + intro)))
    };
    let rows = inner.bottom().saturating_sub(top).saturating_sub(notes);
    let first = super::offset(form.focus, lines, usize::from(rows));
    let names = form.fields.iter().map(|field| field.name.len()).max().unwrap_or(0) as u16 + 2;
    for (row, line) in (first..lines).take(usize::from(rows)).enumerate() {
        let area = Rect { y: top + row as u16, height: 1, ..inner };
        let focused = line == form.focus;
        match shown.get(line) {
            Some(&at) => {
                draw_field(frame, area, theme, &form.fields[at], names, focused);
                if focused {
                    place = Some(Rect { x: area.x + names + 1, width: area.width.saturating_sub(names + 1), ..area });
                }
            }
            None => {
                let text = if form.unfolded {
                    "fewer settings".to_owned()
                } else {
                    format!("{} more settings", form.folded())
                };
                let sign = if focused { "▸" } else { " " };
                let style = if focused { theme.accent() } else { theme.dim() };
                frame.render_widget(Span::styled(format!("{sign} … {text}"), style), area);
            }
        }
    }
    // What is below is not forgotten.
    let below = lines.saturating_sub(first + usize::from(rows));
    if below > 0 && rows > 0 {
        let text = if inner.width >= NARROW { format!(" {below} more ▼") } else { " ▼".to_owned() };
        let width = text.chars().count().min(usize::from(inner.width)) as u16;
        let place = Rect { x: inner.right() - width, y: top + rows - 1, width, height: 1 };
        frame.render_widget(Span::styled(text, theme.dim()), place);
    }
    let note = Rect { y: inner.bottom().saturating_sub(notes), height: notes, ..inner };
    super::text(frame, note, vec![line], 0);
    place
}

fn draw_field(frame: &mut Frame, line: Rect, theme: Theme, field: &Field, names: u16, focused: bool) {
    let (sign, style) = match (&field.error, focused) {
        (Some(_), _) => ("✗", theme.bad()),
        (None, true) => ("▸", theme.accent()),
        (None, false) => (" ", theme.text()),
    };
    frame.render_widget(Span::styled(format!("{sign} {}", field.label()), style), line);
    let value = Rect { x: line.x + names + 1, width: line.width.saturating_sub(names + 1), ..line };
    if field.secret {
        let hidden = Input::new("•".repeat(field.input.value().chars().count()));
        draw_input(frame, value, &hidden, theme, focused);
    } else if field.open {
        draw_input(frame, value, &field.input, theme, focused);
        if focused && !field.choices.is_empty() {
            let after = (field.input.value().chars().count() as u16 + 2).min(value.width);
            let hint = Rect { x: value.x + after, width: value.width - after, ..value };
            frame.render_widget(Span::styled("← →", theme.dim()), hint);
        }
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
