//! Learning curves through the real binary: the images of each part, and which trainings are run or reused.

#[allow(dead_code, reason = "other tests use the rest of it")]
#[path = "support/coloured.rs"]
mod coloured;

use coloured::{ok, run, trained};
use faceprobe_core::dataset::{Manifest, Split};
use faceprobe_core::evaluation::power_law::{Measured, PowerLaw};
use faceprobe_core::model::ModelInfo;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

fn json(at: &Path, args: &[&str]) -> Value {
    serde_json::from_str(&ok(at, &[args, &["--json", "--quiet"]].concat())).expect("standard output is one JSON value")
}

fn runs(at: &Path) -> usize {
    std::fs::read_dir(at.join("runs")).map_or(0, Iterator::count)
}

/// The training images of a draw; whatever else there is must be whole.
fn drawn(at: &Path, count: usize, seed: u64) -> BTreeSet<String> {
    let whole = Manifest::load(&at.join("data/prepared/colours")).expect("a prepared set");
    let part = whole.clone().drawn(count, seed).expect("so many there are");
    for split in [Split::Val, Split::Test] {
        assert!(part.split(split).eq(whole.split(split)));
    }
    let classes: Vec<usize> = part.split(Split::Train).map(|sample| sample.class).collect();
    assert_eq!((classes.len(), classes.iter().sum::<usize>()), (count, count / 2), "as many of each class");
    part.split(Split::Train).map(|sample| sample.path.clone()).collect()
}

#[test]
fn a_curve_trains_missing_nested_parts_as_ordinary_runs() {
    let folder = trained();
    let at = folder.path();

    let parts = [8, 9, 20, 48].map(|count| drawn(at, count, 1));
    assert!(parts.windows(2).all(|pair| pair[0].is_subset(&pair[1])), "{parts:?}");
    assert_ne!(parts[0], drawn(at, 8, 2), "another seed draws other images");

    let model = ["benchmark", "--pool", "8", "--epochs", "2"];
    let curve = |more: &[&str]| json(at, &[&["learning-curve"], &model[..], more].concat());
    let before = runs(at);
    let first = curve(&["--sizes", "20,8,8", "--seeds", "2,1"]);
    assert_eq!(runs(at), before + 5, "four trainings and the curve");
    assert_eq!((&first["val_images"], &first["fit"], &first["at_twice"]), (&16.into(), &Value::Null, &Value::Null));
    let points = first["points"].as_array().expect("points");
    let told = |point: &Value| (point["images"].as_u64(), point["val_accuracy"]["count"].as_u64());
    assert_eq!(points.iter().map(told).collect::<Vec<_>>(), [(Some(8), Some(2)), (Some(20), Some(2))]);
    for (point, count) in points.iter().zip([8, 20]) {
        for one in point["runs"].as_array().expect("runs") {
            let path = at.join("runs").join(one["run"].as_str().expect("a name")).join("model.safetensors");
            let provenance = ModelInfo::read(&path).expect("a model").provenance;
            assert_eq!((provenance.train_samples, Some(provenance.seed)), (count, one["seed"].as_u64()));
        }
    }

    // One of them asked for by hand is the same run's setting, and is found again.
    let by_hand = ["--train-images", "30", "--seed", "1"];
    let alone = ok(at, &[&["--quiet", "train"], &model[..], &by_hand].concat());
    let before = runs(at);
    let more = curve(&["--sizes", "8,20,30", "--seeds", "1"]);
    assert_eq!(runs(at), before + 1, "nothing but the curve is new");
    assert_eq!(more["points"][2]["runs"][0]["run"], alone.trim());
    assert_eq!(more["points"][0]["runs"][0], points[0]["runs"][0]);
    assert!(more["fit"]["exponent"].as_f64() > Some(0.0) && more["at_twice"]["images"] == 60, "{more}");
    let settings = json(at, &["results", "--by-setting"]);
    let found = settings
        .as_array()
        .into_iter()
        .flatten()
        .filter(|row| row["settings"].as_str().is_some_and(|settings| settings.ends_with("train images 8")));
    assert_eq!(found.map(|row| row["seeds"].clone()).collect::<Vec<_>>(), [serde_json::json!([1, 2])], "{settings}");
    assert!(ok(at, &[&["learning-curve"], &model[..], &["--sizes", "8,20,30"]].concat()).contains("Fitted: error ="));

    // It is a step of the study of this workspace, and a figure of its report.
    let file = at.join("growth.toml");
    ok(at, &["study", "export", "growth.toml"]);
    let text = std::fs::read_to_string(&file).expect("a study");
    assert!(text.contains("[learning-curve.growth]") && text.contains("sizes = [20, 8, 8]"), "{text}");
    let status = json(at, &["study", "status", "growth.toml"]);
    let steps = status["steps"].as_array().expect("steps");
    let curves: Vec<&Value> = steps
        .iter()
        .filter(|step| step["step"].as_str().is_some_and(|name| name.starts_with("learning curve")))
        .collect();
    assert_eq!(curves.len(), 3, "{status}");
    assert!(curves.iter().all(|step| step["state"] == "done" && step["runs"][0].is_string()), "{status}");
    assert_eq!(status["others"], serde_json::json!([]), "what a curve trains belongs to it");
    let ordered = text.replace("sizes = [20, 8, 8]", "sizes = [8, 20]").replace("seeds = [2, 1]", "seeds = [1, 2]");
    std::fs::write(&file, ordered.replace("sizes = [8, 20, 30]", "sizes = [8, 20, 31]")).expect("written");
    let status = json(at, &["study", "status", "growth.toml"]);
    let states: Vec<Value> = status["steps"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|step| step["step"].as_str().is_some_and(|name| name.starts_with("learning curve")))
        .map(|step| step["state"].clone())
        .collect();
    assert_eq!(states, ["done", "to-do", "to-do"], "the order of sizes and seeds says nothing, other sizes are others");
    let others = status["others"].as_array().expect("others");
    assert!(
        others.len() == 2 && others.iter().all(|run| run.as_str().is_some_and(|run| run.starts_with("curve-"))),
        "{others:?}"
    );
    ok(at, &["report", "--output", "report"]);
    let report = std::fs::read_to_string(at.join("report/report.md")).expect("a report");
    assert!(report.contains("## Learning curves") && report.contains("Fitted: error ="), "{report}");
    let page = std::fs::read_to_string(at.join("report/report.html")).expect("a page");
    assert!(page.contains("Validation accuracy against the number of training images"), "a figure with its words");

    // What cannot be is refused before anything is made.
    let before = runs(at);
    for (sizes, part) in [("49", "colours has 48"), ("1", "--sizes must be"), ("8,x", "--sizes")] {
        let refused = run(at, &[&["learning-curve"], &model[..], &["--sizes", sizes]].concat());
        let error = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(refused.status.code() == Some(2) && error.contains(part), "{sizes}: {error}");
    }
    assert_eq!(run(at, &["train", "benchmark", "--train-images", "50"]).status.code(), Some(2));
    assert_eq!(runs(at), before);

    // As a picture, with another curve in it; nothing is trained for that.
    let before = runs(at);
    let again = ["--sizes", "8,20,30", "--seeds", "1", "--svg", "curve.svg"];
    let told = json(at, &[&["learning-curve"], &model[..], &again].concat());
    let picture = std::fs::read_to_string(at.join("curve.svg")).expect("a picture");
    assert_eq!(runs(at), before + 1);
    assert_eq!((told["points"].clone(), &told["fit"]), (more["points"].clone(), &more["fit"]));
    assert!(picture.starts_with("<svg") && !picture.contains("var("), "{picture}");
    // A dot for each size, for what is expected and for the name.
    assert_eq!(picture.matches("<circle").count(), 3 + 1 + 1);
    ok(at, &[&["learning-curve"], &model[..], &again, &["--with", "curve-1"]].concat());
    let both = std::fs::read_to_string(at.join("curve.svg")).expect("a picture");
    assert_eq!(both.matches("benchmark, colours").count(), 2, "{both}");
    let refused = |more: &[&str], part: &str| {
        let output = run(at, &[&["learning-curve"], &model[..], &["--sizes", "8", "--seeds", "1"], more].concat());
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && error.contains(part), "{more:?}: {error}");
    };
    let before = runs(at);
    refused(&["--svg", "curve.png"], "drawn as .svg");
    refused(&["--svg", "c.svg", "--with", "benchmark-1"], "Run benchmark-1 is no learning curve.");
    refused(&["--svg", "c.svg", "--detach"], "--detach");
    std::fs::write(at.join("mine.svg"), "mine").expect("a file");
    refused(&["--svg", "mine.svg"], "--force");
    assert_eq!(runs(at), before, "refused before anything is trained");
}

