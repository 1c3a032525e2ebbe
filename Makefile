# Duly. Plain `make` lists the goals.
.DEFAULT_GOAL := help
.PHONY: help setup demo test check docs fuzz bench test-all clean

VENV = .venv
VERSIONS = 3.11 3.12 3.13
CHECKED = scheduler plugins tests docs $(wildcard benchmarks)
WANTED = import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))
PYTHON = $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c '$(WANTED)' >/dev/null 2>&1 && echo $$p && break; done)

help: ## list the goals
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-9s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

setup: $(VENV)/.ready ## make the virtual environment (.venv); PYTHON=… chooses the interpreter

demo: setup ## set up, then watch Duly at work on a made-up shop; ARGS="--for 20s"
	@$(VENV)/bin/duly demo $(ARGS)

test: setup ## set up, then run the tests; ARGS="-k ladder"
	@$(VENV)/bin/python -m pytest --numprocesses=auto $(ARGS)

check: setup ## lint, format, types (mypy --strict) and floors (import-linter)
	@$(VENV)/bin/python -m ruff check $(CHECKED)
	@$(VENV)/bin/python -m ruff format --check $(CHECKED)
	@$(VENV)/bin/python -m mypy
	@$(VENV)/bin/lint-imports

docs: setup ## build the documentation into build/docs; a broken link is an error
	@$(VENV)/bin/python -m mkdocs build --strict --quiet
	@echo "build/docs/index.html"

fuzz: setup ## spoil every kind of file, many thousands of times; DULY_FUZZ=100000 says how many
	@$(VENV)/bin/python -m pytest --hypothesis-profile=fuzz --numprocesses=auto --timeout=0 tests/fuzz $(ARGS)

bench: setup ## measure a check of 1,000,000 orders beside its bare SQL (some minutes)
	@$(VENV)/bin/python -m benchmarks.check $(ARGS)

test-all: ## run the tests on each of Python 3.11, 3.12 and 3.13 that is found, and name the missing
	@missing=; failed=; tested=; \
	for v in $(VERSIONS); do \
		if python$$v -c '$(WANTED)' >/dev/null 2>&1; then \
			echo "Python $$v"; tested=yes; \
			$(MAKE) --no-print-directory test VENV=.venv-$$v PYTHON=python$$v || failed="$$failed $$v"; \
		else missing="$$missing $$v"; fi; \
	done; \
	if [ -n "$$missing" ]; then echo "Not found, so not tested: Python$$missing"; fi; \
	if [ -n "$$failed" ]; then echo "Failed: Python$$failed"; exit 1; fi; \
	test -n "$$tested"

clean: ## remove environments, caches and what was built
	@rm -rf .venv .venv-* build dist .*_cache .hypothesis
	@find $(CHECKED) -name __pycache__ -prune -exec rm -rf {} +

# The stamp makes a second setup instant; an edit of either file installs again. The build backend is installed first
# and pinned like all else, so nothing is built in an environment of its own.
$(VENV)/.ready: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" && $(or $(PYTHON),false) -c '$(WANTED)' 2>/dev/null || { \
		echo "Duly needs Python 3.11 or newer with its venv module; on Debian: apt install python3 python3-venv make"; \
		exit 1; }
	@echo "Setting up $(VENV) with $(PYTHON) (about a minute)"
	@$(VENV)/bin/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt hatchling editables
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt \
		--no-build-isolation -e ".[dev,docs,postgresql,mariadb]"
	@touch $@
