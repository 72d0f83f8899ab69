"""Checks that the same weights give the same stored file out of every format, at full size.

    pip install torch==2.13.0 torchvision==0.28.0 timm==1.0.31 safetensors tensorflow-cpu==2.21.0 keras h5py
    target/release/faceprobe weights fetch vgg16
    python3 tools/check_weights.py target/release/faceprobe SCRATCH

VGG16 is the fetched one, written as Keras and torch write it, with and without its classifier. InceptionResNetV2 has random
weights, in timm and in a Keras session that has made layers before; both run on the same pixels, so the script knows that
they are the same network. SCRATCH takes 6 GB. torch and TensorFlow do not live in one process, so each has its own.
"""
import json
import os
import re
import subprocess
import sys
from pathlib import Path


def torch_part(scratch: Path, vgg16: Path) -> None:
    import numpy as np
    import timm
    import torch
    import torchvision
    from safetensors.numpy import load_file
    from safetensors.torch import save_file

    weights = load_file(vgg16)
    np.savez(scratch / "vgg16.npz", **weights)
    state = torchvision.models.vgg16(weights=None).state_dict()
    for name, values in weights.items():
        state[name].copy_(torch.from_numpy(values))
    torch.save(state, scratch / "vgg16-zip.pth")
    torch.save(state, scratch / "vgg16-legacy.pth", _use_new_zipfile_serialization=False)
    wrapped = {f"module.{name}": torch.nn.Parameter(values) for name, values in state.items()}
    torch.save({"epoch": 3, "state_dict": wrapped, "optimizer": {"lr": 0.1}}, scratch / "vgg16-checkpoint.pth")
    torch.save({n: v.double() for n, v in state.items() if n.startswith("features")}, scratch / "vgg16-64-bits.pth")
    save_file({n: v for n, v in state.items() if n.startswith("features")}, scratch / "vgg16-plain.safetensors")

    torch.manual_seed(3)
    network = timm.create_model("inception_resnet_v2", pretrained=False).eval()
    state = network.state_dict()
    for name, values in state.items():
        if name.endswith(("running_mean", "bn.bias")):
            values.copy_(torch.randn_like(values) * 0.1)
        elif name.endswith("running_var"):
            values.copy_(torch.rand_like(values) + 0.5)
        elif name.endswith("bn.weight"):
            values.fill_(1.0)
    save_file(state, scratch / "inception-resnet-v2-timm.safetensors")
    torch.save(state, scratch / "inception-resnet-v2-timm.pth")
    np.savez(scratch / "inception.npz", **{name: values.numpy() for name, values in state.items()})
    pixels = np.random.default_rng(0).random((1, 299, 299, 3), dtype="float32") * 2 - 1
    np.save(scratch / "pixels.npy", pixels)
    with torch.no_grad():
        features = network.forward_features(torch.from_numpy(pixels).permute(0, 3, 1, 2))
    np.save(scratch / "features.npy", features.permute(0, 2, 3, 1).numpy())
    names = [n for n, _ in network.named_modules() if f"{n}.conv.weight" in state or (n.endswith("conv2d") and f"{n}.weight" in state)]
    (scratch / "layers.json").write_text(json.dumps(names))


