//! Interprets labels: which spellings mean the same, and which two classes the labels of a source form.

use super::number;
use super::sample::Split;
use crate::text::excerpt;
use std::collections::BTreeMap;
use std::fmt;
use unicode_normalization::UnicodeNormalization;

/// The classes of every gender data set; index 1 is the positive class.
pub fn genders() -> [String; 2] {
    ["female".into(), "male".into()]
}

/// Normalises a text: case, whitespace, and Unicode compatibility forms (NFKC, which makes a no-break space a space and
/// full-width letters letters).
pub fn normal(text: &str) -> String {
    let spaced = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.is_ascii() {
        return spaced(&text.to_ascii_lowercase());
    }
    // Invisible characters: soft hyphens, zero-width characters, direction marks, variation selectors.
    let unseen = |c: &char| matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}');
    // Through upper case, so that a sharp s becomes two.
    let folded: String = text.nfkc().filter(|c| !unseen(c)).collect::<String>().to_uppercase().to_lowercase();
    spaced(&folded.nfkc().collect::<String>())
}

/// None for the ways of writing an unknown value.
pub fn known(value: &str) -> Option<String> {
    let unknown =
        matches!(&*normal(value), "" | "none" | "nan" | "na" | "n/a" | "<na>" | "#n/a" | "null" | "unknown" | "?");
    (!unknown).then(|| value.to_owned())
}

/// The index in [`genders`] of a label in one of the usual spellings.
pub fn gender_class(label: &str) -> Option<usize> {
    match &*normal(label) {
        "f" | "female" | "woman" | "women" => Some(0),
        "m" | "male" | "man" | "men" => Some(1),
        _ => None,
    }
}

/// The same for further words. They are classes of their own besides those of [`gender_class`], but synonyms form one
/// class.
fn gender_meant(normal: &str) -> Option<usize> {
    match normal {
        "females" | "lady" | "ladies" | "w" | "weiblich" | "frau" | "frauen" | "femme" | "femmes" | "féminin"
        | "feminin" | "mujer" | "mujeres" | "femenino" | "femenina" | "donna" | "donne" | "femmina" | "femminile"
        | "mulher" | "mulheres" | "feminino" | "vrouw" | "vrouwen" | "女" | "女性" => Some(0),
        "males" | "gentleman" | "gentlemen" | "männlich" | "maennlich" | "mann" | "männer" | "homme" | "hommes"
        | "masculin" | "hombre" | "hombres" | "masculino" | "uomo" | "uomini" | "maschio" | "maschile" | "homem"
        | "homens" | "mannen" | "男" | "男性" => Some(1),
        _ => gender_class(normal),
    }
}

/// The split with this name, as a folder or in the column `split`.
pub fn split(name: &str) -> Option<Split> {
    match &*normal(name) {
        "train" | "training" => Some(Split::Train),
        "val" | "valid" | "validation" | "dev" => Some(Split::Val),
        "test" | "testing" => Some(Split::Test),
        _ => None,
    }
}

/// The meaning of a label.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Meaning {
    Gender(usize),
    Number(String),
    Word(String),
}

impl Meaning {
    fn of(label: &str) -> Self {
        let normal = normal(label);
        match (gender_meant(&normal), number::canonical(&normal)) {
            (Some(gender), _) => Self::Gender(gender),
            (None, Some(number)) => Self::Number(number),
            (None, None) => Self::Word(normal),
        }
    }
}

/// The two classes of a source's labels.
#[derive(Debug, PartialEq, Eq)]
pub struct Classes {
    /// Index 1 is the positive class: male for genders, else the alphabetically later one.
    pub names: [String; 2],
    of: BTreeMap<String, usize>,
    /// A note about labels that were merged into one class.
    pub note: Option<String>,
}

impl Classes {
    /// The class of a label; none for an unknown one.
    pub fn of(&self, label: &str) -> Option<usize> {
        self.of.get(label).copied()
    }
}

/// Why labels do not form two classes.
#[derive(Debug, PartialEq, Eq)]
pub enum NoClasses {
    /// Every label is empty or unknown.
    Unknown,
    /// There is only one label.
    One(String),
    /// Two or more labels with the same meaning.
    Same(String, String),
    /// More than two, or a gender in several spellings together with another label.
    Many(Vec<String>),
}

impl fmt::Display for NoClasses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("none that is known"),
            Self::One(label) => write!(f, "1 ({})", excerpt(label)),
            Self::Same(first, second) => {
                write!(f, "1 in two spellings: '{}' and '{}' mean the same class", excerpt(first), excerpt(second))
            }
            Self::Many(labels) => {
                let some: Vec<String> = labels.iter().take(6).map(|label| excerpt(label)).collect();
                let more = if labels.len() > some.len() { ", …" } else { "" };
                write!(f, "{} ({}{more})", labels.len(), some.join(", "))
            }
        }
    }
}

