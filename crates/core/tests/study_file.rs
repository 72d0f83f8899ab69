//! A study's file: settings lead to it and back, and what is wrong with one is told with its line.

use faceprobe_core::dataset::PrepareSettings;
use faceprobe_core::dataset::followed::Followed;
use faceprobe_core::dataset::synthetic::SampleSettings;
use faceprobe_core::features::{CutSettings, FeatureSpec};
use faceprobe_core::model::{DenseSettings, Kind, ModelInput, ModelSpec};
use faceprobe_core::run::choosing::ChooseSettings;
use faceprobe_core::run::learning_curve::CurveSettings;
use faceprobe_core::run::{Axis, SweepSettings, SweepSpec};
use faceprobe_core::study::{
    Choosing, Curve, Ensemble, Evaluation, Extraction, Opened, Reference, Refit, ReportWanted, Study, Sweep, Training,
    parse, write,
};
use faceprobe_settings::{Info, Role, Settings, axes, axis_values, infos};

/// A number from a seed: a linear congruential generator is random enough to choose examples.
struct Draw(u64);

impl Draw {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }

    fn pairs(&mut self, infos: &[&Info]) -> Vec<(String, String)> {
        let mut pairs = Vec::new();
        for info in infos {
            let examples = info.domain.examples();
            if self.below(3) == 0 {
                pairs.push((info.name.to_owned(), examples[self.below(examples.len())].clone()));
            }
        }
        pairs
    }

    /// With a set to fit the threshold on, and without.
    fn choice(&mut self, on: &str) -> ChooseSettings {
        let on = if self.below(2) == 0 { on } else { "none" };
        self.settings(&[("on", on)])
    }

    fn settings<S: Settings>(&mut self, needed: &[(&str, &str)]) -> S {
        loop {
            let mut pairs = self.pairs(&infos::<S>());
            pairs.extend(needed.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())));
            if let Ok(settings) = faceprobe_settings::read::<S>(&pairs) {
                return settings;
            }
        }
    }
}

fn data(draw: &mut Draw, name: &str, source: &str) -> PrepareSettings {
    let mut data: PrepareSettings = draw.settings(&[("source", source), ("name", name)]);
    // A study states its decisions.
    data.decisions = Followed::These(data.decisions.stated());
    data
}

/// What comes back of a study that was written.
fn back(study: &Study) -> Study {
    let text = write(study);
    parse(&text).unwrap_or_else(|mistakes| panic!("{mistakes}\n{text}"))
}

#[test]
fn settings_of_every_kind_lead_to_a_file_and_back() {
    let mut draw = Draw(3);
    for kind in Kind::all() {
        let mut seen = 0;
        for _ in 0..1500 {
            let mut pairs = draw.pairs(&kind.infos());
            if kind.info().input == ModelInput::Features && draw.below(2) == 0 {
                pairs.retain(|(name, _)| name != "backbone");
            }
            if let Some((_, backbone)) = pairs.iter_mut().find(|(name, _)| name == "backbone") {
                *backbone = ["vgg16", "mobilenet-v2"][draw.below(2)].to_owned();
            }
            if !kind.info().has_options {
                pairs.retain(|(name, _)| name != "members");
                pairs.push(("members".into(), "tuned-1,tuned-2".into()));
            }
            let Ok(model) = ModelSpec::read(kind, &pairs) else { continue };
            seen += 1;
            let mut study =
                Study { data: vec![data(&mut draw, "faces", "folder:/faces, of many")], ..Study::default() };
            let split = study.data[0].split;
            if kind.info().has_options {
                let has_seed = kind.infos().iter().any(|info| info.role == Role::Seed);
                let seeds = if has_seed { vec![model.seed(), model.seed() ^ 6] } else { Vec::new() };
                let training =
                    Training { name: "one".into(), data: vec!["faces".into()], model, seeds, open_test: true };
                study.models.push(training);
            } else {
                // Its members are not runs here, but what the file calls so.
                let features = model.features().cloned();
                let tuned = ModelSpec::of_kind(Kind::FINETUNE, features, Kind::FINETUNE.info().settings.usual());
                let of = vec![Reference { name: "tuned".into(), seed: None }];
                study.models.push(Training {
                    name: "tuned".into(),
                    data: vec!["faces".into()],
                    model: tuned,
                    seeds: vec![1, 2],
                    open_test: false,
                });
                study.ensembles.push(Ensemble { name: "both".into(), of, open_test: true });
                study.data[0].split = split.filter(|split| !matches!(split.name(), "folds"));
            }
            assert_eq!(back(&study), study, "{}", write(&study));
        }
        assert!(seen > 100, "{}: only {seen}", kind.name());
    }
}

