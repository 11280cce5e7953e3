# Every job that anyone runs. CI calls these and nothing else.
#
#   make test         lints, layers, every test on std, the recordings, a loom and shuttle subset
#   make verify       the main job: every scenario under every engine, every state of the model, and a
#                     table of what was covered
#   make model        the second half of that
#   make results      verify, written down in docs/results.md
#   make controls     known-bad variants of our own code, each of which the scenarios must reject
#   make verify-deep  no bounds, as far as HOURS allow; SHARD=1/4 takes one part of four (cargo-nextest)
#   make fuzz         the fuzz target for SECONDS (nightly, cargo-fuzz)
#   make scale        10,000,000 tasks through a pool
#   make bench        what a task costs beside other pools; BENCH has the arguments (--help), for
#                     example BENCH="--runs 3 --markdown target/bench.md". Wants two quiet cores
#   make bench-lint   lints and tests of the benchmarks, which `make test` leaves out

CARGO ?= cargo
HOURS ?= 1
SHARD ?= 1/1
SECONDS ?= 60
MODEL = --quiet --locked --profile model -p brigade-model-tests
# One build folder for all engines, so that what does not differ is built once.
EXPLORE = $(CARGO) build $(MODEL) --bin explore
KEEP = mkdir -p target/explorers && cp target/model/explore target/explorers/

.PHONY: test lint layers std recordings engines verify model results explorers verify-deep controls fuzz scale bench bench-lint clean

test: lint layers std recordings engines

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	$(CARGO) clippy --locked -p brigade --all-targets -- -D warnings
	$(CARGO) clippy --locked --workspace --all-targets --features shuttle -- -D warnings
	$(CARGO) clippy --locked --workspace --all-targets --all-features -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --workspace --no-deps
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked -p brigade --no-deps
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --workspace --no-deps --all-features

# A use that points upward, a primitive outside the primitives, an unexplained `unsafe` or ordering.
layers:
	$(CARGO) test --locked -p brigade-model-tests --test layers

# Every test and example on real threads: of the library as it ships, without the probe; then the
# scenarios under stress, with it; then a user's crate.
std:
	$(CARGO) test --locked -p brigade
	$(CARGO) test --locked -p brigade-model-tests
	$(CARGO) test --locked -p brigade-downstream

# What the original did in 1,000 programs, step by step.
recordings:
	$(CARGO) run --quiet --locked -p brigade-model-tests --bin replay -- model-tests/conformance/twisted-vectors.jsonl

# The quick subset of the scenarios, a test each; and the bugs planted in a user's crate.
engines:
	$(CARGO) test --locked --workspace --features loom
	$(CARGO) test --locked --workspace --features shuttle

explorers:
	$(EXPLORE) && $(KEEP)threads
	$(EXPLORE) --features shuttle && $(KEEP)shuttle
	$(EXPLORE) --features loom && $(KEEP)loom
	$(EXPLORE) --no-default-features --features loom && $(KEEP)loom-unrecorded

verify: explorers
	$(CARGO) run $(MODEL) --bin verify -- $(VERIFY) \
		--explorer target/explorers/threads \
		--explorer target/explorers/shuttle \
		--explorer target/explorers/loom \
		--unrecorded target/explorers/loom-unrecorded
	$(MAKE) model

# Every state of the reference model, within its bounds.
model:
	$(CARGO) run $(MODEL) --bin model

# The same, written down in docs/results.md.
results:
	$(MAKE) verify VERIFY="--markdown docs/results.md"

# Each scenario gets an equal share of the hours (two cores, a process a scenario). Then each of loom's,
# within its bounds, is explored recorded and unrecorded.
verify-deep: explorers
	BRIGADE_DEEP=1 BRIGADE_DEEP_SECONDS=$$(( $(HOURS) * 3600 * 2 / $$(target/explorers/loom list | wc -l) )) \
		$(CARGO) nextest run --locked \
		--cargo-profile model -p brigade-model-tests --test engines --features loom --no-fail-fast \
		--test-threads 2 --partition slice:$(SHARD)
	$(CARGO) run $(MODEL) --bin verify -- --few 1000000000 --json target/verify-deep.json \
		--explorer target/explorers/loom --unrecorded target/explorers/loom-unrecorded

controls:
	$(CARGO) run $(MODEL) --bin controls -- $(CONTROLS)

# What it finds worth keeping goes to target/; the seeds in fuzz/corpus stay as they are.
fuzz:
	mkdir -p target/fuzz-found
	$(CARGO) +nightly fuzz run team target/fuzz-found fuzz/corpus/team -- -max_total_time=$(SECONDS)

scale:
	BRIGADE_SCALE=10000000 $(CARGO) test --release --locked -p brigade --test scale -- --nocapture

# `--bins`, because the rows about memory run a program of their own.
bench:
	$(CARGO) build --release --locked --manifest-path core/bench/Cargo.toml --bins
	$(CARGO) run --release --locked --manifest-path core/bench/Cargo.toml -- $(BENCH)

bench-lint:
	$(CARGO) fmt --manifest-path core/bench/Cargo.toml --check
	$(CARGO) clippy --locked --manifest-path core/bench/Cargo.toml --all-targets -- -D warnings
	$(CARGO) test --locked --manifest-path core/bench/Cargo.toml

clean:
	$(CARGO) clean
