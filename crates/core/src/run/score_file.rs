//! `scores-val.csv` and `scores-test.csv`: a model's score for each image of a split, as `source,path,label,score`,
//! each with a `.sha256` file.

use super::folder::made_again;
use crate::dataset::{ContentHash, Manifest, Sample};
use crate::error::{AtPath, Error, Result};
use crate::own_files;
use crate::text::{printable, read_back};
use crate::workspace::write_whole;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The rows of a score file, in manifest order.
pub struct ScoreFile {
    /// Source and path of each image.
    pub images: Vec<(String, String)>,
    /// Probability of class 1, one per image; never NaN or infinite.
    pub scores: Vec<f64>,
    /// Whether each image is of class 1.
    pub positive: Vec<bool>,
}

impl ScoreFile {
    /// Reads a file from [`write`] of a model with these `classes`.
    ///
    /// # Errors
    /// When the file cannot be read, or a row of it is damaged; the row is named by its line.
    pub fn read(path: &Path, classes: &[String; 2]) -> Result<Self> {
        let bytes = own_files::read(path)
            .map_err(|error| Error::file(path, format!("cannot be read ({error}); {}", again(path))))?;
        match own_files::read(&checksum(path)) {
            Ok(stated) if stated != sum(path, &bytes).as_bytes() => {
                let what = "does not fit its checksum, so it was changed since it was written";
                return Err(Error::file(path, format!("{what}; {}", again(path))));
            }
            // Files of earlier versions have none.
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(Error::file(&checksum(path), error)),
            _ => {}
        }
        let mut found = Self { images: Vec::new(), scores: Vec::new(), positive: Vec::new() };
        for record in csv::Reader::from_reader(&bytes[..]).records() {
            let record = record.at(path)?;
            let line = record.position().map_or(0, csv::Position::line);
            let damaged = |what: &str| Error::file(path, format!("line {line}: {what}; {}", again(path)));
            let (Some(source), Some(name), Some(label), Some(score)) =
                (record.get(0), record.get(1), record.get(2), record.get(3))
            else {
                return Err(damaged("is not source, path, label and score"));
            };
            let class = classes.iter().position(|class| *class == read_back(label));
            let score = score.parse::<f64>().ok().filter(|score| score.is_finite());
            found.positive.push(class.ok_or_else(|| damaged("has a label that the model does not know"))? == 1);
            found.scores.push(score.ok_or_else(|| damaged("has a score that is not a number"))?);
            found.images.push((read_back(source).into_owned(), read_back(name).into_owned()));
        }
        Ok(found)
    }
}

/// Writes a row for every sample of a split; `scores` are the probabilities of class 1.
pub fn write(path: &Path, manifest: &Manifest, samples: &[&Sample], scores: &[f64]) -> Result<()> {
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record(["source", "path", "label", "score"]).at(path)?;
    for (sample, score) in samples.iter().zip(scores) {
        let [source, name, label] =
            [&sample.source, &sample.path, &manifest.classes[sample.class]].map(|text| printable(text));
        out.write_record([&*source, &name, &label, &score.to_string()]).at(path)?;
    }
    let bytes = out.into_inner().map_err(|error| Error::file(path, error.error()))?;
    // The old checksum is removed first, so that an interruption never leaves one of other scores.
    match fs::remove_file(checksum(path)) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(Error::file(&checksum(path), error)),
        _ => {}
    }
    write_whole(path, &bytes)?;
    write_whole(&checksum(path), sum(path, &bytes).as_bytes())
}

/// How to recreate the scores: those of a test split by an opening, those of an evaluation by another command.
fn again(path: &Path) -> String {
    let run = path.parent().and_then(Path::file_name).unwrap_or_default().display();
    match path.file_name().and_then(|name| name.to_str()) {
        Some("scores-val.csv") => made_again(path).unwrap_or_else(|| "train the model again".to_owned()),
        Some("scores-test.csv") => format!("'faceprobe evaluate {run} --open-test' scores the test split again"),
        _ => "evaluate it again".to_owned(),
    }
}

/// The checksum file of the scores, in the format of `sha256sum -c`.
fn checksum(path: &Path) -> PathBuf {
    path.with_extension("sha256")
}

fn sum(path: &Path, bytes: &[u8]) -> String {
    format!("{}  {}\n", ContentHash::of(bytes), path.file_name().unwrap_or_default().display())
}
