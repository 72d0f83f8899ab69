"""Extraction, a sweep, folds and a study on a real Slurm of two nodes on this machine, against the same without Slurm.

usage: run.py FACEPROBE DIR

FACEPROBE is the program, DIR an empty folder; SLURM_CONF names the cluster's configuration. Uses the standard library only.
"""

import hashlib
import json
import os
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

PROGRAM, ROOT = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
BACKBONE = "efficientnet-lite0"
STUDY = f"""
[sample]
images = 240
size = 96
[data.sample]
source = "adience:data/sample"
train = 120
val = 60
test = 60
[features.{BACKBONE}]
[model.dense]
kind = "dense"
features = "{BACKBONE}"
width = 16
epochs = 3
seeds = [1, 2]
open_test = true
"""
BEGUN = time.monotonic()


def say(text):
    print(f"{time.monotonic() - BEGUN:6.1f} s  {text}", flush=True)


def run(workspace, *args, ok=True, **kwargs):
    done = subprocess.run([PROGRAM, "--workspace", workspace, "--threads", "1", *args], capture_output=True, text=True, **kwargs)
    if ok and done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, args))} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return done


def told(workspace, *args):
    return json.loads(run(workspace, "--json", *args).stdout)


def array(path):
    """The shape and the bytes of an .npy file."""
    data = path.read_bytes()
    (length,) = struct.unpack("<H", data[8:10])
    return data[10 : 10 + length].decode(), data[10 + length :]


def rows(workspace):
    """Every row of the features' store by its key; a row that is there twice must be the same twice."""
    (store,) = (workspace / "cache/features").glob(f"{BACKBONE}-last-avg-*")
    found, parts, count_of_all = {}, 0, 0
    for keys in store.glob("*.keys.npy"):
        _, names = array(keys)
        _, values = array(keys.with_name(keys.name.replace(".keys.npy", ".npy")))
        count, parts = len(names) // 32, parts + 1
        width = len(values) // count
        count_of_all += count
        for at in range(count):
            key, row = names[at * 32 : at * 32 + 32], values[at * width : at * width + width]
            assert found.setdefault(key, row) == row, "two rows of one image differ"
    assert count_of_all == len(found), f"{count_of_all} rows of {len(found)} images: some were computed twice"
    return found, parts


def computed(workspace, extraction):
    """How many rows the shares of an extraction computed, over all attempts, and which attempts there were."""
    total, ends = 0, []
    for journal in sorted((workspace / "runs" / extraction / "shares").glob("*/events.jsonl")):
        for line in journal.read_text().splitlines():
            event = json.loads(line)
            if event["event"] in ("finished", "failed", "stopped"):
                ends.append(event["event"])
            if event["event"] == "finished":
                total += int(event["summary"].split(" computed")[0])
    return total, ends


def workspace(name):
    """A workspace with the prepared sample in it."""
    folder = ROOT / name
    folder.mkdir()
    (folder / "data.toml").write_text(STUDY.split("[features")[0])
    run(folder, "--quiet", "study", "run", folder / "data.toml")
    (folder / "faceprobe.toml").write_text('[slurm]\ncpus = 1\ntime = "10"\n')
    return folder


def accuracies(rows):
    return sorted((row["settings"], row["seed"], row["val_accuracy"], row.get("test_accuracy")) for row in rows)


def queue(folder):
    return {run["run"]: run for run in told(folder, "runs", "list")}


def until(what, condition, patience=60):
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.2)
    raise SystemExit(f"{what}: not within {patience} s\n" + subprocess.run(["squeue"], capture_output=True, text=True).stdout)


def slurm(*args):
    subprocess.run(args, check=True, capture_output=True)


