//! Detection against facenet-pytorch, alignment against Umeyama's formula, and data sets of aligned crops. Expected
//! values: `fixtures/face_reference.py`.

#[path = "support/detector.rs"]
mod detector;
#[path = "support/patterns.rs"]
mod patterns;

use detector::detector_parameter;
use faceprobe_core::dataset::crops::{CropThread, Cropper};
use faceprobe_core::dataset::prepare::prepare_with;
use faceprobe_core::dataset::{ContentHash, Manifest, PrepareReport, PrepareSettings};
use faceprobe_core::imaging::{Pixels, Region, Similarity, average, decode, decode_for_faces};
use faceprobe_core::monitor::Silent;
use faceprobe_core::workspace::Workspace;
use faceprobe_engine::backbone::{MTCNN, weights};
use faceprobe_engine::face::{
    Alignment, Candidate, Detector, Face, FaceCropper, Overlap, Template, align, landmarks_of, smallest_face, suppress,
};
use patterns::picture;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use tch::Tensor;

/// Image files are among the fixtures of the core.
fn fixture(name: &str) -> PathBuf {
    let folder = if name.starts_with("imaging_") { "../core/tests/fixtures" } else { "tests/fixtures" };
    Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).join(name)
}

fn reference() -> Value {
    serde_json::from_slice(&std::fs::read(fixture("face_reference.json")).unwrap()).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        other => vec![other.as_f64().unwrap()],
    }
}

/// `parameter` of the fixture script.
fn parameter(salt: &str, name: &str, shape: &[usize]) -> Tensor {
    let shape_of_tensor: Vec<i64> = shape.iter().map(|&side| side as i64).collect();
    Tensor::from_slice(&detector_parameter(salt, name, shape)).view(shape_of_tensor.as_slice())
}

/// Networks with weights by a formula see faces in patterns, and the whole cascade must agree on every one.
#[test]
fn the_cascade_finds_what_facenet_pytorch_finds() {
    let reference = reference();
    let salt = reference["salt"].as_str().unwrap();
    let parameters =
        MTCNN.parameters().into_iter().map(|(name, shape)| (name.clone(), parameter(salt, &name, &shape))).collect();
    let detector = Detector::from_parameters(&parameters).unwrap();
    let mut compared = 0;
    for expected in reference["detections"].as_array().unwrap() {
        let [number, width, height] = [0, 1, 2].map(|place| expected["picture"][place].as_u64().unwrap() as u32);
        let smallest = expected["smallest"].as_u64().unwrap() as usize;
        let picture = picture(number, width, height);
        let found = detector.share().detect_from(&picture, smallest).unwrap();
        let faces = expected["faces"].as_array().unwrap();
        assert_eq!(found.len(), faces.len(), "picture {number}");
        for (ours, theirs) in found.iter().zip(faces) {
            let values = ours.bbox.iter().chain(ours.landmarks.as_flattened()).map(|&value| f64::from(value));
            let expected = numbers(&theirs["bbox"]).into_iter().chain(numbers(&theirs["landmarks"]));
            for (ours, theirs) in values.zip(expected) {
                assert!((ours - theirs).abs() < 0.01, "picture {number}: {ours} for {theirs}");
            }
            assert!((f64::from(ours.score) - theirs["score"].as_f64().unwrap()).abs() < 1e-4);
            compared += 1;
        }
    }
    assert!(compared >= 20, "{compared}");
}

#[test]
fn pictures_of_any_shape_are_accepted() {
    let parameters =
        MTCNN.parameters().into_iter().map(|(name, shape)| (name.clone(), parameter("s33 ", &name, &shape))).collect();
    let detector = Detector::from_parameters(&parameters).unwrap();
    for (width, height) in [(1, 1), (19, 400), (20, 20), (40, 40), (3000, 21)] {
        let found = detector.detect(&picture(3, width, height)).unwrap();
        assert!(width.min(height) >= 20 || found.is_empty());
        assert!(found.windows(2).all(|pair| pair[0].area() >= pair[1].area()));
    }
    assert_eq!(
        [(225, 275), (500, 900), (1000, 1500), (10_000, 10_000)].map(|(w, h)| smallest_face(w, h)),
        [20, 20, 40, 400]
    );
}

