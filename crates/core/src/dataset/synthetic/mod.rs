//! The synthetic sample: drawings of faces in the layout of Adience, generated from a seed.
//!
//! It replaces photographs in the demo and on machines without a data set. Labels, subjects, ages, folds and the
//! typical damage of real data are included. The drawings say nothing about people, as `SYNTHETIC.txt` in the folder
//! states.
//!
//! [`plan`] decides which pictures there are, [`person`] and [`scene`] their content, [`draw`] draws them, [`camera`]
//! encodes JPEGs; only this file accesses the disk.

mod backdrop;
mod camera;
mod canvas;
mod colour;
mod draw;
mod draws;
mod face;
mod hair;
mod person;
mod plan;
mod scene;

pub use plan::Defects;

use crate::claim::Claim;
use crate::error::{AtPath, Error, Result};
use crate::monitor::{Monitor, Update};
use faceprobe_settings::{Rules, settings};
use plan::{Content, Picture, Plan};
use rayon::prelude::*;
use scene::Scene;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// First line of every fold file of Adience.
const HEADER: &str =
    "user_id\toriginal_image\tface_id\tage\tgender\tx\ty\tdx\tdy\ttilt_ang\tfiducial_yaw_angle\tfiducial_score";

/// Increased when the same settings give other pictures or labels, so that old samples are generated again.
const VERSION: u32 = 1;

/// The file that describes the pictures; it also marks a complete sample.
const NOTICE: &str = "SYNTHETIC.txt";

settings! {
    /// The settings of a sample. The same settings give the same bytes, on any number of threads.
    pub struct SampleSettings {
        /// Pictures that splits can count on, half of each label; a few more are drawn, and the damaged ones besides.
        images: usize = 1000, whole(20..=100_000).unit("images");
        /// Decides what is drawn.
        seed: u64 = 1, any().seed();
        /// Width and height of the pictures.
        size: u32 = 256, whole(32..=1024).unit("pixels");
    }
}

impl Rules for SampleSettings {}

impl SampleSettings {
    /// The number of pictures that pass every check of preparation: even, and 4 percent above `images`, so that splits
    /// of `images` in total can be drawn even when subjects are kept together.
    pub fn usable(&self) -> usize {
        (self.images + self.images / 25).next_multiple_of(2)
    }

    /// The settings in a `SYNTHETIC.txt` of this version.
    fn of_notice(text: &str) -> Option<Self> {
        let line = text.lines().last()?.strip_prefix(&format!("generator {VERSION}, images "))?;
        let (images, rest) = line.split_once(", seed ")?;
        let (seed, size) = rest.split_once(", size ")?;
        let settings = Self { images: images.parse().ok()?, seed: seed.parse().ok()?, size: size.parse().ok()? };
        faceprobe_settings::check(&settings).is_ok().then_some(settings)
    }

    /// The text of `SYNTHETIC.txt`, which identifies a sample.
    fn notice(&self) -> String {
        let Self { images, seed, size } = self;
        format!(
            "SYNTHETIC DATA\n\n\
             The pictures in this folder are drawings by a program (faceprobe), not photographs of people. No person is\n\
             shown, and none was used to make them. The labels, ages, users and folds are made up: they mean nothing\n\
             about people, and an accuracy reached on them says nothing about any model's accuracy on photographs.\n\
             The layout is that of the Adience benchmark, its typical damage (unknown labels, repeated rows, missing\n\
             and broken files, duplicates, odd ages, wrong labels) included on purpose.\n\n\
             generator {VERSION}, images {images}, seed {seed}, size {size}\n"
        )
    }
}

/// The settings of the sample in a folder; none if there is no sample of this version.
pub fn drawn(folder: &Path) -> Option<SampleSettings> {
    SampleSettings::of_notice(&fs::read_to_string(folder.join(NOTICE)).ok()?)
}

