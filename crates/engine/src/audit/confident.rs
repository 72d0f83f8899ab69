//! Confident learning: likely label errors, from probabilities of a model that was not trained on the sample.
//!
//! Northcutt, Jiang, Chuang: Confident learning: estimating uncertainty in dataset labels. Journal of Artificial
//! Intelligence Research 70, 2021. The threshold of a class is the mean probability of that class over the samples that
//! carry its label (their equation 2); a sample that reaches the threshold of another class, and that class with the
//! larger probability, is counted off the diagonal of the confident joint (equation 1) and is a likely error. The
//! numbers are those of the authors' cleanlab, which a test compares.

/// The result of confident learning for two classes.
#[derive(Debug, Clone, PartialEq)]
pub struct Confidence {
    /// Mean probability of each class over the samples with that label.
    pub thresholds: [f64; 2],
    /// `joint[label][class]`: samples labelled `label` that are confidently of `class`.
    pub joint: [[usize; 2]; 2],
    /// Per sample, whether its label is likely wrong.
    pub suspicious: Vec<bool>,
    /// Per sample, whether the other class is the more probable one (cleanlab's `predicted_neq_given`). Includes
    /// samples that are not suspicious.
    pub doubtful: Vec<bool>,
    /// Per sample, the self-confidence in its label, 0 to 1, with the probabilities shifted by each class' threshold,
    /// so that a class of which the model is unsure does not fill the top. Low values are suspicious.
    pub quality: Vec<f64>,
}

/// `scores` are out-of-fold probabilities of class 1, `positive` the labels. A class without samples has threshold 1,
/// which nothing reaches.
pub fn confidence(scores: &[f64], positive: &[bool]) -> Confidence {
    let of_class = |score: f64, class: usize| if class == 1 { score } else { 1.0 - score };
    let thresholds = [0, 1].map(|class| {
        let own: Vec<f64> = labelled(scores, positive, class).map(|score| of_class(score, class)).collect();
        if own.is_empty() { 1.0 } else { own.iter().sum::<f64>() / own.len() as f64 }
    });
    // cleanlab uses the same tolerance for rounding.
    let reaches = |score: f64, class: usize| of_class(score, class) >= thresholds[class] - 1e-6;
    let mut joint = [[0; 2]; 2];
    let mut suspicious = Vec::with_capacity(scores.len());
    for (&score, &positive) in scores.iter().zip(positive) {
        let label = usize::from(positive);
        let class = match (reaches(score, 0), reaches(score, 1)) {
            (true, true) => Some(usize::from(score > 0.5)),
            (true, false) => Some(0),
            (false, true) => Some(1),
            (false, false) => None,
        };
        if let Some(class) = class {
            joint[label][class] += 1;
        }
        suspicious.push(class.is_some_and(|class| class != label));
    }
    let highest = thresholds[0].max(thresholds[1]);
    let quality = scores
        .iter()
        .zip(positive)
        .map(|(&score, &positive)| {
            let shifted = [0, 1].map(|class| of_class(score, class) - thresholds[class] + highest);
            shifted[usize::from(positive)] / (shifted[0] + shifted[1])
        })
        .collect();
    let doubtful = scores.iter().zip(positive).map(|(&score, &positive)| of_class(score, usize::from(positive)) < 0.5);
    Confidence { thresholds, joint, suspicious, doubtful: doubtful.collect(), quality }
}

fn labelled<'a>(scores: &'a [f64], positive: &'a [bool], class: usize) -> impl Iterator<Item = f64> + 'a {
    scores.iter().zip(positive).filter(move |(_, positive)| usize::from(**positive) == class).map(|(score, _)| *score)
}
