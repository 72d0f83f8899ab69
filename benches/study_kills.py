"""A study killed at random moments must come to the table of an undisturbed run.

Runs a small study on the drawn sample once undisturbed, then again while `faceprobe study run` and the worker it has at work
are killed (SIGKILL) at random moments, each time followed by another call, until it is done. Compares the two tables without
run names' circumstances: kind, settings, data, seed, all accuracies, thresholds, epochs, refits, and marks of test openings;
and what predict uses.
Counts what was trained twice: every step has one run.

    python3 benches/study_kills.py [--kills 20] [--seed 1] [--faceprobe target/release/faceprobe]
"""

import argparse
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import tempfile
import time

STUDY = """
[sample]
images = 200
size = 64
[data.faces]
source = "adience:data/sample"
train = 96
val = 48
test = 48
decisions = [
    "drop DROPPED",
    "relabel RELABELLED male",
]
[data.abroad]
source = "adience:data/sample"
seed = 2
train = 20
val = 20
test = 20
[data.cross]
source = "adience:data/sample"
split = "folds"
[features.lite]
[model.bench]
kind = "benchmark"
data = "faces"
epochs = 6
pool = 4
filters = 16
seeds = [1, 2, 3]
open_test = true
[model.line]
kind = "logistic"
data = ["faces", "cross"]
features = "lite"
alphas = [100, 1000]
seeds = [1, 2, 3]
open_test = true
[model.head]
kind = "dense"
data = "faces"
features = "lite"
epochs = 40
seeds = [1, 2, 3]
open_test = true
[model.tuned]
kind = "finetune"
data = "faces"
cut = 13
epochs = 4
seeds = [1, 2, 3]
open_test = true
[sweep.many]
data = "faces"
features = "lite"
width = [64, 128]
epochs = 30
seeds = [1, 2]
open_test = true
[ensemble.both]
of = ["tuned:1", "tuned:2"]
open_test = true
[refit.more]
of = ["tuned:1", "tuned:2", "both", "head:2"]
open_test = true
[evaluate.elsewhere]
of = ["head:1", "bench:2"]
on = "abroad"
[choose]
of = ["head", "tuned", "many"]
threshold = "youden"
on = "abroad"
images = 10
[report]
"""

FIELDS = ["kind", "backbone", "tap", "pool", "settings", "key", "dataset", "manifest_sha256", "seed", "epochs", "best_epoch",
          "train_accuracy", "val_accuracy", "test_accuracy", "threshold", "after_test_openings", "refit", "status"]


def table(told):
    rows = [{field: row.get(field) for field in FIELDS} for row in told["results"]]
    return sorted(rows, key=lambda row: json.dumps(row, sort_keys=True))


def chosen(workspace):
    """What predict uses, but for when it was chosen and what its runs are called."""
    choice = json.loads((workspace / "runs/chosen.json").read_text())
    for name in ["at", "run", "checksum"]:
        choice.pop(name, None)
    choice["adapted"].pop("evaluation")
    return choice


def decided(place, faceprobe):
    """The study with two images of its sample, which are the same wherever it is drawn."""
    drawn, file = place / "drawn", place / "drawn.toml"
    drawn.mkdir()
    file.write_text(STUDY[: STUDY.index("decisions")])
    subprocess.run([faceprobe, "--workspace", str(drawn), "--quiet", "study", "run", str(file)], check=True,
                   stdout=subprocess.DEVNULL)
    rows = (drawn / "data/prepared/faces/manifest.csv").read_text().splitlines()
    women = [row.rsplit(",", 1)[1] for row in rows if ",female,train," in row]
    return STUDY.replace("DROPPED", women[0]).replace("RELABELLED", women[1])


def workers(workspace):
    """The processes that work on runs of this workspace."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if os.fsencode(str(workspace)) in words and b"run" in words[:3]:
                found.append(int(entry.name))
    return found


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--faceprobe", default="target/release/faceprobe")
    args = parser.parse_args()
    draw = random.Random(args.seed)
    place = pathlib.Path(tempfile.mkdtemp(prefix="study-kills-")).resolve()
    try:
        file = place / "study.toml"
        file.write_text(decided(place, args.faceprobe))
        calm, wild = place / "calm", place / "wild"
        calm.mkdir()
        wild.mkdir()

        def command(workspace):
            return [args.faceprobe, "--workspace", str(workspace), "--json", "study", "run", str(file)]

        begun = time.monotonic()
        undisturbed = json.loads(subprocess.run(command(calm), check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout)
        seconds = time.monotonic() - begun
        print(f"undisturbed: {len(undisturbed['steps'])} steps, {len(undisturbed['results'])} models, {seconds:.1f} s", flush=True)

        hits = {"study": 0, "worker": 0, "both": 0}
        calls = 0
        while sum(hits.values()) < args.kills:
            calls += 1
            process = subprocess.Popen(command(wild), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            # So that all kills fall into the study.
            wait = draw.uniform(0.05, 2.2 * seconds / args.kills)
            try:
                process.wait(timeout=wait)
                print("the study was done before all kills")
                break
            except subprocess.TimeoutExpired:
                pass
            victim = draw.choice(["study", "worker", "both"])
            running = workers(wild)
            if victim != "study":
                for pid in running:
                    kill(pid)
            if victim != "worker":
                process.kill()
            hits[victim] += 1
            if victim == "worker":
                # Goes on by itself, and is killed a moment later so that the next call has something to find.
                time.sleep(draw.uniform(0.05, 0.5))
                process.kill()
            process.wait()
        done = subprocess.run(command(wild), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if done.returncode:
            raise SystemExit(f"the last call failed: {done.stderr.decode()[-2000:]}")
        disturbed = json.loads(done.stdout)
        begun = time.monotonic()
        subprocess.run(command(wild), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        idle = time.monotonic() - begun
        rows = len(json.loads(subprocess.run([args.faceprobe, "--workspace", str(wild), "--json", "results"], check=True,
                                             stdout=subprocess.PIPE).stdout))
        same = table(undisturbed) == table(disturbed) and chosen(calm) == chosen(wild)
        steps = [step["step"] for step in undisturbed["steps"]] == [step["step"] for step in disturbed["steps"]]
        print(f"{sum(hits.values())} kills ({hits}) in {calls} calls: table and choice equal: {same}, steps equal: {steps}, "
              f"models trained: {rows} of {len(disturbed['results'])}, a call with nothing to do: {idle:.2f} s")
        if not same:
            for one, other in zip(table(undisturbed), table(disturbed)):
                if one != other:
                    print(json.dumps(one), json.dumps(other), sep="\n")
        raise SystemExit(0 if same and steps and rows == len(disturbed["results"]) else 1)
    finally:
        for pid in workers(place / "wild"):
            kill(pid)
        shutil.rmtree(place, ignore_errors=True)


main()
