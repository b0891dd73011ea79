# Everything starts here: `make help` lists it. Each command sets .venv up first, when it has to.

PIPELINE ?= siren_pipeline
ARGS ?=
# Processes that share the tests, a file at a time; each may take 3 GB.
WORKERS ?= 2
BIN := .venv/bin
export TF_CPP_MIN_LOG_LEVEL ?= 3

.DEFAULT_GOAL := help
.PHONY: help setup run test lint format test-trixie image test-containers test-every-pipeline clean

help:  ## list these commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | \
		while IFS="$$(printf '\t')" read -r name text; do printf '  make %-16s %s\n' "$$name" "$$text"; done

setup:  ## create or refresh .venv from uv.lock
	@scripts/bootstrap.sh

run: setup  ## run a paper: make run PIPELINE=siren_pipeline [ARGS="--preset smoke"]
	@$(BIN)/papergarden run $(PIPELINE) $(ARGS)

lint: setup  ## ruff (lint, format) and mypy
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: setup  ## let ruff repair what it can
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format .

test: lint  ## lint, types and all tests: make test [ARGS="-k siren"]
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(ARGS) || { code=$$?; \
		if [ $$code = 5 ]; then echo "pytest found no test: an empty run proves nothing" >&2; fi; \
		exit $$code; }

test-trixie:  ## prove the second stack (TFX 1.21, Python 3.13) in a Debian trixie root
	@scripts/test_trixie.sh

image: setup  ## build kfp/Dockerfile: make image [DEVICE=gpu] [PYTHON_IMAGE=stand-in]
	@scripts/build_image.sh

test-containers: setup  ## a compiled pipeline, each task a container: [IMAGE=papergarden:0.1.0]
	@scripts/test_containers.sh $(ARGS)

test-every-pipeline: setup  ## each pipeline compiled and executed, its lineage that of its local run
	@PAPERGARDEN_EVERY_PIPELINE=1 $(BIN)/python -m pytest tests/e2e/test_every_pipeline_on_a_cluster.py $(ARGS)

clean:  ## remove environments, caches and builds; runs stay
	@scripts/remove_containers.sh
	rm -rf .venv .tools build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
