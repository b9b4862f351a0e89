# One way in: `make demo` to try alflow, `make test` to check a change. Both build .venv first, once.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help install demo test check lint lint-scripts bench bench-acquisition calibration constraints clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
BROWSER := $(VENV)/.browser
NGINX := $(VENV)/.nginx
SCRIPTS := ui/components
# Where torch comes from: for Linux without a GPU of NVIDIA, PyTorch's index for CPUs, else (empty) the usual one.
HAS_GPU = $(wildcard /dev/nvidia* /dev/dxg)$(shell command -v nvidia-smi)
TORCH_INDEX ?= $(if $(HAS_GPU)$(filter-out Linux,$(shell uname)),,https://download.pytorch.org/whl/cpu)
NODE_STAMP := node_modules/.installed
# The tests of Prefect's server run one at a time in one process, those of Chromium in another (tests/conftest.py), and
# while these wait, a third has the others.
WORKERS ?= $(shell n=$$(nproc); echo $$((n > 3 ? n : 3)))
FAST := not slow and not browser and not prefect and not postgres
# Tests start hundreds of processes, which need not compile what the last one did.
unexport PYTHONDONTWRITEBYTECODE
# Not every tool looks at it, but those that do stay silent.
export DO_NOT_TRACK := 1
export PREFECT_SERVER_ANALYTICS_ENABLED := false

help:  ## Show this list.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-18s %s\n", $$1, $$2}'

install: $(STAMP)  ## Build .venv with the tested set of packages.

demo: $(STAMP)  ## Label emoji drawings: two projects, offline. Ctrl-C stops it.
	$(BIN)/alflow demo

test: lint $(BROWSER) $(NGINX)  ## Everything: linters, types, import contracts, all tests.
	OMP_NUM_THREADS=1 $(BIN)/pytest -n $(WORKERS) --dist loadgroup --no-loadscope-reorder

check: $(STAMP)  ## The fast tests only.
	OMP_NUM_THREADS=1 $(BIN)/pytest -m "$(FAST)" -n 2

lint: $(STAMP)  ## Linters, types and import contracts.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@$(MAKE) --no-print-directory lint-scripts

lint-scripts:  ## Types, linter and unit tests of the browser's code; needs Node.js, and goes on without it.
	@if ! { command -v node && command -v npm; } >/dev/null; then \
	  echo "lint-scripts: there is no node with npm here: the browser's code is not checked"; exit 0; fi; \
	node --test --test-reporter=dot tests/ui/components/*.test.mjs; \
	cd $(SCRIPTS); \
	if [ package-lock.json -nt $(NODE_STAMP) ]; then \
	  npm ci --silent --ignore-scripts --fetch-retries=1 --fetch-retry-mintimeout=1000 && touch $(NODE_STAMP) || \
	  echo "lint-scripts: npm ci failed, is there a registry? Types and style of the browser's code are not checked"; fi; \
	if ! [ package-lock.json -nt $(NODE_STAMP) ]; then npm run --silent check; fi

bench: $(STAMP)  ## Measure against the written-out forms; writes build/bench.json. Not part of `make test`.
	OMP_WAIT_POLICY=PASSIVE $(BIN)/python -m tests.bench

bench-acquisition: $(STAMP)  ## Compare all strategies on the packs in ALFLOW_PACKS; takes hours, goes on where it was.
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.bench.strategies

calibration: $(STAMP)  ## Print the table of calibration of `alflow guide results`; the packs' rows where ALFLOW_PACKS is set.
	$(BIN)/python -m tests.bench.calibration

constraints: $(STAMP)  ## Write constraints.txt anew from what is installed in .venv.
	$(BIN)/python -m pip list --format=freeze --exclude-editable \
	  --exclude pip --exclude setuptools --exclude wheel | LC_ALL=C sort -f > constraints.txt.new
	mv constraints.txt.new constraints.txt
	touch $(STAMP)

clean:  ## Remove .venv and caches; leaves data (.alflow, .demo) alone.
	rm -rf $(VENV) $(SCRIPTS)/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "error: alflow needs Python 3.11 or newer, $(PYTHON) is $$($(PYTHON) -V 2>&1 || true);" \
	    "install one and say which: make PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { \
	  echo "error: $(PYTHON) cannot make virtual environments; on Debian: apt-get install python3-venv" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@[ -z "$(TORCH_INDEX)" ] || $(BIN)/python -m pip install -qq --no-deps --retries 1 --timeout 15 -c constraints.txt \
	  --index-url $(TORCH_INDEX) torch torchvision 2>/dev/null || \
	  echo "no torch for CPUs from $(TORCH_INDEX): taking the usual one, with gigabytes of CUDA's libraries"
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	touch $@

# The system's nginx, else Debian's, unpacked beside the rest: an installed one would begin to serve.
$(NGINX): $(STAMP)
	@if PATH=$$PATH:/usr/sbin command -v nginx >/dev/null; then :; \
	elif command -v apt-get dpkg-deb >/dev/null; then \
	  { [ "$$(id -u)" != 0 ] || apt-get update -qq; } && cd $(VENV) && apt-get download -qq nginx && \
	  dpkg-deb --extract nginx_*.deb nginx && rm nginx_*.deb || echo "no nginx: the tests behind it are skipped"; fi
	touch $@

# A system Chromium is taken as it is; else Debian's where we may install it, else Playwright's own.
$(BROWSER): $(STAMP)
	@if command -v chromium chromium-browser google-chrome google-chrome-stable >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -qq && apt-get install -y --no-install-recommends chromium; \
	else $(BIN)/playwright install chromium; fi
	touch $@
