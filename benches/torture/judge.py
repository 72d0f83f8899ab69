"""What is lost, wrong or unclear about the end of a call."""

import json
import re
import zlib

from workspace import CIRCUMSTANCES

# The words by which a sentence names the cause that the trial has set.
CAUSES = {
    "full disk": r"No space left|os error 28|is full|no room|too little (disk )?space",
    "read-only": r"[Rr]ead-only|os error 30|writable",
    "largest file": r"too large|os error 27|limit on the(ir)? size",
    "few descriptors": r"[Tt]oo many open files|os error 24|descriptors",
    "little memory": r"memory|allocat|os error 12|Resource temporarily unavailable|os error 11",
    "no locks": r"lock",
}
# A program that gets too little of these to be loaded cannot say anything; the loader does.
LOADER = r"error while loading|annot allocate|out of memory|cannot open shared object"


def ended_badly(done):
    """Why no sentence can make up for the end of a call, or None."""
    if "TIMEOUT" in done.stderr:
        return "no end"
    if done.returncode not in (0, 1, 2):
        return f"exit code {done.returncode}: {done.stderr[-200:]}"
    if re.search(r"panicked|A bug |RUST_BACKTRACE|stack overflow", done.stderr):
        return done.stderr[-300:]
    return None


def unclear(done, names, cause=None):
    """Why the end of a call helps nobody, or None: a call that failed must say a sentence that names one of `names` or the cause."""
    if why := ended_badly(done):
        return why
    if done.returncode == 0:
        return None
    # `predict` says of each picture what is wrong with it, among its answers.
    sentence = f"{done.stderr}\n{done.stdout}"
    if not sentence.strip():
        return "no sentence"
    if any(name in sentence for name in names) or (cause and re.search(cause, sentence)):
        return None
    return f"the sentence names neither file nor cause: {(done.stderr.strip() or sentence.strip())[-300:]}"


def unloaded(fault, done):
    return fault in ("little memory", "few descriptors") and re.search(LOADER, done.stderr)


def plain(value):
    """An answer without its circumstances; the number of a run stays."""
    if isinstance(value, dict):
        kept = {key: plain(item) for key, item in value.items() if key not in CIRCUMSTANCES}
        if isinstance(value.get("run"), str):
            kept["number"] = value["run"]
        return kept
    return [plain(item) for item in value] if isinstance(value, list) else value


def strip(value):
    """The same, whatever numbers runs have."""
    if isinstance(value, dict):
        return {key: strip(item) for key, item in value.items() if key not in ("number", "after_test_openings")}
    return [strip(item) for item in value] if isinstance(value, (list, tuple)) else value


def same(one, other):
    return json.dumps(strip(one), sort_keys=True) == json.dumps(strip(other), sort_keys=True)


def apart(now, calm):
    """In which two products are apart."""
    return differs(json.loads(json.dumps(strip(calm))), json.loads(json.dumps(strip(now))))


def differs(calm, now, path=""):
    """Where an answer says something else than it should, or None; what is called damaged may."""
    if isinstance(calm, dict) and isinstance(now, dict):
        if now.get("status") == "damaged":
            return None
        for key in {**calm, **now}:
            if found := differs(calm.get(key), now.get(key), f"{path}.{key}"):
                return found
        return None
    if isinstance(calm, list) and isinstance(now, list) and len(calm) == len(now):
        found = (differs(*pair, f"{path}[{number}]") for number, pair in enumerate(zip(calm, now)))
        return next((what for what in found if what), None)
    return None if calm == now else f"{path}: {json.dumps(calm)[:80]} became {json.dumps(now)[:80]}"


def number_of(row):
    return int(row["number"].rsplit("-", 1)[1])


def hash_of(path):
    return zlib.crc32(path.read_bytes()) if path.is_file() else None
