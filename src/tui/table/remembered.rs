//! What is remembered of the tables from one start to the next, in the file of what the screens show.

use super::{Column, Table};
use crate::tui::screens::Screens;
use crate::tui::stages::ScreenId;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Looks {
    /// By name, whether they are shown; the others are as usual.
    columns: BTreeMap<String, bool>,
    /// The column that it is ordered by, and whether the largest is on top.
    sort: Option<(Option<String>, bool)>,
    /// Groups that are not folded as they are by themselves.
    turned: BTreeSet<String>,
    flat: bool,
}

impl Looks {
    fn of(table: &Table) -> Self {
        Self {
            columns: table.columns.iter().map(|(column, shown)| (column.id(), *shown)).collect(),
            sort: table.sort.as_ref().map(|(by, descending)| (by.as_ref().map(Column::id), *descending)),
            turned: table.turned[0].clone(),
            flat: table.flat,
        }
    }

    fn put(self, table: &mut Table) {
        let columns = self.columns.into_iter();
        table.columns = columns.filter_map(|(id, shown)| Some((Column::of_id(&id)?, shown))).collect();
        // A column of another version of the program leaves the usual order.
        table.sort = self.sort.and_then(|(by, descending)| match by {
            Some(id) => Column::of_id(&id).map(|column| (Some(column), descending)),
            None => Some((None, descending)),
        });
        table.turned[0] = self.turned;
        table.flat = self.flat;
        table.changed();
    }
}

/// What is remembered of each table, by the name of its screen; nothing of those that are as usual.
pub fn remember(screens: &Screens) -> BTreeMap<String, serde_json::Value> {
    let tables = ScreenId::ALL.into_iter().filter_map(|id| screens.get(id).table());
    let looks = tables.map(|table| (table.kind.screen.name().to_owned(), Looks::of(table)));
    let changed = looks.filter(|(_, looks)| *looks != Looks::default());
    changed.filter_map(|(name, looks)| Some((name, serde_json::to_value(looks).ok()?))).collect()
}

/// Puts the tables as they were; what is not understood is ignored.
pub fn restore(screens: &mut Screens, remembered: &BTreeMap<String, serde_json::Value>) {
    for id in ScreenId::ALL {
        let looks = remembered.get(id.name()).and_then(|value| serde_json::from_value::<Looks>(value.clone()).ok());
        if let (Some(looks), Some(table)) = (looks, screens.get_mut(id).table_mut()) {
            looks.put(table);
        }
    }
}
