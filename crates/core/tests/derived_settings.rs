//! What is derived from the program's own settings: computed defaults, JSON of earlier versions, words, keys,
//! differences and sweeps.

use faceprobe_core::audit;
use faceprobe_core::backbone::Arithmetic;
use faceprobe_core::dataset::prepare::PrepareSettings;
use faceprobe_core::features::{CutSettings, FeatureSpec};
use faceprobe_core::model::{
    BenchmarkSettings, DenseSettings, EnsembleSettings, FinetuneSettings, Kind, ModelSpec, Optimizer, RateCourse,
};
use faceprobe_settings::{axis_values, differences, from_map, grid, key, options, read, set_all, to_keys, words};
use serde_json::{Value, json};

const NONE: &[(&str, &str)] = &[];

#[test]
fn a_default_follows_from_what_is_given() {
    let warmup = |pairs: &[(&str, &str)]| set_all::<FinetuneSettings>(pairs).unwrap().warmup;
    assert_eq!((warmup(NONE), warmup(&[("epochs", "60")]), warmup(&[("epochs", "60"), ("warmup", "1")])), (1, 7, 1));
    // Options say no more, and no less, than is needed to come to the same settings.
    let told = |settings: &FinetuneSettings| options(settings).join(" ");
    let usual = FinetuneSettings::default();
    assert_eq!(told(&FinetuneSettings { epochs: 60, warmup: 7, ..usual.clone() }), "--epochs 60");
    assert_eq!(told(&FinetuneSettings { epochs: 60, warmup: 1, ..usual.clone() }), "--warmup 1 --epochs 60");
    assert_eq!(told(&FinetuneSettings { warmup: 0, ..usual.clone() }), "--warmup 0");
    let sixty = FinetuneSettings { epochs: 60, warmup: 7, ..usual };
    assert_eq!(words(&sixty), "learning rate 0.00015, 60 epochs");
    assert_eq!(to_keys(&sixty), [("epochs", json!(60))]);
    let partly: FinetuneSettings = serde_json::from_value(json!({ "epochs": 60 })).unwrap();
    assert_eq!(partly, sixty);
}

#[test]
fn contradicting_settings_are_refused() {
    let refused = |pairs: &[(&str, &str)]| set_all::<BenchmarkSettings>(pairs).unwrap_err();
    assert_eq!(
        refused(&[("pool", "5")]).to_string(),
        "--pool must divide the 224 pixels of --input: 1, 2, 4, 7, 8, 14, 16, not 5"
    );
    assert_eq!(
        refused(&[("input", "32"), ("pool", "16")]).for_field(),
        "Kernel must fit into the 2 x 2 pixels that pool 16 leaves, not 3."
    );
    let prepare = |pairs: &[(&str, &str)]| read::<PrepareSettings>(pairs).map_err(|all| all[0].to_string());
    assert_eq!(
        prepare(&[("source", "folder:x"), ("train", "10")]).unwrap_err(),
        "--val must be given where another of --train, --val and --test is"
    );
    let two = prepare(&[("source", "folder:my faces, 2\ncsv:b.csv")]).unwrap();
    assert_eq!((two.name.as_str(), two.source.len()), ("folder", 2));
    assert_eq!(options(&two), ["--source", "folder:my faces, 2", "--source", "csv:b.csv"]);
    assert!(prepare(&[("source", "tape:x")]).unwrap_err().starts_with("--source must be adience:DIR"));
}

