# Two words are enough: `make run` and `make test`. Both install what they need, and only when it changed.

VENV ?= .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null)
# Overrides the search below: make run PYTHON=/opt/python3.13/bin/python3
PYTHON ?=

.DEFAULT_GOAL := help
.PHONY: help install run web check test bench bench-web lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(VENV)/.installed ## .venv with what the server needs (pinned, hashes checked)

run: install web ## serve http://localhost:8000
	exec $(BIN)/duihua serve

web: $(VENV)/.installed ## build the web client, where it changed
	@$(BIN)/python web/build.py

check: $(VENV)/.installed-dev ## style, types, layers: everything that needs no run
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

test: $(VENV)/.installed-dev web ## every test; make test ARGS="-k tree" for some
	tests/with_services $(BIN)/pytest -n auto --dist worksteal $(ARGS)

bench: $(VENV)/.installed-dev ## the measurements behind the figures in README.md
	$(BIN)/python -m benchmarks $(ARGS)

bench-web: $(VENV)/.installed-dev web ## the web client in Chromium, beside a naive page
	$(BIN)/python -m benchmarks.web $(ARGS)

lock: $(BIN)/python ## render requirements*.lock from pyproject.toml; ARGS=--upgrade for the newest
	test -n "$(UV)" || test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet uv
	$(RENDER) pyproject.toml --output-file requirements.lock
	$(RENDER) pyproject.toml --group dev --constraint requirements.lock --output-file requirements-dev.lock

clean: ## remove .venv and every cache; data stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist \
		web/node_modules src/duihua/http/dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# One resolution for every platform and Python >= 3.11. No index is named: each place has its own.
RENDER = $(or $(UV),$(BIN)/uv) pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --no-annotate $(ARGS)

# With uv, bytecode is compiled on request; pip does it by itself. Start-up takes half the time with it.
ifdef UV
PIP_INSTALL = $(UV) pip install --quiet --python $(BIN)/python --compile-bytecode
else
PIP_INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check
endif

$(VENV)/.installed: requirements.lock pyproject.toml | $(BIN)/python
	$(PIP_INSTALL) --require-hashes --requirement requirements.lock
	DUIHUA_WEB=skip $(PIP_INSTALL) --no-deps --editable .
	$(BIN)/python -m compileall -q src
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock $(VENV)/.installed
	$(PIP_INSTALL) --require-hashes --requirement requirements-dev.lock
	@touch $@

$(BIN)/python:
ifdef UV
	$(UV) venv --quiet --seed --python "$(or $(PYTHON),>=3.11)" $(VENV)
else
	@python=; \
	for candidate in $(or $(PYTHON),python3.13 python3.12 python3.11 python3); do \
		"$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
		python=$$candidate; \
		"$$candidate" -c 'import ensurepip' 2>/dev/null && break; \
		unready=$$candidate; python=; \
	done; \
	if [ -n "$$python" ]; then echo "$$python -m venv $(VENV)"; exec "$$python" -m venv $(VENV); fi; \
	if [ -n "$$unready" ]; then \
		echo "$$unready cannot make virtual environments. On Debian or Ubuntu: apt-get install python3-venv"; \
	else \
		echo "Python 3.11 or newer is needed, as python3 or PYTHON=/path/to/python3. On Debian: apt-get install python3-venv"; \
	fi >&2; exit 1
endif
