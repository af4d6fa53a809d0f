# Everything here sets up what it needs by itself: Python 3.10 or later, git and make are enough.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

# The first Python that works and is new enough. Up to 3.12 come first: the demo's loader has no package
# for later ones. Choose another with: make test PYTHON=python3.14
ifndef PYTHON
PYTHON := $(shell for each in python3.11 python3.12 python3.10 python3 python3.13 python3.14 python; do \
	if "$$each" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2> /dev/null; \
	then echo "$$each"; break; fi; done)
endif
PYTHON_VERSION := $(shell "$(PYTHON)" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2> /dev/null)

# Stamps inside of an environment tell that it is complete. A change of its lock or of Python makes it anew.
DEPENDENCIES := .venv/dependencies-$(PYTHON_VERSION)
PROJECT := .venv/project-$(PYTHON_VERSION)
DEMO := .venv-demo/dependencies-$(PYTHON_VERSION)
BENCH := .venv-bench/dependencies-$(PYTHON_VERSION)
# A loader to test with. It has no package for Python 3.13 or later: there, those tests are skipped.
LOADER := $(if $(filter 3.10 3.11 3.12,$(PYTHON_VERSION)),.venv-duckdb/dependencies-$(PYTHON_VERSION))
PIP_INSTALL := -m pip -qq --disable-pip-version-check --no-input install --no-compile --no-deps

# The catalog against the vendor's API description: a check that is kept outside of this repository.
CONTRACT_CHECK ?= ../shared/tools/check_contract.py
PYTEST_ARGS ?= -n auto
DEMO_ARGS ?=
BENCH_ARGS ?=
LOCK_ARGS ?=

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s%s\n", $$1, $$2}' Makefile

.PHONY: demo
demo: $(DEMO) ## Load a simulated law firm into DuckDB, and show its unbilled time
	@.venv-demo/bin/python -m scripts.demo $(DEMO_ARGS)

.PHONY: bench
bench: $(BENCH) ## Measure the tap beside what people would use instead; takes ten minutes
	@.venv-bench/bin/python -m benchmarks $(BENCH_ARGS)

.PHONY: test
test: lint types fresh contract $(LOADER) ## Run all checks and tests
	.venv/bin/python -m pytest $(PYTEST_ARGS)

.PHONY: lint
lint: $(PROJECT) ## Check style and format
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .

.PHONY: format
format: $(PROJECT) ## Mend style and format, where a machine can
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

.PHONY: types
types: $(PROJECT) ## Check types
	.venv/bin/mypy

.PHONY: docs
docs: $(PROJECT) ## Write the generated parts of the documentation and of meltano.yml anew
	.venv/bin/python -m scripts.generate

.PHONY: fresh
fresh: $(PROJECT)
	.venv/bin/python -m scripts.generate --check

.PHONY: contract
contract: $(PROJECT)
ifneq ($(wildcard $(CONTRACT_CHECK)),)
	catalog=$$(mktemp) && trap 'rm -f "$$catalog"' EXIT && \
	LOGLEVEL=WARNING .venv/bin/tap-smokeball --discover > "$$catalog" && \
	.venv/bin/python $(CONTRACT_CHECK) "$$catalog" --present
else
	@echo "Contract check skipped: there is no $(CONTRACT_CHECK)."
endif

.PHONY: dist
dist: $(PROJECT) ## Build the wheel and the source distribution
	rm -rf dist
	.venv/bin/python -m hatchling build

.PHONY: lock
lock: $(DEMO) ## Write the locks anew; LOCK_ARGS=--upgrade takes the latest releases
	$(call compile,dev,pyproject.toml --group dev)
	$(call compile,demo,pyproject.toml --group demo)
	$(call compile,bench,pyproject.toml --group bench)
	$(call compile,target-duckdb,requirements/target-duckdb.in)

.PHONY: clean
clean: ## Remove environments, caches and what the demo left behind
	rm -rf .venv .venv-demo .venv-bench .venv-duckdb .meltano output/demo dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(DEPENDENCIES): requirements/dev.txt
	@$(call environment,.venv,dev)
	@touch $@

$(PROJECT): $(DEPENDENCIES) pyproject.toml
	@.venv/bin/python $(PIP_INSTALL) --no-build-isolation --editable .
	@touch $@

$(DEMO): requirements/demo.txt
	@$(call environment,.venv-demo,demo)
	@touch $@

$(BENCH): requirements/bench.txt
	@$(call environment,.venv-bench,bench)
	@touch $@

.venv-duckdb/dependencies-%: requirements/target-duckdb.txt
	@$(call environment,.venv-duckdb,target-duckdb)
	@touch $@

define environment
if [ -z "$(PYTHON_VERSION)" ]; then \
	echo "No Python 3.10 or later found. Name one: make PYTHON=/path/to/python3.11" >&2; exit 1; \
fi; \
echo "Setting up $(1) with Python $(PYTHON_VERSION) (once, and again when requirements/$(2).txt changes) ..."; \
"$(PYTHON)" -m venv --clear $(1); \
$(1)/bin/python $(PIP_INSTALL) --require-hashes --requirement requirements/$(2).txt
endef

# Hashes and no addresses: the packages may come from any mirror, but they must be these.
compile = .venv-demo/bin/uv pip compile -qq --universal --generate-hashes --python-version 3.10 \
	--no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' $(LOCK_ARGS) \
	--output-file requirements/$(1).txt $(2)
