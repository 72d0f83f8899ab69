//! Preparation: reads label files, checks all rows and images, and writes a balanced and split data set with a report.

use super::crops::{Cropper, folder_of};
use super::division::{SplitMethod, divide};
use super::followed::Followed;
use super::groups;
use super::inspect::{Stamp, inspect};
use super::preparation::{Built, Crops, Preparation};
use super::publication::{Published, publish};
use super::reasons::Drops;
use super::report::PrepareReport;
use super::screening::{candidates, decided, decodable, describe, followed, group, screen, without_duplicates};
use super::source::{SourceRows, SourceSpec, source_names};
use super::split::Sizes;
use super::versions;
use crate::error::{Error, ErrorKind, Result};
use crate::imaging::{Alignment, Template};
use crate::monitor::{Monitor, Update};
use crate::text::excerpt;
use crate::workspace::Workspace;
use faceprobe_settings::{Refusal, Rules, settings};
use serde_json::{Map, Value};
use std::path::PathBuf;

settings! {
    /// What to prepare.
    #[derive(Eq)]
    pub struct PrepareSettings {
        /// Where labels and images are; may be given several times, if the classes agree.
        source: Vec<SourceSpec> = Vec::new(), any().lines();
        /// Name of the prepared set and of its folder.
        name: String = String::new(), text("NAME").computed("the first source's layout");
        /// Training images, both classes together; without the three sizes the data set's own splits or 60/20/20 of all.
        train: Option<usize> = None, whole(0..=100_000_000).unit("images");
        /// Validation images, both classes together.
        val: Option<usize> = None, whole(0..=100_000_000).unit("images");
        /// Test images, both classes together.
        test: Option<usize> = None, whole(0..=100_000_000).unit("images");
        /// Decides which images are drawn.
        seed: u64 = 1, any().seed();
        /// How images are divided: random by image, subject (nobody in two splits), folds (cross-validation), or official.
        split: Option<SplitMethod> = None, any().or("auto").computed("official where there are such splits and no sizes are given, else random");
        /// Crop every image to its face: tight (the face, as FairFace) or loose (the head, as Adience).
        align: Option<Template> = None, any();
        /// Rows and columns of the aligned crops.
        align_side: usize = Alignment::SIDE, whole(32..=1024).unit("pixels").advanced();
        /// Which decisions about images are followed: workspace (data/decisions.csv), none, or these and no others.
        decisions: Followed = Followed::default(), any().advanced();
    }
}

impl Rules for PrepareSettings {
    const EARLIER: &'static [&'static str] = &["sources"];

    fn check_together(&self) -> std::result::Result<(), Refusal> {
        let name = &self.name;
        let usual = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || name.starts_with('.') || name.len() > 100 || !name.chars().all(usual) {
            return Err(
                Refusal::new("name", "must be letters, digits, '-', '_' and '.', not starting with a dot").not(name)
            );
        }
        let sizes = [("train", self.train), ("val", self.val), ("test", self.test)];
        if sizes.iter().any(|(_, size)| size.is_some())
            && let Some((absent, _)) = sizes.iter().find(|(_, size)| size.is_none())
        {
            return Err(Refusal::new(*absent, "must be given where another of {train}, {val} and {test} is"));
        }
        if self.train.is_some()
            && let Some(method @ (SplitMethod::Official | SplitMethod::Folds)) = self.split
        {
            return Err(Refusal::new(
                "train",
                format!(
                    "must be left out, as {{val}} and {{test}}, for {{split}} {method}, which has sizes of its own"
                ),
            ));
        }
        Ok(())
    }

    fn settle(&mut self, given: &dyn Fn(&str) -> bool) {
        if !given("name")
            && let Some(source) = self.source.first()
        {
            self.name = source.adapter.name().to_owned();
        }
    }

    /// Version 0.1.0 had sources as objects, and the crop's side in the alignment.
    fn upgrade(object: &mut Map<String, Value>) {
        if let Some(Value::Array(mut sources)) = object.remove("sources") {
            for source in &mut sources {
                if let (Some(adapter), Some(path)) = (source["adapter"].as_str(), source["path"].as_str()) {
                    *source = Value::String(format!("{adapter}:{path}"));
                }
            }
            object.insert("source".into(), Value::Array(sources));
        }
        if let Some(Value::Object(align)) = object.get("align").cloned() {
            object.insert("align".into(), align.get("template").cloned().unwrap_or_default());
            object.extend(align.get("side").map(|side| ("align_side".to_owned(), side.clone())));
        }
    }
}

impl PrepareSettings {
    /// The crop of every image; none for whole images.
    pub fn alignment(&self) -> Option<Alignment> {
        self.align.map(|template| Alignment { template, side: self.align_side })
    }
}

/// The outcome of a preparation. There is a report in either case.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// Of a cross-validation, the report of all folds together.
    pub report: PrepareReport,
    /// `data/prepared/NAME`, or that of a later version; a cross-validation also has `NAME-fold-0` and so on.
    pub folder: PathBuf,
    /// The version; an error if there were too few images for the sizes: then no manifest was written.
    pub outcome: Result<Published>,
}

/// A source after reading, without its rows.
pub(super) struct Source {
    pub name: String,
    pub rows: SourceRows,
}

/// Reads, checks, samples and writes `data/prepared/NAME` in the workspace, or the next version if that set exists with
/// other content. If the same content exists, nothing is written.
///
/// Too few images for the sizes is reported in [`Prepared::outcome`], so that the report can be shown; `report.json` is
/// then written as well, unless there is a set of that name.
///
/// # Errors
/// If the settings are invalid, a source cannot be read at all, the workspace cannot be written, or the monitor
/// requests a stop.
pub fn prepare(workspace: &Workspace, settings: &PrepareSettings, monitor: &dyn Monitor) -> Result<Prepared> {
    prepare_with(workspace, settings, None, monitor)
}

