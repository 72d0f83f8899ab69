"""What run.py and benches/cluster.py share: the program, stores, journals, Slurm. Uses the standard library only."""

import json
import re
import struct
import subprocess
import time
from pathlib import Path

BEGUN = time.monotonic()
CLUSTER = Path(__file__).with_name("cluster.sh")


def say(text):
    print(f"{time.monotonic() - BEGUN:6.1f} s  {text}", flush=True)


class Program:
    """The program, with so many threads."""

    def __init__(self, path, threads=1):
        self.path, self.threads = Path(path).resolve(), threads

    def command(self, workspace, *args):
        return [self.path, "--workspace", workspace, "--threads", str(self.threads), *args]

    def run(self, workspace, *args, ok=True, **kwargs):
        done = subprocess.run(self.command(workspace, *args), capture_output=True, text=True, **kwargs)
        if ok and done.returncode != 0:
            raise SystemExit(f"{' '.join(map(str, args))} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
        return done

    def told(self, workspace, *args):
        return json.loads(self.run(workspace, "--json", *args).stdout)

    def queue(self, workspace):
        return {run["run"]: run for run in self.told(workspace, "runs", "list")}

    def same(self, single, cluster, what):
        """Compares the tables of two workspaces."""
        one, other = (accuracies(self.told(where, "results")) for where in (single, cluster))
        assert one and one == other, f"{what}:\n{one}\n{other}"
        say(f"{what}: {len(one)} models, the same accuracies")


def accuracies(rows):
    keys = ("kind", "dataset", "settings", "seed", "val_accuracy", "test_accuracy")
    return sorted((tuple(row.get(key) for key in keys) for row in rows), key=repr)


def array(path):
    """The shape and the bytes of an .npy file."""
    data = path.read_bytes()
    (length,) = struct.unpack("<H", data[8:10])
    return data[10 : 10 + length].decode(), data[10 + length :]


def rows(workspace, backbone):
    """Every row of the features' store by its key, and the number of parts. No image may have been computed twice."""
    (store,) = (Path(workspace) / "cache/features").glob(f"{backbone}-last-avg-*")
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
    """How many rows the shares of an extraction computed, by the attempts that ended well, and how attempts ended."""
    total, ends = 0, []
    for journal in sorted((Path(workspace) / "runs" / extraction / "shares").glob("*/events.jsonl")):
        for line in journal.read_text().splitlines():
            event = json.loads(line)
            if event["event"] in ("finished", "failed", "stopped"):
                ends.append(event["event"])
            if event["event"] == "finished":
                # Nothing is said of it where all rows were there.
                said = re.match(r"([\d,]+) computed", event["summary"])
                total += int(said[1].replace(",", "")) if said else 0
    return total, ends


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


def until(what, condition, patience=60):
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.2)
    waiting = subprocess.run(["squeue"], capture_output=True, text=True).stdout
    raise SystemExit(f"{what}: not within {patience} s\n{waiting}")


def slurm(*args):
    subprocess.run(args, check=True, capture_output=True)
