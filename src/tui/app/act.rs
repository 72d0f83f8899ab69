//! Actions of the key table, on the screen and on what lies over it.

use super::super::effect::{Effect, TerminalEffect};
use super::super::forms::FormKind;
use super::super::jobs::Job;
use super::super::keys::Action;
use super::super::stages::ScreenId;
use super::super::views::{self, ViewId};
use super::super::widgets::help;
use super::super::{palette, prompt, table};
use super::{App, Overlay, Tone, moved};

impl App {
    /// Carries out an action of the key table in the present context.
    pub fn act(&mut self, action: Action) -> Vec<Effect> {
        match action {
            Action::Quit => return vec![TerminalEffect::Quit.into()],
            Action::Suspend | Action::Redraw => {
                self.pictures.forget();
                let effect = if action == Action::Suspend { TerminalEffect::Suspend } else { TerminalEffect::Redraw };
                return vec![effect.into()];
            }
            _ => {}
        }
        match self.overlay {
            None => self.act_on_screen(action),
            Some(Overlay::Help(ref mut help)) => {
                match action {
                    Action::Up => help.scroll = help.scroll.saturating_sub(1),
                    Action::Down => help.scroll += 1,
                    Action::PageUp => help.scroll = help.scroll.saturating_sub(10),
                    Action::PageDown => help.scroll += 10,
                    Action::Top => help.scroll = 0,
                    Action::Bottom => help.scroll = usize::MAX / 2,
                    // What was looked for first, then the help.
                    Action::Cancel if !help.input.value().is_empty() => *help = help::State::default(),
                    _ => self.overlay = None,
                }
                Vec::new()
            }
            Some(Overlay::Confirm(_)) => match (action, self.overlay.take()) {
                (Action::Accept, Some(Overlay::Confirm(confirm))) => vec![confirm.job.into()],
                _ => Vec::new(),
            },
            // Without a path to complete it goes to the next field, or does nothing.
            Some(Overlay::Path(_) | Overlay::Prompt(_)) if action == Action::Complete => Vec::new(),
            Some(Overlay::Path(_)) => match (action, self.overlay.take()) {
                (Action::Accept, Some(Overlay::Path(input))) if !input.value().trim().is_empty() => {
                    vec![Job::Open { text: input.value().to_owned(), from: self.predict.folder.clone() }.into()]
                }
                _ => Vec::new(),
            },
            Some(Overlay::Form(_)) => self.act_on_form(action),
            Some(Overlay::Palette(_)) => self.act_on_palette(action),
            Some(Overlay::Prompt(_)) => prompt::act(self, action),
            Some(Overlay::Table(_)) => match self.overlay.take() {
                Some(Overlay::Table(over)) => table::act::act_over(self, over, action),
                _ => Vec::new(),
            },
        }
    }

    pub(super) fn act_on_palette(&mut self, action: Action) -> Vec<Effect> {
        let Some(Overlay::Palette(state)) = self.overlay.take() else {
            return Vec::new();
        };
        let found = palette::found(self, state.input.value());
        match action {
            Action::Up | Action::Down => {
                let selected = moved(state.selected, found.len(), action);
                self.overlay = Some(Overlay::Palette(palette::State { selected, ..state }));
            }
            Action::Accept => {
                if let Some(command) = found.get(state.selected) {
                    let mut effects = command.screen.map_or_else(Vec::new, |screen| self.go(screen.index()));
                    effects.extend(self.act(command.binding.action));
                    return effects;
                }
            }
            _ => {}
        }
        Vec::new()
    }

    pub(super) fn act_on_screen(&mut self, action: Action) -> Vec<Effect> {
        self.message = None;
        let at = self.screen.index();
        let count = ScreenId::ALL.len();
        match action {
            Action::Palette => self.overlay = Some(Overlay::Palette(palette::State::default())),
            Action::Theme => {
                self.theme.palette = self.theme.palette.next();
                self.themed = Some(self.theme.palette);
                self.say(Tone::Plain, format!("Theme: {}.", self.theme.palette.name()));
            }
            Action::StopTask => return vec![Job::StopTasks.into()],
            Action::Report => self.open_form(FormKind::Report),
            Action::ExportModel => self.export_model(),
            Action::Help => self.overlay = Some(Overlay::Help(help::State::default())),
            Action::Go(index) => return self.go(index),
            Action::NextScreen => return self.go((at + 1) % count),
            Action::PreviousScreen => return self.go((at + count - 1) % count),
            Action::UseNewer => return self.use_newer(),
            Action::Map => return views::open(self, ViewId::Map),
            Action::Study => return views::open(self, ViewId::Study),
            // A notice without a message over it is what is put away.
            Action::Cancel if self.newer.take().is_some() => {}
            Action::Cancel => match self.views.open {
                Some(view) => {
                    if !view.view().cancel(self) {
                        self.views.open = None;
                    }
                }
                None => self.screen.screen().cancel(self),
            },
            _ => {
                return match self.views.open {
                    Some(view) => view.view().act(self, action),
                    None => self.screen.screen().act(self, action),
                };
            }
        }
        Vec::new()
    }

    pub(in super::super) fn go(&mut self, index: usize) -> Vec<Effect> {
        // Whoever looks around by hand is no longer led.
        self.follow = None;
        self.views.open = None;
        if let Some(screen) = ScreenId::ALL.get(index) {
            self.screen = *screen;
        }
        self.arrive()
    }

    pub(super) fn arrive(&mut self) -> Vec<Effect> {
        self.screen.screen().arrive(self)
    }

    /// What the screen still has to ask of the files of runs.
    pub(in super::super) fn wanted(&mut self) -> Vec<Effect> {
        let mut effects = self.screen.screen().wanted(self);
        if let Some(view) = self.views.open {
            effects.extend(view.view().wanted(self));
        }
        effects
    }
}
