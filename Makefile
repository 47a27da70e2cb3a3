# Firstline: `make run` installs what is missing and starts everything; `make help` lists the rest.
SHELL := /bin/sh
.DEFAULT_GOAL := help
ROOT := $(dir $(abspath $(lastword $(MAKEFILE_LIST))))
# The first Python that works when it is called; a name on PATH may be a shim that does not.
PYTHON := $(shell cd "$(ROOT)"; for p in .venv/bin/python python3 python3.13 python3.12 python3.11 python3.10 \
	/usr/bin/python3 /usr/local/bin/python3 "$$HOME"/.pyenv/versions/3.*/bin/python python; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 8))' >/dev/null 2>&1 && { echo "$$p"; break; }; done)
INSTALL = $(if $(PYTHON),"$(PYTHON)" -m app.ops.install,@echo \
	"firstline: no working Python was found: install Python 3.10 and 3.11 and run the same again." >&2; exit 1;)

.PHONY: help run install test check bench reliability lock clean format

help: ## this list
	@grep -hE '^[a-z]+:.*##' "$(ROOT)Makefile" | sed 's/:.*## /\t/' | expand -t 12

run: ## install what is missing, train what has changed, start everything
	@cd "$(ROOT)" && exec $(INSTALL) --dev --then serve

install: ## install and prepare, without starting
	@cd "$(ROOT)" && $(INSTALL)

test: ## all tests, with real PostgreSQL, Valkey, Rasa and browser; ARGS="-k name" chooses
	@cd "$(ROOT)" && $(INSTALL) --dev --then test -- $(ARGS)

check: ## ruff, import rules, mypy --strict; of the front end: API types, tsc, ESLint, Prettier
	@cd "$(ROOT)" && $(INSTALL) --dev --only app --then check

format: ## format and sort imports
	@cd "$(ROOT)" && $(INSTALL) --dev --only app --then format

bench: ## turns through the public API beside Rasa alone, against what runs now
	@cd "$(ROOT)" && $(INSTALL) --dev && .venv/bin/python tests/benchmarks/turns.py $(ARGS)

reliability: ## floods, kills and hostile input against the product; prints a table of figures
	@cd "$(ROOT)" && $(INSTALL) --dev --then test -- tests/reliability $(ARGS)

lock: ## resolve the exact versions anew from pyproject.toml
	@cd "$(ROOT)" && $(INSTALL) --only app && .venv/bin/python -m app.ops.lock_requirements

clean: ## remove environments and builds; data in .firstline stays
	@cd "$(ROOT)" && rm -rf .venv .venv-rasa .venv-encoder web/node_modules web/dist \
		.mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
