# Two commands: `make demo` shows the whole study on a drawn sample, `make test` runs every check.
# Both set up what they need (libtorch, weights, build); repeated calls cost nothing.

CARGO ?= cargo
FACEPROBE = $(or $(CARGO_TARGET_DIR),target)/release/faceprobe

.PHONY: demo test test-slurm build setup weights

demo: weights
	@$(FACEPROBE) demo

test: weights
	$(CARGO) fmt --check
	$(CARGO) clippy --release --locked --workspace --all-targets -- -D warnings
	$(CARGO) test --release --locked --workspace

test-slurm: weights
	@bash tools/test_slurm.sh $(if $(MAY_SKIP),--may-skip)

weights: build
	@$(FACEPROBE) --quiet weights fetch efficientnet-lite0

build: setup
	@$(CARGO) build --release --locked --workspace

setup:
	@command -v python3 >/dev/null || { echo "setup: python3 was not found: install it with pip (Debian: sudo apt-get install python3-pip) and run the same command again." >&2; exit 1; }
	@python3 tools/setup.py
