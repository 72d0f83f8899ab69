"""Damage to every file that the program reads, and what it is asked afterwards."""

import json
import os
import pathlib
import re
import shutil

from judge import differs, ended_badly, unclear
from workspace import BACKBONE, LINE, PREPARE

HERE = pathlib.Path(__file__).resolve().parent
FIXTURES = HERE.parent.parent / "tests/fixtures/weights"

RESULTS = [["results"], ["evaluate", "dense-1"], ["runs", "show", "dense-1"]]
TRAINED = [LINE, ["evaluate", "{last}"]]
OF_SET = [["data", "show", "faces"], *TRAINED]
PIXELS = [["train", "benchmark", "--data", "faces", "--epochs", "2", "--pool", "4"], ["evaluate", "{last}"]]
CROPPED = [["train", "benchmark", "--data", "faces", "--epochs", "2", "--pool", "8", "--input", "128"], ["runs", "show", "{last}"]]
AGAIN = [["data", "prepare", "--source", "adience:data/sample", "--name", "again", "--train", "32", "--val", "14", "--test", "14"],
         ["data", "show", "again"]]
PREDICT = ["predict", "{image}"]

# How another content counts: it is noticed (the answers are those of before, or something is said); it may be as good as the old,
# so that only the end of the calls is looked at; a picture of a set is left out by name.
NOTICED, FREE, LEFT_OUT = "noticed", "free", "left out"

# Kind: where, what is asked, how another content counts, and the copy of the workspace.
FILES = {
    "part": ("cache/features/efficientnet*/part-*[0-9].npy", TRAINED, NOTICED),
    "keys": ("cache/features/efficientnet*/part-*.keys.npy", TRAINED, NOTICED),
    "part sums": ("cache/features/efficientnet*/part-*.sha256", TRAINED, NOTICED),
    "identity": ("cache/features/efficientnet*/identity.json", TRAINED, NOTICED),
    "pixels": ("cache/features/pixels*/part-*", PIXELS, NOTICED),
    "manifest": ("data/prepared/faces/manifest.csv", OF_SET, NOTICED),
    "account": ("data/prepared/faces/report.json", OF_SET, NOTICED),
    "sources": ("data/prepared/faces/sources.json", OF_SET, NOTICED),
    "audit": ("data/prepared/faces/audit.json", [["report"]], NOTICED),
    "current": ("data/current/faces", [["data", "show", "faces"], LINE], NOTICED),
    "inspected": ("cache/inspected.csv", AGAIN, NOTICED),
    "spec": ("runs/dense-1/spec.json", RESULTS, NOTICED),
    "journal": ("runs/dense-1/events.jsonl", RESULTS, NOTICED),
    "summary": ("runs/dense-1/summary.json", RESULTS, NOTICED),
    "result": ("runs/dense-1/result.json", RESULTS, NOTICED),
    "scores": ("runs/dense-1/scores-val.csv", [["evaluate", "dense-1"], ["compare", "dense-1", "logistic-1"]], NOTICED),
    "test scores": ("runs/benchmark-1/scores-test.csv", [["evaluate", "benchmark-1", "--open-test"], ["results"]], NOTICED),
    "label": ("runs/dense-1/label.json", [["runs", "list"], ["runs", "show", "dense-1"]], FREE),
    "chosen": ("runs/chosen.json", [PREDICT, ["results"]], NOTICED),
    "openings": ("runs/test-openings.jsonl", [["results"]], NOTICED),
    "decisions": ("data/decisions.csv", [PREPARE], FREE),
    "written": ("cache/written.jsonl", [["report"], ["results", "--output", "own/labels.csv"]], NOTICED),
    "model": ("runs/logistic-1/model.safetensors", [[*PREDICT, "--model", "logistic-1"], ["export", "logistic-1", "--to", "m.onnx"]], NOTICED),
    "benchmark model": ("runs/benchmark-1/model.safetensors", [[*PREDICT, "--model", "benchmark-1"]], NOTICED),
    "checkpoint": ("runs/benchmark-2/checkpoint.safetensors", [["runs", "resume", "benchmark-2"], ["runs", "attach", "benchmark-2"],
                                                                ["results"]], NOTICED, "interrupted"),
    "plan": ("plans/*/plan.json", [["work", "plans/{plan}"], ["results"]], NOTICED, "planned"),
    "stored weights": (f"weights/{BACKBONE}.safetensors", [PREDICT], NOTICED),
    "weights record": (f"weights/{BACKBONE}.json", [PREDICT, ["weights", "list"]], FREE),
    "JPEG": ("data/sample/faces/*/*.jpg", [["predict", "{hit}"]], FREE),
    "JPEG of a set": ("data/sample/faces/*/*.jpg", CROPPED, LEFT_OUT),
    "PNG": ("own/*.png", [["predict", "{hit}"]], NOTICED),
    "CSV": ("own/labels.csv", [PREPARE], FREE),
    "study": ("study.toml", [["study", "status", "study.toml"]], FREE),
    "config": ("faceprobe.toml", [["config", "show"], ["results"]], FREE),
}
for fixture in ["state.safetensors", "zip.pth", "legacy.pth", "deflated.pth", "company_2.ckpt", "nested.pth", "tiny.onnx",
                "keras3.weights.h5", "keras_2016.h5", "tensorflow_js.json"]:
    FILES[f"import {fixture}"] = (f"fixtures/{fixture}", [["weights", "import", BACKBONE, "{hit}"]], FREE)


