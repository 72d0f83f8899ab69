#!/bin/sh
# A relocatable archive of what 'make install' installs, in target/dist/: unpack it anywhere and run bin/faceprobe.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
target=${CARGO_TARGET_DIR:-$here/target}
version=$("$target/release/faceprobe" --version | cut -d ' ' -f 2)
name=faceprobe-$version-x86_64-linux
mkdir -p "$target/dist"
scratch=$(mktemp -d "$target/dist/.making-XXXXXX")
trap 'rm -rf "$scratch"' EXIT
sh "$here/tools/install.sh" "$scratch/$name" 2>"$scratch/said" || { cat "$scratch/said" >&2; exit 1; }
strip "$scratch/$name/bin/faceprobe" "$scratch/$name/bin/faceprobe-worker"
# The same files give the same archive, whoever makes it and when.
tar --sort=name --owner=0 --group=0 --numeric-owner --mtime='2026-01-01 00:00Z' -C "$scratch" -cf - "$name" | gzip -n -6 > "$scratch/archive"
mv -f "$scratch/archive" "$target/dist/$name.tar.gz"
(cd "$target/dist" && sha256sum "$name.tar.gz" > "$name.tar.gz.sha256")
echo "dist: $target/dist/$name.tar.gz" >&2
