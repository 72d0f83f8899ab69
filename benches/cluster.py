"""A real Slurm of two nodes on this machine against the same without Slurm, on 2,000 face crops.

Starts the cluster in a folder of its own (tests/slurm/cluster.sh; Debian's slurm-wlm has to be there), does the parts that are
named, all by default, and ends it. Each part prints what it found and fails where the two differ.

    equal       an array of 4 gives the store of the single run, row by row; then a dense head, a sweep of 8 heads and 5 folds
    demo        `study run --on slurm` of the demo's study
    killed      a worker is killed
    down        a node is set down
    limit       a time limit of one minute, shorter than the tasks need
    cancelled   a task is cancelled and submitted again by the same command
    controller  the controller is restarted in the middle
    writers     two writers at once on one store against one with two threads, in turns (this part needs an idle machine and no
                Slurm)

    python3 benches/cluster.py FAIRFACE [PART...] [--faceprobe target/release/faceprobe] [--limited vgg16] [--rounds 5]

FAIRFACE is a folder that `data prepare --source fairface:FAIRFACE` reads. Uses the standard library only.
"""

import argparse
import csv
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/slurm"))
import helpers  # noqa: E402
from helpers import CLUSTER, Program, computed, say, slurm, until, worker  # noqa: E402

BACKBONE = "efficientnet-lite0"
SIZES = ["--train", "1200", "--val", "400", "--test", "400"]
HEADS = ["--width", "64,128", "--dropout", "0,0.5", "--learning-rate", "0.001,0.003", "--epochs", "8"]


