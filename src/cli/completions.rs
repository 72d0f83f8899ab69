//! `faceprobe completions`: shell scripts, and the completions that they request from the program.
//!
//! The scripts only call the program: it computes the completions at each press of Tab, so that scripts never become
//! outdated, and names of runs, data sets and backbones are completed too.

use super::args::{Cli, CompletionsArgs};
use super::output::print;
use clap::{Arg, Command, CommandFactory};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use clap_complete::env::{CompleteEnv, Shells};
use faceprobe_core::backbone;
use faceprobe_core::error::{Error, Result};
use faceprobe_core::run::results::Column;
use faceprobe_core::run::{RunId, trash};
use faceprobe_core::workspace::Workspace;
use faceprobe_settings::is_control;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

/// The variable by which a script requests completions.
const VARIABLE: &str = "FACEPROBE_COMPLETE";
const NAME: &str = "faceprobe";
/// compinit reads a script in `fpath` at the first Tab only: it must complete then, not merely register itself.
const ZSH_FIRST_TAB: &str =
    "\nif [[ $funcstack[1] = _faceprobe ]]; then _clap_dynamic_completer_faceprobe \"$@\"; fi\n";

pub(crate) fn run(args: &CompletionsArgs) -> Result<()> {
    let shells = Shells::builtins();
    let shell = args.shell.name();
    let mut script = Vec::new();
    shells
        .completer(shell)
        .map_or(Ok(()), |completer| completer.write_registration(VARIABLE, NAME, NAME, NAME, &mut script))
        .map_err(|error| Error::failed(format!("The script for {shell} could not be made ({error}).")))?;
    let script = String::from_utf8_lossy(&script);
    print(&if shell == "zsh" { format!("{script}{ZSH_FIRST_TAB}") } else { script.into_owned() })
}

/// Answers a script's request, and exits; returns if there is none.
pub(crate) fn answer() {
    if std::env::var_os(VARIABLE).is_some() {
        CompleteEnv::with_factory(|| completing(Cli::command())).var(VARIABLE).bin(NAME).completer(NAME).complete();
    }
}

/// The command with completions for its arguments.
fn completing(command: Command) -> Command {
    let place = command.get_name().to_owned();
    command.mut_args(|arg| with_values(arg, &place)).mut_subcommands(completing)
}

fn with_values(arg: Arg, command: &str) -> Arg {
    let named = arg.get_value_names().and_then(|names| names.first()).map(ToString::to_string).unwrap_or_default();
    let id = arg.get_id().as_str().to_owned();
    let of_model =
        ["choose", "compare", "ensemble", "evaluate", "export", "predict", "refit", "results"].contains(&command);
    match (id.as_str(), named.as_str()) {
        ("run", _) if command == "restore" => {
            arg.add(ArgValueCompleter::new(|typed: &OsStr| beginning(typed, removed())))
        }
        ("extend", _) => arg.add(ArgValueCompleter::new(|typed: &OsStr| beginning(typed, sweeps()))),
        ("run" | "runs", _) | (_, "RUN") if of_model => {
            arg.add(ArgValueCompleter::new(|typed: &OsStr| beginning(typed, models())))
        }
        ("run" | "runs", _) | (_, "RUN") => arg.add(ArgValueCompleter::new(|typed: &OsStr| beginning(typed, runs()))),
        ("sort", "COLUMN") => arg.add(ArgValueCompleter::new(|typed: &OsStr| beginning(typed, columns()))),
        ("backbone", _) => arg.add(ArgValueCompleter::new(|typed: &OsStr| beginning(typed, backbones()))),
        ("name", _) if ["fetch", "import"].contains(&command) => {
            arg.add(ArgValueCompleter::new(|typed: &OsStr| beginning(typed, backbones())))
        }
        ("data", "NAME") | ("name", "NAME") if command != "prepare" => {
            arg.add(ArgValueCompleter::new(|typed: &OsStr| beginning(typed, data_sets())))
        }
        // The values of a setting are in its value name: adam|adamw|sgd.
        (_, choices)
            if choices.contains('|')
                && choices.chars().all(|c| c.is_ascii_lowercase() || "|-_0123456789".contains(c)) =>
        {
            let choices: Vec<String> = choices.split('|').map(str::to_owned).collect();
            arg.add(ArgValueCompleter::new(move |typed: &OsStr| beginning(typed, choices.clone())))
        }
        _ => arg,
    }
}

fn beginning(typed: &OsStr, names: Vec<String>) -> Vec<CompletionCandidate> {
    let typed = typed.to_string_lossy();
    names.into_iter().filter(|name| name.starts_with(&*typed)).map(CompletionCandidate::new).collect()
}

fn backbones() -> Vec<String> {
    backbone::registry().into_iter().map(|info| info.name.to_owned()).collect()
}

fn runs() -> Vec<String> {
    let mut names = workspace().map_or_else(Vec::new, |workspace| folders(&workspace.runs()));
    names.retain(|name| RunId::parse(name).is_ok());
    // dense-2 before dense-10.
    let numbered = |name: &String| {
        let (kind, number) = name.rsplit_once('-').unwrap_or((name, ""));
        (kind.to_owned(), number.parse::<u64>().ok())
    };
    names.sort_by_cached_key(numbered);
    names
}

/// The runs that have a model: it was scored on validation.
fn models() -> Vec<String> {
    let Some(workspace) = workspace() else { return Vec::new() };
    let scored = |name: &String| workspace.runs().join(name).join("scores-val.csv").is_file();
    runs().into_iter().filter(scored).collect()
}

fn sweeps() -> Vec<String> {
    runs().into_iter().filter(|name| name.starts_with("sweep-")).collect()
}

/// The runs in the trash.
fn removed() -> Vec<String> {
    let removed = workspace().and_then(|workspace| trash::list(&workspace).ok());
    removed.into_iter().flatten().map(|run| run.to_string()).collect()
}

/// The columns that the table of models is ordered by.
fn columns() -> Vec<String> {
    Column::ALL.into_iter().map(|column| column.name().to_owned()).collect()
}

fn data_sets() -> Vec<String> {
    workspace().map_or_else(Vec::new, |workspace| folders(&workspace.all_prepared()))
}

/// Names of folders without characters special to a shell or a terminal.
fn folders(at: &Path) -> Vec<String> {
    let entries = fs::read_dir(at).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter(|entry| entry.path().is_dir())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| !name.starts_with('.') && !name.contains(|c: char| is_control(c) || c.is_whitespace()))
        .collect();
    names.sort_unstable();
    names
}

/// The workspace named on the line being typed, if it exists.
fn workspace() -> Option<Workspace> {
    let words: Vec<OsString> = std::env::args_os().collect();
    Workspace::open(&named_workspace(&words).unwrap_or_else(|| PathBuf::from("."))).ok()
}

fn named_workspace(words: &[OsString]) -> Option<PathBuf> {
    let option = "--workspace";
    words.iter().enumerate().find_map(|(at, word)| {
        let word = word.to_str()?;
        if word == option {
            return words.get(at + 1).map(PathBuf::from);
        }
        word.strip_prefix(option)?.strip_prefix('=').map(PathBuf::from)
    })
}
