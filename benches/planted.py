#!/usr/bin/env python3
"""How many planted label errors an audit finds.

Takes 1,000 images of a prepared set (500 of each class, drawn with a seed), gives 50 of them the other label, prepares
and audits them as a set of their own, and counts how many of the 50 are among the first 100 suggestions. Features come
from the workspace's cache, which goes by content, so extracting them for the whole set once serves every seed:

    faceprobe --workspace W extract --data fairface --backbone mobilenet-v2 --tap 10,13,15,16 --pool grid4
    python3 benches/planted.py target/release/faceprobe W fairface --seeds 1,2,3

With --splits val,test the images are drawn from these splits only. A run that was trained on the set has never seen them,
so it can be asked about them (and --with makes sure of that itself):

    faceprobe --workspace W train finetune --data fairface --backbone mobilenet-v2 --cut 6
    python3 benches/planted.py target/release/faceprobe W fairface --splits val,test --audit='--with finetune-1'

Nothing is written outside the workspace: data/planted.csv there, and the prepared set `planted`.
"""

import argparse
import csv
import json
import random
import subprocess
from pathlib import Path

IMAGES, PLANTED, LOOKED_AT = 1000, 50, 100


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("faceprobe")
    parser.add_argument("workspace", type=Path)
    parser.add_argument("data")
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--splits", default="train,val,test", help="splits that the images are drawn from")
    parser.add_argument("--audit", default="", help="more options for data audit, such as '--backbone vgg16'")
    options = parser.parse_args()
    folder = options.workspace / "data/prepared" / options.data
    roots = json.loads((folder / "sources.json").read_text())["roots"]
    with open(folder / "manifest.csv", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] in options.splits.split(",")]
    classes = sorted({row["label"] for row in rows})
    total = 0
    for seed in map(int, options.seeds.split(",")):
        draw = random.Random(seed)
        chosen = [row for label in classes for row in draw.sample([r for r in rows if r["label"] == label], IMAGES // 2)]
        planted = {row["hash"] for row in draw.sample(chosen, PLANTED)}
        source = options.workspace / "data/planted.csv"
        with open(source, "w", newline="") as file:
            out = csv.writer(file)
            out.writerow(["path", "label", "split"])
            for row in chosen:
                label = row["label"] if row["hash"] not in planted else classes[1 - classes.index(row["label"])]
                out.writerow([str(Path(roots[row["source"]]) / row["path"]), label, "train"])
        common = [options.faceprobe, "--workspace", str(options.workspace), "--quiet", "--json"]
        run = lambda *words: json.loads(subprocess.run([*common, *words], check=True, capture_output=True).stdout)
        run("data", "prepare", "--source", f"csv:{source}", "--name", "planted")
        audit = run("data", "audit", "planted", *options.audit.split())
        suggestions = [f["images"][0]["hash"] for f in audit["findings"] if f["kind"] == "label_error"]
        found = len(planted & set(suggestions[:LOOKED_AT]))
        total += found
        print(
            f"seed {seed}: {found} of {PLANTED} among the first {LOOKED_AT} of {len(suggestions)} suggestions, "
            f"{len(planted & set(suggestions))} in all; agreement {audit['agreement']:.3f}, {audit['seconds']:.0f} s, "
            f"features {'; '.join(audit['features'])}",
            flush=True,
        )
    print(f"mean {total / len(options.seeds.split(',')):.1f}")


if __name__ == "__main__":
    main()
