#!/usr/bin/env python3
"""Reads `faceprobe runs export` with TensorBoard's own reader and MLflow's own client, and compares with `results --json`.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install tensorboard mlflow-skinny
    /tmp/venv/bin/python tools/check_trackers.py --workspace DIR [--faceprobe target/release/faceprobe]
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

# MLflow keeps its file store, which needs no database, behind this since 3.
os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")

from mlflow.tracking import MlflowClient
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2


def faceprobe(args, *command):
    whole = [args.faceprobe, "--workspace", args.workspace, "--quiet", *command]
    done = subprocess.run(whole, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


def same(what, found, expected):
    if found != expected and not (isinstance(expected, float) and abs(found - expected) <= 1e-6 * max(1, abs(expected))):
        sys.exit(f"{what}: {found!r} instead of {expected!r}")


def check_tensorboard(folder, row, epochs):
    events = EventAccumulator(str(folder / row["run"]), size_guidance={"scalars": 0})
    events.Reload()
    tags = events.Tags()
    for name in ("val_accuracy", "train_accuracy", "test_accuracy", "threshold"):
        tag = f"result/{name}"
        found = events.Scalars(tag)[0].value if tag in tags["scalars"] else None
        expected = row[name]
        same(f"{row['run']} {tag}", found, None if expected is None else float(expected))
    for tag, key in (("loss/train", "train_loss"), ("accuracy/val", "val_accuracy"), ("loss/val", "val_loss")):
        points = [(point.step, point.value) for point in events.Scalars(tag)] if epochs else []
        same(f"{row['run']} {tag}", [step for step, _ in points], [epoch["epoch"] for epoch in epochs])
        for (_, value), epoch in zip(points, epochs):
            same(f"{row['run']} {tag}", value, epoch[key])
    text = events.Tensors("settings")[0].tensor_proto.string_val[0].decode()
    content = events.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    start = plugin_data_pb2.HParamsPluginData.FromString(content).session_start_info
    same(f"{row['run']} kind", start.hparams["kind"].string_value in (row["kind"], "ensemble"), True)
    same(f"{row['run']} settings", "| kind |" in text, True)


def check_mlflow(client, row, shown):
    epochs = shown["epochs"]
    experiment = client.get_experiment_by_name(f"faceprobe {row['dataset']}")
    runs = client.search_runs([experiment.experiment_id], f"tags.`faceprobe.run` = '{row['run']}'")
    same(f"{row['run']} in MLflow", len(runs), 1)
    run = runs[0]
    for name in ("val_accuracy", "train_accuracy", "test_accuracy", "threshold", "seconds"):
        expected = row[name]
        same(f"{row['run']} {name}", run.data.metrics.get(name), None if expected is None else float(expected))
    same(f"{row['run']} status", run.info.status, "FINISHED")
    same(f"{row['run']} seed", run.data.params.get("seed", "0"), str(row["seed"]))
    # By its id a run is found only where its folder is whole.
    same(f"{row['run']} by its id", client.get_run(run.info.run_id).data.metrics, run.data.metrics)
    for tag, key in (("loss/train", "train_loss"), ("accuracy/val", "val_accuracy"), ("loss/val", "val_loss")):
        history = [(at.step, at.value) for at in client.get_metric_history(run.info.run_id, tag)] if epochs else []
        same(f"{row['run']} {tag}", history, [(epoch["epoch"], epoch[key]) for epoch in epochs])
    same(f"{row['run']} artifacts", [file.path for file in client.list_artifacts(run.info.run_id)], ["result.json"])
    with tempfile.TemporaryDirectory() as folder:
        result = json.loads(pathlib.Path(client.download_artifacts(run.info.run_id, "result.json", folder)).read_text())
    same(f"{row['run']} result.json", result, shown["result"])
    # Who goes on with the store writes into it.
    client.set_tag(run.info.run_id, "seen", "yes")
    client.log_text(run.info.run_id, "a note", "note.txt")
    same(f"{row['run']} notes", sorted(file.path for file in client.list_artifacts(run.info.run_id)), ["note.txt", "result.json"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faceprobe", default="target/release/faceprobe")
    parser.add_argument("--workspace", default=".")
    args = parser.parse_args()
    rows = [row for row in json.loads(faceprobe(args, "--json", "results")) if row["status"] == "done"]
    if not rows:
        sys.exit("There is no trained model to compare with.")
    with tempfile.TemporaryDirectory() as folder:
        boards, store = pathlib.Path(folder) / "boards", pathlib.Path(folder) / "ml flow"
        faceprobe(args, "runs", "export", "--tensorboard", str(boards), "--mlflow", str(store))
        client = MlflowClient(store.as_uri())
        experiments = {experiment.name for experiment in client.search_experiments()}
        same("experiments", experiments, {f"faceprobe {row['dataset']}" for row in rows})
        for row in rows:
            shown = json.loads(faceprobe(args, "--json", "runs", "show", row["run"]))
            check_tensorboard(boards, row, shown["epochs"])
            check_mlflow(client, row, shown)
    print(f"{len(rows)} runs: TensorBoard and MLflow find the figures and curves of results and runs show")


if __name__ == "__main__":
    main()
