# 'make demo' shows the whole study on a drawn sample, 'make test' runs every check. Both set up what they need (libtorch,
# weights, build); repeated calls cost nothing.

CARGO ?= cargo
PREFIX ?= $(HOME)/.local
FACEPROBE = $(or $(CARGO_TARGET_DIR),target)/release/faceprobe

.PHONY: demo test test-slurm install dist build setup weights deny

demo: weights
	@$(FACEPROBE) demo

test: weights deny
	$(CARGO) fmt --all --check
	rustfmt --edition 2024 --check crates/kinds/*/*.rs
	$(CARGO) clippy --release --locked --workspace --all-targets -- -D warnings
	$(CARGO) test --release --locked --workspace

# The same on a cluster of two nodes on this machine, from Debian's packages of Slurm.
test-slurm: weights
	@bash tools/test_slurm.sh $(if $(MAY_SKIP),--may-skip)

# Program, worker and libraries in PREFIX, to run without the checkout.
install: weights
	@sh tools/install.sh "$(DESTDIR)$(PREFIX)"

# The same as an archive that runs wherever it is unpacked, in target/dist/.
dist: weights
	@sh tools/dist.sh

weights: build
	@$(FACEPROBE) --quiet weights fetch efficientnet-lite0

build: setup
	@$(CARGO) build --release --locked --workspace

setup:
	@command -v python3 >/dev/null || { echo "setup: python3 was not found: install it with pip (Debian: sudo apt-get install python3-pip) and run the same command again." >&2; exit 1; }
	@python3 tools/setup.py

# Licences, advisories and sources of the crates (deny.toml), where the tool is there: cargo install cargo-deny.
deny:
	@if $(CARGO) deny --version >/dev/null 2>&1; then $(CARGO) deny --offline check bans licenses sources; \
	else echo "test: cargo-deny is not installed, so licences of crates are not checked"; fi
