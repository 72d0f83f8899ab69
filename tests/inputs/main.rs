//! Data sets as they occur in practice: read, or refused with the reason, never lost. Each test generates its cases
//! with the expected values; images are drawn.

mod folders;
mod labels;
mod layouts;
mod many;
mod paths;
#[path = "../support/program.rs"]
mod program;
mod splits;
mod tables;

use faceprobe_core::dataset::{PrepareSettings, prepare};
use faceprobe_core::monitor::Silent;
use faceprobe_core::workspace::Workspace;
use image::{ImageFormat, Rgb, RgbImage};
use serde_json::Value;
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A picture that differs for every `tint`.
pub fn picture(tint: u32, format: ImageFormat) -> Vec<u8> {
    let [a, b, c, _] = tint.wrapping_mul(2_654_435_761).to_le_bytes();
    let image = RgbImage::from_fn(24, 20, |x, y| Rgb([a ^ x as u8, b ^ y as u8, c]));
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).expect("encoding in memory");
    bytes.into_inner()
}

/// A workspace, and room for data beside it.
pub struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        fs::create_dir(folder.path().join("workspace")).expect("a folder");
        Self { folder }
    }

    pub fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    pub fn put(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().expect("a file in a folder")).expect("a folder");
        fs::write(path, bytes).expect("a file");
    }

    /// Pictures `folder/0.jpg` and so on.
    pub fn pictures(&self, folder: &str, count: u32, tint: u32) {
        (0..count).for_each(|n| self.put(&format!("{folder}/{n}.jpg"), picture(tint + n, ImageFormat::Jpeg)));
    }

    pub fn workspace(&self) -> PathBuf {
        self.at("workspace")
    }

    /// The report of a preparation under the name `set`, or the sentence in which it is refused. `more` are options of `data
    /// prepare` with their values.
    pub fn prepare(&self, source: &str, more: &[&str]) -> Result<Value, String> {
        let (layout, path) = source.split_once(':').expect("layout:path");
        let mut settings = PrepareSettings {
            source: vec![format!("{layout}:{}", self.at(path).display()).parse().expect("a source")],
            name: "set".into(),
            ..PrepareSettings::default()
        };
        for option in more.chunks(2) {
            let size = || Some(option[1].parse().expect("a number"));
            match option[0] {
                "--train" => settings.train = size(),
                "--val" => settings.val = size(),
                "--test" => settings.test = size(),
                "--split" => settings.split = Some(option[1].parse().expect("a method")),
                other => panic!("{other}"),
            }
        }
        let workspace = Workspace::open(&self.workspace()).expect("a workspace");
        let prepared = prepare(&workspace, &settings, &Silent).map_err(|error| error.to_string())?;
        prepared.outcome.map_err(|error| error.to_string())?;
        Ok(serde_json::to_value(prepared.report).expect("JSON"))
    }

    /// The report, which accounts for every row.
    pub fn report(&self, source: &str, more: &[&str]) -> Value {
        let report = self.prepare(source, more).unwrap_or_else(|said| panic!("{source}: {said}"));
        assert_eq!(used(&report) + counted(&report), number(&report["rows"]), "{report:#}");
        report
    }
}

pub fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// Images in splits.
pub fn used(report: &Value) -> u64 {
    let splits = report["splits"].as_array().expect("splits");
    splits.iter().flat_map(|split| split["per_class"].as_array().expect("counts")).map(number).sum()
}

/// What is in no split, for whatever reason.
pub fn counted(report: &Value) -> u64 {
    report["dropped"].as_array().expect("reasons").iter().map(|dropped| number(&dropped["count"])).sum()
}

/// How many were left out for one reason.
pub fn dropped(report: &Value, reason: &str) -> u64 {
    let of = |dropped: &&Value| dropped["reason"] == reason;
    report["dropped"].as_array().expect("reasons").iter().find(of).map_or(0, |dropped| number(&dropped["count"]))
}

/// The examples of one reason.
pub fn examples(report: &Value, reason: &str) -> String {
    let of = |dropped: &&Value| dropped["reason"] == reason;
    let found = report["dropped"].as_array().expect("reasons").iter().find(of);
    found.map_or_else(String::new, |dropped| dropped["examples"].to_string())
}

/// Samples that passed every check, per class.
pub fn usable(report: &Value) -> [u64; 2] {
    [0, 1].map(|class| number(&report["usable"][class]))
}

/// Samples per class of each split.
pub fn per_split(report: &Value) -> Vec<[u64; 2]> {
    let splits = report["splits"].as_array().expect("splits");
    splits.iter().map(|split| [0, 1].map(|class| number(&split["per_class"][class]))).collect()
}

pub fn warned(report: &Value, part: &str) -> bool {
    report["warnings"]
        .as_array()
        .expect("warnings")
        .iter()
        .any(|text| text.as_str().is_some_and(|text| text.contains(part)))
}

/// The text of a prepared set's manifest.
pub fn manifest(workspace: &Path) -> String {
    fs::read_to_string(workspace.join("data/prepared/set/manifest.csv")).expect("a manifest")
}
