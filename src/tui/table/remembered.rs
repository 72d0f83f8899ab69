//! The options of the tables kept from one start to the next, in the session file.

use super::{Column, Table};
use crate::tui::screens::Screens;
use crate::tui::stages::ScreenId;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Preferences {
    /// By name, whether they are shown; others follow the default.
    columns: BTreeMap<String, bool>,
    /// The column that it is ordered by, and whether the largest is on top.
    sort: Option<(Option<String>, bool)>,
    /// Groups that differ from their default.
    turned: BTreeSet<String>,
    studies: bool,
    flat: bool,
}

impl Preferences {
    fn of(table: &Table) -> Self {
        Self {
            columns: table.columns.iter().map(|(column, shown)| (column.id(), *shown)).collect(),
            sort: table.sort.as_ref().map(|(by, descending)| (by.as_ref().map(Column::id), *descending)),
            turned: table.turned[0].clone(),
            studies: table.studies,
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
        table.studies = self.studies;
        table.flat = self.flat;
        table.changed();
    }
}

/// The options of each table, by the name of its screen; none for tables at their defaults.
pub fn remember(screens: &Screens) -> BTreeMap<String, serde_json::Value> {
    let tables = ScreenId::ALL.into_iter().filter_map(|id| screens.get(id).table());
    let looks = tables.map(|table| (table.kind.screen.name().to_owned(), Preferences::of(table)));
    let changed = looks.filter(|(_, looks)| *looks != Preferences::default());
    changed.filter_map(|(name, looks)| Some((name, serde_json::to_value(looks).ok()?))).collect()
}

/// Restores the options of the tables; unknown ones are ignored.
pub fn restore(screens: &mut Screens, remembered: &BTreeMap<String, serde_json::Value>) {
    for id in ScreenId::ALL {
        let looks =
            remembered.get(id.name()).and_then(|value| serde_json::from_value::<Preferences>(value.clone()).ok());
        if let (Some(looks), Some(table)) = (looks, screens.get_mut(id).table_mut()) {
            looks.put(table);
        }
    }
}
