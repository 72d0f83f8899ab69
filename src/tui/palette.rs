//! The line that finds any command of the key table by a few letters of its name, or by another word for it.

use super::app::App;
use super::keys::{Action, Binding, Context, TABLE, meanings};
use super::stages::ScreenId;
use super::theme::Theme;
use super::widgets::{self, cut, fit, form, offset};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use tui_input::Input;

/// What is typed and where the cursor is.
#[derive(Debug, Clone, Default)]
pub struct State {
    pub input: Input,
    pub selected: usize,
}

/// A command, and the screen it belongs to.
#[derive(Debug, Clone, Copy)]
pub struct Command {
    pub screen: Option<ScreenId>,
    pub binding: &'static Binding,
}

impl Command {
    /// How it is listed and looked for.
    fn text(&self) -> String {
        let what = if self.binding.label.is_empty() {
            self.binding.help.trim_end_matches('.').to_owned()
        } else {
            format!("{}: {}", self.binding.label, self.binding.help.trim_end_matches('.'))
        };
        match self.screen {
            Some(screen) => format!("{} › {what}", screen.name()),
            None => what,
        }
    }
}

/// Moving about is not looked for by name.
fn is_command(action: Action) -> bool {
    !matches!(
        action,
        Action::Up
            | Action::Down
            | Action::PageUp
            | Action::PageDown
            | Action::Top
            | Action::Bottom
            | Action::Cancel
            | Action::Palette
            | Action::Left
            | Action::Right
            | Action::PanLeft
            | Action::PanRight
    )
}

/// The commands that `typed` finds, the best first; with nothing typed those of the present screen come first.
pub fn found(app: &App, typed: &str) -> Vec<Command> {
    let within = |context: Context, screen: ScreenId| {
        let own = TABLE.iter().filter(move |binding| binding.context == context);
        own.map(move |binding| Command { screen: Some(screen), binding })
    };
    let of = |screen: ScreenId| within(screen.context(), screen);
    // What lies over the present screen has commands of its own.
    let over = app.beneath();
    let over = (over != app.screen.context()).then(|| within(over, app.screen)).into_iter().flatten();
    // A view is closed by going to a screen, its own too.
    let screen = |screen: Option<ScreenId>| screen.filter(|_| app.views.open().is_none());
    let over = over.map(|command| Command { screen: screen(command.screen), ..command });
    let others = ScreenId::ALL.into_iter().filter(|screen| *screen != app.screen);
    let everywhere = TABLE
        .iter()
        .filter(|binding| binding.context == Context::Global)
        .map(|binding| Command { screen: None, binding });
    let all = over.chain(of(app.screen)).chain(everywhere).chain(others.flat_map(of));
    let mut found: Vec<(i32, Command)> = all
        .filter(|command| is_command(command.binding.action))
        .filter_map(|command| Some((score_of(typed, &command)?, command)))
        .collect();
    // Stable: of equals, the nearer screen.
    found.sort_by_key(|(score, _)| -score);
    found.into_iter().map(|(_, command)| command).collect()
}

/// How well `typed` is found in what a command is called and in other words for it; none where a word is in neither.
fn score_of(typed: &str, command: &Command) -> Option<i32> {
    let text = command.text();
    let label = command.binding.label.to_lowercase();
    typed.to_lowercase().split_whitespace().try_fold(0, |total, word| {
        let begins = |text: &str| {
            let mut parts = text.split_whitespace().chain(text.split(|c: char| !c.is_alphanumeric()));
            parts.any(|one| one.starts_with(word))
        };
        // Scattered letters of a long sentence are never better than the word itself.
        let meant = word.chars().count() as i32 * 8;
        let named = begins(&label).then_some(meant + 8);
        let other = (word.chars().count() > 1 && begins(meanings(command.binding.action))).then_some(meant);
        Some(total + named.max(other).max(score(word, &text))?)
    })
}

/// How well `typed` is found in `text`: its letters in their order, more for those at the beginning of words and for
/// those that follow each other; none where a letter is missing.
pub fn score(typed: &str, text: &str) -> Option<i32> {
    let text: Vec<char> = text.to_lowercase().chars().collect();
    let mut total = 0;
    for word in typed.to_lowercase().split_whitespace() {
        let word: Vec<char> = word.chars().collect();
        // The best of all places where the word can begin.
        total += (0..text.len()).filter_map(|start| score_from(&word, &text, start)).max()?;
    }
    Some(total)
}

fn score_from(word: &[char], text: &[char], start: usize) -> Option<i32> {
    let (mut at, mut last, mut points) = (start, None, 0);
    for (index, letter) in word.iter().enumerate() {
        let found = (at..text.len()).find(|place| text[*place] == *letter)?;
        if index == 0 && found != start {
            return None;
        }
        let begins = found == 0 || !text[found - 1].is_alphanumeric();
        let follows = last.is_some_and(|last: usize| last + 1 == found);
        points += 1 + if begins { 8 } else { 0 } + if follows { 6 } else { 0 };
        points -= (found - last.unwrap_or(found)).min(10) as i32 / 3;
        last = Some(found);
        at = found + 1;
        // Letters strewn over half a sentence mean nothing.
        if at - start > word.len() * 2 + 4 {
            return None;
        }
    }
    // What stands early in the line is what it is called.
    Some(points - (start / 12).min(6) as i32)
}

/// Draws the line and what it finds.
pub fn draw(frame: &mut Frame, area: Rect, theme: Theme, app: &App, state: &State) {
    let height = area.height.saturating_sub(2).min(18);
    let inner = widgets::window(frame, area, theme, "Commands", area.width.saturating_sub(2).min(90), height);
    let line = Rect { height: 1.min(inner.height), ..inner };
    frame.render_widget(Span::styled(": ", theme.accent()), line);
    let typed = Rect { x: line.x + 2, width: line.width.saturating_sub(2), ..line };
    form::draw_input(frame, typed, &state.input, theme, true);
    let list = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
    let commands = found(app, state.input.value());
    if commands.is_empty() {
        widgets::text(frame, list, vec![Line::styled("No matching command.", theme.dim())], 0);
        return;
    }
    let selected = state.selected.min(commands.len() - 1);
    let first = offset(selected, commands.len(), usize::from(list.height));
    for (row, (at, command)) in commands.iter().enumerate().skip(first).take(usize::from(list.height)).enumerate() {
        let place = Rect { y: list.y + row as u16, height: 1, ..list };
        let key = command.binding.name();
        let width = usize::from(list.width).saturating_sub(11);
        let text = fit(&cut(&command.text(), width), width);
        let spans = if at == selected {
            vec![Span::styled(format!("{text} {}", fit(&key, 10)), theme.selected())]
        } else {
            vec![Span::raw(text), Span::raw(" "), Span::styled(fit(&key, 10), theme.accent())]
        };
        frame.render_widget(Line::from(spans), place);
    }
}
