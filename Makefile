# Conveniences over `python -m pip install` and the commands of oncovivo; nothing here is needed on Windows.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
READY := $(VENV)/.ready
TESTS ?=

.PHONY: help setup guide test check lint types imports docs browser benchmark lock clean
help:  ## show this list
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/'

setup: $(READY)  ## make .venv with the locked dependencies

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(RUN) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)

guide: $(READY)  ## build the worked example: build/temsirolimus/index.html and guide.pdf
	$(RUN) -m oncovivo guide build examples/temsirolimus -o build/temsirolimus

test: $(READY)  ## run the tests
	$(RUN) -m pytest -n auto -m "not browser" $(TESTS)

check: lint types imports docs  ## lint, format, types, import contract, site of the docs

lint: $(READY)
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .

types: $(READY)
	$(RUN) -m mypy

imports: $(READY)
	$(RUN) -c "from importlinter.cli import lint_imports_command as run; run()"

docs: $(READY)  ## build the site of the docs into build/site; a warning fails
	$(RUN) -m sphinx -q -W --keep-going -b html docs build/site

browser: $(READY)  ## open the built guide in a headless Chromium (needs one on PATH)
	$(RUN) -m pytest -p no:randomly -n auto --dist loadfile -m browser tests/browser

benchmark: $(READY)  ## time the parts and print the ratios
	$(RUN) benchmarks/guide_build.py

lock:  ## lock the dependencies again (needs uv on PATH)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --group dev --extra guide --extra mechanism --extra markers pyproject.toml -o requirements.lock

clean:  ## remove what was built
	rm -rf build $(VENV)
