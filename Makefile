# Every target has a help line: `make help`.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
SUPPORTPLANE := $(BIN)/supportplane

.PHONY: help up down test test-fast test-argocd e2e lint format eval bench lock pin manifests generate clean

help: ## Show this help
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | column -t -s "$$(printf '\t')"

$(VENV)/.installed: requirements.lock pyproject.toml scripts/bootstrap
	@scripts/bootstrap $(VENV)

up: $(VENV)/.installed ## Start the sample agent on this machine (Ctrl-C stops it, data is kept)
	@$(SUPPORTPLANE) up -f environments/local/agent.yaml $(ARGS)

down: $(VENV)/.installed ## Stop an agent that runs in another terminal
	@$(SUPPORTPLANE) down

test: $(VENV)/.installed ## Everything CI checks: format, lint, types, imports, drift, all tests
	@scripts/test

test-fast: $(VENV)/.installed ## Lint and the tests that start no server (under 2 minutes)
	@scripts/test --fast

e2e: $(VENV)/.installed ## Operator and agents on a real one-node cluster, and what breaks there (root on Debian; part of `make test`)
	@scripts/e2e $(ARGS)

test-argocd: $(VENV)/.installed ## The loop of a team with a real Argo CD, built first (`make test` runs it where Argo CD is built already)
	@scripts/tool argocd >/dev/null
	@$(BIN)/python -m pytest -q --durations=5 tests/argocd $(ARGS)

lint: $(VENV)/.installed ## Format check, lint, types, import law, generated files
	@scripts/test --lint

format: $(VENV)/.installed ## Format and fix what ruff can fix
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

eval: $(VENV)/.installed ## Measure retrieval, refusal, calibration and claims over the dev sets (SUPPORTPLANE_SHARED names their folder)
	@scripts/eval

bench: $(VENV)/.installed ## Cost of a full turn beside the bare FastAPI floor, and more; BASE=<commit>: beside that commit
	@BASE=$(BASE) $(BIN)/python -m pytest $(if $(BASE),tests/bench/test_turn_cost_against.py,tests/bench) -s -q

generate: $(VENV)/.installed ## Regenerate the CRDs and everything else that is made from the models
	@$(BIN)/python -m supportplane_crds.generate

lock: $(VENV)/.installed ## Resolve pyproject.toml again into requirements.lock
	@.bootstrap/bin/uv pip compile pyproject.toml --system-certs --universal --all-extras --generate-hashes --no-emit-index-url --no-header \
		--python-version 3.11 --quiet --upgrade --output-file requirements.lock

manifests: $(VENV)/.installed ## Look with Checkov for what is unsafe in the chart, every overlay and rendered agents (asks PyPI)
	@scripts/check-manifests

pin: $(VENV)/.installed ## Pin the charts of clusters/platform by digest and check their images (needs their registries)
	@scripts/pin $(ARGS)

clean: ## Remove the environment and caches (never the agent's data)
	@rm -rf $(VENV) .bootstrap .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