def main():
    single, cluster = workspace("single"), workspace("cluster")
    say("two workspaces with the drawn sample")
    run(single, "extract", "--backbone", BACKBONE)
    wanted, _ = rows(single)
    dry = run(cluster, "extract", "--backbone", BACKBONE, "--on", "slurm:4", "--dry-run")
    assert "--array=0-3" in dry.stdout and '"shares"' not in dry.stdout and not (cluster / "plans").exists(), dry.stdout

    # An array of four, one of whose workers is killed and one of whose tasks is sent back by the signal before its limit.
    extraction = run(cluster, "extract", "--backbone", BACKBONE, "--on", "slurm:4", "--detach").stdout.strip()
    until("a task runs", lambda: queue(cluster)[extraction]["slurm"]["running"])
    say(f"{extraction}: {queue(cluster)[extraction]['slurm']}")
    if victim := worker(cluster):
        os.kill(victim, signal.SIGKILL)
    run(cluster, "runs", "attach", extraction)
    found, parts = rows(cluster)
    assert found == wanted, "the store of the array is not that of the single run"
    total, _ = computed(cluster, extraction)
    assert total <= len(wanted), f"{total} rows computed, {len(wanted)} wanted"
    say(f"an array of 4 with a killed worker: {len(found)} rows in {parts} parts equal the single run's")

    for where in (single, cluster):
        place = ["--on", "slurm:2"] if where == cluster else []
        heads = ["sweep", "--width", "8,16", "--dropout", "0,0.5", "--epochs", "3", "--seeds", "1,2", "--backbone", BACKBONE]
        heads += ["--data", "sample"]
        run(where, "data", "prepare", "--source", "adience:data/sample", "--split", "folds", "--name", "cross", cwd=where)
        run(where, *heads, *place)
        dense = ["train", "dense", "--width", "16", "--epochs", "3", "--backbone", BACKBONE]
        run(where, *dense, "--data", "sample", "--seeds", "5,6", *place)
        run(where, *dense, "--data", "cross", *place)
    same(single, cluster, "a sweep of 8 heads, 2 seeds and 5 folds")

    single, cluster = workspace("single-study"), workspace("cluster-study")
    for where in (single, cluster):
        (where / "study.toml").write_text(STUDY)
        run(where, "study", "run", where / "study.toml", *(["--on", "slurm:2"] if where == cluster else []))
    assert rows(single)[0] == rows(cluster)[0]
    same(single, cluster, "a study with test openings")

    life(workspace("life"), wanted)
    requeued(workspace("requeued"), wanted)
    say("done")


def worker(folder):
    """A worker of this workspace."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if words[0].endswith(b"faceprobe-worker") and str(folder).encode() in words:
            return int(entry.name)
    return None


def same(single, cluster, what):
    one, other = (accuracies(told(where, "results")) for where in (single, cluster))
    assert one == other, f"{what}:\n{one}\n{other}"
    say(f"{what}: {len(one)} models, the same accuracies")


def life(folder, wanted):
    """A task is cancelled, the controller is restarted; what is missing is submitted by the same command."""
    command = ["extract", "--backbone", BACKBONE, "--on", "slurm:3"]
    extraction = run(folder, *command, "--detach").stdout.strip()
    standing = until("tasks wait", lambda: (now := queue(folder)[extraction]["slurm"])["pending"] and now)
    slurm("scancel", standing["jobs"][1])
    subprocess.run([Path(__file__).with_name("cluster.sh"), "restart", Path(os.environ["SLURM_CONF"]).parent], check=True)
    say(f"cancelled {standing['jobs'][1]}, controller restarted; {queue(folder)[extraction]['slurm']}")
    until("the rest ends", lambda: queue(folder)[extraction]["status"] in ("failed", "interrupted", "stopped"))
    again = run(folder, *command)
    assert extraction in queue(folder) and queue(folder)[extraction]["status"] == "done", again.stderr
    assert sum(name.startswith("extract") for name in queue(folder)) == 1, "the same run goes on"
    found, _ = rows(folder)
    assert found == wanted, "the store after a cancelled task is not that of the single run"
    total, ends = computed(folder, extraction)
    assert total <= len(wanted), f"{total} rows computed, {len(wanted)} wanted: {ends}"
    say(f"a cancelled task and a restarted controller: {len(found)} rows, {total} computed")


def requeued(folder, wanted):
    """A task gets the signal that comes before its time limit, and the node of another is set down: both go on."""
    extraction = run(folder, "extract", "--backbone", BACKBONE, "--on", "slurm:3", "--detach").stdout.strip()
    until("two tasks run", lambda: queue(folder)[extraction]["slurm"]["running"] == 2)
    first = queue(folder)[extraction]["slurm"]["jobs"][0].split("_")[0]
    slurm("scancel", "--signal=USR1", "--batch", f"{first}_0")
    slurm("scontrol", "update", "nodename=n2", "state=down", "reason=test")
    until("they wait", lambda: queue(folder)[extraction]["slurm"]["running"] < 2)
    subprocess.run(["scontrol", "update", "nodename=n2", "state=resume"], capture_output=True)
    say(f"a signal and a node that is down: {queue(folder)[extraction]['slurm']}")
    run(folder, "runs", "attach", extraction, timeout=120)
    standing = until("all is done", lambda: (now := queue(folder)[extraction]["slurm"])["done"] == 4 and now)
    assert standing["restarts"] >= 1, standing
    found, parts = rows(folder)
    assert found == wanted, "the store after requeueing is not that of the single run"
    say(f"gone on with: {len(found)} rows in {parts} parts, {standing['restarts']} restarts")


main()
