//! The resident predictor: requests on standard input, answers on standard output, a JSON object a line.

use super::Context;
use super::output::print;
use crate::error::{Error, Result};
use crate::predict::Predictor;
use crate::predict::client::{Reply, Request};
use std::io::BufRead;

pub(crate) fn run(context: &Context, model: Option<&str>) -> Result<()> {
    let predictor = match Predictor::load(&context.workspace, model, &context.device, context.threads) {
        Ok(predictor) => predictor,
        Err(error) => {
            answer(&Reply::Refused { error: error.to_string() })?;
            return Err(error);
        }
    };
    answer(&Reply::Ready { model: predictor.run().to_owned(), threshold: predictor.threshold() })?;
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(|error| Error::failed(format!("standard input cannot be read ({error})")))?;
        let request: Request =
            serde_json::from_str(&line).map_err(|error| Error::usage(format!("not a request: {error}")))?;
        answer(&Reply::Prediction(predictor.predict_file(&request.path)))?;
    }
    Ok(())
}

fn answer(reply: &Reply) -> Result<()> {
    let mut line = serde_json::to_string(reply).map_err(|error| Error::failed(error.to_string()))?;
    line.push('\n');
    print(&line)
}
