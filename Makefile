# Every target installs its own requirements. Python 3.10 or later, git and make are enough.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules
# Without compiled files, each process of the tests would compile all of its code again.
unexport PYTHONDONTWRITEBYTECODE

# The first Python that works and is recent enough. 3.11 comes first because all loaders support it.
# To choose another: make test PYTHON=python3.14
ifndef PYTHON
PYTHON := $(shell for each in python3.11 python3.12 python3.10 python3 python3.13 python3.14 python; do \
	if "$$each" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2> /dev/null; \
	then echo "$$each"; break; fi; done)
endif
PYTHON_VERSION := $(shell "$(PYTHON)" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2> /dev/null)

# A marker file in an environment shows that its installation is complete. A change of the lock file or of the
# Python version recreates the environment.
UV := .venv-uv/dependencies-$(PYTHON_VERSION)
DEPENDENCIES := .venv/dependencies-$(PYTHON_VERSION)
PROJECT := .venv/project-$(PYTHON_VERSION)
DEMO := .venv-demo/dependencies-$(PYTHON_VERSION)
SITE := .venv-site/dependencies-$(PYTHON_VERSION)
BENCH := .venv-bench/dependencies-$(PYTHON_VERSION)
AUDIT := .venv-audit/dependencies-$(PYTHON_VERSION)
BUILD := .venv-build/dependencies-$(PYTHON_VERSION)
RUNTIME := .venv-runtime/dependencies-$(PYTHON_VERSION)
# Loaders to test, and the BigQuery emulator. Tests are skipped for loaders that do not support this Python.
LOADERS := target-duckdb target-postgres \
	$(if $(filter-out 3.10,$(PYTHON_VERSION)),target-snowflake) \
	$(if $(filter 3.11,$(PYTHON_VERSION)),target-bigquery bqemulator)
LOADER_ENVIRONMENTS := $(LOADERS:%=.venv-%/dependencies-$(PYTHON_VERSION))
# dbt 1.11 does not support later Pythons.
DBT := $(if $(filter 3.10 3.11 3.12 3.13,$(PYTHON_VERSION)),dbt dbt-cloud)
DBT_ENVIRONMENTS := $(DBT:%=.venv-%/dependencies-$(PYTHON_VERSION))
# The Airflow tests run the Meltano of the demo's environment.
AIRFLOW := $(if $(filter 3.10 3.11 3.12,$(PYTHON_VERSION)),.venv-airflow/home/airflow.db)

# Compares the catalog with the vendor's API description. The script is not part of this repository.
CONTRACT_CHECK ?= ../shared/tools/check_contract.py
# Module fixtures take seconds to set up, so one worker runs all tests of a module.
PYTEST_ARGS ?= -n auto --dist loadscope --no-loadscope-reorder
DEMO_ARGS ?=
DOCS_CHECK_ARGS ?=
SANDBOX_ARGS ?= --matters 30
BENCH_ARGS ?=
MUTANTS_ARGS ?=
LOCK_ARGS ?=

