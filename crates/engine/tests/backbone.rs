//! The registry of networks.

use faceprobe_engine::backbone;

#[test]
fn an_unknown_backbone_is_told_the_names_there_are() {
    let error = backbone::find("resnet").err().unwrap().to_string();
    for info in backbone::registry() {
        assert!(error.contains("`resnet`") && error.contains(info.name), "{error}");
    }
}