/// Generates the sample in `folder`: `fold_0_data.txt` to `fold_4_data.txt`, `faces/` and `SYNTHETIC.txt`. Returns at
/// once if it exists already, complete and with the same settings.
///
/// It is generated in a temporary folder and moved into place when complete, so an interruption leaves no partial
/// sample, and the next call generates it. A sample with other settings is replaced; one with additional or changed
/// files is set aside; a folder that is not a sample is refused. Two processes that generate the same sample wait for
/// each other.
///
/// # Errors
/// A usage error for settings out of range; [`Error::stopped`] if the monitor says so; files that cannot be written.
pub fn generate(folder: &Path, settings: &SampleSettings, monitor: &dyn Monitor) -> Result<()> {
    faceprobe_settings::check(settings)?;
    let beside = TemporaryPaths::of(folder)?;
    let plan = plan::plan(settings);
    if is_whole(folder, settings, &plan) {
        return Ok(());
    }
    let _claim = beside.claim(monitor)?;
    if is_whole(folder, settings, &plan) {
        return Ok(());
    }
    refuse_foreign(folder)?;
    monitor.update(Update::Stage { name: "draw".into() });
    remove(&beside.partial)?;
    let written = write(&beside.partial, settings, &plan, monitor);
    if let Err(error) = written {
        // The partial folder is useless; failing to remove it must not hide the original error.
        let _ = remove(&beside.partial);
        return Err(error);
    }
    remove(&beside.old)?;
    if is_own(folder) {
        fs::rename(folder, &beside.old).at(folder)?;
    } else if folder.exists() && fs::remove_dir(folder).is_err() {
        // The folder is not empty.
        let kept = set_aside(folder)?;
        let text =
            format!("the sample held files that were not drawn, or were changed since; it is {} now", kept.display());
        monitor.update(Update::Note { text });
    }
    fs::rename(&beside.partial, folder).at(folder)?;
    remove(&beside.old)
}

/// The temporary names next to the sample's folder.
struct TemporaryPaths {
    partial: PathBuf,
    old: PathBuf,
    claim: PathBuf,
}

impl TemporaryPaths {
    fn of(folder: &Path) -> Result<Self> {
        let Some(name) = folder.file_name().and_then(|name| name.to_str()) else {
            return Err(Error::file(folder, "cannot be the folder of a sample; give one with a plain name"));
        };
        let named = |ending: &str| folder.with_file_name(format!(".{name}.{ending}"));
        Ok(Self { partial: named("partial"), old: named("old"), claim: named("claim") })
    }

    /// Claims the sample for this process, when no other draws it any more.
    fn claim(&self, monitor: &dyn Monitor) -> Result<Claim> {
        if let Some(parent) = self.claim.parent() {
            fs::create_dir_all(parent).at(parent)?;
        }
        Claim::wait(&self.claim, || !monitor.stopped())
    }
}

/// Whether the notice has these settings and no planned file was removed or emptied since.
fn is_whole(folder: &Path, settings: &SampleSettings, plan: &Plan) -> bool {
    let filled = |path: PathBuf| fs::metadata(path).is_ok_and(|file| file.is_file() && file.len() > 0);
    fs::read_to_string(folder.join(NOTICE)).is_ok_and(|text| text == settings.notice())
        && (0..plan.folds.len()).all(|fold| filled(folder.join(fold_name(fold))))
        && plan.pictures.iter().all(|picture| {
            let path = folder.join(&picture.path);
            if picture.content == Content::Hollow { path.is_file() } else { filled(path) }
        })
}

/// Only an empty folder or one with our notice may be replaced.
fn refuse_foreign(folder: &Path) -> Result<()> {
    if !folder.exists() || folder.join(NOTICE).is_file() {
        return Ok(());
    }
    let foreign = !folder.is_dir() || fs::read_dir(folder).at(folder)?.next().is_some();
    if foreign {
        return Err(Error::file(
            folder,
            "is in the way: it is not a synthetic sample, so it is left alone; move it or give another folder",
        ));
    }
    Ok(())
}

/// Whether a sample contains only generated files: its notice is written last, so a newer file was changed since.
fn is_own(folder: &Path) -> bool {
    let drawn = || {
        let notice = folder.join(NOTICE);
        let settings = SampleSettings::of_notice(&fs::read_to_string(&notice).ok()?)?;
        let whole = fs::metadata(notice).ok()?.modified().ok()?;
        let plan = plan::plan(&settings);
        let mut names: BTreeSet<PathBuf> = plan.pictures.iter().map(|picture| PathBuf::from(&picture.path)).collect();
        names.extend((0..plan.folds.len()).map(|fold| fold_name(fold).into()));
        names.insert(NOTICE.into());
        let mut left = vec![folder.to_owned()];
        while let Some(below) = left.pop() {
            for entry in fs::read_dir(below).ok()? {
                let path = entry.ok()?.path();
                let facts = fs::symlink_metadata(&path).ok()?;
                if facts.is_dir() {
                    left.push(path);
                } else if !names.contains(path.strip_prefix(folder).ok()?) || facts.modified().ok()? > whole {
                    return None;
                }
            }
        }
        Some(())
    };
    drawn().is_some()
}

