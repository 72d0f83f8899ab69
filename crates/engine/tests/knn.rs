//! Nearest neighbours: scores against scikit-learn's `KNeighborsClassifier` (`fixtures/knn_reference.py`), and
//! invariants.

use faceprobe_core::monitor::Silent;
use faceprobe_engine::features::{Dtype, StoreIdentity};
use faceprobe_engine::model::{
    FORMAT, Kind, KnnSettings, LabelledRows, ModelInfo, Provenance, SavedModel, Scorer, Trained, Votes, train_knn,
};
use ndarray::{Array2, Axis, concatenate, s};
use serde::Deserialize;

#[derive(Deserialize)]
struct Reference {
    train: Vec<Vec<f32>>,
    positive: Vec<bool>,
    wanted: Vec<Vec<f32>>,
    answers: Vec<Answer>,
}

#[derive(Deserialize)]
struct Answer {
    votes: Votes,
    k: usize,
    scores: Vec<f64>,
}

fn reference() -> Reference {
    serde_json::from_str(include_str!("fixtures/knn_reference.json")).unwrap()
}

fn rows(of: &[Vec<f32>]) -> Array2<f32> {
    let width = of[0].len();
    Array2::from_shape_vec((of.len(), width), of.concat()).unwrap()
}

fn settings(k: &[usize], votes: Votes) -> KnnSettings {
    KnnSettings { k: k.to_vec(), votes, ..KnnSettings::default() }
}

/// The scorer of a model after its way through a file.
fn scorer(trained: &Trained, width: usize) -> Scorer {
    let input = StoreIdentity {
        backbone: "efficientnet-lite0".into(),
        weights: "none".into(),
        preprocessing: "test".into(),
        tap: "last".into(),
        pool: "avg".into(),
        dtype: Dtype::F32,
        width,
    };
    let info = ModelInfo {
        format: FORMAT,
        kind: Kind::KNN,
        input,
        alignment: None,
        classes: ["female".into(), "male".into()],
        threshold: trained.threshold,
        calibration: None,
        settings: trained.settings.clone(),
        provenance: Provenance::default(),
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    SavedModel { info, weights: trained.weights.clone() }.save(&path).unwrap();
    Scorer::of(&SavedModel::load(&path).unwrap()).unwrap()
}

#[test]
fn scores_are_those_of_scikit_learn() {
    let reference = reference();
    let train = LabelledRows::new(rows(&reference.train), reference.positive.clone()).unwrap();
    let wanted = rows(&reference.wanted);
    assert_eq!(reference.answers.len(), 6);
    for answer in &reference.answers {
        let trained = train_knn(&train, &train, &settings(&[answer.k], answer.votes), &Silent).unwrap();
        let scorer = scorer(&trained, 7);
        let scores = scorer.scores_f32(wanted.view()).unwrap();
        for (at, (own, theirs)) in scores.iter().zip(&answer.scores).enumerate() {
            assert!((own - theirs).abs() < 1e-6, "{:?} {} {at}: {own} {theirs}", answer.votes, answer.k);
        }
        // An image alone has the score that it has among others.
        let alone = scorer.scores_f32(wanted.slice(s![3..4, ..])).unwrap();
        assert_eq!(alone[0], scores[3]);
        assert_eq!(trained.train_scores, scorer.scores_f32(train.x()).unwrap());
    }
}

#[test]
fn validation_chooses_how_many_vote_and_ties_go_to_the_earlier_rows() {
    let reference = reference();
    let train = LabelledRows::new(rows(&reference.train), reference.positive.clone()).unwrap();
    // Validation labels that are what 4 neighbours say.
    let four = reference.answers.iter().find(|answer| answer.k == 4 && answer.votes == Votes::Equal).unwrap();
    let labels = four.scores.iter().map(|&score| score >= 0.5).collect();
    let val = LabelledRows::new(rows(&reference.wanted), labels).unwrap();
    let trained = train_knn(&train, &val, &settings(&[9, 1, 4], Votes::Equal), &Silent).unwrap();
    assert_eq!((&trained.settings["neighbours"], trained.params), (&4.into(), 0));
    assert_eq!(trained.accuracy(&trained.val_scores, val.y()), 1.0);

    // Every row twice, the copies of the other class behind: of equal ones the earlier counts; nothing is near nothing.
    let twice = concatenate(Axis(0), &[train.x(), train.x()]).unwrap();
    let labels =
        reference.positive.iter().copied().chain(reference.positive.iter().map(|positive| !positive)).collect();
    let twice = LabelledRows::new(twice, labels).unwrap();
    let trained = train_knn(&twice, &val, &settings(&[1], Votes::Similarity), &Silent).unwrap();
    let scores = scorer(&trained, 7).scores_f32(train.x()).unwrap();
    let own: Vec<f64> = reference.positive.iter().map(|&positive| f64::from(u8::from(positive))).collect();
    assert_eq!(scores, own);
    let nothing = scorer(&trained, 7).scores_f32(Array2::zeros((1, 7)).view()).unwrap();
    assert_eq!(nothing, [own[0]]);

    let error = train_knn(&train, &val, &settings(&[1, 61], Votes::Equal), &Silent).unwrap_err();
    assert!(error.to_string().contains("at most 60"), "{error}");
    assert!(scorer(&trained, 7).scores_f32(Array2::from_elem((1, 7), f32::NAN).view()).is_err());
}
