//! `faceprobe config`: shows the configuration and its sources, and writes a template.

use super::Context;
use super::args::ConfigCommand;
use super::output::{Align, print, print_json, table};
use crate::tui::keys::{self, Binding, Rebound, action_name};
use crate::tui::table::configured;
use faceprobe_core::config::{
    Config, Entry, NoticeSettings, SECTIONS, ScreenSettings, Section, WORKSPACE_FILE, section_template, user_file,
};
use faceprobe_core::error::{AtPath, Error, Result};
use faceprobe_core::path_text::text_of;
use faceprobe_core::scratch;
use faceprobe_core::slurm::SlurmSettings;
use faceprobe_core::text::printable;
use faceprobe_core::workspace::persist_new;
use faceprobe_settings::{Settings, value_of};
use serde::Serialize;
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

pub(crate) fn run(context: &Context, command: &ConfigCommand) -> Result<()> {
    match command {
        ConfigCommand::Show => show(context),
        ConfigCommand::Path { here } => {
            let path = path(context, *here)?;
            let there = path.symlink_metadata().is_ok();
            if context.json {
                return print_json(&serde_json::json!({ "path": path.to_string_lossy(), "exists": there }));
            }
            print(&format!("{}\n", printable(&text_of(&path))))
        }
        ConfigCommand::Init { here } => init(context, &path(context, *here)?),
        ConfigCommand::Keys { screen } => list_keys(context, screen.as_deref()),
    }
}

/// The path of the user's file, or the workspace's.
fn path(context: &Context, here: bool) -> Result<PathBuf> {
    if here {
        return Ok(context.workspace.root().join(WORKSPACE_FILE));
    }
    user_file(|name| std::env::var_os(name)).map(|(path, _)| path).ok_or_else(|| {
        Error::failed(
            "There is no folder for a configuration, because HOME is not set: set it, name a file in FACEPROBE_CONFIG, or \
             pass --here for one in the workspace.",
        )
    })
}

/// A key with its value.
#[derive(Serialize)]
struct Shown {
    section: &'static str,
    key: String,
    value: Value,
    /// `FILE:LINE:COLUMN`; none for a default.
    from: Option<String>,
}

impl Shown {
    fn given(section: &'static str, entry: &Entry) -> Self {
        let (key, value) = (entry.key.clone(), entry.value.clone());
        Self { section, key, value, from: Some(entry.at.to_string()) }
    }
}

/// The settings of a section, with their defaults if no file sets them.
fn settings<S: Settings>(section: &Section) -> Vec<Shown> {
    let all = S::statements().iter().map(|statement| match section.get(statement.info.name) {
        Some(entry) => Shown::given(section.name(), entry),
        None => Shown {
            section: section.name(),
            key: statement.info.name.to_owned(),
            value: match value_of(&statement.info.default, &statement.info.domain) {
                Value::Null => Value::String(statement.info.default.clone()),
                value => value,
            },
            from: None,
        },
    });
    all.collect()
}

/// The columns of every table.
fn columns(section: &Section) -> Vec<Shown> {
    let all = configured::usual().into_iter().map(|(key, usual)| match section.get(&key) {
        Some(entry) => Shown::given(section.name(), entry),
        None => Shown { section: section.name(), key, value: usual.into(), from: None },
    });
    all.collect()
}

fn show(context: &Context) -> Result<()> {
    let config = context.config()?;
    keys::rebound(&keys::own_table(), &config.section("keys"))?;
    let mut all = Vec::new();
    for name in SECTIONS {
        let section = config.section(name);
        match name {
            "screen" => all.extend(settings::<ScreenSettings>(&section)),
            "notices" => all.extend(settings::<NoticeSettings>(&section)),
            "columns" => {
                configured::read(&section)?;
                all.extend(columns(&section));
            }
            "slurm" => {
                section.read::<SlurmSettings>()?;
                all.extend(settings::<SlurmSettings>(&section));
            }
            _ => all.extend(section.entries().iter().map(|entry| Shown::given(name, entry))),
        }
    }
    if context.json {
        return print_json(&all);
    }
    let rows: Vec<Vec<String>> = all
        .into_iter()
        .map(|one| {
            let from = one.from.unwrap_or_else(|| "default".to_owned());
            vec![format!("{}.{}", one.section, one.key), one.value.to_string(), from]
        })
        .collect();
    print(&table(&[("setting", Align::Left), ("value", Align::Left), ("from", Align::Left)], &rows))?;
    if config.files().is_empty() && !context.quiet {
        print("\nThere is no configuration file; 'faceprobe config init' writes one to start from.\n")?;
    }
    Ok(())
}

