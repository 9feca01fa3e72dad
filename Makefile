# Every target makes what it needs first: on a fresh machine with Python 3.11+, venv and make,
# `make demo` and `make test` are all there is to type.

PYTHON ?= python3
HOME_DIR ?= .local
PORT ?=
FILES ?=
TESTS ?= tests
UNIT := tests/unit tests/properties
# Each is a process with a PostgreSQL of its own, and one of them starts the platform.
WORKERS ?= 2

BIN := .venv/bin
ENVIRONMENT := .venv/.installed
BIGQUERY := .venv-bigquery/.installed
FUZZ := .venv-fuzz/.installed
BEAM := .venv-beam/.installed
SECONDS ?= 60
SCHEDULES ?= 500
MINUTES ?= 60
PLATFORM := $(BIN)/python -m infra.local

.DEFAULT_GOAL := help
.PHONY: help up down status demo reset test check golden chaos fuzz audit lint format types checkov release lock .venv .venv-bigquery .venv-beam

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16

up: $(ENVIRONMENT) $(BIGQUERY) ## run the platform in the foreground (PORT=, HOME_DIR=)
	@$(PLATFORM) up --home "$(HOME_DIR)" $(if $(PORT),--port $(PORT))

down: $(ENVIRONMENT) ## stop it
	@$(PLATFORM) down --home "$(HOME_DIR)"

status: $(ENVIRONMENT) ## the table of its parts
	@$(PLATFORM) status --home "$(HOME_DIR)"

demo: $(ENVIRONMENT) $(BIGQUERY) ## send a sample data set through, or yours with FILES=FOLDER
	@$(PLATFORM) demo --home "$(HOME_DIR)" $(if $(FILES),--files "$(FILES)")

reset: $(ENVIRONMENT) ## delete its data
	@$(PLATFORM) reset --home "$(HOME_DIR)"

test: $(ENVIRONMENT) $(BIGQUERY) $(BEAM) ## run the tests (TESTS=tests/unit for some)
	@$(BIN)/python -m pytest -n $(WORKERS) --durations=20 $(TESTS)

check: lint types ## check style and types and run the unit tests, in less than a minute
	@$(BIN)/python -m pytest --quiet $(UNIT)

golden: $(ENVIRONMENT) ## rewrite the golden files: composed SQL as people read it
	@$(BIN)/python -m tests.golden

fuzz: $(FUZZ) ## fuzz what is read from strangers (SECONDS=60)
	@.venv-fuzz/bin/python -m tests.fuzz --seconds $(SECONDS)

chaos: $(ENVIRONMENT) $(BIGQUERY) $(FUZZ) ## play random work and faults, fuzz, try every access (SCHEDULES=500 MINUTES=60)
	@$(BIN)/python -m tests.chaos --schedules $(SCHEDULES) --minutes $(MINUTES) --fuzz-seconds $(SECONDS)

audit: $(ENVIRONMENT) ## look for known weaknesses in the code and in what it needs
	@$(BIN)/python -m tests.security.audit

lint: $(ENVIRONMENT) ## check style
	@$(BIN)/ruff format --check . || { echo "'make format' mends this"; exit 1; }
	@$(BIN)/ruff check . || { echo "'make format' mends what can be mended by itself"; exit 1; }

format: $(ENVIRONMENT) ## mend style
	@$(BIN)/ruff check --fix --exit-zero --quiet .
	@$(BIN)/ruff format .

types: $(ENVIRONMENT) ## check types
	@$(BIN)/mypy

# 291 MB of its own, so it is no part of the tests; its exceptions stand in the files, each with its reason.
checkov: $(ENVIRONMENT) ## check infra/gcp for what is known to go wrong
	@$(BIN)/uv tool run --quiet --from checkov==3.3.30 checkov -d infra/gcp \
		--framework terraform --skip-download --compact --quiet

release: $(ENVIRONMENT) ## stage in build/ all that Terraform deploys
	@$(BIN)/python -m infra.release

LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-strip-extras

# With the extras named, pip in --require-hashes mode takes the pinned version for google-auth[pyopenssl] too.
lock: $(ENVIRONMENT) ## compile the pinned requirements anew
	@$(LOCK) --group functions -o requirements.txt
	@$(LOCK) --group dev -o requirements-dev.txt
	@$(LOCK) --group backfill -o functions/ingest_csv/requirements-backfill.txt
	@$(LOCK) infra/local/bigquery/requirements.in -o infra/local/bigquery/requirements.txt

.venv: $(ENVIRONMENT)
.venv-bigquery: $(BIGQUERY)
.venv-beam: $(BEAM) ## Apache Beam, for files too large for one call

# The stamp comes last, so that an installation cut short is done over.
$(ENVIRONMENT): requirements-dev.txt
	@echo "Installing the project's environment in .venv (once)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -m venv --clear .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-dev.txt
	@touch $@

$(BIGQUERY): infra/local/bigquery/requirements.txt
	@echo "Installing the BigQuery stand-in's environment in .venv-bigquery (once)"
	@$(PYTHON) -m venv --clear .venv-bigquery
	@.venv-bigquery/bin/pip install --quiet --disable-pip-version-check --require-hashes --no-deps \
		-r infra/local/bigquery/requirements.txt
	@touch $@

$(BEAM): functions/ingest_csv/requirements-backfill.txt
	@echo "Installing Apache Beam in .venv-beam (once)"
	@$(PYTHON) -m venv --clear .venv-beam
	@.venv-beam/bin/pip install --quiet --disable-pip-version-check --require-hashes --no-deps \
		-r functions/ingest_csv/requirements-backfill.txt
	@touch $@

# Sees what .venv has, and atheris beside it: its wheels are for some Pythons only.
$(FUZZ): tests/fuzz/requirements.txt $(ENVIRONMENT)
	@echo "Installing the fuzzer's environment in .venv-fuzz (once)"
	@$(BIN)/python -m venv --clear .venv-fuzz
	@.venv-fuzz/bin/pip install --quiet --disable-pip-version-check --require-hashes --no-deps \
		-r tests/fuzz/requirements.txt \
		|| { echo "atheris has wheels for CPython 3.11 to 3.13 on Linux x86_64 alone: make PYTHON=..."; exit 1; }
	@$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
		> $$(.venv-fuzz/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/tablegate.pth
	@touch $@