#[test]
fn overlapping_boxes_are_suppressed_as_torchvision_and_the_package_do() {
    let reference = reference();
    let boxes: Vec<[f32; 4]> = serde_json::from_value(reference["boxes"].clone()).unwrap();
    let scores: Vec<f32> = serde_json::from_value(reference["scores"].clone()).unwrap();
    let all: Vec<Candidate> =
        boxes.iter().zip(&scores).map(|(&bounds, &score)| Candidate { bounds, score, offset: [0.0; 4] }).collect();
    for (rule, expected) in reference["suppressed"].as_object().unwrap() {
        let (name, limit) = rule.split_once(' ').unwrap();
        let overlap = if name == "union" { Overlap::Union } else { Overlap::Smaller };
        let kept = suppress(all.clone(), overlap, limit.parse().unwrap());
        let expected: Vec<Candidate> = numbers(expected).into_iter().map(|place| all[place as usize]).collect();
        assert_eq!(kept, expected, "{rule}");
    }
}

#[test]
fn the_similarity_is_umeyamas() {
    for case in reference()["umeyama"].as_array().unwrap() {
        let [from, to]: [Vec<[f32; 2]>; 2] =
            ["from", "to"].map(|side| serde_json::from_value(case[side].clone()).unwrap());
        let found = Similarity::between(&from, &to).unwrap();
        let ours = [found.a, -found.b, found.shift[0], found.b, found.a, found.shift[1]];
        for (ours, theirs) in ours.iter().zip(numbers(&case["matrix"])) {
            assert!((ours - theirs).abs() < 1e-4 * (1.0 + theirs.abs()), "{ours} for {theirs}");
        }
        let there = found.apply([3.0, -7.0]);
        let back = found.inverse().apply(there);
        assert!((back[0] - 3.0).abs() < 1e-9 && (back[1] + 7.0).abs() < 1e-9);
    }
    assert_eq!(Similarity::between(&[[1.0; 2]; 5], &landmarks_of(Template::Tight)), None);
    assert_eq!(Similarity::between(&landmarks_of(Template::Tight), &[[f32::NAN; 2]; 5]), None);
}

/// Puts a face of the template into a picture, turned by an angle and scaled, with a spot on each landmark.
fn spotted(template: Template, side: f64, angle: f64, size: usize) -> (Pixels, Face) {
    let (sine, cosine) = angle.sin_cos();
    let middle = size as f64 / 2.0;
    let into = |[x, y]: [f64; 2]| {
        let (x, y) = ((x - 0.5) * side, (y - 0.5) * side);
        [middle + x * cosine - y * sine, middle + x * sine + y * cosine]
    };
    let landmarks = landmarks_of(template).map(|[x, y]| into([f64::from(x), f64::from(y)]).map(|at| at as f32));
    let mut rgb = vec![0; size * size * 3];
    let radius = side / 24.0;
    for (place, pixel) in rgb.chunks_exact_mut(3).enumerate() {
        let at = [(place % size) as f64 + 0.5, (place / size) as f64 + 0.5];
        let near = |spot: &[f32; 2]| (at[0] - f64::from(spot[0])).hypot(at[1] - f64::from(spot[1])) < radius;
        // Stripes of one pixel outside the spots: what aliases becomes broad stripes or flat colour.
        pixel.fill(if landmarks.iter().any(near) {
            255
        } else if (place / size).is_multiple_of(2) {
            40
        } else {
            80
        });
    }
    let half = side * if template == Template::Tight { 0.5 } else { 0.28 };
    let bbox = [middle - half, middle - half, middle + half, middle + half].map(|edge| edge as f32);
    (Pixels::new(size, size, rgb).unwrap(), Face { bbox, score: 1.0, landmarks })
}

#[test]
fn an_aligned_face_lies_where_the_template_says_whatever_its_size_and_turn() {
    for template in Template::ALL {
        for (side, angle) in [(60.0, 0.0), (224.0, 0.4), (500.0, -2.0), (900.0, 1.2)] {
            let (picture, face) = spotted(template, side, angle, 700);
            let crop = align(&picture, &face, template, 112);
            let at = |x: f32, y: f32| crop.rgb()[((y * 112.0) as usize * 112 + (x * 112.0) as usize) * 3];
            for [x, y] in landmarks_of(template) {
                assert!(at(x, y) > 235, "{template} {side} {angle}: {} at {x}, {y}", at(x, y));
            }
            // Between the eyes there is no spot, and where the crop is a reduction, the stripes have become grey.
            let between = at(0.5, landmarks_of(template)[0][1]);
            let limits = if side > 400.0 { 55..=65 } else { 38..=82 };
            assert!(limits.contains(&between), "{template} {side} {angle}: {between}");
        }
    }
}

