# Each target works alone and first, on a fresh machine with bash, make and Python 3.11 or later.
#
#   make setup       the environment in .venv, from the pins of requirements.lock
#   make demo        a whole campaign on the simulated bench, ending in demo/report.html
#   make test        every test that needs nothing from outside
#   make check       format, lint, types, import contracts, doctests, tests about the code
#   make all         test, check, and the tests that kill processes
#   make crash       SIGKILLs of engine, station and watchdog, 150 in each recovery class; 20 minutes
#   make crash-full  1,000 in each class; goes on where it was broken off
#   make soak        10,000 jobs with faults on the wire; memory and open files are watched
#   make seeds       10,000 simulated campaigns with faults and crashes, about ten minutes
#   make fuzz        10,000 damaged logs, about a minute
#   make benchmark   the default planner against named peers; hours, goes on where it was broken off
#   make lock        requirements.lock anew, from what pyproject.toml allows today
#   make clean       remove what the other targets made, .venv included

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
WORKERS ?= $(shell n=$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2); echo $$(( n < 2 ? 2 : n > 4 ? 4 : n )))
PACKAGES := campaigns drivers simulators orchestrator
DEMO := campaigns/library/oer

export OMP_NUM_THREADS ?= 1

.PHONY: help setup demo test check all crash crash-full soak seeds fuzz benchmark lock clean

help:
	@sed -n 's/^#   \(make \)/\1/p' Makefile

setup: $(READY)

$(READY): pyproject.toml requirements.lock
	@.ci/set-up $(VENV)

demo: $(READY)
	@mkdir -p demo && rm -f demo/athanor.db demo/athanor.db-wal demo/athanor.db-shm
	@$(BIN)/athanor run $(DEMO)/oer_plate.toml --rig $(DEMO)/oer_rig.toml --dry-run --seed 0 \
		--new --database demo/athanor.db --report demo/report.html
	@$(BIN)/athanor status --database demo/athanor.db
	@echo "Report: demo/report.html"

test: $(READY)
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -q

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -n $(WORKERS) -q $(PACKAGES) tests/architecture

all: test check
	@$(BIN)/python -m pytest -q -m crash

crash: $(READY)
	@$(BIN)/python -m tests.crashes.kill --kills 150 --out crash-test --fresh

crash-full: $(READY)
	@$(BIN)/python -m tests.crashes.kill --kills 1000 --out crash-full-test

soak: $(READY)
	@$(BIN)/python -m tests.crashes.soak --jobs 10000 --out soak-test

seeds: $(READY)
	@$(BIN)/python -m tests.support.simulated_campaigns --n 10000 --workers $(WORKERS)

fuzz: $(READY)
	@$(BIN)/python -m tests.support.log_torture --n 10000 --workers $(WORKERS)

benchmark: $(READY)
	@$(BIN)/python -m tests.benchmarks.peers.run --workers 2
	@$(BIN)/python -m tests.benchmarks.ask_ratio
	@$(BIN)/python -m tests.benchmarks.peers.page

lock:
	@.ci/lock requirements.lock

clean:
	rm -rf $(VENV) build dist demo crash-test crash-full-test soak-test *.egg-info .mypy_cache .ruff_cache .pytest_cache \
		.hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
