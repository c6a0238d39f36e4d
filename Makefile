.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
LEVEL ?= 2
DEMO ?= demo
PYTEST = $(BIN)/pytest --numprocesses 2 --dist loadgroup

help: ## Show what can be done
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | sed -E 's/^([a-z-]+):.*## /\1|/' | awk -F'|' '{ printf "  make %-12s %s\n", $$1, $$2 }'

setup: .venv/installed ## Install everything that development needs into .venv

.venv/installed: pyproject.toml tests/workflow_parser/package.json
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "error: Python 3.11 or later is needed; name it with PYTHON=")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --editable . --group dev
	if command -v npm >/dev/null; then npm install --prefix tests/workflow_parser --no-package-lock --no-audit --no-fund --loglevel=error; fi
	touch $@

demo: setup ## Generate a project into demo/ and run its main job: LEVEL=2
	CI= PATH="$(CURDIR)/$(BIN):$$PATH" mlops-ladder new --defaults --no-git --level $(LEVEL) --run '$(DEMO)'

test: setup ## Run all tests
	$(PYTEST)

test-quick: setup ## Run the tests that install nothing
	$(PYTEST) -m 'not slow'

lint: setup ## Check style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: setup ## Put the code into shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: setup ## Check types
	$(BIN)/mypy

goldens: setup ## Write the goldens anew, for a reviewer to look at
	$(PYTEST) tests/test_trees.py --update-goldens

picture: setup ## Draw the README's session anew, by going through it
	PATH="$(CURDIR)/$(BIN):$$PATH" python docs/session.py

bench: setup ## Measure the command line, generating, climbing, training, serving and the loop
	PATH="$(CURDIR)/$(BIN):$$PATH" PYTHONPATH=tests python -m bench.command_line
	PATH="$(CURDIR)/$(BIN):$$PATH" PYTHONPATH=tests python -m bench.generation
	PATH="$(CURDIR)/$(BIN):$$PATH" PYTHONPATH=tests python -m bench.pipeline
	PATH="$(CURDIR)/$(BIN):$$PATH" PYTHONPATH=tests python -m bench.serving
	PATH="$(CURDIR)/$(BIN):$$PATH" PYTHONPATH=tests python -m bench.loop

.PHONY: help setup demo test test-quick lint format types goldens picture bench
