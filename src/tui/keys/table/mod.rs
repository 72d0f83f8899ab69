//! The rows of the key table: what holds everywhere, those of each screen, and those of what lies over screens.

mod everywhere;
mod overlays;

use super::key::Key;
use super::{Action, Binding, Context};
use crate::tui::screens::SCREENS;
use crate::tui::views;
use std::sync::{LazyLock, OnceLock};

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

/// Every key of the program, as this user has them.
pub static TABLE: LazyLock<Vec<Binding>> = LazyLock::new(|| TAKEN.get().cloned().unwrap_or_else(own_table));

/// What [`take_table`] took.
static TAKEN: OnceLock<Vec<Binding>> = OnceLock::new();

/// Every key of the program, as it comes.
pub fn own_table() -> Vec<Binding> {
    let screens = SCREENS.into_iter().flat_map(|screen| screen.keys);
    let views = views::KEYS.into_iter().flatten();
    let own = crate::tui::table::keys();
    everywhere::ROWS.iter().chain(screens).chain(views).chain(own).chain(overlays::ROWS).copied().collect()
}

/// Makes these rows the table, before anything has looked at it; afterwards it does nothing.
pub fn take_table(rows: Vec<Binding>) {
    let _ = TAKEN.set(rows);
}
