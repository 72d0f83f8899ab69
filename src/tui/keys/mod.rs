//! The one key table. Dispatch, the footer and the `?` help are all read from it, so they cannot drift apart. Every row has
//! a name ([`action_name`]), by which a configuration gives it other keys ([`rebound`]).

mod action;
mod context;
mod key;
mod meaning;
mod name;
mod rebind;
mod table;

pub use action::Action;
pub use context::Context;
pub use key::{Key, ch, code, ctrl};
pub use meaning::meanings;
pub use name::{action_name, context_name};
pub use rebind::{Displaced, Rebound, rebound};
pub use table::{TABLE, bind, own_table, take_table};

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Binding {
    pub context: Context,
    /// The first is the one the footer shows.
    pub keys: &'static [Key],
    pub action: Action,
    /// For the footer: a word or two; empty keeps it out of the footer.
    pub label: &'static str,
    /// For the help: a sentence.
    pub help: &'static str,
}

impl Binding {
    /// The first key, as the footer writes it.
    pub fn name(&self) -> String {
        self.keys.first().map_or_else(String::new, |key| key.name())
    }
}

/// What `key` does in `context`, if anything.
pub fn action(context: Context, key: Key) -> Option<Action> {
    let find = |context| {
        TABLE.iter().find(|binding| binding.context == context && binding.keys.contains(&key)).map(|found| found.action)
    };
    find(context).or_else(|| if context.falls_back() { find(Context::Global) } else { None })
}

/// The first key of an action in a context, as the screens name it in their texts.
pub fn name_of(context: Context, action: Action) -> String {
    TABLE
        .iter()
        .find(|binding| binding.context == context && binding.action == action)
        .map_or_else(String::new, Binding::name)
}

/// What the footer of `context` offers, the most useful first.
pub fn footer(context: Context) -> Vec<&'static Binding> {
    let of = |context| TABLE.iter().filter(move |binding| binding.context == context && !binding.label.is_empty());
    let here = of(context);
    if context.falls_back() { here.chain(of(Context::Global)).collect() } else { here.collect() }
}
