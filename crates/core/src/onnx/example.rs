//! The Python example next to an exported model.

use super::Pictures;
use crate::error::Result;
use crate::imaging::preprocessing::Mode;
use crate::model::ModelInfo;

/// A Python program that classifies an image with the model `name` in its folder.
///
/// # Errors
/// An unknown preprocessing.
pub fn example(info: &ModelInfo, name: &str) -> Result<String> {
    let Pictures { mode, .. } = Pictures::of(info)?;
    let open = match mode {
        Mode::Default => "ImageOps.exif_transpose(Image.open(sys.argv[1]))",
        Mode::Keras => "Image.open(sys.argv[1])",
    };
    let filter = match mode {
        Mode::Default => "BILINEAR",
        Mode::Keras => "NEAREST",
    };
    let face = match info.alignment {
        Some(_) => " that is cropped to an aligned face (see 'alignment' in the metadata)",
        None => "",
    };
    let quoted = quoted(name);
    Ok(format!(
        "# Tells the label of a picture{face}: pip install onnxruntime pillow; python THIS PICTURE\n\
         import json, os, sys\n\
         import numpy, onnxruntime\n\
         from PIL import Image, ImageOps\n\
         model = onnxruntime.InferenceSession(os.path.join(os.path.dirname(__file__), '{quoted}'))\n\
         about = model.get_modelmeta().custom_metadata_map\n\
         size = (int(about['side']), int(about['side']))\n\
         picture = {open}.convert('RGB').resize(size, Image.{filter})\n\
         label, probability, score = model.run(None, {{'pictures': numpy.asarray(picture)[None]}})\n\
         print(json.loads(about['classes'])[label[0]], probability[0])\n"
    ))
}

/// The text as the inside of a single-quoted Python string: quotes and non-ASCII characters are escaped.
fn quoted(text: &str) -> String {
    let escaped = text.chars().map(|c| match c {
        '\'' | '\\' => format!("\\{c}"),
        ' '..='~' => c.to_string(),
        c => format!("\\U{:08x}", u32::from(c)),
    });
    escaped.collect()
}