class Bench:
    def __init__(self, program, fairface, folder, limited):
        self.program, self.fairface, self.folder, self.limited = program, fairface, folder, limited
        self.singles = {}

    def workspace(self, name, settings='cpus = 1\ntime = "30"\n', sizes=SIZES):
        """A workspace with the prepared crops, and the same crops in five folds."""
        at = self.folder / name
        at.mkdir()
        (at / "faceprobe.toml").write_text(f"[slurm]\n{settings}")
        self.program.run(at, "data", "prepare", "--source", f"fairface:{self.fairface}", "--name", "crops", *sizes)
        with (at / "data/prepared/crops/manifest.csv").open() as manifest:
            rows = list(csv.DictReader(manifest))
        with (at / "cross.csv").open("w", newline="") as table:
            out = csv.writer(table)
            out.writerow(["path", "label", "fold"])
            out.writerows([self.fairface / row["path"], row["label"], number % 5] for number, row in enumerate(rows))
        self.program.run(at, "data", "prepare", "--source", f"csv:{at / 'cross.csv'}", "--split", "folds", "--name", "cross")
        self.program.run(at, "data", "use", "crops")
        return at

    def single(self, backbone=BACKBONE, sizes=SIZES):
        """The store of the single run, and its workspace."""
        if backbone not in self.singles:
            at = self.workspace(f"single-{backbone}", sizes=sizes)
            began = time.monotonic()
            self.program.run(at, "extract", "--backbone", backbone, "--data", "crops")
            found, parts = helpers.rows(at, backbone)
            say(f"single run: {len(found)} rows of {backbone} in {parts} parts, {time.monotonic() - began:.0f} s")
            self.singles[backbone] = found, at
        return self.singles[backbone]

    def submit(self, at, tasks, *options, backbone=BACKBONE):
        return self.program.run(at, *self.extraction(tasks, backbone), "--detach", *options).stdout.strip()

    def extraction(self, tasks, backbone=BACKBONE):
        return ["extract", "--backbone", backbone, "--data", "crops", "--on", f"slurm:{tasks}"]

    def standing(self, at, run):
        return self.program.queue(at)[run]["slurm"]

    def finish(self, at, run, what, backbone=BACKBONE, sizes=SIZES):
        """Follows a run to its end and compares its store with that of the single run."""
        self.program.run(at, "runs", "attach", run, timeout=1800)
        wanted, _ = self.single(backbone, sizes)
        found, parts = helpers.rows(at, backbone)
        assert found == wanted, f"{what}: the store is not that of the single run"
        total, ends = computed(at, run)
        assert total <= len(wanted), f"{what}: {total} rows computed of {len(wanted)}"
        restarts = self.standing(at, run)["restarts"]
        say(
            f"{what}: {len(found)} rows in {parts} parts, keys and bytes as in the single run, none twice; "
            f"attempts ended {', '.join(ends)}; {restarts} restarts"
        )

    def equal(self):
        _, single = self.single()
        at = self.workspace("equal")
        self.finish(at, self.submit(at, 4), "an array of 4")
        for where in (single, at):
            place = ["--on", "slurm:4"] if where == at else []
            dense = ["--backbone", BACKBONE, "--width", "64", "--epochs", "8"]
            self.program.run(where, "train", "dense", "--data", "crops", *dense, *place)
            self.program.run(where, "sweep", "--data", "crops", "--backbone", BACKBONE, *HEADS, *place)
            self.program.run(where, "train", "dense", "--data", "cross", *dense, *place)
        self.program.same(single, at, "a dense head, a sweep of 8 heads, 5 folds")
        sweep = [row for row in self.program.told(at, "results") if row.get("val_accuracy")]
        say(f"best of them on validation: {max(row['val_accuracy'] for row in sweep):.4f}")

    def demo(self):
        study = ROOT / "studies/demo.toml"
        one, other = self.folder / "demo-single", self.folder / "demo-slurm"
        for at, place in ((one, []), (other, ["--on", "slurm:4"])):
            at.mkdir()
            (at / "faceprobe.toml").write_text('[slurm]\ncpus = 1\ntime = "60"\n')
            began = time.monotonic()
            self.program.run(at, "study", "run", study, *place)
            say(f"{at.name}: {time.monotonic() - began:.0f} s")
        assert helpers.rows(one, BACKBONE)[0] == helpers.rows(other, BACKBONE)[0]
        self.program.same(one, other, "the demo's study with test openings")

    def killed(self):
        at = self.workspace("killed")
        run = self.submit(at, 4)
        until("tasks run", lambda: self.standing(at, run)["running"] == 2)
        until("a part is there", lambda: list(at.glob("cache/features/*/*.keys.npy")) or self.standing(at, run)["done"])
        victim = until("a worker", lambda: worker(at))
        os.kill(victim, signal.SIGKILL)
        say(f"killed worker {victim}: {self.standing(at, run)}")
        self.finish(at, run, "a killed worker")

    def down(self):
        at = self.workspace("down")
        run = self.submit(at, 4)
        until("tasks run on both nodes", lambda: len(self.standing(at, run)["nodes"]) == 2)
        time.sleep(3)
        slurm("scontrol", "update", "nodename=n1", "state=down", "reason=test")
        until("its task waits", lambda: "n1" not in self.standing(at, run)["nodes"])
        say(f"n1 is down: {self.standing(at, run)}")
        time.sleep(10)
        # It may have come back by itself.
        subprocess.run(["scontrol", "update", "nodename=n1", "state=resume"], capture_output=True)
        self.finish(at, run, "a node that was set down")
        assert self.standing(at, run)["restarts"] >= 1

    def limit(self):
        sizes = ["--train", "240", "--val", "80", "--test", "80"]
        at = self.workspace("limit", 'cpus = 1\ntime = "1"\nnotice = 20\n', sizes)
        run = self.submit(at, 2, backbone=self.limited)
        began = time.monotonic()
        self.finish(at, run, "a time limit of one minute", self.limited, sizes)
        say(f"it took {time.monotonic() - began:.0f} s")
        assert self.standing(at, run)["restarts"] >= 1, "no task came to its limit; take a slower network with --limited"

    def cancelled(self):
        at = self.workspace("cancelled")
        run = self.submit(at, 4)
        standing = until("tasks run", lambda: (now := self.standing(at, run))["running"] == 2 and now)
        slurm("scancel", standing["jobs"][0])
        over = ("failed", "interrupted", "stopped")
        until("the rest ends", lambda: self.program.queue(at)[run]["status"] in over, 600)
        say(f"{standing['jobs'][0]} was cancelled: {self.standing(at, run)}")
        again = self.program.run(at, *self.extraction(4))
        say(f"the same command again: {again.stderr.strip().splitlines()[0] if again.stderr.strip() else 'done'}")
        self.finish(at, run, "a cancelled task")

    def controller(self):
        at = self.workspace("controller")
        run = self.submit(at, 4)
        until("tasks run", lambda: self.standing(at, run)["running"] == 2)
        subprocess.run([CLUSTER, "restart", Path(os.environ["SLURM_CONF"]).parent], check=True)
        say(f"controller restarted: {self.standing(at, run)}")
        self.finish(at, run, "a restarted controller")

    def writers(self, rounds):
        """Rates over the whole time of the processes, loading of weights included; an image that both computed counts once."""
        at = self.workspace("writers")
        cache = at / "cache/features"
        two_threads, one_thread = Program(self.program.path, 2), Program(self.program.path, 1)
        command = ["--quiet", "extract", "--backbone", BACKBONE, "--data", "crops"]

        def rate(programs):
            shutil.rmtree(cache, ignore_errors=True)
            began = time.monotonic()
            running = [subprocess.Popen(program.command(at, *command), stdout=subprocess.DEVNULL) for program in programs]
            assert all([process.wait() == 0 for process in running])
            took = time.monotonic() - began
            keys = [helpers.array(file)[1] for file in cache.glob("*/*.keys.npy")]
            images = {part[at : at + 32] for part in keys for at in range(0, len(part), 32)}
            twice = sum(len(part) // 32 for part in keys) - len(images)
            return len(images) / took, twice

        one, two = [], []
        for number in range(rounds):
            one.append(rate([two_threads])[0])
            at_once, twice = rate([one_thread, one_thread])
            two.append(at_once)
            say(f"round {number + 1}: {one[-1]:.1f} and {two[-1]:.1f} images/s ({twice} computed twice)")
        quotient = statistics.median(two) / statistics.median(one)
        say(
            f"two writers at once: {statistics.median(two):.1f} images/s, one with two threads {statistics.median(one):.1f} "
            f"(medians of {rounds}): {quotient:.3f}"
        )
        assert quotient >= 0.95


PARTS = ["equal", "demo", "killed", "down", "limit", "cancelled", "controller", "writers"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("fairface", type=Path)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--faceprobe", default=ROOT / "target/release/faceprobe", type=Path)
    parser.add_argument("--limited", default="vgg16", help="the network of the part 'limit' [default: vgg16]")
    parser.add_argument("--rounds", type=int, default=5, help="of the part 'writers' [default: 5]")
    parser.add_argument("--dir", help="where to work [default: the folder for temporary files]")
    parser.add_argument("--keep", action="store_true", help="leave that folder")
    args = parser.parse_args()
    if wrong := set(args.parts) - set(PARTS):
        parser.error(f"there is no part {', '.join(sorted(wrong))}; there are {', '.join(PARTS)}")
    parts = args.parts or PARTS
    folder = Path(tempfile.mkdtemp(prefix="faceprobe-cluster-", dir=args.dir))
    bench = Bench(Program(args.faceprobe), args.fairface.resolve(), folder, args.limited)
    needs_slurm = any(part != "writers" for part in parts)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        if needs_slurm:
            subprocess.run(["bash", CLUSTER, "start", folder / "slurm"], check=True)
            os.environ["SLURM_CONF"] = str(folder / "slurm/slurm.conf")
        for part in parts:
            bench.writers(args.rounds) if part == "writers" else getattr(bench, part)()
    finally:
        if needs_slurm:
            subprocess.run(["bash", CLUSTER, "stop", folder / "slurm"])
        # What was interrupted: a worker outlives whoever follows it.
        for at in folder.iterdir():
            if left := worker(at):
                os.kill(left, signal.SIGKILL)
        if not args.keep:
            shutil.rmtree(folder, ignore_errors=True)


main()
