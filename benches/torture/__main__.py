"""What happens to a study when everything goes wrong: kills, faults of the machine, damage to every file that is read.

A tiny workspace is made once; every trial has a copy of it in memory (a tmpfs of its own, so that a disk can really be full or
read-only: the program runs itself under `unshare`). A trial is

    lost     if what was there before cannot be had any more, or the next call does not bring what an undisturbed one brings
    wrong    if a number is another one and nothing is said
    unclear  if a call ends with a panic, a signal, an exit code other than 0, 1 and 2, not within a minute, or without a
             sentence that names the file or the cause

    python3 benches/torture [--minutes 30] [--rounds 300] [--kills 100] [--seed 1] [--only WORD] [--lanes 2]

It exits 1 unless all is zero. Trials of all kinds take turns, so a call that is cut short by --minutes has tried something of
each. The seed of a trial is that of the call with the kind's name and the trial's number, which is printed with each mishap;
--only KIND#NUMBER does one again. Needs the weights of efficientnet-lite0 (`faceprobe weights list` shows them), gcc, and
`unshare -r` where it is not run as root.
"""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

from bench import HERE, Bench


def main():
    parser = argparse.ArgumentParser(prog="torture", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--rounds", type=int, default=300, help="damages to each file")
    parser.add_argument("--kills", type=int, default=100, help="in all")
    parser.add_argument("--lanes", type=int, default=2, help="trials at once")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", help="kinds with this word in them, and after # the number of one trial")
    parser.add_argument("--faceprobe", default=HERE.parent.parent / "target/release/faceprobe")
    args = parser.parse_args()
    if os.environ.get("TORTURE_INSIDE") != "1":
        # Mounts of its own, which are gone when it ends.
        os.environ["TORTURE_INSIDE"] = "1"
        root = [] if os.geteuid() == 0 else ["-r"]
        os.execvp("unshare", ["unshare", *root, "-m", sys.executable, *sys.argv])
    place = pathlib.Path(tempfile.mkdtemp(prefix="torture-")).resolve()
    bench, code = None, 1
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
