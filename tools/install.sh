#!/bin/sh
# Puts the program, its worker, libtorch's libraries, the weights of the demo, man pages and completions where they run without
# the checkout: tools/install.sh PREFIX. Called by 'make install' and 'make dist'; what is built must be there.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
built=${CARGO_TARGET_DIR:-$here/target}/release
torch=${LIBTORCH:-$here/.libtorch}
prefix=${1:?tools/install.sh PREFIX}
fail() { echo "install: $1" >&2; exit 1; }
for program in faceprobe faceprobe-worker; do
    [ -x "$built/$program" ] || fail "$built/$program is not there: run make build first."
done
[ -f "$torch/lib/libtorch_cpu.so" ] || fail "$torch/lib/libtorch_cpu.so is not there: run make setup first."

mkdir -p "$prefix" || fail "$prefix cannot be made: choose another PREFIX."
prefix=$(cd "$prefix" && pwd)
share=$prefix/share
mkdir -p "$prefix/bin" "$prefix/lib/faceprobe" "$share/faceprobe/weights" "$share/man/man1" \
    "$share/doc/faceprobe/licenses" "$share/bash-completion/completions" "$share/zsh/site-functions" "$share/fish/vendor_completions.d"

# A file is put beside and renamed, so that a program that runs keeps the one it has.
put() {
    cp -R -P "$1" "$2.new" && chmod u+w "$2.new" && mv -f "$2.new" "$2"
}
for program in faceprobe faceprobe-worker; do
    put "$built/$program" "$prefix/bin/$program"
done
# A libtorch of one's own, a CUDA build for instance, stays where it is: the worker was linked to find it there.
if [ -f "$torch/lib/libtorch_cuda.so" ]; then
    echo "install: the worker goes on using the libtorch in $torch" >&2
else
    for library in libtorch_cpu.so libc10.so libgomp.so.1 libcudart.so.13 libcupti.so.13; do
        put "$torch/lib/$library" "$prefix/lib/faceprobe/$library"
    done
    ln -sfn libtorch_cpu.so "$prefix/lib/faceprobe/libtorch.so"
    cp -R "$torch/licenses/." "$share/doc/faceprobe/licenses/"
fi

weights=$("$built/faceprobe" --json weights list | python3 -c 'import json, sys
for network in json.load(sys.stdin):
    if network["name"] == "efficientnet-lite0" and network["present"]: print(network["path"])')
if [ -n "$weights" ]; then
    put "$weights" "$share/faceprobe/weights/efficientnet-lite0.safetensors"
    put "${weights%.safetensors}.json" "$share/faceprobe/weights/efficientnet-lite0.json"
fi

"$built/faceprobe" completions bash > "$share/bash-completion/completions/faceprobe"
"$built/faceprobe" completions zsh > "$share/zsh/site-functions/_faceprobe"
"$built/faceprobe" completions fish > "$share/fish/vendor_completions.d/faceprobe.fish"
"$built/faceprobe" --quiet man --to "$share/man/man1" >/dev/null
for page in README.md CHANGELOG.md SECURITY.md LICENSE-MIT LICENSE-APACHE docs studies; do
    rm -rf "$share/doc/faceprobe/$page"
    cp -R "$here/$page" "$share/doc/faceprobe/$page"
done
echo "install: faceprobe is in $prefix/bin" >&2
case ":$PATH:" in
    *":$prefix/bin:"*) ;;
    *) echo "install: $prefix/bin is not on your PATH" >&2 ;;
esac
