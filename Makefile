# `make help` shows what there is. Everything runs in .venv, which is made on first use.

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
# Tests wait for processes and deadlines more than they compute.
WORKERS ?= 4

.DEFAULT_GOAL := help
.PHONY: help up reset test test-slow test-browser fuzz lint format lock sql bench migration clean

help:  ## Show this
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(INSTALLED): requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and f"Python 3.11 or newer is needed; {sys.executable} is {sys.version.split()[0]}. Name another: make PYTHON=python3.13")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || { echo "The venv module is missing (Debian: apt install python3-venv)."; exit 1; }
	@echo "Installing what is needed (once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

up: $(INSTALLED)  ## Run everything on this machine: one address, no account anywhere (REAL=openai,telegram,stripe uses keys of .env)
	@$(BIN)/python -m tools.emulator $(if $(PORT),--port $(PORT)) $(if $(DATABASE_PORT),--database-port $(DATABASE_PORT)) $(if $(REAL),--real $(REAL))

reset: $(INSTALLED)  ## The same, with an empty database and new people
	@$(BIN)/python -m tools.emulator --reset $(if $(PORT),--port $(PORT)) $(if $(DATABASE_PORT),--database-port $(DATABASE_PORT))

test: $(INSTALLED)  ## Run the tests: a real Postgres, the emulator, no network
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m 'not browser and not slow'

test-slow: $(INSTALLED)  ## Run what `make test` leaves out: killed processes, property tests with many examples
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m slow

test-browser: $(INSTALLED)  ## Run the emulator's page in Chromium (Debian: apt install chromium)
	@$(BIN)/python -m pytest -m browser tests/browser

fuzz: $(INSTALLED)  ## Send 30,000 mutated bodies to each function (COUNT=, SEED=; a quarter of an hour)
	@$(BIN)/python -m tests.fuzz $(if $(COUNT),--count $(COUNT)) $(if $(SEED),--seed $(SEED))

lint: $(INSTALLED)  ## Check style and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: $(INSTALLED)  ## Put the code into shape
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .

# --universal: one file for every system and Python; versions stay as they are unless UPGRADE=1.
LOCK = $(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --custom-compile-command "make lock" $(if $(UPGRADE),--upgrade)

lock: $(INSTALLED)  ## Write requirements.txt and requirements-dev.txt from their .in files (UPGRADE=1: newest versions)
	@$(LOCK) requirements.in -o requirements.txt
	@$(LOCK) -c requirements.txt requirements-dev.in -o requirements-dev.txt

sql: $(INSTALLED)  ## Check the SQL with the Supabase CLI, pgTAP and squawk (needs Postgres 15 of Debian and npm)
	@$(BIN)/python -m tools.database lint

migration: $(INSTALLED)  ## Write the next migration from supabase/schemas: make migration name=add_promocodes
	@$(BIN)/python -m tools.database migration $(name)

bench: $(INSTALLED)  ## Measure cost and speed beside a bare function (a few minutes)
	@$(BIN)/python -m tools.bench

clean:  ## Remove what was installed and measured; the emulator's data stay
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
