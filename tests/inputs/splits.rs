//! Folders and columns of splits, and splits with one class or none.

use crate::program;
use crate::{Place, dropped, per_split, usable, warned};

#[test]
fn folders_of_splits_are_splits_and_no_classes() {
    for names in [["train", "val", "test"], ["Training", "valid", "TEST"], ["TRAIN", "dev", "testing"]] {
        let place = Place::new();
        for (at, name) in (0..).zip(names) {
            place.pictures(&format!("tree/{name}/women"), 4 - at, 100 * at);
            place.pictures(&format!("tree/{name}/Men"), 4 - at, 50 + 100 * at);
        }
        place.put("tree/train.csv", "path,label\n");
        let report = place.report("folder:tree", &[]);
        assert_eq!(per_split(&report), [[4, 4], [3, 3], [2, 2]], "{names:?}");
        assert_eq!(report["classes"][1], "male");
    }
}

#[test]
fn folders_that_mix_splits_and_classes_are_named() {
    let place = Place::new();
    for folder in ["one/train", "one/female", "two/train", "two/test"] {
        place.pictures(folder, 5, folder.len() as u32 * 100);
    }
    assert!(place.prepare("folder:one", &[]).expect_err("refused").contains("'train' is named as a split"));
    assert!(place.prepare("folder:two", &[]).expect_err("refused").contains("(test, train) are named as splits"));
    // One split is none, and splits below classes are said to be none.
    place.pictures("three/train/f", 5, 2000);
    place.pictures("three/train/m", 5, 2100);
    place.pictures("three/train", 1, 2200);
    let report = place.report("folder:three", &[]);
    assert!(warned(&report, "folder of one split") && usable(&report) == [5, 5], "{report:#}");
    assert_eq!(dropped(&report, "no_class"), 1);
    for (at, folder) in (0..).zip(["f/train", "f/test", "m/train", "m/test"]) {
        place.pictures(&format!("four/{folder}"), 5, 3000 + 100 * at);
    }
    let report = place.report("folder:four", &[]);
    assert!(warned(&report, "(test, train) lie below") && per_split(&report) == [[6, 6], [2, 2], [2, 2]], "{report:#}");
}

/// A set with these splits of women and of men.
fn divided(women: &[&str], men: &[&str]) -> Place {
    let place = Place::new();
    place.pictures("f", women.len() as u32, 0);
    place.pictures("m", men.len() as u32, 100);
    let mut text = "path,label,split\n".to_owned();
    women.iter().enumerate().for_each(|(n, split)| text += &format!("f/{n}.jpg,f,{split}\n"));
    men.iter().enumerate().for_each(|(n, split)| text += &format!("m/{n}.jpg,m,{split}\n"));
    place.put("labels.csv", text);
    place
}

#[test]
fn splits_are_read_by_name_and_number_and_strange_ones_cost_no_row() {
    for names in [["train", "val", "test"], ["0", "1", "2"], ["0.0", "1.0", "2.0"], [" Train", "VALID", "testing"]] {
        let rows = [names[0], names[0], names[0], names[1], names[2]];
        let report = divided(&rows, &rows).report("csv:labels.csv", &[]);
        assert_eq!(per_split(&report), [[3, 3], [1, 1], [1, 1]], "{names:?}");
    }
    let rows = ["train", "train", "val", "test", "holdout"];
    let place = divided(&rows, &rows);
    let report = place.report("csv:labels.csv", &[]);
    assert_eq!((usable(&report), dropped(&report, "not_sampled")), ([5, 5], 2));
    assert!(
        warned(&report, "2 rows says none of train, val and test") && warned(&report, "line 6: 'holdout'"),
        "{report:#}"
    );
    assert_eq!(per_split(&place.report("csv:labels.csv", &["--split", "random"])), [[3, 3], [1, 1], [1, 1]]);
}

#[test]
fn a_split_without_a_class_is_named_wherever_it_matters() {
    let both = ["train", "train", "train", "train", "val", "test"];
    for (women, men, lacks) in [
        (&["train", "train", "train", "train", "test"][..], &both[..], "The val split has no female image"),
        (&both, &["train", "train", "train", "train", "val"], "The test split has no male image"),
        (&["train", "test"], &["train", "test"], "The val split has no image"),
        (&["val", "test"], &both, "The train split has no female image"),
    ] {
        let report = divided(women, men).report("csv:labels.csv", &[]);
        assert!(warned(&report, lacks), "{lacks}: {report:#}");
    }
    // Nothing is trained where nothing can be chosen; the cause is named, not pictures that cannot be read.
    let train = |place: &Place| {
        program::run(&place.workspace(), &["train", "benchmark", "--quiet", "--data", "set", "--epochs", "1"])
    };
    let place = divided(&["train", "test"], &["train", "test"]);
    place.report("csv:labels.csv", &[]);
    let said = String::from_utf8_lossy(&train(&place).stderr).into_owned();
    assert!(said.contains("The val split has no image in set"), "{said}");

    let place = divided(&["train", "train", "train", "test"], &both);
    place.report("csv:labels.csv", &[]);
    let output = train(&place);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let figures = program::json(&place.workspace(), &["evaluate", "benchmark-1", "--json"]);
    let female = &figures["figures"][0]["classes"][0];
    assert_eq!((female["support"].as_u64(), female["recall"].is_null(), female["f1"].is_null()), (Some(0), true, true));
    assert!(female["precision"].is_null() && figures["figures"][0]["average_precision"].is_null(), "{figures:#}");
    assert!(figures["validation"]["calibration"].is_null());
    for criterion in ["youden", "eer"] {
        let output = program::run(&place.workspace(), &["choose", "benchmark-1", "--threshold", criterion]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("The val split has no female image"), "{criterion}: {said}");
    }
}
