//! Arguments of the set-up commands: configuration, completions, man pages.

use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Every setting with its value and where that comes from
    Show,
    /// The path of your configuration file, whether it exists or not
    Path {
        /// The workspace's file instead, faceprobe.toml
        #[arg(long)]
        here: bool,
    },
    /// Write a configuration file with every setting commented out; never overwrites one
    Init {
        /// In the workspace instead, as faceprobe.toml
        #[arg(long)]
        here: bool,
    },
    /// The actions of the workbench with their keys, under the names that [keys] in a configuration file takes
    Keys {
        /// Only those of one screen: global, data, train, …
        screen: Option<String>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: ShellArg,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ShellArg {
    Bash,
    Zsh,
    Fish,
}

impl ShellArg {
    /// clap_complete's name of the shell.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Zsh => "zsh",
            Self::Fish => "fish",
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// The folder for the pages
    #[arg(long, value_name = "DIR")]
    pub to: PathBuf,
    /// Overwrite files that faceprobe did not create
    #[arg(long)]
    pub force: bool,
}