#[test]
fn settings_of_474bc10_are_read() {
    // As that version writes them.
    let old = r#"{"width":512,"depth":2,"dropout":0.8,"learning_rate":0.0003,"optimizer":"adamw","weight_decay":0.0,
        "schedule":{"course":{"name":"step","every":30,"factor":0.1},"warmup":3},"arithmetic":"bf16","epochs":60,"batch":128,
        "standardise":true,"patience":null,"seed":2}"#;
    let dense: DenseSettings = serde_json::from_str(old).unwrap();
    let wanted = DenseSettings {
        width: 512,
        depth: 2,
        learning_rate: 3e-4,
        optimizer: Optimizer::AdamW,
        schedule: RateCourse::Step { every: 30, factor: 0.1 },
        warmup: 3,
        products: Arithmetic::Bf16,
        seed: 2,
        ..DenseSettings::default()
    };
    assert_eq!(dense, wanted);
    // Before there were depth, schedule and arithmetic.
    let old = r#"{"width":1024,"dropout":0.8,"learning_rate":0.0001,"optimizer":"adam","weight_decay":0.0,"epochs":60,
        "batch":128,"standardise":true,"patience":5,"seed":1}"#;
    let dense: DenseSettings = serde_json::from_str(old).unwrap();
    assert_eq!(dense, DenseSettings { patience: Some(5), ..DenseSettings::default() });

    let old = r#"{"dropout":0.5,"learning_rate":0.00015,"learning_rate_head":0.002,"optimizer":"adamw","weight_decay":0.01,
        "schedule":{"course":{"name":"constant"},"warmup":0},"epochs":8,"batch":32,"patience":null,"seed":1}"#;
    let finetune: FinetuneSettings = serde_json::from_str(old).unwrap();
    let wanted =
        FinetuneSettings { schedule: RateCourse::Constant, warmup: 0, shift: 0, ..FinetuneSettings::default() };
    assert_eq!(finetune, wanted);
    assert_eq!(FinetuneSettings::default().shift, 1);

    let old = r#"{"name":"s","sources":[{"adapter":"fairface","path":"/data/fair face"}],"train":6000,"val":2000,"test":2000,
        "seed":1,"split":"subject","align":{"template":"tight","side":160}}"#;
    let prepare: PrepareSettings = serde_json::from_str(old).unwrap();
    let words: Vec<String> = options(&prepare);
    assert_eq!(
        words.join(" "),
        "--source fairface:/data/fair face --name s --train 6000 --val 2000 --test 2000 --split subject --align tight \
         --align-side 160"
    );
    let audit = json!({ "bits": 28, "cosine": 0.8, "side": 100, "light": 32.0, "contrast": 12.0,
        "features": { "backbone": null, "tap": "13,15", "pool": "grid4" }, "with": null, "faces": false, "seed": 1 });
    let audit: audit::Settings = serde_json::from_value(audit).unwrap();
    assert_eq!(options(&audit).join(" "), "--faces no --min-side 100 --tap 13,15 --pool grid4");
}

#[test]
fn what_was_written_under_other_ranges_is_read_and_what_there_is_not_is_refused() {
    let dense: DenseSettings = serde_json::from_value(json!({ "width": 1_000_000 })).unwrap();
    assert_eq!(dense.width, 1_000_000);
    let refused = faceprobe_settings::check(&dense).unwrap_err();
    assert_eq!(refused.for_key(), "width must be from 1 to 65,536 units, not 1000000");
    let wrong = |value: Value| serde_json::from_value::<DenseSettings>(value).unwrap_err().to_string();
    assert_eq!(wrong(json!({ "learnig_rate": 0.1 })), "learnig_rate is not known here; did you mean learning_rate?");
    assert_eq!(wrong(json!({ "colour": "red" })), "colour is not known here");
    assert_eq!(wrong(json!({ "optimizer": "adamx" })), "optimizer must be adam, adamw, sgd or rmsprop, not adamx");
    assert!(wrong(json!({ "width": 1.5 })).starts_with("width must be"));
    let unknown = from_map::<DenseSettings>(json!({ "depht": 1 }).as_object().unwrap().clone()).unwrap_err();
    assert_eq!(unknown.for_key(), "depht is not known here; did you mean depth?");
}

