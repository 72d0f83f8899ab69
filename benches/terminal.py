#!/usr/bin/env python3
"""What the workbench costs, measured through a pseudo-terminal of 120 x 40.

    benches/terminal.py WORKSPACE [--idle 30]               start-up, memory, and what an idle screen does
    benches/terminal.py WORKSPACE --busy [--keys 100]       bytes and the time from key to screen while a run works:
                                                            between screens, over the large chart, and on the table of
                                                            models, which every key orders anew

For the first, `benches/many_runs.py WORKSPACE` makes a workspace with 1,000 runs. For the second, start a run in the
workspace before, for instance `faceprobe --workspace WORKSPACE train benchmark --epochs 500 --detach`.
"""

import argparse
import fcntl
import os
import pty
import random
import select
import struct
import termios
import time
from pathlib import Path

PROGRAM = str(Path(__file__).resolve().parent.parent / "target/release/faceprobe")


class Screen:
    """The program behind a terminal."""

    def __init__(self, workspace):
        self.began = time.perf_counter()
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.environ.pop("NO_COLOR", None)
            os.environ.update(TERM="xterm-256color", LANG="C.UTF-8")
            os.execv(PROGRAM, [PROGRAM, "--workspace", workspace])
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))

    def read(self, seconds, *until):
        """What is written within a time, or until some of these bytes are among it."""
        end, out = time.perf_counter() + seconds, b""
        while (left := end - time.perf_counter()) > 0:
            if select.select([self.terminal], [], [], min(0.002, left))[0]:
                try:
                    out += os.read(self.terminal, 1 << 16)
                except OSError:
                    break
                if any(sign in out for sign in until):
                    break
        return out

    def keys(self, text):
        os.write(self.terminal, text)

    def age(self):
        return (time.perf_counter() - self.began) * 1000

    def processor(self):
        """Seconds of processor time so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self):
        """MiB in memory."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024

    def quit(self):
        self.keys(b"q")
        self.read(1)
        os.waitpid(self.pid, 0)


def starting(workspace, idle):
    for turn in range(4):
        screen = Screen(workspace)
        screen.read(20, b"reading")
        first = screen.age()
        screen.read(20, b"idle")
        runs = screen.age()
        screen.read(3)
        print(f"first frame {first:.0f} ms, runs {runs:.0f} ms, {screen.memory():.0f} MiB")
        if turn == 3:
            before = screen.processor()
            written = len(screen.read(idle))
            share = (screen.processor() - before) / idle
            print(f"idle for {idle} s: {written} bytes, {share:.2%} of a core")
        screen.quit()


BEGIN_FRAME = b"\x1b[?2026h"


def flow(screen, what, seconds=15):
    """Bytes and frames a second while nobody presses a key."""
    written = screen.read(seconds)
    print(f"{what}: {len(written) / seconds / 1024:.2f} KiB/s, {written.count(BEGIN_FRAME) / seconds:.1f} frames/s")


def latency(screen, what, keys, press):
    """Milliseconds from a key to what it shows; `press` says the key of a turn and the bytes that it shows."""
    times = []
    for turn in range(keys):
        screen.read(random.uniform(0.05, 0.25))
        key, signs, back = press(turn)
        pressed = time.perf_counter()
        screen.keys(key)
        screen.read(2, *signs)
        times.append((time.perf_counter() - pressed) * 1000)
        if back:
            screen.read(0.1)
            screen.keys(back)
            # A key right behind Esc would be one with Alt.
            screen.read(0.3)
    times.sort()
    print(f"{what}: median {times[keys // 2]:.0f} ms, 95 % within {times[keys * 95 // 100]:.0f} ms, "
          f"at most {times[-1]:.0f} ms; {screen.memory():.0f} MiB")


def busy(workspace, keys):
    screen = Screen(workspace)
    screen.read(4)
    screen.keys(b"3")
    screen.read(1)
    flow(screen, "beside the list")
    latency(screen, "key to another screen", keys, lambda turn: [(b"7", [b"Runs"], b""), (b"3", [b"Train"], b"")][turn % 2])
    screen.keys(b"\r")
    screen.read(1)
    flow(screen, "over the large chart")
    latency(screen, "key over the large chart", keys, lambda _: (b":", [b"Commands"], b"\x1b"))
    screen.keys(b"\x1b")
    screen.read(0.5)
    screen.keys(b"4")
    screen.read(1)
    # The arrow of the heading goes to another column.
    arrows = ["▼".encode(), "▲".encode()]
    latency(screen, "key that orders the table", keys, lambda turn: ([b">", b"<"][turn % 2], arrows, b""))
    screen.quit()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("workspace")
    parser.add_argument("--idle", type=float, default=30)
    parser.add_argument("--busy", action="store_true")
    parser.add_argument("--keys", type=int, default=100)
    options = parser.parse_args()
    if options.busy:
        busy(options.workspace, options.keys)
    else:
        starting(options.workspace, options.idle)


if __name__ == "__main__":
    main()
