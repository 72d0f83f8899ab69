//! The program's readers of foreign weight files.

#[path = "../../crates/core/src/backbone/format/mod.rs"]
pub mod format;

use bytes::Bytes;
use format::{Checkpoint, Format, onnx_graph};

/// Opens a file as one format and reads every tensor of it; what lies beside it, by whatever name, is `beside`. Whatever it is, this must end soon, in bounded memory,
/// without a panic, and an error must be one line.
pub fn read_all_with(format: Format, file: &[u8], beside: &[u8]) {
    let (file, beside) = (Bytes::copy_from_slice(file), Bytes::copy_from_slice(beside));
    let one_line = |reason: &str| assert!(!reason.is_empty() && !reason.contains('\n'), "{reason:?}");
    let checkpoint = match Checkpoint::open_as(format, &file, &|_: &str| Ok(beside.clone())) {
        Ok(checkpoint) => checkpoint,
        Err(reason) => return one_line(&reason),
    };
    for (name, info) in checkpoint.tensors() {
        match checkpoint.read(name) {
            Ok(tensor) => assert_eq!(tensor.shape, info.shape),
            Err(reason) => one_line(&reason),
        }
    }
}

/// The same for a file that stands alone.
pub fn read_all(format: Format, file: &[u8]) {
    read_all_with(format, file, &[]);
}

/// Cuts an ONNX model down to each of its outputs, and what comes out down to the same again, which changes nothing that is
/// needed. Numbers that are in other files are in `beside`, by whatever name.
pub fn cut(file: &[u8], beside: &[u8]) {
    let beside = Bytes::copy_from_slice(beside);
    let file = Bytes::copy_from_slice(file);
    let one_line = |reason: &str| assert!(!reason.is_empty() && !reason.contains('\n'), "{reason:?}");
    let outputs = match onnx_graph::outputs(&file) {
        Ok(outputs) => outputs,
        Err(reason) => return one_line(&reason),
    };
    for output in outputs.iter().take(4) {
        let wanted = std::slice::from_ref(output);
        match onnx_graph::cut(&file, wanted, &|_| Ok(beside.clone())) {
            Ok(cut) => {
                let alone = |name: &str| panic!("what was cut needs no other file, and asks for {name:?}");
                let again = onnx_graph::cut(&Bytes::from(cut.model.clone()), wanted, &alone);
                let again = again.expect("what was cut can be cut");
                assert_eq!((again.input, again.model), (cut.input, cut.model));
            }
            Err(reason) => one_line(&reason),
        }
    }
}
