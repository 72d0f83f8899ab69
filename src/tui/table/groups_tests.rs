use super::*;
use crate::tui::snapshot::RunDetails;
use faceprobe_core::features::FeatureSpec;
use faceprobe_core::model::{DenseSettings, Kind, ModelSpec};
use faceprobe_core::run::{Facts, RunId, Status, SweepSettings, SweepSpec};

fn model() -> ModelSpec {
    ModelSpec::new(FeatureSpec::default(), DenseSettings::default())
}

/// A run; one that trains has a row, with a result once it has an accuracy.
fn run(id: &str, parent: Option<&str>, val: Option<f64>) -> Arc<Run> {
    let job = match id.split('-').next() {
        Some("sweep") => JobSpec::Sweep {
            dataset: "faces".into(),
            sweep: Box::new(SweepSpec {
                features: FeatureSpec::default(),
                base: DenseSettings::default(),
                axes: Vec::new(),
                own: SweepSettings::default(),
            }),
        },
        Some("folds") => JobSpec::Folds { dataset: "faces".into(), model: model() },
        _ => JobSpec::train("faces", model()),
    };
    let row = matches!(job, JobSpec::Train { .. }).then(|| {
        let json = serde_json::json!({
            "run": id, "kind": Kind::DENSE, "backbone": null, "pool": null, "tap": null, "params": 1, "seed": 1,
            "epochs": 1, "best_epoch": null, "train_accuracy": null, "val_accuracy": val, "val_interval": null,
            "test_accuracy": null, "test_interval": null, "threshold": 0.5, "seconds": 1.0,
            "status": if val.is_some() { Status::Done } else { Status::Running }, "dataset": "faces",
            "manifest_sha256": "", "synthetic": false, "settings": "", "created": "",
        });
        serde_json::from_value(json).expect("a row")
    });
    Arc::new(Run {
        parent: parent.map(str::to_owned),
        row,
        about: RunDetails::default(),
        ..bare(RunId::parse(id).expect("a name"), job)
    })
}

fn bare(id: RunId, job: JobSpec) -> Run {
    Run {
        id,
        job,
        parent: None,
        step: None,
        created: String::new(),
        status: Status::Done,
        facts: Facts::default(),
        history: None,
        seconds: None,
        row: None,
        about: RunDetails::default(),
    }
}

fn study() -> Vec<Arc<Run>> {
    vec![
        run("dense-1", None, Some(0.80)),
        run("sweep-1", None, None),
        run("dense-2", Some("sweep-1"), Some(0.60)),
        run("dense-3", Some("sweep-1"), Some(0.90)),
        run("dense-4", Some("sweep-1"), None),
        run("folds-1", None, None),
        run("dense-5", Some("folds-1"), Some(0.95)),
        run("dense-6", Some("folds-1"), Some(0.55)),
        run("dense-7", Some("gone-1"), Some(0.10)),
    ]
}

fn is_group(job: &JobSpec) -> bool {
    matches!(job, JobSpec::Sweep { .. } | JobSpec::Folds { .. })
}

fn lines(runs: &[Arc<Run>], listed: impl Fn(&Run) -> bool, column: Option<&Column>, descending: bool) -> Vec<Line> {
    let listed: Vec<usize> = (0..runs.len()).filter(|at| listed(&runs[*at])).collect();
    let order = Order { column, descending, pinned_first: true, setting: &|_| None };
    arrange(runs, &listed, is_group, &order)
}

fn told(lines: &[Line]) -> Vec<String> {
    lines.iter().map(|line| format!("{}{}", " ".repeat(line.depth), line.run.id)).collect()
}

#[test]
fn parts_stand_beneath_what_they_are_parts_of_newest_first() {
    let runs = study();
    let all = lines(&runs, |_| true, None, false);
    assert_eq!(
        told(&all),
        ["dense-7", "folds-1", " dense-6", " dense-5", "sweep-1", " dense-4", " dense-3", " dense-2", "dense-1"]
    );
    // Of two that are listed alone, the group is there all the same, and counts what is listed.
    let some = lines(&runs, |run| matches!(run.id.as_str(), "dense-3" | "dense-1"), None, false);
    assert_eq!(told(&some), ["sweep-1", " dense-3", "dense-1"]);
    assert_eq!(some[0].group.as_ref().map(|group| group.members), Some(1));
    let folded = visible(&all, |line| line.run.id.as_str() == "sweep-1");
    let left: Vec<&str> = folded.iter().map(|at| all[*at].run.id.as_str()).collect();
    assert_eq!(left, ["dense-7", "folds-1", "dense-6", "dense-5", "sweep-1", "dense-1"]);
    assert_eq!(visible(&all, |_| false).len(), all.len());
    assert_eq!((above(&all, 6), above(&all, 8)), (vec![4], vec![]));
}

#[test]
fn a_group_has_the_mean_and_spread_of_its_finished_members_and_stands_where_they_would() {
    let runs = study();
    let models = |run: &Run| run.trains();
    let best_first = lines(&runs, models, Some(&Column::Val), true);
    // A sweep by its best head, a cross-validation by its mean; what has no figure comes last either way.
    assert_eq!(
        told(&best_first),
        ["sweep-1", " dense-3", " dense-2", " dense-4", "dense-1", "folds-1", " dense-5", " dense-6", "dense-7"]
    );
    let worst_first = lines(&runs, models, Some(&Column::Val), false);
    assert_eq!(told(&worst_first)[..2], ["dense-7", "sweep-1"]);
    let group = best_first[0].group.clone().expect("a group");
    assert_eq!((group.members, group.best), (3, Some(0.90)));
    let Figure::Mean(spread) = group.val else { panic!("{group:?}") };
    assert!((spread.mean - 0.75).abs() < 1e-12 && spread.count == 2, "{spread:?}");
    assert_eq!(
        (best_first[0].figure(&Column::Test), best_first[0].figure(&Column::Took)),
        (Figure::None, Figure::None)
    );
    assert_eq!(best_first[0].names()[0], "sweep-1  mean of 3 heads, best 0.900");
}

#[test]
fn no_spec_makes_a_run_vanish_or_a_part_of_itself() {
    let runs = vec![
        run("sweep-1", Some("sweep-1"), None),
        run("sweep-2", Some("sweep-3"), None),
        run("sweep-3", Some("sweep-2"), None),
        run("dense-1", Some("sweep-3"), Some(0.5)),
    ];
    let all = lines(&runs, |_| true, None, false);
    assert_eq!(told(&all), ["sweep-2", " sweep-3", "  dense-1", "sweep-1"]);
}
