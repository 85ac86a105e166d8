# make demo and make test need nothing but python3 (3.11 or newer) and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export UV_PROJECT_ENVIRONMENT := $(VENV)
export PYTHONDONTWRITEBYTECODE :=

.PHONY: setup train demo test test-fast crosscheck check bench pictures format clean

setup: $(BIN)/.synced

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit("Trefoil needs Python 3.11 or newer") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)

$(BIN)/.synced: $(BIN)/python pyproject.toml uv.lock
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv sync --frozen --quiet --compile-bytecode
	@echo "Compiling the indicators once (about 10 s) ..."
	@$(BIN)/python -c "from engine.readings import warm_up; warm_up()"
	@echo "Compiling the backtest engine once (about 20 s) ..."
	@$(BIN)/python -m engine.backtest.compiled
	@touch $@

# Training needs TensorFlow; nothing else does.
train: $(BIN)/.synced-train

$(BIN)/.synced-train: $(BIN)/.synced
	$(BIN)/uv sync --frozen --quiet --compile-bytecode --extra train
	@touch $@

demo: setup
	$(BIN)/trefoil demo

# Three workers for two cores: tests with engines and exchanges of their own wait for them a part of their time.
test: train
	$(BIN)/pytest tests -n 3 --dist loadgroup

test-fast: setup
	$(BIN)/pytest tests -n 2 -m "not slow"

# make chaos SEEDS=A:B runs those seeds; without SEEDS the default thousand.
.PHONY: chaos
chaos: setup
	$(BIN)/python -m tests.chaos $(if $(SEEDS),--seeds $(SEEDS))

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

crosscheck: setup
	tests/crosscheck/setup.sh
	TREFOIL_CROSSCHECK=1 $(BIN)/pytest tests/crosscheck

bench: train
	$(BIN)/python -m tests.bench

pictures: setup
	$(BIN)/python -m tests.pictures docs

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) .venv-crosscheck .mypy_cache .ruff_cache .hypothesis .import_linter_cache
