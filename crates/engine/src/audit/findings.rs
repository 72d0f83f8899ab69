//! Turns measurements into findings with their images.

use super::Settings;
use super::alike::Alike;
use super::confident::Confidence;
use super::image_statistics::{Hash, ImageStatistics, distance};
use super::near::{Groups, Index};
use super::survey::Image;
use super::{Finding, Kind, Subject, Tally};
use faceprobe_core::dataset::crops::picture_of;
use faceprobe_core::dataset::decisions::Decisions;
use faceprobe_core::dataset::{ContentHash, Manifest, Split};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Images shown of a finding about many.
const SHOWN: usize = 6;

/// Images whose near ones are looked up at once.
const BLOCK: usize = 512;

/// All images, grouped by content.
pub(super) struct Gallery<'a> {
    images: &'a [Image],
    classes: &'a [String; 2],
    decisions: &'a Decisions,
    /// Images with the same bytes, by hash; hashes are in the order of their first images.
    copies: Vec<(ContentHash, Vec<usize>)>,
    position: HashMap<ContentHash, usize>,
}

impl<'a> Gallery<'a> {
    pub(super) fn new(images: &'a [Image], classes: &'a [String; 2], decisions: &'a Decisions) -> Self {
        let mut position: HashMap<ContentHash, usize> = HashMap::new();
        let mut copies: Vec<(ContentHash, Vec<usize>)> = Vec::new();
        for (at, image) in images.iter().enumerate() {
            let place = *position.entry(image.hash).or_insert_with(|| {
                copies.push((image.hash, Vec::new()));
                copies.len() - 1
            });
            copies[place].1.push(at);
        }
        Self { images, classes, decisions, copies, position }
    }

    /// The distinct contents, in the order in which everything here counts them.
    pub(super) fn unique(&self) -> impl Iterator<Item = &ContentHash> {
        self.copies.iter().map(|(hash, _)| hash)
    }

    /// The image that represents a content: one that is in a split, where there is one.
    fn face(&self, place: usize) -> usize {
        let all = &self.copies[place].1;
        all.iter().copied().find(|&at| self.images[at].split.is_some()).unwrap_or(all[0])
    }

    fn subject(&self, at: usize) -> Subject {
        let image = &self.images[at];
        Subject {
            source: image.source.clone(),
            path: image.path.clone(),
            file: image.file.display().to_string(),
            label: self.classes[image.class].clone(),
            split: image.split.map(|split| split.name().to_owned()),
            hash: image.hash.to_string(),
            decision: self.decisions.get(&image.hash).map(|decision| decision.word().to_owned()),
        }
    }

    fn finding(&self, kind: Kind, measure: f64, detail: String, all: &[usize]) -> Finding {
        let splits: BTreeSet<Split> = all.iter().filter_map(|&at| self.images[at].split).collect();
        let images = all.iter().take(SHOWN).map(|&at| self.subject(at)).collect();
        Finding { kind, detail, measure, across_splits: splits.len() > 1, count: all.len(), images, suggestion: None }
    }

    fn labels(&self, all: &[usize]) -> usize {
        all.iter().map(|&at| self.images[at].class).collect::<BTreeSet<usize>>().len()
    }

    /// Files with the same bytes.
    pub(super) fn exact(&self) -> Vec<Finding> {
        let several = self.copies.iter().filter(|(_, all)| all.len() > 1);
        several
            .map(|(_, all)| {
                let count = all.len();
                match self.labels(all) {
                    1 => self.finding(Kind::ExactDuplicate, 0.0, format!("{count} files with the same bytes"), all),
                    _ => {
                        let detail = format!("{count} files with the same bytes and different labels");
                        self.finding(Kind::ContradictingLabels, 0.0, detail, all)
                    }
                }
            })
            .collect()
    }

    /// Subjects with two labels, and subjects in two splits.
    pub(super) fn subjects(&self) -> Vec<Finding> {
        let mut people: BTreeMap<(&str, &str), Vec<usize>> = BTreeMap::new();
        for (at, image) in self.images.iter().enumerate() {
            if let Some(subject) = &image.subject {
                people.entry((&image.source, subject)).or_default().push(at);
            }
        }
        let mut found = Vec::new();
        for ((_, subject), all) in people {
            if self.labels(&all) > 1 {
                let of = |class: usize| all.iter().filter(|&&at| self.images[at].class == class).count();
                let (first, second) = (of(0), of(1));
                let detail = format!("{subject}: {first} {}, {second} {}", self.classes[0], self.classes[1]);
                // The images of the rarer label are the ones to check.
                let mut ordered = all.clone();
                let rarer = usize::from(second < first);
                ordered.sort_by_key(|&at| (self.images[at].class != rarer, at));
                found.push(self.finding(Kind::SubjectLabels, first.min(second) as f64, detail, &ordered));
            }
            let mut counts: BTreeMap<Split, usize> = BTreeMap::new();
            for split in all.iter().filter_map(|&at| self.images[at].split) {
                *counts.entry(split).or_default() += 1;
            }
            if counts.len() > 1 {
                let parts: Vec<String> =
                    counts.iter().map(|(split, count)| format!("{count} {}", split.name())).collect();
                let mut within: Vec<usize> =
                    all.iter().copied().filter(|&at| self.images[at].split.is_some()).collect();
                // Shows some of each split.
                let mut seen: BTreeMap<Option<Split>, usize> = BTreeMap::new();
                within.sort_by_cached_key(|&at| {
                    let rank = seen.entry(self.images[at].split).or_default();
                    *rank += 1;
                    (*rank, at)
                });
                let detail = format!("{subject}: {}", parts.join(", "));
                found.push(self.finding(Kind::SubjectAcrossSplits, within.len() as f64, detail, &within));
            }
        }
        found
    }