/// The classes of known labels; `counts` has the number of rows for each label.
///
/// Gender labels in the usual English words become `female` and `male`, whatever other labels there are (those are then
/// unknown genders); this includes a single gender. Otherwise there must be two meanings, and a class is named by its
/// most frequent spelling.
pub fn classes(counts: &BTreeMap<String, usize>) -> Result<Classes, NoClasses> {
    let labels = || counts.keys().cloned();
    let usual: BTreeMap<String, usize> = labels()
        .filter_map(|label| Some((gender_class(&label)?, label)))
        .map(|(class, label)| (label, class))
        .collect();
    let both = [0, 1].iter().all(|gender| usual.values().any(|class| class == gender));
    if both || (usual.len() == 1 && counts.len() == 1) {
        return Ok(Classes { names: genders(), of: usual, note: None });
    }
    let mut meanings: BTreeMap<Meaning, Vec<String>> = BTreeMap::new();
    for label in labels() {
        meanings.entry(Meaning::of(&label)).or_default().push(label);
    }
    let groups: Vec<(&Meaning, &Vec<String>)> = meanings.iter().collect();
    match &groups[..] {
        [] => Err(NoClasses::Unknown),
        [(_, spellings)] => Err(match &spellings[..] {
            [first, second, ..] => NoClasses::Same(first.clone(), second.clone()),
            _ => NoClasses::One(spellings.concat()),
        }),
        [(Meaning::Gender(_), first), (Meaning::Gender(_), second)] => {
            // Female sorts first.
            let as_written = [first, second].iter().all(|spellings| spellings.len() == 1);
            let names = if as_written { [first[0].clone(), second[0].clone()] } else { genders() };
            Ok(named(names, [first, second]))
        }
        [(a, first), (b, second)]
            if first.len() + second.len() == 2 || ![a, b].iter().any(|m| matches!(m, Meaning::Gender(_))) =>
        {
            let mut pairs = [(usual_spelling(first, counts), *first), (usual_spelling(second, counts), *second)];
            pairs.sort();
            let [(first_name, first), (second_name, second)] = pairs;
            Ok(named([first_name, second_name], [first, second]))
        }
        _ => Err(NoClasses::Many(labels().collect())),
    }
}

/// The most frequent spelling; ties go to the alphabetically first.
fn usual_spelling(spellings: &[String], counts: &BTreeMap<String, usize>) -> String {
    let rows = |label: &String| counts.get(label).copied().unwrap_or_default();
    let most = spellings.iter().map(rows).max().unwrap_or_default();
    spellings.iter().find(|label| rows(label) == most).cloned().unwrap_or_default()
}

fn named(names: [String; 2], spellings: [&Vec<String>; 2]) -> Classes {
    let several = names.iter().zip(spellings).filter(|(_, spellings)| spellings.len() > 1).map(|(name, spellings)| {
        let quoted: Vec<String> = spellings.iter().take(6).map(|label| format!("'{}'", excerpt(label))).collect();
        format!("{} are read as the class {}", quoted.join(", "), excerpt(name))
    });
    let note: Vec<String> = several.collect();
    let of = [0, 1].into_iter().flat_map(|class| spellings[class].iter().map(move |label| (label.clone(), class)));
    Classes { of: of.collect(), note: (!note.is_empty()).then(|| format!("{}.", note.join("; "))), names }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(labels: &[&str]) -> Result<Classes, NoClasses> {
        classes(&labels.iter().map(|label| ((*label).to_owned(), 1)).collect())
    }

    #[test]
    fn spellings_of_one_class_are_no_two_classes() {
        let pairs = [
            ["Men", "male"],
            ["m", "M "],
            ["1", "1.0"],
            ["yes", "YES"],
            ["01", "1"],
            ["no glasses", "no\u{a0}glasses"],
            ["Zoë", "Zoe\u{308}"],
            ["Straße", "STRASSE"],
            ["ｍａｌｅ", "male"],
            ["Frauen", "w"],
            ["Homme", "männlich"],
            ["a\u{200b}", "A"],
        ];
        for [first, second] in pairs {
            assert!(matches!(of(&[first, second]), Err(NoClasses::Same(..))), "{first} {second}");
        }
        assert!(of(&["Men", "male"]).unwrap_err().to_string().contains("'Men' and 'male'"));
    }

    #[test]
    fn two_meanings_are_two_classes() {
        let named = |labels: &[&str]| of(labels).unwrap().names.join("|");
        assert_eq!(named(&["F", "Men", "male", "cat", "dog"]), "female|male");
        assert_eq!(named(&["woman"]), "female|male");
        assert_eq!(named(&["dog", "cat"]), "cat|dog");
        assert_eq!(named(&["girl", "woman"]), "girl|woman");
        assert_eq!(named(&["-1", "1"]), "-1|1");
        assert_eq!(named(&["männlich", "weiblich"]), "weiblich|männlich");
        assert_eq!(named(&["m", "w", "Frau"]), "female|male");
        assert_eq!(named(&["male", "other"]), "male|other");
        let merged =
            classes(&[("yes", 3), ("YES", 5), ("no", 2)].map(|(label, n)| (label.to_owned(), n)).into()).unwrap();
        assert_eq!((merged.names.join("|"), merged.of("yes"), merged.of("no")), ("YES|no".into(), Some(0), Some(1)));
        assert!(merged.note.unwrap().contains("'YES', 'yes' are read as the class YES"));
        assert_eq!(of(&["f", "m", "u"]).unwrap().of("u"), None);
        assert!(matches!(of(&["1", "2", "3"]), Err(NoClasses::Many(_))));
        assert!(matches!(of(&["male", "Men", "u"]), Err(NoClasses::Many(_))));
        assert_eq!(of(&[]), Err(NoClasses::Unknown));
        assert_eq!(of(&["glasses"]), Err(NoClasses::One("glasses".into())));
    }

    #[test]
    fn unknown_values_and_splits_are_told_in_any_spelling() {
        for value in ["", " ", "NaN", "None", "<NA>", "#N/A", "n/a", "\u{a0}unknown ", "?"] {
            assert_eq!(known(value), None, "{value:?}");
        }
        assert_eq!(known(" x").as_deref(), Some(" x"));
        assert_eq!(
            ["TRAIN", " Valid", "testing", "holdout"].map(split),
            [Some(Split::Train), Some(Split::Val), Some(Split::Test), None]
        );
    }
}
