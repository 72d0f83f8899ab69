//! What keys, pastes and the mouse do: first to what lies over the screen, then to the screen.

use super::super::charts::scale::Scale;
use super::super::effect::Effect;
use super::super::keys::{self, Action, Context, Key};
use super::super::prompt;
use super::super::screens::Gesture;
use super::super::shared::{Overlay, Target};
use super::super::widgets::form;
use super::App;
use crossterm::event::{KeyEvent, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};

impl App {
    pub(super) fn key(&mut self, key: &KeyEvent) -> Vec<Effect> {
        let found = self.searches().then(|| keys::action(Context::Found, Key::of(key))).flatten();
        let action = found.or_else(|| keys::action(self.context(), Key::of(key)));
        if let Some(effects) = action.and_then(|action| self.complete(action)) {
            return effects;
        }
        match (&mut self.shared.overlay, action) {
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
        match &mut self.shared.overlay {
            Some(Overlay::Form(form)) => form.paste(text),
            Some(Overlay::Path(input)) => form::paste(input, text),
            Some(Overlay::Palette(state)) => form::paste(&mut state.input, text),
            Some(Overlay::Help(help)) => form::paste(&mut help.input, text),
            Some(Overlay::Prompt(open)) => {
                form::paste(&mut open.input, text);
                prompt::changed(self);
            }
            None => self.screens.get_mut(self.screen).paste(&mut self.shared, text),
            _ => {}
        }
        Vec::new()
    }

    pub(super) fn mouse(&mut self, mouse: MouseEvent) -> Vec<Effect> {
        if let (Some(view), None) = (self.views.open_mut(), &self.shared.overlay)
            && let Some(effects) = view.mouse(&mut self.shared, mouse)
        {
            return self.and_requests(effects);
        }
        if self.shared.overlay.is_none()
            && let Some(gesture) = self.gesture(mouse)
        {
            return self.on_screen(|screen, shared| screen.plot(shared, gesture));
        }
        match mouse.kind {
            MouseEventKind::ScrollUp => self.wheel(Action::Up),
            MouseEventKind::ScrollDown => self.wheel(Action::Down),
            MouseEventKind::Down(MouseButton::Left) => {
                let at = Position::new(mouse.column, mouse.row);
                let target = self.shared.hits.iter().find(|(area, _)| area.contains(at)).map(|(_, target)| *target);
                match target {
                    // The footer is that of what lies over the screen.
                    Some(Target::Key(action)) => self.act(action),
                    Some(Target::Screen(screen)) if self.shared.overlay.is_none() => self.go(screen),
                    Some(Target::Row(index)) if self.shared.overlay.is_none() => {
                        let effects = match self.views.open_mut() {
                            Some(view) => view.select(&mut self.shared, index),
                            None => self.screens.get_mut(self.screen).select(&mut self.shared, index),
                        };
                        self.and_requests(effects)
                    }
                    _ => Vec::new(),
                }
            }
            _ => Vec::new(),
        }
    }

    /// What the mouse does to a chart, if it is over one or began there.
    fn gesture(&mut self, mouse: MouseEvent) -> Option<Gesture> {
        let value = |area: Rect, scale: Scale, column: u16| {
            let column = column.clamp(area.left(), area.right().saturating_sub(1)) - area.left();
            scale.value((f64::from(column) + 0.5) / f64::from(area.width.max(1)))
        };
        let at = Position::new(mouse.column, mouse.row);
        let plot = || {
            self.shared.hits.iter().find_map(|(area, target)| match target {
                Target::Plot(scale) if area.contains(at) => Some((*area, *scale)),
                _ => None,
            })
        };
        match (mouse.kind, self.held) {
            (MouseEventKind::ScrollUp | MouseEventKind::ScrollDown, _) => {
                let (area, scale) = plot()?;
                let closer = mouse.kind == MouseEventKind::ScrollUp;
                Some(Gesture::Wheel { at: value(area, scale, mouse.column), closer })
            }
            (MouseEventKind::Down(MouseButton::Left), _) => {
                let (area, scale) = plot()?;
                self.held = Some((area, scale, mouse.column));
                let at = value(area, scale, mouse.column);
                Some(Gesture::Drag { from: at, to: at })
            }
            (MouseEventKind::Drag(MouseButton::Left), Some((area, scale, from))) => {
                let (from, to) = (value(area, scale, from), value(area, scale, mouse.column));
                Some(Gesture::Drag { from, to })
            }
            (MouseEventKind::Up(MouseButton::Left), Some((area, scale, from))) => {
                self.held = None;
                let wide = from.abs_diff(mouse.column) >= 2;
                let (from, to) = (value(area, scale, from), value(area, scale, mouse.column));
                Some(Gesture::Release { from, to, wide })
            }
            _ => None,
        }
    }

    pub(super) fn wheel(&mut self, action: Action) -> Vec<Effect> {
        match self.shared.overlay {
            None | Some(Overlay::Help(_) | Overlay::Form(_) | Overlay::Palette(_) | Overlay::Table(_)) => {
                self.act(action)
            }
            _ => Vec::new(),
        }
    }
}