#[test]
fn degenerate_landmarks_are_cropped_around_the_box_and_the_edge_is_repeated() {
    let (picture, face) = spotted(Template::Tight, 300.0, 0.0, 400);
    let same = Face { landmarks: [[200.0; 2]; 5], ..face };
    let beside = Face { bbox: [-900.0, -900.0, -700.0, -700.0], landmarks: [[f32::NAN; 2]; 5], ..face };
    let point = Face { bbox: [5.0; 4], landmarks: [[f32::INFINITY; 2]; 5], ..face };
    for face in [same, beside, point] {
        let crop = align(&picture, &face, Template::Tight, 64);
        assert_eq!((crop.width(), crop.height()), (64, 64));
        assert!(crop.rgb().iter().all(|&value| value >= 40));
    }
    let one = Pixels::new(1, 1, vec![10, 20, 30]).unwrap();
    assert!(align(&one, &face, Template::Loose, 40).rgb().chunks_exact(3).all(|pixel| pixel == [10, 20, 30]));
}

#[test]
fn detection_decodes_bit_identically_to_libjpeg() {
    for (name, expected) in reference()["decoded"].as_object().unwrap() {
        let picture = decode_for_faces(&std::fs::read(fixture(name)).unwrap()).unwrap();
        assert_eq!(ContentHash::of(picture.rgb()).to_string(), expected.as_str().unwrap(), "{name}");
    }
    let cmyk = std::fs::read(fixture("imaging_cmyk.jpg")).unwrap();
    assert_eq!(decode_for_faces(&cmyk), decode(&cmyk));
    let mut broken = std::fs::read(fixture("imaging_baseline.jpg")).unwrap();
    let tail = broken.split_off(broken.len() / 2);
    assert!(decode_for_faces(&broken).unwrap_err().contains("truncated"));
    // Damage within the picture is shown or reported, and never the end of the program.
    broken.extend(tail.iter().enumerate().map(|(place, byte)| if place % 50 == 7 { byte ^ 0x5A } else { *byte }));
    let _ = decode_for_faces(&broken);
    assert!(decode_for_faces(b"").is_err() && decode_for_faces(b"\xFF\xD8\xFF\xD9").is_err());
}

/// Says that every second picture has no face, and answers with a PNG of one pixel of the picture's own otherwise.
#[derive(Default)]
struct Every2nd {
    made: AtomicUsize,
}

impl Cropper for Every2nd {
    fn identity(&self) -> String {
        "every second".into()
    }

    fn worker(&self) -> Box<dyn CropThread + '_> {
        Box::new(self)
    }
}

impl CropThread for &Every2nd {
    fn crop(&mut self, bytes: &[u8]) -> Result<Option<Vec<u8>>, String> {
        self.made.fetch_add(1, Ordering::Relaxed);
        let picture = decode(bytes)?;
        let mut png = std::io::Cursor::new(Vec::new());
        let pixel = image::RgbImage::from_raw(1, 1, picture.rgb()[..3].to_vec()).unwrap();
        pixel.write_to(&mut png, image::ImageFormat::Png).map_err(|error| error.to_string())?;
        Ok((picture.rgb()[0] % 2 == 0).then(|| png.into_inner()))
    }
}

#[test]
fn a_prepared_set_refers_to_its_crops_and_makes_none_twice() {
    let folder = tempfile::tempdir().unwrap();
    for class in ["female", "male"] {
        let inside = folder.path().join("pictures").join(class);
        std::fs::create_dir_all(&inside).unwrap();
        for number in 0..10_u8 {
            let green = u8::from(class == "male");
            let picture = image::RgbImage::from_pixel(4, 4, image::Rgb([number, green, 7]));
            picture.save(inside.join(format!("{number}.png"))).unwrap();
        }
    }
    let workspace = Workspace::open(folder.path()).unwrap();
    let source = format!("folder:{}", folder.path().join("pictures").display());
    let settings = |seed| PrepareSettings {
        name: "set".into(),
        source: vec![source.parse().unwrap()],
        train: Some(8),
        val: Some(4),
        test: Some(4),
        seed,
        align: Some(Template::Tight),
        ..PrepareSettings::default()
    };
    assert!(prepare_with(&workspace, &settings(1), None, &Silent).is_err());
    let cropper = Every2nd::default();
    let prepared = prepare_with(&workspace, &settings(1), Some(&cropper), &Silent).unwrap();
    prepared.outcome.unwrap();
    let manifest = Manifest::load_named(&workspace, "set").unwrap();
    let report = PrepareReport::load(&manifest.folder).unwrap();
    assert_eq!(report.alignment, Some(Alignment { template: Template::Tight, side: 224 }));
    assert_eq!(cropper.made.load(Ordering::Relaxed), 16);
    let (aligned, whole): (Vec<_>, Vec<_>) =
        manifest.samples.iter().partition(|sample| sample.source == "folder-aligned");
    assert_eq!(whole.len(), report.without_face);
    assert!(!aligned.is_empty() && !whole.is_empty() && report.to_text().contains("tight"));
    for sample in &manifest.samples {
        assert_eq!(ContentHash::of_file(&manifest.path_of(sample)).unwrap(), sample.hash);
    }
    assert!(report.warnings.iter().any(|warning| warning.contains("no face")), "{:?}", report.warnings);

    // The same again: the same manifest, and only what has no crop is looked at.
    prepare_with(&workspace, &settings(1), Some(&cropper), &Silent).unwrap().outcome.unwrap();
    assert_eq!(Manifest::load_named(&workspace, "set").unwrap().sha256, manifest.sha256);
    assert_eq!(cropper.made.load(Ordering::Relaxed), 16 + whole.len());
}

