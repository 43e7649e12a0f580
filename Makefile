PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
INTO_WHEEL := $(BIN)/python -m pip --python .venv/wheel/bin/python install --quiet --disable-pip-version-check --no-deps

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 14

demo: .venv/runtime  ## one run of the main job on the sample portfolio, with SQLite
	@$(BIN)/pmo-watch demo --no-serve

serve: .venv/runtime  ## the same portfolio with the daemon, its metrics and its API left running
	@$(BIN)/pmo-watch demo

test: .venv/everything  ## the whole test suite
	$(BIN)/python -m pytest -n auto --dist worksteal

check: gates test  ## everything that must pass

gates: .venv/everything  ## format, lint, types, import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

mail-servers: .venv/everything  ## send mails over Exim and Postfix from Debian's packages, and say what they answered
	$(BIN)/python -m pytest -q -p no:randomly -s -rs tests/plugins/notifiers/test_email_real_servers.py

faults: .venv/everything  ## kill, starve, stop and cut off what runs, wherever that can be done; half an hour
	$(BIN)/python -m pytest -q -p no:randomly -s -rs tests/faults

quarter: .venv/everything  ## live a quarter, replay it from what is stored, and compare; on both databases
	$(BIN)/python -m pytest -q -p no:randomly tests/quarters

fix: .venv/everything  ## format, and mend what the linter can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

words: .venv/everything  ## compile the translations again
	@for language in en fr nl; do $(BIN)/pybabel --quiet compile -l $$language -i pmo_watch/messages.$$language.po -o pmo_watch/messages.$$language.mo; done

reference: .venv/everything  ## write docs/reference.md and docs/measures.md again
	$(BIN)/python -m pmo_watch.reference docs

dashboards: .venv/everything  ## write Grafana's dashboards again: deploy/grafana/dashboards/*.json
	$(BIN)/python -m deploy.grafana.generator deploy/grafana/dashboards

pictures: .venv/everything  ## draw the demo's messages again: docs/pictures/*.png
	$(BIN)/python tests/pictures.py

wheel: .venv/everything  ## build sdist and wheel; run tests and mypy against the installed wheel
	rm -rf build dist .venv/wheel
	$(BIN)/python -m build --no-isolation --outdir dist . >/dev/null
	$(BIN)/python -m venv --without-pip .venv/wheel
	$(INTO_WHEEL) pip  # which tests of packaging call
	$(INTO_WHEEL) --require-hashes -r requirements.lock -r requirements-dev.lock
	$(INTO_WHEEL) dist/*.whl
	@# `python -m` would put the checkout before what is installed, and mypy reads modules beside the tests.
	.venv/wheel/bin/pytest -n auto --dist worksteal -p no:cacheprovider
	mkdir .venv/wheel/checked && cp -r pyproject.toml tests .venv/wheel/checked
	cd .venv/wheel/checked && ../bin/mypy tests

bench: .venv/everything  ## the figures of docs/performance.md, each beside its floor
	$(BIN)/python benchmarks/run.py

lock:  ## write both lock files again (needs uv)
	UV_PYTHON_DOWNLOADS=never uv lock --quiet
	UV_PYTHON_DOWNLOADS=never uv export --quiet --no-annotate --no-header --format requirements-txt --no-emit-project --no-dev --group build --extra postgres -o requirements.lock
	UV_PYTHON_DOWNLOADS=never uv export --quiet --no-annotate --no-header --format requirements-txt --no-emit-project --all-extras --group dev -o requirements-dev.lock

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo 'Python 3.11 or newer is needed: make PYTHON=/path/to/python'; exit 2; }
	@$(PYTHON) -m venv .venv >/dev/null 2>&1 \
	  || { $(PYTHON) -m venv --clear --without-pip .venv && $(PYTHON) -m pip --python $@ install --quiet pip; } \
	  || { rm -rf .venv; echo 'Neither ensurepip nor pip is installed: apt install python3-venv'; exit 2; }

.venv/runtime: $(BIN)/python requirements.lock pyproject.toml setup.py
	@echo 'Installing pmo-watch and what it needs into .venv ...'
	@$(INSTALL) --require-hashes --no-deps -r requirements.lock
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/everything: .venv/runtime requirements-dev.lock
	@echo 'Installing what the tests need into .venv ...'
	@$(INSTALL) --require-hashes --no-deps -r requirements-dev.lock
	@touch $@

.PHONY: help demo serve test check gates mail-servers faults quarter fix reference dashboards pictures wheel bench lock
