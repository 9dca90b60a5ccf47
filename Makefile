# The project's commands. `make` alone lists them.
# Everything they make is in .venv, .build, .cache and dist; `make clean` removes all of it.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

VENV := .venv/bin
BOOTSTRAPPED := .venv/.bootstrapped
REQUIREMENTS := build/requirements
FUZZ_SECONDS ?= 600
FUZZ_JOBS ?= 2
FUZZ_EXAMPLES ?= 300
CLIENT := $(VENV)/python build/claude_client.py
CLIENTS := newest 2.1.200 2.1.100 2.1.40
COMPILE := ../../.build/lock/bin/uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-header $(UPGRADE)

.PHONY: help demo test fuzz test-platforms test-clients test-tools test-fast bench bench-freeze pictures check freeze release docs lock claude bootstrap clean FORCE

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

demo: dist/cco ## show the whole thing, offline and without an account
	@if [ -z "$${CCO_CLAUDE:-}" ] && ! command -v claude >/dev/null; then \
		CCO_CLAUDE=$$($(CLIENT) fetch) && export CCO_CLAUDE || exit 1; \
	fi; exec dist/cco demo

test: check dist/cco claude test-tools ## everything: static checks, then all tests with the frozen program and the real client
	CCO_TEST_BINARY="$(CURDIR)/dist/cco" CCO_TEST_CLAUDE="$$($(CLIENT) path)" $(VENV)/python -m pytest $(PYTEST)

test-platforms: bootstrap claude ## the programs for other systems, tested in systems made for that (Debian, root; slow at first)
	for suite in bullseye bookworm trixie; do $(VENV)/python build/platforms/rootfs.py $$suite || exit 1; done
	for suite in bullseye trixie; do $(VENV)/python build/platforms/rootfs.py $$suite --arch arm64 || exit 1; done
	for machine in x86_64 aarch64; do $(VENV)/python build/platforms/linux.py --arch $$machine --if-changed || exit 1; done
	$(VENV)/python build/windows/freeze.py --if-changed
	CCO_TEST_PLATFORMS=dist/platforms CCO_TEST_BINARY="$(CURDIR)/dist/platforms/cco-linux-x86_64" \
		CCO_TEST_CLAUDE="$$($(CLIENT) path)" $(VENV)/python -m pytest tests/platforms tests/frozen $(PYTEST)

fuzz: bootstrap .build/atheris/.installed ## fuzz every parser, FUZZ_SECONDS (600) each and FUZZ_JOBS (2) at a time, then properties and the API
	$(VENV)/python -m tests.fuzz.campaign --seconds $(FUZZ_SECONDS) --jobs $(FUZZ_JOBS) $(FUZZ)
	CCO_FUZZ_EXAMPLES=$(FUZZ_EXAMPLES) $(VENV)/python -m pytest --timeout 7200 -m hypothesis
	CCO_FUZZ_EXAMPLES=$(FUZZ_EXAMPLES) $(VENV)/python -m pytest --timeout 7200 \
		tests/fuzz/test_ledger_machine.py tests/integration/test_api_fuzzed.py

.build/atheris/.installed: $(BOOTSTRAPPED) $(REQUIREMENTS)/fuzz.txt
	rm -rf .build/atheris
	$(VENV)/python -m pip install -qq --disable-pip-version-check --no-deps --require-hashes \
		--target .build/atheris -r $(REQUIREMENTS)/fuzz.txt
	@touch $@

test-clients: dist/cco claude test-tools ## the end-to-end tests with other versions of Claude Code (fetches those; CLIENTS=… chooses)
	for client in $(CLIENTS); do \
		CCO_TEST_CLAUDE=$$($(CLIENT) fetch --client $$client) && export CCO_TEST_CLAUDE || exit 1; \
		echo "Claude Code $$client: $$CCO_TEST_CLAUDE"; \
		case $$client in newest|2.1.200) tests=tests/e2e ;; *) tests=tests/e2e/test_clients.py ;; esac; \
		CCO_TEST_BINARY="$(CURDIR)/dist/cco" $(VENV)/python -m pytest $$tests $(PYTEST) || exit 1; \
	done