    /// Images that are too small, too dark or too low in contrast.
    pub(super) fn pictures(
        &self,
        statistics: &BTreeMap<ContentHash, ImageStatistics>,
        settings: &Settings,
    ) -> Vec<Finding> {
        let mut found = Vec::new();
        for (place, (hash, _)) in self.copies.iter().enumerate() {
            let Some(statistics) = statistics.get(hash) else { continue };
            let mut add =
                |kind, measure: f64, detail| found.push(self.finding(kind, measure, detail, &[self.face(place)]));
            let side = statistics.width.min(statistics.height);
            if side < settings.min_side {
                add(Kind::TooSmall, f64::from(side), format!("{} x {} pixels", statistics.width, statistics.height));
            }
            if statistics.light < settings.light {
                add(Kind::TooDark, f64::from(statistics.light), format!("mean luma {:.0} of 255", statistics.light));
            } else if statistics.contrast < settings.contrast {
                let detail = format!("standard deviation of the luma {:.0} of 255", statistics.contrast);
                add(Kind::Flat, f64::from(statistics.contrast), detail);
            }
        }
        found
    }

    /// Contents with similar hashes, mirror images included. Flat images are left out, since they are similar to
    /// everything. Joins them in `groups`.
    pub(super) fn near(
        &self,
        hashes: &[Hash],
        statistics: &BTreeMap<ContentHash, ImageStatistics>,
        index: &Index<'_>,
        bits: u32,
        groups: &mut Groups,
    ) -> Vec<Finding> {
        let plain =
            |place: usize| statistics.get(&self.copies[place].0).filter(|statistics| statistics.contrast >= 6.0);
        // Of each image those that come after it, with how far apart they are; straight where they are near either way.
        let later = |place: usize| -> BTreeMap<usize, (u32, bool)> {
            let Some(own) = plain(place) else { return BTreeMap::new() };
            let mut found = BTreeMap::new();
            for (hash, mirrored) in [(own.mirrored, true), (own.hash, false)] {
                let near =
                    index.near(&hash, bits).into_iter().filter(|other| *other > place && plain(*other).is_some());
                found.extend(near.map(|other| (other, (distance(&hash, &hashes[other]), mirrored))));
            }
            found
        };
        let mut own = Groups::new(hashes.len());
        let mut nearest: Vec<Option<(u32, bool)>> = Vec::with_capacity(hashes.len());
        // A block at a time: where all images are alike, all pairs would fill the memory.
        for first in (0..hashes.len()).step_by(BLOCK) {
            let block: Vec<_> =
                (first..hashes.len().min(first + BLOCK)).into_par_iter().map(|place| (place, later(place))).collect();
            for (place, found) in block {
                for &other in found.keys() {
                    groups.join(place, other);
                    own.join(place, other);
                }
                nearest.push(found.into_values().min());
            }
        }
        own.several()
            .into_iter()
            .map(|group| {
                let (bits, mirrored) = group.iter().filter_map(|place| nearest[*place]).min().unwrap_or_default();
                let how = if mirrored { " mirrored" } else { "" };
                let detail = format!("{} pictures, hashes{how} {bits} of 256 bits apart", group.len());
                self.about(&group, Kind::NearDuplicate, f64::from(bits), detail)
            })
            .collect()
    }

    /// A finding about different contents; with different labels it is a contradiction.
    fn about(&self, places: &[usize], kind: Kind, measure: f64, detail: String) -> Finding {
        let all: Vec<usize> = places.iter().map(|&place| self.face(place)).collect();
        let contradicts = self.labels(&all) > 1 && kind == Kind::NearDuplicate;
        let kind = if contradicts { Kind::ContradictingLabels } else { kind };
        let detail = if contradicts { format!("{detail}, different labels") } else { detail };
        self.finding(kind, measure, detail, &all)
    }

