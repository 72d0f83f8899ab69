"""Extraction, a sweep, folds and a study on a real Slurm of two nodes on this machine, against the same without Slurm.

usage: run.py FACEPROBE DIR

FACEPROBE is the program, DIR an empty folder; SLURM_CONF names the cluster's configuration. Uses the standard library only.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

import helpers
from helpers import CLUSTER, computed, say, slurm, until, worker

PROGRAM, ROOT = helpers.Program(sys.argv[1]), Path(sys.argv[2]).resolve()
run, told, queue, same = PROGRAM.run, PROGRAM.told, PROGRAM.queue, PROGRAM.same
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


def rows(workspace):
    return helpers.rows(workspace, BACKBONE)


def workspace(name):
    """A workspace with the prepared sample in it."""
    folder = ROOT / name
    folder.mkdir()
    (folder / "data.toml").write_text(STUDY.split("[features")[0])
    run(folder, "--quiet", "study", "run", folder / "data.toml")
    (folder / "faceprobe.toml").write_text('[slurm]\ncpus = 1\ntime = "10"\n')
    return folder


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


def life(folder, wanted):
    """A task is cancelled, the controller is restarted; what is missing is submitted by the same command."""
    command = ["extract", "--backbone", BACKBONE, "--on", "slurm:3"]
    extraction = run(folder, *command, "--detach").stdout.strip()
    standing = until("tasks wait", lambda: (now := queue(folder)[extraction]["slurm"])["pending"] and now)
    slurm("scancel", standing["jobs"][1])
    subprocess.run([CLUSTER, "restart", Path(os.environ["SLURM_CONF"]).parent], check=True)
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
