//! `[columns]` of a configuration: which columns the tables of runs show.

use super::Kind;
use super::column::Column;
use crate::tui::screens::{Screens, TABLES};
use crate::tui::stages::ScreenId;
use faceprobe_core::config::{Entry, Section};
use faceprobe_core::error::Result;
use faceprobe_settings::nearest;

/// What stands for the settings that differ between the rows.
pub const SETTINGS: &str = "settings";

/// The columns that a table is to show instead of its own, the most important first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    columns: Vec<Column>,
    /// Where the settings that differ stand among them, if they are shown.
    settings: Option<usize>,
}

impl Chosen {
    /// When a column goes where there is no room for all; none for a column that was not chosen.
    pub fn rank(&self, column: &Column) -> Option<u8> {
        let at = self.columns.iter().position(|chosen| chosen == column)?;
        let before = self.settings.is_some_and(|settings| settings <= at);
        Some(ranked(at + usize::from(before)))
    }

    /// The same of the settings that differ, the first of which is `at` 0.
    pub fn settings_rank(&self, at: usize) -> Option<u8> {
        Some(ranked(self.settings?).saturating_add(at.min(3) as u8))
    }

    /// The settings that have a column whether they differ or not.
    pub fn settings(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(|column| matches!(column, Column::Setting(_)))
    }
}

/// Four ranks lie between two columns.
fn ranked(place: usize) -> u8 {
    u8::try_from(place).unwrap_or(u8::MAX).saturating_mul(4).saturating_add(1)
}

/// The tables that can be configured, by the names of their screens.
fn tables() -> impl Iterator<Item = (String, &'static Kind)> {
    TABLES.into_iter().map(|kind| (kind.screen.name().to_lowercase(), kind))
}

/// The keys of the section with the columns that the tables have by themselves.
pub fn usual() -> Vec<(String, Vec<String>)> {
    tables()
        .map(|(name, kind)| {
            let mut ranked: Vec<(u8, String)> = kind.usual.iter().map(|(column, rank)| (*rank, column.id())).collect();
            ranked.push((kind.settings, SETTINGS.to_owned()));
            ranked.sort_by_key(|(rank, _)| *rank);
            (name, ranked.into_iter().map(|(_, name)| name).collect())
        })
        .collect()
}

/// What the section says of each table.
///
/// # Errors
/// As wrong usage, with the place in the file: a table or a column that there is not.
pub fn read(section: &Section) -> Result<Vec<(ScreenId, Chosen)>> {
    section.entries().iter().map(one).collect()
}

fn one(entry: &Entry) -> Result<(ScreenId, Chosen)> {
    let Some((_, kind)) = tables().find(|(name, _)| *name == entry.key) else {
        let known: Vec<String> = tables().map(|(name, _)| name).collect();
        return Err(entry.key_at.refuse(format!("there is no table {}; there are {}", entry.key, known.join(", "))));
    };
    let mut chosen = Chosen { columns: Vec::new(), settings: None };
    for (at, word) in entry.words()?.into_iter().enumerate() {
        if word == SETTINGS {
            chosen.settings = Some(at);
            continue;
        }
        let column = Column::of_id(word).filter(|column| *column != Column::Setting(String::new()));
        let Some(column) = column else {
            let known: Vec<String> = Column::ALL.iter().map(Column::id).chain([SETTINGS.to_owned()]).collect();
            let near = nearest(word, known.iter().map(String::as_str));
            let near = near.map(|near| format!("; did you mean {near}?")).unwrap_or_else(|| {
                format!("; there are {}, and a setting by its name, such as setting.width", known.join(", "))
            });
            return Err(entry.refuse(format!("{}: there is no column {word}{near}", entry.key)));
        };
        if !chosen.columns.contains(&column) {
            chosen.columns.push(column);
        }
    }
    Ok((kind.screen, chosen))
}

/// Gives the tables the columns that are configured. What is shown or hidden on the screen counts more.
pub fn configure(screens: &mut Screens, columns: Vec<(ScreenId, Chosen)>) {
    for (screen, chosen) in columns {
        if let Some(table) = screens.get_mut(screen).table_mut() {
            table.configured = Some(chosen);
            table.changed();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_keep_their_order_and_settings_their_place_among_them() {
        let column = |name: &str| Column::of_id(name).expect("a column");
        let columns = ["val", "took", "setting.width"].map(column).to_vec();
        let chosen = Chosen { columns, settings: Some(1) };
        let rank = |name: &str| chosen.rank(&column(name));
        assert_eq!((rank("val"), rank("took"), rank("setting.width")), (Some(1), Some(9), Some(13)));
        assert_eq!((chosen.settings_rank(0), chosen.settings_rank(9)), (Some(5), Some(8)));
        assert_eq!(rank("data"), None);
        assert_eq!(ranked(1000), u8::MAX);
        // What tables have by themselves can be written into a configuration.
        for (name, columns) in usual() {
            assert!(
                columns.iter().all(|name| name == SETTINGS || Column::of_id(name).is_some()),
                "{name}: {columns:?}"
            );
        }
    }
}
