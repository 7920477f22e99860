# `make run` and `make test` each work on a fresh clone with Python >= 3.11 and make.
# The stamp files skip the set-up until pyproject.toml or constraints.txt changes.

.NOTPARALLEL:
.DEFAULT_GOAL := help
.PHONY: help install run test test-all lowering lint bench gpu-programs figures docs docs-test docs-clean thumbs clean

# `make PYTHON=/path/to/python3.12 ...` takes that interpreter and no other.
PYTHON ?=
WORKERS ?= auto

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq install -c constraints.txt
# Each worker takes a run of files, so that a file's programs are compiled once.
PYTEST := $(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal --durations 25
# Tests start jqd over and over: it is compiled to bytecode once, whatever the shell says.
test test-all: export PYTHONDONTWRITEBYTECODE :=
INPUTS := pyproject.toml constraints.txt jqd/_version.py

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' Makefile

install: .venv/.installed ## set up .venv with jqd in it

run: .venv/.installed ## recover q, r (copies), C (Husimi), D, g (statistics), T (light)
	@$(BIN)/jqd recover copying
	@$(BIN)/jqd recover husimi
	@$(BIN)/jqd recover diffusion
	@$(BIN)/jqd recover statistics
	@$(BIN)/jqd recover temperature

# Tests compile twice as fast without XLA's optimisations, which change last bits. Those
# that look at last bits have the compiler that users have; with COMPILER=users all have.
COMPILER ?= fast
# XLA ends at once where it does not know a flag: from jaxlib 0.11 on this one is gone.
# The version is asked for when the tests begin, after it is installed.
EMITTERS = $(shell $(BIN)/python -c "from importlib.metadata import version; \
  print('--xla_cpu_use_fusion_emitters=false' * version('jaxlib').startswith('0.10.'))")
ifeq ($(COMPILER),fast)
FAST = XLA_FLAGS="$$XLA_FLAGS $(EMITTERS) --xla_backend_optimization_level=0"
endif
test: lint ## style, types, imports and the quick tests
	$(FAST) $(PYTEST) -m "not slow and not bits" --ignore tests/site
	$(PYTEST) -m "bits and not slow" --ignore tests/site

test-all: lint ## the same and the slow tests
	$(FAST) $(PYTEST) -m "not bits" --ignore tests/site
	$(PYTEST) -m bits --ignore tests/site

# In an environment of its own: `make lowering JAX=0.12.0` takes that version, and by
# default it is the oldest that pyproject.toml allows.
JAX ?= $(shell sed -n 's/^ *"jax>=\([0-9.]*\)",$$/\1/p' pyproject.toml)
lowering: .venv-jax-$(JAX)/.installed ## every law is lowered for GPUs by the oldest JAX
	.venv-jax-$(JAX)/bin/python -m pytest -q tests/test_lowering.py

lint: .venv/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell
	$(BIN)/basedpyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports --no-logo

bench: .venv/.installed-bench ## time jqd beside other programs
	$(BIN)/python -m benchmarks

# XLA compiles for GPUs that are described to it: JAX's plugin, no driver and no device.
# Tuning of kernels and Triton's matrix products would need one.
gpu-programs: export JAX_PLATFORMS := cpu
gpu-programs: export XLA_FLAGS := --xla_gpu_autotune_level=0 --xla_gpu_enable_triton_gemm=false
gpu-programs: .venv-gpu/.installed ## kernels and bytes of every law for two GPUs, without one
	.venv-gpu/bin/python -m benchmarks gpu_compiled

figures: .venv/.installed ## run every experiment; figures go to results/
	@for file in experiments/*.py; do $(BIN)/jqd run "$$file" || exit 1; done

# What pages and notebooks compile is kept with the rest of the build.
DOCS := docs/_build
docs docs-test: export JQD_CACHE := $(CURDIR)/$(DOCS)/commands
docs docs-test: export JAX_ENABLE_X64 := 1
docs: .venv/.installed-docs ## build the site into docs/_build/html
	$(BIN)/python docs/_ext/notebooks.py
	$(BIN)/sphinx-build -b html -d $(DOCS)/doctrees -W --keep-going -q docs $(DOCS)/html

docs-test: docs $(DOCS)/axe.min.js ## the same, and look at it in Chromium
	$(PYTEST) tests/site

# Not served and not committed; without npm its two tests are skipped, and say so.
$(DOCS)/axe.min.js:
	-cd $(DOCS) && npm pack --silent axe-core@4.14.1 >/dev/null && \
	  tar -xzf axe-core-4.14.1.tgz --strip-components 1 package/axe.min.js && touch axe.min.js

docs-clean: ## remove what `make docs` made
	rm -rf $(DOCS) docs/api docs/cli docs/equations docs/gallery

thumbs: .venv/.installed ## pictures of the gallery, from results/, and of the first page
	$(BIN)/python docs/_ext/thumbs.py
	$(BIN)/python docs/_ext/first_picture.py

clean: ## remove .venv and caches; results/ stays
	rm -rf .venv .venv-* .pytest_cache .ruff_cache .hypothesis .import_linter_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.created:
	@for python in $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11); do \
	  if $$python -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' \
	      >/dev/null 2>&1; then \
	    echo "Creating .venv with $$($$python --version)"; \
	    $$python -m venv --clear .venv && touch $@; exit; \
	  fi; \
	done; \
	echo "jqd needs Python >= 3.11 with venv and ensurepip, but none was found" \
	  "(name one: make PYTHON=/path/to/python3.12)." >&2; exit 1

.venv/.installed: .venv/.created $(INPUTS)
	@echo "Installing jqd into .venv (a minute or two the first time)"
	@$(PIP) -e .
	@touch $@

.venv/.installed-test: .venv/.installed $(INPUTS)
	@echo "Installing what the tests need"
	@$(PIP) -e ".[test]"
	@touch $@

.venv/.installed-docs: .venv/.installed-test $(INPUTS)
	@echo "Installing what the site needs"
	@$(PIP) -e ".[test,docs]"
	@touch $@

.venv/.installed-bench: .venv/.installed $(INPUTS)
	@echo "Installing the programs that jqd is timed against"
	@$(PIP) -e ".[bench]"
	@touch $@

OWN = .venv/bin/python -m venv --clear $(@D) && $(@D)/bin/python -m pip \
  --disable-pip-version-check -qq install -e .
.venv-jax-$(JAX)/.installed: .venv/.created pyproject.toml
	@echo "Installing jqd with jax $(JAX) into $(@D)"
	@$(OWN) jax==$(JAX) jaxlib==$(JAX) pytest
	@touch $@

PINNED = $(shell sed -n 's/^jax==//p' constraints.txt)
.venv-gpu/.installed: .venv/.created $(INPUTS)
	@echo "Installing jqd and JAX's CUDA plugin into .venv-gpu (1.5 GB)"
	@$(OWN) -c constraints.txt jax-cuda12-plugin==$(PINNED) jax-cuda12-pjrt==$(PINNED) \
	  nvidia-cuda-nvcc-cu12
	@touch $@
