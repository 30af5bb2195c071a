# Two targets are all that is needed: run and test.
.DEFAULT_GOAL := help
.PHONY: help run test lint lock setup bench bench-setup clean

HEADRACE := .venv/bin/headrace
PYTEST := .venv/bin/python -m pytest

help:           ## what there is to make
	@sed -n 's/^\([a-z-]*\):.*## /  make \1	/p' Makefile

setup:          ## the virtual environment alone
	@requirements/install.sh

run: setup      ## set up, fetch the data, run the whole pipeline, print where its report is
	@$(HEADRACE) run

test:           ## set up what tests need, lint, type-check, run all tests
	@requirements/install.sh test
	@tests/install.sh
	@$(MAKE) --no-print-directory lint
	@$(PYTEST)

lint:
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy

bench-setup:    ## the environments of the peers that benchmarks compare with
	@requirements/install.sh test
	@benchmarks/setup.sh

bench:          ## all benchmarks in full: hours, on an idle machine
	@.venv/bin/python -m benchmarks.cleaning
	@.venv/bin/python -m benchmarks.alignment
	@.venv/bin/python -m benchmarks.training
	@.venv/bin/python -m benchmarks.compression
	@.venv/bin/python -m benchmarks.evaluation

lock:           ## resolve the dependencies anew
	@requirements/lock.sh

clean:          ## remove everything that make made, the runs' state too
	rm -rf .venv .tools .headrace *.egg-info build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
