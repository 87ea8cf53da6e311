# ResearchMind. `make help` lists what there is; PYTHON chooses the interpreter, HOST and PORT the address.

PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 8000
# Tests wait often, for servers and browsers: one process more than there are cores keeps these busy.
JOBS ?= $(shell echo $$(($$(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN) + 1)))

VENV := .venv
BIN := $(VENV)/bin
# A stamp says that the environment holds what the lock file says; it goes with the environment.
BASE := $(VENV)/.base-installed
DEV := $(VENV)/.dev-installed
MCP := $(VENV)/.mcp-installed
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input --require-hashes
MANAGE := $(BIN)/python manage.py
COLLECTED := staticfiles/.collected
PYTEST := $(BIN)/python -m pytest -n $(JOBS) --dist worksteal

.DEFAULT_GOAL := help
.PHONY: help run mcp setup test soak lint typecheck format lock clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(BASE) $(COLLECTED) ## Install, prepare the database and serve (HOST, PORT)
	@$(MANAGE) migrate --noinput --verbosity 0
	@exec $(MANAGE) serve --host '$(HOST)' --port '$(PORT)'

mcp: $(BASE) $(MCP) ## The MCP SDK too, for agents that start `manage.py mcp`

setup: $(DEV) ## The virtual environment with everything for working on the code

test: $(DEV) ## Everything the tests need, then the whole suite on SQLite and on PostgreSQL
	@$(BIN)/python -m tests.machine
	@rm -f .coverage .coverage.*
	@failed=0; \
	echo "Tests on SQLite"; $(PYTEST) --cov --cov-report= || failed=1; \
	echo "Tests on PostgreSQL"; TEST_DATABASE=postgresql $(PYTEST) || failed=1; \
	$(BIN)/python -m coverage report || failed=1; \
	exit $$failed

soak: $(DEV) ## The long tests: hundreds of kills, thousands of writes, properties with new data
	@$(BIN)/python -m tests.machine
	@failed=0; for database in sqlite postgresql; do \
		TEST_DATABASE=$$database $(BIN)/python -m pytest -m 'soak or hypothesis' || failed=1; \
	done; \
	exit $$failed

lint: $(DEV) ## Ruff and djlint
	@$(BIN)/python -m ruff check .
	@$(BIN)/python -m ruff format --check .
	@$(BIN)/python -m djlint --lint --quiet templates

typecheck: $(DEV) ## Mypy, strict
	@$(BIN)/python -m mypy

format: $(DEV) ## Put in order what a machine can
	@$(BIN)/python -m ruff check --fix-only --quiet .
	@$(BIN)/python -m ruff format .

lock: $(DEV) ## Choose versions anew: requirements/*.in to *.txt
	$(BIN)/uv pip compile --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--quiet requirements/base.in -o requirements/base.txt
	$(BIN)/uv pip compile --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--quiet requirements/mcp.in -c requirements/base.txt -o requirements/mcp.txt
	$(BIN)/uv pip compile --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--quiet requirements/dev.in -c requirements/base.txt -c requirements/mcp.txt -o requirements/dev.txt

clean: ## Remove what can be made again; data/ stays
	rm -rf $(VENV) staticfiles .coverage .coverage.* .mypy_cache .ruff_cache .hypothesis

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "ResearchMind needs Python 3.11 or newer: install it, or name one: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || $(PYTHON) tests/machine.py venv
	$(PYTHON) -m venv $(VENV)

$(BASE): requirements/base.txt | $(BIN)/python
	$(INSTALL) -r requirements/base.txt
	@touch $@

$(MCP): requirements/mcp.txt | $(BASE)
	$(INSTALL) -r requirements/mcp.txt
	@touch $@

$(COLLECTED): $(BASE) $(shell find static -type f)
	@echo "Compressing static files"
	@$(MANAGE) collectstatic --noinput --verbosity 0
	@touch $@

$(DEV): requirements/base.txt requirements/dev.txt | $(BIN)/python
	$(INSTALL) -r requirements/dev.txt
	@touch $(BASE) $@
