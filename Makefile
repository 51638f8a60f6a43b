# One word runs what CI runs; checking is the default, `make fmt` is the only target that rewrites.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help demo up down test quick versions faults check search resolve bench fmt lock clean

help:  ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

$(READY): pyproject.toml requirements-dev.lock
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { \
	  echo "Cannot make a virtual environment: install Python 3.11 to 3.13 with its venv module (Debian: apt-get install python3-venv)."; exit 1; }
	@$(BIN)/python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { \
	  echo "modelcote needs Python 3.11 to 3.13: run make PYTHON=python3.12 with one of these."; rm -rf $(VENV); exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv>=0.9,<1"
	$(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode -r requirements-dev.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

demo: $(READY)  ## deploy two models on the local cloud, call them over HTTP, compare every row
	$(BIN)/python examples/demo.py

up: $(READY)  ## start the local cloud
	$(BIN)/cote local up

down: $(READY)  ## stop it
	$(BIN)/cote local down

# Files are spread over the workers; the tests of the one local cloud stay together (see tests/conftest.py).
JOBS = 3
PYTEST = $(BIN)/python -m pytest -n $(JOBS)

test: check  ## everything: lint, types, imports, and the tests
	$(PYTEST) --ignore tests/faults/test_mutations.py

quick: $(READY)  ## the tests that need no emulator and no cloud, in two minutes
	$(PYTEST) tests/unit tests/infra

versions: $(READY)  ## files that twelve other versions of scikit-learn and XGBoost wrote, deployed as they are
	MODELCOTE_VERSIONS=1 $(BIN)/python -m pytest -q -s tests/versions

N = 200
SEED = 1
faults: $(READY)  ## N runs under a seed's plan of faults, judged; then each safeguard taken out in turn
	$(BIN)/python -m tests.faults --n $(N) --seed $(SEED)
	$(BIN)/python -m pytest -q -s tests/faults/test_mutations.py

check: $(READY)  ## ruff, mypy, import-linter, the committed OpenAPI
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m modelcote.dialects.openapi --check

# What the guides say to install, alone and together. Needs a package index.
EXTRAS = local aws compile policy local,compile aws,compile local,aws,compile,policy
resolve: $(READY)  ## the versions of our extras resolve together (needs a package index)
	@for extras in $(EXTRAS); do \
	  echo "$$extras"; $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --output-file /dev/null \
	    $$(echo "--extra $$extras" | sed 's/,/ --extra /g') pyproject.toml || exit 1; done

search: $(READY)  ## every estimator, option and scale: compiled against original; goes on where it was stopped
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 nice $(BIN)/python -m tests.search

bench: $(READY)  ## measure; writes bench/out/results.json
	$(BIN)/python -m bench

fmt: $(READY)  ## rewrite formatting, imports and the OpenAPI document
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/python -m modelcote.dialects.openapi --write

lock: $(READY)  ## pin what development installs
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --extra dev --no-emit-index-url \
	  --no-emit-find-links --generate-hashes --no-header --output-file requirements-dev.lock pyproject.toml

clean:  ## remove the environment and everything made
	rm -rf $(VENV) build dist bench/out .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