/// With the real weights, where they are: a pattern is no face, and a crop is what `align` gives.
#[test]
fn the_real_detector_crops_what_it_finds() {
    if !weights::status(MTCNN.name).is_ok_and(|status| status.present) {
        println!("skipped: no weights; run: faceprobe weights fetch mtcnn");
        return;
    }
    let detector = Detector::load(tch::Device::Cpu).unwrap();
    assert_eq!(detector.detect(&picture(1, 300, 200)).unwrap(), vec![]);
    let alignment = Alignment::new(Template::Loose);
    let cropper = FaceCropper::load(alignment, tch::Device::Cpu).unwrap();
    let flat = std::fs::read(fixture("imaging_baseline.jpg")).unwrap();
    assert_eq!(cropper.worker().crop(&flat), Ok(None));
    let Ok(folder) = std::env::var("FACEPROBE_FACES") else {
        println!("skipped: FACEPROBE_FACES names no folder of portraits");
        return;
    };
    for entry in std::fs::read_dir(folder).unwrap().flatten().take(20) {
        let bytes = std::fs::read(entry.path()).unwrap();
        let picture = decode_for_faces(&bytes).unwrap();
        let face = detector.detect(&picture).unwrap()[0];
        let crop = decode(&cropper.worker().crop(&bytes).unwrap().unwrap()).unwrap();
        assert_eq!(crop, align(&picture, &face, alignment.template, alignment.side), "{}", entry.path().display());
        // Seen again, the landmarks are where the template has them.
        let again = detector.detect(&crop).unwrap()[0];
        for (found, goal) in again.landmarks.iter().zip(landmarks_of(Template::Loose)) {
            let away = (found[0] / 224.0 - goal[0]).hypot(found[1] / 224.0 - goal[1]);
            assert!(away < 0.06, "{}: {away}", entry.path().display());
        }
    }
}

#[test]
fn averages_are_those_of_adaptive_pooling() {
    let picture = picture(5, 70, 900);
    for (region, width, height) in [
        (Region::whole(&picture), 70, 900),
        (Region::whole(&picture), 41, 333),
        (Region::whole(&picture), 3, 2),
        (Region { left: 7, top: 11, width: 30, height: 25 }, 24, 24),
        (Region { left: 69, top: 0, width: 1, height: 5 }, 4, 9),
    ] {
        let cut = |tensor: Tensor| {
            tensor.narrow(2, region.top as i64, region.height as i64).narrow(3, region.left as i64, region.width as i64)
        };
        let whole = Tensor::from_slice(picture.rgb()).view([1, 900, 70, 3]).permute([0, 3, 1, 2]);
        let pooled = cut(whole.to_kind(tch::Kind::Float)).adaptive_avg_pool2d([height as i64, width as i64]);
        let expected = Vec::<f32>::try_from(pooled.permute([0, 2, 3, 1]).contiguous().view(-1)).unwrap();
        let ours = average(&picture, region, width, height);
        assert_eq!(ours.len(), expected.len());
        for (ours, theirs) in ours.iter().zip(&expected) {
            assert!((ours - theirs).abs() < 1e-3, "{region:?}: {ours} for {theirs}");
        }
    }
    let outside = Region { left: 69, top: 0, width: 2, height: 5 };
    assert!(average(&picture, outside, 4, 9).is_empty());
}
