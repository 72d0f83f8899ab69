//! Switching screens, and serving the requests that one screen makes of another.

use super::super::effect::Effect;
use super::super::jobs::Job;
use super::super::request::Request;
use super::super::shared::Tone;
use super::super::stages::ScreenId;
use super::super::views::ViewId;
use super::App;
use faceprobe_core::run::RunId;
use std::path::PathBuf;

impl App {
    /// Switches to a screen at the user's request, which ends following a run.
    pub(in super::super) fn go(&mut self, screen: ScreenId) -> Vec<Effect> {
        self.turn_to(screen);
        self.arrive()
    }

    /// Asks for what the present screen needs.
    pub(super) fn arrive(&mut self) -> Vec<Effect> {
        self.on_screen(|screen, shared| screen.arrive(shared))
    }

    fn turn_to(&mut self, screen: ScreenId) {
        // A key of the user's ends following a run.
        self.shared.follow = None;
        self.views.close();
        self.screens.get_mut(self.screen).leave();
        self.screen = screen;
    }

    /// Opens a view over the present screen.
    pub(super) fn open_view(&mut self, view: ViewId) -> Vec<Effect> {
        self.shared.follow = None;
        self.screens.get_mut(self.screen).leave();
        let effects = self.views.show(view).arrive(&mut self.shared);
        self.and_requests(effects)
    }

    /// What was asked for, and what comes of the wishes that were said with it.
    pub(super) fn and_requests(&mut self, mut effects: Vec<Effect>) -> Vec<Effect> {
        for request in self.shared.requests() {
            effects.extend(self.fulfil(request));
        }
        effects
    }

    fn fulfil(&mut self, request: Request) -> Vec<Effect> {
        match request {
            Request::Go(screen) => self.go(screen),
            Request::Show { screen, run } => {
                self.show(screen, &run);
                self.go(screen)
            }
            Request::Evaluate { run } => {
                self.screens.evaluate.turn_to(&run);
                self.go(ScreenId::Evaluate)
            }
            Request::Images => {
                let mut effects = self.go(ScreenId::Data);
                effects.extend(self.screens.data.show_sheet(&self.shared));
                effects
            }
            Request::Compare => {
                let mut effects = self.go(ScreenId::Results);
                effects.extend(self.screens.results.compare(&mut self.shared));
                effects
            }
            Request::Chart { runs, from } => {
                let effects = self.go(ScreenId::Train);
                self.screens.train.open_chart(&mut self.shared, runs, from);
                effects
            }
            Request::Predict { picture, model } => self.predict(picture, model),
        }
    }

    /// Puts the cursor of a screen on a run.
    pub(super) fn show(&mut self, screen: ScreenId, run: &RunId) {
        self.screens.get_mut(screen).show(&self.shared, run);
    }

    /// Turns to Predict with a picture of a data set, to be predicted with the model of a run, or with the chosen one.
    fn predict(&mut self, picture: Option<PathBuf>, model: Option<String>) -> Vec<Effect> {
        self.views.close();
        let Some(path) = picture else {
            self.shared.say(Tone::Plain, "There is no image here, or its data set is gone.");
            return Vec::new();
        };
        self.turn_to(ScreenId::Predict);
        // The chosen model answers with the chosen threshold, any other with the one that it was trained to.
        let chosen = self.shared.snapshot.choice.as_ref().map(|choice| choice.run.as_str());
        self.screens.predict.model = model.filter(|run| chosen != Some(run.as_str()));
        vec![Job::Open { text: path.display().to_string(), from: PathBuf::from("/") }.into()]
    }
}
