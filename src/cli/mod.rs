//! The command line: parses arguments, runs jobs and prints text or JSON. One file per subcommand.

mod args;
mod audit;
mod bar;
mod choose;
mod compare;
mod completions;
mod config;
mod data;
mod data_versions;
mod demo;
mod doctor;
mod evaluate;
mod evaluate_on;
mod export;
mod extract;
mod features;
mod features_map;
mod fetch;
mod follow;
mod learning_curve;
mod man;
mod options;
mod output;
mod place;
mod predict;
mod report;
mod reporter;
mod results;
mod run_reporter;
mod runs;
mod screens;
mod side_by_side;
mod study;
mod study_cluster;
mod study_export;
mod study_runner;
mod sweep;
mod trackers;
mod train;
mod weights;
mod work;

use crate::tui::graphics::ImageProtocol;
use crate::tui::theme::Palette;
use crate::tui::{self, TuiOptions};
use args::{Cli, Command, Global};
use clap::{CommandFactory, Parser};
use faceprobe_core::backbone::Device;
use faceprobe_core::error::{Error, ErrorKind, Result};
use faceprobe_core::run::RunId;
use faceprobe_core::text::{line, printable};
use faceprobe_core::workspace::Workspace;
use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::Arc;

/// The global state of a subcommand.
pub(crate) struct Context {
    pub workspace: Workspace,
    pub json: bool,
    pub quiet: bool,
    pub threads: usize,
    /// As given on the command line, if it is.
    pub asked_threads: Option<usize>,
    pub device: String,
    theme: Option<Palette>,
    ascii: bool,
    mouse: bool,
    images: Option<ImageProtocol>,
}

impl Context {
    fn new(global: &Global) -> Result<Self> {
        let root = match &global.workspace {
            Some(root) => root.clone(),
            None => std::env::current_dir().map_err(|error| {
                Error::failed(format!("The current folder cannot be used ({error}); pass --workspace DIR."))
            })?,
        };
        global.device.parse::<Device>()?;
        Ok(Self {
            workspace: Workspace::open(&root)?,
            json: global.json,
            quiet: global.quiet,
            threads: global.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from)),
            asked_threads: global.threads,
            device: global.device.clone(),
            theme: global.theme.map(Into::into),
            ascii: global.ascii,
            mouse: !global.no_mouse,
            images: global.image_protocol.map(Into::into),
        })
    }
}

impl Context {
    /// The options of the workbench: from the command line, else from the configuration. Also applies the configured
    /// keys.
    fn tui_options(&self, start: Option<RunId>) -> Result<TuiOptions> {
        let config = self.config()?;
        let screen = config.screen()?;
        let keys = config.section("keys");
        if !keys.entries().is_empty() {
            tui::keys::take_table(tui::keys::rebound(&tui::keys::own_table(), &keys)?.rows);
        }
        Ok(TuiOptions {
            threads: self.threads,
            device: self.device.clone(),
            start,
            theme: self.theme.or(screen.theme.map(Into::into)),
            ascii: self.ascii || screen.ascii,
            mouse: self.mouse && screen.mouse,
            images: self.images.unwrap_or(screen.image_protocol.into()),
            notices: config.notices()?,
            columns: tui::table::configured::read(&config.section("columns"))?,
        })
    }
}

/// The grammar of the command line, for completions, man pages and the test of the documents.
pub fn grammar() -> clap::Command {
    Cli::command()
}

/// Runs the program. A panic ends as one sentence and exit code 1.
pub fn main() -> ExitCode {
    completions::answer();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are returned as errors too.
            let code = if error.use_stderr() { 2 } else { 0 };
            if code == 0 {
                let _ = error.print();
            } else {
                say_misuse(&error);
            }
            return ExitCode::from(code);
        }
    };
    std::panic::set_hook(Box::new(|info| {
        output::say(&format!(
            "faceprobe: this is a bug: {info}. What was finished is kept; please report the line above."
        ));
    }));
    // With the signal ignored, a file size limit becomes an error with a sentence instead of a kill.
    let _ = signal_hook::flag::register(libc::SIGXFSZ, Arc::default());
    match std::panic::catch_unwind(|| dispatch(&cli)) {
        Ok(Ok(code)) => code,
        Ok(Err(error)) => {
            output::say_error(&error);
            ExitCode::from(match error.kind() {
                ErrorKind::Failed | ErrorKind::Stopped => 1,
                ErrorKind::Usage => 2,
            })
        }
        Err(_) => ExitCode::FAILURE,
    }
}

/// Prints clap's message about invalid arguments, which quotes them: parses them again with control characters escaped.
fn say_misuse(error: &clap::Error) {
    let arguments = std::env::args_os().map(|argument| printable(&argument.to_string_lossy()).into_owned());
    let again = Cli::try_parse_from(arguments).err().filter(|again| again.kind() == error.kind());
    match again {
        Some(again) => output::ask(&again.render().to_string()),
        // An escaped argument may be refused for another reason.
        None => output::say(&line(&error.render().to_string())),
    }
}

fn dispatch(cli: &Cli) -> Result<ExitCode> {
    let context = Context::new(&cli.global)?;
    let done = |result: Result<()>| result.map(|()| ExitCode::SUCCESS);
    match &cli.command {
        None => done(workbench(&context, None)),
        Some(Command::Demo(args)) => done(demo::run(&context, args)),
        Some(Command::Doctor) => done(doctor::run(&context)),
        Some(Command::Data(command)) => done(data::run(&context, command)),
        Some(Command::Weights(command)) => done(weights::run(&context, command)),
        Some(Command::Extract(args)) => done(extract::run(&context, args)),
        Some(Command::Features(command)) => done(features::run(&context, command)),
        Some(Command::Train(args)) => done(train::run(&context, args)),
        Some(Command::Sweep(args)) => done(sweep::run(&context, args)),
        Some(Command::LearningCurve(args)) => done(learning_curve::run(&context, &args.curve)),
        Some(Command::Results(args)) => done(results::run(&context, args)),
        Some(Command::Evaluate(args)) => done(evaluate::run(&context, args)),
        Some(Command::Compare(args)) => done(compare::run(&context, args)),
        Some(Command::Report(args)) => done(report::run(&context, args)),
        Some(Command::Choose(args)) => done(choose::run(&context, args)),
        Some(Command::Export(args)) => done(export::run(&context, args)),
        Some(Command::Predict(args)) => predict::run(&context, args),
        Some(Command::Runs(command)) => done(runs::run(&context, command)),
        Some(Command::Study(command)) => done(study::run(&context, command)),
        Some(Command::Config(command)) => done(config::run(&context, command)),
        Some(Command::Completions(args)) => done(completions::run(args)),
        Some(Command::Man(args)) => done(man::run(&context, args)),
        Some(Command::Work(args)) => done(work::run(&context, args)),
        Some(Command::Screens(args)) => done(screens::run(&context, args)),
    }
}

/// Whether standard output can show a full-screen program.
fn is_interactive() -> bool {
    let dumb = std::env::var("TERM").is_ok_and(|term| term == "dumb");
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal() && !dumb
}

/// Opens the workbench, on `run` if given.
fn workbench(context: &Context, run: Option<RunId>) -> Result<()> {
    if !is_interactive() {
        return Err(Error::usage(
            "The workbench needs a terminal; here, use the subcommands ('faceprobe --help' lists them), for example \
             'faceprobe results'.",
        ));
    }
    tui::run(context.workspace.clone(), context.tui_options(run)?)
}
