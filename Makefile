# make demo and make test need only Python 3.11 or newer, make and git; the rest is set up in .venv from the hashed locks:
# for the demo what running needs, for all else what the tests and checks need too.

PYTHON ?= python3
# More than two cores: tests of consoles wait for half of their time.
WORKERS ?= 4
ARGS ?=

BIN := .venv/bin
# Where it forbids bytecode, each worker and each process a test starts would compile everything anew.
export PYTHONDONTWRITEBYTECODE =

UV := $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --quiet $(ARGS)

.DEFAULT_GOAL := help
.PHONY: help demo test check format bench proofs scenes soak lock clean .venv running
# A Python named for this call, not the one that is tried when none is named: a .venv made with another is made anew.
NAMED := $(filter command environment,$(firstword $(origin PYTHON)))
MAKE_VENV = @GOALS="$(or $(MAKECMDGOALS),.venv)" .ci/make-venv

help: ## Show this list.
	@awk -F ':.*## ' '/^[.a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: running ## Open the console on a simulated market. Options: make demo ARGS="--speed 60".
	@$(BIN)/senex demo $(ARGS)

test: .venv ## Run the tests, in random order. One area: make test ARGS=tests/core/orders.
	@.ci/need-tmux
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(ARGS)

check: .venv ## Formatting, lint, types, import layers, no float in money, one format of amounts and times.
	@$(BIN)/ruff format --check --quiet . || { echo "Not formatted; run: make format"; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python .ci/tables.py --check
	@$(BIN)/python .ci/no_float_in_money.py
	@$(BIN)/python .ci/formats.py
	@$(BIN)/python .ci/references.py

format: .venv ## Format the code, mend what lint can mend, write the tables of the docs.
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format --quiet .
	@$(BIN)/python .ci/tables.py

bench: .venv ## Measure against the bare SDK and a minimal Textual app.
	@$(BIN)/python -m bench $(ARGS)

proofs: .venv ## The proofs and property tests, each going much further than in make test.
	@SENEX_PROOFS=1 HYPOTHESIS_PROFILE=proofs $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --timeout 3600 \
		-m "hypothesis or proof" $(ARGS)

scenes: .venv ## Record the console's scenes anew; then its stored screens and the pictures of the docs.
	@PYTHONPATH=. $(BIN)/python .ci/scenes.py $(ARGS)

soak: .venv ## Simulated days with random faults: make soak DAYS=10000 SEED=0; SESSIONS=60: worlds of so many days.
	@$(BIN)/python -m tests.proofs.days $(or $(DAYS),1000) --seed $(or $(SEED),0) --sessions $(or $(SESSIONS),0) $(ARGS)

lock: .venv ## Write both lock files from pyproject.toml. Newer versions: make lock ARGS=--upgrade.
	@$(UV) pyproject.toml --group build -o requirements.lock
	@$(UV) pyproject.toml --group dev -c requirements.lock -o requirements-dev.lock

clean: ## Remove .venv and every cache.
	@rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv: ## Set up the virtual environment for tests and checks; done by the others when needed.
	$(MAKE_VENV) dev "$(PYTHON)" $(NAMED)

running:
	$(MAKE_VENV) running "$(PYTHON)" $(NAMED)
