//! The audit: confident learning against cleanlab, near-duplicates against all pairs, and cached face counts.

#[path = "support/waves.rs"]
mod waves;

use faceprobe_core::dataset::{ContentHash, groups};
use faceprobe_core::imaging::Pixels;
use faceprobe_core::monitor::Silent;
use faceprobe_core::workspace::Workspace;
use faceprobe_engine::audit::CountFaces;
use faceprobe_engine::audit::confident::confidence;
use faceprobe_engine::audit::faces::faces_of;
use faceprobe_engine::audit::folds::deal;
use faceprobe_engine::audit::image_statistics::{Hash, distance, measure};
use faceprobe_engine::audit::near::{FARTHEST, Groups, Index};
use image::{RgbImage, imageops};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use waves::picture;

#[test]
fn confident_learning_is_cleanlabs() {
    let cases: Value = serde_json::from_str(include_str!("fixtures/audit_reference.json")).unwrap();
    for case in cases.as_array().unwrap() {
        let numbers =
            |name: &str| case[name].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect::<Vec<f64>>();
        let positive: Vec<bool> = numbers("labels").iter().map(|label| *label == 1.0).collect();
        let found = confidence(&numbers("scores"), &positive);
        let close = |ours: &[f64], theirs: &[f64]| {
            assert_eq!(ours.len(), theirs.len());
            ours.iter().zip(theirs).for_each(|(a, b)| assert!((a - b).abs() < 1e-9, "{a} {b}"));
        };
        close(&found.thresholds, &numbers("thresholds"));
        close(&found.quality, &numbers("quality"));
        let joint: [[usize; 2]; 2] = serde_json::from_value(case["joint"].clone()).unwrap();
        assert_eq!(found.joint, joint);
        let issues: Vec<bool> = serde_json::from_value(case["issues"].clone()).unwrap();
        assert_eq!(found.suspicious, issues);
    }
}

#[test]
fn the_index_finds_what_comparing_all_pairs_finds() {
    let mut draw = ChaCha8Rng::seed_from_u64(1);
    let mut hashes: Vec<Hash> = (0..300).map(|_| draw.random()).collect();
    for of in 0..100 {
        let mut near = hashes[of];
        for _ in 0..draw.random_range(0..45) {
            let bit = draw.random_range(0..256);
            near[bit / 64] ^= 1 << (bit % 64);
        }
        hashes.push(near);
    }
    let index = Index::new(&hashes);
    for radius in [0, 7, 15, 16, 28, FARTHEST] {
        for hash in &hashes {
            let all: Vec<usize> = (0..hashes.len()).filter(|&at| distance(&hashes[at], hash) <= radius).collect();
            assert_eq!(index.near(hash, radius), all, "radius {radius}");
        }
    }
    let mut groups = Groups::new(7);
    groups.join(5, 2);
    groups.join(2, 6);
    groups.join(0, 4);
    assert_eq!(groups.several(), [vec![0, 4], vec![2, 5, 6]]);
}

#[test]
fn folds_keep_groups_together_and_classes_equal() {
    let groups: Vec<usize> = (0..1000).map(|at| at / 4).collect();
    let positive: Vec<bool> = (0..1000).map(|at| at / 4 % 3 == 0).collect();
    let fold_of = deal(&groups, &positive, 10, 1);
    assert!((0..1000).all(|at| fold_of[at] == fold_of[at / 4 * 4]));
    for fold in 0..10 {
        let of = |class: bool| (0..1000).filter(|&at| fold_of[at] == fold && positive[at] == class).count();
        assert!((28..=40).contains(&of(true)) && (60..=72).contains(&of(false)), "{} {}", of(true), of(false));
    }
    assert_eq!(fold_of, deal(&groups, &positive, 10, 1));
    assert_ne!(fold_of, deal(&groups, &positive, 10, 2));
}

/// A picture of some waves, another for each seed.
fn statistics(picture: &RgbImage) -> faceprobe_engine::audit::image_statistics::ImageStatistics {
    measure(&Pixels::new(picture.width() as usize, picture.height() as usize, picture.as_raw().clone()).unwrap())
        .unwrap()
}

#[test]
fn hashes_are_near_for_the_same_picture_only() {
    for seed in 0..20 {
        let one = picture(seed, 160);
        let smaller = imageops::resize(&one, 90, 90, imageops::FilterType::Triangle);
        let a = statistics(&one);
        assert!(distance(&a.hash, &statistics(&smaller).hash) <= 28);
        assert!(distance(&a.mirrored, &statistics(&imageops::flip_horizontal(&one)).hash) <= 6);
        assert!(distance(&a.hash, &statistics(&picture(seed + 100, 160)).hash) > 31);
    }
}

