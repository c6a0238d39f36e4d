.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
LEVEL ?= 2
DEMO ?= $(shell demo=demo; number=1; while [ -e "$$demo" ]; do number=$$((number + 1)); demo="demo-$$number"; done; echo "$$demo")
PYTEST = $(BIN)/pytest --numprocesses 2 --dist loadgroup

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | sed -E 's/^([a-z-]+):.*## /\1|/' | awk -F'|' '{ printf "  make %-12s %s\n", $$1, $$2 }'

setup: .venv/installed ## Install everything that development needs into .venv

NODE_FOLDERS = tests/node_tools tests/workflow_parser
.venv/installed: pyproject.toml $(NODE_FOLDERS:=/package.json)
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "error: Python 3.11 or later is needed; name it with PYTHON=")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --editable '.[data,teach]' --group dev
	if command -v npm >/dev/null; then for folder in $(NODE_FOLDERS); do \
		npm install --prefix "$$folder" --no-package-lock --no-audit --no-fund --loglevel=error || exit; done; fi
	touch $@

demo: setup ## Generate a project into demo/ and run its main job: LEVEL=2 DEMO=folder
	demo='$(DEMO)'; CI= PATH="$(CURDIR)/$(BIN):$$PATH" mlops-ladder new --defaults --no-git --level $(LEVEL) --run "$$demo"
	@command -v uv >/dev/null || printf '\nuv is in .venv only; before the commands above:\n\n    export PATH="%s:$$PATH"\n' "$(CURDIR)/$(BIN)"

test: setup ## Run all tests
	$(PYTEST)

test-quick: setup ## Run the tests that install nothing
	$(PYTEST) -m 'not slow'

lint: setup ## Check style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: setup ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: setup ## Check types
	$(BIN)/mypy

docs: setup ## Build the documentation site into docs/_build/
	$(BIN)/sphinx-build --fail-on-warning --nitpicky --keep-going --builder html docs docs/_build

goldens: setup ## Update the golden files, for review
	$(PYTEST) tests/test_trees.py --update-goldens

picture: setup ## Redraw the terminal sessions in the README and the docs by running them
	PATH="$(CURDIR)/$(BIN):$$PATH" python docs/session.py

bench: setup ## Measure the command line, generating, climbing, training, serving and the loop
	PATH="$(CURDIR)/$(BIN):$$PATH" PYTHONPATH=tests python -m bench.installation
	PATH="$(CURDIR)/$(BIN):$$PATH" PYTHONPATH=tests python -m bench.command_line
	PATH="$(CURDIR)/$(BIN):$$PATH" PYTHONPATH=tests python -m bench.assess
	PATH="$(CURDIR)/$(BIN):$$PATH" PYTHONPATH=tests python -m bench.generation
	PATH="$(CURDIR)/$(BIN):$$PATH" PYTHONPATH=tests python -m bench.pipeline
	PATH="$(CURDIR)/$(BIN):$$PATH" PYTHONPATH=tests python -m bench.scale
	PATH="$(CURDIR)/$(BIN):$$PATH" PYTHONPATH=tests python -m bench.serving
	PATH="$(CURDIR)/$(BIN):$$PATH" PYTHONPATH=tests python -m bench.loop
	PATH="$(CURDIR)/$(BIN):$$PATH" PYTHONPATH=tests python -m bench.teaching

.PHONY: help setup demo test test-quick lint format types docs goldens picture bench
