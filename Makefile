# Two commands are all one needs: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test test-chaos picture bench-approvals bench-demo bench-history bench-tasks lock clean

demo: $(VENV)/run.stamp  ## Try Purgebot in a browser, without Slack and without a CDN account
	@$(BIN)/purgebot demo

test: $(VENV)/dev.stamp  ## Format, lint, types, floors and every test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n 2 --dist worksteal -m "not storm"
	$(BIN)/pytest -m storm

test-chaos: $(VENV)/dev.stamp  ## Three replicas killed, paused and cut off, under load, for five minutes
	TEST_CHAOS_SECONDS=300 $(BIN)/pytest tests/scenarios/test_chaos.py

picture: $(VENV)/dev.stamp  ## Take docs/demo.png anew
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

clean:
	rm -rf $(VENV)

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