def mutated(data, draw):
    """The same file with one thing wrong, and what."""
    ways = ["bit", "byte", "digit", "digit", "zeros", "cut", "twice", "junk", "gone", "swap", "empty", "tail", "number", "random"]
    for _ in range(50):
        size, new = len(data), bytearray(data)
        at = draw.randrange(size) if size else 0
        length = min(draw.choice([1, 2, 4, 16, 64, 512, 4096]), max(size - at, 0))
        way = draw.choice(ways)
        if way == "bit" and size:
            new[at] ^= 1 << draw.randrange(8)
        elif way == "byte" and size:
            new[at] = draw.randrange(256)
        elif way in ("digit", "number"):
            places = [match.span() for match in re.finditer(rb"-?\d+(\.\d+)?(e-?\d+)?", bytes(data[:65536]))]
            if not places:
                continue
            begin, end = draw.choice(places)
            if way == "digit":
                digits = [place for place in range(begin, end) if chr(data[place]).isdigit()]
                new[draw.choice(digits)] = ord(draw.choice("0123456789"))
            else:
                odd = [b"0", b"-1", b"1e308", b"NaN", b"18446744073709551616", b"0.5", b"1", b"null", b'"x"']
                new[begin:end] = draw.choice(odd)
        elif way == "zeros":
            new[at:at + length] = bytes(length)
        elif way == "cut":
            del new[at:]
        elif way == "twice":
            new[at:at] = data[at:at + length]
        elif way == "junk":
            new[at:at] = draw.randbytes(length)
        elif way == "random":
            new[at:at + length] = draw.randbytes(length)
        elif way == "gone":
            del new[at:at + length]
        elif way == "swap" and size > 2 * length:
            other = draw.randrange(size - length)
            new[at:at + length], new[other:other + length] = data[other:other + length], data[at:at + length]
        elif way == "empty":
            new = bytearray()
        elif way == "tail":
            new += draw.randbytes(length or 1)
        if new != data:
            return bytes(new), way
    return data + b"x", "tail"


def asked(lane, questions, hit):
    answers = []
    for question in questions:
        last = lane.runs()[-1:] if "{last}" in question else []
        known = {"{last}": last[0]["run"] if last else "none", "{hit}": str(hit), "{plan}": hit.parent.name}
        words = []
        for word in question:
            for mark, value in known.items():
                word = word.replace(mark, value)
            words.append(word)
        answers.append(lane.told(words))
    return answers


def damaged(lane, kind, draw):
    pattern, questions, counts, copy = (*FILES[kind], "kept")[:4]
    lane.fresh(copy)
    if kind.startswith("import"):
        shutil.copytree(FIXTURES, lane.w / "fixtures")
    if kind == "study":
        shutil.copy(lane.root / "study.toml", lane.w)
    hit = draw.choice(sorted(path for path in lane.w.glob(pattern) if path.stat().st_size))
    if counts == NOTICED and (kind, hit) not in lane.calm:
        lane.calm[kind, hit] = asked(lane, questions, hit)
        lane.fresh(copy)
    new, way = mutated(hit.read_bytes(), draw)
    stat = hit.stat()
    hit.write_bytes(new)
    if counts == LEFT_OUT and draw.random() < 0.5:
        os.utime(hit, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    answers, mishaps = asked(lane, questions, hit), []
    # A sentence names the file, or what it belongs to, or that something was changed.
    relative = hit.relative_to(lane.w)
    names = [hit.name, relative.parent.name, "checksum", "damaged"]
    if kind == "written":
        # Without its record the program knows of no file that it wrote it: each is named, with what to do.
        names.append("overwrite it with --force")
    for (_, done), question in zip(answers, questions):
        # A question about what an earlier one of this trial was to make has no answer of its own.
        follows = any(before.returncode for _, before in answers) and any("{last}" in word for word in question)
        why = ended_badly(done) if follows else unclear(done, names)
        if why:
            mishaps.append(("unclear", f"{way} of {hit.name}: {' '.join(question)}: {why}"))
    if counts == NOTICED:
        said = any(done.stderr.strip() or "cannot be read" in done.stdout for _, done in answers)
        for (value, _), (calm, _), question in zip(answers, lane.calm[kind, hit], questions):
            if value is not None and calm is not None and not said and (what := differs(calm, value)):
                mishaps.append(("wrong", f"{way} of {hit.name}: {' '.join(question)}: {what}"))
    if counts == LEFT_OUT and answers[0][1].returncode == 0 and hit.name not in json.dumps(answers[1][0]):
        manifest = (lane.kept() / "data/prepared/faces/manifest.csv").read_text().splitlines()
        splits = [line.split(",")[2] for line in manifest if hit.name in line]
        if splits and splits[0] != "test":
            mishaps.append(("wrong", f"{way} of {hit.name}: used though it changed"))
    return mishaps
