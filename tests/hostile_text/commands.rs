//! Every command there is, in text and in JSON, on a workspace whose names are hostile.

use super::{Place, hostile, made_up, trained};
use std::collections::BTreeSet;
use std::fs;

/// Commands that say nothing of a workspace: the drawn sample's study, and scripts for shells.
const OF_NO_WORKSPACE: [&str; 2] = ["demo", "completions"];

/// The names of the commands below `above`, each with those above it.
fn leaves(place: &Place, above: &[&str]) -> BTreeSet<String> {
    let help = place.ok(&[above, &["--help"]].concat());
    let mut commands = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let mut found = BTreeSet::new();
    for line in commands.by_ref().take_while(|line| !line.is_empty()) {
        // A line that begins further right goes on with the one before.
        let name = line.strip_prefix("  ").filter(|name| !name.starts_with(' '));
        let Some(name) = name.and_then(|line| line.split(' ').next()).filter(|name| *name != "help") else { continue };
        found.extend(leaves(place, &[above, &[name]].concat()));
    }
    if found.is_empty() { [above.join(" ")].into() } else { found }
}

/// Where a command stands among those of [`leaves`].
fn leaf<'a>(args: &[&str], leaves: &'a BTreeSet<String>) -> Option<&'a String> {
    let text = args.join(" ") + " ";
    leaves.iter().filter(|leaf| text.starts_with(&format!("{leaf} "))).max_by_key(|leaf| leaf.len())
}

