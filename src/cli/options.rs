//! Options of the command line for settings, generated from their declarations.

use clap::{Arg, ArgAction, ArgMatches, Args, Command, Error, FromArgMatches};
use faceprobe_core::error::Result;
use faceprobe_settings::{Domain, Info, Role, Settings, infos, set_all};
use std::marker::PhantomData;

/// The names and texts of the given settings.
pub(crate) type Pairs = Vec<(String, String)>;

/// The options of a structure of settings.
#[derive(Debug, Clone)]
pub(crate) struct Options<S> {
    pub pairs: Pairs,
    settings: PhantomData<S>,
}

impl<S: Settings> Options<S> {
    /// The settings with the given values; others have their defaults.
    ///
    /// # Errors
    /// The first refusal, as wrong usage.
    pub(crate) fn read(&self) -> Result<S> {
        Ok(set_all(&self.pairs)?)
    }
}

impl<S: Settings> FromArgMatches for Options<S> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        Ok(Self { pairs: given(matches, infos::<S>()), settings: PhantomData })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        self.pairs = given(matches, infos::<S>());
        Ok(())
    }
}

impl<S: Settings> Args for Options<S> {
    fn augment_args(command: Command) -> Command {
        infos::<S>().into_iter().fold(command, |command, info| command.arg(arg(info)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

/// The option of a setting. Values are checked when all are read, so that refusals read the same everywhere.
pub(crate) fn arg(info: &'static Info) -> Arg {
    let arg = Arg::new(info.name).long(info.name.replace('_', "-")).help(help(info)).value_name(info.hint());
    let arg = arg.allow_negative_numbers(true);
    match &info.domain {
        Domain::List { lines: true, .. } => arg.action(ArgAction::Append),
        // --faces alone means yes.
        Domain::YesNo => arg.num_args(0..=1).default_missing_value("yes"),
        Domain::Optional { of, .. } if **of == Domain::YesNo => arg.num_args(0..=1).default_missing_value("yes"),
        _ => arg,
    }
}

/// The option of a setting that takes several values.
pub(crate) fn axis(info: &'static Info) -> Arg {
    let hint = info.hint();
    arg(info).value_name(format!("{hint},…")).num_args(1)
}

/// The help text with the default.
pub(crate) fn help(info: &Info) -> String {
    let default = info.default_told().map(|default| format!(" [default: {default}]"));
    format!("{}{}", info.help, default.unwrap_or_default())
}

/// The names and texts given for these settings.
pub(crate) fn given(matches: &ArgMatches, infos: impl IntoIterator<Item = &'static Info>) -> Pairs {
    let mut pairs = Pairs::new();
    for info in infos {
        if let Ok(Some(values)) = matches.try_get_many::<String>(info.name) {
            let values: Vec<&str> = values.map(String::as_str).collect();
            pairs.push((info.name.to_owned(), values.join("\n")));
        }
    }
    pairs
}

/// The settings that distinguish runs, without their seeds.
pub(crate) fn without_seeds(infos: Vec<&'static Info>) -> impl Iterator<Item = &'static Info> {
    infos.into_iter().filter(|info| info.role == Role::Setting)
}
