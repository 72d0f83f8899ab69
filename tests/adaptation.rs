//! A threshold for another place, through the real binary: what is fitted, what it is measured on, what predicts by it.

#[path = "support/coloured.rs"]
mod coloured;

use coloured::{ok, run, trained};
use serde_json::Value;
use std::fs;
use std::path::Path;

fn json(at: &Path, args: &[&str]) -> Value {
    serde_json::from_str(&ok(at, &[&["--quiet", "--json"], args].concat())).expect("standard output is one JSON value")
}

/// Pictures of both classes that are bluer than those the model knows, so that most look like one class to it.
fn elsewhere(folder: &Path) {
    for (class, name) in ["female", "male"].iter().enumerate() {
        fs::create_dir_all(folder.join(name)).expect("a folder");
        for number in 0..40u32 {
            let picture = image::RgbImage::from_fn(40, 40, |x, y| {
                let texture = ((x * 11 + y * 5 + number * 17) % 60) as u8;
                let own = (number * 2) as u8;
                if class == 0 {
                    image::Rgb([90 + own / 2, texture, 150])
                } else {
                    image::Rgb([10 + own / 2, texture, 200])
                }
            });
            picture.save(folder.join(name).join(format!("{number}.png"))).expect("a picture");
        }
    }
}

#[test]
fn a_threshold_is_fitted_on_a_few_images_of_another_place_and_says_so() {
    let folder = trained();
    let at = folder.path();
    elsewhere(&at.join("other"));
    ok(at, &["data", "prepare", "--source", "folder:other", "--name", "elsewhere"]);
    let whole = json(at, &["evaluate", "benchmark-1", "--on", "elsewhere"]);
    let images = whole["images"].as_u64().expect("a count");

    let choice = json(at, &["choose", "benchmark-1", "--on", "elsewhere", "--images", "20", "--seed", "3"]);
    let adapted = &choice["adapted"];
    assert_eq!(
        (&adapted["dataset"], &adapted["images"], &adapted["seed"]),
        (&"elsewhere".into(), &20.into(), &3.into())
    );
    assert_eq!(adapted["rest"].as_u64(), Some(images - 20));
    assert_eq!(adapted["own_threshold"], whole["threshold"]);
    let accuracy = |of: &Value| of["accuracy"].as_f64().expect("an accuracy");
    assert!(accuracy(&adapted["after"]) > accuracy(&adapted["before"]) + 0.1, "{adapted}");
    assert!(adapted["draws"]["better"].as_u64() > Some(15) && adapted["draws"]["after"]["count"] == 20, "{adapted}");

    // The accuracies are those of the scores that the evaluation left, whichever way they are counted.
    let evaluation = adapted["evaluation"].as_str().expect("a run");
    let scores = fs::read_to_string(at.join("runs").join(evaluation).join("scores.csv")).expect("scores");
    let told = |threshold: f64| -> f64 {
        let right = scores.lines().skip(1).filter(|line| {
            let fields: Vec<&str> = line.split(',').collect();
            (fields[3].parse::<f64>().expect("a score") >= threshold) == (fields[2] == "male")
        });
        right.count() as f64
    };
    let threshold = choice["threshold"].as_f64().expect("a threshold");
    // Twenty images were fitted on, of which all or nearly all are right now.
    let rest = accuracy(&adapted["after"]) * (images - 20) as f64;
    assert!((rest..=rest + 20.0).contains(&told(threshold)), "{rest} {}", told(threshold));

    // predict follows the choice, and not where a run is named; what is exported follows it too.
    let picture = "other/female/30.png";
    let chosen = &json(at, &["predict", picture])[0];
    let own = &json(at, &["predict", picture, "--model", "benchmark-1"])[0];
    assert_eq!((&chosen["threshold"], &own["threshold"]), (&choice["threshold"], &whole["threshold"]));
    assert_eq!(chosen["score"], own["score"]);
    assert!(adapted["calibration"].is_object() && chosen["probability"] != own["probability"], "{chosen} {own}");
    let exported = json(at, &["export", "--to", "model.onnx"]);
    assert_eq!((&exported["threshold"], &exported["calibration"]), (&choice["threshold"], &adapted["calibration"]));
    let report = ok(at, &["report"]);
    assert!(!report.is_empty());
    let markdown = fs::read_to_string(at.join("report/report.md")).expect("a report");
    assert!(markdown.contains("fitted on 20 images of elsewhere"), "the card says so");
    assert!(markdown.contains("chosen with the calibration on 20 images of elsewhere (seed 3)"));

    // The same draw is the same choice; choosing without it goes back to validation.
    let again = json(at, &["choose", "benchmark-1", "--on", "elsewhere", "--images", "20", "--seed", "3"]);
    assert_eq!(again["threshold"], choice["threshold"]);
    let back = json(at, &["choose", "benchmark-1"]);
    assert!(back.get("adapted").is_none() && back["threshold"] == whole["threshold"], "{back}");
    let text = ok(at, &["--quiet", "choose", "benchmark-1", "--on", "elsewhere"]);
    assert!(text.contains("fitted on 50 images of elsewhere (seed 1), not on validation"), "{text}");

    for (args, code, part) in [
        (&["--on", "elsewhere", "--images", "80"][..], 2, "fewer than 80"),
        (&["--on", "elsewhere", "--threshold", "0.4"], 2, "where --on fits it"),
        (&["--on", "nowhere"], 1, "nowhere"),
        (&["--images", "20"], 2, "--on"),
    ] {
        let refused = run(at, &[&["choose", "benchmark-1"], args].concat());
        let error = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(refused.status.code() == Some(code) && error.contains(part), "{args:?}: {error}");
    }
}