#[test]
fn a_whole_study_leads_to_a_file_and_back() {
    let mut draw = Draw(4);
    for _ in 0..300 {
        let features: FeatureSpec = draw.settings(&[("backbone", "vgg16"), ("tap", "13"), ("pool", "avg")]);
        let named = |name: &str| Reference { name: name.into(), seed: None };
        let cut: CutSettings = draw.settings(&[("backbone", "mobilenet-v2"), ("cut", "6")]);
        let tuned = ModelSpec::of_kind(Kind::FINETUNE, cut.spec().ok(), Kind::FINETUNE.info().settings.usual());
        let head: DenseSettings = draw.settings(&[("seed", "1"), ("width", "64")]);
        let mut own: SweepSettings = draw.settings(&[]);
        own.seeds.sort_unstable();
        own.seeds.dedup();
        let values = |setting: &str, text: &str| Axis {
            setting: setting.into(),
            values: axis_values::<DenseSettings>(setting, text).unwrap(),
        };
        let heads = axes::<DenseSettings>();
        let other = heads[draw.below(heads.len())];
        let mut varied = vec![values("width", "64,128")];
        let examples = other.domain.examples().join(" ");
        if other.name != "width" && !(other.domain.examples().iter().any(|one| one.contains([',', ' ']))) {
            varied.push(values(other.name, &examples));
        }
        let mut head = head;
        // What is varied has no value of its own.
        faceprobe_settings::set(&mut head, other.name, &other.default).unwrap();
        let sweep =
            SweepSpec { features: features.clone(), base: DenseSettings { width: 1024, ..head }, axes: varied, own };
        if sweep.check().is_err() {
            continue;
        }
        let mut first = data(&mut draw, "faces", "adience:data/sample");
        first.split = first.split.filter(|split| split.name() != "folds");
        let mut second = data(&mut draw, "people", "csv:/data/la bels.csv");
        second.split = second.split.filter(|split| split.name() != "folds");
        let near = if draw.below(2) == 0 { features.clone() } else { FeatureSpec::default() };
        let study = Study {
            title: Some("Sheep \"and\" goats \\ é".into()),
            sample: Some(draw.settings::<SampleSettings>(&[])),
            data: vec![first, second],
            features: vec![Extraction {
                name: "wide".into(),
                data: vec!["people".into()],
                features: features.clone(),
                probe: draw.below(2) == 0,
            }],
            models: vec![
                Training {
                    name: "tuned".into(),
                    data: vec!["faces".into()],
                    model: tuned.with_seed(4),
                    seeds: vec![4, u64::MAX, 0],
                    open_test: false,
                },
                Training {
                    name: "line".into(),
                    data: vec!["faces".into(), "people".into()],
                    model: ModelSpec::of_kind(Kind::LOGISTIC, Some(features), Kind::LOGISTIC.info().settings.usual()),
                    seeds: vec![1],
                    open_test: true,
                },
            ],
            sweeps: vec![Sweep { name: "many".into(), data: vec!["people".into()], sweep, open_test: Opened::All }],
            curves: vec![Curve {
                name: "growth".into(),
                data: vec!["people".into()],
                model: ModelSpec::of_kind(Kind::KNN, Some(near), Kind::KNN.info().settings.usual()),
                curve: CurveSettings { sizes: vec![100, 30, 300], seeds: vec![3, 1] },
            }],
            ensembles: vec![Ensemble {
                name: "all of them".replace(' ', "-"),
                of: vec![named("tuned")],
                open_test: true,
            }],
            refits: vec![Refit {
                name: "more".into(),
                of: vec![named("line"), Reference { name: "tuned".into(), seed: Some(0) }],
                open_test: false,
            }],
            evaluations: vec![Evaluation {
                name: "abroad".into(),
                of: vec![named("tuned")],
                on: vec!["people".into()],
            }],
            choose: Some(Choosing {
                of: vec![
                    Reference { name: "tuned".into(), seed: Some(u64::MAX) },
                    Reference { name: "tuned".into(), seed: None },
                ],
                settings: draw.choice("people"),
            }),
            report: Some(ReportWanted { output: "out/report.html".into(), thumbnails: draw.below(2) == 0 }),
        };
        assert_eq!(back(&study), study, "{}", write(&study));
    }
}

