//! A data set of aligned crops through the program, with a face detector with generated weights.

#[path = "../crates/engine/tests/support/detector.rs"]
mod detector;
#[path = "../crates/engine/tests/support/patterns.rs"]
mod patterns;

use detector::detector_parameter;
use faceprobe_core::backbone::MTCNN;
use faceprobe_core::dataset::{Manifest, PrepareReport};
use faceprobe_core::imaging::{Alignment, Template, decode};
use faceprobe_core::model::SavedModel;
use faceprobe_core::workspace::Workspace;
use patterns::picture;
use safetensors::tensor::{Dtype, TensorView};
use std::path::Path;
use std::process::{Command, Stdio};

/// The face detector's weights by the formula, as a user's file.
fn formula_weights(file: &Path) {
    let bytes: Vec<(String, Vec<usize>, Vec<u8>)> = MTCNN
        .parameters()
        .into_iter()
        .map(|(name, shape)| {
            let values = detector_parameter("s33 ", &name, &shape);
            (name, shape, values.into_iter().flat_map(f32::to_le_bytes).collect())
        })
        .collect();
    let views = bytes.iter().map(|(name, shape, bytes)| {
        (name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes).expect("a tensor"))
    });
    std::fs::write(file, safetensors::serialize(views, None).expect("safetensors")).expect("a file");
}

/// Through the program itself, with the formula's weights: imported, a data set aligned with them, a model trained on it.
#[test]
fn an_aligned_data_set_makes_a_model_that_knows_its_alignment() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_faceprobe"));
        command.env("FACEPROBE_WEIGHTS", at.join("weights")).arg("--workspace").arg(at).args(arguments);
        let output = command.stdin(Stdio::null()).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned(), errors)
    };
    for (number, class) in ["female", "male"].into_iter().enumerate() {
        std::fs::create_dir_all(at.join("raw").join(class)).unwrap();
        for place in 0..10_u32 {
            let pixels = picture(number as u32, 61 + place, 83);
            let file = at.join("raw").join(class).join(format!("{place}.png"));
            let side = |side: usize| side as u32;
            image::RgbImage::from_raw(side(pixels.width()), side(pixels.height()), pixels.into_rgb())
                .unwrap()
                .save(file)
                .unwrap();
        }
    }
    let source = format!("folder:{}", at.join("raw").display());
    let prepare = ["data", "prepare", "--source", &source, "--name", "set", "--align", "tight", "--align-side", "64"];
    let (done, _, errors) = run(&prepare);
    assert!(!done && errors.contains("faceprobe weights fetch mtcnn"), "{errors}");

    let file = at.join("formula.safetensors");
    formula_weights(&file);
    let (done, _, errors) = run(&["weights", "import", "mtcnn", file.to_str().unwrap()]);
    assert!(done, "{errors}");
    let (_, list, _) = run(&["weights", "list"]);
    assert!(list.contains("mtcnn"), "{list}");
    let (done, _, errors) = run(&["extract", "--backbone", "mtcnn", "--data", "set"]);
    assert!(!done && errors.contains("no backbone `mtcnn`"), "{errors}");

    let (done, account, errors) = run(&prepare);
    assert!(done && account.contains("tight, 64 pixels"), "{account}{errors}");
    let workspace = Workspace::open(at).unwrap();
    let manifest = Manifest::load_named(&workspace, "set").unwrap();
    let aligned: Vec<_> = manifest.samples.iter().filter(|sample| sample.source == "folder-aligned").collect();
    assert!(aligned.len() >= 10, "{account}");
    for sample in aligned {
        let crop = decode(&std::fs::read(manifest.path_of(sample)).unwrap()).unwrap();
        assert_eq!((crop.width(), crop.height()), (64, 64));
    }
    // An audit looks for faces itself where the weights are, and knows which pictures the crops are of.
    for _ in 0..2 {
        let (done, audit, errors) = run(&["data", "audit", "set", "--json"]);
        assert!(done, "{errors}");
        let audit: serde_json::Value = serde_json::from_str(&audit).unwrap();
        let of = |kind: &str| {
            let findings = audit["findings"].as_array().unwrap().iter().filter(|finding| finding["kind"] == kind);
            findings.cloned().collect::<Vec<_>>()
        };
        assert_eq!(of("no_face").len(), PrepareReport::load(&manifest.folder).unwrap().without_face);
        let small = of("too_small");
        assert!(!small.is_empty() && small.iter().all(|finding| finding["images"][0]["split"].is_string()), "{audit}");
        let cached = std::fs::read_to_string(at.join("cache/faces.csv")).unwrap();
        assert_eq!(cached.lines().count(), 21);
    }
    let (done, trained, errors) = run(&["--quiet", "train", "benchmark", "--pool", "4", "--epochs", "1"]);
    assert!(done, "{errors}");
    let model = SavedModel::load(&workspace.runs().join(trained.trim()).join("model.safetensors")).unwrap();
    assert_eq!(model.info.alignment, Some(Alignment { template: Template::Tight, side: 64 }));

    let (done, _, errors) = run(&["data", "prepare", "--source", &source, "--align", "tight", "--align-side", "5"]);
    assert!(!done && errors.contains("from 32 to 1,024"), "{errors}");
    let (done, _, errors) = run(&["data", "prepare", "--source", &source, "--align", "narrow"]);
    assert!(!done && errors.contains("tight") && errors.contains("loose"), "{errors}");
}
