# Collider's commands. `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help up down status build test fuzz bench lint format clean-data deps deps-test deps-bench

# What a fresh Debian 12 with Swift lacks. Installed by apt where missing, by root or with sudo.
APT_BUILD := libpq-dev libhiredis-dev libcurl4-openssl-dev libsimdjson-dev zlib1g-dev pkg-config binutils
APT_RUN := postgresql-15 redis-server ca-certificates
APT_TEST := python3 python3-venv shellcheck
VENV := .venv
# What can stand behind `make bench`; Benchmarks/run.py knows the same names.
SUITES := ingest authentication delivery read ring triggers

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

up: build ## build, start the whole stack, wait until healthy, print how to use it
	@.build/release/collider up

down: ## stop what `make up` started; data stays
	@if [ -x .build/release/collider ]; then .build/release/collider down; else echo "Nothing was built, so nothing runs."; fi

status: ## show each process of the stack
	@.build/release/collider status

clean-data: ## stop the stack and delete its data
	@.build/release/collider down --remove-data

build: deps ## build all programs in release mode
	@echo "Building (the first build takes some minutes)"
	@swift build -c release

test: deps deps-test lint ## run every test: Swift, Python, integration, end to end, architecture, lint
	@echo "Building programs and tests"
	@swift build --build-tests
	@# One at a time: side by side on two cores, suites that kill servers and count time disturb each other.
	@# What failed is said once more at the end, where it is looked for.
	@Tests/with-servers swift test --skip-build --no-parallel 2>&1 | tee .build/swift-test.log \
		|| { grep '^✘' .build/swift-test.log; exit 1; }
	@# -rs names what was skipped, and why.
	@PYTHONPATH= $(VENV)/bin/python -m pytest -rs --timeout 600 --durations 10 clients/python Tests/EndToEndTests Tests/BenchmarkTests

fuzz: deps ## feed the parsers with what libFuzzer makes up: ten minutes, or `make fuzz SECONDS=60`
	@Tests/Fuzzing/run $(or $(SECONDS),600)

bench: build deps-bench ## measure beside peers: all, or `make bench ingest`; SECONDS=3 and BENCH="--long" change how
	@$(VENV)/bin/python Benchmarks/run.py $(if $(SECONDS),--seconds $(SECONDS)) $(BENCH) $(filter $(SUITES),$(MAKECMDGOALS))

# To make the name of a suite is a goal like any other. It is one beside `bench` only, and has nothing left to do.
ifneq ($(filter bench,$(MAKECMDGOALS)),)
.PHONY: $(SUITES)
$(SUITES): bench
	@:
endif

lint: deps-test ## check format and style of Swift, Python, shell, Dockerfile and compose file
	@swift format lint --strict --recursive --parallel Package.swift Sources Tests Benchmarks
	@$(VENV)/bin/ruff check --quiet --config clients/python/pyproject.toml clients/python Tests Benchmarks
	@$(VENV)/bin/ruff format --check --quiet --config clients/python/pyproject.toml clients/python Tests Benchmarks
	@$(VENV)/bin/mypy --config-file clients/python/pyproject.toml --no-error-summary clients/python/src
	@shellcheck --severity=warning Tests/with-servers Tests/Fuzzing/run .ci/run
	@$(VENV)/bin/hadolint docker/Dockerfile
	@DB_PASSWORD=x DB_SERVICE_PASSWORD=x REDIS_PASSWORD=x JWT_SECRET=x COLLIDER_ENCRYPTION_KEY=x $(VENV)/bin/docker-compose --file docker-compose.yml config --quiet

format: deps-test ## rewrite Swift and Python in the house format
	@swift format --in-place --recursive --parallel Package.swift Sources Tests Benchmarks
	@$(VENV)/bin/ruff format --quiet --config clients/python/pyproject.toml clients/python Tests Benchmarks

deps:
	@$(MAKE) --no-print-directory apt PACKAGES="$(APT_BUILD) $(APT_RUN)"
	@command -v swift >/dev/null || { echo "error: swift is missing; install Swift 6.2 or newer from https://www.swift.org/install" >&2; exit 1; }

deps-test: $(VENV)/.installed
	@$(MAKE) --no-print-directory apt PACKAGES="$(APT_TEST)"

deps-bench: deps-test $(VENV)/.installed-bench

$(VENV)/.installed: Tests/requirements.txt clients/python/pyproject.toml clients/python/setup.py \
    $(wildcard Sources/C/CFrameLayout/*.c Sources/C/CFrameLayout/*/*.h Sources/C/ColliderRing/*.c Sources/C/ColliderRing/*/*.h)
	@$(MAKE) --no-print-directory apt PACKAGES="$(APT_TEST)"
	@echo "Installing Python tools into $(VENV)"
	@python3 -m venv $(VENV)
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r Tests/requirements.txt -e clients/python
	@touch $@

$(VENV)/.installed-bench: Benchmarks/requirements.txt $(VENV)/.installed
	@echo "Installing the peers of the benchmarks into $(VENV)"
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r Benchmarks/requirements.txt
	@touch $@

# RUNLEVEL keeps the packages from starting servers of their own: the stack starts its private ones.
.PHONY: apt
apt:
	@missing=(); for package in $(PACKAGES); do \
	    dpkg-query -W -f '$${Status}' "$$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$$package"); \
	done; \
	if [ $${#missing[@]} -gt 0 ]; then \
	    echo "Installing system packages: $${missing[*]}"; \
	    as_root=(); [ "$$(id -u)" = 0 ] || as_root=(sudo); \
	    "$${as_root[@]}" apt-get update -qq </dev/null; \
	    "$${as_root[@]}" env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$${missing[@]}" </dev/null >/dev/null \
	        || { echo "error: apt-get could not install: $${missing[*]}" >&2; exit 1; }; \
	fi
