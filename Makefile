# `make serve` runs the service, `make test` runs everything that CI runs. Both install what they need.
PYTHON ?= python3
UV := $(or $(shell command -v uv 2>/dev/null),.tools/bin/uv)
VENV := .venv
BIN := $(VENV)/bin

export UV_NO_PROGRESS := 1

.PHONY: help serve install test test-servers screenshots test-long lint format types imports unit coverage bench bench-peers bench-growth lock registry clean
.DEFAULT_GOAL := help

help:
	@echo "make serve       run the service (embedded database unless DATABASE_URL is set)"
	@echo "make install     make .venv with the locked packages and the ostiary command"
	@echo "make test        format, lint, types, import rules, migrations, all tests"
	@echo "make test-servers  install the servers that some tests start themselves (Debian, as root)"
	@echo "make test-long   the property tests and floods, at length"
	@echo "make screenshots take pictures of all pages (needs chromium)"
	@echo "make coverage    all tests, and the lines and branches that they do not reach"
	@echo "make bench       measure the running service (needs wrk)"
	@echo "make bench-peers measure it beside Lucia, Better Auth and fastapi-users (needs wrk and Node)"
	@echo "make bench-growth  measure it with up to 1,000,000 users (needs wrk)"
	@echo "make lock        resolve the locked requirements again"
	@echo "make registry    get the present registry of language tags from IANA"

serve: install
	@exec $(BIN)/ostiary serve

install: $(VENV)/.installed

test: $(VENV)/.installed-dev test-servers
	@$(MAKE) --no-print-directory lint types imports unit

# A test whose program is not installed is skipped.
TEST_PROGRAMS := redis-server pgbouncer chromium

test-servers:
	@for program in $(TEST_PROGRAMS); do \
		PATH="$$PATH:/usr/sbin" command -v $$program >/dev/null || missing="$$missing $$program"; done; \
	test -z "$$missing" || { export DEBIAN_FRONTEND=noninteractive; \
		apt-get update -qq && apt-get install -qq --yes --no-install-recommends $$missing; } >/dev/null 2>&1 \
		|| echo "make: cannot install$$missing: their tests are skipped" >&2

lint:
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

format: $(VENV)/.installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

types:
	$(BIN)/mypy

imports:
	$(BIN)/lint-imports --no-cache

unit:
	$(BIN)/pytest -n 2

# Apart from `make test`, which it makes half as long again.
coverage: $(VENV)/.installed-dev test-servers
	$(BIN)/pytest -n 2 --cov --cov-report=term-missing:skip-covered

screenshots: $(VENV)/.installed-dev test-servers
	rm -rf docs/pages && mkdir docs/pages
	OSTIARY_SCREENSHOTS=docs/pages $(BIN)/pytest -q tests/browser/test_screenshots.py

test-long: $(VENV)/.installed-dev
	OSTIARY_LONG=1 $(BIN)/pytest tests/unit/ability tests/integration/ability tests/security/test_hash_queue_flooding.py \
		tests/security/test_mail_bombing.py tests/security/test_mail_bombing_by_invitations.py \
		tests/security/test_held_connections.py tests/contract/test_openapi.py \
		tests/security/test_flood_by_strangers.py tests/contract/test_operations.py \
		tests/integration/sessions/test_renewal.py tests/contract/test_openapi_tools.py \
		tests/security/test_revoked_session_in_another_worker.py \
		tests/integration/sessions/test_principal_cache_model.py tests/browser/test_accessibility.py

bench: $(VENV)/.installed-dev
	$(BIN)/python -m bench

# The peers are installed apart: nothing of them is needed to run or to test the service.
bench-peers: $(VENV)/.installed-dev .bench/peers-venv/.installed bench/peers/node_modules/.package-lock.json
	$(BIN)/python -m bench.peers

bench-growth: $(VENV)/.installed-dev
	$(BIN)/python -m bench.growth

bench/peers/node_modules/.package-lock.json: bench/peers/package-lock.json
	cd bench/peers && npm ci --no-audit --no-fund --loglevel=error

.bench/peers-venv/.installed: bench/peers/requirements.lock | $(UV)
	$(UV) venv --quiet --allow-existing --python $(PYTHON) .bench/peers-venv
	$(UV) pip sync --quiet --require-hashes --python .bench/peers-venv/bin/python bench/peers/requirements.lock
	@touch $@

lock: $(UV)
	$(UV) pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --no-annotate --no-config \
		--python-version 3.11 --extra embedded --extra valkey pyproject.toml -o requirements.lock
	$(UV) pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --no-annotate --no-config \
		--python-version 3.11 --extra embedded --extra valkey --group dev --constraint requirements.lock pyproject.toml -o requirements-dev.lock

registry:
	curl --fail --silent --show-error --output app/domain/languages/language-subtag-registry.txt \
		https://www.iana.org/assignments/language-subtag-registry/language-subtag-registry

# Only where the machine has no uv. Debian keeps venv and pip in packages of their own: either one is enough.
PIP_INSTALL := install --quiet --disable-pip-version-check --root-user-action=ignore --no-deps --require-hashes
.tools/bin/uv: requirements-uv.lock
	@if $(PYTHON) -m pip --version >/dev/null 2>&1; \
	then $(PYTHON) -m pip $(PIP_INSTALL) --upgrade --target .tools -r requirements-uv.lock; \
	else $(PYTHON) -m venv .tools && .tools/bin/python -m pip $(PIP_INSTALL) -r requirements-uv.lock; \
	fi || { echo "make: cannot get uv: $(PYTHON) needs pip or venv (python3-venv), and PyPI" >&2; exit 1; }
	@touch $@

$(VENV)/bin/python: | $(UV)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "make: Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(UV) venv --quiet --allow-existing --python $(PYTHON) $(VENV)

# Compiled here, because the service may run as an account that may not write into .venv: it starts in a third the time.
SYNC := pip sync --quiet --compile-bytecode --require-hashes --python $(BIN)/python

$(VENV)/.installed: requirements.lock pyproject.toml | $(UV) $(VENV)/bin/python
	$(UV) $(SYNC) requirements.lock
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --editable .
	@rm -f $(VENV)/.installed-dev
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock pyproject.toml | $(UV) $(VENV)/bin/python
	$(UV) $(SYNC) requirements-dev.lock
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@ $(VENV)/.installed

clean:
	rm -rf $(VENV) .tools .bench
