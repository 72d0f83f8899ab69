//! Figures per class and group, paired tests and intervals against scikit-learn, statsmodels and NumPy; see
//! `fixtures/figures_reference.py`.

use faceprobe_core::evaluation::bootstrap::{cluster_bootstrap95, percentile95, tally};
use faceprobe_core::evaluation::figures::SMALLEST_GROUP;
use faceprobe_core::evaluation::{ClassFigures, Confusion, by_group, difference95, mcnemar, wilson95};
use serde::Deserialize;

#[derive(Deserialize)]
struct Reference {
    classes: Vec<Classes>,
    paired: Vec<Paired>,
    bootstrap: Vec<Bootstrap>,
    groups: Groups,
    differences: Vec<(usize, usize, usize, usize, f64, f64)>,
}

#[derive(Deserialize)]
struct Classes {
    scores: Vec<f64>,
    positive: Vec<bool>,
    threshold: f64,
    precision: [f64; 2],
    recall: [f64; 2],
    f1: [f64; 2],
    support: [usize; 2],
}

#[derive(Deserialize)]
struct Paired {
    first: Vec<bool>,
    second: Vec<bool>,
    table: [[usize; 2]; 2],
    p_value: f64,
}

#[derive(Deserialize)]
struct Bootstrap {
    cluster_of: Vec<usize>,
    correct: Vec<bool>,
    drawn: Vec<Vec<usize>>,
    interval: [f64; 2],
}

#[derive(Deserialize)]
struct Groups {
    values: Vec<Option<String>>,
    positive: Vec<bool>,
    correct: Vec<bool>,
    rows: Vec<(String, usize, f64, f64, f64, f64)>,
}

fn reference() -> Reference {
    serde_json::from_str(include_str!("fixtures/figures_reference.json")).unwrap()
}

fn assert_close(ours: f64, theirs: f64) {
    assert!((ours - theirs).abs() <= 1e-12 + 1e-10 * theirs.abs(), "{ours} instead of {theirs}");
}

#[test]
fn figures_per_class_equal_scikit_learn() {
    for case in reference().classes {
        let confusion = Confusion::at(&case.scores, &case.positive, case.threshold);
        let both = ClassFigures::both(&confusion, &["female".into(), "male".into()]);
        for (index, class) in both.iter().enumerate() {
            // Where there is nothing to divide by, scikit-learn says 0.
            let there = |value: Option<f64>| value.unwrap_or(0.0);
            assert_close(there(class.precision), case.precision[index]);
            assert_close(there(class.recall), case.recall[index]);
            assert_close(there(class.f1), case.f1[index]);
            assert_eq!(class.recall.is_none() && class.precision.is_none(), class.support == 0);
            assert_eq!(class.support, case.support[index]);
        }
    }
}

#[test]
fn mcnemars_exact_test_equals_statsmodels() {
    for case in reference().paired {
        let test = mcnemar(&case.first, &case.second);
        assert_eq!([[test.both_right, test.first_only], [test.second_only, test.both_wrong]], case.table);
        // Relative, because the smallest is what a reader looks at.
        assert!((test.p_value / case.p_value - 1.0).abs() < 1e-9, "{} instead of {}", test.p_value, case.p_value);
        assert_eq!(mcnemar(&case.second, &case.first).p_value, test.p_value);
    }
    assert_eq!(mcnemar(&[], &[]).p_value, 1.0);
    // So many disagreements that a factorial would overflow.
    let (first, second) = (vec![true; 40_000], vec![false; 40_000]);
    assert_eq!(mcnemar(&first, &second).p_value, 0.0);
}

#[test]
fn the_cluster_bootstrap_equals_numpy_on_the_same_draws() {
    for case in reference().bootstrap {
        let clusters = tally(&case.cluster_of, &case.correct);
        let interval = percentile95(&clusters, case.drawn.into_iter()).unwrap();
        assert_close(interval.low, case.interval[0]);
        assert_close(interval.high, case.interval[1]);
        let own = cluster_bootstrap95(&case.cluster_of, &case.correct, 1);
        assert_eq!(own, cluster_bootstrap95(&case.cluster_of, &case.correct, 1), "a seed gives one interval");
    }
    assert_eq!(cluster_bootstrap95(&[0, 0], &[true, false], 1), None);
    // Ten images of each of 60 people, all told alike: ten times the images do not make the interval narrower.
    let people: Vec<usize> = (0..600).map(|image| image / 10).collect();
    let correct: Vec<bool> = people.iter().map(|person| person % 3 > 0).collect();
    let (whole, alike) = (wilson95(400, 600).unwrap(), cluster_bootstrap95(&people, &correct, 1).unwrap());
    assert!(alike.high - alike.low > 2.5 * (whole.high - whole.low), "{alike:?} beside {whole:?}");
}

#[test]
fn groups_have_the_shares_and_intervals_of_statsmodels() {
    let Groups { values, positive, correct, rows } = reference().groups;
    let found = by_group("age", &values, &correct, &positive);
    assert_eq!(found.groups.len(), rows.len());
    for (group, (value, images, accuracy, low, high, recall)) in found.groups.iter().zip(&rows) {
        assert_eq!((&group.value, group.images), (value, *images), "in the order of age");
        assert_close(group.accuracy, *accuracy);
        assert_close(group.interval.unwrap().low, *low);
        assert_close(group.interval.unwrap().high, *high);
        assert_close(group.recall[1].unwrap(), *recall);
    }
    // The oldest are too few to be the best or the worst, and what is unknown is no group.
    assert!(rows[3].1 < SMALLEST_GROUP && rows[3].2 > 0.0);
    let gap = found.gap.unwrap();
    assert_eq!(gap.worst, "3-9");
    assert!(["10-19", "20-29"].contains(&gap.best.as_str()));
    assert_close(gap.difference, rows[1].2.max(rows[2].2) - rows[0].2);
    assert!(gap.interval.low > 0.0 && gap.interval.high > gap.difference);
    let one = by_group("age", &vec![Some("a".into()); 600], &correct, &positive);
    assert_eq!((one.groups.len(), one.gap), (1, None));
}

#[test]
fn intervals_of_differences_equal_statsmodels() {
    for (k1, n1, k2, n2, low, high) in reference().differences {
        let share = |k: usize, n: usize| (k as f64 / n as f64, wilson95(k, n).unwrap());
        let interval = difference95(share(k1, n1), share(k2, n2));
        assert_close(interval.low, low);
        assert_close(interval.high, high);
    }
}
