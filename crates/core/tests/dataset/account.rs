//! Preparation: checks, counts, splits and the files on disk.

use super::*;

#[test]
fn adience_rows_are_checked_counted_and_merged() {
    let place = Place::new();
    small_adience(&place, 10);
    let row = |original: &str, age: &str, gender: &str| fold_row("u", original, "7", age, gender);
    let text = [
        FOLD_HEADER,
        &row("unknown.png", "None", "u"),
        &row("empty.png", "35", ""),
        &row("twice.png", "(25, 23)", "f"),
        &row("twice.png", "(25, 23)", "f"),
        &row("absent.png", "35", "m"),
        &row("aligned.png", "(8, 12)", "m"),
        "too\tfew\tfields\n",
        &fold_row("/etc", "passwd", "1", "35", "m"),
        &fold_row("..", "x.png", "1", "35", "m"),
        &fold_row("u", "../../x.png", "1", "35", "m"),
        &row(&"long".repeat(20_000), "35", "m"),
        "\n",
    ]
    .concat();
    put(&place.at("adience/fold_4_data.txt"), text);
    put_picture(&place.at(&coarse("u", "twice.png", "7")), 900);
    // An image in both layouts is taken from aligned/.
    put_picture(&place.at(&coarse("u", "aligned.png", "7")), 901);
    put_picture(&place.at("adience/aligned/u/landmark_aligned_face.7.aligned.png"), 902);

    let report = place.prepare("adience:adience", Some([14, 4, 4])).report;
    assert_accounted(&report);
    assert_eq!((report.rows, report.repeated_keys, report.images_present), (31, 1, 23));
    assert_eq!(report.raw_labels, [("(empty)", 1), ("f", 12), ("m", 12), ("u", 1)].map(|(l, n)| (l.into(), n)).into());
    assert_eq!(dropped(&report, "malformed_row"), 5);
    assert!(examples(&report, "malformed_row").contains("fold_4_data.txt line 8: 3 fields where the header names 12"));
    assert_eq!(dropped(&report, "unknown_label"), 2);
    assert_eq!(dropped(&report, "repeated_row"), 1);
    assert_eq!(dropped(&report, "missing_file"), 1);
    assert_eq!(report.usable, [11, 11]);
    assert!(report.warnings.iter().any(|warning| warning.contains("fold_2_data.txt, fold_3_data.txt")));
    assert!(report.warnings.iter().any(|warning| warning.contains("1 images come from aligned/ and 22 from faces/")));
    assert!(report.warnings.iter().any(|warning| warning.contains("are in the train split too")));

    let manifest = place.manifest();
    let of = |part: &str| manifest.samples.iter().find(|sample| sample.path.contains(part)).expect("a sample");
    let aligned = of("aligned.png");
    assert_eq!(aligned.path, "aligned/u/landmark_aligned_face.7.aligned.png");
    assert_eq!((aligned.age.as_deref(), aligned.fold, aligned.class), (Some("8-12"), Some(4), 1));
    assert_eq!(aligned.hash, ContentHash::of_file(&manifest.path_of(aligned)).expect("a file"));
    assert_eq!((of("twice.png").subject.as_deref(), of("twice.png").age.as_deref()), (Some("u/7"), Some("25-32")));

    let merged = fs::read_to_string(place.workspace.prepared("set").join("data.txt")).expect("data.txt");
    let lines: Vec<&str> = merged.lines().collect();
    assert_eq!(lines[0], format!("{}\tfold", FOLD_HEADER.trim_end()));
    assert_eq!(lines.len(), 1 + 26);
    assert!(lines.contains(&"u\ttwice.png\t7\t(25, 23)\tf\t0\t1\t2\t3\t0\t0\t18\t4"));
}

