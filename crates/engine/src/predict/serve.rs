//! The resident predictor: requests on standard input, replies on standard output, one JSON object per line.

use super::{Explained, Explanation, Item, PredictionThread, Predictor, Reply, Request};
use faceprobe_core::error::{Error, Result};
use std::io::BufRead;

/// Answers requests from `input`, line by line, until it ends.
///
/// # Errors
/// Weights that cannot be read; a line that is not a request; a closed output.
pub fn serve(predictor: &Predictor, input: impl BufRead, mut say: impl FnMut(&Reply) -> Result<()>) -> Result<()> {
    let mut worker = predictor.worker()?;
    say(&Reply::Ready { model: predictor.run().to_owned(), threshold: predictor.threshold() })?;
    for line in input.lines() {
        let line = line.map_err(|error| Error::failed(format!("standard input cannot be read ({error})")))?;
        let request: Request =
            serde_json::from_str(&line).map_err(|error| Error::usage(format!("not a request: {error}")))?;
        say(&answer(&request, &mut worker))?;
    }
    Ok(())
}

/// Answers with a prediction, with the first one if every face was requested.
fn answer(request: &Request, worker: &mut PredictionThread<'_>) -> Reply {
    let options = request.options();
    let item = Item::File(request.path.clone());
    if request.explain
        && let Ok((_, answers)) = worker.explain(&item, &options)
    {
        return Reply::Explanation { answers: answers.into_iter().map(explanation).collect() };
    }
    let mut predictions = worker.predict(std::slice::from_ref(&item), &options);
    if request.every_face || predictions.len() != 1 {
        return Reply::Predictions { answers: predictions };
    }
    Reply::Prediction(Box::new(predictions.swap_remove(0)))
}

fn explanation(explained: Explained) -> Explanation {
    let Explained { prediction, map, placement, .. } = explained;
    Explanation { prediction, map, placement }
}
