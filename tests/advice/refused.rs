//! Values, options and places that are refused: what the refusal says to do instead succeeds.

use super::coloured::{ok, pictures, run, trained};
use super::{TRAIN, said};
use std::fs;
use std::path::Path;

/// A command that is refused, what the refusal advises, and the command that follows it.
type Refusal<'a> = (&'a [&'a str], &'a str, &'a [&'a str]);

fn all_help(at: &Path, refusals: &[Refusal]) {
    for (wrong, advice, right) in refusals {
        let output = run(at, wrong);
        let sentence = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "{wrong:?} was done");
        assert!(sentence.contains(advice), "{wrong:?} does not say {advice:?}: {sentence}");
        let output = run(at, right);
        let sentence = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            output.status.success() && !sentence.contains(advice),
            "{right:?}, though advice was followed: {sentence}"
        );
    }
}

/// A training of an instant, with more options.
macro_rules! train {
    ($($more:expr),*) => {
        &["--quiet", "train", "benchmark", "--data=colours", "--pool", "8", "--epochs", "1", $($more),*]
    };
}

/// A preparation of the pictures, with more options.
macro_rules! prepare {
    ($name:expr $(, $more:expr)*) => {
        &["--quiet", "data", "prepare", "--source", "folder:raw", $name $(, $more)*]
    };
}

#[test]
fn settings_that_are_refused_are_given_as_advised() {
    let folder = trained();
    let at = folder.path();
    all_help(
        at,
        &[
            (train!("--device", "gpu"), "take cpu", train!("--device", "cpu")),
            (train!("--schedule", "slow"), "step:EPOCHS:FACTOR", train!("--schedule", "step:20:0.5")),
            (
                train!("--learning-rate", "1e30", "--optimizer", "sgd"),
                "lower --learning-rate",
                train!("--learning-rate", "0.001"),
            ),
            (train!("--on", "local:2", "--detach"), "leave --detach", train!("--on", "local:2")),
            (train!("--sbatch=--nice"), "say --on slurm", train!()),
            (&["extract", "--backbone", "vgg99"], "choose one of", &["weights", "list"]),
            (
                &["results", "--output", "table.doc"],
                "say --format csv",
                &["results", "--output", "table.doc", "--format", "csv"],
            ),
            (
                &["choose", "benchmark-1", "--threshold", "precision=7"],
                "P and R above 0, at most 1",
                &["choose", "benchmark-1", "--threshold", "precision=0.5"],
            ),
            (&["predict", "--list", "raw/male"], "name it without --list", &["predict", "raw/male"]),
            (
                &["predict", "raw/male/001.png", "raw/male/002.png", "--explain", "one.png"],
                "name a folder (with / at its end)",
                &["predict", "raw/male/001.png", "raw/male/002.png", "--explain", "maps/"],
            ),
        ],
    );
}

#[test]
fn divisions_that_are_refused_are_asked_for_as_advised() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path();
    pictures(&at.join("raw"), 0..40);
    all_help(
        at,
        &[
            (
                prepare!("--name=a", "--split", "official"),
                "use --split random",
                prepare!("--name=a", "--split", "random"),
            ),
            (prepare!("--name=b", "--split", "folds"), "--split random", prepare!("--name=b", "--split", "random")),
            (
                prepare!("--name=c", "--split", "subject"),
                "use --split random",
                prepare!("--name=c", "--split", "random"),
            ),
            (
                prepare!("--name=d", "--train", "33", "--val", "10", "--test", "10"),
                "make it --train 34",
                prepare!("--name=d", "--train", "34", "--val", "10", "--test", "10"),
            ),
            (
                prepare!("--name=e", "--train", "32"),
                "--val must be given",
                prepare!("--name=e", "--train", "32", "--val", "10", "--test", "10"),
            ),
            (
                prepare!("--name=f", "--train", "0", "--val", "0", "--test", "0"),
                "at least one image per class",
                prepare!("--name=f", "--train", "2", "--val", "2", "--test", "2"),
            ),
            (prepare!("--name=a b"), "must be letters, digits", prepare!("--name=a-b")),
            (&["data", "prepare", "--name=g"], "--source must be given", prepare!("--name=g")),
            (&["data", "prepare", "--source", "raw", "--name=h"], "folder:DIR", prepare!("--name=h")),
            (&["data", "prepare", "--source", "adience:raw", "--name=i"], "pass the folder", prepare!("--name=i")),
            (
                &["--quiet", "train", "benchmark", "--pool", "8", "--epochs", "1"],
                "say which with --data NAME",
                &["--quiet", "train", "benchmark", "--pool", "8", "--epochs", "1", "--data", "a"],
            ),
        ],
    );
}

#[test]
fn what_is_in_the_way_is_moved_as_advised() {
    let folder = trained();
    let at = folder.path();
    ok(at, &[&TRAIN[..], &["--seed", "2"]].concat());
    fs::create_dir_all(at.join("runs/.trash/benchmark-2/mine")).expect("a folder");
    let remove = ["runs", "remove", "benchmark-2", "--yes"];
    let sentence = said(at, &remove);
    if sentence.contains("move it elsewhere") {
        fs::rename(at.join("runs/.trash/benchmark-2"), at.join("elsewhere")).expect("it is moved");
    }
    ok(at, &remove);

    // A configuration that is named and not there.
    let path = at.join("own.toml");
    let configured = |args: &[&str]| {
        let output = super::coloured::command(at).env("FACEPROBE_CONFIG", &path).args(args).output();
        let output = output.expect("the binary starts");
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (done, sentence) = configured(&["config", "show"]);
    assert!(!done && sentence.contains("make it with 'faceprobe config init'"), "{sentence}");
    let (done, sentence) = configured(&["config", "init"]);
    assert!(done && path.is_file(), "{sentence}");
    let (done, sentence) = configured(&["config", "show"]);
    assert!(done, "{sentence}");

    // A study's file: the line is named, and what is said to be done.
    let study = |text: &str| fs::write(at.join("study.toml"), text).expect("a file");
    let whole = "[data.colours]\nsource = \"folder:raw\"\n[model.bench]\nkind = \"benchmark\"\nepochs = 1\npool = 8\n";
    for (wrong, advice) in [
        (whole.replace("[data.colours]", "[data]"), "write [data.NAME]"),
        (format!("{whole}seed = 1\nseeds = [1]\n"), "leave one of the two keys out"),
    ] {
        study(&wrong);
        let sentence = said(at, &["study", "status", "study.toml"]);
        assert!(sentence.contains(advice), "{advice}: {sentence}");
        study(whole);
        ok(at, &["study", "status", "study.toml"]);
    }
}

#[test]
fn a_model_of_a_set_that_is_gone_is_trained_again_as_advised() {
    let folder = trained();
    let at = folder.path();
    // As earlier versions left it: prepared again under the same name, and the old one overwritten.
    fs::remove_dir_all(at.join("data/prepared/colours")).expect("a set");
    ok(at, &["data", "prepare", "--source", "folder:raw", "--name=colours", "--seed", "9"]);
    let sentence = said(at, &["evaluate", "benchmark-1", "--open-test"]);
    assert!(sentence.contains("train the model again"), "{sentence}");
    let again = ok(at, &TRAIN);
    ok(at, &["evaluate", again.trim(), "--open-test"]);
}
