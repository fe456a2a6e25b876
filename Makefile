# Everything on a fresh machine with Python >= 3.11:
#
#   make demo       installs the simulator and runs it on real input; ends with where the report is
#   make test       installs the developer tools as well; lint, types, architecture, tests
#   make validate   the slow half: benchmarks against thresholds, golden conformance, slow tests
#
# PYTHON=/path/to/python chooses the interpreter that .venv is made with.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo test validate format clean

BIN := .venv/bin
OUT ?= out
JOBS ?= 2
RUNS := $(wildcard ../shared/traces/runs)
GOLDEN := $(firstword $(wildcard tests/golden ../shared/oracle/golden))

# --no-compile: Python compiles what it imports; compiling all of scipy and plotly costs a demo 20 s.
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input -qq install --no-compile

help:
	@sed -n 's/^#   make/  make/p' $(firstword $(MAKEFILE_LIST))

demo: .venv/.installed
	@$(BIN)/simulator demo --out $(OUT)/demo
	@test -s $(OUT)/demo/report.html

test: .venv/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -m "not slow" -n $(JOBS)

# Benchmarks first, before anything warms the machine; pytest last, so that its summary ends the output.
validate: .venv/.installed-dev
	$(BIN)/python -m benchmarks --check --json $(OUT)/benchmarks.json
ifneq ($(GOLDEN),)
	$(BIN)/simulator conformance $(GOLDEN)
endif
ifneq ($(RUNS),)
	$(BIN)/simulator validate $(RUNS) --check --json $(OUT)/validation.json
else
	@echo "Predictions are not held against measured runs: there is no ../shared/traces/runs"
endif
	$(BIN)/pytest -m slow -n $(JOBS)

format: .venv/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf .venv $(OUT)

# Installed in place: edits count at once, and only a new pyproject.toml asks for a new installation.
.venv/.installed: pyproject.toml | .venv/bin/python
	@echo "Installing the simulator into .venv ..."
	@$(PIP) -e .
	@touch $@

.venv/.installed-dev: pyproject.toml | .venv/bin/python
	@echo "Installing the simulator and its developer tools into .venv ..."
	@$(PIP) -e '.[dev]'
	@touch .venv/.installed $@

.venv/bin/python:
	@for python in $${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do \
	    if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	        echo "Creating .venv with $$("$$python" --version) ..."; \
	        "$$python" -m venv .venv || { rm -rf .venv; exit 1; }; \
	        exit 0; \
	    fi; \
	done; \
	echo "No Python >= 3.11 found; name one with: make PYTHON=/path/to/python" >&2; exit 1
