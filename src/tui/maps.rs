//! What the map of features wants done with files, and the doing on the job thread.

use super::app::App;
use super::effect::Effect;
use super::jobs::Job;
use super::shared::Tone;
use faceprobe_core::dataset::Manifest;
use faceprobe_core::error::{Error, Result};
use faceprobe_core::map::{self, Groups, Judged, Map, Proposal};
use faceprobe_core::outputs::{OutputState, Outputs};
use faceprobe_core::workspace::Workspace;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Something to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum MapJob {
    /// Reads the maps of a prepared set.
    List { dataset: String },
    /// Reads what a run made of its images.
    Judge { run: String },
    /// Writes the picture of a map, or a file about the images that were chosen on it; over a file that was not made here
    /// only with `replace`.
    Write { path: PathBuf, map: Arc<Map>, groups: Groups, chosen: Chosen, replace: bool },
}

/// The images that were chosen on a map, and what is decided about them where that is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Chosen {
    /// Indices of points.
    pub points: Vec<usize>,
    pub proposal: Proposal,
}

/// The maps of a set, the newest first.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Maps {
    pub dataset: String,
    pub maps: Vec<Arc<Map>>,
    /// Source name to the folder that paths are relative to.
    pub roots: BTreeMap<String, PathBuf>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub enum MapReply {
    Listed(std::result::Result<Arc<Maps>, String>),
    Judged {
        run: String,
        outcome: std::result::Result<Arc<Judged>, String>,
    },
    Written(PathBuf),
    /// There is such a file, and it was not made here; the job is the same with `replace`.
    Exists(Box<MapJob>),
}

/// Does one job, on the job thread.
pub fn perform(workspace: &Workspace, job: MapJob) -> Result<MapReply> {
    match job {
        MapJob::List { dataset } => {
            let list = || -> Result<Arc<Maps>> {
                let manifest = Manifest::load_named(workspace, &dataset)?;
                let maps = map::all(workspace, &manifest.sha256).into_iter().map(Arc::new).collect();
                Ok(Arc::new(Maps { dataset, maps, roots: manifest.roots }))
            };
            Ok(MapReply::Listed(list().map_err(|error| error.to_string())))
        }
        MapJob::Judge { run } => {
            let outcome = map::judged(workspace, &run).map(Arc::new).map_err(|error| error.to_string());
            Ok(MapReply::Judged { run, outcome })
        }
        MapJob::Write { path, map, groups, chosen, replace } => {
            let mut outputs = Outputs::new(workspace, replace);
            if outputs.standing(&path)? == OutputState::Foreign && !replace {
                let job = MapJob::Write { path, map, groups, chosen, replace: true };
                return Ok(MapReply::Exists(Box::new(job)));
            }
            outputs.write(&path, &written(workspace, &path, &map, &groups, &chosen)?)?;
            Ok(MapReply::Written(path))
        }
    }
}

/// What the ending of a file asks for.
fn written(workspace: &Workspace, path: &Path, map: &Map, groups: &Groups, chosen: &Chosen) -> Result<Vec<u8>> {
    let is = |ending: &str| path.extension().is_some_and(|own| own.eq_ignore_ascii_case(ending));
    if is("svg") {
        return Ok(map::svg(map, groups).into_bytes());
    }
    if is("png") {
        return map::png(map, groups);
    }
    if !is("txt") && !is("csv") {
        return Err(Error::usage(format!(
            "{}: the ending decides what is written; take .svg or .png for the map, .txt for a list of the selected images, .csv \
             for decisions about them.",
            path.display()
        )));
    }
    if chosen.points.is_empty() {
        return Err(Error::usage("No images are selected; press Space at two corners to select those between them."));
    }
    map::written(workspace, map, &chosen.points, path, &chosen.proposal)
}

/// Takes in what came of a job, on the UI thread.
pub fn take(app: &mut App, reply: MapReply) -> Vec<Effect> {
    match reply {
        MapReply::Listed(maps) => return app.views.map.listed(&mut app.shared, maps),
        MapReply::Judged { run, outcome } => app.views.map.judged(&mut app.shared, &run, outcome),
        MapReply::Written(path) => {
            let decides = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv"));
            let next = if decides { "; 'faceprobe data decide --from' takes it" } else { "" };
            app.shared.say(Tone::Good, format!("Saved in {}{next}.", path.display()));
        }
        MapReply::Exists(job) => {
            if let MapJob::Write { path, .. } = &*job {
                let text = format!(
                    "{} exists and was not made here, or was changed since. Its contents will be lost.",
                    path.display()
                );
                app.shared.ask("Replace the file?", vec![text], Job::Map(job));
            }
        }
    }
    Vec::new()
}
