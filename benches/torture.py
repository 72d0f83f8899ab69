"""What happens to a study when everything goes wrong: kills, faults of the machine, damage to every file that is read.

A tiny workspace is made once; every trial has a copy of it in memory (a tmpfs of its own, so that a disk can really be full or
read-only: the program runs itself under `unshare`). A trial is

    lost     if what was there before cannot be had any more, or the next call does not bring what an undisturbed one brings
    wrong    if a number is another one and nothing is said
    unclear  if a call ends with a panic, a signal, no sentence, an exit code other than 0, 1 and 2, or not within a minute

    python3 benches/torture.py [--minutes 30] [--rounds 300] [--kills 100] [--seed 1] [--only WORD] [--keep]

Trials of all kinds take turns, so a call that is cut short by --minutes has tried something of each. The seed of a trial is that
of the call with the kind's name and the trial's number, which is printed with each mishap; --only KIND#NUMBER does one again.
Needs the weights of efficientnet-lite0 (`faceprobe weights list` shows them), gcc, and `unshare -r` where it is not run as root.
"""

import argparse
import concurrent.futures
import http.server
import json
import os
import pathlib
import random
import re
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib

HERE = pathlib.Path(__file__).resolve().parent
FIXTURES = HERE.parent / "tests/fixtures/weights"
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
# Of the training commands, what is told of their last run must be the same, however it came about.
LINE = ["train", "logistic", "--data", "faces", "--alphas", "100,1000"]
DENSE = ["train", "dense", "--data", "faces", "--width", "16", "--epochs", "40", "--seed", "3"]
BENCH = ["train", "benchmark", "--data", "faces", "--epochs", "8", "--pool", "4", "--filters", "8", "--seed", "3"]
TUNED = ["train", "finetune", "--data", "faces", "--cut", "15", "--epochs", "3"]
SWEEP = ["sweep", "--data", "faces", "--width", "8,16", "--epochs", "8", "--seeds", "1"]
PREPARE = ["data", "prepare", "--source", "csv:{w}/own/labels.csv", "--name", "own"]
COMMANDS = {
    "prepare": PREPARE,
    "extract": ["extract", "--data", "faces", "--tap", "8", "--pool", "avg"],
    "benchmark": BENCH,
    "logistic": LINE,
    "dense": DENSE,
    "finetune": TUNED,
    "sweep": SWEEP,
    "choose": ["choose", "dense-1"],
    "open-test": ["evaluate", "dense-1", "--open-test"],
    "report": ["report"],
    "audit": ["data", "audit", "faces", "--faces", "no"],
    "decide": ["data", "decide", "{image}", "drop"],
    "note": ["runs", "note", "dense-1", "a note"],
    "table": ["results", "--output", "table.csv"],
    "export": ["export", "dense-1", "--to", "model.onnx"],
    "features": ["features", "export", "--data", "faces", "--to", "features"],
    "import": ["weights", "import", BACKBONE, "{root}/import.safetensors"],
    "fetch": ["weights", "fetch", BACKBONE, "--from", "{url}"],
    "study": ["study", "run", "{root}/more.toml"],
}
# What says when and where, not what came out.
CIRCUMSTANCES = {"seconds", "created", "at", "milliseconds", "run", "path", "rate", "bytes", "decided", "sources", "version", "pid"}


