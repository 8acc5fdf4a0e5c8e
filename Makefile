# Everything a person or a machine does with a checkout. `make help` lists it.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
DEMO := run/demo
PIP := $(BIN)/python -m pip --disable-pip-version-check
PYTEST_ARGS ?= -n 2
# The first of these that is Python 3.11 or newer makes the virtual environment.
PYTHONS := python3 python3.13 python3.12 python3.11 python3.14
PYTHON ?= $(shell for p in $(PYTHONS); do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$p"; break; }; \
	done)

.PHONY: help
help: ## list what there is to make
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) \
	| while IFS=$$'\t' read -r name text; do printf '  make %-16s %s\n' "$$name" "$$text"; done

.PHONY: run
run: install $(DEMO)/hub.yaml ## start a demonstration hub with simulated gateways
	$(BIN)/hub --config $(DEMO) run --simulate

$(DEMO)/hub.yaml:
	mkdir -p -m 700 $(DEMO)
	cp -n examples/config/*.yaml $(DEMO)/
	@test -e $(DEMO)/secrets.yaml || (umask 077 && $(BIN)/python -c 'import secrets; \
		print(f"efento_first_gateway: \"{secrets.token_hex(16)}\"")' > $(DEMO)/secrets.yaml)

.PHONY: install
install: $(VENV)/.installed ## make .venv and install everything into it, pinned

$(VENV)/.installed: pyproject.toml constraints.txt
	@if [ -z "$(PYTHON)" ]; then \
		echo "fieldhub needs Python 3.11 or newer; none of these is: $(PYTHONS)" >&2; exit 1; fi
	@if [ ! -x $(BIN)/python ]; then \
		"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
			echo "$(PYTHON) can't make virtual environments: run make system-packages" >&2; exit 1; }; \
		"$(PYTHON)" -m venv $(VENV); fi
	@echo "installing into $(VENV), which takes a minute or two"
	$(PIP) install --quiet --constraint constraints.txt --upgrade pip
	$(PIP) install --quiet --constraint constraints.txt --group dev
	$(PIP) install --quiet --constraint constraints.txt --no-build-isolation --editable '.[fast]'
	@touch $@

.PHONY: system-packages
system-packages: ## install what Debian's Python lacks; nothing else is needed yet
	@if [ -n "$(PYTHON)" ] && "$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null; then \
		echo "nothing is missing"; \
	else \
		apt-get install --yes --no-install-recommends python3 python3-venv; \
	fi

.PHONY: test
test: install ## run all tests with coverage
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest $(PYTEST_ARGS)
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report --skip-covered --skip-empty

.PHONY: format
format: install ## let ruff and cog rewrite what they can
	$(BIN)/ruff format
	$(BIN)/ruff check --fix
	PYTHONPATH=. $(BIN)/cog -r $(COG_FILES)

.PHONY: bench
bench: install ## measure against the anchors that the goals are written in
	$(BIN)/python -m tests.benchmarks

# -- check: fast things first -----------------------------------------------------------------

COG_FILES = $(shell grep -rlF '[[[cog' README.md docs --include='*.md')
CHECKS := check-style check-layers check-types check-words check-packaging check-docs check-wheel

.PHONY: check $(CHECKS)
check: ## everything but the tests that must hold before a change lands
	@for step in $(CHECKS); do echo "== $$step"; $(MAKE) --no-print-directory "$$step" || exit 1; done

check-style: install
	$(BIN)/ruff format --check
	$(BIN)/ruff check

check-layers: install
	$(BIN)/lint-imports --cache-dir .import_linter_cache

check-types: install
	$(BIN)/mypy

check-words: install
	$(BIN)/codespell
	$(BIN)/towncrier build --draft --version next > /dev/null 2>&1

check-packaging: install
	$(BIN)/deptry .
	$(BIN)/validate-pyproject pyproject.toml

check-docs: install
	PYTHONPATH=. $(BIN)/cog --check $(COG_FILES)
	$(BIN)/sphinx-build -W -n --keep-going -q -b html docs docs/_build/html

check-wheel: wheel
	$(BIN)/check-wheel-contents dist/*.whl
	$(BIN)/python tests/house/wheel.py dist/*.whl

.PHONY: docs
docs: install ## build the documentation into docs/_build/html
	PYTHONPATH=. $(BIN)/cog -r $(COG_FILES)
	$(BIN)/sphinx-build -W -n --keep-going -b html docs docs/_build/html

.PHONY: wheel
wheel: install ## build the wheel into dist/
	rm -rf dist
	$(BIN)/python -m build --wheel --no-isolation --outdir dist . > /dev/null
	@ls dist

.PHONY: pins
pins: install ## write constraints.txt from what .venv holds now
	$(PIP) freeze --all --exclude-editable | grep -E '^[A-Za-z0-9_.-]+==' \
	| grep -v -i '^setuptools==' | LC_ALL=C sort -f > constraints.txt
	@touch $(VENV)/.installed

.PHONY: clean
clean: ## remove what was built, not .venv and not run/
	rm -rf build dist docs/_build .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache \
		.hypothesis .import_linter_cache
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
