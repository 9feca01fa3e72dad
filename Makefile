# On a fresh machine with Python 3.11 or newer, venv and make, `make demo` and `make test` are all there is
# to type: every target first installs what it needs. Everything that users do is in `./tablegate`.

PYTHON ?= python3
HOME_DIR ?= .local
FILES ?=
TESTS ?= tests
UNIT := tests/unit tests/properties
# Each is a process with a PostgreSQL of its own, and one of them starts the platform. One more than
# cores: with two, the two cores of our machines are idle for a sixth of the time.
WORKERS ?= 3
SECONDS ?= 60
SCHEDULES ?= 500
MINUTES ?= 60
SAMPLE ?= 200
SEED ?= 20261126
PLACES ?=

BIN := .venv/bin

# Each of these files is written once its environment is installed. .venv has two: LOCAL, once it can run the
# platform, and ENVIRONMENT, once it can run the tests, too.
UV := $(BIN)/uv
LOCAL := .venv/.installed-local
ENVIRONMENT := .venv/.installed
BIGQUERY := .venv-bigquery/.installed
BEAM := .venv-beam/.installed
FUZZ := .venv-fuzz/.installed
DOCS := .venv-docs/.installed

.DEFAULT_GOAL := help
.PHONY: help demo docs pictures test check golden mutants chaos fuzz audit lint format types checkov release lock .venv .venv-bigquery .venv-beam

help: ## print this list
	@awk -F ':.*## ' '/^[a-z.-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# --- Run the platform ---

demo: ## send a sample data set through the platform, or yours with FILES=FOLDER
	@PYTHON=$(PYTHON) ./tablegate --home "$(HOME_DIR)" demo $(if $(FILES),--files "$(FILES)")

# --- Check the code ---

test: $(ENVIRONMENT) $(BIGQUERY) $(BEAM) $(DOCS) ## run the tests (TESTS=tests/unit for some)
	@# Where Python may not write bytecode, each of the processes that tests start would compile it.
	@$(BIN)/python -m compileall -q functions infra shared
	@$(BIN)/python -m tests.run -n $(WORKERS) --durations=20 $(TESTS)

check: lint types ## check style and types and run the unit tests, in less than a minute
	@$(BIN)/python -m tests.run --quiet $(UNIT)

golden: $(ENVIRONMENT) ## rewrite the golden files: composed SQL as people read it
	@$(BIN)/python -m tests.golden

lint: $(ENVIRONMENT) ## check style
	@$(BIN)/ruff format --check . || { echo "'make format' corrects this"; exit 1; }
	@$(BIN)/ruff check . || { echo "'make format' corrects some of it"; exit 1; }

format: $(ENVIRONMENT) ## correct style
	@$(BIN)/ruff check --fix --exit-zero --quiet .
	@$(BIN)/ruff format .

types: $(ENVIRONMENT) ## check types, as on Linux and as on macOS
	@$(BIN)/mypy
	@$(BIN)/mypy --platform darwin --cache-dir .mypy_cache/darwin

# A sample by default, because all of them take hours.
mutants: $(ENVIRONMENT) $(BIGQUERY) ## change the code in one place at a time and see whether a test notices (SAMPLE=200, 0 for all; SEED= PLACES=shared/loading)
	@$(BIN)/python -m tests.mutants --processes $(WORKERS) --sample $(SAMPLE) --seed $(SEED) $(PLACES)

fuzz: $(FUZZ) ## fuzz the parsers of what others send (SECONDS=60)
	@.venv-fuzz/bin/python -m tests.fuzz --seconds $(SECONDS)

chaos: $(ENVIRONMENT) $(BIGQUERY) $(FUZZ) ## play random work and faults, fuzz, try every access (SCHEDULES=500 MINUTES=60)
	@$(BIN)/python -m tests.chaos --schedules $(SCHEDULES) --minutes $(MINUTES) --fuzz-seconds $(SECONDS)

audit: $(ENVIRONMENT) ## look for known weaknesses in the code and its dependencies
	@$(BIN)/python -m tests.security.audit

# Installs 291 MB, so the tests leave it out. Its exceptions are in the Terraform files, each with its reason.
checkov: $(ENVIRONMENT) ## check infra/gcp for common mistakes
	@$(UV) tool run --quiet --from checkov==3.3.30 checkov -d infra/gcp \
		--framework terraform --skip-download --compact --quiet

# --- Documentation ---

pictures: $(ENVIRONMENT) $(BIGQUERY) ## make the pictures of README and docs from a running platform
	@$(BIN)/python -m tests.pictures

docs: $(DOCS) $(LOCAL) ## build the documentation as a site, in build/docs
	@$(BIN)/python -m infra.reference build/pages
	@NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --quiet --strict --config-file docs/mkdocs.yml

# --- Deploy and maintain ---

release: $(LOCAL) ## build all that Terraform deploys, in build/
	@$(BIN)/python -m infra.release

# --no-strip-extras: pip takes the pinned version of google-auth[pyopenssl] only if the lock names the extra.
LOCK := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-strip-extras

lock: $(UV) ## pin the dependencies of pyproject.toml again, in every lock file
	@$(LOCK) --group functions -o requirements.txt
	@$(LOCK) --group dev -o requirements-dev.txt
	@$(LOCK) --group local --constraint requirements-dev.txt -o infra/local/requirements.txt
	@$(LOCK) --group install --constraint requirements-dev.txt -o infra/local/requirements-uv.txt
	@$(LOCK) --group bigquery -o infra/local/bigquery/requirements.txt
	@$(LOCK) --group backfill -o functions/ingest_csv/requirements-backfill.txt
	@$(LOCK) --group fuzz -o tests/fuzz/requirements.txt
	@$(LOCK) --group docs -o docs/requirements.txt

# --- Install ---

.venv: $(ENVIRONMENT) ## install what the tests need
.venv-bigquery: $(BIGQUERY) ## install the BigQuery stand-in
.venv-beam: $(BEAM) ## install Apache Beam, for files too large for one call

INSTALL := $(PYTHON) -m infra.install

# A recipe touches its file last, so that the next make repeats an installation that was interrupted.
$(UV): infra/local/requirements-uv.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11"; exit 1; }
	@$(INSTALL) uv
	@touch $@

$(LOCAL): infra/local/requirements.txt $(UV)
	@$(INSTALL) .venv $<
	@touch $@

$(ENVIRONMENT): requirements-dev.txt $(UV)
	@$(INSTALL) --exact .venv $<
	@touch $(LOCAL) $@

$(BIGQUERY): infra/local/bigquery/requirements.txt $(UV)
	@$(INSTALL) --exact .venv-bigquery $<
	@touch $@

$(BEAM): functions/ingest_csv/requirements-backfill.txt $(UV)
	@$(INSTALL) --exact .venv-beam $<
	@touch $@

$(DOCS): docs/requirements.txt $(UV)
	@$(INSTALL) --exact .venv-docs $<
	@touch $@

# Also uses the packages of .venv. Apart from them, because atheris has wheels for some Pythons only.
$(FUZZ): tests/fuzz/requirements.txt $(ENVIRONMENT)
	@$(INSTALL) --exact .venv-fuzz $< \
		|| { echo "atheris has wheels for CPython 3.11 to 3.13 on Linux x86_64 alone: make PYTHON=..."; exit 1; }
	@$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
		> $$(.venv-fuzz/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/tablegate.pth
	@touch $@
