//! The line for a path that is open, and its completion.

use super::super::completion::{List, Names, Paths};
use super::super::effect::Effect;
use super::super::jobs::Job;
use super::super::keys::Action;
use super::super::prompt::Purpose;
use super::super::shared::{Overlay, Tone};
use super::App;
use std::path::PathBuf;
use tui_input::Input;

/// A path that is being typed.
struct Typed {
    text: String,
    paths: Paths,
    /// Where relative paths begin.
    base: PathBuf,
}

impl App {
    /// The path that is being typed; none where the cursor is in no such line.
    fn typed(&self) -> Option<Typed> {
        let base = || self.shared.snapshot.workspace.clone();
        let (input, paths, base) = match &self.shared.overlay {
            Some(Overlay::Form(form)) => {
                let field = form.under_cursor()?;
                (&field.input, field.path?, base())
            }
            Some(Overlay::Path(input)) => (input, Paths::Any, self.screens.predict.folder.clone()),
            Some(Overlay::Prompt(open)) if open.purpose == Purpose::Export => (&open.input, Paths::Any, base()),
            _ => return None,
        };
        Some(Typed { text: input.value().to_owned(), paths, base })
    }

    /// Whether Tab completes what is being typed.
    pub fn can_complete(&self) -> bool {
        let empty = |typed: &Typed| typed.text.is_empty() && typed.paths != Paths::Source;
        // In an empty field of a form, Tab goes on to the next.
        self.typed().is_some_and(|typed| !empty(&typed) || !matches!(self.shared.overlay, Some(Overlay::Form(_))))
    }

    /// The list that is open, with the text that it completes.
    pub fn completion(&self) -> Option<(&List, String)> {
        let list = self.completing.as_ref()?;
        let text = self.typed()?.text;
        (!list.names.fitting(&text).is_empty()).then_some((list, text))
    }

    fn put_path(&mut self, text: String) {
        let value = Input::new(text);
        match &mut self.shared.overlay {
            Some(Overlay::Form(form)) => {
                if let Some(field) = form.focused() {
                    field.input = value;
                    field.error = None;
                }
            }
            Some(Overlay::Path(input)) => *input = value,
            Some(Overlay::Prompt(open)) => open.input = value,
            _ => {}
        }
    }

    /// What an action does to the completion; none where it means what it means without one.
    pub(super) fn complete(&mut self, action: Action) -> Option<Vec<Effect>> {
        let open = self.completion().map(|(_, text)| text);
        let Some(text) = open else {
            self.completing = None;
            if action != Action::Complete || !self.can_complete() {
                return None;
            }
            let Typed { text, paths, base } = self.typed()?;
            return Some(vec![Job::Complete { text, paths, base }.into()]);
        };
        let list = self.completing.as_mut()?;
        // As far as the names agree, else to the next of them.
        let longer = list.names.extended(&text).filter(|longer| *longer != text);
        match action {
            Action::Complete if longer.is_some() && list.selected.is_none() => {
                if list.names.fitting(&text).len() == 1 {
                    self.completing = None;
                }
                self.put_path(longer?);
            }
            Action::Complete | Action::Down => list.go(&text, true),
            Action::Up => list.go(&text, false),
            Action::Cancel => self.completing = None,
            Action::Accept => {
                let chosen = list.chosen(&text);
                self.completing = None;
                self.put_path(chosen?);
            }
            _ => return None,
        }
        Some(Vec::new())
    }

    /// Takes the names that may go on from `text`.
    pub(super) fn completed(&mut self, text: &str, names: Result<Names, String>) {
        if self.typed().is_none_or(|typed| typed.text != text) {
            return;
        }
        let names = match names {
            Ok(names) => names,
            Err(sentence) => return self.shared.say(Tone::Bad, sentence),
        };
        let several = names.fitting(text).len() > 1;
        match names.extended(text) {
            None => self.shared.say(Tone::Plain, "No match."),
            // It is whole already: on to the next field.
            Some(longer) if longer == text && !several && matches!(self.shared.overlay, Some(Overlay::Form(_))) => {
                if let Some(Overlay::Form(form)) = &mut self.shared.overlay {
                    form.go(true);
                }
            }
            Some(longer) => {
                self.shared.message = None;
                self.put_path(longer);
                self.completing = several.then_some(List { names, selected: None });
            }
        }
    }
}
