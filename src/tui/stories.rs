//! Whose stories the screen shows: curves, trials and what was left out are read for these runs only.

use super::app::App;
use super::effect::Effect;

impl App {
    /// The question for the stories on the screen, when they are others than before.
    pub fn ask_for_stories(&mut self) -> Option<Effect> {
        let wanted = self.screen.screen().stories(self);
        if wanted == self.stories {
            return None;
        }
        self.stories.clone_from(&wanted);
        Some(Effect::Stories(wanted))
    }
}