#[test]
fn a_model_of_474bc10_is_read_and_goes_through_json() {
    let old = json!({ "kind": "ensemble", "backbone": "mobilenet-v2", "tap": "6", "pool": "avg", "mode": "default",
        "dtype": "f32", "members": ["finetune-1", "finetune-2"] });
    let ensemble: ModelSpec = serde_json::from_value(old).unwrap();
    let members: &EnsembleSettings = ensemble.settings().unwrap();
    assert_eq!(members.members, ["finetune-1", "finetune-2"]);
    assert_eq!(ensemble.kind().listed(), Kind::FINETUNE);
    // A model stands in a job, whose keys are beside its own.
    let settings = DenseSettings { dropout: 0.1 + 0.2, ..DenseSettings::default() };
    let dense = ModelSpec::new(FeatureSpec::of_backbone("vgg16"), settings);
    for model in [ensemble, dense, ModelSpec::new(None, BenchmarkSettings::default())] {
        let mut object = serde_json::to_value(&model).unwrap();
        object["another"] = 1.into();
        assert_eq!(serde_json::from_str::<ModelSpec>(&object.to_string()).unwrap(), model);
    }
    assert!(serde_json::from_value::<ModelSpec>(json!({ "kind": "forest", "settings": {} })).is_err());
    assert!(serde_json::from_value::<ModelSpec>(json!({ "kind": "dense", "settings": { "widht": 1 } })).is_err());
}

#[test]
fn tables_show_what_distinguishes() {
    let usual = DenseSettings::default();
    assert_eq!(words(&usual), "width 1024, dropout 0.8, 60 epochs");
    let other = DenseSettings { patience: Some(5), standardise: false, seed: 9, ..usual.clone() };
    assert_eq!(words(&other), "width 1024, dropout 0.8, 60 epochs, standardise no, patience 5");
    let (first, second) = (DenseSettings { seed: 1, ..other.clone() }, DenseSettings { seed: 2, ..other.clone() });
    assert_eq!(key(&first), key(&second));
    assert!(
        key(&usual).starts_with("width=1024 depth=1 dropout=0.8 learning_rate=0.0001") && !key(&usual).contains("seed")
    );
    let different: Vec<_> =
        differences(&[&usual, &first, &second]).into_iter().map(|(i, texts)| (i.name, texts)).collect();
    let texts = |texts: [&str; 3]| texts.map(str::to_owned).to_vec();
    assert_eq!(
        different,
        [
            ("standardise", texts(["yes", "no", "no"])),
            ("patience", texts(["none", "5", "5"])),
            ("seed", texts(["1", "1", "2"]))
        ]
    );
    // Words of a user's own cannot make two keys one.
    let named =
        |backbone: &str, mode| key(&CutSettings { backbone: backbone.to_owned(), mode, ..CutSettings::default() });
    use faceprobe_core::imaging::Mode::{Default, Keras};
    assert_ne!(named("x cut=auto mode=keras", Default), named("x", Keras));
}

#[test]
fn a_sweep_tries_every_combination() {
    let axis = |name: &str, text| (name.to_owned(), axis_values::<FinetuneSettings>(name, text).unwrap());
    let axes = [axis("epochs", "8 16,16"), axis("schedule", "cosine constant step:4:0.50")];
    assert_eq!(axes[1].1, ["cosine", "constant", "step:4:0.5"]);
    let base = [("seed".to_owned(), "3".to_owned())];
    let all = grid::<FinetuneSettings>(&base, &axes, 100).unwrap();
    let tried: Vec<_> = all.iter().map(|one| (one.epochs, one.warmup, one.schedule.to_string(), one.seed)).collect();
    let wanted = |epochs: usize, course: &str| (epochs, epochs / 8, course.to_owned(), 3);
    assert_eq!(tried[..4], [wanted(8, "cosine"), wanted(8, "constant"), wanted(8, "step:4:0.5"), wanted(16, "cosine")]);
    assert_eq!(tried.len(), 6);
    let refused = |name, text| axis_values::<FinetuneSettings>(name, text).unwrap_err().to_string();
    assert_eq!(refused("dropout", "0.5 1"), "--dropout must be at least 0 and below 1, not 1");
    assert_eq!(refused("seed", "1 2"), "--seed cannot be swept");
    assert_eq!(refused("epochs", " "), "--epochs must have at least one value");
    let many = grid::<FinetuneSettings>(&base, &axes, 5).unwrap_err().to_string();
    assert_eq!(many, "--epochs and the other axes make more than 5 combinations; take fewer values");
}
