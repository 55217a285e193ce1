# A machine with Python and make needs nothing else: each target first makes the environment that it
# uses, in .venv, from a lock file with hashes. A stamp remembers it, so the next call starts at once.

.DEFAULT_GOAL := help
.PHONY: help demo lab test test-full bench lint docs lock clean
SHELL := /bin/sh
unexport PYTHONHOME PYTHONPATH VIRTUAL_ENV PIP_USER

# The first Python that fits; `make test PYTHON=/path/to/python3.12` names another.
FITS := import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))
PYTHON ?= $(firstword $(foreach name,python3 python3.14 python3.13 python3.12 python3.11,\
            $(shell $(name) -c '$(FITS)' 2>/dev/null && echo $(name))))
BIN := .venv/bin
UV ?= uv
LOCK = $(UV) pip compile pyproject.toml --group build --universal --python-version 3.11 \
       --fork-strategy fewest --annotation-style line \
       --generate-hashes --no-header --no-emit-index-url --quiet
# One thread for each worker: workers that all use all cores wait for one another.
TEST := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest \
        --numprocesses logical --maxprocesses 8 --dist worksteal

help:
	@echo "make demo       simulate, train, compare; writes a report and names it"
	@echo "make lab        the lessons, in JupyterLab"
	@echo "make test       lint, types and tests; what every change must pass"
	@echo "make test-full  the slow tests and those in a browser too, and the documentation"
	@echo "make bench      race every claim of speed against its competitors; takes half an hour"
	@echo "make lint       style and types only;  make docs: the documentation, in site/"
	@echo "make lock       resolve the versions in locks/ again (needs uv);  make clean: start afresh"

demo: .venv/core.stamp
	$(BIN)/baksan demo

lab: .venv/lab.stamp
	$(BIN)/baksan lab

test: lint
	$(TEST) -m "not slow and not browser"

test-full: lint docs
	$(TEST)

lint: .venv/test.stamp
	$(BIN)/python -m ruff check
	$(BIN)/python -m ruff format --check
	$(BIN)/python -m mypy

docs: .venv/docs.stamp
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet
	@echo "The documentation is in site/index.html"

# Apart from .venv: the competitors are large, and nothing else may come to need them.
bench: .venv-bench/bench.stamp
	.venv-bench/bin/python benchmarks

# All locks agree with the lock of the tests, so that one environment can hold them together.
lock:
	@command -v $(UV) >/dev/null || { echo "make lock needs uv: pip install uv"; exit 1; }
	$(LOCK) --extra test --output-file locks/test.txt
	$(LOCK) --extra networks --constraint locks/test.txt --output-file locks/core.txt
	$(LOCK) --extra docs --constraint locks/test.txt --output-file locks/docs.txt
	$(LOCK) --extra lab --constraint locks/test.txt --constraint locks/docs.txt --output-file locks/lab.txt
	$(LOCK) --group bench --constraint locks/test.txt --output-file locks/bench.txt

clean:
	rm -rf .venv .venv-bench build dist site baksan-demo .pytest_cache .mypy_cache .ruff_cache benchmarks/results

define install
	@echo "Installing $< into $(@D); the first time takes a few minutes."
	$(@D)/bin/python -m pip install --require-hashes --requirement $<
	$(@D)/bin/python -m pip install --no-deps --no-build-isolation --editable .
	@touch $@
endef

.venv/%.stamp: locks/%.txt pyproject.toml | $(BIN)/python
	$(install)

.venv-bench/%.stamp: locks/%.txt pyproject.toml | .venv-bench/bin/python
	$(install)

$(BIN)/python .venv-bench/bin/python:
	@'$(PYTHON)' -c '$(FITS)' 2>/dev/null || { echo "baksan needs Python 3.11 to 3.14;" \
	    "$(or $(PYTHON),python3) is $$('$(or $(PYTHON),python3)' --version 2>/dev/null || echo missing):" \
	    "name another with make PYTHON=/path/to/python3.12"; exit 1; }
	@'$(PYTHON)' -m venv $(@:/bin/python=) || { rm -rf $(@:/bin/python=); \
	    echo "'$(PYTHON)' -m venv failed, as it says" \
	    "above: on Debian and Ubuntu, apt install python3-venv."; exit 1; }
