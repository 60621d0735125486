# Two commands: `make demo` and `make test`. Both make the virtual environment first.
VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin

.PHONY: help install demo test lint bench clean

help:
	@echo "make demo   install, then metabox_plus against random_box on generated street scenes"
	@echo "make test   install, then everything that CI runs"
	@echo "make lint   format, lint, types, import layers"
	@echo "make bench  install, then measure every stage: a table, and runs/benchmarks.json"
	@echo "make clean  remove the virtual environment and runs/"

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[tune,serve,dev]'
	touch $@

install: $(VENV)/.installed

demo: install
	$(BIN)/raymeta demo

lint: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: lint
	$(BIN)/python -m pytest

bench: install
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) runs