/// A study that is good; lines are counted from it.
const GOOD: &str = r#"title = "A study"

[sample]
images = 300
[data.faces]
source = "adience:data/sample"
train = 180
val = 60
test = 60
[data.cross]
source = "adience:data/sample"
split = "folds"
[features.wide]
tap = [10, 12]
pool = "grid4"
[model.line]
kind = "logistic"
data = ["faces", "cross"]
features = "wide"
[model.tuned]
kind = "finetune"
data = "faces"
cut = 5
seeds = [1, 2]
epochs = 4
[model.bench]
kind = "benchmark"
data = "faces"
open_test = true
[sweep.many]
data = "faces"
width = [64, 128]
seeds = [1, 2]
[ensemble.both]
of = "tuned"
[refit.more]
of = ["tuned", "bench"]
[evaluate.abroad]
of = "bench"
on = "other"
[report]
output = "report"
[data.other]
source = "folder:/other"
decisions = [
    "drop 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "relabel 2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae male",
]
[choose]
of = "tuned"
threshold = "youden"
on = "other"
images = 30
"#;

#[test]
fn what_is_wrong_is_told_with_its_line() {
    let good = parse(GOOD).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    assert_eq!(good.models[1].models().len(), 2);
    assert_eq!(good.models[0].model.features().unwrap().describe(), "tap 10,12, pool grid4");
    // What stands in the place of what, on which line the mistake is, and part of the sentence.
    let broken: &[(&str, &str, usize, &str)] = &[
        ("title = \"A study\"", "title = A study", 1, "quote"),
        ("[sample]", "[sample", 3, "unclosed"),
        ("images = 300", "images 300", 4, ""),
        ("[data.cross]", "[data.faces]", 10, "there already"),
        ("val = 60\n", "val = 60\nval = 61\n", 9, "there already"),
        ("title = \"A study\"", "title = 3", 1, "title must be words in quotes, not 3"),
        ("title = ", "titel = ", 1, "titel is not known here; did you mean title?"),
        ("[sample]", "[sampel]", 3, "sampel is not known here; did you mean sample?"),
        ("images = 300", "images = 3", 4, "images must be from 20 to 100,000 images, not 3"),
        ("images = 300", "image = 300", 4, "image is not known in [sample]; did you mean images?"),
        ("images = 300", "images = 300\nsize = \"large\"", 5, "size must be a whole number"),
        ("source = \"adience:data/sample\"\ntrain", "train", 5, "source must be given"),
        (
            "source = \"adience:data/sample\"\ntrain",
            "source = \"audience:data/sample\"\ntrain",
            6,
            "source must be adience:DIR",
        ),
        ("train = 180", "train = -180", 7, "train must be a whole number"),
        ("train = 180", "train = 180.5", 7, "train must be a whole number"),
        ("train = 180", "train = 1979-05-27", 7, "train must not be a date"),
        ("train = 180", "train = { many = 180 }", 7, "train must not be a table"),
        ("train = 180", "trian = 180", 7, "did you mean train?"),
        ("val = 60\n", "", 5, "val must be given where another of train, val and test is"),
        ("val = 60", "val = 60\nname = \"faces\"", 9, "name is faces already"),
        ("val = 60", "val = 60\nalign = \"loos\"", 9, "align must be loose or tight"),
        ("val = 60", "val = 60\nalign_side = 4", 9, "align_side must be from 32 to 1,024 pixels"),
        ("split = \"folds\"", "split = \"fold\"", 12, "split must be"),
        ("split = \"folds\"", "split = \"folds\"\ntrain = 1\nval = 1\ntest = 1", 13, "train must be left out"),
        ("[data.faces]", "[data.\"fa ces\"]", 5, "name must be letters"),
        ("[data.other]", "[data.cross-fold-1]", 43, "is how a fold of cross is called"),
        ("split = \"folds\"", "train = 180\nval = 60\ntest = 60", 10, "cross is prepared as faces is"),
        ("[data.cross]", "[data]\ncross = 3\n[data.cross]", 12, "there already"),
        ("tap = [10, 12]", "tap = [10, 99]", 14, "tap must be among the stages"),
        ("pool = \"grid4\"", "pool = \"grid\"", 15, "pool must be"),
        ("pool = \"grid4\"", "pol = \"grid4\"", 15, "pol is not known in [features.wide]; did you mean pool?"),
        ("pool = \"grid4\"", "backbone = \"vgg61\"", 15, "vgg61"),
        ("kind = \"logistic\"", "kind = \"logistics\"", 17, "did you mean logistic?"),
        ("kind = \"logistic\"", "kind = 4", 17, "kind must be words"),
        ("kind = \"logistic\"\n", "", 16, "[model.line] lacks its kind: one of benchmark, dense, logistic"),
        ("kind = \"logistic\"", "kind = \"ensemble\"", 17, "kind must be one of"),
        (
            "[\"faces\", \"cross\"]",
            "[\"faces\", \"cros\"]",
            18,
            "there is no data set cros, no table [data.cros]; did you mean cross?",
        ),
        ("[\"faces\", \"cross\"]", "[\"faces\", \"faces\"]", 18, "data names faces twice"),
        ("[\"faces\", \"cross\"]", "[]", 18, "data names nothing"),
        ("[\"faces\", \"cross\"]", "[3]", 18, "data must be a name"),
        ("features = \"wide\"", "features = \"widest\"", 19, "there are no features called widest"),
        ("features = \"wide\"", "features = \"wide\"\ntap = 3", 20, "tap is stated in [features.wide] already"),
        ("features = \"wide\"", "featurs = \"wide\"", 19, "did you mean features?"),
        ("features = \"wide\"", "cut = 3", 19, "cut is not known in [model.line]"),
        ("data = \"faces\"\ncut", "cut", 20, "there are several data sets; say which with data ="),
        ("cut = 5", "cut = 99", 23, "cut"),
        ("cut = 5", "features = \"wide\"", 23, "features is not known in [model.tuned]"),
        ("seeds = [1, 2]\nepochs", "seeds = [1, 1]\nepochs", 24, "seeds has 1 twice"),
        ("seeds = [1, 2]\nepochs", "seeds = []\nepochs", 24, "at least one seed"),
        ("seeds = [1, 2]\nepochs", "seeds = [1, -2]\nepochs", 24, "seeds must be whole numbers, 0 or more, not -2"),
        ("seeds = [1, 2]\nepochs", "seed = 1\nseeds = [1, 2]\nepochs", 24, "seed is one of seeds"),
        ("epochs = 4", "epochs = 0", 25, "epochs must be from 1 to 1,000,000 epochs, not 0"),
        ("epochs = 4", "epochs = \"many\"", 25, "epochs must be a whole number"),
        ("epochs = 4", "epochs = 4\ndropout = nan", 26, "dropout must be a number"),
        ("epochs = 4", "epochs = 4\nmixup = 1.5", 26, "mixup must be at least 0 and below 1, not 1.5"),
        ("open_test = true", "open_test = \"yes\"", 29, "open_test must be true or false"),
        ("open_test = true", "open_tests = true", 29, "did you mean open_test?"),
        ("width = [64, 128]", "width = [64, 0]", 32, "width must be from 1"),
        ("width = [64, 128]", "width = [64, 64]", 32, "width has 64 twice"),
        ("width = [64, 128]", "width = []", 32, "width must have at least one value"),
        ("width = [64, 128]", "seed = 3", 32, "seed is not known in [sweep.many]; did you mean seeds?"),
        ("width = [64, 128]", "halving = \"10:1\"", 32, "halving must be"),
        ("width = [64, 128]\nseeds = [1, 2]", "width = [64, 128]\nseeds = [1, 1]", 33, "seeds has 1 twice"),
        ("[sweep.many]\ndata = \"faces\"", "[sweep.many]\ndata = \"cross\"", 31, "on which no sweep is made"),
        ("[sweep.many]", "[sweep.tuned]", 30, "[model.tuned] has this name already"),
        ("of = \"tuned\"", "of = \"tunde\"", 35, "nothing is called tunde that is trained here; did you mean tuned?"),
        ("of = \"tuned\"", "of = \"tuned:3\"", 35, "tuned has no seed 3"),
        ("of = \"tuned\"", "of = \"tuned:one\"", 35, "is no name"),
        ("of = \"tuned\"", "of = \"tuned:1\"", 35, "two members or more"),
        ("of = \"tuned\"", "of = [\"tuned\", \"tuned:1\"]", 35, "a member twice"),
        ("of = \"tuned\"", "of = \"bench\"", 35, "bench is no fine-tuned model"),
        ("of = \"tuned\"", "of = \"both\"", 35, "a circle"),
        ("of = \"tuned\"", "of = \"more\"\n[refit.again]\nof = \"both\"", 35, "more is no fine-tuned model"),
        ("of = \"tuned\"\n", "", 34, "ensemble.both lacks its key of"),
        ("[\"tuned\", \"bench\"]", "[\"both\"]", 37, "state a refit of tuned:1 too"),
        ("[\"tuned\", \"bench\"]", "[\"more\"]", 37, "more is made of more again: a circle"),
        ("[\"tuned\", \"bench\"]", "[\"line\"]", 37, "line is a cross-validation"),
        ("on = \"other\"", "on = \"faces\"", 40, "bench is trained on faces"),
        ("on = \"other\"", "on = \"cross\"", 40, "cross is a cross-validation"),
        ("on = \"other\"", "on = \"others\"", 40, "there is no data set others"),
        ("on = \"other\"\n", "", 38, "evaluate.abroad lacks its key on"),
        ("output = \"report\"", "output = true", 42, "output must be words"),
        ("[report]", "[reprot]", 41, "did you mean report?"),
        ("[report]", "[report.one]", 41, "one is not known in [report]"),
        ("\"drop 9f", "\"leave 9f", 46, "is no decision; write \"drop HASH\" or \"relabel HASH LABEL\""),
        ("drop 9f86d0", "drop 9f86", 46, "is not a SHA-256 in 64 hexadecimal digits"),
        ("drop 9f86d0", "dropp 9f86d0", 46, "is no decision"),
        ("a08\",", "a08 male\",", 46, "drop takes no label"),
        ("7ae male", "7ae", 47, "relabel needs the new label"),
        (
            "\"relabel 2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae male\"",
            "3",
            47,
            "decisions must be",
        ),
        (
            "relabel 2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae male",
            "drop 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            47,
            "a08 twice",
        ),
        ("decisions = [", "decision = [", 45, "did you mean decisions?"),
        ("[data.other]\nsource", "[data.other]\ndecisions = \"workspace\"\nsource", 44, "there already"),
        ("val = 60", "val = 60\ndecisions = \"workspace\"", 9, "cannot be those of a workspace"),
        ("of = \"tuned\"\nthreshold", "of = \"tuend\"\nthreshold", 50, "nothing is called tuend"),
        ("of = \"tuned\"\nthreshold", "of = \"tuned:7\"\nthreshold", 50, "tuned has no seed 7"),
        ("of = \"tuned\"\nthreshold", "threshold", 49, "choose lacks its key of"),
        ("of = \"tuned\"\nthreshold", "of = \"line\"\nthreshold", 50, "line is a cross-validation, which is no model"),
        ("of = \"tuned\"\nthreshold", "of = \"more\"\nthreshold", 50, "nothing tells which is the best"),
        ("threshold = \"youden\"", "threshold = \"yuden\"", 51, "threshold must be auto, youden"),
        ("threshold = \"youden\"", "threshold = 1.5", 51, "threshold must be auto, youden"),
        ("threshold = \"youden\"", "threshold = \"precision=0\"", 51, "P and R above 0"),
        ("threshold = \"youden\"", "threshold = 0.5", 51, "must say what for"),
        ("threshold = \"youden\"", "treshold = \"youden\"", 51, "did you mean threshold?"),
        ("on = \"other\"\nimages", "on = \"others\"\nimages", 52, "there is no data set others"),
        ("on = \"other\"\nimages", "on = \"cross\"\nimages", 52, "cross is a cross-validation; fit"),
        ("on = \"other\"\nimages", "on = \"faces\"\nimages", 52, "the set that the model is trained on"),
        ("on = \"other\"\nimages", "images", 52, "images must be left out without on"),
        ("images = 30", "images = 1", 53, "images must be from 2"),
        ("images = 30", "images = 30\nseed = 0.5", 54, "seed must be"),
        ("[choose]", "[chose]", 49, "did you mean choose?"),
        ("[choose]", "[choose.model]", 49, "must"),
        (
            "[model.bench]\nkind = \"benchmark\"",
            "[model.bench]\nkind = \"finetune\"\ncut = 5\nepochs = 4\nseeds = 2",
            26,
            "[model.tuned] asks for the same model with seed 2",
        ),
    ];
    assert!(broken.len() >= 50);
    let mut wrong = Vec::new();
    for (from, to, line, part) in broken {
        assert!(GOOD.contains(from), "{from}");
        match parse(&GOOD.replacen(from, to, 1)) {
            Ok(_) => wrong.push(format!("{to:?}: nothing is told")),
            Err(mistakes) => {
                let told = mistakes.0.iter().any(|one| one.line == *line && one.sentence.contains(part));
                let plain = mistakes.0.iter().all(|one| {
                    one.column > 0
                        && !one.sentence.is_empty()
                        && !one.sentence.contains(['\n', '{'])
                        && !one.sentence.contains("--")
                });
                if !told || !plain {
                    wrong.push(format!("{to:?}, line {line}, {part:?}:\n{mistakes}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn several_mistakes_are_told_at_once_with_their_columns() {
    let text = "[data.faces]\nsource = \"folder:a\"\n[model.x]\nkind = \"dense\"\nwidht = 3\ndropout =  2\n\
        [model.y]\nkind = \"dense\"\nepochs = 0\n";
    let told = parse(text).unwrap_err().to_string();
    assert_eq!(
        told,
        "5:1: widht is not known in [model.x]; did you mean width?.\n\
         6:12: dropout must be at least 0 and below 1, not 2.\n\
         9:10: epochs must be from 1 to 1,000,000 epochs, not 0."
    );
}
