//! The rows of the key table, put together from a file for each part of the program.

mod everywhere;
mod models;
mod overlays;
mod study;

use super::key::Key;
use super::{Action, Binding, Context};

const fn bind(
    context: Context,
    keys: &'static [Key],
    action: Action,
    label: &'static str,
    help: &'static str,
) -> Binding {
    Binding { context, keys, action, label, help }
}

const PARTS: [&[Binding]; 4] = [everywhere::ROWS, study::ROWS, models::ROWS, overlays::ROWS];

const COUNT: usize = {
    let (mut count, mut part) = (0, 0);
    while part < PARTS.len() {
        count += PARTS[part].len();
        part += 1;
    }
    count
};

const fn joined() -> [Binding; COUNT] {
    let mut all = [PARTS[0][0]; COUNT];
    let (mut at, mut part) = (0, 0);
    while part < PARTS.len() {
        let mut row = 0;
        while row < PARTS[part].len() {
            all[at] = PARTS[part][row];
            (at, row) = (at + 1, row + 1);
        }
        part += 1;
    }
    all
}

/// Every key of the program.
pub const TABLE: &[Binding] = &joined();
