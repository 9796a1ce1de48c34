# What people do here. `make demo` and `make test` set everything up themselves:
# all they need is Python 3.11 or newer with venv and pip.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.PHONY: help compiled demo test prove crash-test lint format bench wheel constraints clean

help:             ## this list
	@grep -E '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: $(READY)    ## render the film pipelines/night-ferry.yaml on the built-in gateway, and check it
	$(BIN)/reelmake run pipelines/night-ferry.yaml --gateway local
	$(BIN)/reelmake verify pipelines/night-ferry.yaml --preview
	@echo "The film is in renders/night-ferry.preview/"

test: compiled    ## the fast suite, under two minutes
	$(BIN)/python -m pytest -q -n 2 --dist worksteal -m "not slow"

prove: compiled   ## the longer proofs: crashes, lost writes, many processes, many more examples
	$(BIN)/python -m pytest -q -n 2 --dist worksteal -m slow --timeout=900
	$(BIN)/python -m pytest -q -n 2 --dist worksteal -m "hypothesis and not slow" --hypothesis-profile=thorough --timeout=300

crash-test: $(READY)  ## ten thousand kills under each contract; takes hours
	for c in keyed listed quarantine; do $(BIN)/python tests/crash/random_kills.py --kills 10000 --contract $$c || exit 1; done

lint: $(READY)    ## formatting, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(READY)  ## make the formatting right
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(READY)   ## measure against build tools and floors; writes bench/results.md
	$(BIN)/python -m bench

wheel: $(READY)   ## build the wheel into dist/
	$(BIN)/python -m build --wheel --outdir dist .

constraints: $(READY)  ## pin every dependency anew: versions and hashes, no hosts
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --upgrade --python-version 3.11 --generate-hashes --extra test --extra dev \
	  --no-emit-index-url --no-annotate --no-header pyproject.toml -o constraints.txt

compiled: $(READY)  # once, not in every program that a test starts, whatever PYTHONDONTWRITEBYTECODE says
	@$(BIN)/python -m compileall -q runner

clean:            ## forget the environment and everything built
	rm -rf $(VENV) dist build *.egg-info

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
