//! The registry of networks.

use faceprobe_engine::backbone;

#[test]
fn an_unknown_backbone_is_refused_with_the_known_names() {
    let error = backbone::find("resnet").err().unwrap().to_string();
    for info in backbone::registry() {
        assert!(error.contains("`resnet`") && error.contains(info.name), "{error}");
    }
}
