//! Carries out actions of the key table: first on what covers the screen, then on the screen.

use super::super::effect::{Effect, TerminalEffect};
use super::super::forms::FormKind;
use super::super::jobs::Job;
use super::super::keys::Action;
use super::super::shared::{Overlay, Tone, moved};
use super::super::stages::ScreenId;
use super::super::views::ViewId;
use super::super::widgets::help;
use super::super::{palette, prompt, table};
use super::App;

impl App {
    /// Carries out an action of the key table in the present context.
    pub fn act(&mut self, action: Action) -> Vec<Effect> {
        match action {
            Action::Quit => return vec![TerminalEffect::Quit.into()],
            Action::Suspend | Action::Redraw => {
                self.shared.pictures.forget();
                let effect = if action == Action::Suspend { TerminalEffect::Suspend } else { TerminalEffect::Redraw };
                return vec![effect.into()];
            }
            _ => {}
        }
        match self.shared.overlay {
            None => self.act_on_screen(action),
            Some(Overlay::Help(ref mut help)) => {
                match action {
                    Action::Up => help.scroll = help.scroll.saturating_sub(1),
                    Action::Down => help.scroll += 1,
                    Action::PageUp => help.scroll = help.scroll.saturating_sub(10),
                    Action::PageDown => help.scroll += 10,
                    Action::Top => help.scroll = 0,
                    Action::Bottom => help.scroll = usize::MAX / 2,
                    // The search is left first, then the help.
                    Action::Cancel if !help.input.value().is_empty() => *help = help::State::default(),
                    _ => self.shared.overlay = None,
                }
                Vec::new()
            }
            Some(Overlay::Confirm(_)) => match (action, self.shared.overlay.take()) {
                (Action::Accept, Some(Overlay::Confirm(confirm))) => vec![confirm.job.into()],
                _ => Vec::new(),
            },
            // Without a path to complete it goes to the next field, or does nothing.
            Some(Overlay::Path(_) | Overlay::Prompt(_)) if action == Action::Complete => Vec::new(),
            Some(Overlay::Path(_)) => match (action, self.shared.overlay.take()) {
                (Action::Accept, Some(Overlay::Path(input))) if !input.value().trim().is_empty() => {
                    vec![Job::Open { text: input.value().to_owned(), from: self.screens.predict.folder.clone() }.into()]
                }
                _ => Vec::new(),
            },
            Some(Overlay::Form(_)) => self.act_on_form(action),
            Some(Overlay::Palette(_)) => self.act_on_palette(action),
            Some(Overlay::Prompt(_)) => prompt::act(self, action),
            Some(Overlay::Table(_)) => {
                match (self.shared.overlay.take(), self.screens.get_mut(self.screen).table_mut()) {
                    (Some(Overlay::Table(over)), Some(table)) => {
                        table::act::act_over(table, &mut self.shared, over, action)
                    }
                    _ => Vec::new(),
                }
            }
        }
    }

    pub(super) fn act_on_palette(&mut self, action: Action) -> Vec<Effect> {
        let Some(Overlay::Palette(state)) = self.shared.overlay.take() else {
            return Vec::new();
        };
        let found = palette::found(self, state.input.value());
        match action {
            Action::Up | Action::Down => {
                let selected = moved(state.selected, found.len(), action);
                self.shared.overlay = Some(Overlay::Palette(palette::State { selected, ..state }));
            }
            Action::Accept => {
                if let Some(command) = found.get(state.selected) {
                    let mut effects = command.screen.map_or_else(Vec::new, |screen| self.go(screen));
                    effects.extend(self.act(command.binding.action));
                    return effects;
                }
            }
            _ => {}
        }
        Vec::new()
    }

    pub(super) fn act_on_screen(&mut self, action: Action) -> Vec<Effect> {
        self.shared.message = None;
        let at = self.screen.index();
        let count = ScreenId::ALL.len();
        match action {
            Action::Palette => self.shared.overlay = Some(Overlay::Palette(palette::State::default())),
            Action::Theme => {
                let palette = self.shared.theme.palette.next();
                self.shared.theme.palette = palette;
                self.shared.themed = Some(palette);
                self.shared.say(Tone::Plain, format!("Theme: {}.", palette.name()));
            }
            Action::StopTask => return vec![Job::StopTasks.into()],
            Action::Report => self.shared.open_form(FormKind::Report),
            Action::ExportModel => self.export_model(),
            Action::Help => self.shared.overlay = Some(Overlay::Help(help::State::default())),
            Action::Go(index) => return self.go(ScreenId::ALL.get(index).copied().unwrap_or(self.screen)),
            Action::NextScreen => return self.go(ScreenId::ALL[(at + 1) % count]),
            Action::PreviousScreen => return self.go(ScreenId::ALL[(at + count - 1) % count]),
            Action::UseNewer => return self.use_newer(),
            Action::Map => return self.open_view(ViewId::Map),
            Action::Study => return self.open_view(ViewId::Study),
            // A notice is dismissed only where no message covers it.
            Action::Cancel if self.shared.newer.take().is_some() => {}
            Action::Cancel => match self.views.open_mut() {
                Some(view) => {
                    if !view.cancel(&mut self.shared) {
                        self.views.close();
                    }
                }
                None => self.screens.get_mut(self.screen).cancel(&mut self.shared),
            },
            _ => {
                let effects = match self.views.open_mut() {
                    Some(view) => view.act(&mut self.shared, action),
                    None => self.screens.get_mut(self.screen).act(&mut self.shared, action),
                };
                return self.and_requests(effects);
            }
        }
        Vec::new()
    }

    /// The files of runs that the screen still has to ask for.
    pub(in super::super) fn wanted(&mut self) -> Vec<Effect> {
        let mut effects = self.screens.get_mut(self.screen).wanted(&mut self.shared);
        if let Some(view) = self.views.open_mut() {
            effects.extend(view.wanted(&self.shared));
        }
        effects
    }
}