/// The template: every setting, commented out.
fn template() -> String {
    let keys = "[keys]\n# Keys of the workbench, by action: one in quotes, or a list, of which the footer shows the first.\n\
                # 'faceprobe config keys' lists all actions and their keys.\n# runs.stop = \"s\"\n\
                # global.help = [\"?\", \"F1\"]\n";
    let mut columns = String::from(
        "[columns]\n# Columns of the tables of runs, the most important first; settings stands for the settings that differ \
         between\n# the rows, setting.width for one of them. What is shown or hidden with | on the screen counts more.\n",
    );
    for (name, usual) in configured::usual() {
        columns += &format!("# {name} = {}\n", Value::from(usual));
    }
    format!(
        "# Configuration of faceprobe. Every setting stands here with its default, commented out: remove the # to change one.\n\
         # Options on the command line override this file, and a workspace's {WORKSPACE_FILE} overrides the user's file.\n\
         # 'faceprobe config show' lists the values in force and where each comes from.\n\n\
         {}\n{columns}\n{}\n{}\n{keys}",
        section_template::<ScreenSettings>("screen"),
        section_template::<NoticeSettings>("notices"),
        section_template::<SlurmSettings>("slurm"),
    )
}

fn init(context: &Context, path: &Path) -> Result<()> {
    let refused = || {
        let sentence = "is there already and is left as it is; 'faceprobe config show' shows what it says";
        Error::usage(format!("{}: {sentence}.", text_of(path)))
    };
    if path.symlink_metadata().is_ok() {
        return Err(refused());
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder).at(folder)?;
    let mut file = scratch::file(folder, "")?;
    file.write_all(template().as_bytes()).at(path)?;
    persist_new(file, path).map_err(|error| if path.symlink_metadata().is_ok() { refused() } else { error })?;
    if context.json {
        return print_json(&serde_json::json!({ "path": path.to_string_lossy() }));
    }
    print(&format!("{}\n", printable(&text_of(path))))
}

/// An action in the output of `config keys`.
#[derive(Serialize)]
struct Listed {
    action: String,
    keys: Vec<String>,
    /// Its description.
    help: &'static str,
    /// Whether a configuration sets these keys.
    rebound: bool,
    /// The default keys that are off, because a configuration gave them to other actions before they were defaults.
    off: Vec<Off>,
}

/// A default key that is off.
#[derive(Serialize)]
struct Off {
    key: String,
    /// The action that has it.
    by: String,
}

fn list_keys(context: &Context, screen: Option<&str>) -> Result<()> {
    let own = keys::own_table();
    let Rebound { rows, displaced } = keys::rebound(&own, &context.config()?.section("keys"))?;
    let off = |action: &str| {
        let of_it = displaced.iter().filter(|displaced| displaced.action == action);
        of_it.map(|displaced| Off { key: displaced.key.name(), by: displaced.by.clone() }).collect::<Vec<_>>()
    };
    let names = |binding: &Binding| binding.keys.iter().map(|key| key.name()).collect::<Vec<_>>();
    let listed: Vec<Listed> = own
        .iter()
        .zip(&rows)
        .filter(|(_, row)| screen.is_none_or(|screen| keys::context_name(row.context) == screen.to_lowercase()))
        .map(|(own, row)| {
            let action = action_name(row);
            let off = off(&action);
            let rebound = own.keys != row.keys && off.is_empty();
            Listed { action, keys: names(row), help: row.help, rebound, off }
        })
        .collect();
    if let (Some(screen), true) = (screen, listed.is_empty()) {
        let known: Vec<String> = keys::Context::ALL.map(keys::context_name).to_vec();
        return Err(Error::usage(format!("There is no screen '{screen}' with keys; there are {}.", known.join(", "))));
    }
    if context.json {
        return print_json(&listed);
    }
    let rows: Vec<Vec<String>> = listed
        .into_iter()
        .map(|one| {
            let mut keys = one.keys;
            if one.rebound {
                keys.push("(yours)".to_owned());
            }
            keys.extend(one.off.into_iter().map(|off| format!("({} is off: it is your {})", off.key, off.by)));
            vec![one.action, keys.join(" "), one.help.to_owned()]
        })
        .collect();
    print(&table(&[("action", Align::Left), ("keys", Align::Left), ("what it does", Align::Left)], &rows))
}

impl Context {
    /// The configuration of this user in this workspace.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub(crate) fn config(&self) -> Result<Config> {
        Config::load(&self.workspace)
    }
}