    /// Pairs of samples with similar features whose hashes are not similar already. Joins them in `groups`.
    pub(super) fn alike(&self, keys: &[ContentHash], alike: &mut Alike, groups: &mut Groups) -> Vec<Finding> {
        let mut found = Vec::new();
        let place = |at: usize| self.position.get(&keys[at]).copied();
        for &(a, b, cosine) in &alike.pairs {
            let (Some(a), Some(b)) = (place(a), place(b)) else { continue };
            if groups.of(a) == groups.of(b) {
                continue;
            }
            let detail = format!("cosine {cosine:.3}");
            found.push(self.about(&[a, b], Kind::Alike, f64::from(cosine), detail));
        }
        for at in 0..keys.len() {
            if let (Some(a), Some(b)) = (place(alike.groups.of(at)), place(at)) {
                groups.join(a, b);
            }
        }
        found
    }

    /// For each sample the number of its fold group, which must not be split over folds: a subject, or an image in
    /// several versions.
    pub(super) fn sample_groups(&self, keys: &[ContentHash], groups: &mut Groups) -> Vec<usize> {
        let mut person: HashMap<(&str, &str), usize> = HashMap::new();
        for (place, (_, all)) in self.copies.iter().enumerate() {
            for &at in all {
                if let Some(subject) = &self.images[at].subject {
                    let first = *person.entry((&self.images[at].source, subject)).or_insert(place);
                    groups.join(first, place);
                }
            }
        }
        keys.iter()
            .enumerate()
            .map(|(at, key)| match self.position.get(key) {
                Some(&place) => groups.of(place),
                // An image that was removed since the preparation is a group of its own.
                None => self.copies.len() + at,
            })
            .collect()
    }

    /// Samples whose label is likely wrong or at least doubtful, the most suspicious first; the reader decides where to
    /// stop. `confidence` has one entry for each of `judged`.
    pub(super) fn label_errors(&self, manifest: &Manifest, judged: &[usize], confidence: &Confidence) -> Vec<Finding> {
        let mut found = Vec::new();
        for (entry, &at) in judged.iter().enumerate() {
            if !(confidence.suspicious[entry] || confidence.doubtful[entry]) {
                continue;
            }
            let sample = &manifest.samples[at];
            let Some(&place) = self.position.get(&picture_of(sample)) else { continue };
            let suggestion = manifest.classes[1 - sample.class].clone();
            let quality = confidence.quality[entry];
            let detail = format!("labelled {}, confidence in it {quality:.3}", manifest.classes[sample.class]);
            let face = self.face(place);
            let mut finding = self.finding(Kind::LabelError, quality, detail, &[face]);
            finding.suggestion = Some(suggestion);
            found.push(finding);
        }
        found
    }

    /// Maps each content to the representative of its group of near-duplicates.
    pub(super) fn same_pictures(&self, groups: &mut Groups) -> BTreeMap<ContentHash, ContentHash> {
        let mut first: HashMap<usize, ContentHash> = HashMap::new();
        let of: Vec<usize> = (0..self.copies.len()).map(|place| groups.of(place)).collect();
        for (&group, hash) in of.iter().zip(self.unique()) {
            first.entry(group).and_modify(|first| *first = *hash.min(first)).or_insert(*hash);
        }
        of.iter().zip(self.unique()).filter_map(|(group, hash)| Some((*hash, *first.get(group)?))).collect()
    }

    /// Contents without a face.
    pub(super) fn without_face(&self, faces: &BTreeMap<ContentHash, usize>) -> Vec<Finding> {
        let without = self.copies.iter().enumerate().filter(|(_, (hash, _))| faces.get(hash) == Some(&0));
        without.map(|(place, _)| self.finding(Kind::NoFace, 0.0, "no face".into(), &[self.face(place)])).collect()
    }
}

/// Counts findings by kind and sorts them: by kind, where it matters those across splits first, then by measure.
pub(super) fn arrange(mut found: Vec<Finding>) -> (Vec<Tally>, Vec<Finding>) {
    found.sort_by(|a, b| {
        let ascending = !matches!(a.kind, Kind::Alike | Kind::SubjectLabels | Kind::SubjectAcrossSplits);
        let measure = if ascending { a.measure.total_cmp(&b.measure) } else { b.measure.total_cmp(&a.measure) };
        let name = |finding: &Finding| finding.images.first().map(|image| (image.source.clone(), image.path.clone()));
        (a.kind, !a.across_splits).cmp(&(b.kind, !b.across_splits)).then(measure).then_with(|| name(a).cmp(&name(b)))
    });
    let tally = |kind: Kind| {
        let own: Vec<&Finding> = found.iter().filter(|finding| finding.kind == kind).collect();
        (!own.is_empty()).then(|| Tally {
            kind,
            explanation: kind.explanation().into(),
            count: own.len(),
            across_splits: own.iter().filter(|finding| finding.across_splits).count(),
            settled: own.iter().filter(|finding| finding.settled()).count(),
        })
    };
    let tallies = Kind::ALL.into_iter().filter_map(tally).collect();
    found.retain(|finding| !finding.settled());
    (tallies, found)
}
