//! The client of the resident predictor: a worker process that keeps the network loaded and answers line by line.
//!
//! It is a separate process so that crashes and messages of native libraries never reach the screen.

use super::{Detect, HeatMap, Placement, Prediction};
use crate::error::{AtPath, Error, Result};
use crate::imaging::Template;
use crate::own_files;
use crate::worker;
use crate::workspace::Workspace;
use serde::{Deserialize, Serialize};
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, TryRecvError};

/// Options of a prediction. The defaults match the model's training.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// None: aligned faces for a model that was trained on aligned faces, else the whole picture.
    pub detect: Option<Detect>,
    /// The template of face crops. None: as in the training data.
    pub template: Option<Template>,
    /// One answer per face, the largest first, instead of one for the main face: large and near the middle.
    pub every_face: bool,
    /// Answers with a lower probability are [`super::UNCERTAIN`].
    pub uncertain_below: Option<f64>,
}

/// A request on the predictor's standard input, one JSON object per line. Only the path is required.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Request {
    #[serde(with = "crate::path_text", default)]
    pub path: PathBuf,
    /// As in [`Options`].
    #[serde(default)]
    pub detect: Option<Detect>,
    #[serde(default)]
    pub template: Option<Template>,
    #[serde(default)]
    pub every_face: bool,
    #[serde(default)]
    pub uncertain_below: Option<f64>,
    /// Request the map too.
    #[serde(default)]
    pub explain: bool,
}

impl Request {
    /// With the defaults.
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), ..Self::default() }
    }

    /// The options of the request.
    pub fn options(&self) -> Options {
        Options {
            detect: self.detect,
            template: self.template,
            every_face: self.every_face,
            uncertain_below: self.uncertain_below,
        }
    }
}

/// A reply on the predictor's standard output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Reply {
    /// The model is loaded.
    Ready { model: String, threshold: f64 },
    /// The model cannot be loaded; the process ends.
    Refused { error: String },
    /// The answer to one request, in request order.
    Prediction(Box<Prediction>),
    /// The answers for all faces of one image, the largest face first.
    Predictions { answers: Vec<Prediction> },
    /// The answers with their maps; an image that cannot be explained gets a prediction with its error instead.
    Explanation { answers: Vec<Explanation> },
}

/// An answer with its map.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    pub prediction: Prediction,
    /// A small grid over the crop; positive values support the predicted class.
    pub map: HeatMap,
    /// The position of that crop in the upright image.
    pub placement: Placement,
}

/// A predictor process. Dropping it ends the process.
pub struct Client {
    child: Child,
    input: Option<ChildStdin>,
    replies: Receiver<Reply>,
}

impl Client {
    /// Starts a predictor for `model` (by default the chosen one) with so many threads. Returns at once;
    /// [`Reply::Ready`] follows.
    pub fn start(workspace: &Workspace, model: Option<&str>, device: &str, threads: usize) -> Result<Self> {
        let program = worker::program()?;
        let log_path = workspace.root().join("cache/predictor.log");
        std::fs::create_dir_all(workspace.root().join("cache")).at(&log_path)?;
        let log = own_files::open_with(OpenOptions::new().create(true).write(true).truncate(true), &log_path)
            .at(&log_path)?;
        let mut command = Command::new(&program);
        command.arg("answer").arg(workspace.root()).arg(device).arg(threads.to_string()).args(model);
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

    /// Requests a prediction; the answer is returned by [`Client::poll`].
    pub fn ask(&mut self, path: &Path) -> Result<()> {
        self.request(&Request::new(path))
    }

    /// Sends a request; the answer is returned by [`Client::poll`].
    pub fn request(&mut self, request: &Request) -> Result<()> {
        let gone = || Error::failed("The predictor has ended; its log is cache/predictor.log in the workspace.");
        let mut line = serde_json::to_vec(request)
            .map_err(|_| Error::file(&request.path, "has a name that is not valid UTF-8; rename it"))?;
        line.push(b'\n');
        self.input.as_mut().ok_or_else(gone)?.write_all(&line).map_err(|_| gone())
    }

    /// The next answer, if there is one.
    ///
    /// # Errors
    /// If the predictor has ended and all its output was read.
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
        // It ends by itself when its input is closed; killing it makes sure.
        drop(self.input.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
