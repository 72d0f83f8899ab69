#!/usr/bin/env bash
# `make test-slurm`: the tests that need Slurm, on two nodes of its own on this machine. Where Slurm is not there and cannot
# be installed, it says how to get it; with --may-skip that is no failure.
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/sbin:/sbin
program=${CARGO_TARGET_DIR:-target}/release/faceprobe
missing() { for p in slurmctld slurmd sbatch squeue scontrol; do command -v $p >/dev/null || { echo $p; return; }; done; }
if [ -n "$(missing)" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "test-slurm: installing slurm-wlm"
  { DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends slurm-wlm ||
    { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends slurm-wlm; }; } >/dev/null 2>&1 || true
fi
if [ -n "$(missing)" ]; then
  echo "test-slurm: skipped, for $(missing) is not here: install Slurm (Debian: sudo apt-get install slurm-wlm) and run it again." >&2
  [ "${1:-}" = --may-skip ] && exit 0
  exit 1
fi
dir=$(mktemp -d)
trap 'bash tests/slurm/cluster.sh stop "$dir/slurm" || true; rm -rf "$dir"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
bash tests/slurm/cluster.sh start "$dir/slurm"
mkdir "$dir/work"
SLURM_CONF="$dir/slurm/slurm.conf" timeout 600 python3 tests/slurm/run.py "$program" "$dir/work"
