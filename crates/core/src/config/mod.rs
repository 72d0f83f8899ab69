//! What a user settles once instead of by options: keys, the look of the workbench, columns of tables, notices, Slurm.
//!
//! It is read from two files, and where both have a key, the workspace's counts:
//!
//! 1. `~/.config/faceprobe/config.toml` (`$XDG_CONFIG_HOME/faceprobe/config.toml`; `FACEPROBE_CONFIG` names another file);
//! 2. `faceprobe.toml` in the workspace.
//!
//! A file has the sections of [`SECTIONS`]. An error in one is reported in one sentence with file, line and column. A
//! section is read into a structure of settings ([`Section::read`]), or key by key ([`Section::entries`]).

mod file;
mod section;
mod settings;
mod template;

pub use section::{Entry, Place, Section};
pub use settings::{NoticeSettings, PictureProtocol, ScreenSettings, ThemeName};
pub use template::section_template;

use crate::error::{Error, Result};
use crate::path_text::text_of;
use crate::workspace::Workspace;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The sections that a file may have.
pub const SECTIONS: [&str; 5] = ["keys", "screen", "columns", "notices", "slurm"];

/// The name of the workspace's file.
pub const WORKSPACE_FILE: &str = "faceprobe.toml";

/// Both files, merged.
#[derive(Debug, Clone, Default)]
pub struct Config {
    files: Vec<PathBuf>,
    sections: BTreeMap<&'static str, Section>,
}

impl Config {
    /// Loads the configuration of this user in a workspace. Missing files are ignored, unless `FACEPROBE_CONFIG` names
    /// one.
    ///
    /// # Errors
    /// As wrong usage: anything wrong with a file, except what keys, columns and Slurm's section mean, which their readers know. A file
    /// that cannot be read.
    pub fn load(workspace: &Workspace) -> Result<Self> {
        let mut config = Self::default();
        let user = user_file(|name| std::env::var_os(name));
        if let Some((path, named)) = &user {
            match file::read(path)? {
                Some(text) => config.add(path, &text)?,
                None if *named => {
                    return Err(Error::usage(format!(
                        "{}, which FACEPROBE_CONFIG names, is not there; make it with 'faceprobe config init' or unset \
                         FACEPROBE_CONFIG.",
                        text_of(path)
                    )));
                }
                None => {}
            }
        }
        let path = workspace.root().join(WORKSPACE_FILE);
        if let Some(text) = file::read(&path)? {
            config.add(&path, &text)?;
        }
        Ok(config)
    }

    /// Merges the text of a file over the present configuration.
    ///
    /// # Errors
    /// As wrong usage: the first error.
    pub fn add(&mut self, path: &Path, text: &str) -> Result<()> {
        for section in file::sections(path, text)? {
            match section.name() {
                "screen" => section.read::<ScreenSettings>().map(|_| ())?,
                "notices" => section.read::<NoticeSettings>().map(|_| ())?,
                _ => {}
            }
            self.sections.entry(section.name()).or_insert_with(|| Section::new(section.name())).put(section);
        }
        self.files.push(path.to_owned());
        Ok(())
    }

    /// A section of [`SECTIONS`]; empty if no file has it.
    pub fn section(&self, name: &'static str) -> Section {
        self.sections.get(name).cloned().unwrap_or_else(|| Section::new(name))
    }

    /// `[screen]`.
    ///
    /// # Errors
    /// None after loading; see [`Section::read`].
    pub fn screen(&self) -> Result<ScreenSettings> {
        self.section("screen").read()
    }

    /// `[notices]`.
    ///
    /// # Errors
    /// As [`Config::screen`].
    pub fn notices(&self) -> Result<NoticeSettings> {
        self.section("notices").read()
    }

    /// The files that were read, in ascending precedence.
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }
}

/// The path of the user's file, which need not exist; none without a home folder. `true` if `FACEPROBE_CONFIG` names
/// it.
pub fn user_file(variable: impl Fn(&str) -> Option<OsString>) -> Option<(PathBuf, bool)> {
    let variable = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(path) = variable("FACEPROBE_CONFIG") {
        return Some((path, true));
    }
    // The XDG specification says to ignore relative paths.
    let folder = variable("XDG_CONFIG_HOME").filter(|folder| folder.is_absolute());
    let folder = folder.or_else(|| variable("HOME").map(|home| home.join(".config")))?;
    Some((folder.join("faceprobe/config.toml"), false))
}
