//! The thread that keeps a predictor process and asks it.

use super::event::Event;
use super::jobs::Settings;
use faceprobe_core::predict::client::{Client, Explanation, Reply, Request};
use faceprobe_core::predict::{Detect, Prediction};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender};
use std::time::Duration;

/// An image, and the model the screen believes is chosen: another one means another process.
#[derive(Debug, Clone, PartialEq)]
pub struct Ask {
    pub path: PathBuf,
    pub model: String,
    /// Whether this model was asked for by name, whichever is chosen.
    pub named: bool,
    pub threshold: f64,
    /// What the network is shown; none: as the model was trained.
    pub detect: Option<Detect>,
    /// With the map of what speaks for the answer.
    pub explain: bool,
}

/// What the predictor says.
#[derive(Debug, Clone, PartialEq)]
pub enum PredictorReply {
    /// The network is being loaded.
    Loading,
    Ready {
        model: String,
        threshold: f64,
    },
    Prediction(Box<Prediction>),
    /// The answer with its map.
    Explanation(Box<Explanation>),
    /// The asked image has no answer, for this reason.
    Failed(String),
}

/// Between looks for an answer that is on its way.
const LOOK: Duration = Duration::from_millis(5);

struct LoadedPredictor {
    client: Client,
    model: String,
    named: bool,
    threshold: f64,
}

/// Answers one question after the other until the other end of `asks` is gone.
pub fn serve(settings: &Settings, asks: &Receiver<Ask>, events: &Sender<Event>) {
    let mut warm: Option<LoadedPredictor> = None;
    while let Ok(ask) = asks.recv() {
        let reply = match answer(settings, &mut warm, &ask, events) {
            Ok(reply) => reply,
            Err(sentence) => {
                warm = None;
                PredictorReply::Failed(sentence)
            }
        };
        if events.send(Event::Predictor(reply)).is_err() {
            return;
        }
    }
}

fn answer(
    settings: &Settings,
    warm: &mut Option<LoadedPredictor>,
    ask: &Ask,
    events: &Sender<Event>,
) -> Result<PredictorReply, String> {
    // Threshold and name come from the same files on both sides, so they are equal or they changed.
    let fits = warm.as_ref().is_some_and(|warm| {
        warm.model == ask.model && warm.named == ask.named && warm.threshold.to_bits() == ask.threshold.to_bits()
    });
    if !fits {
        *warm = None;
        let _ = events.send(Event::Predictor(PredictorReply::Loading));
        let Settings { workspace, device, threads } = settings;
        let named = ask.named.then_some(ask.model.as_str());
        let client = Client::start(workspace, named, device, *threads).map_err(|error| error.to_string())?;
        *warm = Some(LoadedPredictor { client, model: ask.model.clone(), named: ask.named, threshold: ask.threshold });
    }
    let Some(warm) = warm else {
        return Err("The predictor did not start; try again.".into());
    };
    let request = Request { detect: ask.detect, explain: ask.explain, ..Request::new(&ask.path) };
    warm.client.request(&request).map_err(|error| error.to_string())?;
    loop {
        match warm.client.poll().map_err(|error| error.to_string())? {
            Some(Reply::Prediction(prediction)) => return Ok(PredictorReply::Prediction(prediction)),
            Some(Reply::Ready { model, threshold }) => {
                let _ = events.send(Event::Predictor(PredictorReply::Ready { model, threshold }));
            }
            Some(Reply::Predictions { mut answers }) if !answers.is_empty() => {
                return Ok(PredictorReply::Prediction(Box::new(answers.swap_remove(0))));
            }
            Some(Reply::Explanation { mut answers }) if !answers.is_empty() => {
                return Ok(PredictorReply::Explanation(Box::new(answers.swap_remove(0))));
            }
            Some(Reply::Predictions { .. } | Reply::Explanation { .. }) => {
                return Err("The predictor sent an unexpected answer; try again.".into());
            }
            Some(Reply::Refused { error }) => return Err(error),
            None => std::thread::sleep(LOOK),
        }
    }
}