#[test]
fn a_power_law_is_recovered_with_its_uncertainty() {
    let law = PowerLaw { floor: 0.1, scale: 1.2, exponent: 0.5 };
    let measured = |sizes: &[usize], noise: f64| -> Vec<Measured> {
        let at = |&images: &usize| {
            let error = law.error(images);
            Measured { images, errors: vec![error - noise, error, error + noise] }
        };
        sizes.iter().map(at).collect()
    };
    let sizes = [100, 300, 1000, 3000, 6000];
    let found = PowerLaw::fit(&measured(&sizes, 0.001), 1_000_000).expect("a fit");
    assert!((found.exponent - 0.5).abs() < 1e-9 && (found.floor - 0.1).abs() < 1e-6, "{found:?}");
    let width = |sizes: &[usize], noise, validated| {
        let expected = PowerLaw::expected(&measured(sizes, noise), validated, 12_000).expect("a fit");
        assert!((expected.interval.low..=expected.interval.high).contains(&(1.0 - law.error(12_000))), "{expected:?}");
        expected.interval.high - expected.interval.low
    };
    let sure = width(&sizes, 0.001, 1_000_000);
    assert!(sure < 0.003 && width(&sizes, 0.001, 2000) > 4.0 * sure, "fewer images that validate");
    assert!(width(&sizes[..3], 0.001, 2000) > width(&sizes, 0.001, 2000), "a longer way to go");
    assert_eq!(PowerLaw::fit(&measured(&sizes[..2], 0.0), 2000), None);
    // What does not get better is not expected to.
    let flat: Vec<Measured> = sizes.iter().map(|&images| Measured { images, errors: vec![0.3] }).collect();
    let expected = PowerLaw::expected(&flat, 2000, 12_000).expect("a fit");
    assert!((expected.accuracy - 0.7).abs() < 1e-6, "{expected:?}");
}
