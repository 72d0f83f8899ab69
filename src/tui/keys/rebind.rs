//! The key table with the keys of a configuration in place of its own.

use super::name::action_name;
use super::{Action, Binding, Context, Key};
use crossterm::event::KeyCode;
use faceprobe_core::config::{Entry, Section};
use faceprobe_core::error::Result;
use faceprobe_settings::nearest;

/// The rows with the keys that `[keys]` gives to their actions: `runs.stop = "S"`, `global.help = ["F1", "?"]`.
///
/// # Errors
/// As wrong usage, with the place in the file: an action that there is not, words that are no key, a key that means
/// something else on the same screen, an action that may not be without a key.
pub fn rebound(rows: &[Binding], keys: &Section) -> Result<Vec<Binding>> {
    let mut rows = rows.to_vec();
    let mut changed: Vec<Option<(usize, &Entry)>> = vec![None; rows.len()];
    let names: Vec<String> = rows.iter().map(action_name).collect();
    for (order, entry) in keys.entries().iter().enumerate() {
        let Some(at) = names.iter().position(|name| *name == entry.key) else {
            let near = nearest(&entry.key, names.iter().map(String::as_str));
            let near = near.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
            let list = " ('faceprobe config keys' lists them)";
            return Err(entry.key_at.refuse(format!("there is no action {}{list}{near}", entry.key)));
        };
        let mut bound = Vec::new();
        for word in entry.words()? {
            let key = Key::parse(word).map_err(|why| entry.refuse(format!("{}: {why}", entry.key)))?;
            if types(rows[at].context) && matches!(key, Key { code: KeyCode::Char(_), ctrl: false }) {
                return Err(entry.refuse(format!(
                    "{}: {} is typed into the line there; take it with Ctrl, or another key",
                    entry.key,
                    key.name()
                )));
            }
            if !bound.contains(&key) {
                bound.push(key);
            }
        }
        if bound.is_empty() && matches!(rows[at].action, Action::Quit | Action::Cancel | Action::Accept) {
            return Err(entry.refuse(format!("{} needs a key, else there is no way on", entry.key)));
        }
        // A table lives as long as the program.
        rows[at].keys = bound.leak();
        changed[at] = Some((order, entry));
    }
    no_conflicts(&rows, &changed, &names)?;
    Ok(rows)
}

/// Refuses a key that a rebound action shares with another one that can be meant at the same time.
fn no_conflicts(rows: &[Binding], changed: &[Option<(usize, &Entry)>], names: &[String]) -> Result<()> {
    for (at, row) in rows.iter().enumerate() {
        let Some((order, entry)) = changed[at] else { continue };
        for (other, second) in rows.iter().enumerate() {
            let shared = row.keys.iter().find(|key| second.keys.contains(key));
            let (Some(key), true) = (shared, other != at && meet(row, second)) else { continue };
            let own = match changed[other] {
                // It is told of the one that comes later.
                Some((second, _)) if second > order => continue,
                Some(_) => "",
                None => ", which is its own key",
            };
            return Err(entry.refuse(format!(
                "{}: {} is {} there{own}; take another key, or give that action another one too",
                entry.key,
                key.name(),
                names[other]
            )));
        }
    }
    Ok(())
}

/// Whether two rows can be meant at once: on one screen, or on a screen and everywhere. Where both do the same, as Esc
/// does, there is nothing to choose.
fn meet(one: &Binding, other: &Binding) -> bool {
    let falls = |screen: Context, global: Context| screen.falls_back() && global == Context::Global;
    one.context == other.context
        || (one.action != other.action && (falls(one.context, other.context) || falls(other.context, one.context)))
}

/// Whether characters are typed there.
fn types(context: Context) -> bool {
    matches!(context, Context::Form | Context::Path | Context::Prompt | Context::Help | Context::Palette)
}
