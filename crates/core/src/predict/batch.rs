//! Many predictions at once, as the program asks the worker for them: one request, a reply a line.

use super::{Options, PassedOver, Prediction, UNCERTAIN};
use crate::error::{AtPath, Error, ErrorKind, Result};
use crate::worker;
use serde::{Deserialize, Serialize};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};

/// The request. Paths are passed separately, as arguments of the worker, since they need not be UTF-8.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Batch {
    #[serde(with = "crate::path_text")]
    pub workspace: PathBuf,
    /// The run of the model; none for the chosen one.
    pub model: Option<String>,
    pub device: String,
    pub threads: usize,
    pub options: Options,
    /// Include images in sub-folders.
    pub recursive: bool,
    /// Also read the worker's standard input, which is the caller's, after everything else.
    pub stdin: bool,
    /// Paths in lists are separated by NUL instead of line ends.
    pub null: bool,
    /// The number of lists; they come first among the paths.
    pub lists: usize,
    /// Whether the very first path is the output for maps: a file, or a folder for several.
    pub explain: bool,
    /// Whether maps may overwrite foreign files.
    #[serde(default)]
    pub force: bool,
}

/// A line of the worker's reply.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub enum BatchReply {
    /// The model is loaded and the request is valid.
    Begun { classes: [String; 2] },
    /// The answer for one image, or for one face of it, in input order.
    Answer(Box<Prediction>),
    /// All inputs were answered.
    Ended(BatchSummary),
    /// A fatal error.
    Refused { error: String, usage: bool },
}

/// How it went.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchSummary {
    /// Answers given, those with an error included.
    pub answers: usize,
    /// Answers that are errors.
    pub failed: usize,
    /// Answers that are `uncertain`.
    pub uncertain: usize,
    /// What folders held besides images.
    #[serde(default)]
    pub passed: PassedOver,
}

impl BatchSummary {
    /// Counts an answer.
    pub fn add(&mut self, prediction: &Prediction) {
        self.answers += 1;
        self.failed += usize::from(prediction.error.is_some());
        self.uncertain += usize::from(prediction.label.as_deref() == Some(UNCERTAIN));
    }
}

/// A worker processing a batch. Dropping it ends the worker.
pub struct Answers {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
    messages: Option<ChildStderr>,
}

impl Answers {
    /// Starts a worker for `batch`; `explain` is the output for maps, `lists` are files with paths.
    ///
    /// # Errors
    /// A worker that does not start.
    pub fn ask(batch: &Batch, explain: Option<&Path>, lists: &[PathBuf], paths: &[PathBuf]) -> Result<Self> {
        let program = worker::program()?;
        let request = serde_json::to_string(batch).at(&batch.workspace)?;
        let mut command = Command::new(&program);
        command.arg("predict").arg(request).args(explain).args(lists).args(paths);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().at(&program)?;
        let output = child.stdout.take().ok_or_else(|| Error::failed("The worker has no output."))?;
        let messages = child.stderr.take();
        Ok(Self { child, lines: BufReader::new(output).lines(), messages })
    }

    /// The worker's standard error, including messages of its libraries. It is untrusted text and must be read, or the
    /// worker blocks. None on the second call.
    pub fn messages(&mut self) -> Option<ChildStderr> {
        self.messages.take()
    }

    /// The next reply. There is none after [`BatchReply::Ended`].
    ///
    /// # Errors
    /// An error of the worker, or its unexpected end.
    pub fn reply(&mut self) -> Result<BatchReply> {
        let Some(Ok(line)) = self.lines.next() else {
            let how = self.child.wait().map_or_else(|error| error.to_string(), |status| status.to_string());
            return Err(Error::failed(format!("The worker ended before it had answered everything ({how}).")));
        };
        match serde_json::from_str(&line) {
            Ok(BatchReply::Refused { error, usage: true }) => Err(Error::usage(error)),
            Ok(BatchReply::Refused { error, usage: false }) => Err(Error::failed(error)),
            Ok(reply) => Ok(reply),
            Err(error) => Err(Error::failed(format!("The worker said something that is no answer ({error})."))),
        }
    }
}

impl Drop for Answers {
    fn drop(&mut self) {
        // It has ended by itself unless the caller gave up.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl From<&Error> for BatchReply {
    fn from(error: &Error) -> Self {
        Self::Refused { error: error.to_string(), usage: error.kind() == ErrorKind::Usage }
    }
}