class Lane:
    """A place where one trial is at work at a time."""

    def __init__(self, bench, number):
        self.bench = bench
        self.root = bench.place / f"lane{number}"
        self.root.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400m", "torture", str(self.root)], check=True)
        self.w, self.kept = self.root / "w", self.root / "kept"
        (self.w / "own").mkdir(parents=True)
        (self.root / "weights").mkdir()
        for ending in ["safetensors", "json"]:
            shutil.copy(bench.weights.with_suffix("." + ending), self.root / "weights")
        shutil.copy(bench.weights, self.root / "import.safetensors")
        (self.root / "study.toml").write_text(STUDY)
        (self.root / "more.toml").write_text(STUDY + '[model.line]\nkind = "logistic"\ndata = "faces"\nfeatures = "lite"\nseeds = [1]\n')
        self.environment = {**os.environ, "FACEPROBE_WEIGHTS": str(self.w / "weights")}
        shutil.move(self.root / "weights", self.w / "weights")
        rows = ["path,label,subject,age"]
        for number in range(24):
            (self.w / f"own/{number}.png").write_bytes(png(number))
            rows.append(f"{number}.png,{'female' if number % 2 else 'male'},p{number // 2},{20 + number % 40}")
        (self.w / "own/labels.csv").write_text("\n".join(rows) + "\n")
        made = self.call(["study", "run", "{root}/study.toml"])
        assert made.returncode == 0, made.stderr
        self.image = next(path for path in sorted(self.w.rglob("*.jpg")) if path.stat().st_size > 1300)
        for command in [LINE, ["choose", "logistic-1"], ["data", "decide", str(self.image), "keep"], ["runs", "note", "dense-1", "of mine"]]:
            assert self.call(command).returncode == 0, command
        # Unlike the rest, what was computed for this one is not there.
        subprocess.run(["cp", "-a", self.w, self.kept], check=True)
        self.calm = {}

    def fresh(self):
        shutil.rmtree(self.w, ignore_errors=True)
        subprocess.run(["cp", "-a", self.kept, self.w], check=True)

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
        return subprocess.CompletedProcess(args, process.returncode, out.decode(errors="replace"), err.decode(errors="replace"))

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
            kill(pid)

    def told(self, args):
        """What a command answers as JSON, without its circumstances; with what it said beside."""
        done = self.call(["--json", "--quiet", *args])
        try:
            value = json.loads(done.stdout) if done.returncode == 0 else None
        except ValueError:
            value = None
        return plain(value), done

    def product(self, name):
        """What a command of COMMANDS came to, in numbers."""
        if name in ("benchmark", "logistic", "dense", "finetune"):
            rows = [row for row in self.told(["results"])[0] or [] if row["kind"].startswith(name[:4])]
            return max(rows, key=number_of, default=None)
        if name == "sweep":
            rows = self.told(["results"])[0] or []
            return sorted((row for row in rows if row["settings"].startswith("width") and row["epochs"] == 8), key=number_of)[-2:]
        if name in ("prepare", "audit"):
            which = "own" if name == "prepare" else "faces"
            value = self.told(["data", "show", which])[0]
            return value and {key: value[key] for key in value if key not in ("name", "notes")}
        if name == "open-test":
            row = [row for row in self.told(["results"])[0] or [] if row["number"] == "dense-1"]
            return row and row[0]["test_accuracy"]
        if name in ("import", "fetch"):
            left = sorted(path.name for path in (self.w / "weights").iterdir())
            return left, hash_of(self.w / f"weights/{BACKBONE}.safetensors")
        if name in ("features", "extract"):
            if name == "extract":
                self.call(["features", "export", *COMMANDS["extract"][1:], "--to", "features", "--force"])
            return hash_of(self.w / "features/features.npy")
        if name == "export":
            return hash_of(self.w / "model.onnx")
        if name == "study":
            return [step["state"] for step in (self.told(["study", "status", "{root}/more.toml"])[0] or {}).get("steps", [])]
        if name == "choose":
            return self.told(["predict", "{image}"])[0]
        if name == "decide":
            return len((self.w / "data/decisions.csv").read_text().splitlines())
        return (self.w / {"table": "table.csv", "note": "runs/dense-1/label.json", "report": "report/report.md"}[name]).is_file()

    def whole(self):
        """What was there from the beginning: None if it still is, or what is not."""
        rows, done = self.told(["results"])
        before = {row["number"]: row for row in self.bench.before}
        now = {row["number"]: row for row in rows or []}
        for number, row in before.items():
            # What a trial may change: which run is chosen, what of it was opened, and how often before others.
            free = dict.fromkeys(["chosen", "test_accuracy", "test_interval", "after_test_openings"])
            if {**now.get(number, {}), **free} != {**row, **free}:
                return f"{number} was {row}, is {now.get(number)} ({done.stderr.strip()})"
        return None


def plain(value):
    if isinstance(value, dict):
        kept = {key: plain(item) for key, item in value.items() if key not in CIRCUMSTANCES}
        if "run" in value and isinstance(value["run"], str):
            kept["number"] = value["run"]
        return kept
    return [plain(item) for item in value] if isinstance(value, list) else value