def keras_part(scratch: Path, _: Path) -> None:
    os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="")
    import keras
    import numpy as np

    weights = dict(np.load(scratch / "vgg16.npz"))
    names = sorted({name.rsplit(".", 1)[0] for name in weights}, key=lambda name: int(name.split(".")[1]))
    for top in (False, True):
        model = keras.applications.VGG16(weights=None, include_top=top, input_shape=(224, 224, 3))
        layers = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
        for layer, name in zip(layers, names, strict=True):
            layer.set_weights([weights[f"{name}.weight"].transpose(2, 3, 1, 0), weights[f"{name}.bias"]])
        save(model, scratch, f"vgg16-top-{top}".lower())
    base = keras.applications.VGG16(weights=None, include_top=False, input_shape=(224, 224, 3))
    base.set_weights([values for layer in layers for values in layer.get_weights()])
    model = keras.Sequential([base, keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(8), keras.layers.Dense(1)])
    model.build((None, 224, 224, 3))
    save(model, scratch, "vgg16-as-a-layer", legacy=False)

    weights = dict(np.load(scratch / "inception.npz"))
    keras.layers.BatchNormalization()(keras.layers.Conv2D(1, 1)(keras.Input((8, 8, 3))))
    model = keras.applications.InceptionResNetV2(weights=None, include_top=False, input_shape=(299, 299, 3))
    number = lambda layer: int((re.findall(r"_(\d+)$", layer.name) or ["0"])[0])
    counted = {kind: iter(sorted((layer for layer in model.layers if re.fullmatch(rf"{kind}(_\d+)?", layer.name)), key=number))
               for kind in ("conv2d", "batch_normalization")}
    blocks = {"repeat": "block35", "repeat_1": "block17", "repeat_2": "block8"}
    kernel = lambda name: weights[f"{name}.weight"].transpose(2, 3, 1, 0)
    for name in json.loads((scratch / "layers.json").read_text()):
        first, *rest = name.split(".")
        if name.endswith(".conv2d"):
            layer = "block8_10_conv" if first == "block8" else f"{blocks[first]}_{int(rest[0]) + 1}_conv"
            model.get_layer(layer).set_weights([kernel(name), weights[f"{name}.bias"]])
            continue
        own = name == "conv2d_7b"
        conv = model.get_layer("conv_7b") if own else next(counted["conv2d"])
        norm = model.get_layer("conv_7b_bn") if own else next(counted["batch_normalization"])
        conv.set_weights([kernel(f"{name}.conv")])
        norm.set_weights([weights[f"{name}.bn.{part}"] for part in ("bias", "running_mean", "running_var")])
    features = np.load(scratch / "features.npy")
    difference = np.abs(model.predict(np.load(scratch / "pixels.npy"), verbose=0) - features).max()
    print(f"InceptionResNetV2 in Keras and timm: largest difference {difference:.1e} of {np.abs(features).max():.2f}")
    assert difference < 1e-5
    save(model, scratch, "inception-resnet-v2-keras")


def save(model, scratch: Path, name: str, legacy: bool = True) -> None:
    """In every layout of Keras, that of before version 3.6 included, which has no names of layers."""
    import h5py
    from keras.src.legacy.saving import legacy_h5_format

    if legacy:
        with h5py.File(scratch / f"{name}-legacy.h5", "w") as file:
            legacy_h5_format.save_weights_to_hdf5_group(file, model)
    model.save(scratch / f"{name}-whole.h5")
    for version in ("3", "30"):
        model.save_weights(scratch / f"{name}-{version}.weights.h5")
    with h5py.File(scratch / f"{name}-30.weights.h5", "a") as file:
        file.visititems(lambda _, item: item.attrs.pop("name", None) and None)


def main() -> None:
    program, scratch = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    scratch.mkdir(parents=True, exist_ok=True)
    listed = {entry["name"]: entry for entry in json.loads(subprocess.check_output([program, "--json", "weights", "list"]))}
    vgg16 = listed["vgg16"]
    for part in ("torch", "keras"):
        subprocess.run([sys.executable, __file__, part, scratch, vgg16["path"]], check=True)
    failed = False
    for network, wanted in (("vgg16", vgg16["sha256"]), ("inception-resnet-v2", None)):
        for file in sorted(scratch.glob(f"{network}-*")):
            environment = {**os.environ, "FACEPROBE_WEIGHTS": str(scratch / "weights")}
            command = [program, "--json", "--quiet", "weights", "import", network, file]
            found = json.loads(subprocess.check_output(command, env=environment))["sha256"]
            wanted = wanted or found
            failed |= found != wanted
            print(f"{'same ' if found == wanted else 'OTHER'} {found[:16]} {file.stat().st_size:>11,} bytes  {file.name}")
    sys.exit("not all the same" if failed else None)


if __name__ == "__main__":
    if sys.argv[1] in ("torch", "keras"):
        {"torch": torch_part, "keras": keras_part}[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        main()