test-tools: bootstrap ## what only tests need: Chromium, Prometheus, ruby, shells, pinned npm parts
	@build/chromium.sh
	@build/prometheus.sh
	@build/installer_tools.sh
	@$(VENV)/python build/web_parts.py check
	@$(VENV)/python build/powershell_syntax.py fetch

test-fast: bootstrap ## the tests that need neither the frozen program nor the real client
	$(VENV)/python -m pytest -m "not slow" tests/unit tests/integration $(PYTEST)

bench: bench-freeze test-tools ## all benchmarks: the frozen program, a launch's parts, hooks and their rival, load, a million events
	CCO_TEST_BINARY="$(CURDIR)/dist/cco" CCO_TEST_CLAUDE="$$($(CLIENT) path)" $(VENV)/python -m tests.bench.launch_parts
	CCO_TEST_BINARY="$(CURDIR)/dist/cco" $(VENV)/python -m tests.bench.hooks
	CCO_TEST_BINARY="$(CURDIR)/dist/cco" $(VENV)/python -m tests.load.measure_hooks --form frozen
	CCO_TEST_BINARY="$(CURDIR)/dist/cco" $(VENV)/python -m tests.load.measure_hooks --form frozen \
		--rate 500 --sessions 100 --seconds 60 --readers 50 --no-browser
	CCO_TEST_BINARY="$(CURDIR)/dist/cco" $(VENV)/python -m tests.load.measure_ledger --form frozen

bench-freeze: dist/cco claude ## how quick the single file is, beside what people usually freeze (builds those)
	CCO_TEST_BINARY="$(CURDIR)/dist/cco" CCO_TEST_CLAUDE="$$($(CLIENT) path)" $(VENV)/python -m tests.bench.freeze

pictures: dist/cco claude test-tools ## the recording and the screenshots of the documents, anew
	$(VENV)/python build/pictures/make.py --binary dist/cco --claude "$$($(CLIENT) path)"

check: bootstrap ## static checks: ruff, formatting, mypy, and the workflows
	$(VENV)/python -m ruff check .
	$(VENV)/python -m ruff format --check .
	$(VENV)/python -m mypy
	$(VENV)/python build/release/check_workflows.py

freeze: dist/cco ## the frozen program, dist/cco, as a development build unless CCO_BUILD_SECRET is set

dist/cco: bootstrap FORCE # build/freeze.py knows better than file times whether anything has changed
	$(VENV)/python build/freeze.py --if-changed --out $@

release: bootstrap ## dist/release/cco, from the real CCO_BUILD_SECRET only
	$(VENV)/python build/freeze.py --release --out dist/release/cco

claude: bootstrap ## fetch the pinned Claude Code for tests and demo, print where it is
	@$(CLIENT) fetch

bootstrap: $(BOOTSTRAPPED) ## .venv with the locked requirements (PYTHON=… chooses the interpreter)

$(BOOTSTRAPPED): build/bootstrap.sh $(wildcard $(REQUIREMENTS)/*.txt)
	build/bootstrap.sh
	@touch $@

docs: bootstrap ## renew the documents that are made from the code
	$(VENV)/python build/errors_page.py

lock: bootstrap ## renew the locks after a change to *.in or package.json (UPGRADE=--upgrade for newer versions)
	$(VENV)/python -m venv .build/lock
	.build/lock/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r $(REQUIREMENTS)/lock.txt
	cd $(REQUIREMENTS) && for name in runtime freeze dev release workflows fuzz lock; do $(COMPILE) $$name.in -o $$name.txt || exit 1; done
	cd $(REQUIREMENTS) && for name in launcher windows; do $(COMPILE) --no-deps $$name.in -o $$name.txt || exit 1; done
	for folder in build/claude-client build/claude-clients/* build/web build/powershell; do \
		(cd $$folder && npm install --package-lock-only --ignore-scripts --omit-lockfile-registry-resolved) || exit 1; \
	done

clean: ## remove everything that these commands have made
	rm -rf .venv .build .cache dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find build cco tests -name __pycache__ -type d -prune -exec rm -rf {} +
