//! The plan of a sample: subjects, pictures and label rows, with the planned damage. Touches no file.

use super::SampleSettings;
use super::draws::Draws;
use super::person::{AGE_GROUPS, Person};
use super::scene::Scene;
use std::collections::BTreeMap;

/// The amount of each kind of damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Defects {
    /// Rows with gender `u`, and rows with an empty gender; their pictures are there.
    pub unknown: usize,
    pub empty: usize,
    /// Rows that occur a second time in the same fold file.
    pub repeated: usize,
    /// Labelled rows whose picture was never written.
    pub missing: usize,
    /// Pictures cut off while they were written, files of no bytes, and texts called `.jpg`.
    pub truncated: usize,
    pub hollow: usize,
    pub text: usize,
    /// Pictures that lie there a second time under another name with the same label, byte for byte.
    pub duplicates: usize,
    /// Pairs of equal files, one labelled `f`, one `m`.
    pub contradictions: usize,
    /// Usable rows with age `None`, with a bare number such as `35`, and with the damaged group `(25, 23)`.
    pub age_none: usize,
    pub age_number: usize,
    pub age_swapped: usize,
    /// Usable rows of each class whose label is wrong.
    pub flipped_per_class: usize,
}

impl Defects {
    /// The damage of a sample of `images` pictures, in the proportions of Adience where it has them.
    pub fn of(images: usize) -> Self {
        let one_in = |share: usize| (images / share).max(1);
        Self {
            unknown: one_in(25),
            empty: one_in(30),
            repeated: one_in(80),
            missing: one_in(60),
            truncated: one_in(250),
            hollow: one_in(500),
            text: one_in(500),
            duplicates: one_in(150),
            contradictions: 1,
            age_none: one_in(25),
            age_number: one_in(40),
            age_swapped: one_in(100),
            flipped_per_class: images / 50,
        }
    }
}

/// What is in a picture's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    Whole,
    Truncated,
    Hollow,
    Text,
}

/// One image file.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Picture {
    /// Relative to the sample's folder.
    pub path: String,
    /// Index into [`Plan::people`].
    pub person: usize,
    /// Number of the scene; the same person in the same scene is the same file.
    pub scene: u64,
    pub content: Content,
}

/// The whole sample.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Plan {
    pub people: Vec<Person>,
    pub pictures: Vec<Picture>,
    /// The label rows of the five fold files: twelve tab-separated columns without the line end.
    pub folds: [Vec<String>; 5],
}

/// A picture of one subject before it has a user, a fold and a name.
#[derive(Clone)]
struct Entry {
    person: usize,
    scene: u64,
    gender: &'static str,
    age: String,
    content: Content,
    written: bool,
    repeated: bool,
}

const GENDERS: [&str; 2] = ["f", "m"];

/// Lays out the sample; the same settings give the same plan.
pub(super) fn plan(settings: &SampleSettings) -> Plan {
    let defects = Defects::of(settings.images);
    let mut cast = Cast { seed: settings.seed, people: Vec::new(), entries: Vec::new() };
    let usable = cast.usable(settings.usable());
    damage_labels(&mut cast, usable, &defects);
    cast.damaged(usable, &defects);
    let Cast { people, entries, .. } = cast;
    laid_out(settings.seed, people, entries)
}

/// The subjects and their pictures while they are made up.
struct Cast {
    seed: u64,
    people: Vec<Person>,
    entries: Vec<Entry>,
}

impl Cast {
    /// `count` pictures, half of each class, one to five per subject. Returns how many were made.
    fn usable(&mut self, count: usize) -> usize {
        let draws = &mut Draws::of(self.seed, "cast", 0);
        let mut left = [count / 2; 2];
        while left != [0, 0] {
            for (class, left) in left.iter_mut().enumerate() {
                if *left > 0 {
                    let pictures = (1 + draws.below(5)).min(*left);
                    *left -= pictures;
                    self.subject(class, pictures);
                }
            }
        }
        self.entries.len()
    }

    fn subject(&mut self, class: usize, pictures: usize) {
        let person = self.people.len();
        self.people.push(Person::of(self.seed, person as u64, class));
        for _ in 0..pictures {
            self.entries.push(Entry {
                person,
                scene: self.entries.len() as u64,
                gender: GENDERS[class],
                age: AGE_GROUPS[self.people[person].age_group].0.to_string(),
                content: Content::Whole,
                written: true,
                repeated: false,
            });
        }
    }