#[test]
fn undecodable_files_are_skipped_and_reported() {
    struct Skips(Mutex<Vec<String>>);
    impl Monitor for Skips {
        fn update(&self, update: Update) {
            if let Update::Skipped { path, .. } = update {
                self.0.lock().expect("no panic").push(path);
            }
        }
        fn stopped(&self) -> bool {
            false
        }
    }
    let place = Place::new();
    for index in 0..10 {
        put_picture(&place.at(&format!("faces/women/{index}.png")), index);
        put(&place.at(&format!("faces/Men/{index}.jpg")), picture(100 + index, ImageFormat::Jpeg));
    }
    let png = picture(50, ImageFormat::Png);
    put(&place.at("faces/women/cut.png"), &png[..png.len() / 2]);
    // An interrupted download, whose embedded preview is whole: decoders fill the rest with grey.
    let whole = picture(52, ImageFormat::Jpeg);
    let preview = [&[0xff, 0xd8, 0xff, 0xe1, 0, 6], &[0xff, 0xd8, 0xff, 0xd9][..]].concat();
    let jpeg = [&preview, &whole[2..]].concat();
    put(&place.at("faces/women/cut.jpg"), &jpeg[..jpeg.len() - 40]);
    put(&place.at("faces/Men/preview.jpg"), &jpeg);
    put(&place.at("faces/women/empty.jpg"), "");
    put(&place.at("faces/women/text.jpg"), "<html>404 not found</html>");
    // A header that promises 60,000 by 60,000 pixels must cost no memory.
    let mut bomb = picture(51, ImageFormat::Bmp);
    bomb[18..26].copy_from_slice(&[0x60, 0xea, 0, 0, 0x60, 0xea, 0, 0]);
    put(&place.at("faces/Men/bomb.bmp"), bomb);
    fs::create_dir_all(place.at("faces/Men/folder.jpg")).expect("a folder");
    std::os::unix::net::UnixListener::bind(place.at("faces/Men/socket.jpg")).expect("a socket");

    let skips = Skips(Mutex::default());
    let prepared = prepare(&place.workspace, &place.settings(&["folder:faces"], None), &skips).expect("prepared");
    assert_accounted(&prepared.report);
    assert_eq!(dropped(&prepared.report, "undecodable"), 6, "{}", prepared.report.to_text());
    assert_eq!(skips.0.lock().expect("no panic").len(), 6);
    assert_eq!(prepared.report.classes, ["female", "male"]);
    assert_eq!(prepared.report.usable, [10, 11]);
    assert_eq!(place.manifest().split(Split::Train).count(), 12);
    // The second time the cache answers, with the same account.
    let again = prepare(&place.workspace, &place.settings(&["folder:faces"], None), &Silent).expect("prepared");
    assert_eq!(again.report, prepared.report);
    put(&place.workspace.root().join("cache/inspected.csv"), [0xff, 0, 7, b'\n', b'"']);
    let damaged = prepare(&place.workspace, &place.settings(&["folder:faces"], None), &Silent).expect("prepared");
    assert_eq!(damaged.report, prepared.report);
    // A file that changes is looked at again.
    put_picture(&place.at("faces/women/empty.jpg"), 60);
    assert_eq!(place.prepare("folder:faces", None).report.usable, [11, 11]);
}

#[test]
fn equal_images_stay_once_and_contradicting_ones_not_at_all() {
    let place = Place::new();
    for index in 0..8 {
        put_picture(&place.at(&format!("faces/cat/{index}.png")), index);
        put_picture(&place.at(&format!("faces/dog/{index}.png")), 100 + index);
    }
    put_picture(&place.at("faces/cat/z_copy.png"), 3);
    put_picture(&place.at("faces/cat/a_copy.png"), 3);
    // Twice a cat and once a dog: nobody knows.
    put_picture(&place.at("faces/dog/x.png"), 5);
    put_picture(&place.at("faces/cat/x.png"), 5);
    let report = place.prepare("folder:faces", None).report;
    assert_accounted(&report);
    assert_eq!(report.classes, ["cat", "dog"]);
    assert_eq!(dropped(&report, "duplicate_image"), 2);
    assert_eq!(examples(&report, "duplicate_image"), "cat/a_copy.png = cat/3.pngcat/z_copy.png = cat/3.png");
    assert_eq!(dropped(&report, "contradicting_labels"), 3);
    assert!(examples(&report, "contradicting_labels").contains("cat/5.png (cat) = dog/x.png (dog)"));
    assert_eq!(report.usable, [7, 8]);
}

#[test]
fn one_row_repeated_with_another_label_contradicts_itself() {
    let place = Place::new();
    let mut text = "path,label\n".to_owned();
    for index in 0..12 {
        put_picture(&place.at(&format!("csv/{index}.png")), index);
        text += &format!("{index}.png,{}\n", if index % 2 == 0 { "f" } else { "m" });
    }
    put(&place.at("csv/labels.csv"), text + "0.png,m\n./2.png,F\n");
    let report = place.prepare("csv:csv/labels.csv", None).report;
    assert_accounted(&report);
    assert_eq!(dropped(&report, "repeated_row"), 1);
    assert_eq!(dropped(&report, "contradicting_labels"), 2);
    assert_eq!(report.usable, [5, 6]);
}

#[test]
fn the_manifest_does_not_depend_on_the_machine() {
    let make = |folder: &str, order: &mut dyn Iterator<Item = u32>| {
        let place = Place::new();
        for index in order {
            put_picture(&place.at(&format!("{folder}/f/{index}.png")), index / 2 * 2);
            put_picture(&place.at(&format!("{folder}/m/{index}.png")), 1000 + index);
        }
        place.prepare(&format!("folder:{folder}"), Some([12, 4, 4])).outcome.expect("enough images");
        place
    };
    let first = make("here", &mut (0..30));
    let second = make("deep/down/there", &mut (0..30).rev());
    assert_eq!(first.manifest_bytes(), second.manifest_bytes());
    // Another seed draws others.
    let mut settings = first.settings(&["folder:here"], Some([12, 4, 4]));
    settings.seed = 2;
    let before = first.manifest_bytes();
    prepare(&first.workspace, &settings, &Silent).expect("prepared");
    assert_eq!(first.manifest_bytes(), before, "a version is never changed");
    let again = Manifest::load_named(&first.workspace, "set@2").expect("a second version");
    assert_ne!(fs::read(again.folder.join("manifest.csv")).expect("a manifest"), before);
    assert_eq!((again.seed, first.manifest().seed), (2, 1));

    let manifest = second.manifest();
    let mut split_of: HashMap<ContentHash, Split> = HashMap::new();
    for sample in &manifest.samples {
        assert!(split_of.insert(sample.hash, sample.split).is_none(), "{} is there twice", sample.hash);
    }
    for split in Split::ALL {
        let women = manifest.split(split).filter(|sample| sample.class == 0).count();
        assert_eq!(2 * women, manifest.split(split).count());
    }
    assert!(manifest.samples.is_sorted_by_key(|sample| (sample.split, sample.source.clone(), sample.path.clone())));
    assert_eq!(manifest.sha256, ContentHash::of(&second.manifest_bytes()).to_string());
}