#[test]
fn groups_of_several_audits_are_joined() {
    let folder = tempfile::tempdir().unwrap();
    let workspace = Workspace::open(folder.path()).unwrap();
    let hash = |name: &str| ContentHash::of(name.as_bytes());
    let remember = |set: &str, pairs: &[(&str, &str)]| {
        groups::remember(&workspace, set, &pairs.iter().map(|(a, b)| (hash(a), hash(b))).collect()).unwrap();
        groups::load(&workspace).unwrap()
    };
    let together = |known: &BTreeMap<ContentHash, ContentHash>, a: &str, b: &str| {
        known.contains_key(&hash(a)) && known.get(&hash(a)) == known.get(&hash(b))
    };
    let known = remember("one", &[("a", "a"), ("b", "a"), ("c", "a"), ("x", "x")]);
    assert!(together(&known, "a", "b") && together(&known, "b", "c") && known.len() == 3);
    // Another set, with one image in common.
    let known = remember("two", &[("a", "a"), ("d", "a")]);
    assert!(together(&known, "d", "c") && known.len() == 4);
    // The first set again, with stricter settings.
    let known = remember("one", &[("a", "a"), ("b", "b"), ("c", "b"), ("x", "x")]);
    assert!(together(&known, "a", "d") && together(&known, "b", "c") && !together(&known, "a", "b"));
}

/// Sees a face wherever the first byte is even, and counts how often it is asked.
struct Eyes(&'static str, AtomicUsize);

impl CountFaces for Eyes {
    fn identity(&self) -> String {
        self.0.into()
    }

    fn count(&self, bytes: &[u8]) -> Result<usize, String> {
        self.1.fetch_add(1, Ordering::Relaxed);
        bytes.first().map(|first| usize::from(first % 2 == 0)).ok_or_else(|| "it is empty".into())
    }
}

#[test]
fn faces_are_counted_once_per_image() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache/faces.csv");
    let mut files = Vec::new();
    for (number, bytes) in [[2u8].as_slice(), &[3], &[2], &[]].into_iter().enumerate() {
        let path = folder.path().join(number.to_string());
        fs::write(&path, bytes).unwrap();
        files.push((ContentHash::of(bytes), path));
    }
    let look = |eyes: &Eyes| {
        let found = faces_of(&files, eyes, &cache, &Silent).unwrap();
        (found.get(&files[0].0).copied(), found.get(&files[1].0).copied(), found.len(), eyes.1.load(Ordering::Relaxed))
    };
    let new = |name| Eyes(name, AtomicUsize::new(0));
    assert_eq!(look(&new("one")), (Some(1), Some(0), 2, 3), "equal files are asked about once");
    assert_eq!(look(&new("one")), (Some(1), Some(0), 2, 1), "only the broken file is tried again");
    assert_eq!(look(&new("other")), (Some(1), Some(0), 2, 3), "another detector sees for itself");
    fs::write(&cache, "nonsense").unwrap();
    assert_eq!(look(&new("other")), (Some(1), Some(0), 2, 3));
}

/// Looks for faces in another file before it has done with its own, as another process may.
struct Beside<'a>(&'a (dyn Fn() + Sync));

impl CountFaces for Beside<'_> {
    fn identity(&self) -> String {
        "one".into()
    }

    fn count(&self, _: &[u8]) -> Result<usize, String> {
        (self.0)();
        Ok(2)
    }
}

#[test]
fn concurrent_audits_lose_no_results() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache/faces.csv");
    let [own, other] = [[2u8], [4]].map(|bytes| {
        let path = folder.path().join(bytes[0].to_string());
        fs::write(&path, bytes).unwrap();
        [(ContentHash::of(&bytes), path)]
    });
    let eyes = || Eyes("one", AtomicUsize::new(0));
    let beside = || drop(faces_of(&other, &eyes(), &cache, &Silent).unwrap());
    faces_of(&own, &Beside(&beside), &cache, &Silent).unwrap();
    let found = faces_of(&[own, other].concat(), &eyes(), &cache, &Silent).unwrap();
    assert_eq!(found.into_values().collect::<HashSet<_>>(), HashSet::from([1, 2]), "nothing was looked at again");
}