    /// The pictures that preparation has to drop, on top of the usable ones, each of a subject of its own.
    fn damaged(&mut self, usable: usize, defects: &Defects) {
        type Damage = fn(&mut Entry);
        let kinds: [(usize, Damage); 6] = [
            (defects.unknown, |entry| entry.gender = "u"),
            (defects.empty, |entry| entry.gender = ""),
            (defects.missing, |entry| entry.written = false),
            (defects.truncated, |entry| entry.content = Content::Truncated),
            (defects.hollow, |entry| entry.content = Content::Hollow),
            (defects.text, |entry| entry.content = Content::Text),
        ];
        for (count, damage) in kinds {
            for i in 0..count {
                self.subject(i % 2, 1);
                if let Some(entry) = self.entries.last_mut() {
                    damage(entry);
                }
            }
        }
        let chosen = Draws::of(self.seed, "duplicates", 0).order(usable);
        for &original in chosen.iter().take(defects.duplicates) {
            self.entries.push(self.entries[original].clone());
        }
        for &original in chosen.iter().rev().take(defects.repeated) {
            self.entries[original].repeated = true;
        }
        for i in 0..defects.contradictions {
            self.subject(i % 2, 1);
            if let Some(mut twin) = self.entries.last().cloned() {
                twin.gender = GENDERS[(i + 1) % 2];
                self.entries.push(twin);
            }
        }
    }
}

/// Wrong labels, as many in each class so that the classes stay equal, and odd ages.
fn damage_labels(cast: &mut Cast, usable: usize, defects: &Defects) {
    let mut flipped = [0; 2];
    for item in Draws::of(cast.seed, "flips", 0).order(usable) {
        let class = cast.people[cast.entries[item].person].class;
        if flipped[class] < defects.flipped_per_class {
            flipped[class] += 1;
            cast.entries[item].gender = GENDERS[1 - class];
        }
    }
    let draws = &mut Draws::of(cast.seed, "ages", 0);
    let mut left = (defects.age_swapped, defects.age_none, defects.age_number);
    for item in draws.order(usable) {
        let entry = &mut cast.entries[item];
        if left.0 > 0 && entry.age == "(25, 32)" {
            left.0 -= 1;
            entry.age = "(25, 23)".into();
        } else if left.1 > 0 {
            left.1 -= 1;
            entry.age = "None".into();
        } else if left.2 > 0 {
            left.2 -= 1;
            // The stray numbers that Adience has.
            entry.age = draws.pick(&["35", "13", "22", "34", "23", "45", "55"]).into();
        }
    }
}

/// Deals the subjects to users and the users to folds, and names the files.
fn laid_out(seed: u64, people: Vec<Person>, entries: Vec<Entry>) -> Plan {
    let draws = &mut Draws::of(seed, "users", 0);
    let mut user_of = vec![0; people.len()];
    let (mut user, mut room) = (0, 2);
    for person in draws.order(people.len()) {
        if room == 0 {
            user += 1;
            room = 1 + draws.below(4);
        }
        room -= 1;
        user_of[person] = user;
    }
    // Within a fold file the rows are ordered by user and picture, as they are in Adience.
    let mut rows: BTreeMap<(usize, usize), String> = BTreeMap::new();
    let mut again: Vec<(usize, String)> = Vec::new();
    let mut pictures = Vec::new();
    for (number, entry) in entries.iter().enumerate() {
        let user = user_of[entry.person];
        // Nothing in the name may tell damaged pictures from whole ones, so it is not the plain running number.
        let original = format!("drawing-{:010x}_o.jpg", Draws::of(seed, "name", number as u64).bits() >> 24);
        let user_name = format!("synthetic-{user:04}@N00");
        let face = entry.person + 1;
        let row = row(seed, entry, &user_name, &original, face);
        if entry.repeated {
            again.push((user % 5, row.clone()));
        }
        rows.insert((user, number), row);
        if entry.written {
            pictures.push(Picture {
                path: format!("faces/{user_name}/coarse_tilt_aligned_face.{face}.{original}"),
                person: entry.person,
                scene: entry.scene,
                content: entry.content,
            });
        }
    }
    let mut folds: [Vec<String>; 5] = Default::default();
    for (&(user, _), row) in &rows {
        folds[user % 5].push(row.clone());
    }
    for (fold, row) in again {
        folds[fold].push(row);
    }
    Plan { people, pictures, folds }
}

/// One row: user, file, face, age, gender, box of the face in the original (x, y, dx, dy), tilt, yaw, score.
fn row(seed: u64, entry: &Entry, user: &str, original: &str, face: usize) -> String {
    let scene = Scene::of(seed, entry.scene);
    let draws = &mut Draws::of(seed, "box", entry.scene);
    let [x, y] = [draws.below(2400), draws.below(1600)];
    let side = 200 + draws.below(1200);
    let tilt = (scene.tilt / 5.0).round() as i32 * 5;
    let yaw = (scene.yaw * 2.0).round() as i32 * 15;
    let (age, gender, score) = (&entry.age, entry.gender, 10 + draws.below(190));
    format!("{user}\t{original}\t{face}\t{age}\t{gender}\t{x}\t{y}\t{side}\t{side}\t{tilt}\t{yaw}\t{score}")
}
