"""The tiny workspace that every trial has a copy of, and the commands that are tried on it."""

import random
import struct
import zlib

BACKBONE = "efficientnet-lite0"

STUDY = """
[sample]
images = 60
size = 48
[data.faces]
source = "adience:data/sample"
train = 32
val = 14
test = 14
[features.lite]
[model.bench]
kind = "benchmark"
data = "faces"
epochs = 3
pool = 4
filters = 8
seeds = [1]
open_test = true
[model.head]
kind = "dense"
data = "faces"
features = "lite"
width = 16
epochs = 6
seeds = [1]
[report]
"""
MORE = STUDY + '[model.line]\nkind = "logistic"\ndata = "faces"\nfeatures = "lite"\nseeds = [1]\n'
CONFIGURATION = '[screen]\ntheme = "light"\n[slurm]\ntasks = 3\n'

# Of the training commands, what their last run says must be the same, however it came about.
LINE = ["train", "logistic", "--data", "faces", "--alphas", "100,1000"]
DENSE = ["train", "dense", "--data", "faces", "--width", "16", "--epochs", "40", "--seed", "3"]
BENCH = ["train", "benchmark", "--data", "faces", "--epochs", "8", "--pool", "4", "--filters", "8", "--seed", "3"]
TUNED = ["train", "finetune", "--data", "faces", "--cut", "15", "--epochs", "3"]
SWEEP = ["sweep", "--data", "faces", "--width", "8,16", "--epochs", "8", "--seeds", "1"]
SEEDS = ["train", "benchmark", "--data", "faces", "--epochs", "2", "--pool", "8", "--seeds", "5,6", "--on", "local:2"]
CURVE = ["learning-curve", "logistic", "--data", "faces", "--sizes", "8,16", "--seeds", "1"]
PREPARE = ["data", "prepare", "--source", "csv:{w}/own/labels.csv", "--name", "own"]

COMMANDS = {
    "prepare": PREPARE,
    "extract": ["extract", "--data", "faces", "--tap", "8", "--pool", "avg"],
    "benchmark": BENCH,
    "logistic": LINE,
    "dense": DENSE,
    "finetune": TUNED,
    "sweep": SWEEP,
    "seeds": SEEDS,
    "curve": CURVE,
    "choose": ["choose", "dense-1"],
    "open-test": ["evaluate", "dense-1", "--open-test"],
    "report": ["report"],
    "audit": ["data", "audit", "faces", "--faces", "no"],
    "decide": ["data", "decide", "{image}", "drop"],
    "note": ["runs", "note", "dense-1", "a note"],
    "remove": ["runs", "remove", "benchmark-1", "--yes"],
    "table": ["results", "--output", "table.csv"],
    "export": ["export", "dense-1", "--to", "model.onnx"],
    "features": ["features", "export", "--data", "faces", "--to", "features"],
    "map": ["features", "map", "--data", "faces", "--method", "pca", "--to", "map.svg"],
    "compact": ["features", "compact"],
    "trackers": ["runs", "export", "dense-1", "--mlflow", "store"],
    "explain": ["predict", "{image}", "--explain", "why.png"],
    "import": ["weights", "import", BACKBONE, "{root}/import.safetensors"],
    "fetch": ["weights", "fetch", BACKBONE, "--from", "{url}"],
    "study": ["study", "run", "{root}/more.toml"],
    "study file": ["study", "export", "written.toml"],
}

# What is killed: the work that the issue names, and what writes several files.
KILLED = ["prepare", "extract", "dense", "sweep", "finetune", "choose", "open-test", "report", "import", "fetch", "study"]

# What says when and where, not what came out.
CIRCUMSTANCES = {
    "seconds", "created", "at", "milliseconds", "run", "path", "rate", "bytes", "decided", "sources", "version", "pid",
}


def png(number):
    """A picture of its own colours."""
    draw = random.Random(number)
    tint = [150, 60, 60] if number % 2 else [60, 60, 150]
    rows = b"".join(b"\0" + bytes((c + draw.randrange(60)) % 256 for _ in range(32) for c in tint) for _ in range(32))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 32, 32, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def own_pictures(folder):
    """A data set of its own in a folder: pictures and their table."""
    folder.mkdir(parents=True)
    rows = ["path,label,subject,age"]
    for number in range(24):
        (folder / f"{number}.png").write_bytes(png(number))
        rows.append(f"{number}.png,{'female' if number % 2 else 'male'},p{number // 2},{20 + number % 40}")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")
