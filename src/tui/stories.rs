//! Whose stories the screen shows: curves, trials and what was left out are read for these runs only.

use super::app::App;
use super::effect::Effect;
use super::screens::{curves, features, train};
use super::stages::ScreenId;
use std::collections::BTreeSet;

impl App {
    /// The question for the stories on the screen, when they are others than before.
    pub fn ask_for_stories(&mut self) -> Option<Effect> {
        let wanted = shown(self);
        if wanted == self.stories {
            return None;
        }
        self.stories.clone_from(&wanted);
        Some(Effect::Stories(wanted))
    }
}

fn shown(app: &App) -> BTreeSet<String> {
    let names = |run: &std::sync::Arc<super::snapshot::Run>| run.id.to_string();
    match app.screen {
        ScreenId::Train => {
            train::current(app).map_or_else(Vec::new, |run| curves::shown(app, &run)).iter().map(names).collect()
        }
        ScreenId::Features => features::work(&app.snapshot).map(names).into_iter().collect(),
        ScreenId::Results => app
            .results
            .comparison
            .as_ref()
            .map_or_else(BTreeSet::new, |comparison| comparison.runs.iter().cloned().collect()),
        ScreenId::Runs => app.runs.alone().map(str::to_owned).into_iter().collect(),
        _ => BTreeSet::new(),
    }
}
