//! Reading of each layout of labels and images.

use super::*;

#[test]
fn fairface_ages_are_repaired() {
    let place = Place::new();
    let table = |split: &str, offset: u32| {
        let mut text = "\u{feff}file,age,gender,race,service_test\r\n".to_owned();
        for index in 0..6 {
            let age = ["03-Sep", "Oct-19", "more than 70"][index as usize % 3];
            let gender = if index < 3 { "Female" } else { "Male" };
            text += &format!("{split}/{index}.png,{age},{gender},Indian,TRUE\r\n");
            put_picture(&place.at(&format!("fair/{split}/{index}.png")), offset + index);
        }
        put(&place.at(&format!("fair/fairface_label_{split}.csv")), text);
    };
    table("train", 0);
    table("val", 50);
    let report = place.prepare("fairface:fair", None).report;
    assert_accounted(&report);
    assert_eq!(report.rows, 12);
    let ages: Vec<&str> = report.ages.keys().map(String::as_str).collect();
    assert_eq!(ages, ["10-19", "3-9", "more than 70"]);
    assert_eq!(report.splits.iter().map(|split| split.per_class).collect::<Vec<_>>(), [[4, 4], [1, 1], [1, 1]]);
}

#[test]
fn utkface_labels_come_from_file_names() {
    let place = Place::new();
    for index in 0..5u32 {
        put_picture(&place.at(&format!("utk/part1/26_0_2_2017010{index}.jpg.chip.jpg")), index);
        put_picture(&place.at(&format!("utk/part2/7_1_0_2017010{index}.jpg")), 50 + index);
    }
    for name in ["39_1_20170116174525125.jpg.chip.jpg", "53__0_20170116184028385.jpg", "me.jpg", "999_1_0_2.jpg"] {
        put_picture(&place.at(&format!("utk/{name}")), 90);
    }
    put_picture(&place.at("utk/1_3_0_20170109.jpg"), 91);
    put(&place.at("utk/README.txt"), "not an image");
    let report = place.prepare("utkface:utk", None).report;
    assert_accounted(&report);
    assert_eq!((report.rows, dropped(&report, "malformed_row"), dropped(&report, "unknown_label")), (16, 4, 1));
    assert_eq!(examples(&report, "not_an_image"), "README.txt: not an image");
    assert_eq!(report.usable, [5, 5]);
    assert_eq!(report.ages.get("3-9"), Some(&[5, 0]), "class 0 is female, gender 1 there");
    assert_eq!(report.ages.get("20-29"), Some(&[0, 5]));
}

#[test]
fn csv_takes_official_splits_and_absolute_paths() {
    let place = Place::new();
    let root = place.at("csv").canonicalize().unwrap_or_else(|_| {
        fs::create_dir(place.at("csv")).expect("a folder");
        place.at("csv").canonicalize().expect("a path")
    });
    let mut text = "label,path,split,subject,age,fold,remark\n".to_owned();
    for index in 0..12 {
        put_picture(&root.join(format!("sub/{index}.png")), index);
        let label = if index % 2 == 0 { "Woman" } else { "man" };
        let split = ["train", "Training", "validation", "test"][index as usize / 3];
        let path = if index == 0 { root.join("sub/0.png").display().to_string() } else { format!("sub/{index}.png") };
        text += &format!("{label},{path},{split},\"person, {index}\",20s,{},x\n", index % 3);
    }
    text += "man,../outside.png,train,,,,\nman,a.png,holdout,,,,\nman,b.png,train,,,two,\nother,c.png,train,,,,\n";
    put(&root.join("labels.csv"), text);
    let report = place.prepare("csv:csv/labels.csv", None).report;
    assert_accounted(&report);
    assert_eq!((dropped(&report, "malformed_row"), dropped(&report, "unknown_label")), (1, 1));
    // A split or a fold that says nothing costs no row.
    assert_eq!(dropped(&report, "missing_file"), 2);
    let said = |part: &str| report.warnings.iter().any(|warning| warning.contains(part));
    assert!(said("line 15: 'holdout'") && said("line 16: 'two'"), "{:?}", report.warnings);
    assert!(examples(&report, "malformed_row").contains("labels.csv line 14: the path '../outside.png' leaves"));
    let manifest = place.manifest();
    assert_eq!(Split::ALL.map(|split| manifest.split(split).count()), [6, 3, 3]);
    assert!(report.warnings.iter().any(|warning| warning.contains("val split is not balanced: 2 female and 1 male")));
    let first = manifest.samples.iter().find(|sample| sample.path == "sub/0.png").expect("made relative");
    assert_eq!((first.subject.as_deref(), first.age.as_deref(), first.fold), (Some("person, 0"), Some("20s"), Some(0)));
    // Sizes that are asked for win over the official splits.
    let sized = place.prepare("csv:csv/labels.csv", Some([4, 2, 2])).report;
    assert_eq!(sized.splits[0].per_class, [2, 2]);
    assert!(sized.warnings.iter().any(|warning| warning.contains("official splits of the data were not used")));
}

