//! Downloads of data sets: good and bad servers, kills, passwords that must not be shown, malicious archives.

mod adience;
mod archives;
mod congress;
#[path = "../support/server.rs"]
mod server;

use faceprobe_core::monitor::{Monitor, Update};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Keeps what is said.
#[derive(Default)]
struct Listener {
    notes: Mutex<Vec<String>>,
}

impl Listener {
    fn text(&self) -> String {
        self.notes.lock().unwrap().join("\n")
    }
}

impl Monitor for Listener {
    fn update(&self, update: Update) {
        if let Update::Note { text } = update {
            self.notes.lock().unwrap().push(text);
        }
    }

    fn stopped(&self) -> bool {
        false
    }
}

/// The program with this on its standard input.
fn faceprobe(workspace: &Path, args: &[&str], variables: &[(&str, &str)], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_faceprobe"))
        .arg("--workspace")
        .arg(workspace)
        .args(args)
        .env_remove("FACEPROBE_ADIENCE_USER")
        .env_remove("FACEPROBE_ADIENCE_PASSWORD")
        .envs(variables.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that does not read has its reasons.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// The program, killed as soon as enough is done of what it was told.
fn killed_when(enough: impl Fn() -> bool, workspace: &Path, args: &[&str]) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_faceprobe"))
        .arg("--workspace")
        .arg(workspace)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let began = Instant::now();
    while !enough() && began.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A gzipped tar of plain files.
fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, *content).unwrap();
    }
    gzip(&tar.into_inner().unwrap())
}

/// Bytes that gzip cannot make smaller.
fn noise(count: usize) -> Vec<u8> {
    let mut state = 1_u64;
    (0..count)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        })
        .collect()
}

/// A small JPEG of one grey.
fn portrait(grey: u8) -> Vec<u8> {
    let picture = image::RgbImage::from_fn(45, 55, |x, y| image::Rgb([grey, x as u8, y as u8]));
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut bytes, image::ImageFormat::Jpeg).unwrap();
    bytes.into_inner()
}
