"""Kills and faults of the machine while a command is at work, and whether all comes right afterwards."""

import os
import re
import resource
import subprocess
import time

from judge import CAUSES, apart, same, unclear, unloaded
from workspace import COMMANDS

LEFTOVERS = r"\.tmp|\.part$|\.partial"
# Commands whose trial is about a run of their kind, which goes on when it is resumed.
TRAININGS = ("benchmark", "logistic", "dense", "finetune")


def calm(lane, name):
    """What a command comes to where nothing disturbs it, and in how many seconds."""
    if name not in lane.calm:
        lane.fresh()
        begun = time.monotonic()
        done = lane.call(COMMANDS[name])
        seconds = time.monotonic() - begun
        assert done.returncode == 0, (name, done.stderr)
        lane.calm[name] = (lane.product(name), seconds)
    return lane.calm[name]


def recovered(lane, name, expected):
    """What is lost or wrong after a trial: of what was there, with runs that can go on, and with the same command again."""
    mishaps = []
    if name != "remove" and (damage := lane.whole()):
        mishaps.append(("lost", damage))
    for run in lane.runs():
        if run["status"] == "interrupted" and not run["run"].startswith(("study", "demo")):
            done = lane.call(["runs", "resume", run["run"]])
            if done.returncode:
                mishaps.append(("lost", f"resume {run['run']}: {done.stderr.strip()}"))
            lane.call(["runs", "attach", run["run"]])
            if name in TRAININGS and run["run"].startswith(name[:4]) and not same(lane.product(name), expected):
                mishaps.append(("wrong", f"resumed {run['run']}: {apart(lane.product(name), expected)}"))
    done = lane.call(COMMANDS[name])
    if done.returncode and "overwrite it with --force" in done.stderr:
        # What was made by a program that could not note so: the sentence says what to do.
        done = lane.call([*COMMANDS[name], "--force"])
    already = {"open-test": "opened", "remove": "There is no run"}.get(name)
    if done.returncode and not (already and already in done.stderr):
        mishaps.append(("lost", f"again: {done.stderr.strip()[-400:]}"))
    elif not same(lane.product(name), expected):
        mishaps.append(("wrong", f"again: {apart(lane.product(name), expected)}"))
    left = [str(path.relative_to(lane.w)) for path in lane.w.rglob("*") if re.search(LEFTOVERS, path.name)]
    if left:
        mishaps.append(("lost", f"left behind: {left}"))
    return mishaps


def killed(lane, name, draw):
    expected, seconds = calm(lane, name)
    lane.fresh()
    process = lane.start(COMMANDS[name])
    time.sleep(draw.uniform(0, 1.05 * seconds))
    victim = draw.choice(["client", "worker", "both", "both"])
    if victim != "client":
        lane.end()
    if victim == "worker":
        time.sleep(0.2)
    process.kill()
    process.communicate()
    if victim == "client":
        # Its worker goes on by itself.
        for _ in range(600):
            if not lane.workers():
                break
            time.sleep(0.02)
    return recovered(lane, name, expected)


# The faults, each with how often it is tried with a command.
FAULTS = {"full disk": 6, "read-only": 1, "largest file": 6, "few descriptors": 6, "little memory": 6, "no locks": 1, "clock": 1}


def faulty(lane, fault, name, draw):
    expected, _ = calm(lane, name)
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
        faults = {"LD_PRELOAD": str(lane.bench.shim), "TORTURE_NOLOCKS": "1"}
    elif fault == "clock":
        faults = {"LD_PRELOAD": str(lane.bench.shim), "TORTURE_CLOCK": "1"}
    try:
        done = lane.call(COMMANDS[name], faults=faults, limits=limits)
        lane.end()
    finally:
        if fault == "read-only":
            subprocess.run(["mount", "-o", "remount,rw", str(lane.root)], check=True)
        filler.unlink(missing_ok=True)
    mishaps = []
    if (why := unclear(done, [], CAUSES.get(fault))) and not unloaded(fault, done):
        mishaps.append(("unclear", why))
    if done.returncode == 0 and not same(lane.product(name), expected):
        mishaps.append(("wrong", f"said to be done: {apart(lane.product(name), expected)}"))
    return mishaps + recovered(lane, name, expected)
