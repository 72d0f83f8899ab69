"""All trials, in turns, and the table of what they found."""

import concurrent.futures
import http.server
import json
import pathlib
import random
import re
import shutil
import subprocess
import threading
import time

from files import FILES, damaged
from lane import Lane
from trials import FAULTS, faulty, killed
from workspace import BACKBONE, COMMANDS, KILLED

HERE = pathlib.Path(__file__).resolve().parent


class Bench:
    def __init__(self, args, place):
        self.args, self.place, self.lanes = args, place, []
        # A copy: a build may exchange the program meanwhile.
        self.faceprobe = str(place / "faceprobe")
        for name in ["faceprobe", "faceprobe-worker"]:
            shutil.copy(pathlib.Path(args.faceprobe).resolve().with_name(name), place)
        listed = subprocess.run([self.faceprobe, "--json", "weights", "list"], check=True, stdout=subprocess.PIPE).stdout
        paths = [pathlib.Path(item["path"]) for item in json.loads(listed) if item["name"] == BACKBONE]
        found = [path for path in paths if path.is_file()]
        if not found:
            raise SystemExit(f"the weights are not there; run: faceprobe weights fetch {BACKBONE}")
        self.weights = found[0]
        self.shim = place / "faults.so"
        subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", self.shim, HERE / "faults.c", "-ldl"], check=True)
        self.url = serve(self.weights.read_bytes())
        self.counts, self.lock = {}, threading.Lock()
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
                print(f"{what}: {kind}#{number}: {why}"[:700], flush=True)

    def kinds(self):
        """Every kind of trial: its name, what does one, and how many there are."""
        each = -(-self.args.kills // len(KILLED)) if self.args.kills > 0 else 0
        for name in KILLED:
            yield f"kill: {name}", lambda lane, draw, name=name: killed(lane, name, draw), each
        for fault, times in FAULTS.items():
            for name in COMMANDS:
                yield f"{fault}: {name}", lambda lane, draw, f=fault, name=name: faulty(lane, f, name, draw), times
        for kind in FILES:
            yield f"file: {kind}", lambda lane, draw, kind=kind: damaged(lane, kind, draw), self.args.rounds

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
        """Prints what was tried of each kind, and how much of it went badly; that number comes back."""
        print(f"\n{'':28}{'tried':>7}{'lost':>7}{'wrong':>7}{'unclear':>9}")
        groups, total = {}, {"tried": 0, "lost": 0, "wrong": 0, "unclear": 0}
        for kind, count in self.counts.items():
            group, _, name = kind.partition(": ")
            into = groups.setdefault(name if group == "file" else group, dict.fromkeys(total, 0))
            for key in total:
                into[key] += count[key]
                total[key] += count[key]
        for shown, count in [*groups.items(), ("all", total)]:
            print(f"{shown:28}{count['tried']:7}{count['lost']:7}{count['wrong']:7}{count['unclear']:9}")
        return total["lost"] + total["wrong"] + total["unclear"]


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
