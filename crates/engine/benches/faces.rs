//! `cargo bench --bench faces -- [--threads N] [--repeat N] FILE|FOLDER...`: detects faces. One JSON object per line on
//! standard output (`path`, `width`, `height`, `milliseconds`, `faces`), a summary on standard error. With the output
//! of `crates/engine/tests/fixtures/face_reference.py measure` it prints the distance to facenet-pytorch's detections.

use faceprobe_core::imaging;
use faceprobe_engine::backbone;
use faceprobe_engine::face::Detector;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Instant;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let (mut threads, mut repeat, mut files) = (2, 1, Vec::new());
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--threads" => threads = arguments.next().ok_or("--threads N")?.parse()?,
            "--repeat" => repeat = arguments.next().ok_or("--repeat N")?.parse()?,
            _ => add(Path::new(&argument), &mut files)?,
        }
    }
    backbone::tune_allocator();
    tch::set_num_threads(threads);
    let detector = Detector::load(tch::Device::Cpu)?;
    let mut times = Vec::new();
    let mut without = 0;
    for path in &files {
        let picture = match imaging::decode_for_faces(&std::fs::read(path)?) {
            Ok(picture) => picture,
            Err(reason) => {
                eprintln!("{}: {reason}", path.display());
                continue;
            }
        };
        let mut best = f64::INFINITY;
        let mut faces = Vec::new();
        for _ in 0..repeat {
            let begun = Instant::now();
            faces = detector.detect(&picture)?;
            best = best.min(begun.elapsed().as_secs_f64() * 1000.0);
        }
        without += usize::from(faces.is_empty());
        times.push(best);
        let line = serde_json::json!({
            "path": path, "width": picture.width(), "height": picture.height(), "milliseconds": best, "faces": faces,
        });
        println!("{line}");
    }
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times.get((times.len() as f64 * share) as usize).copied().unwrap_or(f64::NAN);
    eprintln!(
        "{} pictures, {without} without a face; median {:.1} ms, 95 % {:.1} ms, {threads} threads",
        times.len(),
        at(0.5),
        at(0.95)
    );
    Ok(())
}

fn add(path: &Path, files: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let mut inside: Vec<PathBuf> = std::fs::read_dir(path)?.flatten().map(|entry| entry.path()).collect();
    inside.sort();
    inside.iter().try_for_each(|path| add(path, files))
}
