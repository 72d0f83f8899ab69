//! The resident predictor: requests on standard input, answers on standard output, a JSON object a line.

use super::Context;
use super::output::print;
use crate::error::{Error, Result};
use crate::predict::Predictor;
use crate::predict::client::{self, Reply};

pub(crate) fn run(context: &Context, model: Option<&str>) -> Result<()> {
    let predictor = match Predictor::load(&context.workspace, model, &context.device, context.threads) {
        Ok(predictor) => predictor,
        Err(error) => {
            answer(&Reply::Refused { error: error.to_string() })?;
            return Err(error);
        }
    };
    client::serve(&predictor, std::io::stdin().lock(), answer)
}

fn answer(reply: &Reply) -> Result<()> {
    let mut line = serde_json::to_string(reply).map_err(|error| Error::failed(error.to_string()))?;
    line.push('\n');
    print(&line)
}