def number_of(row):
    return int(row["number"].rsplit("-", 1)[1])


def same(one, other):
    """Whether two products are the same, whatever number their runs have."""
    return json.dumps(strip(one), sort_keys=True) == json.dumps(strip(other), sort_keys=True)


def apart(now, calm):
    """In which the two are apart."""
    return differs(json.loads(json.dumps(strip(calm))), json.loads(json.dumps(strip(now))))


def strip(value):
    if isinstance(value, dict):
        return {key: strip(item) for key, item in value.items() if key not in ("number", "after_test_openings")}
    return [strip(item) for item in value] if isinstance(value, (list, tuple)) else value


def hash_of(path):
    return zlib.crc32(path.read_bytes()) if path.is_file() else None


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def png(number):
    """A picture of its own colours."""
    draw = random.Random(number)
    tint = [150, 60, 60] if number % 2 else [60, 60, 150]
    rows = b"".join(b"\0" + bytes((c + draw.randrange(60)) % 256 for _ in range(32) for c in tint) for _ in range(32))
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 32, 32, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def unclear(done):
    """Why the end of a call helps nobody, if it does not."""
    if "TIMEOUT" in done.stderr:
        return "no end"
    if done.returncode not in (0, 1, 2):
        return f"exit code {done.returncode}: {done.stderr[-200:]}"
    if re.search(r"panicked|A bug |RUST_BACKTRACE|stack overflow", done.stderr):
        return done.stderr[-300:]
    if done.returncode and "faceprobe: " not in done.stderr and '"error"' not in done.stdout:
        return f"no sentence: {done.stderr[-200:]!r}"
    return None


def mutated(data, draw):
    """The same file with one thing wrong."""
    for _ in range(50):
        size, new = len(data), bytearray(data)
        at = draw.randrange(size) if size else 0
        length = min(draw.choice([1, 2, 4, 16, 64, 512, 4096]), max(size - at, 0))
        way = draw.choice(["bit", "byte", "digit", "digit", "zeros", "cut", "twice", "junk", "gone", "swap", "empty", "tail", "number", "random"])
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
                new[begin:end] = draw.choice([b"0", b"-1", b"1e308", b"NaN", b"18446744073709551616", b"0.5", b"1", b"null", b"\"x\""])
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


