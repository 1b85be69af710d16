# Two commands are all one needs: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Tools that look at the dependencies are none of them.
AUDIT := .venv-audit
# Six at once where there are two cores: half of the time tests wait for processes and databases.
PYTEST := $(BIN)/pytest -n 6 --dist worksteal

.PHONY: demo check test test-most test-long fuzz mutants guards picture dist sbom audit bench-approvals bench-demo bench-history bench-tasks lock clean

demo: $(VENV)/run.stamp  ## Try Purgebot in a browser, without Slack and without a CDN account
	@$(BIN)/purgebot demo

check: $(VENV)/dev.stamp  ## Format, lint, types, floors and the unit tests, in about a minute
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(PYTEST) -q tests/unit tests/architecture

test: test-most  ## All of that and every other test
	$(BIN)/pytest -n 3 tests/stress

test-long: test-most  ## The same, with kills, races and faults in full
	TEST_LONG=1 $(BIN)/pytest tests/stress

test-most: check
	$(PYTEST) --ignore=tests/unit --ignore=tests/architecture --ignore=tests/stress

mutants: $(VENV)/dev.stamp  ## Change the rules in 200 places, and see which changes no unit test notices
	$(BIN)/python -m tests.mutants

guards: $(VENV)/dev.stamp  ## Take each counter-measure of docs/security.md away, and see whether its tests fail
	$(BIN)/python -m tests.mutants.guards

FUZZ_SECONDS ?= 600
fuzz: $(VENV)/dev.stamp  ## Try mutated input at every door, for FUZZ_SECONDS in all
	$(BIN)/python -m tests.fuzz --seconds $(FUZZ_SECONDS)

dist: $(VENV)/release.stamp  ## Build wheel and sdist, check them, install them into an empty environment, and play there
	$(VENV)/release/bin/python tests/packaging/release.py

picture: $(VENV)/dev.stamp  ## Take docs/card.png and docs/demo.png anew
	$(BIN)/python -m tests.browser.picture

bench: $(VENV)/dev.stamp  ## Measure everything, and write it into docs/performance.md
	$(BIN)/python -m bench

bench-%: $(VENV)/dev.stamp  ## Measure one part of it (bench-ack …) or all of it for a moment (bench-quick)
	$(BIN)/python -m bench $(if $(filter quick,$*),--quick,$*)

lock: $(VENV)/dev.stamp  ## Resolve the dependencies anew, with hashes
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --upgrade \
		--custom-compile-command "make lock" --group build pyproject.toml -o requirements/run.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --upgrade \
		--custom-compile-command "make lock" -c requirements/run.txt --group build \
		--group dev --extra credentials --extra tracing \
		pyproject.toml -o requirements/dev.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --upgrade \
		--custom-compile-command "make lock" -c requirements/run.txt --group build \
		--extra credentials pyproject.toml -o requirements/credentials.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --upgrade \
		--custom-compile-command "make lock" --group build-credentials -o requirements/setuptools.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --upgrade \
		--custom-compile-command "make lock" -c requirements/run.txt --group build \
		--group release -o requirements/release.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --upgrade \
		--custom-compile-command "make lock" requirements/audit.in -o requirements/audit.txt
	for bot in slack-machine errbot; do $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes \
		--upgrade --custom-compile-command "make lock" tests/python/$$bot.in -o tests/python/$$bot.txt; done

sbom: $(AUDIT)/stamp  ## Write what an installation consists of, with hashes, as CycloneDX
	$(AUDIT)/bin/cyclonedx-py requirements requirements/run.txt --pyproject pyproject.toml \
		--output-reproducible --output-format JSON --output-file sbom.json

audit: $(AUDIT)/stamp  ## Look up known vulnerabilities of the locked dependencies (needs the network)
	for lock in credentials dev release audit; do $(AUDIT)/bin/pip-audit --require-hashes --disable-pip \
		-r requirements/$$lock.txt || exit 1; done

clean:
	rm -rf $(VENV) $(AUDIT)

$(VENV)/run.stamp: requirements/run.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Purgebot needs Python 3.11 or newer")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing the locked dependencies into $(VENV) …"
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements/run.txt
	@$(BIN)/pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/dev.stamp: requirements/dev.txt $(VENV)/run.stamp
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

$(VENV)/release.stamp: requirements/release.txt
	@mkdir -p $(VENV)
	@$(PYTHON) -m venv $(VENV)/release
	@$(VENV)/release/bin/pip install -q --disable-pip-version-check --require-hashes -r requirements/release.txt
	@touch $@

$(AUDIT)/stamp: requirements/audit.txt
	@test -x $(AUDIT)/bin/python || $(PYTHON) -m venv $(AUDIT)
	@$(AUDIT)/bin/pip install -q --disable-pip-version-check --require-hashes -r requirements/audit.txt
	@touch $@
