//! The resident predictor as its user sees it: a process that keeps the network warm and answers line by line.
//!
//! It is a process of its own so that a crash in a native library, or its chatter, never reaches the screen.

use super::Prediction;
use crate::error::{AtPath, Error, Result};
use crate::workspace::Workspace;
use serde::{Deserialize, Serialize};
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, TryRecvError};

/// One question on the predictor's standard input, a JSON object a line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    pub path: PathBuf,
}

/// One line on the predictor's standard output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Reply {
    /// The model is loaded.
    Ready { model: String, threshold: f64 },
    /// The model cannot be loaded; the process ends.
    Refused { error: String },
    /// The answer to one request, in the order of the requests.
    Prediction(Prediction),
}

/// A predictor process. Dropping it ends the process.
pub struct Client {
    child: Child,
    input: Option<ChildStdin>,
    replies: Receiver<Reply>,
}

impl Client {
    /// Starts a predictor for `model` (the chosen one if none is named). Returns at once; [`Reply::Ready`] follows.
    pub fn start(workspace: &Workspace, model: Option<&str>) -> Result<Self> {
        let program = std::env::current_exe()
            .map_err(|error| Error::failed(format!("The program's own file cannot be found ({error}).")))?;
        let log_path = workspace.root().join("cache/predictor.log");
        std::fs::create_dir_all(workspace.root().join("cache")).at(&log_path)?;
        let log = OpenOptions::new().create(true).write(true).truncate(true).open(&log_path).at(&log_path)?;
        let mut command = Command::new(&program);
        command.arg("--workspace").arg(workspace.root()).arg("predictor");
        if let Some(model) = model {
            command.arg("--model").arg(model);
        }
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log).spawn().at(&program)?;
        let input = child.stdin.take();
        let output = child.stdout.take().ok_or_else(|| Error::failed("The predictor has no output."))?;
        let (send, replies) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(|line| line.ok()) {
                if let Ok(reply) = serde_json::from_str(&line)
                    && send.send(reply).is_err()
                {
                    return;
                }
            }
        });
        Ok(Self { child, input, replies })
    }

    /// Asks for a prediction; the answer comes through [`Client::poll`].
    pub fn ask(&mut self, path: &Path) -> Result<()> {
        let gone = || Error::failed("The predictor has ended; its log is cache/predictor.log in the workspace.");
        let mut line = serde_json::to_vec(&Request { path: path.to_owned() })
            .map_err(|_| Error::file(path, "has a name that is not valid UTF-8; rename it"))?;
        line.push(b'\n');
        self.input.as_mut().ok_or_else(gone)?.write_all(&line).map_err(|_| gone())
    }

    /// The next answer, if one is there.
    ///
    /// # Errors
    /// When the predictor has ended and everything it said was read.
    pub fn poll(&mut self) -> Result<Option<Reply>> {
        match self.replies.try_recv() {
            Ok(reply) => Ok(Some(reply)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => {
                Err(Error::failed("The predictor has ended; its log is cache/predictor.log in the workspace."))
            }
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // Its input ends, and it ends by itself; killing makes sure.
        drop(self.input.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