/// [`prepare`] with a cropper for [`PrepareSettings::align`].
///
/// # Errors
/// As [`prepare`]; crops requested without a cropper.
pub fn prepare_with(
    workspace: &Workspace,
    settings: &PrepareSettings,
    cropper: Option<&dyn Cropper>,
    monitor: &dyn Monitor,
) -> Result<Prepared> {
    if settings.align.is_some() != cropper.is_some() {
        return Err(Error::failed(
            "Crops to faces are made where the face detector is, and only if they are asked for.",
        ));
    }
    check_name(&settings.name)?;
    if let Some(of) = versions::fold_of(workspace, &settings.name) {
        return Err(Error::usage(format!(
            "{} is a fold of the cross-validation {of}; prepare under another --name.",
            settings.name
        )));
    }
    let asked = Sizes::asked(settings.train, settings.val, settings.test)?;
    stage(monitor, "read labels")?;
    let mut sources = read_sources(&settings.source)?;
    let classes = sources[0].rows.classes.clone();
    let mut report = PrepareReport {
        name: settings.name.clone(),
        synthetic: sources.iter().any(|source| source.rows.synthetic),
        sources: settings.source.iter().map(ToString::to_string).collect(),
        seed: settings.seed,
        classes: classes.clone(),
        ..PrepareReport::default()
    };
    let mut drops = Drops::default();
    let (candidates, mut locators) = candidates(&mut sources, &mut report, &mut drops);
    let present = screen(candidates, &mut locators, &mut report, &mut drops);
    stage(monitor, "inspect images")?;
    let files: Vec<(PathBuf, Stamp)> =
        present.iter().filter_map(|candidate| Some((candidate.file.clone(), candidate.stamp?))).collect();
    let inspected = inspect(&files, &workspace.root().join("cache/inspected.csv"), monitor)?;
    stage(monitor, "sample splits")?;
    let rulings = settings.decisions.in_force(workspace)?;
    let decodable = decodable(present, inspected, &mut drops);
    report.followed = followed(&decodable, settings, &rulings);
    let (usable, relabelled) = decided(decodable, settings, &rulings, &classes, &mut drops)?;
    let mut usable = without_duplicates(usable, &sources, &classes, &mut drops);
    let grouped = group(&mut usable, &groups::load(workspace)?);
    describe(&usable, &mut report);
    let names: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
    let divisions = divide(&usable, &names, settings, asked, &classes).map_err(|error| match drops.most() {
        // Then the dropped rows are what needs fixing.
        Some(most) if error.kind() == ErrorKind::Failed && drops.count() > usable.len() => {
            Error::failed(format!("{error} {most}"))
        }
        _ => error,
    });
    report.warnings = sources.iter_mut().flat_map(|source| std::mem::take(&mut source.rows.warnings)).collect();
    report.warnings.extend(relabelled);
    if divisions.as_ref().is_ok_and(|divisions| divisions.iter().all(|division| division.keeps_groups())) {
        report.warnings.extend(grouped);
    }
    let preparation = Preparation { report, drops, usable: &usable, sources: &sources, settings };
    let divisions = match divisions {
        Ok(divisions) => divisions,
        Err(error) => {
            let folder = workspace.prepared(&settings.name);
            return Ok(Prepared { report: preparation.of_none(workspace)?, folder, outcome: Err(error) });
        }
    };
    let target = cropper.map(|cropper| folder_of(workspace, &settings.name, cropper));
    let crops = cropper.zip(target.as_ref()).map(|(cropper, folder)| Crops { cropper, folder, monitor });
    let built: Vec<Built> =
        divisions.iter().map(|division| preparation.build(division, crops.as_ref())).collect::<Result<_>>()?;
    let (report, published) = publish(workspace, &preparation, &divisions, &built)?;
    Ok(Prepared { report, folder: workspace.prepared(&published.version.id()), outcome: Ok(published) })
}

pub(super) fn stage(monitor: &dyn Monitor, name: &str) -> Result<()> {
    if monitor.stopped() {
        return Err(Error::stopped());
    }
    monitor.update(Update::Stage { name: name.into() });
    Ok(())
}

/// Checks the name of a prepared set, which is a folder in `data/prepared`, typed on command lines and shown in tables.
///
/// # Errors
/// An invalid name, as wrong usage.
pub fn check_name(name: &str) -> Result<()> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.len() > 64 || name.starts_with(['.', '-']) || !name.chars().all(plain) {
        return Err(Error::usage(format!(
            "'{}' cannot name a prepared data set; use up to 64 letters, digits, '-', '_' and '.'.",
            excerpt(name)
        )));
    }
    Ok(())
}

fn read_sources(specs: &[SourceSpec]) -> Result<Vec<Source>> {
    if specs.is_empty() {
        return Err(Error::usage("No data to prepare; give at least one --source, such as adience:PATH."));
    }
    let names = source_names(specs);
    let mut sources: Vec<Source> = Vec::new();
    for (spec, name) in specs.iter().zip(names) {
        let rows = spec.read()?;
        if let Some(first) = sources.first().filter(|first| first.rows.classes != rows.classes) {
            let [theirs, ours] = [&first.rows.classes, &rows.classes].map(|classes| excerpt(&classes.join(" and ")));
            return Err(Error::usage(format!(
                "{} has the classes {theirs}, but {name} has {ours}; prepare them one by one.",
                first.name
            )));
        }
        sources.push(Source { name, rows });
    }
    Ok(sources)
}
