//! The resident predictor as its user sees it: a process that keeps the network warm and answers line by line.
//!
//! It is a process of its own so that a crash in a native library, or its chatter, never reaches the screen.

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

/// How to predict. Left out, everything is as the model was trained.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// None: aligned faces for a model that was trained on aligned faces, else the whole picture.
    pub detect: Option<Detect>,
    /// How much around a face belongs to its crop. None: as in the training data.
    pub template: Option<Template>,
    /// An answer for each face, the largest first, instead of one for the face that the picture is of: large and near
    /// its middle.
    pub every_face: bool,
    /// Answers with a lower probability are [`super::UNCERTAIN`].
    pub uncertain_below: Option<f64>,
}

/// One question on the predictor's standard input, a JSON object a line. Everything but the path may be left out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Request {
    #[serde(with = "crate::path_text", default)]
    pub path: PathBuf,
    /// As [`Options`] has them.
    #[serde(default)]
    pub detect: Option<Detect>,
    #[serde(default)]
    pub template: Option<Template>,
    #[serde(default)]
    pub every_face: bool,
    #[serde(default)]
    pub uncertain_below: Option<f64>,
    /// Ask for the heat map too.
    #[serde(default)]
    pub explain: bool,
}

impl Request {
    /// Everything as the model was trained.
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), ..Self::default() }
    }

    /// How to predict.
    pub fn options(&self) -> Options {
        Options {
            detect: self.detect,
            template: self.template,
            every_face: self.every_face,
            uncertain_below: self.uncertain_below,
        }
    }
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
    Prediction(Box<Prediction>),
    /// The answers for every face of one image, the largest face first.
    Predictions { answers: Vec<Prediction> },
    /// The answers with their maps; an image that cannot be explained gets a prediction with its error instead.
    Explanation { answers: Vec<Explanation> },
}

/// An answer with its heat map.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    pub prediction: Prediction,
    /// A small grid over the crop that was predicted; positive is for the told class.
    pub map: HeatMap,
    /// Where in the upright picture that crop lies.
    pub placement: Placement,
}

/// A predictor process. Dropping it ends the process.
pub struct Client {
    child: Child,
    input: Option<ChildStdin>,
    replies: Receiver<Reply>,
}

impl Client {
    /// Starts a predictor for `model` (the chosen one if none is named) with so many threads. Returns at once; [`Reply::Ready`] follows.
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

    /// Asks for a prediction; the answer comes through [`Client::poll`].
    pub fn ask(&mut self, path: &Path) -> Result<()> {
        self.request(&Request::new(path))
    }

    /// Asks for what a request says; the answer comes through [`Client::poll`].
    pub fn request(&mut self, request: &Request) -> Result<()> {
        let gone = || Error::failed("The predictor has ended; its log is cache/predictor.log in the workspace.");
        let mut line = serde_json::to_vec(request)
            .map_err(|_| Error::file(&request.path, "has a name that is not valid UTF-8; rename it"))?;
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
