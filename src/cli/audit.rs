//! `faceprobe data audit` and `faceprobe data decide`.

use super::Context;
use super::args::{DatasetArg, DetachArg};
use super::follow::start;
use super::options::Options;
use super::output::{print, print_json};
use super::train::dataset_name;
use clap::Args;
use faceprobe_core::audit::{self, Settings};
use faceprobe_core::dataset::decisions::{Decision, Decisions, class_of};
use faceprobe_core::dataset::{ContentHash, Manifest, PrepareReport, list_prepared};
use faceprobe_core::error::{AtPath, Error, Result};
use faceprobe_core::run::{JobSpec, RunFolder};
use faceprobe_core::text::printable;
use serde_json::json;
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    /// The prepared set, NAME or NAME@VERSION [default: the only one]
    pub name: Option<String>,
    #[command(flatten)]
    pub settings: Options<Settings>,
    /// How many findings of each kind are printed
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub show: usize,
    #[command(flatten)]
    pub detach: DetachArg,
}

#[derive(Debug, Args)]
pub(crate) struct DecideArgs {
    /// The image: its file, its path in a prepared set, or the SHA-256 of its bytes
    #[arg(required_unless_present = "from", value_name = "PATH|HASH")]
    pub image: Option<String>,
    /// keep, drop or relabel
    #[arg(required_unless_present = "from")]
    pub decision: Option<String>,
    /// The new label
    pub label: Option<String>,
    /// Many decisions: a CSV file with the columns image,decision and label, as 'features map --selected' writes it
    #[arg(long, value_name = "FILE", conflicts_with_all = ["image", "decision", "label"])]
    pub from: Option<PathBuf>,
}

pub(crate) fn audit(context: &Context, args: &AuditArgs) -> Result<()> {
    let settings = args.settings.read()?;
    let name = dataset_name(context, &DatasetArg { data: args.name.clone() })?;
    // Checked before a run is created.
    let folder = Manifest::load_named(&context.workspace, &name)?.folder;
    if let Some(run) = &settings.with {
        RunFolder::find(&context.workspace, run)?;
    }
    let job = JobSpec::Audit { dataset: name, settings: Box::new(settings) };
    if start(context, job, args.detach.detach)?.is_none() {
        return Ok(());
    }
    let audit = audit::Audit::load(&folder)?;
    if context.json {
        return print_json(&audit);
    }
    let mut text = audit.to_text(args.show);
    if !audit.findings.is_empty() {
        text.push_str("\ndecide: faceprobe data decide PATH keep|drop|relabel LABEL, then prepare again\n");
    }
    print(&text)
}

pub(crate) fn decide(context: &Context, args: &DecideArgs) -> Result<()> {
    let mut images = Images { context, known: None };
    let mut news = Vec::new();
    match (&args.from, &args.image, &args.decision) {
        (Some(file), ..) => {
            let mut reader = csv::Reader::from_path(file).at(file)?;
            let header = reader.headers().at(file)?.clone();
            let column = |name: &str| header.iter().position(|held| held.trim() == name);
            let (Some(image), Some(decision)) = (column("image"), column("decision")) else {
                return Err(Error::file(file, "the first line must name the columns image,decision and label"));
            };
            for row in reader.records() {
                let row = row.at(file)?;
                let line = row.position().map_or(0, csv::Position::line);
                let field = |index: Option<usize>| index.and_then(|index| row.get(index)).unwrap_or_default();
                let one = images.decision(field(Some(image)), field(Some(decision)), Some(field(column("label"))));
                let (hash, decision, path) =
                    one.map_err(|error| Error::file(file, format!("line {line}: {error}; nothing was decided")))?;
                // Of a hash, the file may say which image it is.
                let path = if path.is_empty() { field(column("path")).to_owned() } else { path };
                news.push((hash, decision, path));
            }
        }
        (None, Some(image), Some(decision)) => {
            news.push(images.decision(image, decision, args.label.as_deref())?);
        }
        _ => return Err(Error::usage("Name an image and a decision, or a file with --from.")),
    }
    let count = news.len();
    let told: Vec<_> = news
        .iter()
        .map(|(hash, decision, path)| {
            json!({ "hash": hash.to_string(), "decision": decision.word(), "label": decision.label(), "path": path })
        })
        .collect();
    let total = Decisions::add(&context.workspace, news)?;
    if context.json {
        return print_json(&json!({ "decided": told, "decisions": total }));
    }
    let file = Decisions::file(&context.workspace);
    let file = file.to_string_lossy();
    print(&format!("{count} decided, {total} decisions in {}; the next prepare follows them\n", printable(&file)))
}

/// Images as a person names them.
struct Images<'a> {
    context: &'a Context,
    /// Paths of the images of all prepared sets and their last audits, read on first use.
    known: Option<Vec<(String, ContentHash)>>,
}

impl Images<'_> {
    fn decision(&mut self, image: &str, word: &str, label: Option<&str>) -> Result<(ContentHash, Decision, String)> {
        let decision = Decision::parse(word, label).map_err(|what| Error::usage(format!("{what}.")))?;
        if let Decision::Relabel(label) = &decision {
            self.check_label(label)?;
        }
        let (hash, path) = self.find(image)?;
        Ok((hash, decision, path))
    }

    /// Refuses a label that no prepared set has.
    fn check_label(&self, label: &str) -> Result<()> {
        let sets = list_prepared(&self.context.workspace);
        let reports = sets.iter().filter_map(|name| PrepareReport::load(&self.context.workspace.prepared(name)).ok());
        let classes: Vec<[String; 2]> = reports.map(|report| report.classes).collect();
        match classes.first() {
            Some(first) if !classes.iter().any(|classes| class_of(label, classes).is_some()) => Err(Error::usage(
                format!("No prepared data set has the label '{label}'; there are {}.", first.join(" and ")),
            )),
            _ => Ok(()),
        }
    }

    fn find(&mut self, image: &str) -> Result<(ContentHash, String)> {
        if let Ok(hash) = image.parse::<ContentHash>() {
            return Ok((hash, String::new()));
        }
        let file = Path::new(image);
        if file.is_file() {
            return Ok((ContentHash::of_file(file)?, image.to_owned()));
        }
        let context = self.context;
        let known = self.known.get_or_insert_with(|| known_images(context));
        let mut hashes: Vec<ContentHash> =
            known.iter().filter(|(path, _)| path == image).map(|(_, hash)| *hash).collect();
        hashes.sort_unstable();
        hashes.dedup();
        match hashes[..] {
            [hash] => Ok((hash, image.to_owned())),
            [] => Err(Error::failed(format!(
                "'{image}' is neither a file, nor the path of an image in a prepared set, nor a hash"
            ))),
            _ => Err(Error::failed(format!(
                "'{image}' names different images in different data sets; give the file or its hash"
            ))),
        }
    }
}

fn known_images(context: &Context) -> Vec<(String, ContentHash)> {
    let mut known = Vec::new();
    for name in list_prepared(&context.workspace) {
        let folder = context.workspace.prepared(&name);
        if let Ok(manifest) = Manifest::load(&folder) {
            known.extend(manifest.samples.into_iter().map(|sample| (sample.path, sample.hash)));
        }
        if let Ok(audit) = audit::Audit::load(&folder) {
            let images = audit.findings.into_iter().flat_map(|finding| finding.images);
            known.extend(images.filter_map(|image| Some((image.path, image.hash.parse().ok()?))));
        }
    }
    known
}
