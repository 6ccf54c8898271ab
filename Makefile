# Each target sets up what it needs: Python >= 3.11, git and make are enough.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
PEERS  := .venv-bench
MARKET ?=
OUT    ?= demo-out
# Everything offline talks to 127.0.0.1; inside `unshare -n` that device starts down.
LOOPBACK_UP = @ip link set lo up 2>/dev/null || true
BENCH  ?=
EXPERIMENT ?=

.DEFAULT_GOAL := help
.PHONY: help setup check test demo parity experiment bench bench-gate bench-feeders bench-store bench-setup lock clean feeders-report

help:            ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-14s  %s\n", $$1, $$2}'

setup: $(STAMP)  ## create .venv and install the locked versions

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $(STAMP)

check: $(STAMP)  ## format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: check      ## check, then every test
	$(LOOPBACK_UP)
	$(BIN)/pytest -n 2 --dist loadfile

demo: $(STAMP)   ## the whole loop, offline: make demo [MARKET=DIR] [OUT=DIR]
	$(LOOPBACK_UP)
	$(BIN)/freqfleet demo $(if $(MARKET),--market $(MARKET)) --out $(OUT)

parity: $(STAMP) ## replay against freqtrade's own backtests, in full; writes docs/parity.md
	$(LOOPBACK_UP)
	$(BIN)/python tests/parity/report.py

experiment: $(STAMP) ## what learning is worth, by freqtrade's backtests; writes docs/experiment.md (hours)
	$(LOOPBACK_UP)
	$(BIN)/python -m experiment $(EXPERIMENT)

bench: $(STAMP) bench-setup  ## measure against the bars and other engines; writes docs/benchmarks.md
	$(LOOPBACK_UP)
	$(BIN)/python -m bench $(BENCH)

bench-store: $(STAMP) ## measure the learning store on SQLite, PostgreSQL, InfluxDB; writes docs/benchmarks-store.md
	$(LOOPBACK_UP)
	$(BIN)/python -m bench.store $(BENCH)

bench-gate: $(STAMP)  ## measure the publication gate on markets of known truth; writes docs/benchmarks-gate.md
	$(BIN)/python -m bench.gate $(BENCH)

bench-feeders: $(STAMP)  ## measure features, training and scoring of feeders; writes docs/benchmarks-feeders.md
	$(BIN)/python -m bench.feeders $(BENCH)

bench-setup: $(PEERS)/.installed  ## create .venv-bench with the engines that bench compares with

$(PEERS)/.installed: bench/requirements-peers.txt $(STAMP)
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(PEERS)
	$(BIN)/uv pip install --quiet --python $(PEERS)/bin/python -r bench/requirements-peers.txt
	@touch $@

feeders-report: $(STAMP)  ## what trained feeders showed out of fold; writes docs/feeders-report.html: make feeders-report MARKET=DIR
	$(BIN)/python -m bench.feeders_report --datadir $(or $(MARKET),$(or $(FREQFLEET_SHARED),../shared)/market/bench/binance)

lock: $(STAMP)   ## resolve the dependencies anew (needs a package registry)
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --no-annotate --no-header \
	  --all-extras pyproject.toml -o requirements.lock

clean:           ## remove what these targets made
	rm -rf $(VENV) $(PEERS) $(OUT) experiment-out .mypy_cache .ruff_cache .pytest_cache .hypothesis