# What is damaged, and what is then asked; `free` are those where another content may be as good as the old: then only the end of
# the calls is looked at. A row or a file that is named as damaged is not silent.
RESULTS = [["results"], ["evaluate", "dense-1"], ["runs", "show", "dense-1"]]
FILES = {
    "part": ("cache/features/efficientnet*/part-*[0-9].npy", [LINE, ["evaluate", "{last}"]], False),
    "keys": ("cache/features/efficientnet*/part-*.keys.npy", [LINE, ["evaluate", "{last}"]], False),
    "part sums": ("cache/features/efficientnet*/part-*.sha256", [LINE, ["evaluate", "{last}"]], False),
    "identity": ("cache/features/efficientnet*/identity.json", [LINE, ["evaluate", "{last}"]], False),
    "pixels": ("cache/features/pixels*/part-*", [["train", "benchmark", "--data", "faces", "--epochs", "2", "--pool", "4"], ["evaluate", "{last}"]], False),
    "manifest": ("data/prepared/faces/manifest.csv", [["data", "show", "faces"], LINE, ["evaluate", "{last}"]], False),
    "account": ("data/prepared/faces/report.json", [["data", "show", "faces"], LINE, ["evaluate", "{last}"]], False),
    "sources": ("data/prepared/faces/sources.json", [["data", "show", "faces"], LINE, ["evaluate", "{last}"]], False),
    "current": ("data/current/faces", [["data", "show", "faces"], LINE], False),
    "inspected": ("cache/inspected.csv", [["data", "prepare", "--source", "adience:data/sample", "--name", "again", "--train", "32", "--val", "14", "--test", "14"], ["data", "show", "again"]], False),
    "spec": ("runs/dense-1/spec.json", RESULTS, False),
    "journal": ("runs/dense-1/events.jsonl", RESULTS, False),
    "summary": ("runs/dense-1/summary.json", RESULTS, False),
    "result": ("runs/dense-1/result.json", RESULTS, False),
    "scores": ("runs/dense-1/scores-val.csv", [["evaluate", "dense-1"], ["compare", "dense-1", "logistic-1"]], False),
    "test scores": ("runs/benchmark-1/scores-test.csv", [["evaluate", "benchmark-1", "--open-test"], ["results"]], False),
    "label": ("runs/dense-1/label.json", [["runs", "list"], ["runs", "show", "dense-1"]], True),
    "chosen": ("runs/chosen.json", [["predict", "{image}"], ["results"]], False),
    "openings": ("runs/test-openings.jsonl", [["results"]], False),
    "decisions": ("data/decisions.csv", [PREPARE], True),
    "written": ("cache/written.jsonl", [["report"], ["results", "--output", "own/labels.csv"]], False),
    "model": ("runs/logistic-1/model.safetensors", [["predict", "{image}", "--model", "logistic-1"], ["export", "logistic-1", "--to", "m.onnx"]], False),
    "benchmark model": ("runs/benchmark-1/model.safetensors", [["predict", "{image}", "--model", "benchmark-1"]], False),
    "stored weights": (f"weights/{BACKBONE}.safetensors", [["predict", "{image}"]], False),
    "weights record": (f"weights/{BACKBONE}.json", [["predict", "{image}"], ["weights", "list"]], True),
    "JPEG": ("data/sample/faces/*/*.jpg", [["predict", "{hit}"]], True),
    "JPEG of a set": ("data/sample/faces/*/*.jpg", [["train", "benchmark", "--data", "faces", "--epochs", "2", "--pool", "8", "--input", "128"], ["runs", "show", "{last}"]], None),
    "PNG": ("own/*.png", [["predict", "{hit}"]], False),
    "CSV": ("own/labels.csv", [PREPARE], True),
    "study": ("study.toml", [["study", "status", "study.toml"]], True),
}
for fixture in ["state.safetensors", "zip.pth", "legacy.pth", "deflated.pth", "company_2.ckpt", "nested.pth", "tiny.onnx", "keras3.weights.h5",
                "keras_2016.h5", "tensorflow_js.json"]:
    FILES[f"import {fixture}"] = (f"fixtures/{fixture}", [["weights", "import", BACKBONE, "{hit}"]], True)


