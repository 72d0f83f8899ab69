//! What actions are called in configuration files: `runs.stop`, `evaluate.best_accuracy`.

use super::{Action, Binding, Context};
use crate::tui::screens::SCREENS;

/// The name of a row of the table: its context's and its action's. Files of users have it, so it stays.
pub fn action_name(binding: &Binding) -> String {
    format!("{}.{}", context_name(binding.context), name_of_action(binding.action))
}

/// `global`, `data`, `form`.
pub fn context_name(context: Context) -> String {
    snake(&format!("{context:?}"))
}

fn name_of_action(action: Action) -> String {
    match action {
        Action::Go(index) => {
            let screen = SCREENS.get(index).map_or_else(|| index.to_string(), |screen| screen.name.to_lowercase());
            format!("go_{}", screen.replace(|c: char| !c.is_alphanumeric(), "_"))
        }
        action => snake(&format!("{action:?}")),
    }
}

/// `PauseResume` as `pause_resume`.
fn snake(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.extend(letter.to_lowercase());
    }
    text
}
