//! `faceprobe data fetch adience|congress`.

use super::Context;
use super::output::{ask, print, print_json};
use super::reporter::Reporter;
use clap::{Args, Subcommand, ValueEnum};
use faceprobe_core::dataset::fetch::adience::{self, Part};
use faceprobe_core::dataset::fetch::congress;
use faceprobe_core::error::{Error, Result};
use faceprobe_core::net::{Client, check_address};
use faceprobe_core::outputs::Outputs;
use faceprobe_core::text::{line, printable};
use serde_json::json;
use std::io::{BufRead, IsTerminal};
use std::path::{Path, PathBuf, absolute};
use std::time::Duration;

/// A server that is silent for so long is given up.
const PATIENCE: Duration = Duration::from_secs(20);
/// Pause between two requests for portraits.
const PAUSE: Duration = Duration::from_millis(100);
const USER: &str = "FACEPROBE_ADIENCE_USER";
const PASSWORD: &str = "FACEPROBE_ADIENCE_PASSWORD";

#[derive(Debug, Subcommand)]
pub(crate) enum FetchCommand {
    /// The Adience benchmark, with the name and password that its authors give to those who register
    Adience(AdienceArgs),
    /// Portraits of the members of the US Congress: real faces in the public domain, without registration
    Congress(CongressArgs),
}

