# Everything sets itself up: `make run` on a machine with Python 3.11 and make
# is enough. The virtual environment is made anew when the lock file changes.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
READY_LOAD := $(VENV)/.ready-load
UV ?= uv
PEERS_VENV := .venv-peers
SOCKETIO := benchmarks/peers/socketio
DEBIAN := benchmarks/build/debian

# Every process that a test starts would compile the gateway again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run test lint format bench load bench-peers chaos migrate-up migrate-down \
	migrate-create migrate-status seed types doctor lock clean

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 18

run: $(READY) ## Serve on http://127.0.0.1:8000 (PORT=9001 for another port)
	@exec $(BIN)/gateway serve $(if $(PORT),--port $(PORT)) $(ARGS)

# The tests mostly wait for each other's processes, so twice as many workers
# as the smallest machine has cores; tests/support/distribution.py spreads them.
# Those marked slow (broken servers, chaos, load) run with SLOW=1, and always in CI.
test: $(READY) ## Run the tests (SLOW=1 for the slow ones too, ARGS="-k presence" for some)
	$(BIN)/pytest -n 4 $(if $(SLOW)$(CI),,-m "not slow") $(ARGS)

lint: $(READY) ## Style, types and the direction of imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: $(READY) ## Put the code into the house's form
	$(BIN)/ruff check --fix-only --exit-zero
	$(BIN)/ruff format

bench: $(READY) ## Measure this machine: CPU a delivery, memory a connection, CPU a handshake
	$(BIN)/python -m benchmarks $(ARGS)

bench-peers: $(PEERS_VENV)/.ready ## Install the servers that `make bench` then measures, too
	@command -v npm >/dev/null && npm --prefix $(SOCKETIO) ci --silent --no-audit --no-fund \
		|| echo "Left out: Socket.IO, which needs Node and npm"
	@command -v apt-get >/dev/null && benchmarks/peers/unpack_debian.sh $(DEBIAN) \
		|| echo "Left out: NATS and Nchan, which need apt's package lists (apt-get update)"

load: $(READY_LOAD) ## Put 10,000 people on a gateway with Locust (SCENARIO=storm ARGS="--users 2000")
	$(BIN)/python -m loadtests $(or $(SCENARIO),office) $(ARGS)

chaos: $(READY) ## Break things at random and prove that nothing was lost (ARGS="--seed 7")
	$(BIN)/python -m tests.chaos $(ARGS)

migrate-up: $(READY) ## Run pending migrations
	@$(BIN)/gateway migrate up $(ARGS)

migrate-down: $(READY) ## Take back the newest migration
	@$(BIN)/gateway migrate down $(ARGS)

migrate-create: $(READY) ## Write an empty migration (NAME=add_reactions)
	@$(BIN)/gateway migrate create $(NAME)

migrate-status: $(READY) ## Show which migrations have run
	@$(BIN)/gateway migrate status $(ARGS)

seed: $(READY) ## Plant sample users, rooms, messages, a game and a clock (ARGS="--size large": a million)
	@$(BIN)/gateway seed $(ARGS)

types: $(READY) ## Generate typed queries and protocol documents from schema and models
	@$(BIN)/gateway types $(ARGS)

doctor: $(READY) ## Check every part
	@$(BIN)/gateway doctor $(ARGS)

lock: ## Pin the dependencies anew (needs uv)
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --custom-compile-command "make lock" \
		--extra embedded --group dev pyproject.toml -o requirements.lock
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --custom-compile-command "make lock" \
		pyproject.toml -o requirements-runtime.lock
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --custom-compile-command "make lock" \
		--constraint requirements.lock --group pyproject.toml:load -o requirements-load.lock
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --custom-compile-command "make lock" \
		--group pyproject.toml:peers -o requirements-peers.lock
	cd $(SOCKETIO) && npm install --package-lock-only --omit-lockfile-registry-resolved \
		--no-audit --no-fund

clean: ## Remove what the tools made; the data folder stays
	rm -rf $(VENV) $(PEERS_VENV) $(SOCKETIO)/node_modules benchmarks/build
	rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache .coverage

# pip finds the same files whatever the registry: the lock names hashes, not hosts. The lock
# is complete, so nothing is to be resolved. pip would compile everything, on one core; what no
# run needs at its start is left to Python's first import.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Parley needs Python 3.11 or later; set PYTHON=/path/to/python3.11"; exit 1; }
	@echo "Setting up $(VENV) (once; takes about half a minute)"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-compile \
		--require-hashes -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation \
		--editable .
	@$(BIN)/python -m compileall -q -j 0 -x '/(mypy|mypyc|pip|pygments|setuptools)/' \
		$(VENV)/lib gateway tests benchmarks
	@touch $(READY)

$(READY_LOAD): $(READY) requirements-load.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-compile \
		--require-hashes -r requirements-load.lock
	@touch $(READY_LOAD)

$(PEERS_VENV)/.ready: requirements-peers.lock
	@$(PYTHON) -m venv --clear $(PEERS_VENV)
	@$(PEERS_VENV)/bin/pip install --quiet --disable-pip-version-check --no-deps \
		--require-hashes -r requirements-peers.lock
	@touch $@
