"""Fills fuzz/corpus/TARGET/ with what each fuzz target begins from: the fixtures of the tests.

    python3 fuzz/seeds.py
"""
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
FIXTURES = HERE.parent / "tests/fixtures/weights"
SEEDS = {
    "safetensors": ["state.safetensors"],
    "torch_zip": ["zip.pth", "nested.pth", "deflated.pth"],
    "torch_legacy": ["legacy.pth", "nested_legacy.pth"],
    "keras_hdf5": ["keras_legacy.h5", "keras_whole.h5", "keras3.weights.h5", "keras30.weights.h5", "keras_2016.h5"],
    "keras_zip": ["keras3.weights.h5"],
    "onnx": ["tiny.onnx"],
    "onnx_graph": ["tiny.onnx", "../../../crates/engine/tests/fixtures/onnx_backbone.onnx"],
    "tensorflow_js": ["tensorflow_js.json"],
}

for target, names in SEEDS.items():
    corpus = HERE / "corpus" / target
    corpus.mkdir(parents=True, exist_ok=True)
    for name in names:
        content = (FIXTURES / name).read_bytes()
        name = Path(name).name
        if target == "tensorflow_js":
            # As the target takes it apart: every file that the JSON names is the same there.
            content = len(content).to_bytes(2, "little") + content + bytes(range(256))
        if target == "keras_zip":
            with zipfile.ZipFile(corpus / name, "w") as archive:
                archive.writestr("model.weights.h5", content)
            continue
        (corpus / name).write_bytes(content)
        if target == "torch_zip":
            # The content of the archive alone, as the target makes one of it.
            archive = zipfile.ZipFile(FIXTURES / name)
            pickle = next(archive.read(member) for member in archive.namelist() if member.endswith("data.pkl"))
            content = b"\xff" + len(pickle).to_bytes(2, "little") + pickle + bytes(range(96))
            (corpus / f"{name}.content").write_bytes(content)
