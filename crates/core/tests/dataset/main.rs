//! Preparation through its public interface, on small trees in temporary folders.

mod account;
mod adapters;

use faceprobe_core::dataset::{
    ContentHash, Manifest, PrepareReport, PrepareSettings, Prepared, SourceSpec, Split, list_prepared, prepare,
};
use faceprobe_core::error::ErrorKind;
use faceprobe_core::monitor::{Monitor, Silent, Update};
use faceprobe_core::workspace::Workspace;
use image::{ImageFormat, Rgb, RgbImage};
use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use tempfile::TempDir;

/// A picture that differs for every `tint`.
fn picture(tint: u32, format: ImageFormat) -> Vec<u8> {
    let [a, b, c, _] = tint.wrapping_mul(2_654_435_761).to_le_bytes();
    let image = RgbImage::from_fn(24, 20, |x, y| Rgb([a ^ x as u8, b ^ y as u8, c]));
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).expect("encoding in memory");
    bytes.into_inner()
}

fn put(path: &Path, bytes: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().expect("a file in a folder")).expect("making a folder");
    fs::write(path, bytes).expect("writing a file");
}

fn put_picture(path: &Path, tint: u32) {
    put(path, picture(tint, ImageFormat::Png));
}

/// A place with a workspace and room for data.
struct Place {
    folder: TempDir,
    workspace: Workspace,
}

impl Place {
    fn new() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        fs::create_dir(folder.path().join("workspace")).expect("making a folder");
        let workspace = Workspace::open(&folder.path().join("workspace")).expect("a workspace");
        Self { folder, workspace }
    }

    fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn settings(&self, sources: &[&str], sizes: Option<[usize; 3]>) -> PrepareSettings {
        let source = |source: &&str| {
            let (adapter, path) = source.split_once(':').expect("adapter:path");
            format!("{adapter}:{}", self.at(path).display()).parse::<SourceSpec>().expect("a source")
        };
        PrepareSettings {
            name: "set".into(),
            source: sources.iter().map(source).collect(),
            train: sizes.map(|sizes| sizes[0]),
            val: sizes.map(|sizes| sizes[1]),
            test: sizes.map(|sizes| sizes[2]),
            seed: 1,
            ..PrepareSettings::default()
        }
    }

    fn prepare(&self, source: &str, sizes: Option<[usize; 3]>) -> Prepared {
        prepare(&self.workspace, &self.settings(&[source], sizes), &Silent).expect("a preparation that ends")
    }

    fn refusal(&self, source: &str) -> String {
        prepare(&self.workspace, &self.settings(&[source], None), &Silent).expect_err("a refused source").to_string()
    }

    fn manifest(&self) -> Manifest {
        Manifest::load_named(&self.workspace, "set").expect("a manifest")
    }

    fn manifest_bytes(&self) -> Vec<u8> {
        fs::read(self.workspace.prepared("set").join("manifest.csv")).expect("the manifest's bytes")
    }
}

fn dropped(report: &PrepareReport, reason: &str) -> usize {
    report.dropped.iter().filter(|dropped| dropped.reason == reason).map(|dropped| dropped.count).sum()
}

fn examples(report: &PrepareReport, reason: &str) -> String {
    report
        .dropped
        .iter()
        .filter(|dropped| dropped.reason == reason)
        .flat_map(|dropped| dropped.examples.clone())
        .collect()
}

/// Every row is either in a split or left out for one reason.
fn assert_accounted(report: &PrepareReport) {
    let sampled: usize = report.splits.iter().map(|split| split.per_class.iter().sum::<usize>()).sum();
    let dropped: usize = report.dropped.iter().map(|dropped| dropped.count).sum();
    assert_eq!(report.rows, dropped + sampled, "{}", report.to_text());
    assert!(report.to_text().lines().all(|line| line.chars().count() <= 80), "{}", report.to_text());
}

const FOLD_HEADER: &str =
    "user_id\toriginal_image\tface_id\tage\tgender\tx\ty\tdx\tdy\ttilt_ang\tfiducial_yaw_angle\tfiducial_score\n";

fn fold_row(user: &str, original: &str, face: &str, age: &str, gender: &str) -> String {
    format!("{user}\t{original}\t{face}\t{age}\t{gender}\t0\t1\t2\t3\t0\t0\t18\n")
}

fn coarse(user: &str, original: &str, face: &str) -> String {
    format!("adience/faces/{user}/coarse_tilt_aligned_face.{face}.{original}")
}

/// `per_class` good rows and images of each gender in two fold files.
fn small_adience(place: &Place, per_class: u32) {
    for fold in 0..2 {
        let mut text = FOLD_HEADER.to_owned();
        for index in 0..per_class {
            for (gender, tint) in [("f", 2 * index), ("m", 2 * index + 1)] {
                if index % 2 == fold {
                    let (user, original) = (format!("{fold}@N0{}", index % 3), format!("{index}{gender}.png"));
                    text += &fold_row(&user, &original, gender, "(25, 32)", gender);
                    put_picture(&place.at(&coarse(&user, &original, gender)), tint);
                }
            }
        }
        put(&place.at(&format!("adience/fold_{fold}_data.txt")), text);
    }
}
