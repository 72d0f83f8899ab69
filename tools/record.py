#!/usr/bin/env python3
"""Records the newcomer's way through a study as an asciinema file (version 2): tools/record.py [FILE]

Photographs are the drawings of the demo, unless PHOTOGRAPHS names a source such as folder:/data/faces. The keys are those that
the screen names; a wait is a text that has to appear. `asciinema play FILE` shows it.
"""

import codecs
import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unicodedata

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PROGRAM = os.environ.get("FACEPROBE", os.path.join(HERE, "target/release/faceprobe"))
COLUMNS, ROWS = 120, 36
# Longer pauses are cut, so that nobody watches a network compute.
LONGEST_PAUSE = 1.5
PATIENCE = 180

PIECES = re.compile(r"\x1b\[([0-?]*)[ -/]*([@-~])|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[PX^_].*?\x1b\\|\x1b[@-Z\\-_=>78]|(.)", re.S)

BEGUN = re.compile(r"\x1b(\[[0-?]*[ -/]*|\][^\x07\x1b]*|[PX^_][^\x1b]*)?$")


class Screen:
    """What a terminal shows of what the program writes: it moves the cursor and writes, and nothing else matters here."""

    def __init__(self):
        self.cells, self.row, self.column, self.rest = {}, 0, 0, ""

    def feed(self, text):
        text = self.rest + text
        # What was cut off in the middle of a sequence waits for its other half.
        cut = BEGUN.search(text)
        self.rest = text[cut.start():] if cut else ""
        for numbers, command, character in PIECES.findall(text[: cut.start()] if cut else text):
            if command == "H":
                row, _, column = numbers.partition(";")
                self.row, self.column = int(row or 1) - 1, int(column or 1) - 1
            elif command == "J":
                self.cells.clear()
            elif character == "\r":
                self.column = 0
            elif character == "\n":
                self.row += 1
            elif character >= " ":
                self.cells[self.row, self.column] = character
                self.column += 2 if unicodedata.east_asian_width(character) in "WF" else 1

    def text(self):
        line = lambda row: "".join(self.cells.get((row, column), " ") for column in range(COLUMNS)).rstrip()
        return "\n".join(line(row) for row in range(ROWS))


def way(source, image):
    """What is waited for, and what is pressed or typed then."""
    enter, left, right = "\r", "\x1b[D", "\x1b[C"
    return [
        ("Next: n prepares", "n"),
        ("Prepare a data set", source),
        ("Enter start", enter),
        ("is done.", "2"),
        ("extract", "e"),
        ("extract-1 is done.", "3"),
        ("new run", "n"),
        ("Dense head", left),
        ("filters", enter),
        ("benchmark-1 is done.", "n"),
        ("Dense head", right),
        ("alphas", enter),
        ("logistic-1 is done.", "n"),
        ("Dense head", enter),
        ("dense-1 is done.", "4"),
        ("open test", "t"),
        ("only if you stop choosing now", "y"),
        ("test-1 is done", "c"),
        ("Predict now uses", "6"),
        ("type a path", "/"),
        ("Path of an image", image),
        ("Enter open", enter),
        ("the threshold", "q"),
    ]


class Recording:
    """The program on a terminal of its own."""

    def __init__(self, command, environment):
        self.events, self.screen = [], Screen()
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.child, self.terminal = pty.fork()
        if self.child == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
            os.execvpe(command[0], command, environment)
        self.last, self.clock = time.monotonic(), 0.0

    def read(self, wait):
        """Takes what the program writes within `wait` seconds; false once it has ended."""
        if not select.select([self.terminal], [], [], wait)[0]:
            return True
        try:
            data = os.read(self.terminal, 65536)
        except OSError:
            data = b""
        now = time.monotonic()
        self.clock += min(now - self.last, LONGEST_PAUSE)
        self.last = now
        text = self.decoder.decode(data)
        if text:
            self.events.append([round(self.clock, 4), "o", text])
            self.screen.feed(text)
        return bool(data)

    def wait_for(self, text):
        """Until this stands on the screen."""
        begun = time.monotonic()
        while text not in self.screen.text():
            if not self.read(0.1):
                sys.exit(f"record: the program ended before '{text}'.")
            if time.monotonic() - begun > PATIENCE:
                sys.exit(f"record: no '{text}' after {PATIENCE} s on the screen:\n{self.screen.text()}")

    def type(self, text):
        """Types as people do; a path is pasted piece by piece."""
        self.pause(0.9)
        for piece in re.findall(r"\x1b\[.|.{1,3}" if len(text) > 3 else r"\x1b\[.|.", text, re.S):
            os.write(self.terminal, piece.encode())
            self.pause(0.05)

    def pause(self, seconds):
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and self.read(left):
            pass


def main():
    to = sys.argv[1] if len(sys.argv) > 1 else os.path.join(HERE, "docs/newcomer.cast")
    with tempfile.TemporaryDirectory() as place:
        source = os.environ.get("PHOTOGRAPHS")
        if source is None:
            drawn = os.path.join(place, "photographs")
            os.mkdir(drawn)
            demo = [PROGRAM, "--workspace", os.path.join(place, "demo"), "--quiet", "demo", "--plain"]
            os.mkdir(demo[2])
            subprocess.run(demo, check=True, stdout=subprocess.DEVNULL)
            os.rename(os.path.join(demo[2], "data/sample"), os.path.join(drawn, "faces"))
            source = "adience:~/photographs/faces"
        folder = source.split(":", 1)[1].replace("~", place)
        images = (os.path.join(at, name) for at, _, names in sorted(os.walk(folder)) for name in sorted(names))
        image = next(path for path in images if path.endswith(".jpg") and os.path.getsize(path) > 2000)
        study = os.path.join(place, "study")
        os.mkdir(study)
        # The study's folder is in a home of its own; weights stay where they are.
        data = os.environ.get("XDG_DATA_HOME") or os.path.join(os.environ["HOME"], ".local/share")
        environment = {"PATH": os.environ["PATH"], "HOME": place, "XDG_DATA_HOME": data, "TERM": "xterm-256color", "LANG": "C.UTF-8"}
        environment.update({name: value for name, value in os.environ.items() if name.startswith("FACEPROBE_")})
        # Half blocks, which every player can show.
        recording = Recording([PROGRAM, "--workspace", study, "--image-protocol", "halfblocks"], environment)
        for wait, keys in way(source, image.replace(place, "~")):
            recording.wait_for(wait)
            recording.type(keys)
        while recording.read(1.0) and os.waitpid(recording.child, os.WNOHANG) == (0, 0):
            pass
        head = {"version": 2, "width": COLUMNS, "height": ROWS, "title": "faceprobe: a study from an empty folder"}
        partial = to + ".part"
        with open(partial, "w", encoding="utf-8") as out:
            for line in [head, *recording.events]:
                out.write(json.dumps(line, ensure_ascii=False) + "\n")
        os.replace(partial, to)
        print(f"{to}: {len(recording.events)} events, {recording.clock:.0f} s")


main()