#[test]
fn every_command_says_hostile_names_without_control_characters() {
    let place = trained();
    let weights = place.folder.path().join("made-up.safetensors");
    made_up::weights("mobilenet-v2", &weights);
    let weights = weights.to_str().expect("UTF-8");
    place.both(&["weights", "import", "mobilenet-v2", weights]);
    let raw = place.folder.path().join("raw\u{202e}");
    let source = format!("csv:{}", raw.join("labels.csv").display());
    let picture = raw.join(format!("{}.png", hostile("1")));
    let picture = picture.to_str().expect("UTF-8");
    let [out, boards, store, points, model, pages, file, shots] =
        ["out", "boards", "store", "map", "model", "man", "study", "shots"].map(hostile);
    let (points, model, file) = (points + ".svg", model + ".onnx", file + ".toml");
    let hat = hostile("hat").to_lowercase();
    let title = "a title \u{202e}\u{9b}1m";
    place.ok(&["runs", "rename", "benchmark-1", title]);
    place.ok(&["--json", "results", "--output", &format!("{out}.csv")]);
    let on = ["--backbone", "mobilenet-v2"];
    let with = |args: &[&'static str], more: &[&str]| -> Vec<String> {
        args.iter().copied().chain(on).chain(more.iter().copied()).map(str::to_owned).collect()
    };
    let plain = |args: &[&str]| -> Vec<String> { args.iter().map(|arg| (*arg).to_owned()).collect() };
    // In an order in which each finds what it needs.
    let commands: Vec<Vec<String>> = vec![
        plain(&["doctor"]),
        plain(&["data", "prepare", "--source", &source, "--name", "s", "--seed", "2"]),
        plain(&["data", "use", "s@1"]),
        plain(&["data", "list"]),
        plain(&["data", "show", "s"]),
        plain(&["data", "audit", "s"]),
        plain(&["data", "decide", picture, "relabel", &hostile("a")]),
        plain(&["data", "fetch", "adience", "--to", &out, "--user", "x"]),
        plain(&["data", "fetch", "congress", "--to", &out, "--legislators", "http://127.0.0.1:9/\u{9b}"]),
        plain(&["weights", "list"]),
        plain(&["weights", "fetch", "mobilenet-v2", "--from", "http://127.0.0.1:9/\u{9b}31m"]),
        plain(&["weights", "import", "mobilenet-v2", weights]),
        with(&["extract"], &["--data", "s"]),
        with(&["extract", "--probe"], &["--data", "s", "--dry-run", "--on", "local:2"]),
        with(&["features", "export"], &["--data", "s", "--to", &out, "--force"]),
        with(&["features", "map"], &["--data", "s", "--method", "pca", "--to", &points, "--force"]),
        plain(&["features", "compact"]),
        plain(&[
            "train",
            "benchmark",
            "--data",
            "s",
            "--epochs",
            "1",
            "--pool",
            "8",
            "--seeds",
            "1,2",
            "--on",
            "local:2",
        ]),
        with(&["train", "dense"], &["--data", "s", "--epochs", "1", "--width", "4"]),
        with(&["train", "logistic"], &["--data", "s"]),
        with(&["train", "knn"], &["--data", "s"]),
        with(&["train", "finetune"], &["--data", "s", "--epochs", "1", "--dry-run"]),
        plain(&["train", "offtheshelf", "--data", "s"]),
        plain(&["train", "ensemble", "benchmark-1", "benchmark-2"]),
        plain(&["train", "refit", "benchmark-1"]),
        with(&["sweep"], &["--data", "s", "--width", "2,4", "--epochs", "1"]),
        plain(&["learning-curve", "benchmark", "--data", "s", "--sizes", "8,16", "--epochs", "1", "--pool", "8"]),
        with(&["learning-curve", "dense"], &["--data", "s", "--sizes", "8,16", "--epochs", "1", "--width", "4"]),
        with(&["learning-curve", "logistic"], &["--data", "s", "--sizes", "8,16"]),
        with(&["learning-curve", "knn"], &["--data", "s", "--sizes", "8,16"]),
        with(&["learning-curve", "finetune"], &["--data", "s", "--sizes", "8,16", "--dry-run"]),
        plain(&["learning-curve", "offtheshelf", "--data", "s", "--sizes", "8,16"]),
        plain(&["results"]),
        plain(&["evaluate", "benchmark-1", "--by", &hat]),
        plain(&["evaluate", "benchmark-1", "--on", "s@2"]),
        plain(&["compare", "benchmark-1", "benchmark-2"]),
        plain(&["report", "--output", &out, "--force"]),
        plain(&["choose", "benchmark-1", "--on", "s@2", "--images", "8"]),
        plain(&["export", "benchmark-1", "--to", &model, "--force"]),
        plain(&["predict", picture]),
        plain(&["runs", "list"]),
        plain(&["runs", "show", "benchmark-1"]),
        plain(&["runs", "attach", "benchmark-1"]),
        plain(&["runs", "pause", "benchmark-1"]),
        plain(&["runs", "resume", "benchmark-1"]),
        plain(&["runs", "stop", "benchmark-1"]),
        plain(&["runs", "note", "benchmark-1"]),
        plain(&["runs", "rename", "benchmark-1", title]),
        plain(&["runs", "pin", "benchmark-1"]),
        plain(&["runs", "export", "benchmark-1", "--tensorboard", &boards, "--mlflow", &store, "--force"]),
        plain(&["runs", "remove", "benchmark-2", "--yes"]),
        plain(&["runs", "restore"]),
        plain(&["runs", "restore", "benchmark-2"]),
        plain(&["study", "export", &file, "--force"]),
        plain(&["study", "status", &file]),
        plain(&["study", "run", &file, "--dry-run"]),
        plain(&["study", "run", &file]),
        plain(&["work", &format!("plans/{}", hostile("plan"))]),
        plain(&["work", "plans/benchmark-3/plan.json"]),
        plain(&["config", "show"]),
        plain(&["config", "path", "--here"]),
        plain(&["config", "init", "--here"]),
        plain(&["config", "keys"]),
        plain(&["man", "--to", &pages, "--force"]),
        plain(&["screens", "--to", &shots, "--force", "--image", picture]),
    ];
    let there = leaves(&place, &[]);
    assert!(there.len() > 45, "{there:?}");
    let mut tried: BTreeSet<&str> = OF_NO_WORKSPACE.into();
    let mut done = 0;
    for command in &commands {
        let args: Vec<&str> = command.iter().map(String::as_str).collect();
        // The check of what they say is in `run`. Some cannot work here: what they say then is looked at as well.
        for more in [&["--json"][..], &[]] {
            let output = place.run(&[more, &args].concat());
            assert!(matches!(output.status.code(), Some(0..=2)), "{args:?}");
            done += usize::from(output.status.success());
        }
        tried.extend(leaf(&args, &there).map(String::as_str));
    }
    let untried: Vec<&String> = there.iter().filter(|leaf| !tried.contains(leaf.as_str())).collect();
    assert!(untried.is_empty(), "a test of what these say is missing: {untried:?}");
    assert!(done * 3 > commands.len() * 4, "{done} of {} calls did something", 2 * commands.len());

    // A configuration and a study whose words are hostile are refused without obeying them.
    fs::write(place.at("faceprobe.toml"), format!("[screen]\ntheme = \"{}", hostile("x"))).expect("a file");
    place.run(&["config", "show"]);
    fs::write(place.at("faceprobe.toml"), format!("[{}]\n", hostile("section"))).expect("a file");
    place.run(&["config", "show"]);
    fs::remove_file(place.at("faceprobe.toml")).expect("a file");
    fs::write(place.at("odd.toml"), format!("title = \"a\"\n[{}]\nx = 1\n", hostile("section"))).expect("a file");
    for command in ["run", "status"] {
        place.run(&["study", command, "odd.toml"]);
    }
    fs::remove_file(place.at("odd.toml")).expect("a file");
    super::files::all_are_harmless(&place);
}
