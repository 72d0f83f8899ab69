//! The rows of the key table: what holds everywhere, those of each screen, and those of what lies over screens.

mod everywhere;
mod overlays;

use super::key::Key;
use super::{Action, Binding, Context};
use crate::tui::screens::SCREENS;
use crate::tui::views::VIEWS;
use std::sync::LazyLock;

/// One row.
pub const fn bind(
    context: Context,
    keys: &'static [Key],
    action: Action,
    label: &'static str,
    help: &'static str,
) -> Binding {
    Binding { context, keys, action, label, help }
}

/// Every key of the program.
pub static TABLE: LazyLock<Vec<Binding>> = LazyLock::new(|| {
    let screens = SCREENS.into_iter().flat_map(|screen| screen.keys());
    let views = VIEWS.into_iter().flat_map(|view| view.keys());
    let own = crate::tui::table::keys();
    everywhere::ROWS.iter().chain(screens).chain(views).chain(own).chain(overlays::ROWS).copied().collect()
});
