//! Maps of features: principal components against scikit-learn's (`fixtures/map_reference.py`), and invariants of
//! t-SNE.

use faceprobe_core::error::ErrorKind;
use faceprobe_core::monitor::{Monitor, Silent, Update};
use faceprobe_engine::map::{pca, tsne};
use ndarray::{Array2, ArrayView1};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;

#[derive(Deserialize)]
struct Reference {
    rows: Vec<Vec<f32>>,
    scores: Vec<Vec<f64>>,
    explained: Vec<f64>,
}

fn array<T: Clone>(rows: &[Vec<T>]) -> Array2<T> {
    Array2::from_shape_vec((rows.len(), rows[0].len()), rows.concat()).unwrap()
}

#[test]
fn principal_components_are_those_of_scikit_learn() {
    let cases: Vec<Reference> = serde_json::from_str(include_str!("fixtures/map_reference.json")).unwrap();
    for case in cases {
        let found = pca(array(&case.rows).view(), 6).unwrap();
        for (own, theirs) in found.scores.iter().zip(&array(&case.scores)) {
            assert!((own - theirs).abs() < 1e-6, "{own} {theirs}");
        }
        for (own, theirs) in found.explained.iter().zip(&case.explained) {
            assert!((own - theirs).abs() < 1e-9, "{own} {theirs}");
        }
    }
}

#[test]
fn degenerate_features_are_refused_or_map_to_a_point() {
    assert!(pca(Array2::zeros((1, 5)).view(), 2).is_err());
    let mut wrong = Array2::zeros((4, 3));
    wrong[(2, 1)] = f32::NAN;
    assert!(pca(wrong.view(), 2).unwrap_err().to_string().contains("not numbers"));
    let alike = pca(Array2::from_elem((12, 3), 2.5).view(), 2).unwrap();
    assert!(alike.scores.iter().all(|value| *value == 0.0) && alike.explained == [0.0, 0.0]);
}

/// Three clouds in ten dimensions, of which two lie near each other; the cloud of each row.
fn clouds(each: usize) -> (Array2<f64>, Vec<usize>) {
    let mut draw = ChaCha8Rng::seed_from_u64(5);
    let centres = [[0.0; 10], [6.0; 10], [-20.0; 10]];
    let of: Vec<usize> = (0..3 * each).map(|row| row % 3).collect();
    let rows = Array2::from_shape_fn((3 * each, 10), |(row, column)| {
        centres[row % 3][column] + (0..4).map(|_| draw.random_range(-1.0..1.0)).sum::<f64>()
    });
    (rows, of)
}

fn distance(a: ArrayView1<f64>, b: ArrayView1<f64>) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum()
}

/// The other rows, the nearest first.
fn ranked(rows: &Array2<f64>, row: usize) -> Vec<usize> {
    let mut others: Vec<usize> = (0..rows.nrows()).filter(|other| *other != row).collect();
    let far = |other: &usize| distance(rows.row(row), rows.row(*other));
    others.sort_by(|a, b| far(a).total_cmp(&far(b)));
    others
}

/// Venna and Kaski's trustworthiness: 1 when the `k` neighbours in the plane are neighbours in space, about 0.5 by chance.
fn trustworthiness(rows: &Array2<f64>, points: &Array2<f64>, k: usize) -> f64 {
    let n = rows.nrows();
    let mut penalty = 0;
    for row in 0..n {
        let space = ranked(rows, row);
        for near in &ranked(points, row)[..k] {
            let rank = space.iter().position(|other| other == near).unwrap() + 1;
            penalty += rank.saturating_sub(k);
        }
    }
    1.0 - 2.0 * penalty as f64 / (n * k * (2 * n - 3 * k - 1)) as f64
}

#[test]
fn neighbours_in_the_plane_are_neighbours_in_space() {
    let (rows, of) = clouds(60);
    let points = tsne(&rows, 20.0, 1, &Silent).unwrap();
    assert!(points.iter().all(|place| place.is_finite()));
    let trust = trustworthiness(&rows, &points, 8);
    assert!(trust > 0.9, "{trust}");
    // The nearest image in the plane is of the same cloud.
    let strangers = (0..rows.nrows()).filter(|row| of[ranked(&points, *row)[0]] != of[*row]).count();
    assert_eq!(strangers, 0);
    // The measure itself: points drawn at random are not to be trusted.
    let mut draw = ChaCha8Rng::seed_from_u64(9);
    let random = Array2::from_shape_fn((180, 2), |_| draw.random_range(-1.0..1.0));
    assert!(trustworthiness(&rows, &random, 8) < 0.6);
}

#[test]
fn one_seed_gives_the_same_points_bit_by_bit_and_another_does_not() {
    let (mut rows, _) = clouds(50);
    // Copies are equally far from everybody, and the search begins at random.
    for copy in 0..20 {
        let original = rows.row(copy).to_owned();
        rows.row_mut(100 + copy).assign(&original);
    }
    let points = |seed| tsne(&rows, 30.0, seed, &Silent).unwrap();
    let first = points(1);
    for _ in 0..3 {
        assert!(first.iter().zip(&points(1)).all(|(a, b)| a.to_bits() == b.to_bits()));
    }
    assert_ne!(first, points(2));
}

#[test]
fn few_images_have_a_map_too_and_a_stop_ends_it() {
    let (rows, _) = clouds(4);
    assert_eq!(tsne(&rows, 100.0, 1, &Silent).unwrap().dim(), (12, 2));
    assert!(
        tsne(&rows.slice_move(ndarray::s![..9, ..]), 5.0, 1, &Silent).unwrap_err().to_string().contains("ten images")
    );
    struct Stopped;
    impl Monitor for Stopped {
        fn update(&self, _: Update) {}
        fn stopped(&self) -> bool {
            true
        }
    }
    let (rows, _) = clouds(400);
    assert_eq!(tsne(&rows, 30.0, 1, &Stopped).unwrap_err().kind(), ErrorKind::Stopped);
}
