//! Metrics, thresholds and intervals against scikit-learn and statsmodels; see `fixtures/evaluation_reference.py`.

use faceprobe_core::evaluation::{
    Calibration, Confusion, Criterion, accuracy, average_precision, best_threshold, brier, expected_calibration_error,
    log_loss, pr_curve, roc_auc, roc_curve, threshold_for, wilson95,
};
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
    youden: f64,
    equal_error_gap: f64,
    recall_at_precision: Vec<(f64, f64)>,
    precision_at_recall: Vec<(f64, f64)>,
    roc: [Vec<f64>; 2],
    pr: [Vec<f64>; 2],
    average_precision: f64,
    brier: f64,
    calibration_error: f64,
    temperature_slope: f64,
    platt: [f64; 2],
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
            assert_close(confusion.balanced_accuracy(), at.balanced_accuracy);
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
fn nan_scores_are_ignored() {
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

#[test]
fn curves_and_calibration_figures_equal_scikit_learn() {
    for case in reference().cases {
        let (scores, positive) = (&case.scores, &case.positive);
        let roc = roc_curve(scores, positive).unwrap();
        assert_eq!(roc.len(), case.roc[0].len());
        for (point, (fpr, tpr)) in roc.iter().zip(case.roc[0].iter().zip(&case.roc[1])) {
            assert_close(point.false_positive_rate, *fpr);
            assert_close(point.true_positive_rate, *tpr);
        }
        let pr = pr_curve(scores, positive).unwrap();
        assert_eq!(pr.len(), case.pr[0].len());
        for (point, (precision, recall)) in pr.iter().zip(case.pr[0].iter().zip(&case.pr[1])) {
            assert_close(point.precision, *precision);
            assert_close(point.recall, *recall);
        }
        assert_close(average_precision(scores, positive).unwrap(), case.average_precision);
        assert_close(brier(scores, positive), case.brier);
        assert_close(expected_calibration_error(scores, positive, 10), case.calibration_error);
    }
    assert_eq!(roc_curve(&[0.1, 0.2], &[true, true]), None);
    assert_eq!(average_precision(&[0.1, f64::NAN], &[true, false]), None);
}

#[test]
fn thresholds_reach_what_scikit_learns_curves_allow() {
    for case in reference().cases {
        let (scores, positive) = (&case.scores, &case.positive);
        let at = |criterion| {
            let confusion = Confusion::at(scores, positive, threshold_for(criterion, scores, positive)?);
            let ones = (confusion.true_positive + confusion.false_negative) as f64;
            let zeros = (confusion.true_negative + confusion.false_positive) as f64;
            let called = (confusion.true_positive + confusion.false_positive) as f64;
            let (recall, false_positives) =
                (confusion.true_positive as f64 / ones, confusion.false_positive as f64 / zeros);
            Some((recall, false_positives, confusion.true_positive as f64 / called))
        };
        let (recall, false_positives, _) = at(Criterion::Youden).unwrap();
        assert_close(recall - false_positives, case.youden);
        let (recall, false_positives, _) = at(Criterion::EqualError).unwrap();
        assert_close((false_positives - (1.0 - recall)).abs(), case.equal_error_gap);
        for &(target, best) in &case.recall_at_precision {
            match at(Criterion::Precision(target)) {
                // scikit-learn's curve never reaches it either.
                None => assert_eq!(best, -1.0),
                Some((recall, _, precision)) => {
                    assert!(precision >= target);
                    assert_close(recall, best);
                }
            }
        }
        for &(target, best) in &case.precision_at_recall {
            let (recall, _, precision) = at(Criterion::Recall(target)).unwrap();
            assert!(recall >= target);
            assert_close(precision, best);
        }
    }
    assert_eq!(threshold_for(Criterion::Youden, &[0.2, 0.4], &[true, true]), None);
    assert_eq!(threshold_for(Criterion::Precision(0.9), &[0.2, 0.4], &[true, false]), None);
    for text in ["auto", "youden", "eer", "precision=0.9", "recall=1"] {
        assert_eq!(text.parse::<Criterion>().unwrap().to_string(), text);
    }
    for text in ["", "Youden", "precision", "precision=2", "recall=nan", "recall=0"] {
        assert!(text.parse::<Criterion>().is_err(), "{text}");
    }
}

#[test]
fn calibrations_equal_scipy_and_scikit_learn() {
    for case in reference().cases {
        let (scores, positive) = (&case.scores, &case.positive);
        // The third case's scores say nothing, so the best slope may be too small to be one.
        if let Some(temperature) = Calibration::temperature(scores, positive) {
            assert!((temperature.slope - case.temperature_slope).abs() < 1e-6, "{temperature:?}");
            let calibrated: Vec<f64> = scores.iter().map(|&score| temperature.probability(score)).collect();
            assert!(log_loss(&calibrated, positive) <= log_loss(scores, positive) + 1e-9);
            assert_close(temperature.probability(0.5), 0.5);
        } else {
            assert!(case.temperature_slope < 1e-3);
        }
        match Calibration::platt(scores, positive) {
            Some(platt) => {
                // scikit-learn stops its search sooner.
                assert!((platt.slope - case.platt[0]).abs() < 1e-4, "{platt:?}");
                assert!((platt.offset - case.platt[1]).abs() < 1e-4, "{platt:?}");
            }
            None => assert!(case.platt[0] <= 0.0),
        }
    }
    // Told without error: a steep slope, not an infinite one.
    let sure = Calibration::temperature(&[0.4, 0.6], &[false, true]).unwrap();
    assert!(sure.slope.is_finite() && sure.probability(0.6) > 0.9);
    assert_eq!(Calibration::platt(&[0.4, 0.6], &[true, true]), None);
    assert_eq!(Calibration::temperature(&[0.9, 0.1], &[false, true]), None);
}
