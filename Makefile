# The ways in, on a machine that has only Python 3.11 or newer, git and make. `make` lists them.
# PYTHON names another interpreter; MAE_HOME another home than ./out.

PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$name" && break; done)

python := .venv/bin/python
ready := .venv/ready
# an environment whose interpreter has gone, or whose folder was moved or copied, has to be made anew
$(shell test -e $(ready) && { test "$$(cat $(ready))" = '$(CURDIR)' && $(python) -c ''; } 2>/dev/null || \
	mv $(ready) .venv/unfinished 2>/dev/null)

.PHONY: help setup mask_ratio test check drill benchmark

help:
	@echo 'make setup       the environment (.venv) and the data; all below begin with it'
	@echo 'make mask_ratio  the mask-ratio ablation at mini scale, and its report'
	@echo 'make test        the checks and the test suite; make check is the same without the set-up'
	@echo 'make drill       the long fault drills'
	@echo 'make benchmark   the speed measurements'

setup: $(ready)
	@$(python) -m mae_core.data fetch fashion_mnist

# An interrupted set-up leaves .venv/unfinished and starts anew at the next call; the wheels stay in pip's cache.
# Byte-compiling everything would double the set-up's time; Python compiles what is imported, when it is.
$(ready): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo 'Python 3.11 or newer is needed: install it, or name one by make setup PYTHON=FILE.' >&2; exit 2; }
	@if [ -e .venv/unfinished ] || ! $(python) -c '' 2>/dev/null; then \
		rm -rf .venv && mkdir .venv && touch .venv/unfinished && "$(PYTHON)" -m venv .venv; fi
	@touch .venv/unfinished
	$(python) -m pip install --disable-pip-version-check --no-compile -c constraints.txt -e '.[test]'
	@rm .venv/unfinished && echo '$(CURDIR)' > $@

mask_ratio: setup
	$(python) -m ablations.run mask_ratio

test: setup
	@scripts/check

check:
	@scripts/check

drill: setup
	$(python) -m pytest -m drill --timeout 3600

benchmark: setup .venv/ready-benchmark
	$(python) -m benchmarks

.venv/ready-benchmark: $(ready)
	$(python) -m pip install --disable-pip-version-check --no-compile -c constraints.txt -e '.[benchmark]'
	@touch $@
