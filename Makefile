# The recipes that people and CI run. `make` alone lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# nbgrader calls `alembic` by name, so the environment's programs must be on the path.
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help env demo test lint build verify wheel clean

help:  ## List the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

env: $(VENV)/ready  ## Create the environment in .venv from pinned versions

# torch first and alone: a later install that only wants "some torch" would fetch another build of it.
$(VENV)/ready: requirements.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check torch==2.13.0
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

demo: env  ## Grade an example class and say where to look
	autograder demo

test: env  ## Run the whole test suite, file by file on two cores
	python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

lint: env  ## Check style, types and that generated files are fresh
	ruff check .
	ruff format --check .
	mypy
	autograder build --check

build: env  ## Build source/ and release/ from assignments/ and solutions/
	autograder build

verify: env  ## Test the checks against known right and known wrong solutions
	autograder verify

wheel: env  ## Make what students install, in dist/
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir dist .
	@ls dist/*.whl

clean:  ## Remove the environment, the wheel and what the demo left
	rm -rf $(VENV) demo dist
