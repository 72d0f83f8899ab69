//! The real binary on a workspace with a model that separates red and blue images.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

pub fn command(workspace: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_faceprobe"));
    command.arg("--workspace").arg(workspace).current_dir(workspace).stdin(Stdio::null());
    command
}

pub fn run<S: AsRef<OsStr>>(workspace: &Path, args: &[S]) -> Output {
    command(workspace).args(args).output().expect("the binary starts")
}

pub fn ok<S: AsRef<OsStr>>(workspace: &Path, args: &[S]) -> String {
    let output = run(workspace, args);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Reddish pictures of one class and bluish ones of the other, no two alike.
pub fn pictures(folder: &Path, numbers: std::ops::Range<u32>) {
    for (class, name) in ["female", "male"].iter().enumerate() {
        fs::create_dir_all(folder.join(name)).expect("a folder");
        for number in numbers.clone() {
            let picture = image::RgbImage::from_fn(40, 40, |x, y| {
                let texture = ((x * 7 + y * 13 + number * 31) % 60) as u8;
                let mark = if (x, y) == (0, 0) { number as u8 } else { 40 };
                if class == 0 { image::Rgb([180, texture, mark]) } else { image::Rgb([mark, texture, 180]) }
            });
            picture.save(folder.join(name).join(format!("{number:03}.png"))).expect("a picture");
        }
    }
}

/// A workspace with `benchmark-1`, trained to tell red from blue on `raw`.
pub fn trained() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path();
    pictures(&at.join("raw"), 0..40);
    ok(at, &["data", "prepare", "--source", "folder:raw", "--name", "colours"]);
    ok(at, &["--quiet", "train", "benchmark", "--pool", "4", "--epochs", "6", "--learning-rate", "0.01"]);
    folder
}
