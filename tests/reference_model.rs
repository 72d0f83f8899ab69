//! An audit with a fine-tuned reference run, through the real binary: planted label errors are found among images that
//! the run was not trained on; it does not judge the others.

#[path = "support/made_up.rs"]
mod made_up;

use image::{Rgb, RgbImage};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

fn json(workspace: &Path, args: &[&str]) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_faceprobe"))
        .env("FACEPROBE_WEIGHTS", workspace.join("weights"))
        .stdin(Stdio::null())
        .arg("--workspace")
        .arg(workspace)
        .args(args)
        .arg("--json")
        .output()
        .expect("the binary starts");
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("standard output is one JSON value")
}

/// A picture of some waves, in a colour that tells the class.
fn picture(seed: u64, class: usize) -> RgbImage {
    let mut draw = ChaCha8Rng::seed_from_u64(seed);
    let waves: Vec<[f32; 3]> = (0..6)
        .map(|_| [draw.random_range(-9.0..9.0), draw.random_range(-9.0..9.0), draw.random_range(0.0..6.3)])
        .collect();
    RgbImage::from_fn(64, 64, |x, y| {
        let (x, y) = (x as f32 / 64.0, y as f32 / 64.0);
        let value: f32 = waves.iter().map(|[a, b, phase]| 18.0 * (a * x + b * y + phase).sin()).sum();
        let value = (128.0 + value).clamp(0.0, 255.0) as u8;
        if class == 0 { Rgb([180, value, 40]) } else { Rgb([40, value, 180]) }
    })
}

#[test]
fn a_run_judges_only_images_it_has_not_seen() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let work = folder.path().join("work");
    fs::create_dir(&work).expect("a folder");
    let file = folder.path().join("made-up.safetensors");
    made_up::weights("mobilenet-v2", &file);
    json(&work, &["weights", "import", "mobilenet-v2", &file.to_string_lossy()]);
    // The run's own set; a second one with new pictures, 6 of them under the wrong label, and 20 of the first.
    let labels = ["female", "male"];
    let (mut own, mut other) = ("path,label,split\n".to_owned(), "path,label,split\n".to_owned());
    let mut wrong = HashSet::new();
    for number in 0..220u64 {
        let class = (number % 2) as usize;
        let name = format!("{number}.png");
        picture(number, class).save(folder.path().join(&name)).expect("a picture");
        if number < 100 {
            let split = ["train", "train", "train", "train", "val", "val", "test", "test"][number as usize % 8];
            own.push_str(&format!("{name},{},{split}\n", labels[class]));
        }
        if number >= 80 {
            let planted = number >= 100 && (number % 20 == 0 || number % 40 == 7);
            if planted {
                wrong.insert(name.clone());
            }
            other.push_str(&format!("{name},{},train\n", labels[if planted { 1 - class } else { class }]));
        }
    }
    for (name, text) in [("own", own), ("other", other)] {
        let table = folder.path().join(format!("{name}.csv"));
        fs::write(&table, text).expect("a table");
        json(&work, &["data", "prepare", "--source", &format!("csv:{}", table.display()), "--name", name]);
    }
    let train = ["train", "finetune", "--data", "own", "--backbone", "mobilenet-v2", "--cut", "16", "--epochs", "4"];
    json(&work, &[&train[..], &["--batch", "8", "--learning-rate", "1e-4"]].concat());

    let audit = json(&work, &["data", "audit", "other", "--with", "finetune-1", "--show", "0"]);
    assert_eq!(audit["with"]["run"], "finetune-1");
    assert_eq!(audit["with"]["train"], 12, "{}", audit["with"]);
    assert!(audit["features"][0].as_str().is_some_and(|title| title.starts_with("finetune-1 (")), "{audit}");
    let suspicious: Vec<&str> = audit["findings"]
        .as_array()
        .expect("findings")
        .iter()
        .filter(|finding| finding["kind"] == "label_error")
        .filter_map(|finding| finding["images"][0]["path"].as_str())
        .collect();
    let first: HashSet<String> = suspicious.iter().take(wrong.len()).map(|path| (*path).to_owned()).collect();
    assert_eq!(first, wrong, "{suspicious:?}");
    let notes = audit["notes"].to_string();
    assert!(
        notes.contains("12 images were not judged") && notes.contains("of the test split of finetune-1"),
        "{notes}"
    );

    // Of its own set it has seen too much to be asked.
    let audit = json(&work, &["data", "audit", "own", "--with", "finetune-1"]);
    assert!(audit["notes"].to_string().contains("finetune-1 was not asked"), "{}", audit["notes"]);
    assert!(audit["agreement"].is_null() && audit["features"].as_array().is_some_and(Vec::is_empty));
}