#[test]
fn two_sources_of_one_kind_are_combined() {
    let place = Place::new();
    for index in 0..6 {
        for (folder, offset) in [("one", 0), ("two", 100)] {
            put_picture(&place.at(&format!("{folder}/f/{index}.png")), offset + index);
            put_picture(&place.at(&format!("{folder}/m/{index}.png")), offset + 50 + index);
        }
    }
    put(&place.at("two/SYNTHETIC.txt"), "drawn");
    let settings = place.settings(&["folder:one", "folder:two"], None);
    let report = prepare(&place.workspace, &settings, &Silent).expect("prepared").report;
    assert_eq!(report.usable, [12, 12]);
    assert!(report.synthetic && report.to_text().contains("synthetic"));
    let manifest = place.manifest();
    assert_eq!(manifest.roots.keys().collect::<Vec<_>>(), ["folder", "folder-2"]);
    let hashes: HashSet<ContentHash> =
        manifest.samples.iter().filter_map(|sample| ContentHash::of_file(&manifest.path_of(sample)).ok()).collect();
    assert_eq!(hashes.len(), 24);
}

#[test]
fn sources_that_are_something_else_are_refused_by_name() {
    let place = Place::new();
    let garbage: Vec<u8> = (0..20_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    put(&place.at("garbage/fold_0_data.txt"), &garbage);
    assert!(place.refusal("adience:garbage").contains("fold_0_data.txt: the first line must name the columns user_id"));
    put(&place.at("garbage/labels.csv"), &garbage);
    assert!(!place.refusal("csv:garbage/labels.csv").contains('\u{1b}'));
    put(&place.at("columns/labels.csv"), "file,gender\na.jpg,f\n");
    assert!(place.refusal("csv:columns/labels.csv").contains("path, label"));
    put(&place.at("columns/many.csv"), "path,label\na,1\nb,2\nc,3\n");
    assert!(place.refusal("csv:columns/many.csv").contains("two values, but has 3 (1, 2, 3)"));
    put(&place.at("columns/empty.csv"), "");
    assert!(place.refusal("csv:columns/empty.csv").contains("path, label"));
    assert!(place.refusal("fairface:columns").contains("fairface_label_train.csv"));
    assert!(place.refusal("utkface:columns").contains("UTKFace"));
    assert!(place.refusal("folder:columns").contains("exactly two sub-folders"));
    assert!(place.refusal("adience:columns").contains("fold_0_data.txt"));
    assert!(place.refusal("adience:nowhere").contains("nowhere"));
    assert!(place.refusal("csv:columns").contains("a CSV file"));
}

#[test]
fn the_real_adience_labels() {
    let shared = std::env::var_os("FACEPROBE_DATASETS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/datasets"), PathBuf::from);
    if !shared.join("adience/fold_0_data.txt").exists() {
        println!("skipped: no Adience data in {}", shared.display());
        return;
    }
    let place = Place::new();
    let source = format!("adience:{}", shared.join("adience").display());
    let settings =
        PrepareSettings { source: vec![source.parse().expect("a source")], ..place.settings(&[], Some([120, 40, 40])) };
    let prepared = prepare(&place.workspace, &settings, &Silent).expect("prepared");
    let report = prepared.report;
    println!("{}", report.to_text());
    prepared.outcome.expect("enough for 120/40/40");
    assert_accounted(&report);
    assert_eq!((report.rows, report.repeated_keys, report.images_present), (19_487, 117, 244));
    let labels = [("(empty)", 784), ("f", 9411), ("m", 8192), ("u", 1100)].map(|(label, n)| (label.into(), n));
    assert_eq!(report.raw_labels, labels.into());
}