class Bench:
    def __init__(self, args, place):
        self.args, self.place = args, place
        # A copy: a build may exchange the program meanwhile.
        self.faceprobe = str(place / "faceprobe")
        for name in ["faceprobe", "faceprobe-worker"]:
            shutil.copy(pathlib.Path(args.faceprobe).resolve().with_name(name), place)
        listed = json.loads(subprocess.run([self.faceprobe, "--json", "weights", "list"], check=True, stdout=subprocess.PIPE).stdout)
        found = [pathlib.Path(item["path"]) for item in listed if item["name"] == BACKBONE and pathlib.Path(item["path"]).is_file()]
        if not found:
            raise SystemExit(f"the weights are not there; run: faceprobe weights fetch {BACKBONE}")
        self.weights = found[0]
        self.shim = place / "faults.so"
        subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", self.shim, HERE / "torture_faults.c", "-ldl"], check=True)
        self.url = serve(self.weights.read_bytes())
        self.counts, self.mishaps, self.lock = {}, [], threading.Lock()
        with concurrent.futures.ThreadPoolExecutor(args.lanes) as pool:
            self.lanes = list(pool.map(lambda number: Lane(self, number), range(args.lanes)))
        self.before = self.lanes[0].told(["results"])[0]
        self.deadline = time.monotonic() + 60 * args.minutes

    def note(self, kind, number, mishaps):
        with self.lock:
            count = self.counts.setdefault(kind, {"tried": 0, "lost": 0, "wrong": 0, "unclear": 0})
            count["tried"] += 1
            for what, why in mishaps:
                count[what] += 1
                self.mishaps.append(f"{what}: {kind}#{number}: {why}")
                print(self.mishaps[-1][:700], flush=True)

    # Undisturbed.

    def calm(self, lane, name):
        """What a command comes to where nothing disturbs it, and in how many seconds."""
        if name not in lane.calm:
            lane.fresh()
            begun = time.monotonic()
            done = lane.call(COMMANDS[name])
            seconds = time.monotonic() - begun
            assert done.returncode == 0, (name, done.stderr)
            lane.calm[name] = (lane.product(name), seconds)
        return lane.calm[name]

    def recovered(self, lane, name, expected):
        """What is lost or wrong after a trial: with what was there, with runs that can go on, and with the same command again."""
        mishaps = []
        damage = lane.whole()
        if damage:
            mishaps.append(("lost", damage))
        runs = json.loads(lane.call(["--json", "runs", "list"]).stdout or "[]")
        for run in runs:
            if run["status"] == "interrupted" and not run["run"].startswith(("study", "demo")):
                done = lane.call(["runs", "resume", run["run"]])
                if done.returncode:
                    mishaps.append(("lost", f"resume {run['run']}: {done.stderr.strip()}"))
                lane.call(["runs", "attach", run["run"]])
                if name in ("benchmark", "logistic", "dense", "finetune") and run["run"].startswith(name[:4]) and not same(lane.product(name), expected):
                    mishaps.append(("wrong", f"resumed {run['run']}: {apart(lane.product(name), expected)}"))
        done = lane.call(COMMANDS[name])
        if done.returncode and "overwrite it with --force" in done.stderr:
            # What was made by a program that could not note so: the sentence says what to do.
            done = lane.call([*COMMANDS[name], "--force"])
        if name == "open-test" and done.returncode and "opened" in done.stderr:
            pass
        elif done.returncode:
            mishaps.append(("lost", f"again: {done.stderr.strip()[-400:]}"))
        elif not same(lane.product(name), expected):
            mishaps.append(("wrong", f"again: {apart(lane.product(name), expected)}"))
        left = [str(path.relative_to(lane.w)) for path in lane.w.rglob("*") if re.search(r"\.tmp|\.part$|\.partial", path.name)]
        if left:
            mishaps.append(("lost", f"left behind: {left}"))
        return mishaps

    # The three kinds of trial.

    def killed(self, lane, name, draw):
        expected, seconds = self.calm(lane, name)
        lane.fresh()
        process = lane.start(COMMANDS[name])
        time.sleep(draw.uniform(0, 1.05 * seconds))
        victim = draw.choice(["client", "worker", "both", "both"])
        if victim != "client":
            lane.end()
        if victim != "worker":
            process.kill()
        else:
            time.sleep(0.2)
            process.kill()
        process.communicate()
        if victim == "client":
            # Its worker goes on by itself.
            for _ in range(600):
                if not lane.workers():
                    break
                time.sleep(0.02)
        return self.recovered(lane, name, expected)

    def faulty(self, lane, kind, draw):
        fault, name = kind.split(": ")
        expected, _ = self.calm(lane, name)
        lane.fresh()
        faults, limits, filler = {}, [], lane.root / "filler"
        if fault == "full disk":
            free = os.statvfs(lane.root)
            left = draw.choice([0, 4, 8, 16, 32, 64, 128, 512, 1024, 4096]) * 1024
            with open(filler, "wb") as file:
                os.posix_fallocate(file.fileno(), 0, max(free.f_bavail * free.f_frsize - left, 1))
        elif fault == "read-only":
            subprocess.run(["mount", "-o", "remount,ro", str(lane.root)], check=True)
        elif fault == "largest file":
            limits = [(resource.RLIMIT_FSIZE, draw.choice([0, 100, 1000, 3000, 10000, 50000]))]
        elif fault == "few descriptors":
            limits = [(resource.RLIMIT_NOFILE, draw.randrange(4, 24))]
        elif fault == "little memory":
            limits = [(resource.RLIMIT_AS, draw.choice([40, 60, 150, 400, 700, 1000, 1400]) << 20)]
        elif fault == "no locks":
            faults = {"LD_PRELOAD": str(self.shim), "TORTURE_NOLOCKS": "1"}
        elif fault == "clock":
            faults = {"LD_PRELOAD": str(self.shim), "TORTURE_CLOCK": "1"}
        done = lane.call(COMMANDS[name], faults=faults, limits=limits)
        lane.end()
        if fault == "read-only":
            subprocess.run(["mount", "-o", "remount,rw", str(lane.root)], check=True)
        filler.unlink(missing_ok=True)
        mishaps = [("unclear", why)] if (why := unclear(done)) else []
        # A program that gets too little memory or descriptors to be loaded cannot say anything; the loader does.
        if mishaps and fault in ("little memory", "few descriptors") and re.search(r"error while loading|cannot allocate|Cannot allocate|out of memory", done.stderr):
            mishaps = []
        # A head of a sweep that could not be trained is named.
        if done.returncode == 0 and "os error" not in done.stderr and not same(lane.product(name), expected):
            mishaps.append(("wrong", f"{apart(lane.product(name), expected)}"))
        return mishaps + self.recovered(lane, name, expected)

    def asked(self, lane, questions, hit):
        answers = []
        for question in questions:
            last = json.loads(lane.call(["--json", "runs", "list"]).stdout or "[]")[-1:] if "{last}" in question else []
            words = [word.replace("{last}", last[0]["run"] if last else "none").replace("{hit}", str(hit)) for word in question]
            answers.append(lane.told(words))
        return answers

    def damaged(self, lane, kind, draw):
        pattern, questions, free = FILES[kind]
        lane.fresh()
        if kind.startswith("import"):
            shutil.copytree(FIXTURES, lane.w / "fixtures")
        if kind == "study":
            shutil.copy(lane.root / "study.toml", lane.w)
        hit = draw.choice(sorted(path for path in lane.w.glob(pattern) if path.stat().st_size))
        if free is False and (kind, hit) not in lane.calm:
            lane.calm[kind, hit] = self.asked(lane, questions, hit)
            lane.fresh()
        new, way = mutated(hit.read_bytes(), draw)
        stat = hit.stat()
        hit.write_bytes(new)
        if kind == "JPEG of a set" and draw.random() < 0.5:
            os.utime(hit, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        answers, mishaps = self.asked(lane, questions, hit), []
        for (_, done), question in zip(answers, questions):
            if why := unclear(done):
                mishaps.append(("unclear", f"{way} of {hit.name}: {' '.join(question)}: {why}"))
        if free is False:
            said = any(done.stderr.strip() or "cannot be read" in done.stdout for _, done in answers)
            for (value, done), (calm, _), question in zip(answers, lane.calm[kind, hit], questions):
                if value is not None and calm is not None and not said and (difference := differs(calm, value)):
                    mishaps.append(("wrong", f"{way} of {hit.name}: {' '.join(question)}: {difference}"))
        if free is None and str(hit) not in json.dumps(answers[1][0]) and hit.name not in json.dumps(answers[1][0]) and answers[0][1].returncode == 0:
            if hit.name in (lane.kept / "data/prepared/faces/manifest.csv").read_text():
                split = next(line for line in (lane.kept / "data/prepared/faces/manifest.csv").read_text().splitlines() if hit.name in line).split(",")[2]
                if split != "test":
                    mishaps.append(("wrong", f"{way} of {hit.name}: used though it changed"))
        return mishaps

    # All of them, in turns.

    def kinds(self):
        faults = ["full disk", "read-only", "largest file", "few descriptors", "little memory", "no locks", "clock"]
        per_command = -(-self.args.kills // len(COMMANDS)) if self.args.kills > 0 else 0
        yield from ((f"kill: {name}", lambda lane, draw, name=name: self.killed(lane, name, draw), per_command) for name in COMMANDS)
        for fault in faults:
            times = {"read-only": 1, "no locks": 1, "clock": 1}.get(fault, 6)
            for name in COMMANDS:
                kind = f"{fault}: {name}"
                yield kind, lambda lane, draw, kind=kind: self.faulty(lane, kind, draw), times
        yield from ((f"file: {kind}", lambda lane, draw, kind=kind: self.damaged(lane, kind, draw), self.args.rounds) for kind in FILES)

    def trials(self):
        """Of each kind the first, then of each the second, and so on; kinds with fewer trials are spread over the whole."""
        only, _, single = (self.args.only or "").partition("#")
        kinds = [(kind, trial, times) for kind, trial, times in self.kinds() if only in kind]
        most = max((times for _, _, times in kinds), default=0)
        due = sorted(((number + 0.5 * (number > 0)) / times if times != most else number / times, index, number)
                     for index, (_, _, times) in enumerate(kinds) for number in range(times))
        for _, index, number in due:
            if not single or int(single) == number:
                yield kinds[index][0], number, kinds[index][1]

    def run(self):
        trials, idle = self.trials(), list(self.lanes)

        def go():
            lane = idle.pop()
            while time.monotonic() < self.deadline:
                with self.lock:
                    kind, number, trial = next(trials, (None, None, None))
                if kind is None:
                    return
                try:
                    mishaps = trial(lane, random.Random(f"{self.args.seed} {kind} {number}"))
                except Exception as error:
                    mishaps = [("unclear", f"the bench itself: {type(error).__name__}: {error}")]
                self.note(kind, number, mishaps)
                lane.end()

        threads = [threading.Thread(target=go) for _ in self.lanes]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]

    def table(self):
        print(f"\n{'':28}{'tried':>7}{'lost':>7}{'wrong':>7}{'unclear':>9}")
        groups, total = {}, {"tried": 0, "lost": 0, "wrong": 0, "unclear": 0}
        for kind, count in self.counts.items():
            group, _, name = kind.partition(": ")
            shown = name if group == "file" else group
            into = groups.setdefault(shown, dict.fromkeys(total, 0))
            for key in total:
                into[key] += count[key]
                total[key] += count[key]
        for shown, count in [*groups.items(), ("all", total)]:
            print(f"{shown:28}{count['tried']:7}{count['lost']:7}{count['wrong']:7}{count['unclear']:9}")
        return total["lost"] + total["wrong"] + total["unclear"]


def differs(calm, now, path=""):
    """Where an answer says something else than it should, if it does; what is called damaged may."""
    if isinstance(calm, dict) and isinstance(now, dict):
        if now.get("status") == "damaged":
            return None
        for key in {**calm, **now}:
            if found := differs(calm.get(key), now.get(key), f"{path}.{key}"):
                return found
        return None
    if isinstance(calm, list) and isinstance(now, list) and len(calm) == len(now):
        return next((found for number, pair in enumerate(zip(calm, now)) if (found := differs(*pair, f"{path}[{number}]"))), None)
    return None if calm == now else f"{path}: {json.dumps(calm)[:80]} became {json.dumps(now)[:80]}"


def serve(content):
    """A server that gives a file in small pieces; answers where."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            begin = int((re.match(r"bytes=(\d+)-", self.headers.get("range", "")) or [0, 0])[1])
            self.send_response(206 if begin else 200)
            if begin:
                self.send_header("content-range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
            self.send_header("content-length", str(len(content) - begin))
            self.end_headers()
            try:
                for at in range(begin, len(content), 1 << 20):
                    self.wfile.write(content[at:at + (1 << 20)])
                    time.sleep(0.01)
            except OSError:
                pass

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}/{BACKBONE}.safetensors"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--rounds", type=int, default=300, help="damages to each file")
    parser.add_argument("--kills", type=int, default=100, help="in all")
    parser.add_argument("--lanes", type=int, default=2, help="trials at once")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", help="kinds with this word in them, and after # the number of one trial")
    parser.add_argument("--faceprobe", default=HERE.parent / "target/release/faceprobe")
    args = parser.parse_args()
    if os.environ.get("TORTURE_INSIDE") != "1":
        # Mounts of its own, which are gone when it ends.
        os.environ["TORTURE_INSIDE"] = "1"
        os.execvp("unshare", ["unshare", *([] if os.geteuid() == 0 else ["-r"]), "-m", sys.executable, *sys.argv])
    place = pathlib.Path(tempfile.mkdtemp(prefix="torture-")).resolve()
    bench = None
    try:
        begun = time.monotonic()
        bench = Bench(args, place)
        print(f"seed {args.seed}, {len(bench.lanes)} lanes, made in {time.monotonic() - begun:.1f} s", flush=True)
        bench.run()
        code = 1 if bench.table() else 0
        print(f"{time.monotonic() - begun:.0f} s")
    finally:
        for lane in bench.lanes if bench else []:
            lane.end()
        for mount in place.glob("lane*"):
            subprocess.run(["umount", "-l", mount], stderr=subprocess.DEVNULL)
        shutil.rmtree(place, ignore_errors=True)
    raise SystemExit(code)


main()