# codespell matches single words by default. This pattern adds the phrases of the word list, and splits
# identifiers at capitals and underscores.
WORD_LIST := codespell/house-words.txt
PHRASES := $(shell sed -n 's/^\([^>]* [^>]*\)->.*/\\b\1\\b/p' $(WORD_LIST) | paste -sd '|' -)
WORD_PATTERN := (?i:$(PHRASES))|[A-Z]+(?![a-z])|[A-Z]?[a-z’'-]+

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s%s\n", $$1, $$2}' Makefile

.PHONY: demo
demo: $(DEMO) ## Load a simulated law firm into DuckDB and report on it
	@.venv-demo/bin/python -m scripts.demo $(DEMO_ARGS)

.PHONY: sandbox
sandbox: $(DEMO) ## Run a simulated law firm on port 8787 until Ctrl-C
	@.venv-demo/bin/python -m smokeball_sandbox $(SANDBOX_ARGS)

.PHONY: bench
bench: $(BENCH) $(RUNTIME) ## Benchmark the tap against alternatives (about 15 minutes)
	@.venv-bench/bin/python -m benchmarks $(BENCH_ARGS)

.PHONY: test
test: lint types fresh contract site all-tests ## Run all checks and all tests

# A target of its own: `make --jobs=2` runs the checks while the tests wait.
.PHONY: all-tests
all-tests: $(PROJECT) $(LOADER_ENVIRONMENTS) $(DBT_ENVIRONMENTS) $(AIRFLOW) $(RUNTIME)
	.venv/bin/python -m pytest $(PYTEST_ARGS)

.PHONY: coverage
coverage: PYTEST_ARGS += --cov
coverage: test ## Run all checks and all tests, and measure the branch coverage (slow)

.PHONY: check
check: lint types fast-tests ## Run lint, types and the fast tests

.PHONY: fast-tests
fast-tests: $(PROJECT)
	.venv/bin/python -m pytest $(PYTEST_ARGS) -m "not slow"

.PHONY: mutants
mutants: $(PROJECT) ## Check that the tests detect deliberate bugs
	.venv/bin/python -m scripts.mutants $(MUTANTS_ARGS)

.PHONY: lint
lint: words ## Check style, format, wording and import rules
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/lint-imports --no-cache

.PHONY: words
words: | git $(PROJECT) ## Check spelling and terms
	@git ls-files -z --cached --others --exclude-standard | xargs -0 .venv/bin/codespell \
		--dictionary - --dictionary $(WORD_LIST) --regex "$(WORD_PATTERN)"

.PHONY: format
format: $(PROJECT) ## Fix style and format automatically
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

.PHONY: types
types: $(PROJECT) ## Check types
	.venv/bin/mypy

.PHONY: docs
docs: $(PROJECT) ## Regenerate the generated parts of the docs and of meltano.yml
	.venv/bin/python -m scripts.generate_docs
	.venv/bin/python -m scripts.operations

.PHONY: site
site: $(SITE) ## Build the documentation site in build/site
	@NO_MKDOCS_2_WARNING=1 .venv-site/bin/python -m mkdocs build --strict
	@echo "The site is in build/site. To read it: python3 -m http.server --directory build/site"

# Not a part of `make test`: it installs the tap and Meltano as a reader would, which takes minutes.
.PHONY: docs-check
docs-check: $(DEMO) ## Run the commands of the pages in a fresh clone and a fresh Meltano project
	@.venv-demo/bin/python -m scripts.check_docs $(DOCS_CHECK_ARGS)

.PHONY: fresh
fresh: $(PROJECT)
	.venv/bin/python -m scripts.generate_docs --check

.PHONY: contract
contract: $(PROJECT)
ifneq ($(wildcard $(CONTRACT_CHECK)),)
	catalog=$$(mktemp) && trap 'rm -f "$$catalog"' EXIT && \
	LOGLEVEL=WARNING .venv/bin/tap-smokeball --discover > "$$catalog" && \
	.venv/bin/python $(CONTRACT_CHECK) "$$catalog" --present
else
	@echo "Contract check skipped: $(CONTRACT_CHECK) does not exist."
endif

.PHONY: drift
drift: $(PROJECT) ## Compare two API descriptions: OLD=old.json NEW=new.json
	@.venv/bin/python -m scripts.compare_api_descriptions "$(OLD)" "$(NEW)"

.PHONY: dist
dist: $(BUILD) ## Build the wheel and the source distribution
	rm -rf dist
	.venv-build/bin/python -m hatchling build

.PHONY: audit
audit: $(AUDIT) ## Check the lock files for known vulnerabilities (needs the network)
	for lock in requirements/*.txt; do \
		.venv-audit/bin/pip-audit --disable-pip --require-hashes --strict --progress-spinner off \
			--requirement "$$lock"; \
	done

.PHONY: sbom
sbom: $(AUDIT) $(RUNTIME) ## Write the software bill of materials (CycloneDX)
	mkdir -p build
	.venv-audit/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible \
		--output-file build/tap-smokeball.cdx.json .venv-runtime

.PHONY: lock
lock: $(UV) ## Regenerate the lock files; LOCK_ARGS=--upgrade takes the latest releases
	$(call compile,dev,pyproject.toml --all-extras --group dev)
	$(call compile,demo,pyproject.toml --extra postgres --extra webhooks --group demo)
	$(call compile,audit,--group audit)
	$(call compile,bench,pyproject.toml --extra webhooks --group bench)
	$(call compile,site,--group site)
	for each in airflow dbt dbt-cloud target-bigquery target-duckdb target-jsonl target-postgres; do \
		$(call compile,$$each,requirements/$$each.in); done
	for each in bqemulator target-snowflake; do $(call compile,$$each,requirements/$$each.in,3.11); done
	$(call compile,runtime,pyproject.toml --extra postgres --extra webhooks)
	$(call compile,build,--group build)
	$(call compile,uv,--group uv)

.PHONY: clean
clean: ## Remove environments, caches and the demo's output
	rm -rf .venv .venv-* .meltano output/demo build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Every environment depends on this check: nothing is built, and nothing is deleted, before it succeeds.
.PHONY: preflight
preflight:
	@if ! "$(PYTHON)" -c '' 2> /dev/null; then \
		echo "No Python 3.10 or later found. Pass one: make PYTHON=/path/to/python3.11" >&2; exit 1; \
	elif ! "$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 10))'; then \
		echo "$(PYTHON) is Python $(PYTHON_VERSION), and 3.10 or later is needed." \
			"Pass one: make PYTHON=/path/to/python3.11" >&2; exit 1; \
	elif ! [ -w . ]; then \
		echo "The folder $$PWD cannot be written. Use a clone in a folder of your own." >&2; exit 1; \
	fi

.PHONY: git
git:
	@if ! command -v git > /dev/null; then \
		echo "git is not installed. Install it, then run make again." >&2; exit 1; \
	fi

# uv creates all environments except its own, which pip creates.
$(UV): requirements/uv.txt | preflight
	@$(uv)

$(DEPENDENCIES): requirements/dev.txt | $(UV)
	@$(call dependencies,.venv)

$(PROJECT): $(DEPENDENCIES) pyproject.toml
	@.venv-uv/bin/uv pip install -q --python .venv/bin/python --no-deps --no-build-isolation --editable .
	@touch $@

.venv-%/dependencies-$(PYTHON_VERSION): requirements/%.txt | $(UV)
	@$(call dependencies,.venv-$*)

# Creating the databases takes seconds, so each test copies these.
.venv-airflow/home/airflow.db: .venv-airflow/dependencies-$(PYTHON_VERSION) $(DEMO)
	@AIRFLOW_HOME="$$PWD/.venv-airflow/home" AIRFLOW__CORE__LOAD_EXAMPLES=False \
		.venv-airflow/bin/airflow db migrate > .venv-airflow/migrate.log 2>&1 \
		|| { cat .venv-airflow/migrate.log >&2; exit 1; }
	@MELTANO_DATABASE_URI="sqlite:///$$PWD/.venv-airflow/home/meltano.db" .venv-demo/bin/meltano --env-file /dev/null state list \
		>> .venv-airflow/migrate.log 2>&1 || { cat .venv-airflow/migrate.log >&2; exit 1; }
	@touch $@

# An environment that works is kept until the new one is complete: scripts hold the path of their environment,
# so that it is moved aside, and back if the new one cannot be built or a build was killed.
define environment
if [ -e $(1)-before ]; then rm -rf $(1); mv $(1)-before $(1); fi; \
if [ -e $(1) ]; then mv $(1) $(1)-before; fi; \
trap 'if [ -e $(1)-before ]; then rm -rf $(1); mv $(1)-before $(1); echo "$(1) is as before." >&2; fi' EXIT; \
$(2) || exit 1; \
touch $@; \
rm -rf $(1)-before
endef

define dependencies
echo "Setting up $(1) with Python $(PYTHON_VERSION) (once, and again when $< changes) ..." >&2; \
$(call environment,$(1),.venv-uv/bin/uv venv -q --python "$(PYTHON)" $(1) \
	&& .venv-uv/bin/uv pip sync -q --require-hashes --python $(1)/bin/python $<)
endef

define uv
$(call environment,.venv-uv,"$(PYTHON)" -m venv .venv-uv \
	&& .venv-uv/bin/python -m pip -qq --disable-pip-version-check --no-input install --no-deps \
		--require-hashes --requirement $<)
endef

# Lock files hold hashes and no index addresses: any mirror may serve the packages, unchanged.
compile = .venv-uv/bin/uv pip compile -qq --universal --generate-hashes \
	--python-version $(or $(3),3.10) \
	--no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' $(LOCK_ARGS) \
	--output-file requirements/$(1).txt $(2)
