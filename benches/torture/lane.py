"""A place where one trial is at work at a time: a file system of its own, with the workspace and a copy of it."""

import json
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import time

from judge import hash_of, number_of, plain
from workspace import BACKBONE, BENCH, COMMANDS, CONFIGURATION, LINE, MORE, SEEDS, STUDY, own_pictures


class Lane:
    def __init__(self, bench, number):
        self.bench = bench
        self.root = bench.place / f"lane{number}"
        self.root.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400m", "torture", str(self.root)], check=True)
        self.w = self.root / "w"
        own_pictures(self.w / "own")
        (self.w / "weights").mkdir()
        for ending in ["safetensors", "json"]:
            shutil.copy(bench.weights.with_suffix("." + ending), self.w / "weights")
        shutil.copy(bench.weights, self.root / "import.safetensors")
        (self.root / "study.toml").write_text(STUDY)
        (self.root / "more.toml").write_text(MORE)
        (self.w / "faceprobe.toml").write_text(CONFIGURATION)
        self.environment = {**os.environ, "FACEPROBE_WEIGHTS": str(self.w / "weights"), "FACEPROBE_CONFIG": "/dev/null"}
        made = self.call(["study", "run", "{root}/study.toml"])
        assert made.returncode == 0, made.stderr
        self.image = next(path for path in sorted(self.w.rglob("*.jpg")) if path.stat().st_size > 1300)
        for command in [LINE, ["choose", "logistic-1"], ["data", "decide", str(self.image), "keep"],
                        ["runs", "note", "dense-1", "of mine"], ["data", "audit", "faces", "--faces", "no"]]:
            done = self.call(command)
            assert done.returncode == 0, (command, done.stderr)
        self.calm = {}
        self.keep("kept")
        for variant in [self.interrupted, self.planned]:
            variant()
            self.keep(variant.__name__)
            self.fresh()

    # Copies of the workspace.

    def keep(self, name):
        subprocess.run(["cp", "-a", self.w, self.root / name], check=True)

    def fresh(self, name="kept"):
        shutil.rmtree(self.w, ignore_errors=True)
        subprocess.run(["cp", "-a", self.root / name, self.w], check=True)

    def kept(self, name="kept"):
        return self.root / name

    def interrupted(self):
        """A training that was killed and left a checkpoint."""
        training = [*BENCH[:BENCH.index("--epochs")], "--epochs", "30", *BENCH[BENCH.index("--epochs") + 2:]]
        process = self.start(training)
        checkpoint = self.w / "runs/benchmark-2/checkpoint.safetensors"
        while not checkpoint.is_file():
            assert process.poll() is None, "the training ended before it was killed"
            time.sleep(0.001)
        self.end()
        process.communicate()

    def planned(self):
        """A plan of which no task is said to be done."""
        done = self.call(SEEDS)
        assert done.returncode == 0, done.stderr
        for folder in (self.w / "plans").glob("*/done"):
            shutil.rmtree(folder)

    # Calls.

    def words(self, args):
        known = {"w": self.w, "root": self.root, "image": getattr(self, "image", ""), "url": self.bench.url}
        return [word.format(**known) if "{" in word else word for word in args]

    def start(self, args, faults=None, limits=(), **more):
        def limit():
            for which, value in limits:
                resource.setrlimit(which, (value, value))
        line = [self.bench.faceprobe, "--workspace", str(self.w), "--threads", "1", *self.words(args)]
        return subprocess.Popen(line, env={**self.environment, **(faults or {})}, cwd=self.w, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=limit if limits else None, **more)

    def call(self, args, **more):
        process = self.start(args, **more)
        try:
            out, err = process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            self.end()
            process.kill()
            out, err = process.communicate()
            err += b" TIMEOUT"
        out, err = out.decode(errors="replace"), err.decode(errors="replace")
        return subprocess.CompletedProcess(args, process.returncode, out, err)

    def told(self, args):
        """What a command answers as JSON, without its circumstances, and the call."""
        done = self.call(["--json", "--quiet", *args])
        try:
            value = json.loads(done.stdout) if done.returncode == 0 else None
        except ValueError:
            value = None
        return plain(value), done

    def runs(self):
        return json.loads(self.call(["--json", "runs", "list"]).stdout or "[]")

    def workers(self):
        """The processes that work in this workspace."""
        mark, found = os.fsencode(str(self.w)), []
        for entry in pathlib.Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    words = (entry / "cmdline").read_bytes().split(b"\0")
                except OSError:
                    continue
                if mark in words and words[0].endswith(b"faceprobe-worker"):
                    found.append(int(entry.name))
        return found

    def end(self):
        for pid in self.workers():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    # What commands come to.

    def product(self, name):
        """What a command of COMMANDS came to, in numbers."""
        results = lambda: self.told(["results"])[0] or []
        if name in ("benchmark", "logistic", "dense", "finetune"):
            return max((row for row in results() if row["kind"].startswith(name[:4])), key=number_of, default=None)
        if name in ("sweep", "seeds"):
            own = [row for row in results() if (row["epochs"] == 8 and row["kind"] == "dense") or row["seed"] in (5, 6)]
            return sorted(own, key=number_of)[-2:]
        if name == "curve":
            own = [row for row in results() if row["kind"] == "logistic" and "images" in row["settings"]]
            return [row for row in own if row["status"] == "done"][-2:]
        if name in ("prepare", "audit"):
            value = self.told(["data", "show", "own" if name == "prepare" else "faces"])[0]
            return value and {key: value[key] for key in value if key not in ("name", "notes")}
        if name == "open-test":
            row = [row for row in results() if row["number"] == "dense-1"]
            return row and row[0]["test_accuracy"]
        if name in ("import", "fetch"):
            left = sorted(path.name for path in (self.w / "weights").iterdir())
            return left, hash_of(self.w / f"weights/{BACKBONE}.safetensors")
        if name == "extract":
            self.call(["features", "export", *COMMANDS["extract"][1:], "--to", "features", "--force"])
        if name in ("features", "extract"):
            return hash_of(self.w / "features/features.npy")
        if name == "compact":
            self.call([*COMMANDS["features"], "--force"])
            return hash_of(self.w / "features/features.npy")
        if name == "study":
            return [step["state"] for step in (self.told(["study", "status", "{root}/more.toml"])[0] or {}).get("steps", [])]
        if name == "choose":
            return self.told(["predict", "{image}"])[0]
        if name == "decide":
            return len((self.w / "data/decisions.csv").read_text().splitlines())
        if name == "remove":
            return sorted(row["number"] for row in results())
        if name in ("export", "map", "explain"):
            return hash_of(self.w / {"export": "model.onnx", "map": "map.svg", "explain": "why.png"}[name])
        left = {"table": "table.csv", "note": "runs/dense-1/label.json", "report": "report/report.md", "trackers": "store",
                "study file": "written.toml"}
        return (self.w / left[name]).exists()

    def whole(self, but=()):
        """What is not there any more of what was from the beginning, or None."""
        rows, done = self.told(["results"])
        now = {row["number"]: row for row in rows or []}
        for row in self.bench.before:
            number = row["number"]
            # What a trial may change: which run is chosen, what of it was opened, and how often before others.
            free = dict.fromkeys(["chosen", "test_accuracy", "test_interval", "after_test_openings"])
            if number not in but and {**now.get(number, {}), **free} != {**row, **free}:
                return f"{number} was {row}, is {now.get(number)} ({done.stderr.strip()})"
        return None
