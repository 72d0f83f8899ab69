//! Labels are compared by meaning.

use crate::{Place, dropped, usable, warned};

/// Six pictures of each class, labelled in turns with these.
fn labelled(first: &[&str], second: &[&str]) -> Place {
    let place = Place::new();
    place.pictures("a", 6, 0);
    place.pictures("b", 6, 100);
    let mut text = "path,label\n".to_owned();
    for n in 0..6 {
        text += &format!("a/{n}.jpg,\"{}\"\nb/{n}.jpg,\"{}\"\n", first[n % first.len()], second[n % second.len()]);
    }
    place.put("labels.csv", text);
    place
}

#[test]
fn two_spellings_of_one_class_are_refused_with_the_pair() {
    for [first, second] in [
        ["Women", "female"],
        ["hombre", "Männer"],
        ["m", "M\u{a0}"],
        ["smiling", "SMILING"],
        ["2", "2.0"],
        ["007", "7"],
        ["grey\u{a0}hair", "grey  hair"],
        ["Café", "cafe\u{301}"],
        ["ｙｅｓ", "yes"],
    ] {
        let said = labelled(&[first], &[second]).prepare("csv:labels.csv", &[]).expect_err(first);
        let named = [first, second].iter().filter(|label| said.contains(label.trim())).count();
        assert!(said.contains("mean the same class") && named == 2, "{first}, {second}: {said}");
    }
}

#[test]
fn spellings_of_each_of_two_classes_are_read_as_two() {
    for (first, second, classes) in [
        (&["Female", " f", "WOMEN"][..], &["men", "M", "Male "][..], ["female", "male"]),
        (&["Frau", "weiblich"], &["Mann", "männlich"], ["female", "male"]),
        (&["no", "No", "no"], &["yes", "YES", "yes"], ["no", "yes"]),
        (&["0", "0", "0.0"], &["1", "1", "1.0"], ["0", "1"]),
    ] {
        let report = labelled(first, second).report("csv:labels.csv", &[]);
        assert_eq!(
            (report["classes"][0].as_str(), report["classes"][1].as_str()),
            (Some(classes[0]), Some(classes[1]))
        );
        assert_eq!(usable(&report), [6, 6], "{first:?}");
    }
    let report = labelled(&["no", "No", "no"], &["yes"]).report("csv:labels.csv", &[]);
    assert!(warned(&report, "'No', 'no' are read as the class no"), "{report:#}");
}

#[test]
fn words_besides_the_two_genders_are_unknown() {
    let report = labelled(&["F", "f", "girl"], &["male", "Men", "#N/A"])
        .report("csv:labels.csv", &["--train", "2", "--val", "2", "--test", "2"]);
    assert_eq!((usable(&report), dropped(&report, "unknown_label")), ([4, 4], 4));
}

#[test]
fn folders_are_compared_as_labels_are() {
    for [first, second] in [["male", "Male"], ["Men", "male"], ["Frauen", "women"], ["01", "1"]] {
        let place = Place::new();
        place.pictures(&format!("tree/{first}"), 5, 0);
        place.pictures(&format!("tree/{second}"), 5, 100);
        let said = place.prepare("folder:tree", &[]).expect_err("refused");
        assert!(said.contains(&format!("'{first}'")) && said.contains(&format!("'{second}'")), "{said}");
    }
}