#[test]
fn too_few_images_give_a_report_and_sizes_that_fit() {
    let place = Place::new();
    small_adience(&place, 20);
    let prepared = place.prepare("adience:adience", Some([6000, 2000, 2000]));
    let sentence = prepared.outcome.expect_err("too few").to_string();
    assert!(sentence.contains("there are 20 female and 20 male"), "{sentence}");
    assert!(sentence.contains("--train 24 --val 8 --test 8"), "{sentence}");
    assert_accounted(&prepared.report);
    assert_eq!(list_prepared(&place.workspace), [""; 0]);
    assert_eq!(PrepareReport::load(&prepared.folder).expect("a report"), prepared.report);
    // What was proposed does fit, and a later failure leaves it as it is.
    place.prepare("adience:adience", Some([24, 8, 8])).outcome.expect("enough");
    place.prepare("adience:adience", Some([240, 80, 80])).outcome.expect_err("too few");
    assert_eq!(place.manifest().samples.len(), 40);
}

#[test]
fn requests_that_make_no_sense_are_usage_errors() {
    let place = Place::new();
    small_adience(&place, 6);
    put(&place.at("faces/cat/1.png"), "");
    put(&place.at("faces/dog/1.png"), "");
    let settings = place.settings(&["adience:adience"], Some([4, 2, 2]));
    let refused = |change: &dyn Fn(&mut PrepareSettings)| {
        let mut settings = settings.clone();
        change(&mut settings);
        let error = prepare(&place.workspace, &settings, &Silent).expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::Usage, "{error}");
        error.to_string()
    };
    assert!(refused(&|settings| settings.train = Some(5)).contains("--train 6"));
    assert!(refused(&|settings| settings.val = None).contains("all three"));
    assert!(refused(&|settings| settings.name = "../x".into()).contains("../x"));
    assert!(refused(&|settings| settings.source.clear()).contains("--source"));
    let classes =
        |settings: &mut PrepareSettings| settings.source.extend(place.settings(&["folder:faces"], None).source);
    assert!(refused(&classes).contains("cat and dog"));
    let error = "imagenet:/data".parse::<SourceSpec>().expect_err("unknown adapter");
    assert_eq!(error.kind(), ErrorKind::Usage);
    for adapter in ["adience:", "fairface:", "utkface:", "celeba:", "lfw:", "folder:", "csv:"] {
        assert!(error.to_string().contains(adapter), "{error}");
    }
}

#[test]
fn a_changed_or_damaged_manifest_is_refused_with_its_line() {
    let place = Place::new();
    small_adience(&place, 10);
    place.prepare("adience:adience", None).outcome.expect("enough");
    let good = String::from_utf8(place.manifest_bytes()).expect("text");
    let path = place.workspace.prepared("set").join("manifest.csv");
    let refusal = |text: &str| {
        put(&path, text);
        Manifest::load_named(&place.workspace, "set").expect_err("refused").to_string()
    };
    assert!(refusal(&good.replace("label,", "")).contains("line 1 must be path,label,split"));
    let third = good.lines().nth(2).expect("three lines");
    assert!(refusal(&good.replace(third, &third[..third.len() - 1])).contains("line 3: "));
    assert!(refusal(&good.replace(third, &third.replace("faces/", "../"))).contains("line 3: "));
    assert!(refusal(&good.replace(third, "a,b")).contains("line 3: 2 columns instead of 8"));
    assert!(refusal(&good.replacen("train", "test", 1)).contains("not the manifest that report.json describes"));
    let unknown = Manifest::load_named(&place.workspace, "sett").expect_err("no such set").to_string();
    assert!(unknown.contains("there are: set"), "{unknown}");
}

#[test]
fn a_stop_ends_preparation() {
    struct Stop;
    impl Monitor for Stop {
        fn update(&self, _: Update) {}
        fn stopped(&self) -> bool {
            true
        }
    }
    let place = Place::new();
    small_adience(&place, 6);
    let error = prepare(&place.workspace, &place.settings(&["adience:adience"], None), &Stop).expect_err("stopped");
    assert_eq!(error.kind(), ErrorKind::Stopped);
}
