//! What keys, pastes and the mouse do: first to what lies over the screen, then to the screen.

use super::super::effect::Effect;
use super::super::keys::{self, Action, Key};
use super::super::prompt;
use super::super::widgets::form;
use super::{App, Overlay, Target};
use crossterm::event::{KeyEvent, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Position;

impl App {
    pub(super) fn key(&mut self, key: &KeyEvent) -> Vec<Effect> {
        let action = keys::action(self.context(), Key::of(key));
        match (&mut self.overlay, action) {
            (Some(Overlay::Form(form)), None) => form.press(key),
            (Some(Overlay::Form(form)), Some(Action::Left | Action::Right)) if form.is_typing() => {
                form.press(key);
            }
            (Some(Overlay::Path(input)), None) => {
                if let Some(request) = form::request(key) {
                    input.handle(request);
                }
            }
            (Some(Overlay::Palette(state)), None) => {
                if let Some(request) = form::request(key) {
                    state.input.handle(request);
                    state.selected = 0;
                }
            }
            (Some(Overlay::Help(help)), None) => {
                if let Some(request) = form::request(key) {
                    help.input.handle(request);
                    help.scroll = 0;
                }
            }
            (Some(Overlay::Prompt(open)), None) => {
                open.press(key);
                prompt::changed(self);
            }
            (_, Some(action)) => return self.act(action),
            (_, None) => {}
        }
        self.form_changed();
        Vec::new()
    }

    pub(super) fn paste(&mut self, text: &str) -> Vec<Effect> {
        match &mut self.overlay {
            Some(Overlay::Form(form)) => form.paste(text),
            Some(Overlay::Path(input)) => form::paste(input, text),
            Some(Overlay::Palette(state)) => form::paste(&mut state.input, text),
            Some(Overlay::Help(help)) => form::paste(&mut help.input, text),
            Some(Overlay::Prompt(open)) => {
                form::paste(&mut open.input, text);
                prompt::changed(self);
            }
            None => self.screen.screen().paste(self, text),
            _ => {}
        }
        Vec::new()
    }

    pub(super) fn mouse(&mut self, mouse: MouseEvent) -> Vec<Effect> {
        match mouse.kind {
            MouseEventKind::ScrollUp => self.wheel(Action::Up),
            MouseEventKind::ScrollDown => self.wheel(Action::Down),
            MouseEventKind::Down(MouseButton::Left) => {
                let at = Position::new(mouse.column, mouse.row);
                let target = self.hits.iter().find(|(area, _)| area.contains(at)).map(|(_, target)| *target);
                match target {
                    // The footer is that of what lies over the screen.
                    Some(Target::Key(action)) => self.act(action),
                    Some(Target::Screen(screen)) if self.overlay.is_none() => self.go(screen.index()),
                    Some(Target::Row(index)) if self.overlay.is_none() => self.screen.screen().select(self, index),
                    _ => Vec::new(),
                }
            }
            _ => Vec::new(),
        }
    }

    pub(super) fn wheel(&mut self, action: Action) -> Vec<Effect> {
        match self.overlay {
            None | Some(Overlay::Help(_) | Overlay::Form(_) | Overlay::Palette(_)) => self.act(action),
            _ => Vec::new(),
        }
    }
}
