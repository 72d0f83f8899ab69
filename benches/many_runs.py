#!/usr/bin/env python3
"""Fabricates a workspace with many finished runs, to see what the workbench makes of it.

    benches/many_runs.py WORKSPACE [--runs 1000] [--epochs 100] [--journal BYTES]
    benches/many_runs.py WORKSPACE --list [--times 9]

Each run is a folder as a dense training leaves it (spec, journal, result, scores, log), without the model. With
`--journal` each journal has that many bytes at least, as long work with many images leaves it. `--list` makes nothing:
it times `runs list` and `results`, the first call apart, less the start of the program.
"""

import argparse
import json
import math
import pathlib
import random
import statistics
import subprocess
import time

PROGRAM = pathlib.Path(__file__).resolve().parent.parent / "target/release/faceprobe"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("workspace", type=pathlib.Path)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--journal", type=int, default=0, help="bytes of each journal")
    parser.add_argument("--list", action="store_true", help="time the lists of a workspace that is there")
    parser.add_argument("--times", type=int, default=9)
    options = parser.parse_args()
    if options.list:
        return measure(options.workspace, options.times)
    draw = random.Random(1)
    filler = progress(options.journal)
    for number in range(1, options.runs + 1):
        run(options.workspace / "runs", number, options.epochs, draw, filler)


def measure(workspace, times):
    """Milliseconds of the first call and the median of the later ones."""
    start = statistics.median(call("--version") for _ in range(times))
    print(f"start of the program: {start:.0f} ms")
    for what in (["runs", "list"], ["runs", "list", "--json"], ["results"]):
        first = call("--workspace", workspace, *what)
        later = [call("--workspace", workspace, *what) for _ in range(times)]
        print(f"{' '.join(what):18} first {first - start:8.0f} ms, later {statistics.median(later) - start:5.0f} ms "
              f"({min(later) - start:.0f} to {max(later) - start:.0f})")


def call(*arguments):
    began = time.perf_counter()
    subprocess.run([PROGRAM, *arguments], check=True, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - began) * 1000


def progress(size):
    """Lines of so many bytes that tell how far a work is."""
    lines, length = [], 0
    while length < size:
        lines.append(json.dumps({
            "at": 1_767_000_000_000 + length, "event": "progress", "done": length, "total": 2 * size, "unit": "images",
            "rate": 311.84210526315786, "remaining": 17.263157894736842,
        }, separators=(",", ":")) + "\n")
        length += len(lines[-1])
    return "".join(lines)


def run(runs, number, epochs, draw, filler):
    folder = runs / f"dense-{number}"
    folder.mkdir(parents=True)
    width, dropout, top = draw.choice([256, 512, 1024]), draw.choice([0.2, 0.5, 0.8]), draw.uniform(0.7, 0.85)
    created = f"2026-{1 + number // 840:02}-{1 + number // 30 % 28:02}T{number % 24:02}:{number % 60:02}:00Z"
    settings = {
        "width": width, "depth": 1, "dropout": dropout, "epochs": epochs, "learning_rate": 0.001, "optimizer": "adam",
        "weight_decay": 0.0, "batch": 128, "seed": number, "standardise": True, "patience": None,
    }
    job = {"job": "train", "dataset": "sample",
           "model": {"kind": "dense", "backbone": "efficientnet-lite0", "settings": settings}}
    spec = {"job": job, "created": created, "threads": 2, "device": "cpu", "parent": None}
    (folder / "spec.json").write_text(json.dumps(spec, indent=2))
    at = 1_767_000_000_000 + number * 60_000
    lines = [{"at": at, "event": "started", "pid": 1, "threads": 2}, {"at": at, "event": "stage", "name": "train"}]
    for epoch in range(1, epochs + 1):
        far = 1 - math.exp(-epoch / (epochs / 4))
        lines.append({
            "at": at + epoch * 300, "event": "epoch", "epoch": epoch, "epochs": epochs,
            "train_loss": 0.7 - 0.5 * far, "train_accuracy": 0.5 + 0.45 * far, "val_loss": 0.7 - 0.3 * far,
            "val_accuracy": 0.5 + (top - 0.5) * far, "seconds": 0.3123,
        })
    lines.append({"at": at + 40_000, "event": "finished", "summary": f"validation accuracy {top:.3f}", "seconds": 40.0})
    begun, rest = lines[:2], lines[2:]
    text = ["".join(json.dumps(line, separators=(",", ":")) + "\n" for line in part) for part in (begun, rest)]
    (folder / "events.jsonl").write_text(text[0] + filler + text[1])
    result = {
        "run": folder.name, "kind": "dense", "backbone": "efficientnet-lite0", "pool": "avg", "tap": "last",
        "params": 1_312_769, "seed": number, "epochs": epochs, "best_epoch": epochs // 2, "train_accuracy": 0.95,
        "val_accuracy": top, "val_interval": {"low": top - 0.03, "high": top + 0.03}, "test_accuracy": None,
        "test_interval": None, "threshold": 0.5, "seconds": 40.0, "status": "done", "dataset": "sample",
        "manifest_sha256": "a" * 64, "synthetic": True, "created": created,
        "settings": f"dense {width}, dropout {dropout}, {epochs} epochs, adam 0.001",
    }
    (folder / "result.json").write_text(json.dumps(result, indent=2))
    (folder / "scores-val.csv").write_text(
        "source,path,label,score\n"
        + "".join(f"adience,faces/{i}.jpg,{'male' if i % 2 else 'female'},{draw.random()}\n" for i in range(200))
    )
    (folder / "worker.log").write_text("")


if __name__ == "__main__":
    main()