#[derive(Debug, Args)]
pub(crate) struct AdienceArgs {
    /// The user name [default: FACEPROBE_ADIENCE_USER, else asked for]
    #[arg(long)]
    pub user: Option<String>,
    /// Read the password from standard input [default: FACEPROBE_ADIENCE_PASSWORD, else asked for]
    #[arg(long)]
    pub password_stdin: bool,
    /// A folder with the same files, instead of the authors' own server
    #[arg(long, value_name = "URL")]
    pub mirror: Option<String>,
    /// Which parts; several with commas [default: labels,aligned]
    #[arg(long, value_enum, value_delimiter = ',', default_value = "labels,aligned", hide_default_value = true)]
    pub what: Vec<PartArg>,
    /// Where to [default: data/adience in the workspace]
    #[arg(long, value_name = "DIR")]
    pub to: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum PartArg {
    /// The fold files
    Labels,
    /// The faces with landmarks brought in place (1.9 GB)
    Aligned,
    /// The faces as they were cut out (1.2 GB)
    Faces,
}

#[derive(Debug, Args)]
pub(crate) struct CongressArgs {
    /// A folder with legislators-current.json and 225x275/ID.jpg, instead of the project's own servers
    #[arg(long, value_name = "URL")]
    pub mirror: Option<String>,
    /// Where to [default: data/congress in the workspace]
    #[arg(long, value_name = "DIR")]
    pub to: Option<PathBuf>,
    /// Overwrite a labels.csv there that faceprobe did not create
    #[arg(long)]
    pub force: bool,
}

pub(crate) fn run(context: &Context, command: &FetchCommand) -> Result<()> {
    match command {
        FetchCommand::Adience(args) => fetch_adience(context, args),
        FetchCommand::Congress(args) => fetch_congress(context, args),
    }
}

/// The target folder, absolute, so that printed commands can be copied.
fn folder(context: &Context, to: Option<&Path>, name: &str) -> PathBuf {
    match to {
        Some(to) => absolute(to).unwrap_or_else(|_| to.to_owned()),
        None => context.workspace.root().join("data").join(name),
    }
}

fn fetch_adience(context: &Context, args: &AdienceArgs) -> Result<()> {
    let folder = folder(context, args.to.as_deref(), "adience");
    let address = check_address(args.mirror.as_deref().unwrap_or(adience::OFFICIAL))?;
    let client = client(args)?;
    let reporter = Reporter::new(context.quiet)?;
    if address.starts_with("http://") && args.mirror.is_none() {
        reporter.say("the server has no https: name and password travel readable");
    }
    let parts: Vec<Part> = args
        .what
        .iter()
        .map(|part| match part {
            PartArg::Labels => Part::Labels,
            PartArg::Aligned => Part::Aligned,
            PartArg::Faces => Part::Faces,
        })
        .collect();
    let request = adience::Request { address, parts: &parts, folder: &folder, client: &client, patience: PATIENCE };
    let reports = adience::fetch(&request, &reporter)?;
    drop(reporter);
    let next = format!("faceprobe data prepare --source adience:{}", folder.display());
    if context.json {
        return print_json(&json!({ "folder": folder, "files": reports, "next": next }));
    }
    let mut text = String::new();
    for report in &reports {
        let images = report.images.map(|images| format!(", {images} files")).unwrap_or_default();
        let how = match (report.there_before, &report.md5, report.known_md5) {
            (true, None, _) => "already there",
            (_, Some(md5), Some(known)) if md5 == known => "the authors' file by its MD5",
            (_, Some(_), Some(_)) => "another MD5 than the authors' file",
            _ => "of unknown MD5",
        };
        text.push_str(&format!("{}: {how}{images}\n", line(&report.name)));
    }
    print(&format!("{text}next: {}\n", line(&next)))
}

/// The HTTP client. A mirror may need no name; the authors' server does.
fn client(args: &AdienceArgs) -> Result<Client> {
    let at_terminal = std::io::stdin().is_terminal() && std::io::stderr().is_terminal() && !args.password_stdin;
    let user = match args.user.clone().or_else(|| variable(USER)) {
        Some(user) => user,
        None if args.mirror.is_some() && !args.password_stdin => return Ok(Client::new()),
        None if at_terminal => ask_user()?,
        None => {
            return Err(Error::usage(format!(
                "Adience is given to those who register at its authors' page (talhassner.github.io, Adience); give the \
                 name they sent you with --user or {USER}, and the password with --password-stdin or {PASSWORD}."
            )));
        }
    };
    let password = if args.password_stdin {
        let mut line = String::new();
        std::io::stdin()
            .lock()
            .read_line(&mut line)
            .map_err(|error| Error::failed(format!("The password cannot be read from standard input ({error}).")))?;
        line.trim_end_matches(['\r', '\n']).to_owned()
    } else if let Some(password) = variable(PASSWORD) {
        password
    } else if at_terminal {
        rpassword::prompt_password(format!("Password of {}: ", printable(&user)))
            .map_err(|error| Error::failed(format!("The password cannot be asked for ({error}).")))?
    } else {
        return Err(Error::usage(format!(
            "There is no terminal to ask for the password; give it with --password-stdin or {PASSWORD}."
        )));
    };
    Client::new().with_password(&user, &password)
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn ask_user() -> Result<String> {
    let failed = |error: std::io::Error| Error::failed(format!("The user name cannot be asked for ({error})."));
    ask("User name for Adience: ");
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(failed)?;
    match line.trim() {
        "" => Err(Error::usage("Without a user name Adience cannot be fetched.")),
        user => Ok(user.to_owned()),
    }
}

fn fetch_congress(context: &Context, args: &CongressArgs) -> Result<()> {
    let folder = folder(context, args.to.as_deref(), "congress");
    let (legislators, portraits) = congress::addresses(args.mirror.as_deref())?;
    let client = Client::new();
    let reporter = Reporter::new(context.quiet)?;
    let request = congress::Request {
        legislators: &legislators,
        portraits: &portraits,
        folder: &folder,
        client: &client,
        pause: PAUSE,
        patience: PATIENCE,
    };
    let report = congress::fetch(&request, &mut Outputs::new(&context.workspace, args.force), &reporter)?;
    drop(reporter);
    let next = format!("faceprobe data prepare --source csv:{} --name congress", report.labels.display());
    if context.json {
        return print_json(&json!({ "folder": folder, "portraits": report, "next": next }));
    }
    let missing = match report.missing.len() {
        0 => String::new(),
        count => format!(" {count} members have no portrait there."),
    };
    print(&format!(
        "{} portraits, {} female and {} male, {} of them fetched now.{missing}\nnext: {}\n",
        report.female + report.male,
        report.female,
        report.male,
        report.fetched,
        line(&next)
    ))
}
