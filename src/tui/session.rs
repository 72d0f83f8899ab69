//! The state of the screens kept from one start to the next: `cache/workbench.json` in the workspace.
//!
//! It is a convenience: a file that is absent, damaged or of another version is ignored.

use super::app::App;
use super::forms::FormKind;
use super::screens::train::curves::View;
use super::stages::ScreenId;
use super::table;
use super::theme::Palette;
use faceprobe_core::error::{AtPath, Result};
use faceprobe_core::text::json_value;
use faceprobe_core::workspace::{Workspace, write_whole};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

/// Forms that this program has, with values by name; those of earlier versions, which went by position, are forgotten.
fn by_name<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<HashMap<FormKind, BTreeMap<String, String>>, D::Error> {
    let read: BTreeMap<String, serde_json::Value> = BTreeMap::deserialize(deserializer)?;
    let form = |(name, values): (String, serde_json::Value)| {
        Some((serde_json::from_value(name.into()).ok()?, serde_json::from_value(values).ok()?))
    };
    Ok(read.into_iter().filter_map(form).collect())
}

/// The whole of it. Every part may be missing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Session {
    /// The name of the screen that was shown last.
    pub screen: Option<String>,
    /// The palette, where it was changed on the screen.
    pub theme: Option<String>,
    pub dataset: Option<String>,
    pub backbone: usize,
    /// The run that Train shows.
    pub run: Option<String>,
    pub curves: Curves,
    /// The folder that Predict shows.
    pub folder: Option<PathBuf>,
    /// What was last typed into each form.
    #[serde(deserialize_with = "by_name")]
    pub forms: HashMap<FormKind, BTreeMap<String, String>>,
    /// The state of the other screens, by name.
    pub screens: BTreeMap<String, serde_json::Value>,
}

/// How Train shows its curves, and the runs that are overlaid.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Curves {
    #[serde(flatten)]
    pub view: View,
    pub marked: Vec<String>,
}

fn path(workspace: &Workspace) -> PathBuf {
    workspace.root().join("cache/workbench.json")
}

impl Session {
    /// The state that was kept, or the default.
    pub fn load(workspace: &Workspace) -> Self {
        let text = std::fs::read(path(workspace)).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// Writes it whole or not at all.
    ///
    /// # Errors
    /// When the cache cannot be written.
    pub fn save(&self, workspace: &Workspace) -> Result<()> {
        let path = path(workspace);
        write_whole(&path, json_value(self).at(&path)?.as_bytes())
    }

    /// The state of `app` to be kept.
    pub fn of(app: &App) -> Self {
        Self {
            screen: Some(app.screen.name().to_owned()),
            theme: app.shared.themed.map(|palette| palette.name().to_owned()),
            dataset: app.shared.chosen_set.clone(),
            backbone: app.screens.features.selected,
            run: app.screens.train.table.selected.clone(),
            curves: Curves { view: app.screens.train.view.clone(), marked: app.shared.marked.clone() },
            folder: Some(app.screens.predict.folder.clone()),
            forms: app.shared.remembered.iter().map(|(kind, values)| (*kind, values.clone())).collect(),
            screens: table::remember(&app.screens),
        }
    }

    /// Restores the state of `app`. The theme is left alone where the command line or the environment names one.
    pub fn restore(self, app: &mut App, themed: bool) {
        if let Some(screen) = ScreenId::ALL.into_iter().find(|screen| Some(screen.name()) == self.screen.as_deref()) {
            app.screen = screen;
        }
        if let Some(palette) = self.theme.as_deref().and_then(Palette::parse).filter(|_| !themed) {
            app.shared.theme.palette = palette;
            app.shared.themed = Some(palette);
        }
        app.shared.chosen_set = self.dataset;
        app.shared.marked = self.curves.marked;
        app.screens.features.selected = self.backbone;
        app.screens.train.table.selected = self.run;
        app.screens.train.view = self.curves.view;
        if let Some(folder) = self.folder.filter(|folder| folder.is_dir()) {
            app.screens.predict.folder = folder;
        }
        table::restore(&mut app.screens, &self.screens);
        app.shared.remembered = self.forms.into_iter().collect();
    }
}
