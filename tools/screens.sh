#!/bin/sh
# Draws every screen of the program on the demo's study as SVG, for the README: tools/screens.sh [FOLDER]
# The demo must have run in the workspace (default: a fresh one, which takes about a minute).
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
to=${1:-$here/docs/screens}
program=${FACEPROBE:-$here/target/release/faceprobe}
workspace=${WORKSPACE:-}
if [ -z "$workspace" ]; then
    workspace=$(mktemp -d)/study
    mkdir "$workspace"
    trap 'rm -rf "$(dirname "$workspace")"' EXIT
    "$program" --workspace "$workspace" --quiet demo --plain >/dev/null
    "$program" --workspace "$workspace" --quiet sweep --width 64,256 --dropout 0.5,0.8 --epochs 30 >/dev/null
fi
image=$(find "$workspace/data/sample" -name '*.jpg' -size +2k | sort | head -n 1)
mkdir -p "$to"
"$program" --workspace "$workspace" screens --force --to "$to" ${image:+--image "$image"}
