# `make` lists what there is. Everything a target needs is installed by it, where that is possible.
UV := scripts/uv.sh
RUN := $(UV) run --frozen
# Arguments for pytest or the benchmarks: make test ARGS="-k runtime_api -x"
ARGS ?=
BENCHMARKS ?= cold_start vpc_cold_start throughput

.DEFAULT_GOAL := help
.PHONY: help up down test test-fast check format bench docs base-images doctor clean

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "  make %-12s %s\n", $$1, $$2 }'

up: ## start Paddock here and invoke a first function (installs an engine on Debian, as root)
	@scripts/up.sh

down: ## end Paddock: no container, network or process stays; data does
	@scripts/down.sh

test: ## all tests, on a real Docker engine
	@scripts/test.sh $(ARGS)

test-fast: ## the quick tests that need neither an engine nor a browser
	@$(RUN) pytest --numprocesses auto --dist worksteal -m "not docker and not browser and not slow" $(ARGS)

check: ## lint, formatting, types, import contract, shell scripts
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) mypy
	$(RUN) lint-imports
	@scripts/check-shell.sh

format: ## format the code and fix what can be fixed
	$(RUN) ruff format .
	$(RUN) ruff check --fix .

bench: base-images ## measure what is promised: make bench BENCHMARKS=throughput
	@scripts/images.sh control-plane
	@scripts/images.sh examples
	@set -e; for name in $(BENCHMARKS); do $(RUN) python -m benchmarks.$$name $(ARGS); done

docs: ## write the generated documents again
	$(RUN) python -m scripts.state_machines
	$(RUN) python -m scripts.settings_page
	$(RUN) python -m scripts.compatibility_page

base-images: ## build the base images that are missing or out of date
	@scripts/engine.sh ensure
	@scripts/base-images.sh

doctor: ## say what is wrong with this machine and what helps
	@$(RUN) paddock doctor

clean: ## remove environments, caches and logs (not images, not data)
	rm -rf .venv .tools .logs .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis dist build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
