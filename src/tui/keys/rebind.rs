//! The key table with the keys of a configuration in place of its own.

use super::name::action_name;
use super::{Action, Binding, Context, Key};
use crossterm::event::KeyCode;
use faceprobe_core::config::{Entry, Section};
use faceprobe_core::error::Result;
use faceprobe_settings::nearest;

/// The keys that the program came with when a configuration could first give others: a line is an action and one of its
/// keys. It never changes, so that a default that is not in it is one that was added later.
const FIRST_KEYS: &str = include_str!("first_keys.txt");

/// The key table as a user has it.
#[derive(Debug, Clone, Default)]
pub struct Rebound {
    pub rows: Vec<Binding>,
    pub displaced: Vec<Displaced>,
}

/// A default key that is off: the user had given it to another action before the program had this default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Displaced {
    /// The action that would have it.
    pub action: String,
    pub key: Key,
    /// The user's action.
    pub by: String,
}

/// The rows with the keys that `[keys]` gives to their actions: `runs.stop = "S"`, `global.help = ["F1", "?"]`. A default
/// that was added later gives way to them.
///
/// # Errors
/// As wrong usage, with the place in the file: an action that there is not, words that are no key, a key that means
/// something else on the same screen, an action that may not be without a key.
pub fn rebound(rows: &[Binding], keys: &Section) -> Result<Rebound> {
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
        if bound.is_empty() && needs_a_key(rows[at].action) {
            return Err(entry.refuse(format!("{} needs a key, else there is no way on", entry.key)));
        }
        // A table lives as long as the program.
        rows[at].keys = bound.leak();
        changed[at] = Some((order, entry));
    }
    let displaced = displace(&mut rows, &changed, &names);
    no_conflicts(&rows, &changed, &names)?;
    Ok(Rebound { rows, displaced })
}

/// Whether there would be no way on without it.
fn needs_a_key(action: Action) -> bool {
    matches!(action, Action::Quit | Action::Cancel | Action::Accept)
}

/// Takes the defaults that were added later out of the way of rebound actions.
fn displace(rows: &mut [Binding], changed: &[Option<(usize, &Entry)>], names: &[String]) -> Vec<Displaced> {
    let mut displaced = Vec::new();
    for other in (0..rows.len()).filter(|other| changed[*other].is_none()) {
        let row = rows[other];
        let owner = |key: &Key| {
            (0..rows.len()).find(|at| changed[*at].is_some() && rows[*at].keys.contains(key) && meet(&rows[*at], &row))
        };
        let taken = row.keys.iter().filter(|key| is_later(&names[other], **key));
        let taken: Vec<(Key, usize)> = taken.filter_map(|key| Some((*key, owner(key)?))).collect();
        if taken.is_empty() || needs_a_key(row.action) && taken.len() == row.keys.len() {
            continue;
        }
        let left: Vec<Key> =
            row.keys.iter().copied().filter(|key| taken.iter().all(|(taken, _)| taken != key)).collect();
        rows[other].keys = left.leak();
        let action = &names[other];
        displaced.extend(taken.into_iter().map(|(key, by)| Displaced {
            action: action.clone(),
            key,
            by: names[by].clone(),
        }));
    }
    displaced
}

/// Whether an action has come to this default since configurations can give keys.
fn is_later(action: &str, key: Key) -> bool {
    let name = key.name();
    FIRST_KEYS.lines().all(|line| line.split_once(' ') != Some((action, &name)))
}

/// Refuses a key that a rebound action shares with another one that can be meant at the same time.
fn no_conflicts(rows: &[Binding], changed: &[Option<(usize, &Entry)>], names: &[String]) -> Result<()> {
    for (at, row) in rows.iter().enumerate() {
        let Some((order, entry)) = changed[at] else { continue };
        for (other, second) in rows.iter().enumerate() {
            // What is left of later defaults is needed; a screen's own key comes before one that holds everywhere.
            let allowed = |key: &Key| changed[other].is_none() && is_later(&names[other], *key);
            let shared = row.keys.iter().find(|key| second.keys.contains(key) && !allowed(key));
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
