//! Metrics, thresholds and intervals against scikit-learn and statsmodels; see `fixtures/evaluation_reference.py`.

use faceprobe::evaluation::{Confusion, accuracy, balanced_accuracy, best_threshold, log_loss, roc_auc, wilson95};
use serde::Deserialize;

#[derive(Deserialize)]
struct Reference {
    cases: Vec<Case>,
    wilson: Vec<(usize, usize, f64, f64)>,
}

#[derive(Deserialize)]
struct Case {
    scores: Vec<f64>,
    positive: Vec<bool>,
    at: Vec<At>,
    log_loss: f64,
    roc_auc: f64,
    best_accuracy: f64,
}

#[derive(Deserialize)]
struct At {
    threshold: f64,
    accuracy: f64,
    balanced_accuracy: f64,
    confusion: [usize; 4],
}

fn reference() -> Reference {
    serde_json::from_str(include_str!("fixtures/evaluation_reference.json")).unwrap()
}

fn assert_close(ours: f64, theirs: f64) {
    assert!((ours - theirs).abs() < 1e-12, "{ours} instead of {theirs}");
}

#[test]
fn metrics_equal_scikit_learn() {
    for case in reference().cases {
        let (scores, positive) = (&case.scores, &case.positive);
        for at in &case.at {
            let confusion = Confusion::at(scores, positive, at.threshold);
            let Confusion { true_negative, false_positive, false_negative, true_positive } = confusion;
            assert_eq!([true_negative, false_positive, false_negative, true_positive], at.confusion);
            assert_close(accuracy(scores, positive, at.threshold), at.accuracy);
            assert_close(balanced_accuracy(scores, positive, at.threshold), at.balanced_accuracy);
        }
        assert_close(log_loss(scores, positive), case.log_loss);
        assert_close(roc_auc(scores, positive).unwrap(), case.roc_auc);
    }
}

#[test]
fn intervals_equal_statsmodels() {
    for (successes, trials, low, high) in reference().wilson {
        let interval = wilson95(successes, trials).unwrap();
        assert_close(interval.low, low);
        assert_close(interval.high, high);
    }
    assert_eq!(wilson95(0, 0), None);
    assert_eq!(wilson95(3, 2), None);
}

#[test]
fn the_threshold_reaches_the_highest_accuracy_there_is() {
    for case in reference().cases {
        let threshold = best_threshold(&case.scores, &case.positive);
        assert_close(accuracy(&case.scores, &case.positive, threshold), case.best_accuracy);
        // The order of the samples does not matter.
        let reversed: Vec<f64> = case.scores.iter().rev().copied().collect();
        let labels: Vec<bool> = case.positive.iter().rev().copied().collect();
        assert_eq!(threshold, best_threshold(&reversed, &labels));
    }
}

#[test]
fn of_equal_thresholds_the_middle_of_the_gap_nearest_to_a_half_is_taken() {
    // Separable: the gap from 0.25 to 0.875.
    assert_eq!(best_threshold(&[0.125, 0.25, 0.875, 1.0], &[false, false, true, true]), 0.5625);
    // The gaps below 0.125, from 0.25 to 0.5 and above 0.875 are equally good.
    assert_eq!(best_threshold(&[0.125, 0.25, 0.5, 0.875], &[true, false, true, false]), 0.375);
    // Two gaps at the same distance from a half: the wider one.
    assert_eq!(best_threshold(&[0.0, 0.25, 0.75, 0.875], &[false, true, false, true]), 0.125);
    // Tied scores cannot be parted.
    assert_eq!(best_threshold(&[0.5, 0.5, 0.5], &[true, false, true]), 0.25);
    // One class only: everything is called by its name.
    assert!(best_threshold(&[0.75, 1.0], &[false, false]) > 1.0);
    assert!(best_threshold(&[0.0, 0.25], &[true, true]) <= 0.0);
    // Neighbouring floats are still parted.
    let (low, high) = (0.5f64, 0.5f64.next_up());
    assert_eq!(accuracy(&[low, high], &[false, true], best_threshold(&[low, high], &[false, true])), 1.0);
}

#[test]
fn scores_that_are_not_numbers_harm_nothing() {
    let (scores, positive) = ([f64::NAN, 0.2, 0.8, f64::INFINITY], [true, false, true, true]);
    assert_eq!(best_threshold(&scores, &positive), 0.5);
    assert_eq!(best_threshold(&[f64::NAN], &[true]), 0.5);
    assert_eq!(best_threshold(&[], &[]), 0.5);
    assert_eq!(accuracy(&scores, &positive, 0.5), 0.75);
    assert_eq!(roc_auc(&scores, &positive), None);
    assert_eq!(roc_auc(&[0.1, 0.9], &[true, true]), None);
    assert!(log_loss(&scores, &positive).is_nan());
    assert!(accuracy(&[], &[], 0.5).is_nan());
}
