#!/usr/bin/env python3
"""Compares exported models with faceprobe itself: `faceprobe export` scored by ONNX Runtime against `faceprobe predict`.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install onnx onnxruntime numpy pillow
    /tmp/venv/bin/python tools/check_onnx_export.py --workspace DIR --images FOLDER [--runs RUN ...] [--count 200]

Every run is exported, and the same pixels are shown to both: photographs are brought to the network's size once, by
Pillow, and kept as PNG. Probabilities must agree within 1e-4 and labels must be the same; else the exit code is 1.

What the files themselves give, decoded and resized by Pillow on one side and by faceprobe on the other, is told beside
it and decides nothing: two JPEG decoders differ by a few grey levels.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy
import onnx
import onnxruntime
from PIL import Image, ImageOps

ENDINGS = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}


def faceprobe(args, *command):
    whole = [args.faceprobe, "--workspace", args.workspace, "--quiet", *command]
    done = subprocess.run(whole, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command[:3])}: {done.stderr.strip()}")
    return done.stdout


def photographs(folder, count):
    """Some photographs of the folder and those in it, evenly spread over it."""
    found = sorted(path for path in pathlib.Path(folder).rglob("*") if path.suffix.lower() in ENDINGS)
    readable = []
    for path in found[:: max(1, len(found) // (2 * count))]:
        try:
            with Image.open(path) as picture:
                picture.convert("RGB")
            readable.append(path)
        except OSError:
            continue
        if len(readable) == count:
            break
    return readable


def seen(path, about):
    """The picture at the network's size, as the metadata says."""
    preprocessing = json.loads(about["preprocessing"])
    with Image.open(path) as picture:
        upright = preprocessing["orientation"].startswith("upright")
        picture = ImageOps.exif_transpose(picture) if upright else picture
        nearest = preprocessing["resize"].startswith("nearest")
        side = preprocessing["side"]
        filter = Image.Resampling.NEAREST if nearest else Image.Resampling.BILINEAR
        return picture.convert("RGB").resize((side, side), filter)


def predicted(args, run, paths):
    """What faceprobe says of whole pictures."""
    answers = []
    for first in range(0, len(paths), 500):
        some = [str(path) for path in paths[first : first + 500]]
        answers += json.loads(faceprobe(args, "--json", "predict", "--model", run, "--detect", "none", *some))
    wrong = [answer["error"] for answer in answers if answer["error"]]
    if wrong:
        sys.exit(f"{run}: {wrong[0]}")
    return answers


def differences(answers, labels, probabilities, scores, classes):
    told = [classes[label] for label in labels]
    labels = sum(answer["label"] != label for answer, label in zip(answers, told))
    probability = max(abs(answer["probability"] - other) for answer, other in zip(answers, probabilities))
    score = max(abs(answer["score"] - other) for answer, other in zip(answers, scores))
    return labels, probability, score


def compare(args, run, paths, folder):
    model = folder / f"{run}.onnx"
    told = json.loads(faceprobe(args, "--json", "export", run, "--to", str(model)))
    onnx.checker.check_model(str(model), full_check=True)
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    about = session.get_modelmeta().custom_metadata_map
    classes = json.loads(about["classes"])
    pictures = [seen(path, about) for path in paths]
    same = []
    for index, picture in enumerate(pictures):
        path = folder / f"{about['side']}-{index}.png"
        picture.save(path, compress_level=1)
        same.append(path)
    outputs = []
    for first in range(0, len(pictures), 8):
        batch = numpy.stack([numpy.asarray(picture) for picture in pictures[first : first + 8]])
        outputs.append(session.run(["label", "probability", "score"], {"pictures": batch}))
    labels, probabilities, scores = (numpy.concatenate(part) for part in zip(*outputs))
    exact = differences(predicted(args, run, same), labels, probabilities, scores, classes)
    files = differences(predicted(args, run, paths), labels, probabilities, scores, classes)
    good = exact[0] == 0 and exact[1] <= 1e-4 and exact[2] <= 1e-4
    print(
        f"{run:16} {told['bytes'] / 1e6:8.1f} MB  {len(paths)} pictures"
        f"  same pixels: labels {exact[0]}, probability {exact[1]:.1e}, score {exact[2]:.1e} {'ok' if good else 'WRONG'}"
        f"  (files: labels {files[0]}, probability {files[1]:.1e})",
        flush=True,
    )
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faceprobe", default="target/release/faceprobe")
    parser.add_argument("--workspace", default=".")
    parser.add_argument("--images", required=True, help="a folder of photographs")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--runs", nargs="+", help="the runs [default: all that are done]")
    args = parser.parse_args()
    rows = json.loads(faceprobe(args, "--json", "results"))
    runs = args.runs or [row["run"] for row in rows if row["status"] == "done"]
    paths = photographs(args.images, args.count)
    if not runs or not paths:
        sys.exit("There is no run or no photograph to compare with.")
    with tempfile.TemporaryDirectory() as folder:
        good = [compare(args, run, paths, pathlib.Path(folder)) for run in runs]
    sys.exit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