/// Renames a folder to the first free name: its own with `-kept-1` appended, and so on.
fn set_aside(folder: &Path) -> Result<PathBuf> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let kept = (1..u32::MAX).map(|number| folder.with_file_name(format!("{name}-kept-{number}")));
    let kept = kept.into_iter().find(|path| fs::symlink_metadata(path).is_err());
    let kept = kept.ok_or_else(|| Error::file(folder, "cannot be set aside; move it"))?;
    fs::rename(folder, &kept).at(folder)?;
    Ok(kept)
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error).at(folder),
        _ => Ok(()),
    }
}

fn fold_name(fold: usize) -> String {
    format!("fold_{fold}_data.txt")
}

fn write(folder: &Path, settings: &SampleSettings, plan: &Plan, monitor: &dyn Monitor) -> Result<()> {
    let users: BTreeSet<&Path> = plan.pictures.iter().filter_map(|picture| Path::new(&picture.path).parent()).collect();
    for user in users {
        let user = folder.join(user);
        fs::create_dir_all(&user).at(&user)?;
    }
    let progress = Progress::new(plan.pictures.len() as u64, monitor);
    plan.pictures.par_iter().try_for_each(|picture| {
        if monitor.stopped() {
            return Err(Error::stopped());
        }
        let path = folder.join(&picture.path);
        fs::write(&path, content(picture, plan, settings).map_err(|reason| Error::file(&path, reason))?).at(&path)?;
        progress.one();
        Ok(())
    })?;
    for (fold, rows) in plan.folds.iter().enumerate() {
        let path = folder.join(fold_name(fold));
        let mut text = String::from(HEADER);
        text.extend(rows.iter().flat_map(|row| ["\n", row]));
        text.push('\n');
        fs::write(&path, text).at(&path)?;
    }
    let notice = folder.join(NOTICE);
    fs::write(&notice, settings.notice()).at(&notice)
}

/// The bytes of one image file.
fn content(picture: &Picture, plan: &Plan, settings: &SampleSettings) -> Result<Vec<u8>, String> {
    match picture.content {
        Content::Hollow => return Ok(Vec::new()),
        Content::Text => return Ok(b"<html><body>404 Not Found: the photograph was removed.</body></html>\n".to_vec()),
        Content::Whole | Content::Truncated => {}
    }
    let scene = Scene::of(settings.seed, picture.scene);
    let drawing = draw::draw(&plan.people[picture.person], &scene, settings.size)
        .ok_or_else(|| format!("no drawing of {} pixels could be made", settings.size))?;
    let mut file = camera::photograph(&drawing, &scene).map_err(|error| error.to_string())?;
    if picture.content == Content::Truncated {
        // Cut within the tables before the first pixel, so that decoders that fill missing data with grey refuse it
        // too.
        file.truncate(300);
    }
    Ok(file)
}

/// Counts pictures and reports progress at most ten times a second.
struct Progress<'a> {
    total: u64,
    begun: Instant,
    state: Mutex<(u64, Instant)>,
    monitor: &'a dyn Monitor,
}

impl<'a> Progress<'a> {
    fn new(total: u64, monitor: &'a dyn Monitor) -> Self {
        let now = Instant::now();
        Self { total, begun: now, state: Mutex::new((0, now)), monitor }
    }

    fn one(&self) {
        // A thread that panicked while it held the count left a valid count.
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        state.0 += 1;
        let done = state.0;
        if done < self.total && state.1.elapsed() < Duration::from_millis(100) {
            return;
        }
        state.1 = Instant::now();
        let rate = done as f64 / self.begun.elapsed().as_secs_f64().max(1e-6);
        let remaining = Some((self.total - done) as f64 / rate);
        self.monitor.update(Update::Progress { done, total: self.total, unit: "images".into(), rate, remaining });
    }
}
